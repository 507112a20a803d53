"""What the plan costs, in a decision record: its totals, its bill line by line, and its months one by one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from advisor.core import gist
from advisor.core.figures import amount, span
from advisor.core.labels import BILL_NOTE
from advisor.core.quantity import Number, titled
from advisor.core.readout import Readout
from advisor.core.record.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Paragraph,
    Said,
    Sources,
    Table,
    figure,
    figures,
    pictures,
    rows,
)

Data = Mapping[str, Any]


def cost(readout: Readout, sources: Sources) -> Iterator[Block]:
    """Yield the totals, the bill and the months. A report made before bills had lines has its totals alone."""
    data = readout.data
    totals = data["plan"]["totals"]
    charts = {chart.id: chart for chart in readout.cost_charts}
    yield Paragraph(sources.said(totals["text"]))
    yield figures([*gist.key_numbers(data), *gist.other_totals(data), *_shared(data)], sources.some)
    if totals.get("lines"):
        yield Heading("The bill of the plan, line by line")
        yield Paragraph(Said(BILL_NOTE), is_quiet=True)
        yield bill(totals["lines"], months_count=data["decision"]["horizon_months"], sources=sources)
    yield from pictures((charts[id] for id in ("lines",) if id in charts), sources)
    if totals.get("months"):
        yield Heading("Over the horizon")
        yield from pictures((charts[id] for id in ("months", "summed") if id in charts), sources)
        yield _months(totals["months"])


def bill(lines: Iterable[Data], *, months_count: int, sources: Sources) -> Table:
    """Return the lines of a bill: what a month at full load costs, and what the whole horizon does."""
    return Table(
        (
            Column("Line", 2.3),
            Column("A month at full load", 1.6, True),
            Column(f"Over {months_count} months", 1.6, True),
            Column("Kind and sources", 1.9),
        ),
        rows(
            (
                _line(line),
                figure(line["monthly_usd"], with_reason=False) if line["monthly_usd"] else "once",
                figure(line["horizon_usd"], with_reason=False),
                Cell(line["horizon_usd"]["kind"], note=sources.some(line["horizon_usd"]["evidence"])),
            )
            for line in lines
        ),
    )


def _line(line: Data) -> Cell:
    """Return what a line is called; one beside the total says so, and so does one whose figure has a condition."""
    title = f"of it {line['title'][:1].lower()}{line['title'][1:]}" if line["part_of"] else line["title"]
    notes = ("" if line["in_total"] else "beside the total", line["horizon_usd"]["reason"] or "")
    return Cell(title, note="; ".join(filter(None, notes)))


def _shared(data: Data) -> Iterator[tuple[str, Number]]:
    """Yield what belongs to no workload: the data between two; the other lines only where there is no bill."""
    if not data["plan"]["totals"].get("lines"):
        for line in data["plan"]["totals"].get("fixed", ()):
            yield titled(line["title"]), line["monthly_usd"]
    for flow in data["plan"]["flows"]:
        label = f"Data from {flow['from']} to {flow['to']}, {amount(flow['gb_per_month'])}"
        yield label, flow["monthly_usd"]


def _months(months: Iterable[Data]) -> Table:
    return Table(
        (
            Column("Month", 0.6),
            Column("Of full load", 0.8, True),
            Column("In the month", 1, True),
            Column("Range", 1.5, True),
            Column("So far", 1, True),
            Column("Range", 1.5, True),
        ),
        rows(tuple(_month(one)) for one in months),
        is_dense=True,
    )


def _month(month: Data) -> Iterator[str]:
    yield str(month["month"])
    yield amount(month["ramp_fraction"]) if "ramp_fraction" in month else ""
    for name in ("usd", "cumulative_usd"):
        number = month.get(name)
        yield amount(number).replace(" per month", "") if number else ""
        yield span(number)
