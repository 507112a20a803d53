"""The decision record as Markdown in the shape of MADR 4, ready to commit as ``NNNN-slug.md``."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import singledispatch
from typing import Any

from advisor.core.record.arrangement import Facts, Record, record
from advisor.core.record.blocks import (
    Block,
    Bullets,
    Cell,
    Heading,
    Paragraph,
    Picture,
    Reference,
    References,
    Said,
    Section,
    Table,
)
from advisor.core.report import content_hash

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!])")
# MADR's headings, each with the parts of the record that stand under it, and how deep.
_MADR = (
    ("## Context and Problem Statement", "context"),
    ("## Decision Drivers", "drivers"),
    ("## Considered Options", "options"),
    ("## Decision Outcome", "outcome"),
    ("### Costs", "cost"),
    ("### Consequences", "consequences"),
    ("### Confirmation", "confirmation"),
    ("## Pros and Cons of the Options", "why_not"),
    ("## More Information", None),
)
_MORE = ("coupling", "unanswered", "figures", "evidence", "made_from")


def markdown(report_data: Mapping[str, Any], *, sha256: str | None = None, facts: Facts | None = None) -> str:
    """Return the record of a report as Markdown."""
    found = record(report_data, sha256=sha256 or content_hash(report_data), facts=facts or Facts())
    return "\n\n".join(part for part in _parts(found) if part) + "\n"


def escaped(text: Any) -> str:
    """Return text that Markdown prints literally, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))


def _parts(found: Record) -> Iterator[str]:
    yield _front_matter(found)
    yield f"# {escaped(found.title)}"
    yield "\n".join(f"* {label}: {escaped(text)}" for label, text in _named(found))
    for heading, key in _MADR:
        yield heading
        if key is None:
            yield from _more(found)
            continue
        if key == "context":
            yield _said(found.statement)
        if key == "options":
            yield _options(found)
        if key == "outcome":
            yield f'Chosen option: "{escaped(found.chosen)}", because {escaped(found.because)}'
        yield from _blocks(found.section(key), depth=heading.count("#", 0, 4) + 1)


def _named(found: Record) -> Iterator[tuple[str, str]]:
    """Yield the head's facts, first those that tools for older records read from a list of these names."""
    yield "Status", found.status
    if found.facts.decision_makers:
        yield "Deciders", ", ".join(found.facts.decision_makers)
    yield "Date", found.moment
    yield from (pair for pair in found.pairs if pair[0] not in ("Status", "Holds as of", "Decided by"))


def _options(found: Record) -> str:
    return "\n".join(f"* {escaped(title)}" for title in found.options)


def _more(found: Record) -> Iterator[str]:
    for key in _MORE:
        section = found.section(key)
        yield f"### {section.title}"
        yield from _blocks(section, depth=4)


def _front_matter(found: Record) -> str:
    """Return MADR's front matter. A JSON string is a YAML string too: no name can break out of it.

    The empty line is for readers that know no front matter: without it they see a heading.
    """
    people = ", ".join(json.dumps(name, ensure_ascii=False) for name in found.facts.decision_makers)
    lines = [f"status: {json.dumps(found.status)}", f"date: {found.moment}", f"decision-makers: [{people}]"]
    return "\n".join(["---", *lines, "", "---"])


def _blocks(section: Section, *, depth: int) -> Iterator[str]:
    for block in section.blocks:
        yield _rendered(block, depth)


@singledispatch
def _rendered(block: Block, depth: int) -> str:
    raise TypeError(f"no Markdown for {block!r}")


@_rendered.register
def _(block: Heading, depth: int) -> str:
    return f"{'#' * depth} {escaped(block.text)}"


@_rendered.register
def _(block: Paragraph, depth: int) -> str:
    return _said(block.said)


@_rendered.register
def _(block: Bullets, depth: int) -> str:
    return "\n".join(f"* {_said(item)}" for item in block.items)


@_rendered.register
def _(block: Table, depth: int) -> str:
    head = f"| {' | '.join(escaped(column.title) for column in block.columns)} |"
    rule = "".join("|---:" if column.is_number else "|---" for column in block.columns) + "|"
    return "\n".join([head, rule, *(f"| {' | '.join(map(_cell, row))} |" for row in block.rows)])


@_rendered.register
def _(block: Picture, depth: int) -> str:
    return _said(block.said)  # each of its figures stands in a table of the record


@_rendered.register
def _(block: References, depth: int) -> str:
    return "\n".join(map(_reference, block.items))


def _reference(one: Reference) -> str:
    source = f"[{escaped(one.source)}]({one.url})" if one.url else escaped(one.source)
    place = f", {escaped(one.place)}" if one.place else ""
    return f"* {one.number}: {escaped(one.text)} – {source}{place}; {escaped(one.dated)}"


def _said(said: Said) -> str:
    lead = f"**{escaped(said.lead)}:** " if said.lead else ""
    return f"{lead}{escaped(said.text)}"


def _cell(cell: Cell) -> str:
    note = f" ({escaped(cell.note)})" if cell.note else ""
    return f"{escaped(cell.text)}{note}".strip()
