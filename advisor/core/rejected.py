"""Why not: for each rejected stack worth naming, the constraint it misses, what it gives up, what would make it win."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from advisor.core import roles
from advisor.core.case import Case
from advisor.core.plan import Choice, Plan, fixed_numbers, new_silicon, only_scaled
from advisor.core.quantity import Number, Sentence, a_month, number, sentence, span
from advisor.core.roles import Port
from advisor.core.stacks import Stack, ordered
from advisor.core.undecided import Rival
from advisor.core.verdicts import judged

_MOST_WHY_NOT = 12


def why_not(
    *,
    choice: Choice,
    shown: Iterable[str],
    port: Port,
    plan: Plan,
    case: Case,
    rivals: Sequence[Rival] = (),
) -> list[dict[str, Any]]:
    """Return the rejected stacks worth naming, each with the constraint it misses or what it gives up.

    One stack per provider, path and silicon, of managed models one per family and standing; every path and standing
    has its turn before any has a second.
    """
    taken = set(shown)
    kinds: dict[tuple[str, ...], Stack] = {}
    for stack in ordered([item for item in choice.stacks if item.id not in taken]):
        row = stack.row
        managed = row["path"] == "managed_api"
        silicon = row["family"] if managed else row["accelerator"] or row["cpu_family"] or row["sku"]
        kinds.setdefault((stack.standing if managed else row["provider"], row["path"], silicon), stack)
    turn: dict[tuple[str, str], int] = {}
    places = []
    for position, stack in enumerate(kinds.values()):
        sort = (str(stack.row["path"]), stack.standing)
        turn[sort] = turn.get(sort, 0) + 1
        places.append((turn[sort], position, stack))
    chosen = sorted(sorted(places, key=lambda place: place[:2])[:_MOST_WHY_NOT], key=lambda place: place[1])
    behind = {rival.stack.id: rival for rival in rivals}
    return [
        _why_not(choice=choice, stack=stack, port=port, plan=plan, case=case, rival=behind.get(stack.id))
        for _, _, stack in chosen
    ]


def _why_not(
    *, choice: Choice, stack: Stack, port: Port, plan: Plan, case: Case, rival: Rival | None
) -> dict[str, Any]:
    best = plan.chosen[choice.field.index]
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
                f"Your measurement was only scaled to it: {stack.month} is an "
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
    elif rival is not None:
        texts, verdict = [rival.text], "measure first"
    elif is_new and best is not None and stack.value > best.value:
        texts = [
            sentence(
                f"{stack.row['accelerator_vendor']} silicon is new to the team: it enters as a pilot with an exit gate "
                "and carries production only once it has passed.",
                case.said.evidence_id("team.accelerators"),
                stack.row["option_evidence"],
            )
        ]
        verdict = "pilot first"
    else:
        texts = [_gives_up(stack, best), *_also_paid(choice=choice, stack=stack, plan=plan, case=case)]
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
    if best is None or stack.counted["value"] is None or best.counted["value"] is None:
        return []
    text = f"It would cost {stack.month}, against {span(best.counted)}."
    return [sentence(text, *stack.monthly["evidence"], *best.monthly["evidence"])]


def _also_paid(*, choice: Choice, stack: Stack, plan: Plan, case: Case) -> list[Sentence]:
    """Return what the plan would share in the cost of with this stack and does not bear without it."""
    index = choice.field.index
    lines = fixed_numbers(chosen=(*plan.chosen[:index], stack, *plan.chosen[index + 1 :]), case=case)
    return [
        sentence(f"With it the plan also pays for {title.replace('each', 'a')}: {a_month(line)}.", *line["evidence"])
        for title, line in lines.items()
        if line["value"] > plan.fixed.get(title, {"value": 0.0})["value"]
    ]


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
    if stack.value > best.value:
        mine, other = f"{stack.value:.2f}", f"{best.value:.2f}"
        worth = f"as much to you ({mine} of 1)" if mine == other else f"more to you ({mine} against {other})"
        text = f"By itself it is worth {worth}, but not in the plan."
        return sentence(text, *evidence)
    if not worst or gaps[worst] <= 0:
        return sentence(f"It costs {stack.month} and is worth no more to you.", *evidence)
    words = {
        "cost": f"cost: {stack.month} against {span(best.counted)}",
        "time": "time: a run takes longer",
        "latency": "latency: it answers more slowly",
        "portability": "portability: its layers are bound more tightly "
        f"({stack.coupling_mean:.2f} against {best.coupling_mean:.2f})",
        "operations": f"operations: {stack.numbers['operations']['reason']}; with the recommended stack, "
        f"{best.numbers['operations']['reason']}",
    }
    return sentence(f"It gives up most on {words[worst]}.", *evidence)


def break_even_price(*, stack: Stack, best: Stack | None) -> Number | None:
    """Return the price below which an unpriced stack would cost less than the recommended one.
    [USD/accelerator-hour]"""
    row = stack.row
    hours = row.get("instance_hours_per_month_typical", np.nan)
    if best is None or best.counted["value"] is None or not row["accelerator"] or not np.isfinite(hours) or hours <= 0:
        return None
    if stack.numbers.get("price_usd_per_hour", {}).get("value") is not None:
        return None
    accelerator_hours = hours * row["accelerators_count"]
    low, high = (row.get(f"instance_hours_per_month_{end}", np.nan) for end in ("high", "low"))
    return number(
        best.counted["value"] / accelerator_hours,
        best.counted["low"] / (low * row["accelerators_count"]) if np.isfinite(low) else None,
        best.counted["high"] / (high * row["accelerators_count"]) if np.isfinite(high) else None,
        unit="USD/accelerator-hour",
        kind="estimate",
        evidence=(*best.monthly["evidence"], *row["evidence"]),
        reason="it has no public price; below this one it would cost less than the recommended stack",
    )
