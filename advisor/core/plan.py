"""The joint plan: one production stack per workload, chosen together.

Exact: every combination of the workloads' short lists is costed (shared budget, data flows between places, the fixed
cost of each further cloud and silicon family) and the most valuable one within the budget is taken.
"""

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from advisor.core import commercial, together
from advisor.core.bases import GROUP_OF
from advisor.core.candidates import Field
from advisor.core.case import Case
from advisor.core.money import Money
from advisor.core.quantity import Number, added, number, unknown, usd
from advisor.core.stacks import Stack, month_of, ordered
from advisor.core.value import CRITERIA, Anchor, level, normal
from estimator.coefficients import Coefficients

_MOST_COMBINATIONS = 200_000
_MOST_PER_WORKLOAD = 10


@dataclass(frozen=True)
class Choice:
    """What may carry one workload in production, with all its stacks."""

    field: Field
    stacks: tuple[Stack, ...]
    may: tuple[Stack, ...]
    eligible: tuple[Stack, ...]
    unsettled: frozenset[str]
    anchors: Mapping[str, Anchor]

    @property
    def reference(self) -> Anchor | None:
        """Return the anchor of the cost; None where the workload has no reference."""
        return self.anchors.get("cost")


@dataclass(frozen=True)
class Plan:
    """The chosen production stack per workload (None where nothing is admissible) and the lines they share.

    ``counted`` is what is known of the month: less than all where a volume of data was not stated.
    """

    chosen: tuple[Stack | None, ...]
    flows: tuple[Mapping[str, Any], ...]
    fixed: Mapping[str, Number]
    monthly: Number
    counted: Number
    net: Number | None
    value: float
    within_budget: bool | None

    @property
    def month(self) -> str:
        """Return in words what a month costs by all that is counted, and that data not stated come on top."""
        return month_of(monthly=self.monthly, counted=self.counted)


def anchors_for(*, field: Field, case: Case) -> dict[str, Anchor]:
    """Return the fixed anchors of a workload's criteria, from the document or else its reference stack."""
    document, path = case.document, f"{field.path}.targets"
    longest, default = field.workload.targets.deadline_days, case.coefficients.get("plan.default_run_days")
    anchors = {
        "portability": Anchor("portability", 0.0, 1.0, "score", "0 is free to leave, 1 is bound at every layer"),
        "operations": Anchor("operations", 0.0, 1.0, "fraction", "0 is run by the provider, 1 is all new to the team"),
        "time": Anchor("time", 0.0, default.value, "days", default.label, (default.id,))
        if longest is None
        else Anchor("time", 0.0, longest, "days", "your deadline", (f"answer:{path}.deadline_days",)),
    }
    reference = _reference(field=field, coefficients=case.coefficients)
    if reference is not None:
        anchors["cost"] = reference
    for name in ("ttft_p95_ms", "latency_p99_ms"):
        limit = getattr(field.workload.targets, name)
        if limit is not None:
            anchors["latency"] = Anchor("latency", 0.0, limit, "ms", "your latency target", (f"answer:{path}.{name}",))
            break
    units = {"cost": "USD/month", "time": "days", "latency": "ms", "portability": "score", "operations": "fraction"}
    for name, unit in units.items():
        own = getattr(document.preferences, name)
        if own.unacceptable is not None:
            ideal, evidence = own.ideal or 0.0, (f"answer:preferences.{name}.unacceptable",)
            anchors[name] = Anchor(name, ideal, own.unacceptable, unit, "your own levels", evidence)
    return anchors


def _reference(*, field: Field, coefficients: Coefficients) -> Anchor | None:
    """Return the cost anchor: twice the cost of a stack named beforehand is unacceptable, nothing is ideal."""
    frame = field.frame
    if frame.empty:
        return None
    stay = frame[frame["is_stay"] & frame["monthly_usd_typical"].notna()]
    named = frame[frame["candidate_id"] == "aws/us-east-1/p5.48xlarge/on_demand"]
    for rows, text in ((stay, "what you run today"), (named, "eight H100 on demand (p5.48xlarge, aws us-east-1)")):
        if len(rows) and np.isfinite(rows["monthly_usd_typical"].iloc[0]) and rows["monthly_usd_typical"].iloc[0] > 0:
            row = rows.iloc[0]
            return Anchor(
                "cost",
                0.0,
                2 * float(row["monthly_usd_typical"]),
                "USD/month",
                f"twice {text}",
                (row["price_evidence"],),
            )
    if field.workload.kind == "managed_api" and len(frame):
        read = coefficients.get("plan.reference_input_usd_per_mtok")
        write = coefficients.get("plan.reference_output_usd_per_mtok")
        tokens = frame[["input_tokens_per_month", "output_tokens_per_month"]].max()
        cost = (tokens.iloc[0] * read.value + tokens.iloc[1] * write.value) / 1e6
        if np.isfinite(cost) and cost > 0:
            text = f"twice a reference model at {usd(read.value)} and {usd(write.value)} per million tokens"
            return Anchor("cost", 0.0, 2 * float(cost), "USD/month", text, (read.id, write.id))
    return None


def choice(
    *,
    field: Field,
    stacks: Sequence[Stack],
    settled: Sequence[Stack],
    case: Case,
    anchors: Mapping[str, Anchor],
) -> Choice:
    """Return what may carry a workload: the most valuable stacks of every purchase group that the team accepts.

    Within a group like is ranked with like; across groups the joint plan takes the most valuable, and the report shows
    the best of each beside it. A stack to confirm first comes in only where none is ranked.

    Silicon the team has not run is never production: it can enter as a pilot with an exit gate (see ``roles``). Nor is
    an accelerator to which a measured job was only scaled: an assumption does not displace a measurement.
    ``settled`` are the stacks old enough to carry production.
    """
    known = tuple(case.document.team.accelerators or ())
    may = [
        stack
        for stack in settled
        if stack.standing != "excluded" and not new_silicon(stack, known) and not only_scaled(stack)
    ]
    unsettled = frozenset({stack.id for stack in stacks} - {stack.id for stack in settled})
    return Choice(
        field=field,
        stacks=tuple(stacks),
        may=tuple(may),
        eligible=_eligible(may, purchase=case.said.limits.purchase),
        unsettled=unsettled,
        anchors=anchors,
    )


def _eligible(may: Sequence[Stack], *, purchase: Sequence[str]) -> tuple[Stack, ...]:
    groups = (*dict.fromkeys(GROUP_OF[basis] for basis in purchase), "api")
    each = max(2, _MOST_PER_WORKLOAD // len(groups))
    for standing in ("ranked", "confirm_first"):
        mine = [stack for stack in may if stack.standing == standing]
        best = [stack for group in groups for stack in ordered([x for x in mine if x.group == group])[:each]]
        if best:
            return tuple(ordered(best))
    return ()


def only_scaled(stack: Stack) -> bool:
    """Return whether an accelerator's figures were scaled from a measurement elsewhere, on another chip or another
    SKU."""
    if not stack.row["accelerator"] or not stack.row["estimable"]:
        return False
    return stack.row["estimate_kind"] == "assumption" or is_same_chip(stack)


def is_same_chip(stack: Stack) -> bool:
    """Return whether a measured job was carried over to the same chip on another SKU: an estimate with a narrow
    range."""
    return "coefficient:measured.same_accelerator_spread" in stack.row["evidence"]


def narrowed(*, choice: Choice, case: Case, keep: Callable[[Stack], bool]) -> Choice:
    """Return a choice among only those admissible stacks that ``keep`` accepts."""
    mine = [stack for stack in choice.may if keep(stack)]
    return replace(choice, eligible=_eligible(mine, purchase=case.said.limits.purchase))


def new_silicon(stack: Stack, known: Sequence[str]) -> bool:
    """Return whether a stack stands on an accelerator that the team has not run and whose software must be ported to.

    NVIDIA is not new to anyone in this sense: stock software is written for it.
    """
    if not stack.row["accelerator"] or stack.row["accelerator_vendor"] == "NVIDIA":
        return False
    name = f"{stack.row['accelerator']} {stack.row['accelerator_vendor']}".lower()
    return not any(word in name for word in known)


def joint(*, choices: Sequence[Choice], case: Case) -> Plan:
    """Return the most valuable combination of production stacks within the budget.

    A combination whose cost is known comes before one whose cost is only a lower bound, which never keeps a budget by
    silence, and one whose accelerators may be had without asking before one that draws more of a quota than it holds.
    Where none keeps the budget, the cheapest known one is shown.
    """
    pools: list[Sequence[Stack | None]] = [item.eligible or (None,) for item in choices]
    while math.prod(len(pool) for pool in pools) > _MOST_COMBINATIONS:
        longest = max(range(len(pools)), key=lambda index: len(pools[index]))
        pools[longest] = pools[longest][:-1]
    grid = np.array(np.meshgrid(*(np.arange(len(pool)) for pool in pools), indexing="ij")).reshape(len(pools), -1).T
    cost = sum((_costs(pool)[grid[:, index]] for index, pool in enumerate(pools)), np.zeros(len(grid)))
    cost = cost + _flow_costs(pools=pools, grid=grid, choices=choices, case=case)
    cost = cost + _fixed_costs(pools=pools, grid=grid, case=case) + _stranded(pools=pools, grid=grid, case=case)
    unknown_parts = [
        np.array([stack is not None and stack.counted["value"] is None for stack in pool]) for pool in pools
    ]
    known = ~np.any([part[grid[:, index]] for index, part in enumerate(unknown_parts)], axis=0)
    values = _plan_values(
        pools=pools, grid=grid, cost=np.where(known, cost, np.nan), choices=choices, weights=case.said.weights
    )
    budget = case.said.limits.budget_usd_per_month
    inside = np.ones(len(grid), dtype=bool) if budget is None else cost <= budget
    held = ~together.over(pools=pools, grid=grid, case=case)
    for wanted in (inside & known & held, inside & known, inside):
        if wanted.any():
            best = int(np.argmax(np.where(wanted, values, -np.inf)))
            break
    else:
        best = int(np.argmin(np.where(known | ~known.any(), cost, np.inf)))
    chosen = tuple(pool[place] for pool, place in zip(pools, grid[best], strict=True))
    return assemble(
        chosen=chosen,
        choices=choices,
        case=case,
        value=float(values[best]),
    )


def assemble(
    *,
    chosen: Sequence[Stack | None],
    choices: Sequence[Choice],
    case: Case,
    value: float,
    absent: str = "no admissible stack",
) -> Plan:
    """Return the plan of one combination, with its flows, fixed lines and total as report numbers."""
    flows = flow_numbers(chosen=chosen, choices=choices, case=case)
    fixed = fixed_numbers(chosen=chosen, case=case)
    bills = [(str(stack.row["provider"]), stack.counted) for stack in chosen if stack]
    fixed |= commercial.undrawn(bills=bills, case=case)
    missing = unknown(unit="USD/month", reason=absent)
    ids = [item.field.workload.id for item in choices]
    parts = {id: stack.monthly if stack else missing for id, stack in zip(ids, chosen, strict=True)}
    known = {id: stack.counted if stack else missing for id, stack in zip(ids, chosen, strict=True)}
    shared = {f"flow {index + 1}": flow["monthly_usd"] for index, flow in enumerate(flows)} | fixed
    parts |= shared
    monthly, counted = added(parts, unit="USD/month"), added(known | shared, unit="USD/month")
    discounted = {
        item.field.workload.id: stack.numbers["net_monthly_usd"]
        for item, stack in zip(choices, chosen, strict=True)
        if stack and "net_monthly_usd" in stack.numbers
    }
    net = added({**parts, **discounted}, unit="USD/month") if discounted else None
    budget = case.said.limits.budget_usd_per_month
    within = None
    if budget is not None:
        least = counted["value"] if counted["value"] is not None else counted["low"]
        if least is not None and least > budget:
            within = False
        elif monthly["value"] is not None:
            within = True
    return Plan(tuple(chosen), tuple(flows), fixed, monthly, counted, net, value, within)


def _costs(pool: Sequence[Stack | None]) -> Any:
    """Return the monthly cost of each stack of a pool, its lower bound where the cost is not known. [USD/month]"""
    amounts = [stack.counted["value"] if stack else None for stack in pool]
    lows = [stack.counted["low"] if stack else None for stack in pool]
    return np.array([a if a is not None else (low or 0.0) for a, low in zip(amounts, lows, strict=True)], dtype=float)


def _flow_costs(*, pools: Sequence[Sequence[Stack | None]], grid: Any, choices: Sequence[Choice], case: Case) -> Any:
    total = np.zeros(len(grid))
    ids = [item.field.workload.id for item in choices]
    for index, flow in enumerate(case.document.flows):
        source, target = ids.index(flow.from_), ids.index(flow.to)
        table = np.zeros((len(pools[source]), len(pools[target])))
        for a, start in enumerate(pools[source]):
            for b, end in enumerate(pools[target]):
                amount = _flow(start, end, flow.gb_per_month or 0.0, case.money, index)["value"]
                table[a, b] = amount or 0.0
        total = total + table[grid[:, source], grid[:, target]]
    return total


def _flow(start: Stack | None, end: Stack | None, gb: float, money: Money, index: int) -> Number:
    """Return the monthly price of moving a flow between two stacks. [USD/month]"""
    answer = f"answer:flows[{index}].gb_per_month"
    if start is None or end is None:
        return unknown(unit="USD/month", reason="one end of the flow has no admissible stack", evidence=(answer,))
    same_provider = start.row["provider"] == end.row["provider"]
    api = "api" in (start.group, end.group)
    if same_provider and (api or start.row["region"] == end.row["region"]):
        return number(0.0, unit="USD/month", kind="assumption", evidence=(answer,), reason="stays within one region")
    purpose = "inter_region" if same_provider else "ordinary_transfer"
    return money.leaving(
        provider=start.row["provider"], region=start.row["region"], gb=gb, purpose=purpose, answer=answer
    )


def flow_numbers(*, chosen: Sequence[Stack | None], choices: Sequence[Choice], case: Case) -> list[dict[str, Any]]:
    """Return the flows between workloads with their volume and monthly price."""
    by_id = {item.field.workload.id: stack for item, stack in zip(choices, chosen, strict=True)}
    return [
        {
            "from": flow.from_,
            "to": flow.to,
            "gb_per_month": number(
                flow.gb_per_month, unit="GB/month", kind="answer", evidence=(f"answer:flows[{index}].gb_per_month",)
            )
            if flow.gb_per_month is not None
            else unknown(unit="GB/month", reason="not stated"),
            "monthly_usd": _flow(by_id[flow.from_], by_id[flow.to], flow.gb_per_month or 0.0, case.money, index),
        }
        for index, flow in enumerate(case.document.flows)
    ]


def _clouds(stacks: Sequence[Stack | None], case: Case) -> int:
    return len({stack.row["provider"] for stack in stacks if stack} | _present(case))


def _present(case: Case) -> set[str]:
    """Return the cloud the team runs on today: one more than it is a further cloud."""
    provider = case.document.current.provider
    return {provider} if provider and provider != "other" else set()


def _silicon(stacks: Sequence[Stack | None]) -> int:
    return len({stack.row["accelerator_vendor"] for stack in stacks if stack and stack.row["accelerator"]})


def _fixed_costs(*, pools: Sequence[Sequence[Stack | None]], grid: Any, case: Case) -> Any:
    cloud = case.coefficients.get("plan.fixed_usd_per_month_extra_cloud").value
    silicon = case.coefficients.get("plan.fixed_usd_per_month_extra_silicon").value
    clouds = _distinct(pools, grid, lambda stack: stack.row["provider"], already=_present(case))
    kinds = _distinct(pools, grid, lambda stack: stack.row["accelerator_vendor"] if stack.row["accelerator"] else "")
    return cloud * np.maximum(clouds - 1, 0) + silicon * np.maximum(kinds - 1, 0)


def _stranded(*, pools: Sequence[Sequence[Stack | None]], grid: Any, case: Case) -> Any:
    """Return what each combination leaves undrawn of the team's commitments. [USD/month]"""
    total = np.zeros(len(grid))
    for _, provider, promised in commercial.commitments(case):
        spent = np.zeros(len(grid))
        for index, pool in enumerate(pools):
            here = np.array([stack is not None and stack.row["provider"] == provider for stack in pool])
            spent += np.where(here, _costs(pool), 0.0)[grid[:, index]]
        total += np.maximum(0.0, promised - spent)
    return total


def _distinct(pools: Sequence[Sequence[Stack | None]], grid: Any, of: Any, *, already: Set[str] = frozenset()) -> Any:
    """Return how many distinct values ``of`` the stacks of each combination have, with those ``already`` there."""
    names = sorted({of(stack) for pool in pools for stack in pool if stack} - {""} - already)
    count = np.full(len(grid), float(len(already)))
    for name in names:
        has = np.zeros(len(grid), dtype=bool)
        for index, pool in enumerate(pools):
            mine = np.array([bool(stack) and of(stack) == name for stack in pool])
            has |= mine[grid[:, index]]
        count += has
    return count


def fixed_numbers(*, chosen: Sequence[Stack | None], case: Case) -> dict[str, Number]:
    """Return what the chosen stacks share the cost of, by title: further clouds and silicon families. [USD/month]"""
    lines = {}
    for name, key, count in (
        ("each further cloud", "plan.fixed_usd_per_month_extra_cloud", _clouds(chosen, case) - 1),
        ("each further silicon family", "plan.fixed_usd_per_month_extra_silicon", _silicon(chosen) - 1),
    ):
        if count > 0:
            each = case.coefficients.get(key)
            lines[name] = number(
                count * each.value,
                count * each.low,
                count * each.high,
                unit="USD/month",
                kind=each.kind,
                evidence=(each.id,),
                reason=each.why,
            )
    return lines


def _plan_values(
    *,
    pools: Sequence[Sequence[Stack | None]],
    grid: Any,
    cost: Any,
    choices: Sequence[Choice],
    weights: Mapping[str, float],
) -> Any:
    """Return the value of each combination: the criteria averaged over workloads, the cost judged on the whole bill."""
    shares = normal(weights)
    values = np.zeros(len(grid))
    share = 0.0
    for name in CRITERIA:
        if name == "cost":
            references = [item.reference.unacceptable for item in choices if item.reference]
            if not references:
                continue
            levels = np.nan_to_num(
                level(x=cost, anchor=Anchor("cost", 0.0, float(sum(references)), "USD/month", "sum"))
            )
        else:
            tables = [np.array([stack.levels[name] if stack else np.nan for stack in pool]) for pool in pools]
            known = [index for index, table in enumerate(tables) if not np.all(np.isnan(table))]
            if not known:
                continue
            levels = np.mean([np.nan_to_num(tables[index])[grid[:, index]] for index in known], axis=0)
        values = values + shares[name] * levels
        share += shares[name]
    return values / share if share else values
