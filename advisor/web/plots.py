"""Draws a report's neutral charts with plotly: a figure a chart, checked by plotly itself, coloured in the browser."""

import json
from typing import Any

import plotly.graph_objects as go

from advisor.core.charts import Chart, Point, Series
from advisor.web.figures import amount, span

# Marks differ in shape and fill, not in colour alone: what may be taken is solid, what may not is hollow or crossed.
_AT_LEAST = "at least: a part is unknown"
_SYMBOLS = {
    "ranked": "circle",
    "confirm first": "diamond-open",
    "excluded": "x-thin-open",
    "alternatives": "circle-open",
}
_TO_BE_NAMED = ("confirm first", "excluded", _AT_LEAST)
_ROW_PX, _BELOW_PX, _LEGEND_PX, _COURSE_PX = 52, 44, 22, 300
_PATTERNS = ("", "/", ".", "x", "-", "|", "+", "\\")


def plotted(chart: Chart) -> dict[str, Any]:
    """Return a chart with its figure as JSON, the room to keep for it, and the rows of its table."""
    drawing = figure(chart)
    text = json.dumps(drawing, separators=(",", ":"))
    return {**tabled(chart), "figure": text, "height": drawing["layout"]["height"]}


def tabled(chart: Chart) -> dict[str, Any]:
    """Return a chart with the rows of its table alone, for paper."""
    return {"chart": chart, "rows": _rows(chart)}


def figure(chart: Chart) -> dict[str, Any]:
    """Return the plotly figure of a chart. Colours are left to the page: a trace's ``meta`` says what it stands for."""
    draw = {"ranges": _ranges, "stacked": _stacked, "course": _course, "steps": _steps, "strips": _strips}[chart.kind]
    traces, layout = draw(chart)
    made = go.Figure(data=traces, layout={"template": "none", **layout})
    found: dict[str, Any] = json.loads(made.to_json() or "{}")
    found["layout"].pop("template", None)
    return found


def _rows(chart: Chart) -> list[dict[str, Any]]:
    """Return the chart as a table: one row a label, one column a series."""
    if chart.kind == "stacked":
        return [{"label": label, "cells": [_at(series, label) for series in chart.series]} for label in chart.labels]
    return [
        {"label": point.label, "cells": [point], "kind": series.name if len(chart.series) > 1 else ""}
        for series in chart.series
        for point in series.points
    ]


def _at(series: Series, label: str) -> Point | None:
    return next((point for point in series.points if point.label == label), None)


def _text(label: str) -> str:
    """Return a label that plotly writes as it is: it would read marks of HTML."""
    return label.replace("&", "&amp;").replace("<", "&lt;")


def _known(series: Series) -> list[Point]:
    return [point for point in series.points if point.number["value"] is not None]


def _hover(point: Point) -> str:
    found = span(point.number)
    return f"{amount(point.number)}" + (f"<br>{found}" if found else "")


def _ranges(chart: Chart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a mark with its range a row. A lower bound has its own mark and no range: only that much is known."""
    traces = [_range_trace(series) for series in chart.series if _known(series)]
    bounded = [point for series in chart.series for point in series.points if _is_lower_bound(point)]
    if bounded:
        traces.append(_lower_bounds(bounded))
    labels = [label for label in chart.labels if any(_text(label) in trace["y"] for trace in traces)]
    layout = _rowed(chart, labels, traces)
    if chart.target is not None:
        layout["shapes"] = [
            {
                "type": "line",
                "name": "your target",
                "showlegend": True,
                "x0": chart.target["value"],
                "x1": chart.target["value"],
                "y0": 0,
                "y1": 1,
                "yref": "paper",
            }
        ]
    return traces, layout


def _rowed(chart: Chart, labels: list[str], traces: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a layout of one row a label, the label above its marks so that a phone has room for both."""
    entries = len(traces) + (chart.target is not None)
    is_plain = entries == 1 and traces[0]["name"] not in _TO_BE_NAMED
    legend_rows = 0 if is_plain else entries
    ours = {point.label for one in chart.series for point in one.points if point.is_ours and chart.id != "plans"}
    return {
        **_axes(chart.unit, "x"),
        "height": 12 + _BELOW_PX + _ROW_PX * len(labels) + _LEGEND_PX * legend_rows,
        "yaxis": {
            "showticklabels": False,
            "showgrid": False,
            "zeroline": False,
            "range": [len(labels) - 0.45, -0.8],
            "categoryorder": "array",
            "categoryarray": [_text(label) for label in labels],
        },
        "annotations": [
            {
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": _text(label),
                "yshift": 19,
                "showarrow": False,
                "text": _headed(label, ours),
            }
            for label in labels
        ],
        "showlegend": legend_rows > 0,
        "legend": {"orientation": "v", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        "margin": {"l": 8, "r": 16, "t": 12, "b": _BELOW_PX + _LEGEND_PX * legend_rows},
    }


def _headed(label: str, ours: set[str]) -> str:
    return f"Recommended: {_text(label)}" if label in ours else _text(label)


def _is_lower_bound(point: Point) -> bool:
    return point.number["value"] is None and bool(point.number["low"])


def _lower_bounds(points: list[Point]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "cliponaxis": False,
        "name": _AT_LEAST,
        "x": [point.number["low"] for point in points],
        "y": [_text(point.label) for point in points],
        "marker": {"size": 12, "symbol": "triangle-right-open", "line": {"width": 2}},
        "customdata": [_hover(point) for point in points],
        "hovertemplate": "<b>%{y}</b><br>%{customdata}<extra></extra>",
        "meta": {"stands_for": "at least"},
    }


def _range_trace(series: Series) -> dict[str, Any]:
    points = _known(series)
    values = [point.number["value"] for point in points]
    return {
        "type": "scatter",
        "mode": "markers",
        "cliponaxis": False,
        "name": _text(series.name),
        "x": values,
        "y": [_text(point.label) for point in points],
        "marker": {
            "size": [13 if point.is_ours else 10 for point in points],
            "symbol": _SYMBOLS.get(series.name, "circle"),
            "line": {"width": 2},
        },
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [point.number["high"] - point.number["value"] for point in points],
            "arrayminus": [point.number["value"] - point.number["low"] for point in points],
            "thickness": 2,
            "width": 5,
        },
        "customdata": [_hover(point) for point in points],
        "hovertemplate": "<b>%{y}</b><br>%{customdata}<extra></extra>",
        "meta": {"stands_for": "ours" if any(point.is_ours for point in points) else series.name},
    }


def _strips(chart: Chart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return every value as a line across its row, and over them the mark of the middle with its interval."""
    values, middles = (_range_trace(series) for series in chart.series)
    del values["error_x"]
    values["marker"] = {"size": 13, "symbol": "line-ns-open", "line": {"width": 1}}
    values["meta"], middles["meta"] = {"stands_for": "alternatives"}, {"stands_for": "ours"}
    traces = [values, middles]
    return traces, _rowed(chart, list(chart.labels), traces)


def _stacked(chart: Chart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one bar a line of the bill, its pieces the workloads."""
    drawn = [(series, [point for point in _known(series) if point.number["value"]]) for series in chart.series]
    drawn = [(series, points) for series, points in drawn if points]
    labels = [label for label in chart.labels if any(point.label == label for _, points in drawn for point in points)]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": _text(series.name),
            "x": [point.number["value"] for point in points],
            "y": [_text(point.label) for point in points],
            "customdata": [_hover(point) for point in points],
            "hovertemplate": f"<b>%{{y}}</b>, {_text(series.name)}<br>%{{customdata}}<extra></extra>",
            "marker": {"pattern": {"shape": _PATTERNS[place % len(_PATTERNS)], "size": 6, "fillmode": "overlay"}},
            "meta": {"stands_for": f"part {place}"},
        }
        for place, (series, points) in enumerate(drawn)
    ]
    return traces, {**_rowed(chart, labels, traces), "barmode": "stack", "bargap": 0.62}


def _course(chart: Chart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a line of the typical value with the band from low to high around it."""
    points = [point for series in chart.series for point in _known(series)]
    months = [int(point.label) for point in points]

    def line(end: str, **fields: Any) -> dict[str, Any]:
        return {"type": "scatter", "mode": "lines", "x": months, "y": [point.number[end] for point in points], **fields}

    traces = [
        line("low", name="low", hoverinfo="skip", line={"width": 0}, meta={"stands_for": "edge"}),
        line("high", name="high", hoverinfo="skip", line={"width": 0}, fill="tonexty", meta={"stands_for": "band"}),
        line(
            "value",
            name="typical",
            customdata=[_hover(point) for point in points],
            hovertemplate="<b>month %{x}</b><br>%{customdata}<extra></extra>",
            line={"width": 3},
            meta={"stands_for": "ours"},
        ),
    ]
    layout = {
        **_axes(chart.unit, "y"),
        "height": _COURSE_PX,
        "xaxis": {"title": {"text": "month"}, "showgrid": False, "dtick": _every(len(months)), "tick0": 0},
        "showlegend": False,
    }
    return traces, layout


def _steps(chart: Chart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a price as a line of steps over days: each holds until the next."""
    points = [point for series in chart.series for point in series.points]
    trace = {
        "type": "scatter",
        "mode": "lines+markers",  # a price of today is a mark alone
        "cliponaxis": False,
        "x": [point.label for point in points],
        "y": [point.number["value"] for point in points],
        "name": "price",
        "line": {"width": 3, "shape": "hv"},
        "hovertemplate": "<b>%{x}</b><br>%{y}<extra></extra>",
        "meta": {"stands_for": "ours"},
    }
    axes = _axes(chart.unit, "y")
    axes["yaxis"]["tickformat"] = ",~f"  # a price below a dollar has no prefix of a unit: $0.6, not $600m
    layout = {
        **axes,
        "height": _COURSE_PX,
        "xaxis": {"type": "date", "showgrid": False},
        "showlegend": False,
    }
    return [trace], layout


def _every(months_count: int) -> int:
    """Return how many months lie between two marks of the axis."""
    return next(step for step, most in ((1, 9), (3, 18), (6, 48), (12, 10**6)) if months_count <= most)


def _axes(unit: str, along: str) -> dict[str, Any]:
    money = {"tickprefix": "$", "tickformat": "~s"} if unit.startswith("USD") else {"title": {"text": unit}}
    return {
        f"{along}axis": {"rangemode": "tozero", "zeroline": True, "nticks": 5, **money},
        "margin": {"l": 58, "r": 16, "t": 12, "b": _BELOW_PX},
        "hovermode": "closest",
        "dragmode": False,
    }
