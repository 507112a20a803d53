"""A stored report, read once for all its pages: its own content, what it says merged, its pictures, its statements."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.core import charts, gist, merged, option_charts
from advisor.core.charts import Chart
from advisor.core.merged import Benefit, Check, WarningGroup
from advisor.core.quantity import Sentence
from advisor.core.statements import Statements, statements


@dataclass(frozen=True)
class Readout:
    """What the pages of a report show. Nothing in it is edited once made: the pages share it."""

    data: Mapping[str, Any]
    answers: tuple[Sentence, ...]
    bonds: Mapping[str, Sentence]
    flips: tuple[Sentence, ...]
    warnings: tuple[WarningGroup, ...]
    checks: tuple[Check, ...]
    benefits: tuple[tuple[Benefit, ...], ...]
    cost_charts: tuple[Chart, ...]
    workload_charts: Mapping[str, tuple[Chart, ...]]
    statements: Statements
    evidence_number: Mapping[str, int]


def read(content: bytes) -> Readout:
    """Return a report read from its bytes, whatever version of the schema they are of: absent sections stay absent."""
    return of(json.loads(content))


def of(data: Mapping[str, Any]) -> Readout:
    """Return a report's data read out. Page and record both say what stands here, and nothing in words of their own."""
    answers, bonds, flips = gist.answers(data), gist.bonds(data), gist.flips(data)
    warnings, checks = merged.warning_groups(data), merged.checks(data)
    benefits = tuple(merged.benefits(stack) for stack in data.get("coupling", {}).get("stacks", []))
    cost = charts.cost_charts(data)
    by_workload = {
        workload["id"]: option_charts.workload_charts(workload, index=index, data=data)
        for index, workload in enumerate(data.get("workloads", []))
    }
    said = (
        {name: part for name, part in data.items() if name != "evidence"},
        answers,
        bonds,
        flips,
        [group.said for group in warnings],
        [check.text for check in checks],
        [one.text for some in benefits for one in some],
        [_said(chart) for chart in (*cost, *(one for some in by_workload.values() for one in some))],
    )
    return Readout(
        data=data,
        answers=answers,
        bonds=bonds,
        flips=flips,
        warnings=warnings,
        checks=checks,
        benefits=benefits,
        cost_charts=cost,
        workload_charts=by_workload,
        statements=statements(*said),
        evidence_number={entry["id"]: number for number, entry in enumerate(data.get("evidence", []), start=1)},
    )


def _said(chart: Chart) -> list[Any]:
    return [chart.says, chart.target, [point.number for one in chart.series for point in one.points]]
