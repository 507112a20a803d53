"""Draws a report's neutral charts with plotly: a figure a chart, checked by plotly itself, coloured in the browser."""

import json
from typing import Any

import plotly.graph_objects as go

from advisor.core.charts import Chart, Point, Series
from advisor.web.figures import amount, span

# Marks differ in shape and fill, not in colour alone: what may be taken is solid, what may not is hollow or crossed.
_SYMBOLS = {
    "ranked": "circle",
    "confirm first": "diamond-open",
    "excluded": "x-thin-open",
    "alternatives": "circle-open",
}
_ROW_PX, _FRAME_PX, _COURSE_PX = 54, 74, 300
_PATTERNS = ("", "/", ".", "x", "-", "|", "+", "\\")


def plotted(chart: Chart) -> dict[str, Any]:
    """Return a chart with its figure as JSON; None where nothing in it is known."""
    return {"chart": chart, "figure": json.dumps(figure(chart), separators=(",", ":")), "rows": _rows(chart)}


def figure(chart: Chart) -> dict[str, Any]:
    """Return the plotly figure of a chart. Colours are left to the page: a trace's ``meta`` says what it stands for."""
    draw = {"ranges": _ranges, "stacked": _stacked, "course": _course}[chart.kind]
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


def _known(series: Series) -> list[Point]:
    return [point for point in series.points if point.number["value"] is not None]


def _hover(point: Point) -> str:
    found = span(point.number)
    return f"{amount(point.number)}" + (f"<br>{found}" if found else "")


def _ranges(chart: Chart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a mark with its range a row, the label above it so that a phone has room for both."""
    labels = [point.label for series in chart.series for point in _known(series)]
    traces = [_range_trace(series) for series in chart.series if _known(series)]
    marks = [
        {"x": 0, "xref": "paper", "xanchor": "left", "y": label, "yshift": 17, "showarrow": False, "text": label}
        for label in labels
    ]
    layout = {
        **_axes(chart.unit, "x"),
        "height": _FRAME_PX + _ROW_PX * len(labels),
        "yaxis": {"showticklabels": False, "showgrid": False, "autorange": "reversed", "categoryarray": labels},
        "annotations": marks,
        "showlegend": len(traces) > 1,
    }
    if chart.target is not None:
        layout["shapes"] = [
            {
                "type": "line",
                "x0": chart.target["value"],
                "x1": chart.target["value"],
                "y0": 0,
                "y1": 1,
                "yref": "paper",
            }
        ]
    return traces, layout


def _range_trace(series: Series) -> dict[str, Any]:
    points = _known(series)
    values = [point.number["value"] for point in points]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": series.name,
        "x": values,
        "y": [point.label for point in points],
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


def _stacked(chart: Chart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one bar a line of the bill, its pieces the workloads."""
    drawn = [series for series in chart.series if _known(series)]
    labels = [label for label in chart.labels if any(_at(series, label) in _known(series) for series in drawn)]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": series.name,
            "x": [point.number["value"] for point in _known(series)],
            "y": [point.label for point in _known(series)],
            "customdata": [_hover(point) for point in _known(series)],
            "hovertemplate": f"<b>%{{y}}</b>, {series.name.replace('<', '&lt;')}<br>%{{customdata}}<extra></extra>",
            "marker": {"pattern": {"shape": _PATTERNS[place % len(_PATTERNS)], "size": 6, "solidity": 0.25}},
            "meta": {"stands_for": f"part {place}"},
        }
        for place, series in enumerate(drawn)
    ]
    layout = {
        **_axes(chart.unit, "x"),
        "barmode": "stack",
        "bargap": 0.55,
        "height": _FRAME_PX + 34 + _ROW_PX * len(labels),
        "yaxis": {
            "showticklabels": False,
            "showgrid": False,
            "autorange": "reversed",
            "categoryorder": "array",
            "categoryarray": labels,
        },
        "annotations": [
            {"x": 0, "xref": "paper", "xanchor": "left", "y": label, "yshift": 20, "showarrow": False, "text": label}
            for label in labels
        ],
        "showlegend": True,
    }
    return traces, layout


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
        "xaxis": {
            "title": {"text": "month"},
            "showgrid": False,
            "dtick": 3 if len(months) > 8 else 1,
            "tick0": months[0],
        },
        "showlegend": False,
    }
    return traces, layout


def _axes(unit: str, along: str) -> dict[str, Any]:
    money = {"tickprefix": "$", "tickformat": "~s"} if unit.startswith("USD") else {"ticksuffix": f" {unit}"}
    return {
        f"{along}axis": {"rangemode": "tozero", "zeroline": True, "nticks": 5, **money},
        "margin": {"l": 8 if along == "x" else 58, "r": 16, "t": 12, "b": 42},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
        "dragmode": False,
    }
