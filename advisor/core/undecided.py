"""Where the leading stack is ahead of a cheaper one only by what nobody has shown of that one: measure before deciding.

A criterion unknown for a stack counts as nothing in its value, so that silence never wins. It must not lose silently
either: here is computed from which figure on the cheaper stack would be worth more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.core import plan
from advisor.core.bases import BASIS_TEXT
from advisor.core.case import Case
from advisor.core.figures import amount
from advisor.core.plan import Choice, Plan
from advisor.core.quantity import Number, Sentence, a_month, number, sentence, span
from advisor.core.stacks import Stack, ordered


@dataclass(frozen=True)
class Rival:
    """A cheaper stack that would be worth more with its unknown figure at ``enough`` or below, and what that figure is.

    ``decides``: it need not even be as good there as the leading stack is.
    """

    choice: Choice
    leader: Stack
    stack: Stack
    measured: str
    enough: Number
    decides: bool

    @property
    def condition(self) -> str:
        """Return what has to be shown of it: ``its time to first token (p95) is at most 1,460 ms``."""
        return f"its {self.measured} is at most {amount(self.enough)}"

    @property
    def ends(self) -> str:
        """Return when the provider retires it, where that is stated."""
        date = self.stack.row.get("retirement_date")
        return f"; it retires on {date}" if isinstance(date, str) and date else ""

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return what the comparison rests on."""
        return (
            *self.stack.monthly["evidence"],
            *self.leader.monthly["evidence"],
            *self.enough["evidence"],
            self.stack.row["option_evidence"],
        )

    @property
    def text(self) -> Sentence:
        """Return what speaks for measuring it first."""
        return sentence(
            f"{self.stack.label} costs {self.stack.month} against {span(self.leader.counted)} and "
            f"would be worth more to you if {self.condition}, which is not on file{self.ends}.",
            *self.evidence,
        )


@dataclass(frozen=True)
class Elsewhere:
    """The leader's accelerator at another place, where a measured job is estimated to cost less.

    An estimate does not displace the measurement (see ``plan.only_scaled``), so it is said beside the answer.
    ``saves`` is what it would cost less a month, ``enough`` the hours there below which it does.
    """

    choice: Choice
    stack: Stack
    saves: Number
    enough: Number

    @property
    def text(self) -> Sentence:
        """Return what it is estimated to save, and what to measure to know."""
        row = self.stack.row
        place = f"{row['provider']} ({row['sku']}, {row['region']}, {BASIS_TEXT[row['basis']]})"
        return sentence(
            f"The same accelerator is estimated {a_month(self.saves)} cheaper on {place}, before the data and the team "
            f"are moved. To know, measure the work there: below {amount(self.enough)} it costs less",
            *self.saves["evidence"],
            *self.enough["evidence"],
        )


def elsewhere(*, choices: Sequence[Choice], best: Plan) -> list[Elsewhere]:
    """Return, for each measured workload, the best other place of its accelerator that costs less at its high end."""
    found = (_elsewhere(choice, leader) for choice, leader in zip(choices, best.chosen, strict=True) if leader)
    return [one for one in found if one]


def _elsewhere(choice: Choice, leader: Stack) -> Elsewhere | None:
    mine = leader.counted
    twins = [
        stack
        for stack in choice.stacks
        if plan.is_same_chip(stack)
        and stack.standing == "ranked"
        and mine["value"]
        and (stack.counted["high"] or mine["value"]) < mine["value"]
    ]
    if not twins:
        return None
    stack = ordered(twins)[0]
    cost, hours, price = stack.counted, stack.numbers["instance_hours_per_month"], stack.numbers["price_usd_per_hour"]
    evidence = (*mine["evidence"], *cost["evidence"])
    return Elsewhere(
        choice=choice,
        stack=stack,
        saves=number(
            mine["value"] - cost["value"],
            mine["low"] - cost["high"],
            mine["high"] - cost["low"],
            unit="USD/month",
            kind="estimate",
            evidence=evidence,
        ),
        enough=number(
            hours["value"] + (mine["value"] - cost["value"]) / price["value"],
            unit="instance-hours/month",
            kind="estimate",
            evidence=(*evidence, *hours["evidence"], *price["evidence"]),
        ),
    )


def rivals(*, choices: Sequence[Choice], best: Plan, case: Case) -> list[Rival]:
    """Return, workload by workload, the cheaper stacks that an unknown figure alone keeps behind, the nearest first.

    One a model family or kind of silicon. The value is the plan's, with all that its workloads share.
    """
    return [
        rival
        for index, leader in enumerate(best.chosen)
        if leader is not None
        for rival in _rivals(index=index, leader=leader, choices=choices, best=best, case=case)
    ]


def deciding(found: Sequence[Rival]) -> list[Rival]:
    """Return the first rival of each workload that leaves its decision open."""
    by_workload: dict[int, Rival] = {}
    for rival in found:
        if rival.decides:
            by_workload.setdefault(rival.choice.field.index, rival)
    return list(by_workload.values())


def _rivals(*, index: int, leader: Stack, choices: Sequence[Choice], best: Plan, case: Case) -> list[Rival]:
    choice = choices[index]
    found: dict[str, Rival] = {}
    for stack in choice.eligible:
        row = stack.row
        sort = str(row["family"] or row["accelerator"] or row["sku"])
        cost, mine = stack.counted["value"], leader.counted["value"]
        if sort in found or cost is None or mine is None or cost >= mine:
            continue
        hidden = [name for name, x in stack.levels.items() if np.isnan(x) and np.isfinite(leader.levels[name])]
        hidden = [name for name in hidden if case.said.weights.get(name)]
        if len(hidden) != 1:
            continue
        rival = _rival(index=index, stack=stack, name=hidden[0], choices=choices, best=best, case=case)
        if rival is not None:
            found[sort] = rival
    return sorted(found.values(), key=lambda rival: (not rival.decides, -rival.stack.value, rival.stack.id))


def _rival(*, index: int, stack: Stack, name: str, choices: Sequence[Choice], best: Plan, case: Case) -> Rival | None:
    """Return a stack as a rival where the plan is worth more with it at the best level of what is unknown of it."""
    choice, leader = choices[index], best.chosen[index]
    anchor = choice.anchors.get(name)
    if leader is None or anchor is None:
        return None

    def worth(level: float) -> float:
        shown = replace(stack, levels={**stack.levels, name: level})
        pools = [*choices[:index], replace(choice, eligible=(shown,)), *choices[index + 1 :]]
        found = plan.joint(choices=pools, case=case)
        return float("-inf") if found.within_budget is False and best.within_budget is not False else found.value

    nothing, all_of_it = worth(0.0), worth(1.0)
    if not all_of_it > best.value:
        return None
    enough = float(np.clip((best.value - nothing) / (all_of_it - nothing), 0.0, 1.0))
    limit = anchor.unacceptable - enough * (anchor.unacceptable - anchor.ideal)
    return Rival(
        choice=choice,
        leader=leader,
        stack=stack,
        measured=_measured(name=name, choice=choice),
        enough=number(
            limit,
            unit=anchor.unit,
            kind="estimate",
            evidence=(*anchor.evidence, *stack.monthly["evidence"], *leader.monthly["evidence"]),
        ),
        decides=enough < leader.levels[name],
    )


def _measured(*, name: str, choice: Choice) -> str:
    """Return what is to be measured for a criterion, in words."""
    if name == "latency":
        wanted = choice.field.workload.targets.ttft_p95_ms
        return "latency (p99)" if wanted is None else "time to first token (p95)"
    return {"time": "run"}.get(name, name)
