"""A stored report, read once for all its pages: its own content, what it says merged, its pictures, its statements."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
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
    evidence_number: Mapping[str, int]

    @cached_property
    def statements(self) -> Statements:
        """Everything the report says, numbered when it is first asked for: the record does without."""
        return statements(
            {name: part for name, part in self.data.items() if name != "evidence"},
            self.answers,
            self.bonds,
            self.flips,
            [group.said for group in self.warnings],
            [check.text for check in self.checks],
            [one.text for some in self.benefits for one in some],
            [
                _said(chart)
                for chart in (*self.cost_charts, *(one for some in self.workload_charts.values() for one in some))
            ],
        )


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
        evidence_number={entry["id"]: number for number, entry in enumerate(data.get("evidence", []), start=1)},
    )


def _said(chart: Chart) -> list[Any]:
    return [chart.says, chart.target, [point.number for one in chart.series for point in one.points]]
