"""The one shape of a number in a report: value, range, unit, kind and where it came from."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

SIGNIFICANT_DIGITS = 6

Number = dict[str, Any]
Sentence = dict[str, Any]


class Unsourced(ValueError):
    """A number was about to enter a report without evidence, or unknown without a reason."""


def rounded(value: Any) -> float | None:
    """Return ``value`` at 6 significant digits, or None where it is unknown (None, NaN, infinite)."""
    if value is None:
        return None
    value = float(value)
    if not math.isfinite(value):
        return None
    if value == 0:
        return 0.0
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def number(
    value: Any,
    low: Any = None,
    high: Any = None,
    *,
    unit: str,
    kind: str,
    evidence: Iterable[str] = (),
    reason: str = "",
) -> Number:
    """Return a report number. A point value is its own range; an unknown one carries its reason.

    Raises Unsourced for a known value without evidence, or an unknown one without a reason: neither may reach a reader.
    """
    point, bottom, top = rounded(value), rounded(low), rounded(high)
    sources = sorted(set(evidence))
    if point is None and not reason:
        raise Unsourced(f"an unknown number in {unit} needs its reason")
    if point is not None and not sources:
        raise Unsourced(f"{point} {unit} names no evidence")
    if point is not None:
        bottom = point if bottom is None else min(bottom, point)
        top = point if top is None else max(top, point)
    return {
        "value": point,
        "low": bottom,
        "high": top,
        "unit": unit,
        "kind": kind,
        "evidence": sources,
        "reason": reason or None,
    }


def unknown(*, unit: str, reason: str, low: Any = None, evidence: Iterable[str] = ()) -> Number:
    """Return an unknown number with its reason; ``low`` keeps a proven lower bound."""
    return number(None, low, None, unit=unit, kind="estimate", evidence=evidence, reason=reason)


def from_row(
    row: Mapping[str, Any], name: str, *, unit: str, kind: str, evidence: Iterable[str], reason: str
) -> Number:
    """Return the number of the frame columns ``name_low``, ``name_typical`` and ``name_high`` of one row."""
    value = row.get(f"{name}_typical")
    if rounded(value) is None:
        return unknown(unit=unit, reason=reason or f"{name.replace('_', ' ')} could not be computed", evidence=evidence)
    return number(value, row.get(f"{name}_low"), row.get(f"{name}_high"), unit=unit, kind=kind, evidence=evidence)


def added(parts: Mapping[str, Number], *, unit: str) -> Number:
    """Return the sum of independent parts, each a number in ``unit``.

    A sum with an unknown part is a lower bound: its value is null, ``low`` holds what is known, and the reason names
    what is missing. Ranges add end to end (the parts of one bill move together), which is the wider choice.
    """
    missing = [name for name, part in parts.items() if part["value"] is None]
    lows = [part["low"] for part in parts.values() if part["low"] is not None]
    evidence = sorted({source for part in parts.values() for source in part["evidence"]})
    kinds = {part["kind"] for part in parts.values() if part["value"] is not None}
    if missing:
        reasons = "; ".join(f"{name}: {parts[name]['reason']}" for name in missing)
        return unknown(unit=unit, reason=f"not included: {reasons}", low=sum(lows) if lows else None, evidence=evidence)
    total = sum(part["value"] for part in parts.values())
    high = sum(part["high"] for part in parts.values())
    return number(total, sum(lows), high, unit=unit, kind=weakest(kinds), evidence=evidence)


def scaled(part: Number, factor: float, *, unit: str) -> Number:
    """Return ``part`` times a positive exact factor (months, runs), in a new unit."""
    ends = {key: None if part[key] is None else part[key] * factor for key in ("value", "low", "high")}
    return {**part, **{key: rounded(value) for key, value in ends.items()}, "unit": unit}


_STRENGTH = (
    "assumption",
    "judgement",
    "default",
    "estimate",
    "published benchmark",
    "answer",
    "specification",
    "probe",
    "list price",
    "contract price",
)


def weakest(kinds: Iterable[str]) -> str:
    """Return the least proven of the kinds: a sum is only as sure as its weakest part."""
    return min(kinds, key=_STRENGTH.index, default="assumption")


def sentence(text: str, *evidence: str) -> Sentence:
    """Return a sentence made for a reader, with the ids of the evidence behind its numbers."""
    return {"text": text, "evidence": sorted(set(evidence))}


def usd(value: float | None) -> str:
    """Return an amount of money in words for a sentence: three significant digits and a unit of thousands."""
    if value is None:
        return "an unknown amount"
    for size, suffix in ((1e9, " billion"), (1e6, " million")):
        if abs(value) >= size:
            return f"${value / size:.3g}{suffix}"
    if abs(value) >= 1000:
        return f"${float(f'{value:.3g}'):,.0f}"
    text = f"{value:.3g}"
    return f"${text}0" if len(text.partition(".")[2]) == 1 else f"${text}"  # cents are two digits: $12.10


def span(value: Number) -> str:
    """Return a money number with its range in words: ``$1,200 (900 to 1,500)``, or why it is unknown."""
    if value["value"] is None:
        return f"at least {usd(value['low'])}" if value["low"] else f"unknown ({value['reason']})"
    if value["low"] == value["high"]:
        return usd(value["value"])
    return f"{usd(value['value'])} ({usd(value['low'])} to {usd(value['high'])})"


def costs(value: Number, *, every: str = "") -> str:
    """Return ``costs $1,200 (900 to 1,500) a month``, or that the cost is not known and why."""
    if value["value"] is None and not value["low"]:
        return f"has no known cost ({value['reason']})"
    return f"costs {span(value)}{every}"


def titled(text: str) -> str:
    """Return a text with its first letter large and the others as they are."""
    return text[:1].upper() + text[1:]
