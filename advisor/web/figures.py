"""Template tags that show what a report holds: a number with its range and sources, a sentence with its sources.

They only render. A sum or a new sentence about facts belongs in `advisor.core`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.template import Context

register = template.Library()

# Kinds that somebody stated. Without a range such a number is shown as stated; what is computed bears three digits.
_STATED = ("list price", "contract price", "specification", "answer", "default", "published benchmark", "probe")
_SOURCES_IN_A_CARD = 8
_SOURCES_IN_LINE = 3
_PLURALS = {"units/s": "units a second", "requests/s": "requests a second", "ratio": "times"}


@register.filter
def amount(number: Mapping[str, Any] | None) -> str:
    """Return a number with its unit in words: `$12,300 a month`, `at least $900 a month`, `unknown`."""
    if number is None:
        return "unknown"
    exact = _is_exact(number)
    if number.get("value") is not None:
        return _with_unit(number["value"], number["unit"], exact=exact)
    if number.get("low"):
        return f"at least {_with_unit(number['low'], number['unit'], exact=exact)}"
    return "unknown"


@register.filter
def span(number: Mapping[str, Any] | None) -> str:
    """Return a number's range without its unit, `9,800–15,100`; nothing where there is none."""
    if number is None or number.get("value") is None or number.get("low") is None or number.get("high") is None:
        return ""
    if number["low"] == number["high"]:
        return ""
    if number["unit"] == "score":
        return f"{number['low']:.2f}–{number['high']:.2f}"
    percent = number["unit"] == "fraction"
    low, high = (_digits(end * 100 if percent else end, exact=False) for end in (number["low"], number["high"]))
    money = "$" if number["unit"].startswith("USD") else ""
    return f"{money}{low}–{money}{high}" + (" %" if percent else "")


@register.filter
def plain(value: Any) -> str:
    """Return a bare value of an evidence entry or a default as text."""
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _digits(value, exact=True)
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(one) for one in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(one)}" for key, one in value.items()) or "none"
    return str(value)


@register.filter
def words(name: Any) -> str:
    """Return a key of the report as words: `model_layer` → `model layer`."""
    return str(name).replace("_", " ")


@register.inclusion_tag("web/_figure.html", takes_context=True)
def figure(context: Context, number: Mapping[str, Any] | None) -> dict[str, Any]:
    """Show a number with its range; a press opens its kind, reason and sources."""
    entries, missing = _entries(context, (number or {}).get("evidence") or ())
    return {
        "number": number,
        "amount": amount(number),
        "span": span(number),
        "card": _next_card(context),
        "entries": entries[:_SOURCES_IN_A_CARD],
        "others": entries[_SOURCES_IN_A_CARD:],
        "missing": missing,
    }


@register.inclusion_tag("web/_cite.html", takes_context=True)
def cite(context: Context, evidence: Iterable[str] | None) -> dict[str, Any]:
    """Show links to the evidence entries behind a sentence."""
    entries, missing = _entries(context, evidence or ())
    return {
        "entries": entries[:_SOURCES_IN_LINE],
        "others": entries[_SOURCES_IN_LINE:],
        "card": _next_card(context),
        "missing": missing,
    }


def _entries(context: Context, ids: Iterable[str]) -> tuple[list[Mapping[str, Any]], list[str]]:
    known = context["evidence_by_id"]
    ids = list(ids)
    return [known[one] for one in ids if one in known], [one for one in ids if one not in known]


def _is_exact(number: Mapping[str, Any]) -> bool:
    return number.get("kind") in _STATED and number.get("low") == number.get("high")


def _next_card(context: Context) -> str:
    """Return an id for the next pop-up card of this page; the page's context holds the count."""
    return f"card-{next(context['cards'])}"


def _with_unit(value: float, unit: str, *, exact: bool) -> str:
    if unit == "fraction":
        return f"{_digits(value * 100, exact=exact)} %"
    if unit == "score":
        return f"{value:.2f}"
    if unit == "percent":
        return f"{_digits(value, exact=exact)} %"
    name, _, per = unit.replace(" per ", "/").partition("/")
    tail = f" per {per.replace('-', ' ')}" if per else ""
    if name == "USD":
        return f"{'−' if value < 0 else ''}${_digits(abs(value), exact=exact)}{tail}"
    if unit in _PLURALS:
        return f"{_digits(value, exact=exact)} {_PLURALS[unit]}".rstrip()
    return f"{_digits(value, exact=exact)} {name}{tail}"


def _digits(value: float, *, exact: bool) -> str:
    rounded = float(f"{value:.6g}" if exact else f"{value:.3g}")
    size = abs(rounded)
    if size >= 1e15:
        return f"{rounded:.3g}"
    for least, divisor, word in ((1e12, 1e12, " trillion"), (1e9, 1e9, " billion"), (1e6, 1e6, " million")):
        if size >= least:
            return f"{rounded / divisor:,.6g}{word}"
    if size >= 1000:
        return f"{rounded:,.0f}"
    return f"{rounded:.6g}" if size >= 1e-4 or size == 0 else f"{rounded:.2e}"
