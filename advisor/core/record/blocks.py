"""What a decision record is made of: sentences, lists, tables and charts, without a word on how they look.

Markdown and PDF render the same blocks, so that neither can say what the other doesn't.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from advisor.core.charts import Chart
from advisor.core.figures import amount, span
from advisor.core.quantity import Number, Sentence

_NAMED_SOURCES = 3
_AS_ABOVE = "as above"
_COMPARED_SHARE = 2.6


@dataclass(frozen=True)
class Said:
    """A sentence with the numbers of its evidence, and a name or word that leads it."""

    text: str
    refs: str = ""
    lead: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table: a text and, more quietly, what qualifies it.

    ``shade`` is 0 to 1 where the figure has a scale.
    """

    text: str
    note: str = ""
    refs: str = ""
    shade: float | None = None


@dataclass(frozen=True)
class Column:
    """A column: numbers stand at its end. ``share`` is its part of the width; 0 takes what its texts need."""

    title: str
    share: float = 1.0
    is_number: bool = False


@dataclass(frozen=True)
class Heading:
    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Paragraph:
    kind: ClassVar[str] = "paragraph"
    said: Said
    is_quiet: bool = False


@dataclass(frozen=True)
class Bullets:
    kind: ClassVar[str] = "bullets"
    items: tuple[Said, ...]


@dataclass(frozen=True)
class Table:
    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_dense: bool = False


@dataclass(frozen=True)
class Reference:
    """A source under its number: what it says, whose it is, where that can be read, and its kind and day."""

    number: int
    text: str
    source: str
    place: str = ""
    dated: str = ""
    url: str = ""


@dataclass(frozen=True)
class References:
    kind: ClassVar[str] = "references"
    items: tuple[Reference, ...]


@dataclass(frozen=True)
class Picture:
    """One of the report's charts and the sentence that says it; each of its figures stands in a table too."""

    kind: ClassVar[str] = "picture"
    chart: Chart
    said: Said


Block = Heading | Paragraph | Bullets | Table | Picture | References


@dataclass(frozen=True)
class Section:
    """A part of the record. ``key`` names it for whoever orders the parts."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Sources:
    """The numbers of the evidence: the n-th entry of the report is source n, on the page as in the record."""

    numbers: Mapping[str, int]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Sources":
        return cls({entry["id"]: number for number, entry in enumerate(data.get("evidence", ()), start=1)})

    def all(self, ids: Iterable[str]) -> str:
        """Return every source's number, runs drawn together: ``3–7, 12``."""
        runs: list[list[int]] = []
        for number in self._known(ids):
            if runs and number == runs[-1][1] + 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)

    def some(self, ids: Iterable[str]) -> str:
        """Return the first sources' numbers and how many more there are; the report's JSON names each."""
        known = self._known(ids)
        named = ", ".join(map(str, known[:_NAMED_SOURCES]))
        more = len(known) - _NAMED_SOURCES
        return f"{named} and {more} more" if more > 0 else named

    def said(self, sentence: Sentence, *, lead: str = "") -> Said:
        """Return a sentence of the report with its sources."""
        return Said(sentence["text"], refs=self.some(sentence["evidence"]), lead=lead)

    def _known(self, ids: Iterable[str]) -> list[int]:
        return sorted({self.numbers[id] for id in ids if id in self.numbers})


def figure(number: Number | None, *, with_reason: bool = True) -> Cell:
    """Return a number as a cell: its amount and, below it, its range or why it is unknown.

    In a narrow column the reason may be left to the record's table of every figure.
    """
    if number is None:
        return Cell("unknown")
    reason = number["reason"] if with_reason and number["value"] is None else ""
    return Cell(amount(number), note=span(number) or reason or "")


def rows(cells: Iterable[Sequence[Cell | str]]) -> tuple[tuple[Cell, ...], ...]:
    """Return rows of cells; a bare text is a cell without qualification."""
    return tuple(tuple(Cell(cell) if isinstance(cell, str) else cell for cell in row) for row in cells)


def cell(sentence: Sentence, sources: Sources) -> Cell:
    """Return a sentence as a cell with its sources."""
    return Cell(sentence["text"], refs=sources.some(sentence["evidence"]))


def figures(labelled: Iterable[tuple[str, Number]], refs: Callable[[Iterable[str]], str]) -> Table:
    """Return numbers as a table, a line each: its range, its kind, what it rests on, and why it is unknown."""
    found = list(labelled)
    before = [None, *(number["evidence"] for _, number in found)]
    return Table(
        (
            Column("Figure", 1.85),
            Column("Value", 2.1, True),
            Column("Range", 1.5, True),
            Column("Kind and sources", 2),
        ),
        rows(
            (
                Cell(label, note=number["reason"] or ""),
                amount(number),
                span(number),
                Cell(
                    number["kind"],
                    note=_AS_ABOVE
                    if number["evidence"] == above and len(above) > _NAMED_SOURCES
                    else refs(number["evidence"]),
                ),
            )
            for (label, number), above in zip(found, before, strict=False)
        ),
        is_dense=True,
    )


def compared(
    columns: Sequence[tuple[str, Sequence[tuple[str, Number]]]], refs: Callable[[Iterable[str]], str]
) -> Table:
    """Return the numbers of several things side by side: with each its range, kind, sources, and why it is unknown."""
    numbers = [dict(labelled) for _, labelled in columns]
    above: list[Sequence[str]] = [()] * len(columns)
    lines: list[tuple[Cell, ...]] = []
    for label in _in_one_order([list(one) for one in numbers]):
        cells = [_one_of_several(one.get(label), before, refs) for one, before in zip(numbers, above, strict=True)]
        above = [one[label]["evidence"] if label in one else before for one, before in zip(numbers, above, strict=True)]
        lines.append((Cell(label), *cells))
    titles = [Column(title, _COMPARED_SHARE) for title, _ in columns]
    return Table((Column("Figure", 2), *titles), tuple(lines), is_dense=True)


def _one_of_several(number: Number | None, above: Sequence[str], refs: Callable[[Iterable[str]], str]) -> Cell:
    if number is None:
        return Cell("–")
    is_same = number["evidence"] == above and len(above) > _NAMED_SOURCES
    told = (span(number), number["kind"], _AS_ABOVE if is_same else refs(number["evidence"]), number["reason"])
    return Cell(amount(number), note=" · ".join(part for part in told if part))


def _in_one_order(lists: Iterable[Sequence[str]]) -> list[str]:
    """Return what the lists hold, each once, a newcomer behind what it follows in its own list."""
    found: list[str] = []
    for one in lists:
        place = 0
        for label in one:
            if label not in found:
                found.insert(place, label)
            place = found.index(label) + 1
    return found


def pictures(charts: Iterable[Chart], sources: Sources) -> Iterator[Picture]:
    """Yield the charts that compare something: one known figure alone is told better by its table."""
    for chart in charts:
        points = [point.number for one in chart.series for point in one.points]
        if sum(number["value"] is not None or bool(number["low"]) for number in points) > 1:
            yield Picture(chart, sources.said(chart.says, lead=chart.title))
