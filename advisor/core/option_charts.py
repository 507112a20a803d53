"""The pictures of one workload: what its options cost, and how long they take against the target."""

from collections.abc import Mapping, Sequence
from typing import Any

from advisor.core.charts import Chart, Point, Series
from advisor.core.figures import timed
from advisor.core.labels import NUMBER_LABELS
from advisor.core.quantity import Number, Sentence, a_month, digits, sentence

Data = Mapping[str, Any]

_TIMES = ("run_days", "ttft_ms", "tpot_ms", "latency_ms")
_TARGETS = {
    "run_days": "deadline_days",
    "ttft_ms": "ttft_p95_ms",
    "tpot_ms": "tpot_p95_ms",
    "latency_ms": "latency_p99_ms",
}
_STANDINGS = {"ranked": "ranked", "confirm_first": "confirm first", "excluded": "excluded"}


def workload_charts(workload: Data, *, index: int, data: Data) -> tuple[Chart, ...]:
    """Return the pictures of one workload: what its options cost, and how long they take against the target."""
    options = shown_stacks(workload)
    found = [_option_costs(workload, options)]
    found += [_times(name, workload, options, _target(name, index, data)) for name in _TIMES]
    return tuple(chart for chart in found if chart and chart.is_drawn)


def shown_stacks(workload: Data) -> list[Data]:
    """Return the stacks the report shows for a workload, each once, the recommended one first."""
    listed = [workload.get("recommended"), workload.get("stay")]
    listed += [one for name in ("provider", "group", "path") for one in workload.get(f"best_by_{name}", [])]
    return list({stack["id"]: stack for stack in listed if stack}.values())


def _by_standing(options: Sequence[Data], name: str, ours: str | None) -> tuple[Series, ...]:
    found = []
    for standing, text in _STANDINGS.items():
        mine = [stack for stack in options if stack["standing"] == standing and name in stack["numbers"]]
        mine.sort(key=lambda stack: (stack["numbers"][name]["value"] is None, stack["numbers"][name]["value"] or 0.0))
        points = (Point(stack["label"], stack["numbers"][name], is_ours=stack["id"] == ours) for stack in mine)
        found.append(Series(text, tuple(points)))
    return tuple(one for one in found if one.points)


def _option_costs(workload: Data, options: Sequence[Data]) -> Chart | None:
    ours = workload.get("recommended")
    if not options:
        return None
    text = "No stack keeps every constraint; what was looked at is shown with its cost."
    evidence: list[str] = []
    if ours:
        cost = ours["numbers"]["monthly_usd"]
        text = f"Recommended: {ours['label']}, {a_month(cost)}. Beside it the best of each other kind."
        evidence = cost["evidence"]
    return Chart(
        id="options",
        kind="ranges",
        title="The best of each provider, path and way to buy, a month at full load",
        unit="USD/month",
        says=sentence(text, *evidence),
        series=_by_standing(options, "monthly_usd", ours["id"] if ours else None),
    )


def _times(name: str, workload: Data, options: Sequence[Data], target: Number | None) -> Chart | None:
    ours = (workload.get("recommended") or {}).get("id")
    series = _by_standing(options, name, ours)
    if not any(point.number["value"] is not None for one in series for point in one.points):
        return None
    said = _times_said(series)
    text = " ".join(one["text"] for one in said)
    unit = series[0].points[0].number["unit"]
    if target:
        text += f" Your target is {target['value']:,g} {unit}."
    evidence = [id for one in said for id in one["evidence"]]
    return Chart(
        id=name,
        kind="ranges",
        title=NUMBER_LABELS[name],
        unit=unit,
        says=sentence(text, *evidence, *(target["evidence"] if target else ())),
        series=series,
        target=target,
    )


def _times_said(series: Sequence[Series]) -> list[Sentence]:
    """Return how long the recommended stack takes, and the shortest of those that are not excluded."""
    known = [(one.name, point) for one in series for point in one.points if point.number["value"] is not None]
    ours = next((point for _, point in known if point.is_ours), None)
    said = [sentence("Not estimated for the recommended stack.")]
    if ours:
        said = [sentence(f"Recommended: {_in_unit(ours.number)}.", *ours.number["evidence"])]
    open_ones = [point for name, point in known if name != _STANDINGS["excluded"]]
    if not open_ones:
        return [*said, sentence("Only excluded stacks have an estimate.")]
    least = min(open_ones, key=lambda point: (point.number["value"], point.label))
    if least is not ours:
        text = f"Shortest of those not excluded: {least.label}, {_in_unit(least.number)}."
        said.append(sentence(text, *least.number["evidence"]))
    return said


def _in_unit(number: Number) -> str:
    times, unit = timed(number["value"], number["unit"])
    value, low, high = (digits(number[end] * times) for end in ("value", "low", "high"))
    return f"{value} {unit}" + (f" ({low} to {high})" if low != high else "")


def _target(name: str, index: int, data: Data) -> Number | None:
    """Return a workload's target as the report cites it: its value stands with the evidence."""
    id = f"answer:workloads[{index}].targets.{_TARGETS[name]}"
    entry = next((one for one in data.get("evidence", []) if one["id"] == id), None)
    if entry is None or entry["value"] is None:
        return None
    value = float(entry["value"])
    return {
        "value": value,
        "low": value,
        "high": value,
        "unit": entry["unit"],
        "kind": entry["kind"],
        "evidence": [id],
        "reason": None,
    }
