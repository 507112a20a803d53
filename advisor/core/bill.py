"""The bill of a plan and of its stacks: its lines over a month and over the horizon, and its months one by one.

Lines that follow the load grow with the ramp; stored data, cluster fees, staff and undrawn commitments do not. What a
bill holds beside (``in_total`` false) is told with its figure or with why there is none, and is in no total.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from advisor.core import fleet
from advisor.core.candidates import Field
from advisor.core.case import Case
from advisor.core.plan import Plan
from advisor.core.quantity import Number, added, number, rounded, scaled, unknown
from advisor.core.roles import Assignment
from advisor.core.stacks import Stack
from catalog.units import GB_PER_TB
from estimator.cost import COMMITTED, over_horizon, ramp_months
from estimator.uncertainty import Range

_MONTH, _ALL = "USD/month", "USD"


@dataclass(frozen=True)
class Line:
    """One line: what a month at full load costs, or what is paid once."""

    id: str
    title: str
    amount: Number
    follows_load: bool = False
    part_of: str | None = None  # the line that holds this one already
    once: bool = False
    in_total: bool = True
    above_share: Range | None = None  # month by month, what its smallest fleet costs beyond the load's share


# Numbers of a stack: line, title, number, does it follow the load, which line holds it.
_OF_STACK = (
    ("compute", "Compute", "compute_usd", True, None),
    ("runs", "The runs themselves", "run_usd", True, "compute"),
    ("experiments", "Experiments and failed runs", "experiment_usd", True, "compute"),
    ("idle", "Idle: bought for the peak, a spare or a term", "idle_usd_per_month", True, "compute"),
    ("storage", "Stored data", "storage_usd", False, None),
    ("checkpoints", "Checkpoints kept", "checkpoint_usd", False, None),
    ("egress", "Data leaving the cloud", "egress_usd", True, None),
    ("orchestration", "Cluster fees", "orchestration_usd", False, None),
)
_TOKENS, _BOTH = "Model tokens", "Compute and model tokens"


def of_stack(*, stack: Stack, field: Field, case: Case) -> dict[str, Any]:
    """Return the bill of one stack: ``lines``, ``months`` and ``horizon_usd``."""
    lines = _stack_lines(stack=stack, field=field, case=case)
    return _told(lines=lines, monthly=stack.monthly, case=case)


def of_plan(*, plan: Plan, assignments: Sequence[Assignment], case: Case) -> dict[str, Any]:
    """Return the bill of a plan: its stacks' lines added, what they share, and what is paid once beside them."""
    production = [item for item in assignments if item.role in ("production", "baseline", "none")]
    fields = [item.choice.field for item in production]
    by_line: dict[str, dict[str, Line]] = {}
    for stack, field in zip(plan.chosen, fields, strict=True):
        for line in _stack_lines(stack=stack, field=field, case=case) if stack else ():
            by_line.setdefault(line.id, {})[field.workload.id] = line
    lines = [_sum(by_line[id]) for id, *_ in _OF_STACK if id in by_line]
    for stack, field in zip(plan.chosen, fields, strict=True):
        if stack is None:
            nothing = unknown(unit=_MONTH, reason="no admissible stack")
            lines.append(Line("missing", f"{field.stated.name or field.workload.id}: no stack", nothing))
    if plan.flows:
        flows = {f"{flow['from']} to {flow['to']}": flow["monthly_usd"] for flow in plan.flows}
        lines.append(Line("flows", "Data between workloads", added(flows, unit=_MONTH), follows_load=True))
    lines += [Line(*_shared(title), amount) for title, amount in plan.fixed.items()]
    lines += _beside(plan=plan, assignments=assignments, fields=fields, case=case)
    return _told(lines=lines, monthly=plan.monthly, case=case)


def _shared(title: str) -> tuple[str, str]:
    staffed = title.startswith("each further")
    return ("staff", f"Staff: {title}") if staffed else ("commitment", title[:1].upper() + title[1:])


def _stack_lines(*, stack: Stack, field: Field, case: Case) -> list[Line]:
    lines = []
    ramp, more = case.said.horizon.ramp, fleet.above_share(stack=stack, field=field, case=case)
    for id, title, name, follows, part_of in _OF_STACK:
        if name not in stack.numbers:
            continue
        if id == "compute" and stack.row["path"] == "managed_api":
            title = _TOKENS
        if id == "compute" and stack.row["basis"] in COMMITTED and ramp == "linear":
            title = "Compute, commitments bought as the load grows"
        lines.append(Line(id, title, stack.numbers[name], follows_load=follows, part_of=part_of))
        if id in ("compute", "idle") and more is not None:
            lines[-1] = replace(lines[-1], above_share=more)
    return lines


def _sum(lines: Mapping[str, Line]) -> Line:
    """Return the same line of several workloads as one."""
    first = next(iter(lines.values()))
    if len(lines) == 1:
        return first
    titles = list(dict.fromkeys(line.title for line in lines.values()))
    title = titles[0] if len(titles) == 1 else _BOTH if _TOKENS in titles else max(titles, key=len)
    amount = added({name: line.amount for name, line in lines.items()}, unit=_MONTH)
    return replace(first, title=title, amount=amount, above_share=_added([line.above_share for line in lines.values()]))


def _added(parts: Iterable[Range | None]) -> Range | None:
    """Return the sum of what smallest fleets cost, end by end; None where there is none."""
    found = [part for part in parts if part is not None]
    return Range(*(sum(part[end] for part in found) for end in range(3))) if found else None


def _beside(*, plan: Plan, assignments: Sequence[Assignment], fields: Sequence[Field], case: Case) -> list[Line]:
    """Return what is not in the monthly total: moving the data, pilots and their ports, the providers' support."""
    moves = {
        field.workload.id: _move(field=field, stack=stack, case=case)
        for stack, field in zip(plan.chosen, fields, strict=True)
        if stack
    }
    lines = []
    if moves:
        lines.append(
            Line("migration", "Moving the stored data, once", added(moves, unit=_ALL), once=True, in_total=False)
        )
    for id, title, name in (
        ("port", "Staff: porting for the pilots, once", "port_usd"),
        ("pilots", "Pilots, once", "pilot_usd"),
    ):
        amounts: dict[str, Number] = {}
        for item in assignments:
            if name in item.numbers:
                amounts.setdefault(item.choice.field.workload.id, item.numbers[name])
        if amounts:
            lines.append(Line(id, title, added(amounts, unit=_ALL), once=True, in_total=False))
    support = unknown(
        unit=_MONTH,
        reason="the provider's support plan is not asked for and its price is not on file; it is in no total",
    )
    return [*lines, Line("support", "Provider support plan", support, in_total=False)]


def _move(*, field: Field, stack: Stack, case: Case) -> Number:
    """Return what bringing the stored data to a stack costs where they leave. [USD, once]"""
    data, path = field.workload.data, f"{field.path}.data"
    if data.stored_tb is None or data.located_in_provider is None or data.located_in_region is None:
        missing = "stored_tb" if data.stored_tb is None else "located_in"
        return unknown(unit=_ALL, reason=f"data.{missing} is not stated")
    answers = (f"answer:{path}.stored_tb", f"answer:{path}.located_in")
    same_cloud = stack.row["provider"] == data.located_in_provider
    if same_cloud and stack.row["region"] == data.located_in_region:
        return number(0.0, unit=_ALL, kind="answer", evidence=answers, reason="the data are there")
    if stack.group == "api":
        return number(0.0, unit=_ALL, kind="assumption", evidence=answers, reason="a model API is asked, no data move")
    paid = case.money.leaving(
        provider=data.located_in_provider,
        region=data.located_in_region,
        gb=data.stored_tb * GB_PER_TB,
        purpose="inter_region" if same_cloud else "ordinary_transfer",
        answer=answers[0],
    )
    return {**paid, "unit": _ALL, "evidence": sorted({*paid["evidence"], *answers})}


def _told(*, lines: Sequence[Line], monthly: Number, case: Case) -> dict[str, Any]:
    top = [line for line in lines if line.part_of is None and line.in_total]
    grows = _ends([line.amount for line in top if line.follows_load])
    stays = _ends([line.amount for line in top if not line.follows_load])
    return {
        "lines": [_line(line, case=case) for line in lines],
        **_months(grows=grows, stays=stays, more=_added(line.above_share for line in top), monthly=monthly, case=case),
    }


def _line(line: Line, *, case: Case) -> dict[str, Any]:
    factor = 1.0 if line.once else ramp_months(case.said.horizon) if line.follows_load else case.said.horizon.months
    whole = scaled(line.amount, factor, unit=_ALL)
    if line.above_share is not None and whole["value"] is not None:
        ends = zip(("low", "value", "high"), line.above_share, strict=True)
        whole |= {end: rounded(whole[end] + float(np.sum(more))) for end, more in ends}
        if line.part_of is None:
            whole["reason"] = whole["reason"] or "never less than the smallest fleet"
    return {
        "id": line.id,
        "title": line.title,
        "monthly_usd": None if line.once else line.amount,
        "horizon_usd": whole,
        "part_of": line.part_of,
        "in_total": line.in_total,
    }


def _ends(amounts: Sequence[Number]) -> Range:
    """Return the sum of the lines end by end; NaN where one is unknown, and its lower bound at the low end."""
    return Range(
        sum(amount["low"] or 0.0 for amount in amounts),
        sum(math.nan if amount["value"] is None else amount["value"] for amount in amounts),
        sum(math.nan if amount["high"] is None else amount["high"] for amount in amounts),
    )


def _months(*, grows: Range, stays: Range, more: Range | None, monthly: Number, case: Case) -> dict[str, Any]:
    """Return the months and their sum. A month names the horizon as its evidence: its parts are the lines' own."""
    horizon = case.said.horizon
    evidence = tuple(case.said.evidence_id(f"horizon.{name}") for name in ("months", "ramp"))
    table = over_horizon(usd_per_month=grows, horizon=horizon, fixed_usd_per_month=stays, above_share=more)
    kind, reason = monthly["kind"], monthly["reason"] or ""

    def told(row: Mapping[Any, Any], name: str, unit: str, sources: Sequence[str], why: str) -> Number:
        low, typical, high = (row[f"{name}_{end}"] for end in ("low", "typical", "high"))
        if math.isnan(typical):
            return unknown(unit=unit, reason=why, low=low or None, evidence=sources)
        return number(typical, low, high, unit=unit, kind=kind, evidence=sources)

    rows = table.to_dict("records")
    least = "a line of the month is unknown"
    return {
        "months": [
            {
                "month": int(row["month"]),
                "ramp_fraction": number(row["ramp_fraction"], unit="fraction", kind="estimate", evidence=evidence),
                "usd": told(row, "usd", _MONTH, evidence, least),
                "cumulative_usd": told(row, "cumulative_usd", _ALL, evidence, least),
            }
            for row in rows
        ],
        "horizon_usd": told(rows[-1], "cumulative_usd", _ALL, (*monthly["evidence"], *evidence), reason),
    }
