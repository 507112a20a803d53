"""The report's charts as lengths on a drawing: what the PDF's template draws without counting."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from advisor.core.charts import Chart, Point, Series
from advisor.core.figures import amount
from advisor.core.quantity import Number
from advisor.core.record.blocks import Picture

# Marks differ in shape, never in colour alone, and mean what they mean on the page.
_MARKS = {
    "plan": ("full", "the plan"),
    "alternatives": ("hollow", "another plan"),
    "ranked": ("full", "may be taken today"),
    "confirm first": ("hollow", "to be confirmed first"),
    "excluded": ("cross", "excluded"),
}
_AT_LEAST = ("at least", "at least: a part is unknown")
_LOG_FROM_RATIO = 50.0

Place = Callable[[float], float]


def drawn(picture: Picture) -> dict[str, Any]:
    """Return a chart with each length as a fraction of the drawing; ``alt`` says in words what it shows."""
    chart = picture.chart
    draw = {"ranges": _ranges, "stacked": _stacked, "course": _course}[chart.kind]
    return {
        "kind": "chart",
        "shape": chart.kind,
        "title": chart.title,
        "says": chart.says["text"],
        "refs": picture.said.refs,
        "alt": f"{chart.title}. {chart.says['text']}",
        **draw(chart),
    }


def _ranges(chart: Chart) -> dict[str, Any]:
    """Return a mark with its range a row. A lower bound has a mark of its own and no range; an unknown has no mark."""
    numbers = [point.number for one in chart.series for point in one.points]
    place, scale = _scaled([*numbers, *([chart.target] if chart.target else [])])
    return {
        "rows": [_row(point, name=one.name, place=place) for one in chart.series for point in one.points],
        "target": place(chart.target["value"]) if chart.target else None,
        "scale": f"{scale}{f' Dashed: your target, {amount(chart.target)}.' if chart.target else ''}",
        "marks": list(dict.fromkeys(_mark(point, one.name) for one in chart.series for point in one.points)),
    }


def _row(point: Point, *, name: str, place: Place) -> dict[str, Any]:
    number = point.number
    at = number["low"] if number["value"] is None else number["value"]
    ends = [at if number[end] is None or number["value"] is None else number[end] for end in ("low", "high")]
    return {
        "label": point.label,
        "text": amount(number),
        "mark": _mark(point, name)[0],
        "is_ours": point.is_ours,
        "at": 0.0 if at is None else place(at),
        "ends": [0.0 if end is None else place(end) for end in ends],
    }


def _mark(point: Point, name: str) -> tuple[str, str]:
    """Return the mark of a point and what it means."""
    if point.number["value"] is None:
        return _AT_LEAST if point.number["low"] else ("", "")
    return _MARKS.get(name, ("full", name))


def _scaled(numbers: Iterable[Number]) -> tuple[Place, str]:
    """Return where on the width a value stands, and the scale in words; a wide spread is drawn logarithmically."""
    known = [number for number in numbers if number["value"] is not None or number["low"]]
    ends = [number[end] for number in known for end in ("low", "value", "high") if number[end] is not None]
    top, positive = max(ends, default=0.0), [end for end in ends if end > 0]
    if top <= 0:
        return (lambda value: 0.0), ""
    said = amount({**known[0], "value": top, "low": top, "high": top, "kind": "estimate"})
    if len(positive) < len(ends) or top / min(positive) <= _LOG_FROM_RATIO:
        return (lambda value: max(value, 0.0) / top), f"Scale from 0 to {said}."
    floor = 10.0 ** math.floor(math.log10(min(positive)))
    least = amount({**known[0], "value": floor, "low": floor, "high": floor, "kind": "estimate"})
    return (
        lambda value: math.log10(value / floor) / math.log10(top / floor),
        f"Logarithmic scale from {least} to {said}.",
    )


def _stacked(chart: Chart) -> dict[str, Any]:
    """Return one bar a line of the bill, its pieces the workloads in their order."""
    shown = [one for one in chart.series if any(point.number["value"] for point in one.points)]
    by_label = {label: [_at(one, label) for one in shown] for label in chart.labels}
    sums = {label: sum(number["value"] or 0.0 for number in found if number) for label, found in by_label.items()}
    top = max(sums.values(), default=0.0)
    rows: list[dict[str, Any]] = []
    for label, found in by_label.items():
        lengths = [number["value"] / top if number and number["value"] and top else 0.0 for number in found]
        told = [amount(number) for number in found if number]
        rows.append(
            {
                "label": label,
                "is_ours": False,
                "text": told[0] if len(told) == 1 else "",  # of several the bill's table has the sum
                "pieces": lengths,
            }
        )
    return {"rows": [row for row in rows if sums[row["label"]] > 0], "names": [one.name for one in shown]}


def _at(series: Series, label: str) -> Number | None:
    return next((point.number for point in series.points if point.label == label), None)


def _course(chart: Chart) -> dict[str, Any]:
    """Return a line of the typical value with the band around it; a month without a known sum is left out."""
    points = [point for one in chart.series for point in one.points]
    known = [(place, point) for place, point in enumerate(points) if point.number["value"] is not None]
    top = max((point.number["high"] or 0.0 for _, point in known), default=0.0)
    last = max(len(points) - 1, 1)

    def line(end: str) -> list[tuple[float, float]]:
        return [(place / last, point.number[end] / top if top else 0.0) for place, point in known]

    highest = {**known[0][1].number, "value": top, "low": top, "high": top, "kind": "estimate"} if known else None
    return {
        "band": [*line("low"), *reversed(line("high"))],
        "line": line("value"),
        "top": amount(highest),
        "first": f"month {points[0].label}",
        "last": f"month {points[-1].label}",
    }
