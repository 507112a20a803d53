"""Template tags that show what a report holds: a number with its range and sources, a sentence with its sources.

They only render. A sum or a new sentence about facts belongs in `advisor.core`.
"""

from collections.abc import Mapping
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Kinds that somebody stated. Without a range such a number is shown as stated; what is computed bears three digits.
_STATED = ("list price", "contract price", "specification", "answer", "default", "published benchmark", "probe")
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
    ends = [number[end] * 100 if percent else number[end] for end in ("low", "high")]
    write = _money if number["unit"].startswith("USD") else _digits
    low, high = (write(end, exact=False).replace("-", "−", 1 if end < 0 else 0) for end in ends)
    dash = " to " if number["low"] < 0 else "–"
    return "" if low == high else f"{low}{dash}{high}" + (" %" if percent else "")


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


# These two stand hundreds of times on a page for paper: as templates of their own they would take half its time.
@register.simple_tag(takes_context=True)
def figure(context: Context, number: Mapping[str, Any] | None) -> SafeString:
    """Show a number with its range, as a link to where it comes from."""
    if number is None:
        return mark_safe('<span class="quiet">not stated</span>')
    is_unknown = number["value"] is None
    look = "figure-value figure-unknown" if is_unknown else "figure-value"
    address, range_text = _address(context, number), span(number)
    link = '<a class="{0}" href="{1}" data-card>{2}<span class="visually-hidden">, sources</span></a>'
    return format_html(
        '<span class="figure">{}{}{}</span>',
        format_html(link if address else '<span class="{0}">{2}</span>', look, address, amount(number)),
        format_html(' <span class="figure-span">{}</span>', range_text) if range_text else "",
        format_html(' <span class="figure-span figure-reason">{}</span>', number["reason"])
        if is_unknown and number["reason"]
        else "",
    )


@register.simple_tag(takes_context=True)
def cite(context: Context, statement: Mapping[str, Any] | None) -> SafeString | str:
    """Show a mark behind a sentence or a choice that leads to its evidence; nothing where it has none."""
    count = len((statement or {}).get("evidence") or ())
    address = _address(context, statement) if statement and count else ""
    if not address:
        return ""
    words = "1 source" if count == 1 else f"{count} sources"
    return format_html('<a class="cite" href="{}" data-card aria-label="{} of this">i</a>', address, words)


def _address(context: Context, statement: Mapping[str, Any]) -> str:
    """Return where the evidence of a statement is shown; nothing where the report does not make it."""
    number = context["readout"].statements.number_of(statement)
    return f"{context['statement_base']}{number}" if number else ""


def _is_exact(number: Mapping[str, Any]) -> bool:
    """Say whether a number is shown digit for digit: a stated one without a range, but no sum of money."""
    is_sum = number["unit"] in ("USD", "USD/month", "USD, once")
    return number.get("kind") in _STATED and number.get("low") == number.get("high") and not is_sum


def _with_unit(value: float, unit: str, *, exact: bool) -> str:
    if unit == "fraction":
        return f"{_digits(value * 100, exact=exact)} %"
    if unit == "score":
        return f"{value:.2f}"
    if unit == "percent":
        return f"{_digits(value, exact=exact)} %"
    if unit == "USD, once":
        return f"{_money(value, exact=exact)} once"
    name, _, per = unit.replace(" per ", "/").partition("/")
    tail = f" per {per.replace('-', ' ')}" if per else ""
    if name == "USD":
        return f"{_money(value, exact=exact)}{tail}"
    if unit in _PLURALS:
        return f"{_digits(value, exact=exact)} {_PLURALS[unit]}".rstrip()
    return f"{_digits(value, exact=exact)} {name}{tail}"


def _money(value: float, *, exact: bool) -> str:
    """Return an amount in dollars; cents come as two digits."""
    digits = _digits(abs(value), exact=exact)
    if len(digits.partition(".")[2]) == 1 and digits[-1].isdigit():
        digits += "0"
    return f"{'−' if value < 0 else ''}${digits}"


def _digits(value: float, *, exact: bool) -> str:
    rounded = float(f"{value:.6g}" if exact else f"{value:.3g}")
    size = abs(rounded)
    if size >= 1e15:
        return f"{rounded:.3g}"
    for least, divisor, word in ((1e12, 1e12, " trillion"), (1e9, 1e9, " billion"), (1e6, 1e6, " million")):
        if size >= least:
            return f"{rounded / divisor:,.4g}{word}"
    if size >= 1000:
        return f"{rounded:,.0f}"
    return f"{rounded:.6g}" if size >= 1e-4 or size == 0 else f"{rounded:.2e}"
