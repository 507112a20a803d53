"""How a report's numbers and bare values are written for people: on the page, in the record and in its PDF alike."""

import re
from collections.abc import Mapping
from typing import Any

from advisor.core.quantity import digits, usd
from catalog.units import HOURS_PER_DAY

# Kinds that somebody stated. Without a range such a number is shown as stated; what is computed bears three digits.
_LISTED = ("list price", "contract price")
_STATED = ("list price", "contract price", "specification", "answer", "default", "published benchmark", "probe")
_PLURALS = {"units/s": "units a second", "requests/s": "requests a second", "ratio": "times"}


def amount(number: Mapping[str, Any] | None) -> str:
    """Return a number with its unit in words: `$12,300 a month`, `at least $900 a month`, `unknown`."""
    if number is None:
        return "unknown"
    exact = _is_exact(number)
    value, least = number.get("value"), number.get("low")
    if value is None and not least:
        return "unknown"
    shown = float(least or 0.0) if value is None else float(value)
    times, unit = (1.0, number["unit"]) if exact else timed(shown, number["unit"])
    told = _with_unit(shown * times, unit, exact=exact)
    return f"at least {told}" if value is None else told


def span(number: Mapping[str, Any] | None) -> str:
    """Return a number's range without its unit, `9,800–15,100`; nothing where there is none."""
    if number is None or number.get("value") is None or number.get("low") is None or number.get("high") is None:
        return ""
    if number["low"] == number["high"]:
        return ""
    if number["unit"] == "score":
        return f"{number['low']:.2f}–{number['high']:.2f}"
    percent = number["unit"] == "fraction"
    times = 100 if percent else timed(number["value"], number["unit"])[0]
    ends = [number[end] * times for end in ("low", "high")]
    write = usd if number["unit"].startswith("USD") else digits
    low, high = (write(end, exact=False).replace("-", "−", 1 if end < 0 else 0) for end in ends)
    dash = " to " if number["low"] < 0 else "–"
    return "" if low == high else f"{low}{dash}{high}" + (" %" if percent else "")


def timed(value: float, unit: str) -> tuple[float, str]:
    """Return the unit in which a computed duration reads best and how many of it one ``unit`` has: days as hours.

    What is shorter than an hour is told in minutes. Other units stay.
    """
    if unit != "days" or not 0 < value < 1:
        return 1.0, unit
    if value * HOURS_PER_DAY < 1:
        return 60.0 * HOURS_PER_DAY, "minutes"
    return float(HOURS_PER_DAY), "hours"


def plain(value: Any) -> str:
    """Return a bare value of an evidence entry or a default as text."""
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return digits(value, exact=True)
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(one) for one in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(one)}" for key, one in value.items()) or "none"
    return str(value)


def stated(value: float, unit: str) -> str:
    """Return what somebody stated with its unit, digit for digit: `30 %`, `$400,000 per month`, `1 engineer`."""
    return _with_unit(value, unit, exact=True).strip()


def words(name: Any) -> str:
    """Return a key of the report as words: `model_layer` → `model layer`, `managed_api` → `managed API`."""
    return re.sub(r"\b(api|cpu)\b", lambda found: found[0].upper(), str(name).replace("_", " "))


def _is_exact(number: Mapping[str, Any]) -> bool:
    """Say whether a number is shown digit for digit: a stated one without a range; of money, a listed price alone."""
    is_sum = number["unit"] in ("USD", "USD/month", "USD, once")
    exact = _LISTED if number["unit"].startswith("USD") else _STATED
    return number.get("kind") in exact and number.get("low") == number.get("high") and not is_sum


def _with_unit(value: float, unit: str, *, exact: bool) -> str:
    if unit == "fraction":
        return f"{digits(value * 100, exact=exact)} %"
    if unit == "score":
        return f"{value:.2f}"
    if unit == "percent":
        return f"{digits(value, exact=exact)} %"
    if unit == "USD, once":
        return f"{usd(value, exact=exact)} once"
    name, _, per = unit.replace(" per ", "/").partition("/")
    tail = f" per {per.replace('-', ' ')}" if per else ""
    if name == "USD":
        return f"{usd(value, exact=exact)}{tail}"
    shown = digits(value, exact=exact)
    if unit in _PLURALS:
        return f"{shown} {_PLURALS[unit]}".rstrip()
    return f"{shown} {_one(name) if shown == '1' else name}{tail}"


def _one(name: str) -> str:
    """Return the singular of a unit: `instances` → `instance`; abbreviations such as `ms` stay."""
    return "person" if name == "people" else name.removesuffix("s") if len(name) > 3 else name
