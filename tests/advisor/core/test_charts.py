"""A chart carries the report's own numbers: nothing is drawn that the report does not say."""

from typing import Any

import pytest

from advisor.core.charts import Chart, cost_charts
from advisor.core.option_charts import workload_charts
from advisor.core.statements import identity, statements
from tests.advisor.factories import a_number, golden_report

NAMES = ["uber", "midjourney", "small_team"]


def charts_of(data: dict[str, Any]) -> list[Chart]:
    found = list(cost_charts(data))
    for index, workload in enumerate(data["workloads"]):
        found += workload_charts(workload, index=index, data=data)
    return found


def by_id(charts: Any, id: str) -> Chart:
    return next(chart for chart in charts if chart.id == id)


@pytest.mark.parametrize("name", NAMES)
def test_every_point_but_the_running_sum_is_a_number_of_the_report(name: str) -> None:
    data = golden_report(name)
    numbers = statements(data)

    for chart in charts_of(data):
        assert chart.says["text"]
        for point in (point for one in chart.series for point in one.points):
            assert point.number["unit"] == chart.unit or chart.id in ("months", "summed")
            if chart.id != "summed":
                assert numbers.number_of(point.number) is not None


@pytest.mark.parametrize("name", NAMES)
def test_the_running_sum_ends_at_the_cost_over_the_horizon(name: str) -> None:
    totals = golden_report(name)["plan"]["totals"]

    last = by_id(cost_charts(golden_report(name)), "summed").series[0].points[-1].number

    for end in ("low", "value", "high"):
        assert last[end] == pytest.approx(totals["horizon_usd"][end], rel=1e-4)


def test_running_sums_become_a_lower_bound_where_a_month_is_unknown() -> None:
    data = golden_report("small_team")
    months = [a_number(10.0, evidence=["offer:a"]), a_number(None, low=5.0, reason="a part is unknown")]
    data["plan"]["totals"]["months"] = [{"month": place + 1, "usd": usd} for place, usd in enumerate(months)]

    points = by_id(cost_charts(data), "summed").series[0].points

    assert points[0].number["value"] == 10.0
    assert points[1].number["value"] is None
    assert points[1].number["low"] == 15.0


def test_the_running_sum_of_the_report_is_taken_where_it_has_one() -> None:
    data = golden_report("small_team")
    for row in data["plan"]["totals"]["months"]:
        row["cumulative_usd"] = a_number(7.0 * row["month"], unit="USD", evidence=["offer:a"])

    points = by_id(cost_charts(data), "summed").series[0].points

    assert [point.number["value"] for point in points[:3]] == [7.0, 14.0, 21.0]


def test_a_plan_without_a_known_cost_is_in_the_table_and_counted_in_the_sentence() -> None:
    data = golden_report("uber")
    unknown = [one for one in data["plan_alternatives"] if one["monthly_usd"]["value"] is None]

    chart = by_id(cost_charts(data), "plans")

    assert {one["title"] for one in data["plan_alternatives"]} | {"The plan"} == set(chart.labels)
    assert f"Other plans whose whole cost is not known: {len(unknown)}." in chart.says["text"]


def a_line(id: str, usd: float | None, **fields: Any) -> dict[str, Any]:
    line = {"id": id, "title": id.title(), "monthly_usd": a_number(usd, evidence=["offer:a"]), "part_of": None}
    return line | {"in_total": True, "horizon_usd": a_number(usd, unit="USD")} | fields


def test_the_bill_is_drawn_by_line_and_workload_with_parts_named_as_such_and_once_only_lines_left_out() -> None:
    data = golden_report("small_team")
    own = [a_line("compute", 70.0), a_line("idle", 20.0, part_of="compute"), a_line("storage", 5.0)]
    beside = a_line("pilots", 9.0, monthly_usd=None, in_total=False)
    data["plan"]["totals"]["lines"] = [*own, a_line("staff", 80.0), beside]
    data["workloads"][0]["bill"] = {"lines": own}

    chart = by_id(cost_charts(data), "lines")

    assert chart.labels == ("Compute", "of it idle", "Storage", "Staff")
    assert [(one.name, len(one.points)) for one in chart.series] == [
        (data["workloads"][0]["name"], 3),
        ("shared by the workloads", 1),
    ]
    assert chart.says["text"] == "The largest line of the bill is staff."


@pytest.mark.parametrize("name", NAMES)
def test_a_report_without_bills_draws_the_lines_of_its_stacks_which_add_up_to_the_plan(name: str) -> None:
    data = golden_report(name)
    data["plan"]["totals"].pop("lines", None)

    chart = by_id(cost_charts(data), "lines")

    total = sum(point.number["value"] or 0.0 for one in chart.series for point in one.points)
    assert total == pytest.approx(data["plan"]["totals"]["monthly_usd"]["value"], rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_options_stand_by_their_standing_and_ours_is_marked(name: str) -> None:
    data = golden_report(name)

    for index, workload in enumerate(data["workloads"]):
        chart = by_id(workload_charts(workload, index=index, data=data), "options")
        ours = [point.label for one in chart.series for point in one.points if point.is_ours]
        assert ours == [workload["recommended"]["label"]]
        standings = {stack["label"]: stack["standing"].replace("_", " ") for stack in workload["best_by_provider"]}
        for one in chart.series:
            assert all(standings.get(point.label, one.name) == one.name for point in one.points)


def test_a_time_is_drawn_against_the_target_the_report_cites() -> None:
    data = golden_report("uber")
    index = next(place for place, one in enumerate(data["workloads"]) if one["id"] == "genai")
    id = f"answer:workloads[{index}].targets.ttft_p95_ms"
    data["evidence"].append({"id": id, "value": 800, "unit": "ms", "kind": "answer"})

    chart = by_id(workload_charts(data["workloads"][index], index=index, data=data), "ttft_ms")

    assert chart.target == a_number(800.0, unit="ms", kind="answer", evidence=[id])
    assert "Your target is 800 ms." in chart.says["text"]
    assert identity(chart.target) == identity(dict(chart.target))


def test_a_chart_with_nothing_known_is_not_made() -> None:
    data = golden_report("small_team")
    data["plan"]["totals"]["months"] = []

    assert "months" not in {chart.id for chart in cost_charts(data)}


def an_option(label: str, standing: str, ms: float) -> dict[str, Any]:
    number = a_number(ms, low=ms - 1, high=ms + 1, unit="ms", evidence=[f"offer:{label}"])
    return {"id": label, "label": label, "standing": standing, "numbers": {"ttft_ms": number, "monthly_usd": number}}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([("a", "ranked", 9.0)], "Recommended: 9 ms (8 to 10)."),
        (
            [("a", "ranked", 9.0), ("b", "confirm_first", 4.0), ("c", "excluded", 1.0)],
            "Recommended: 9 ms (8 to 10). Shortest of those not excluded: b, 4 ms (3 to 5).",
        ),
        (
            [("c", "excluded", 1.0)],
            "Not estimated for the recommended stack. Only excluded stacks have an estimate.",
        ),
    ],
)
def test_an_excluded_stack_is_never_called_the_shortest(options: list[tuple[str, str, float]], text: str) -> None:
    stacks = [an_option(*one) for one in options]
    workload = {"id": "x", "best_by_path": stacks} | ({"recommended": stacks[0]} if options[0][0] == "a" else {})

    chart = by_id(workload_charts(workload, index=0, data={}), "ttft_ms")

    assert chart.says["text"] == text
