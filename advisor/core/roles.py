"""Which part each stack plays: production or baseline, and beside it a pilot with an exit gate, a canary, a
fallback.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.core import compatibility, fleet
from advisor.core.bases import BASIS_TEXT
from advisor.core.case import Case
from advisor.core.figures import amount
from advisor.core.plan import Choice, new_silicon
from advisor.core.quantity import Number, Sentence, digits, number, sentence, span, usd
from advisor.core.stacks import Stack, ordered
from catalog.frame import Catalog
from catalog.records import Rule
from estimator.coefficients import Coefficient
from estimator.training import DOES_NOT_FIT
from estimator.uncertainty import Range, independent, of

_DAYS_PER_MONTH = 365.25 / 12
_BESIDE = ("storage_usd", "checkpoint_usd", "egress_usd", "orchestration_usd")
ROLE_TEXT = {
    "production": "production",
    "baseline": "production baseline, against which the pilot is judged",
    "pilot": "pilot with an exit gate",
    "fallback": "fallback of the pilot",
    "canary": "canary",
    "none": "no admissible stack",
}


@dataclass(frozen=True)
class Assignment:
    """A stack in a role for one workload; ``gate`` says what must be shown before it goes further."""

    choice: Choice
    role: str
    stack: Stack | None
    gate: tuple[Sentence, ...]
    numbers: dict[str, Number]


@dataclass(frozen=True)
class Port:
    """How long moving a workload's own code to other silicon takes; within the limit if it is so at its high end."""

    weeks: Number
    within_limit: bool
    limit: Coefficient


def assignments(
    *,
    choices: Sequence[Choice],
    chosen: Sequence[Stack | None],
    case: Case,
) -> list[Assignment]:
    """Return every stack of the plan with its role, workload by workload."""
    found: list[Assignment] = []
    for choice, stack in zip(choices, chosen, strict=True):
        if stack is None:
            found.append(Assignment(choice, "none", None, (), {}))
            continue
        beside = _beside(choice=choice, stack=stack, case=case)
        piloted = any(other.role == "pilot" for other in beside)
        found.append(Assignment(choice, "baseline" if piloted else "production", stack, (), {}))
        found.extend(beside)
    return found


def _beside(*, choice: Choice, stack: Stack, case: Case) -> list[Assignment]:
    if stack.row["path"] == "cpu":
        return _canary(choice=choice, stack=stack, catalog=case.catalog)
    if stack.row["path"] == "merchant":
        return _pilot(choice=choice, stack=stack, case=case)
    return []


def settled(*, stacks: Sequence[Stack], case: Case) -> list[Stack]:
    """Return the stacks whose CPU generation has been generally available for long enough to carry production."""
    months = case.coefficients.get("plan.canary_months").value
    ages = {row["id"]: _age_months(row["ga_date"], case.moment) for row in case.catalog.cpu_families.to_dict("records")}
    return [
        stack
        for stack in stacks
        if stack.row["path"] != "cpu"
        or not stack.row["cpu_family"]
        or ages.get(stack.row["cpu_family"], np.inf) >= months
    ]


def _age_months(ga_date: Any, moment: dt.date) -> float:
    text = str(ga_date or "")
    if not text or text == "nan":
        return float("inf")
    parts = [int(part) for part in text.split("-")]
    year, month = parts[0], parts[1] if len(parts) > 1 else 1
    return float((moment.year - year) * 12 + moment.month - month)


def _canary(*, choice: Choice, stack: Stack, catalog: Catalog) -> list[Assignment]:
    """Return the next CPU generation of the same provider and instruction set, where one is on offer."""
    families = {row["id"]: row for row in catalog.cpu_families.to_dict("records")}
    mine = families.get(stack.row["cpu_family"])
    if mine is None:
        return []
    newer = [
        other
        for other in choice.stacks
        if other.standing != "excluded"
        and other.row["cpu_family"] in families
        and families[other.row["cpu_family"]]["provider"] == mine["provider"]
        and families[other.row["cpu_family"]]["isa"] == mine["isa"]
        and families[other.row["cpu_family"]]["generation_order"] > mine["generation_order"]
        and other.row["basis"] == stack.row["basis"]
    ]
    if not newer:
        return []
    best = max(newer, key=lambda other: (families[other.row["cpu_family"]]["generation_order"], other.value, other.id))
    family = families[best.row["cpu_family"]]
    claim = f" The claim for it ({family['claim']}) is a vendor's, not a measurement." if family["claim"] else ""
    measured = choice.field.workload.measured
    unit = f"{measured.work_unit}s" if measured and measured.work_unit else "work"
    gate = sentence(
        f"Send a small share of the load to {family['name']} and move on when it serves at least as many {unit} per "
        f"dollar as {mine['name']} at your own latency limit.{claim}",
        f"cpu_family:{family['id']}",
        f"cpu_family:{mine['id']}",
    )
    return [Assignment(choice, "canary", best, (gate,), {})]


def port_effort(*, choice: Choice, case: Case) -> Port:
    """Return how long rewriting the workload's custom kernels takes this team. [calendar weeks]"""
    each = case.coefficients.get("plan.weeks_per_custom_kernel")
    limit = case.coefficients.get("plan.pilot_port_weeks_limit")
    kernels = choice.field.workload.code.custom_kernels or 0
    people = max(1, case.document.team.ml_systems_engineers or 1)
    rounds = math.ceil(kernels / people)  # one person writes one kernel at a time
    evidence = (
        each.id,
        case.said.evidence_id(f"{choice.field.path}.code.custom_kernels"),
        case.said.evidence_id("team.ml_systems_engineers"),
    )
    weeks = number(
        rounds * each.value,
        rounds * each.low,
        rounds * each.high,
        unit="weeks",
        kind="assumption",
        evidence=evidence,
        reason=f"{kernels} custom kernels, {people} engineers",
    )
    return Port(weeks=weeks, within_limit=bool(weeks["high"] <= limit.value), limit=limit)


def pilot_pool(*, choice: Choice, case: Case) -> list[Stack]:
    """Return the admissible stacks on silicon that is new to the team, best first."""
    known = tuple(case.document.team.accelerators or ())
    mine = [stack for stack in choice.stacks if stack.standing != "excluded" and new_silicon(stack, known)]
    return ordered(mine)


def _pilot(*, choice: Choice, stack: Stack, case: Case) -> list[Assignment]:
    pool = pilot_pool(choice=choice, case=case)
    port = port_effort(choice=choice, case=case)
    stopped = not case.document.team.ml_systems_engineers or choice.field.workload.code.unsupported_ops
    if not pool or not port.within_limit or stopped or choice.field.workload.kind == "managed_api":
        return []
    made = {row["id"]: dict(row) for row in case.catalog.accelerators.to_dict("records")}
    pool = [
        other
        for other in pool
        if _is_out(made[other.row["accelerator"]])
        and _may_pass(other, baseline=stack, case=case)
        and not not_worth(choice=choice, stack=other, best=stack, case=case)
    ]
    rentable = [
        other
        for other in pool
        if other.states.get("rentable") == 1 and other.numbers["price_usd_per_hour"]["value"] is not None
    ]
    if not pool:
        return []
    first = max(rentable, key=lambda other: _pilot_key(other, stack, made), default=None)
    asked = [other for other in pool if other.states.get("rentable") != 1]
    newest = max(asked, key=lambda other: _pilot_key(other, stack, made), default=None)
    is_newer = newest is not None and (
        first is None
        or (
            newest.row["accelerator_vendor"] == first.row["accelerator_vendor"]
            and _made(made, newest) > _made(made, first)
        )
    )
    taken = [("pilot", newest), ("fallback", first)] if is_newer else [("pilot", first)]
    return [
        _gated(role=role, choice=choice, stack=other, baseline=stack, port=port, case=case)
        for role, other in taken
        if other is not None
    ]


def not_worth(*, choice: Choice, stack: Stack, best: Stack, case: Case) -> Sentence | None:
    """Return why a pilot would not pay for its port; None where it would, or where the baseline's cost is unknown.

    What it must save (the needed share of the baseline's bill over the horizon) is held against the engineer-weeks of
    the port, all at their typical values.
    """
    cost = best.counted
    if cost["value"] is None:
        return None
    saving, week = (
        case.coefficients.get(f"plan.{key}") for key in ("pilot_saving_needed_fraction", "engineer_usd_per_week")
    )
    each = case.coefficients.get("plan.weeks_per_custom_kernel")
    rules = _port_rules(choice=choice, stack=stack)
    kernels = choice.field.workload.code.custom_kernels or 0
    weeks = kernels * each.value + sum(rule.effort_weeks.typical for rule in rules if rule.effort_weeks)
    spent = fleet.horizon_usd(stack=best, field=choice.field, case=case)
    gain, effort = spent * saving.value, weeks * week.value
    if gain >= effort:
        return None
    return sentence(
        f"A port is not worth its effort: saving {saving.value:.0%} of the {usd(spent)} that "
        f"{case.said.horizon.months} months cost brings {usd(gain)}, and the port is assumed to take {weeks:g} "
        f"engineer-weeks, {usd(effort)}.",
        *cost["evidence"],
        saving.id,
        week.id,
        each.id,
        *(f"rule:{rule.id}" for rule in rules),
    )


def _port_usd(*, choice: Choice, stack: Stack, case: Case) -> Number | None:
    """Return what the engineer-weeks of a port cost at the assumed week; None where none are stated. [USD, once]"""
    each, week = (case.coefficients.get(f"plan.{key}") for key in ("weeks_per_custom_kernel", "engineer_usd_per_week"))
    kernels = choice.field.workload.code.custom_kernels or 0
    rules = _port_rules(choice=choice, stack=stack)
    efforts = [rule.effort_weeks for rule in rules if rule.effort_weeks is not None]
    weeks = Range(
        kernels * each.low + sum(effort.low for effort in efforts),
        kernels * each.value + sum(effort.typical for effort in efforts),
        kernels * each.high + sum(effort.high for effort in efforts),
    )
    if not weeks.typical:
        return None
    low, typical, high = independent(weeks, of(week))
    return number(
        typical,
        low,
        high,
        unit="USD",
        kind="assumption",
        evidence=(each.id, week.id, *(f"rule:{rule.id}" for rule in rules)),
        reason=f"{weeks.typical:g} engineer-weeks ({weeks.low:g} to {weeks.high:g}) at {usd(week.value)} each",
    )


def _port_rules(*, choice: Choice, stack: Stack) -> list[Rule]:
    """Return the rules whose portable gap a stack must close, but for the custom kernels, which are counted."""
    return [
        rule
        for rule in choice.field.rules[compatibility.key(stack.row)].warned
        if rule.effort_weeks is not None and "custom_kernels" not in {**rule.when, **rule.require}
    ]


def _may_pass(stack: Stack, *, baseline: Stack, case: Case) -> bool:
    """Return whether a pilot could pass its gate: it is not known not to fit, nor to cost too much at its low end.

    One of whose SKU one instance alone was looked at, and does not fit, is no pilot either.
    """
    if (stack.row["estimable"] and stack.row["fits"] is False) or stack.row["estimate_reason"].startswith(DOES_NOT_FIT):
        return False
    saving = case.coefficients.get("plan.pilot_saving_needed_fraction").value
    low, bar = stack.counted["low"], baseline.counted["value"]
    return bool(stack.counted["value"] is None or bar is None or low is None or low <= bar * (1 - saving))


def _is_out(part: Mapping[Any, Any]) -> bool:
    """Return whether an accelerator is out: on offer, or generally available by its vendor's word."""
    return part["offered"] == "yes" or bool(part["ga_date"])


def _pilot_key(stack: Stack, beside: Stack, made: dict[str, Any]) -> tuple[Any, ...]:
    """Order pilots: on the baseline's cloud first, then priced, then the newest silicon, then the more valuable."""
    return (
        stack.row["provider"] == beside.row["provider"],
        stack.numbers["price_usd_per_hour"]["value"] is not None,
        _made(made, stack),
        stack.standing == "ranked",
        stack.value,
        stack.id,
    )


def _made(made: dict[str, Any], stack: Stack) -> tuple[str, float]:
    part = made[stack.row["accelerator"]]
    ga = part["ga_date"] if isinstance(part["ga_date"], str) else ""
    peak = part["bf16_tflops"]
    return (ga, float(peak) if peak == peak and peak is not None else 0.0)


def _gated(*, role: str, choice: Choice, stack: Stack, baseline: Stack, port: Port, case: Case) -> Assignment:
    saving = case.coefficients.get("plan.pilot_saving_needed_fraction")
    days = case.coefficients.get("plan.pilot_days")
    price, cost = stack.numbers["price_usd_per_hour"], baseline.counted
    gate = [
        sentence(
            f"Run it for {days.value:g} days ({days.low:g} to {days.high:g}) beside {baseline.label}; stop unless, "
            "on your "
            f"own models, it does the same work for at least {saving.value:.0%} less money.",
            days.id,
            saving.id,
        )
    ]
    numbers: dict[str, Number] = {"port_weeks": port.weeks} if port.weeks["value"] else {}
    staff = _port_usd(choice=choice, stack=stack, case=case)
    numbers |= {"port_usd": staff} if staff else {}
    if price["value"] and cost["value"]:
        beside = sum(stack.numbers[name]["value"] or 0.0 for name in _BESIDE if name in stack.numbers)
        hours = number(
            max(0.0, cost["value"] * (1 - saving.value) - beside) / price["value"],
            max(0.0, cost["low"] * (1 - saving.high) - beside) / price["high"],
            max(0.0, cost["high"] * (1 - saving.low) - beside) / price["low"],
            unit="instance-hours/month",
            kind=cost["kind"],
            evidence=(*cost["evidence"], *price["evidence"], saving.id),
        )
        numbers["gate_instance_hours_per_month"] = hours
        gate.append(
            sentence(
                f"In figures: the baseline costs {baseline.month}, so at {amount(price)}, with the same "
                f"data beside it, the pilot must do a month's work in at most {digits(hours['value'])} "
                "instance-hours.",
                *hours["evidence"],
            )
        )
    if stack.counted["value"] is not None:
        share = case.coefficients.get("plan.pilot_share")
        numbers["pilot_usd"] = number(
            stack.counted["value"] * share.value * days.value / _DAYS_PER_MONTH,
            stack.counted["low"] * share.low * days.low / _DAYS_PER_MONTH,
            stack.counted["high"] * share.high * days.high / _DAYS_PER_MONTH,
            unit="USD",
            kind="assumption",
            evidence=(*stack.monthly["evidence"], share.id, days.id),
            reason="once, beside the baseline",
        )
        gate.append(
            sentence(
                f"On {share.value:.0%} of the work it costs {span(numbers['pilot_usd'])} once, beside the baseline.",
                *numbers["pilot_usd"]["evidence"],
            )
        )
    gate.append(_port_text(choice=choice, stack=stack, port=port))
    gate.append(_capacity(role=role, stack=stack, catalog=case.catalog))
    return Assignment(choice, role, stack, tuple(gate), numbers)


def _port_text(*, choice: Choice, stack: Stack, port: Port) -> Sentence:
    """Return what must be done before a pilot starts, with the effort that the rules and the kernels ask for."""
    rules = _port_rules(choice=choice, stack=stack)
    weeks = [rule.effort_weeks for rule in rules if rule.effort_weeks is not None]
    judged = (
        f"porting is judged to take {sum(part.typical for part in weeks):g} weeks "
        f"({sum(part.low for part in weeks):g} to "
        f"{sum(part.high for part in weeks):g}); "
        if weeks
        else ""
    )
    kernels = (
        f"rewriting custom kernels is assumed to take {port.weeks['value']:.3g} weeks ({port.weeks['low']:.3g} to "
        f"{port.weeks['high']:.3g}), one person a kernel; "
        if port.weeks["value"]
        else ""
    )
    return sentence(
        f"Before it starts: {judged}{kernels}check the numerics against the baseline, and keep code that still runs on "
        "it.",
        *port.weeks["evidence"],
        *(f"rule:{rule.id}" for rule in rules),
    )


def _capacity(*, role: str, stack: Stack, catalog: Catalog) -> Sentence:
    """Return how this capacity is had: where it is listed, on what terms, or whom to ask."""
    row = stack.row
    evidence = [row["option_evidence"], row["price_evidence"]]
    if stack.states.get("rentable") != 1:
        return sentence(
            f"{row['sku']} is not self-serve: ask the provider for capacity and a written price first; until then the "
            "fallback stands in."
            if role == "pilot"
            else f"{row['sku']} is not self-serve: ask the provider for capacity and a written price first.",
            *evidence,
        )
    offers = catalog.offers
    listed = offers[
        (offers["provider"] == row["provider"]) & (offers["sku"] == row["sku"]) & offers["price_usd_per_hour"].notna()
    ]
    regions = sorted(set(listed["region"]))
    if not regions:
        return sentence(
            f"{row['sku']} has no public price on file: ask the provider for a written one first.", *evidence
        )
    where = f"in one region, {regions[0]}" if len(regions) == 1 else f"in {len(regions)} regions"
    text = f"{row['sku']} has a public price {where}, {BASIS_TEXT[row['basis']]}"
    longest, most = row["max_duration_days"], row["max_quantity_count"]
    if longest == longest:
        text += f", for at most {longest:g} days"
    if most == most:
        text += f" and {most:g} instances"
    if row["prepaid"] is True:
        text += ", prepaid" + (" and not cancellable" if row["cancellable"] is False else "")
    if row["terms_id"]:
        evidence.append(f"terms:{row['terms_id']}")
    return sentence(f"{text}.", *evidence)
