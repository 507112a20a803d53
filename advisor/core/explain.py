"""Every sentence a person reads about a recommendation, made once, from numbers and facts that the report holds."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from advisor.core import compatibility, roles
from advisor.core.bases import BASIS_TEXT, GROUP_TEXT
from advisor.core.case import Case
from advisor.core.constraints import MISSED, STATE_TEXT, UNKNOWN
from advisor.core.coupling import BIT_TEXT, Cell
from advisor.core.plan import Choice, Plan, is_same_chip, new_silicon, only_scaled
from advisor.core.quantity import Number, Sentence, costs, number, scaled, sentence, span, titled, unknown, usd
from advisor.core.roles import Assignment, Port
from advisor.core.stacks import Stack, ordered
from advisor.core.value import normal
from catalog.records import Rule

_LAYER_TEXT = {
    "compute": "compute",
    "accelerator": "accelerator",
    "networking": "networking",
    "storage": "storage",
    "orchestration": "orchestration",
    "model_layer": "model layer",
    "application": "application",
}
_UTILISATIONS = (0.25, 0.5, 0.75, 0.9)
_STALE_DAYS = 180
_MOST_WHY_NOT = 12
_GB_PER_TB = 1000.0


def headline(*, assignments: Sequence[Assignment], plan: Plan) -> Sentence:
    """Return the answer in one sentence: each workload with its stack and role, and what it all costs a month."""
    parts = []
    evidence: list[str] = list(plan.monthly["evidence"])
    for workload in dict.fromkeys(item.choice.field.workload.id for item in assignments):
        mine = [item for item in assignments if item.choice.field.workload.id == workload]
        name = mine[0].choice.field.stated.name or workload
        parts.append(name + "".join(_part(item) for item in mine))
        evidence += [item.stack.row["option_evidence"] for item in mine if item.stack]
    return sentence(f"{'. '.join(parts)}. The plan {costs(plan.monthly, every=' a month at full load')}.", *evidence)


def _part(item: Assignment) -> str:
    """Return the words of one assignment in the headline."""
    if item.stack is None:
        return ": no stack keeps every constraint"
    row = item.stack.row
    if row["path"] == "managed_api":
        return f" through {row['sku']} on {row['platform']}"
    silicon = row["accelerator_name"] or row["cpu_family_name"] or row["sku"]
    place = f"{row['sku']}, {row['provider']} {row['region']}, {BASIS_TEXT[row['basis']]}"
    return {
        "canary": f", with {silicon} ({row['sku']}) as the canary",
        "pilot": f", as the baseline of a pilot on {silicon} with an exit gate",
        "fallback": f" (fallback: {silicon})",
    }.get(item.role, f" on {silicon} ({place})")


def why(*, choice: Choice, stack: Stack) -> list[Sentence]:
    """Return why a stack carries a workload: its standing in its purchase group, its bill, and what it is bound to."""
    found = []
    rivals = [other for other in choice.eligible if other.id != stack.id]
    groups = " or ".join(dict.fromkeys(GROUP_TEXT[item.group] for item in choice.eligible))
    if stack.standing == "ranked" and not rivals:
        text = f"It is the one stack {groups} that is priced, keeps every constraint and may carry production"
    elif stack.standing == "ranked":
        text = (
            f"Of the {len(rivals) + 1} best priced stacks {groups} that keep every constraint, the plan is worth "
            "most to "
            "you with it"
        )
    else:
        text = (
            f"No stack {groups} is both priced with a date and confirmed; of the {len(rivals) + 1} best to confirm "
            "first, the plan is worth most to you with this"
        )
    found.append(
        sentence(f"{text} (value {stack.value:.2f} of 1).", *stack.monthly["evidence"], stack.row["option_evidence"])
    )
    cost = stack.monthly
    if cost["value"] is not None:
        found.append(sentence(f"It costs {span(cost)} a month at full load.", *cost["evidence"]))
        cheaper = [other for other in rivals if other.monthly["value"] is not None]
        if cheaper:
            other = min(cheaper, key=lambda item: (item.monthly["value"], item.id))
            gap = other.monthly["value"] - cost["value"]
            compared = f"the cheapest other stack compared, {other.label} ({span(other.monthly)})"
            word = "less" if gap > 0 else "more"
            same = abs(gap) < 0.005 * max(cost["value"], 1e-9)
            found.append(
                sentence(
                    f"That is as much as {compared}."
                    if same
                    else f"That is {usd(abs(gap))} a month {word} than {compared}.",
                    *cost["evidence"],
                    *other.monthly["evidence"],
                )
            )
    else:
        found.append(
            sentence(f"Its cost is not known: {cost['reason']}.", *(cost["evidence"] or [stack.row["option_evidence"]]))
        )
    if stack.cells:
        tightest = max(stack.cells, key=lambda cell: (cell.score, cell.id))
        found.append(
            sentence(
                f"Its layers are bound at {stack.coupling_mean:.2f} on average (0 is free, 1 is bound); the tightest "
                "pair is "
                f"{_LAYER_TEXT[tightest.layer_a]} and {_LAYER_TEXT[tightest.layer_b]} at {tightest.score:.2f}.",
                *(f"coupling:{cell.id}" for cell in stack.cells),
            )
        )
    if stack.row["path"] == "managed_api":
        clouds = [cloud for cloud in str(stack.row["families_clouds"]).split(";") if cloud]
        found.append(
            sentence(
                f"The family {stack.row['family']} is offered on {len(clouds)} of 3 clouds ({', '.join(clouds)}): "
                "the model "
                "layer is decided apart from the infrastructure of the other workloads, and either can change alone.",
                stack.row["option_evidence"],
            )
        )
    elif choice.field.workload.architecture is None:
        found.append(
            sentence(
                "The models are your own and portable between stacks: the model layer does not bind this choice.",
                f"answer:{choice.field.path}.kind",
            )
        )
    found.append(
        sentence(f"To run it: {stack.numbers['operations']['reason']}.", *stack.numbers["operations"]["evidence"])
    )
    return found


def measure_first(*, choice: Choice, best: Stack, weights: Mapping[str, float]) -> list[Sentence]:
    """Return the stacks that lose only by what nobody has shown, and would win if it were at its best: measure them.

    A criterion unknown for a stack counts as nothing in its value; here it counts in full.
    """
    shares = normal(weights)
    used = [name for name in shares if any(np.isfinite(stack.levels[name]) for stack in choice.eligible)]
    total = sum(shares[name] for name in used) or 1.0
    found = []
    for stack in choice.eligible:
        hidden = [name for name in used if not np.isfinite(stack.levels[name]) and np.isfinite(best.levels[name])]
        cost, mine = stack.monthly["value"], best.monthly["value"]
        if not hidden or cost is None or mine is None or cost >= mine:
            continue
        if stack.value + sum(shares[name] for name in hidden) / total > best.value:
            found.append(
                sentence(
                    f"Measure first: {stack.label} costs {span(stack.monthly)} a month against {span(best.monthly)} "
                    "and "
                    f"would be worth more to you if it keeps your limits; its {' and '.join(hidden)} is not on file.",
                    *stack.monthly["evidence"],
                    *best.monthly["evidence"],
                )
            )
    mine = best.monthly["value"]
    twins = [
        stack
        for stack in choice.stacks
        if is_same_chip(stack) and stack.standing == "ranked" and mine and (stack.monthly["high"] or mine) < mine
    ]
    for stack in ordered(twins)[:1]:
        found.append(
            sentence(
                f"Measure first: the same accelerator costs less elsewhere. {stack.label} is estimated at "
                f"{span(stack.monthly)} a month against {span(best.monthly)}; moving the data and the team comes on "
                "top.",
                *stack.monthly["evidence"],
                *best.monthly["evidence"],
            )
        )
    return found[:3]


def unpriced_bases(*, case: Case, bases: Sequence[str] | None) -> list[dict[str, Any]]:
    """Return a warning for each way to buy the document names that has no public price on a provider it allows."""
    offers = case.catalog.offers
    known = offers[offers["price_usd_per_hour"].notna()][["provider", "basis"]].drop_duplicates()
    priced = set(zip(known["provider"], known["basis"], strict=True))
    found = []
    for basis in bases or ():
        missing = [name for name in case.said.limits.providers if (name, basis) not in priced]
        if missing and basis in BASIS_TEXT and basis not in ("provisioned_throughput",):
            text = (
                f"{BASIS_TEXT[basis]}: no price is on file on {', '.join(missing)}. It is unpriced there and "
                "replaced by "
                "nothing: ask the provider for a quote."
            )
            found.append({"code": "unpriced_basis", **sentence(text, "answer:constraints.purchase")})
    return found


def why_not(
    *, choice: Choice, shown: Iterable[str], port: Port, best: Stack | None, case: Case
) -> list[dict[str, Any]]:
    """Return the rejected stacks worth naming, each with the constraint it misses or what it gives up.

    One stack per provider, path and silicon; every path and standing has its turn before any has a second.
    """
    taken = set(shown)
    kinds: dict[tuple[str, ...], Stack] = {}
    for stack in ordered([item for item in choice.stacks if item.id not in taken]):
        row = stack.row
        managed = row["path"] == "managed_api"
        silicon = row["family"] if managed else row["accelerator"] or row["cpu_family"] or row["sku"]
        kinds.setdefault(("" if managed else row["provider"], row["path"], silicon), stack)
    turn: dict[tuple[str, str], int] = {}
    places = []
    for position, stack in enumerate(kinds.values()):
        sort = (str(stack.row["path"]), stack.standing)
        turn[sort] = turn.get(sort, 0) + 1
        places.append((turn[sort], position, stack))
    chosen = sorted(sorted(places, key=lambda place: place[:2])[:_MOST_WHY_NOT], key=lambda place: place[1])
    return [_why_not(choice=choice, stack=stack, port=port, best=best, case=case) for _, _, stack in chosen]


def _why_not(*, choice: Choice, stack: Stack, port: Port, best: Stack | None, case: Case) -> dict[str, Any]:
    said = judged(choice=choice, stack=stack)
    is_new = new_silicon(stack, tuple(case.document.team.accelerators or ()))
    if stack.standing == "excluded":
        texts = [item["text"] for item in said if item["state"] == "missed"] + _against(stack, best)
        verdict = "excluded"
    elif stack.id in choice.unsettled:
        texts = [
            sentence(
                f"{stack.row['cpu_family_name']} has been generally available for too short a time to carry "
                "production: it "
                "enters as a canary.",
                f"cpu_family:{stack.row['cpu_family']}",
                "coefficient:plan.canary_months",
            )
        ]
        verdict = "canary first"
    elif is_new and not port.within_limit:
        weeks = port.weeks
        texts = [
            sentence(
                f"Moving to it means rewriting custom kernels: assumed {weeks['value']:.3g} weeks "
                f"({weeks['low']:.3g} to "
                f"{weeks['high']:.3g}), which may pass the {port.limit.value:g} weeks within which a port is worth a "
                "pilot.",
                *weeks["evidence"],
                port.limit.id,
            )
        ]
        verdict = "too far to move"
    elif is_new and best is not None and (spent := roles.not_worth(choice=choice, stack=stack, best=best, case=case)):
        texts = [spent]
        verdict = "not worth the port"
    elif only_scaled(stack):
        texts = [
            sentence(
                f"Your measurement was only scaled to it: {span(stack.monthly)} a month is an "
                f"{stack.row['estimate_kind']}, "
                "which does not displace a measurement. Measure it before you move.",
                *(stack.monthly["evidence"] or [stack.row["option_evidence"]]),
            )
        ]
        verdict = "measure first"
    elif stack.standing == "confirm_first":
        texts = [item["text"] for item in said if item["state"] == "cannot be confirmed"]
        texts = texts or [sentence(f"Its cost is not known: {stack.monthly['reason']}.", stack.row["option_evidence"])]
        verdict = "confirm first"
    else:
        texts = [_gives_up(stack, best)]
        verdict = "worth less to you"
    row: dict[str, Any] = {
        "stack_id": stack.id,
        "label": stack.label,
        "provider": stack.row["provider"],
        "path": stack.row["path"],
        "group": stack.group,
        "verdict": verdict,
        "texts": texts,
        "monthly_usd": stack.monthly,
        "value": stack.value,
    }
    price = break_even_price(stack=stack, best=best)
    return row | ({"wins_below": price} if price else {})


def _against(stack: Stack, best: Stack | None) -> list[Sentence]:
    """Return what an excluded stack would have cost beside the recommended one, where both are known."""
    if best is None or stack.monthly["value"] is None or best.monthly["value"] is None:
        return []
    text = f"It would cost {span(stack.monthly)} a month, against {span(best.monthly)}."
    return [sentence(text, *stack.monthly["evidence"], *best.monthly["evidence"])]


def _gives_up(stack: Stack, best: Stack | None) -> Sentence:
    if best is None:
        return sentence("It is not chosen.", stack.row["option_evidence"])
    gaps = {
        name: best.levels[name] - stack.levels[name]
        for name in best.levels
        if np.isfinite(best.levels[name]) and np.isfinite(stack.levels[name])
    }
    worst = max(gaps, key=lambda name: (gaps[name], name), default="")
    evidence = (*stack.monthly["evidence"], *best.monthly["evidence"], stack.row["option_evidence"])
    if not worst or gaps[worst] <= 0:
        return sentence(f"It costs {span(stack.monthly)} a month and is worth no more to you.", *evidence)
    words = {
        "cost": f"cost: {span(stack.monthly)} a month against {span(best.monthly)}",
        "time": "time: a run takes longer",
        "latency": "latency: it answers more slowly",
        "portability": "portability: its layers are bound more tightly "
        f"({stack.coupling_mean:.2f} against {best.coupling_mean:.2f})",
        "operations": f"operations: {stack.numbers['operations']['reason']}",
    }
    return sentence(f"It gives up most on {words[worst]}.", *evidence)


def break_even_price(*, stack: Stack, best: Stack | None) -> Number | None:
    """Return the price below which an unpriced stack would cost less than the recommended one. "
    "[USD/accelerator-hour]"""
    row = stack.row
    hours = row.get("instance_hours_per_month_typical", np.nan)
    if best is None or best.monthly["value"] is None or not row["accelerator"] or not np.isfinite(hours) or hours <= 0:
        return None
    if stack.numbers.get("price_usd_per_hour", {}).get("value") is not None:
        return None
    accelerator_hours = hours * row["accelerators_count"]
    low, high = (row.get(f"instance_hours_per_month_{end}", np.nan) for end in ("high", "low"))
    return number(
        best.monthly["value"] / accelerator_hours,
        best.monthly["low"] / (low * row["accelerators_count"]) if np.isfinite(low) else None,
        best.monthly["high"] / (high * row["accelerators_count"]) if np.isfinite(high) else None,
        unit="USD/accelerator-hour",
        kind="estimate",
        evidence=(*best.monthly["evidence"], *row["evidence"]),
        reason="it has no public price; below this one it would cost less than the recommended stack",
    )


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


def utilisation_sensitivity(*, choice: Choice, stack: Stack) -> dict[str, Any] | None:
    """Return what one unit of work costs at several utilisations, from the team's own rate; None where it has none."""
    measured = choice.field.workload.measured
    price = stack.numbers.get("price_usd_per_hour")
    if measured is None or not measured.units_per_s or price is None or price["value"] is None:
        return None
    if stack.row["sku"] != (measured.on or "").split("/")[-1]:
        return None
    answer = f"answer:{choice.field.path}.measured.units_per_s"
    rows: list[dict[str, Any]] = [
        {
            "utilisation": share,
            "usd_per_thousand_units": number(
                1000 * price["value"] / (measured.units_per_s * 3600 * share),
                unit=f"USD per thousand {measured.work_unit or 'unit'}s",
                kind="answer",
                evidence=(*price["evidence"], answer),
            ),
        }
        for share in _UTILISATIONS
    ]
    first, last = rows[0]["usd_per_thousand_units"], rows[-1]["usd_per_thousand_units"]
    text = sentence(
        f"On {stack.row['sku']}, by your own rate, a thousand {measured.work_unit or 'unit'}s cost "
        f"{usd(last['value'])} when it "
        f"is busy {_UTILISATIONS[-1]:.0%} of the time and {usd(first['value'])} at {_UTILISATIONS[0]:.0%}: capacity "
        "that is "
        "paid by the hour costs the same idle as busy, on any silicon. What a move to other silicon saves is a share "
        "of this "
        "bill, and each port is paid once per model: with low utilisation or frequent new models there is less to "
        "save, and "
        "more ports to pay from it.",
        *last["evidence"],
    )
    return {"stack_id": stack.id, "text": text, "rows": rows}


def coupling_section(*, assignment: Assignment, case: Case) -> dict[str, Any] | None:
    choice = assignment.choice
    """Return the coupling of one assigned stack: each pair with its evidence, what it buys, and what leaving would "
    "take."""
    stack = assignment.stack
    if stack is None:
        return None
    cells = [_cell(cell=cell, stack=stack, group=choice.stacks) for cell in stack.cells]
    stored = choice.field.workload.data.stored_tb or 0.0
    answer = case.said.evidence_id(f"{choice.field.path}.data.stored_tb")
    exits = {
        purpose: scaled(
            case.money.leaving(
                provider=stack.row["provider"],
                region=stack.row["region"],
                gb=stored * _GB_PER_TB,
                purpose=purpose,
                answer=answer,
            ),
            1.0,
            unit="USD, once",
        )
        for purpose in ("ordinary_transfer", "full_exit")
    }
    steps = list(dict.fromkeys(step for cell in stack.cells for step in cell.steps))
    evidence = [f"coupling:{cell.id}" for cell in stack.cells] or [stack.row["option_evidence"]]
    return {
        "stack_id": stack.id,
        "workload_id": choice.field.workload.id,
        "role": assignment.role,
        "label": stack.label,
        "cells": cells,
        "mean": number(stack.coupling_mean, unit="score", kind="judgement", evidence=evidence)
        if cells
        else unknown(unit="score", reason="no observation on file"),
        "maximum": number(stack.coupling_max, unit="score", kind="judgement", evidence=evidence)
        if cells
        else unknown(unit="score", reason="no observation on file"),
        "leaving": {
            "text": sentence(
                f"Leaving takes {len(steps)} kinds of work: {'; '.join(steps)}."
                if steps
                else "No migration step is on file.",
                *evidence,
            ),
            "data_usd": {"ordinary_transfer": exits["ordinary_transfer"], "full_exit": exits["full_exit"]},
        },
    }


def _cell(*, cell: Cell, stack: Stack, group: Sequence[Stack]) -> dict[str, Any]:
    evidence = f"coupling:{cell.id}"
    pair = f"{_LAYER_TEXT[cell.layer_a]} and {_LAYER_TEXT[cell.layer_b]}"
    bound = ", ".join(BIT_TEXT[bit] for bit in cell.bits)
    bound = bound or "nothing binds them but the work of moving"
    text = f"{cell.option_a} with {cell.option_b}: {bound}. {cell.evidence_text}"
    return {
        "id": cell.id,
        "layer_a": cell.layer_a,
        "layer_b": cell.layer_b,
        "option_a": cell.option_a,
        "option_b": cell.option_b,
        "pair_text": pair,
        "score": number(cell.score, unit="score", kind="judgement", evidence=(evidence,)),
        "band": cell.band,
        "bits": list(cell.bits),
        "steps": list(cell.steps),
        "text": sentence(text, evidence),
        "buys": _buys(cell=cell, stack=stack, group=group),
    }


def _buys(*, cell: Cell, stack: Stack, group: Sequence[Stack]) -> Sentence:
    """Return what a coupling buys: the cost difference to the best stack that is looser at this pair, or that none "
    "is known."""
    evidence = f"coupling:{cell.id}"
    pair = {cell.layer_a, cell.layer_b}

    def at_pair(other: Stack) -> float:
        return next((c.score for c in other.cells if {c.layer_a, c.layer_b} == pair), 0.0)

    looser = [
        other
        for other in group
        if other.id != stack.id
        and other.standing != "excluded"
        and other.group == stack.group
        and other.monthly["value"] is not None
        and at_pair(other) < cell.score - 1e-9
    ]
    mine = stack.monthly
    if not looser or mine["value"] is None:
        return sentence("No sourced benefit: no looser stack with a known cost was found to compare.", evidence)
    best = ordered(looser)[0]
    if "assumption" in (stack.row["estimate_kind"], best.row["estimate_kind"]):
        text = "No sourced benefit: the costs to compare were only scaled from a measurement elsewhere; measure it."
        return sentence(text, evidence)
    gap = best.monthly["value"] - mine["value"]
    overlap = best.monthly["low"] <= mine["high"] and mine["low"] <= best.monthly["high"]
    sure = " The ranges overlap, so the difference is not sure." if overlap else ""
    if gap <= 0:
        return sentence(
            f"No sourced benefit: the best looser stack, {best.label}, costs {usd(-gap)} a month less.{sure}",
            evidence,
            *best.monthly["evidence"],
            *mine["evidence"],
        )
    return sentence(
        f"It buys {usd(gap)} a month against the best looser stack, {best.label} ({span(best.monthly)}).{sure}",
        evidence,
        *best.monthly["evidence"],
        *mine["evidence"],
    )


def warnings(*, assignments: Sequence[Assignment], moment: dt.date, horizon_months: int) -> list[dict[str, Any]]:
    """Return what a reader must know before acting, each with its code and evidence."""
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def warn(code: str, text: Sentence) -> None:
        found.setdefault((code, text["text"]), {"code": code, **text})

    for item in assignments:
        stack, name = item.stack, item.choice.field.stated.name or item.choice.field.workload.id
        if stack is None:
            warn(
                "no_stack",
                sentence(f"{name}: no stack keeps every constraint.", f"answer:{item.choice.field.path}.kind"),
            )
            continue
        row = stack.row
        if stack.states.get("rentable") == UNKNOWN:
            warn(
                "not_self_serve",
                sentence(f"{name}: {row['sku']} is not self-serve; announced is not rentable.", row["option_evidence"]),
            )
        _price_warnings(warn, name, stack, moment)
        if stack.monthly["value"] is None:
            warn(
                "cost_unknown",
                sentence(
                    f"{name}: the cost of {stack.label} is not known: {stack.monthly['reason']}.",
                    *(stack.monthly["evidence"] or [row["option_evidence"]]),
                ),
            )
        if row["estimable"] and row["estimate_reason"]:
            text = f"{name}: {stack.label}: {row['estimate_reason']}."
            warn("how_estimated", sentence(text, *(row["evidence"] or (row["option_evidence"],))))
        if stack.monthly["value"] is not None and row["estimate_kind"] == "assumption":
            warn(
                "assumed",
                sentence(
                    f"{name}: the cost of {stack.label} is scaled from your measurement on other hardware: an "
                    "assumption with a "
                    "wide range, not a measurement.",
                    *stack.monthly["evidence"],
                ),
            )
        for check in item.choice.field.checks:
            if stack.states[check.id] == UNKNOWN and check.id in (
                "latency",
                "ttft",
                "tpot",
                "deadline",
                "certifications",
            ):
                warn(f"unconfirmed_{check.id}", _named(name, check.say(row, UNKNOWN)))
        retires = row.get("retirement_date")
        if (
            isinstance(retires, str)
            and retires
            and dt.date.fromisoformat(retires) <= _months_on(moment, horizon_months)
        ):
            warn(
                "retires",
                sentence(f"{name}: {row['sku']} retires on {retires}, inside your horizon.", row["option_evidence"]),
            )
        for rule in item.choice.field.rules[compatibility.key(row)].warned:
            warn("rule", sentence(f"{name}, {row['sku']}: {rule.message}{_effort(rule)}", f"rule:{rule.id}"))
        for rule in stack.to_confirm:
            text = f"{name}, {row['sku']}: confirm with the provider: {rule.message}"
            warn("confirm", sentence(text, f"rule:{rule.id}"))
    return list(found.values())


def _named(name: str, said: Sentence) -> Sentence:
    return sentence(f"{name}: {said['text']}", *said["evidence"])


def _effort(rule: Rule) -> str:
    weeks = rule.effort_weeks
    if weeks is None:
        return ""
    return f" Effort: {weeks.typical:g} weeks ({weeks.low:g} to {weeks.high:g}), a judgement."


def _price_warnings(warn: Any, name: str, stack: Stack, moment: dt.date) -> None:
    row = stack.row
    if row["price_as_of_basis"] == "undated":
        warn(
            "undated_price",
            sentence(
                f"{name}: the price of {row['sku']} comes from an undated source; confirm it.", row["price_evidence"]
            ),
        )
    elif row["price_as_of"]:
        age = (moment - dt.date.fromisoformat(row["price_as_of"])).days
        if age > _STALE_DAYS:
            warn(
                "old_price",
                sentence(
                    f"{name}: the price of {row['sku']} is {age} days old (as of {row['price_as_of']}); refresh it.",
                    row["price_evidence"],
                ),
            )


def _months_on(moment: dt.date, months: int) -> dt.date:
    total = moment.year * 12 + moment.month - 1 + months
    return dt.date(total // 12, total % 12 + 1, min(moment.day, 28))


def constraint_summary(*, assignments: Sequence[Assignment], plan: Plan, budget: float | None) -> list[dict[str, Any]]:
    """Return each constraint once per assigned production stack, and the shared budget."""
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
                    f"The plan costs {span(cost)} a month against a budget of {usd(budget)}.",
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
    for item in assignments:
        if item.stack is None or item.role not in ("production", "baseline"):
            continue
        for row in judged(choice=item.choice, stack=item.stack):
            rows.append({**row, "scope": item.choice.field.workload.id})
    return rows


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
            known = [stack for stack in mine if stack.monthly["value"] is not None]
            if not mine:
                continue
            best = min(known, key=lambda stack: (stack.monthly["value"], stack.id)) if known else mine[0]
            rows.append(
                {
                    "workload_id": choice.field.workload.id,
                    "provider": provider,
                    "stack_id": best.id,
                    "label": best.label,
                    "monthly_usd": best.monthly,
                    "text": sentence(
                        f"{provider} is excluded by your list of providers; lifting that would allow {best.label} for "
                        f"{span(best.monthly)} a month.",
                        "answer:constraints.providers",
                        *(best.monthly["evidence"] or [best.row["option_evidence"]]),
                    ),
                }
            )
    return rows
