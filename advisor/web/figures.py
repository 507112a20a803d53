"""Template tags that show what a report holds: a number with its range and sources, a sentence with its sources.

They only render. How a number is written is the core's; a sum or a new sentence about facts belongs there too.
"""

from collections.abc import Mapping
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from advisor.core.figures import amount, plain, span, words

register = template.Library()
for shown in (amount, plain, span, words):
    register.filter(shown)


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
