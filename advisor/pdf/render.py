"""A decision record as PDF: tagged, searchable, the same bytes for the same report."""

import datetime as dt
import json
import re
import unicodedata
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typst

from advisor.core.record.arrangement import Facts, Record, record
from advisor.core.record.blocks import Block, Cell, Picture, Table
from advisor.core.report import hash_of
from advisor.pdf import charts

RENDERER = f"record 4, typst {version('typst')}"

_TEMPLATES = Path(__file__).parents[2] / "templates" / "pdf"
_MAX_HEADER_LETTERS = 90
_WIDEST_WORD = 60  # letters that a line of the page has room for
_WIDEST_WORD_IN_CELL = 16
_HASH = re.compile(r"[0-9a-f]{64}")  # stays whole: it is copied
_LONG_WORD = {widest: re.compile(rf"[^\s\-/–—]{{{widest + 1},}}") for widest in (_WIDEST_WORD, _WIDEST_WORD_IN_CELL)}
_WORD_PARTS = re.compile(r"[^_.:,=(]{1,12}[_.:,=(]?|[_.:,=(]")
_UNPRINTABLE = {"Cc", "Cs", "Co", "Cn"}
# They turn the direction of what stands around them, or may not stand in an archived file.
_REFUSED = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), *"\u200e\u200f\u061c\ufeff\ufffc\ufffd"}


class NotRendered(RuntimeError):
    """The renderer refused the record. The message says why."""


def pdf(content: bytes, *, facts: Facts | None = None) -> bytes:
    """Return the PDF of a report's bytes. The report's own day is the document's date: no clock is read."""
    found = record(json.loads(content), sha256=hash_of(content), facts=facts or Facts())
    day = dt.datetime.combine(dt.date.fromisoformat(found.moment), dt.time(), tzinfo=dt.UTC)
    try:
        # typst checks the rules of both standards while it writes: what breaks one is refused, not written.
        made = _compiler().compile(
            sys_inputs={"record": _as_json(found)}, format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=day
        )
    except typst.TypstError as error:
        raise NotRendered(f"typst refused the record: {error.message}") from error
    if not isinstance(made, bytes):
        raise NotRendered("typst wrote no single file")
    return made


def printable(text: str) -> str:
    """Return text with every character that cannot be printed, or that turns its neighbours, named in its place."""
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text)
    if text.isprintable() and _REFUSED.isdisjoint(text):
        return text
    return "".join(map(_printable, text))


def breakable(text: str, *, widest: int) -> str:
    """Return text in which a longer word may end its line between its parts, so that no name leaves its column."""
    if len(text) <= widest or _HASH.fullmatch(text):
        return text
    return _LONG_WORD[widest].sub(lambda word: "\u200b".join(_WORD_PARTS.findall(word[0])), text)


def _printable(letter: str) -> str:
    if letter in "\n\t":
        return " "
    if unicodedata.category(letter) in _UNPRINTABLE or letter in _REFUSED:
        return f"[U+{ord(letter):04X}]"
    return letter


@cache
def _compiler() -> typst.Compiler:
    """Return the compiler with our fonts and its own; what is installed on the machine never shows in a record."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[_TEMPLATES / "fonts"])
    return typst.Compiler(input=_TEMPLATES / "record.typ", root=_TEMPLATES, font_paths=fonts)


def _as_json(found: Record) -> str:
    """Return the record as JSON: the template reads it as data, so no text in it is ever markup."""
    head = {
        "title": found.title,
        "short_title": _shortened(found.title),
        "status": found.status,
        "sha256": found.sha256,
        "pairs": found.pairs,
        "statement": found.statement,
    }
    sections = [
        {"key": section.key, "title": section.title, "blocks": [_block(block) for block in section.blocks]}
        for section in found.sections
    ]
    return json.dumps({**_cleaned(head, widest=_WIDEST_WORD), "sections": sections}, ensure_ascii=False)


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Picture):
        return dict(_cleaned(charts.drawn(block), widest=_WIDEST_WORD_IN_CELL))
    if isinstance(block, Table):
        columns = _cleaned(block.columns, widest=_WIDEST_WORD_IN_CELL)
        rows = [[_cell(cell) for cell in row] for row in block.rows]
        return {"kind": block.kind, "columns": columns, "rows": rows, "is_dense": block.is_dense}
    return {"kind": block.kind, **_cleaned(vars(block), widest=_WIDEST_WORD)}


def _cell(cell: Cell) -> str | list[str | float | None]:
    """Return a cell as its bare text, or as text, note, sources and shade: most of a record is cells."""
    text = _shown(cell.text, _WIDEST_WORD_IN_CELL)
    if not (cell.note or cell.refs or cell.shade is not None):
        return text
    return [text, _shown(cell.note, _WIDEST_WORD_IN_CELL), cell.refs, cell.shade]


def _cleaned(value: Any, *, widest: int) -> Any:
    """Return records, lists and texts as JSON has them, each text printable and breakable."""
    if isinstance(value, str):
        return _shown(value, widest)
    if isinstance(value, (list, tuple)):
        return [_cleaned(part, widest=widest) for part in value]
    if isinstance(value, dict):
        return {key: part if key == "url" else _cleaned(part, widest=widest) for key, part in value.items()}
    return _cleaned(vars(value), widest=widest) if hasattr(value, "__dict__") else value


def _shown(text: str, widest: int) -> str:
    return breakable(printable(text), widest=widest)


def _shortened(title: str) -> str:
    return title if len(title) <= _MAX_HEADER_LETTERS else f"{title[:_MAX_HEADER_LETTERS].rstrip()}…"
