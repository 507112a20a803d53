"""The pictures of a report as neutral specifications: what is drawn, in which unit, and the sentence that says it.

The page and the PDF draw the same ones. Every point is a number of the report itself; only the running sum is added up
here. What is unknown stays in a chart's table and is left out of the drawing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.core.gist import other_plans
from advisor.core.labels import CARRYING, NUMBER_LABELS
from advisor.core.quantity import Number, Sentence, added, sentence, span, titled

Data = Mapping[str, Any]
_PART = "of it "  # how the label of a part begins
_SHARED = "shared by the workloads"


@dataclass(frozen=True)
class Point:
    """One number of a series under its label; ``is_ours`` marks what the report advises."""

    label: str
    number: Number
    is_ours: bool = False


@dataclass(frozen=True)
class Series:
    """Points of one kind."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Chart:
    """One picture.

    ``kind``: ranges (a mark with its range a row), stacked (bars), course (a line with its band), steps (prices, each
    until the next), strips (every value
    of the first series as a line across its row, the second series the middle with its interval).
    """

    id: str
    kind: str
    title: str
    unit: str
    says: Sentence
    series: tuple[Series, ...]
    target: Number | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels of all points, each once, in order."""
        return tuple(dict.fromkeys(point.label for one in self.series for point in one.points))

    @property
    def is_drawn(self) -> bool:
        """Return whether a point can be drawn: a known value, or among ranges the least that something costs."""
        numbers = [point.number for one in self.series for point in one.points]
        return any(one["value"] is not None or (self.kind == "ranges" and one["low"]) for one in numbers)


def cost_charts(data: Data) -> tuple[Chart, ...]:
    """Return the pictures of what the plan costs: against other plans, by line, month by month and summed up."""
    found = (_plans(data), _lines(data), *_months(data))
    return tuple(chart for chart in found if chart and chart.is_drawn)


def _plans(data: Data) -> Chart | None:
    mine = data["plan"]["totals"]["monthly_usd"]
    others = [Point(other["title"], other["monthly_usd"]) for other in other_plans(data)]
    known = [point for point in others if point.number["value"] is not None]
    text = f"The plan: {span(mine)} a month at full load."
    evidence = [*mine["evidence"]]
    if known:
        least = min(known, key=lambda point: (point.number["value"], point.label))
        text += f" The cheapest other plan with a known cost is “{least.label}”: {span(least.number)}."
        evidence += least.number["evidence"]
    if len(known) < len(others):
        text += f" Other plans whose whole cost is not known: {len(others) - len(known)}."
    return Chart(
        id="plans",
        kind="ranges",
        title="The plan and its alternatives, a month at full load",
        unit=mine["unit"],
        says=sentence(text, *evidence),
        series=(Series("plan", (Point("The plan", mine, is_ours=True),)), Series("alternatives", tuple(others))),
    )


def _lines(data: Data) -> Chart | None:
    """Return the bill of the production stacks by line and workload, with the lines that workloads share."""
    series = _billed(data) if data["plan"]["totals"].get("lines") else _unbilled(data)
    points = [point for one in series for point in one.points if point.number["value"] is not None]
    sums: dict[str, float] = {}
    for point in points:
        if not point.label.startswith(_PART):
            sums[point.label] = sums.get(point.label, 0.0) + point.number["value"]
    if not sums:
        return None
    first = max(sums, key=lambda label: sums[label])
    evidence = [id for point in points if point.label == first for id in point.number["evidence"]]
    return Chart(
        id="lines",
        kind="stacked",
        title="The bill by line, a month at full load",
        unit="USD/month",
        says=sentence(f"The largest line of the bill is {first[:1].lower() + first[1:]}.", *evidence),
        series=tuple(one for one in series if one.points),
    )


def _billed(data: Data) -> list[Series]:
    """Return the lines of the bills: each workload's own, and those of the plan that no workload has."""
    totals = data["plan"]["totals"]["lines"]
    titles = {line["id"]: line["title"] for line in totals}
    series = []
    own: set[str] = set()
    for workload in data.get("workloads", ()):
        lines = (workload.get("bill") or {}).get("lines", [])
        own |= {line["id"] for line in lines}
        points = (Point(_line_label(line, titles), line["monthly_usd"]) for line in lines if _is_monthly(line))
        series.append(Series(workload["name"], tuple(points)))
    shared = (line for line in totals if line["id"] not in own and _is_monthly(line))
    return [*series, Series(_SHARED, tuple(Point(line["title"], line["monthly_usd"]) for line in shared))]


def _is_monthly(line: Data) -> bool:
    return bool(line["in_total"] and line["monthly_usd"])


def _line_label(line: Data, titles: Mapping[str, str]) -> str:
    title = titles.get(line["id"], line["title"])
    return f"{_PART}{title[:1].lower() + title[1:]}" if line["part_of"] else title


def _unbilled(data: Data) -> list[Series]:
    """Return the lines of a report made before bills had lines: those numbers of the stacks that add up to it."""
    series = [
        Series(
            row["workload_name"],
            tuple(
                Point(titled(label.removeprefix(_PART)), row["stack"]["numbers"][name])
                for name, label in NUMBER_LABELS.items()
                if label.startswith(_PART) and name in row["stack"]["numbers"]
            ),
        )
        for row in data["plan"]["assignments"]
        if row["role"] in CARRYING and row.get("stack")
    ]
    return [*series, Series(_SHARED, tuple(_shared(data)))]


def _shared(data: Data) -> Iterable[Point]:
    for line in data["plan"]["totals"].get("fixed", []):
        yield Point(titled(line["title"]), line["monthly_usd"])
    for flow in data["plan"].get("flows", []):
        yield Point(f"Data from {flow['from']} to {flow['to']}", flow["monthly_usd"])


def _months(data: Data) -> Iterable[Chart]:
    totals = data["plan"]["totals"]
    months = totals.get("months", [])
    if not months:
        return
    first, last = months[0]["usd"], months[-1]["usd"]
    yield Chart(
        id="months",
        kind="course",
        title="Month by month",
        unit=last["unit"],
        says=sentence(
            f"From {span(first)} in month 1 to {span(last)} in month {months[-1]['month']}.",
            *first["evidence"],
            *last["evidence"],
        ),
        series=(Series("a month", tuple(Point(str(one["month"]), one["usd"]) for one in months)),),
    )
    told = [one.get("cumulative_usd") for one in months]
    sums = told if all(told) else _running([one["usd"] for one in months])
    yield Chart(
        id="summed",
        kind="course",
        title="Summed up over the horizon",
        unit="USD",
        says=sentence(f"After {months[-1]['month']} months the plan has cost {span(sums[-1])}.", *sums[-1]["evidence"]),
        series=(
            Series("so far", tuple(Point(str(one["month"]), number) for one, number in zip(months, sums, strict=True))),
        ),
    )


def _running(numbers: Sequence[Number]) -> list[Number]:
    """Return the running sums; from the first unknown month on a sum is a lower bound."""
    sums: list[Number] = []
    for month, number in enumerate(numbers, start=1):
        parts = {f"month {month}": number} | ({"the months before": sums[-1]} if sums else {})
        sums.append(added(parts, unit="USD"))
    return sums
