"""Template tags that show what a report holds: a number with its range and sources, a sentence with its sources.

They only render. How a number is written is the core's; a sum or a new sentence about facts belongs there too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.template import Context

from advisor.core.figures import amount, plain, span, words

register = template.Library()
for shown in (amount, plain, span, words):
    register.filter(shown)

_SOURCES_IN_A_CARD = 8
_SOURCES_IN_LINE = 3


@register.inclusion_tag("web/_figure.html", takes_context=True)
def figure(context: Context, number: Mapping[str, Any] | None) -> dict[str, Any]:
    """Show a number with its range; a press opens a card with its kind, reason and sources."""
    if number is None:
        return {"number": None}
    shown = {"number": number, "amount": amount(number), "span": span(number)}
    sources = tuple(number["evidence"])
    key = (number["value"], number["low"], number["high"], number["unit"], number["kind"], number["reason"], sources)
    return {**shown, "card": _card(context, key=key, sources=sources, **shown)}


@register.inclusion_tag("web/_cite.html", takes_context=True)
def cite(context: Context, evidence: Iterable[str] | None) -> dict[str, Any]:
    """Show links to the evidence entries behind a sentence: a few, and a button for the others."""
    sources = tuple(evidence or ())
    entries = _entries(context, sources)
    others = entries[_SOURCES_IN_LINE:]
    card = _card(context, key=sources, sources=sources) if others else ""
    return {"entries": entries[:_SOURCES_IN_LINE], "others_count": len(others), "card": card}


def _card(context: Context, *, key: object, sources: tuple[str, ...], **shown: Any) -> str:
    """Return the id of a pop-up card. Equal ones are one; all are collected for the end of the page.

    They stand there because what lies in a closed `details` cannot pop up.
    """
    cards = context["cards"]
    if key not in cards:
        entries = _entries(context, sources)
        first, others = entries[:_SOURCES_IN_A_CARD], entries[_SOURCES_IN_A_CARD:]
        cards[key] = {"id": f"card-{len(cards) + 1}", "entries": first, "others": others, **shown}
    return str(cards[key]["id"])


def _entries(context: Context, sources: Iterable[str]) -> list[Mapping[str, Any]]:
    known = context["evidence_by_id"]
    return [known.get(source) or {"label": source, "missing": True} for source in sources]
