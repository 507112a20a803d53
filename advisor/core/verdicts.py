"""How the constraints stand: stack by stack, the shared budget, what each removes and what lifting one would give."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from advisor.core import together
from advisor.core.case import Case
from advisor.core.constraints import MISSED, STATE_TEXT, UNKNOWN
from advisor.core.labels import CARRYING
from advisor.core.plan import Choice, Plan
from advisor.core.quantity import listed, number, sentence, titled, usd
from advisor.core.roles import Assignment
from advisor.core.stacks import Stack


def judged(*, choice: Choice, stack: Stack) -> list[dict[str, Any]]:
    """Return each constraint of a stack with its state, its sentence and its slack."""
    found = []
    for check in choice.field.checks:
        state = stack.states[check.id]
        slack = check.slack(stack.row)
        found.append(
            {
                "id": check.id,
                "title": check.title,
                "state": STATE_TEXT[state],
                "text": check.say(stack.row, state),
                **({"slack": slack} if slack else {}),
            }
        )
    return found


def constraint_summary(*, assignments: Sequence[Assignment], plan: Plan, case: Case) -> list[dict[str, Any]]:
    """Return each constraint once per assigned production stack, the shared budget, and capacity drawn together."""
    budget = case.said.limits.budget_usd_per_month
    rows: list[dict[str, Any]] = []
    if budget is not None:
        state = {True: "met", False: "missed", None: "cannot be confirmed"}[plan.within_budget]
        cost = plan.monthly
        rows.append(
            {
                "id": "budget",
                "scope": "decision",
                "title": "monthly budget",
                "state": state,
                "text": sentence(
                    f"The plan costs {plan.month} against a budget of {usd(budget)}{_past(plan, budget)}.",
                    "answer:constraints.budget_usd_per_month",
                    *cost["evidence"],
                ),
                **(
                    {
                        "slack": number(
                            budget - cost["value"],
                            budget - cost["high"],
                            budget - cost["low"],
                            unit="USD/month",
                            kind=cost["kind"],
                            evidence=(*cost["evidence"], "answer:constraints.budget_usd_per_month"),
                        )
                    }
                    if cost["value"] is not None
                    else {}
                ),
            }
        )
    carrying = [item for item in assignments if item.stack and item.role in CARRYING]
    names = [item.choice.field.stated.name or item.choice.field.workload.id for item in carrying]
    for holds, text in together.shared(chosen=[item.stack for item in carrying], names=names, case=case):
        state, title = ("met" if holds else "cannot be confirmed"), "capacity of all workloads together"
        rows.append({"id": "capacity", "scope": "decision", "title": title, "state": state, "text": text})
    for item in assignments:
        if item.stack is None or item.role not in CARRYING:
            continue
        for row in judged(choice=item.choice, stack=item.stack):
            rows.append({**row, "scope": item.choice.field.workload.id})
    return rows


def _past(plan: Plan, budget: float) -> str:
    """Return that the high end of a plan's range passes a budget that its planning value keeps."""
    high = plan.counted["high"]
    if plan.within_budget is False or high is None or high <= budget:
        return ""
    return f", but the high end of its range, {usd(high)}, is over it"


def removals(*, choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """Return, per workload and constraint, how many candidates it removes and how many it alone removes."""
    rows = []
    for choice in choices:
        checks = choice.field.checks
        if not checks or choice.field.frame.empty:
            continue
        missed = np.array([check.states == MISSED for check in checks])
        alone = missed & (missed.sum(axis=0) == 1)
        for index, check in enumerate(checks):
            if missed[index].any():
                rows.append(
                    {
                        "workload_id": choice.field.workload.id,
                        "id": check.id,
                        "title": check.title,
                        "removed": int(missed[index].sum()),
                        "removed_alone": int(alone[index].sum()),
                        "of": int(missed.shape[1]),
                        "text": sentence(
                            f"{titled(check.title)} removes {int(missed[index].sum()):,} of {missed.shape[1]:,} "
                            "candidates, "
                            f"{int(alone[index].sum()):,} of them alone.",
                        ),
                    }
                )
    return rows


def excluded_providers(*, choices: Sequence[Choice], allowed: Sequence[str] | None) -> list[dict[str, Any]]:
    """Return, for each provider your constraint excludes, what lifting it would give per workload."""
    if not allowed:
        return []
    rows = []
    for choice in choices:
        for provider in sorted({stack.row["provider"] for stack in choice.stacks} - set(allowed)):
            mine = [
                stack
                for stack in choice.stacks
                if stack.row["provider"] == provider
                and [check.id for check in choice.field.checks if stack.states[check.id] == MISSED] == ["provider"]
            ]
            known = [stack for stack in mine if stack.counted["value"] is not None]
            if not mine:
                continue
            best = min(known, key=lambda stack: (stack.counted["value"], stack.id)) if known else mine[0]
            rows.append(
                {
                    "workload_id": choice.field.workload.id,
                    "provider": provider,
                    "stack_id": best.id,
                    "label": best.label,
                    "monthly_usd": best.monthly,
                    "text": sentence(
                        f"{provider} is excluded by your list of providers; lifting that would allow {best.label} for "
                        f"{best.month}{_to_confirm(choice=choice, stack=best)}.",
                        "answer:constraints.providers",
                        *(best.monthly["evidence"] or [best.row["option_evidence"]]),
                    ),
                }
            )
    return rows


def _to_confirm(*, choice: Choice, stack: Stack) -> str:
    """Return which decisive constraints of a stack would still have to be confirmed."""
    open_ones = [check.title for check in choice.field.checks if check.decisive and stack.states[check.id] == UNKNOWN]
    return f", once confirmed: {listed(open_ones)}" if open_ones else ""
