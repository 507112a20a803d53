"""The drawing carries the chart's numbers, and plotly itself accepts it."""

import json
from typing import Any

import plotly.graph_objects as go
import pytest

from advisor.core.charts import Chart, Point, Series
from advisor.core.quantity import sentence
from advisor.core.readout import read
from advisor.web.plots import figure, plotted
from tests.advisor.factories import a_number, golden_report


def charts_of(name: str) -> list[Chart]:
    readout = read(json.dumps(golden_report(name)).encode())
    return [*readout.cost_charts, *(one for some in readout.workload_charts.values() for one in some)]


def a_chart(kind: str, *series: Series, **fields: Any) -> Chart:
    base = {"id": "x", "title": "X", "unit": "USD/month", "says": sentence("It says.")}
    return Chart(kind=kind, series=series, **(base | fields))


@pytest.mark.parametrize("name", ["uber", "midjourney", "small_team"])
def test_every_known_number_of_a_chart_is_drawn_and_stands_in_its_table(name: str) -> None:
    for chart in charts_of(name):
        found = plotted(chart)

        drawing = json.loads(found["figure"])
        go.Figure(drawing)  # plotly refuses what it does not know
        known = [point.number for one in chart.series for point in one.points if point.number["value"] is not None]
        drawn = [
            value for trace in drawing["data"] for value in (*trace["x"], *trace["y"]) if not isinstance(value, str)
        ]
        assert all(number["value"] in drawn for number in known if number["value"] or chart.kind != "stacked")
        cells = [point.number for row in found["rows"] for point in row["cells"] if point]
        assert all(point.number in cells for one in chart.series for point in one.points)


def test_a_range_is_drawn_from_low_to_high() -> None:
    chart = a_chart("ranges", Series("ranked", (Point("a", a_number(10.0, low=7.0, high=15.0)),)))

    trace = figure(chart)["data"][0]

    assert trace["x"] == [10.0]
    assert trace["error_x"]["array"] == [5.0]
    assert trace["error_x"]["arrayminus"] == [3.0]


def test_an_unknown_cost_is_drawn_as_the_least_it_can_be_or_not_at_all() -> None:
    points = (
        Point("known", a_number(3.0)),
        Point("bounded", a_number(None, low=2.0, reason="a part is unknown")),
        Point("unknown", a_number(None, low=None, reason="no price")),
    )

    found = figure(a_chart("ranges", Series("ranked", points)))

    assert [(trace["name"], trace["x"]) for trace in found["data"]] == [
        ("ranked", [3.0]),
        ("at least: a part is unknown", [2.0]),
    ]
    assert [one["text"] for one in found["layout"]["annotations"]] == ["known", "bounded"]


def test_a_target_is_a_line_across_the_drawing() -> None:
    chart = a_chart("ranges", Series("ranked", (Point("a", a_number(3.0)),)), target=a_number(5.0))

    shape = figure(chart)["layout"]["shapes"][0]

    assert (shape["x0"], shape["x1"]) == (5.0, 5.0)


def test_marks_of_html_in_a_name_are_drawn_as_they_are() -> None:
    chart = a_chart("stacked", Series("<b>x</b>", (Point("<a href='y'>", a_number(3.0)),)))

    text = json.dumps(figure(chart))

    assert "<b>x</b>" not in text.replace("<b>%{y}</b>", "")
    assert "<a href" not in text


def test_no_figure_carries_a_colour_of_its_own_or_a_template() -> None:
    for chart in charts_of("uber"):
        found = figure(chart)

        assert "template" not in found["layout"]
        assert '"color"' not in json.dumps(found)
        assert all(trace["meta"]["stands_for"] for trace in found["data"])


def test_the_recommended_stack_is_named_as_such_above_its_mark() -> None:
    points = (Point("a", a_number(3.0), is_ours=True), Point("b", a_number(4.0)))

    found = figure(a_chart("ranges", Series("ranked", points)))

    assert [one["text"] for one in found["layout"]["annotations"]] == ["Recommended: a", "b"]
    assert found["layout"]["showlegend"] is False


def test_marks_of_one_kind_are_explained_where_they_may_not_be_taken() -> None:
    found = figure(a_chart("ranges", Series("excluded", (Point("a", a_number(3.0)),))))

    assert found["layout"]["showlegend"] is True
    assert found["data"][0]["name"] == "excluded"


def test_strips_draw_every_value_and_the_middle_with_its_interval() -> None:
    values = Series("each value", tuple(Point("tcp", a_number(value)) for value in (1.0, 2.0, 9.0)))
    middle = Series("median", (Point("tcp", a_number(2.0, low=1.0, high=9.0)),))

    found = figure(a_chart("strips", values, middle, unit="ms"))

    go.Figure(found)
    assert found["data"][0]["x"] == [1.0, 2.0, 9.0]
    assert "error_x" not in found["data"][0]
    assert (found["data"][1]["x"], found["data"][1]["error_x"]["array"]) == ([2.0], [7.0])
