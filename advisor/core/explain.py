"""Why a stack is advised: the answer in one sentence, and the reasons for each workload's production stack."""

from collections.abc import Sequence
from typing import Any

from advisor.core import barred
from advisor.core.assumed import Decided
from advisor.core.bases import BASIS_TEXT, GROUP_TEXT
from advisor.core.figures import amount
from advisor.core.labels import LAYER_LABELS
from advisor.core.plan import Choice, Plan
from advisor.core.quantity import Sentence, a_month, costs, listed, number, sentence, span, usd
from advisor.core.roles import Assignment
from advisor.core.stacks import Stack
from advisor.core.undecided import Elsewhere, Rival

_UTILISATIONS = (0.25, 0.5, 0.75, 0.9)


def headline(
    *,
    assignments: Sequence[Assignment],
    plan: Plan,
    rivals: Sequence[Rival] = (),
    elsewhere: Sequence[Elsewhere] = (),
    assumed: Sequence[Decided] = (),
) -> Sentence:
    """Return the answer: each workload with its stack and role, and what it all costs a month.

    Where an unknown figure of one of the ``rivals`` decides, the answer says that it is open and names both; where its
    accelerator is estimated to cost less ``elsewhere``, it says so with what to measure. What is ``assumed`` of shared
    costs is named where it decides.
    """
    parts = []
    open_ones = {rival.choice.field.workload.id: rival for rival in rivals}
    evidence: list[str] = list(plan.monthly["evidence"])
    for workload in dict.fromkeys(item.choice.field.workload.id for item in assignments):
        mine = [item for item in assignments if item.choice.field.workload.id == workload]
        name = mine[0].choice.field.stated.name or workload
        part = name + "".join(_part(item) for item in mine)
        if workload in open_ones:
            part = _open(name=name, mine=mine, rival=open_ones[workload])
            evidence += open_ones[workload].evidence
        parts.append(part)
        for other in elsewhere:
            if other.choice is mine[0].choice:
                parts.append(other.text["text"])
                evidence += other.text["evidence"]
        for item in mine:
            evidence += [item.stack.row["option_evidence"]] if item.stack else barred.why_none(item.choice)["evidence"]
    decided = [one.text for one in assumed]
    evidence += [id for text in decided for id in text["evidence"]]
    bill = f"{_bill(assignments=assignments, plan=plan)}."
    return sentence(f"{'. '.join(parts)}. {' '.join([bill, *(text['text'] for text in decided)])}", *evidence)


def _bill(*, assignments: Sequence[Assignment], plan: Plan) -> str:
    """Return what the plan costs, what is in no total, and that it costs more than it may, where that is so."""
    text = f"The plan {costs(plan.monthly, every=' a month at full load')}"
    left_out = list(dict.fromkeys(name for item in assignments if item.stack for name in item.choice.field.unstated))
    if left_out:
        text += f": {a_month(plan.counted)} and, on top, {listed(left_out)}, of which no volume is stated"
    if plan.within_budget is False:
        text += ", more than your budget: it is the cheapest found and no advice"
    return text


def _open(*, name: str, mine: Sequence[Assignment], rival: Rival) -> str:
    """Return the part of a workload whose decision hangs on a figure that is not on file."""
    one = "".join(_part(item) for item in mine).strip()
    return (
        f"{name}: undecided until measured: {one}, or {_in_production(rival.stack).strip()}. The first is priced here "
        f"and ahead only because the {rival.measured} of the second is not on file: at {amount(rival.enough)} or less "
        f"the second is worth more to you, for {rival.stack.month} instead of "
        f"{span(rival.leader.counted)}{rival.ends}"
    )


def _part(item: Assignment) -> str:
    """Return the words of one assignment in the headline."""
    if item.stack is None:
        return f": {barred.why_none(item.choice)['text']}"
    row = item.stack.row
    silicon = _silicon(item.stack)
    return {
        "canary": f", with {silicon} ({row['sku']}) as the canary",
        "pilot": f", as the baseline of a pilot on {silicon} with an exit gate",
        "fallback": f" (fallback: {silicon})",
    }.get(item.role) or _in_production(item.stack)


def _silicon(stack: Stack) -> str:
    return str(stack.row["accelerator_name"] or stack.row["cpu_family_name"] or stack.row["sku"])


def _in_production(stack: Stack) -> str:
    """Return the words for a stack that carries a workload, and that it is to be confirmed where nothing is ranked."""
    row = stack.row
    unsure = ", to be confirmed first," if stack.standing == "confirm_first" else ""
    if row["path"] == "managed_api":
        return f"{unsure} through {row['sku']} on {row['platform']}"
    place = f"{row['sku']}, {row['provider']} {row['region']}, {BASIS_TEXT[row['basis']]}"
    return f"{unsure} on {_silicon(stack)} ({place})"


def why(*, choice: Choice, stack: Stack, plan: Plan, rivals: Sequence[Rival] = ()) -> list[Sentence]:
    """Return why a stack carries a workload: its standing in its purchase group, its bill, and what it is bound to."""
    found = []
    is_open = any(rival.choice is choice for rival in rivals)
    others = [other for other in choice.eligible if other.id != stack.id]
    groups = " or ".join(dict.fromkeys(GROUP_TEXT[item.group] for item in choice.eligible))
    if stack.standing == "ranked" and not others:
        text = f"It is the one stack {groups} that is priced, keeps every constraint and may carry production"
    elif plan.within_budget is False:
        text = f"No plan keeps your budget; of those with the {len(others) + 1} best stacks {groups} it is the cheapest"
    elif stack.standing == "ranked":
        text = (
            f"Of the {len(others) + 1} best priced stacks {groups} that keep every constraint, the plan is worth "
            f"most to you with it{', as far as is on file' if is_open else ''}"
        )
    else:
        text = (
            f"No stack {groups} is both priced with a date and confirmed; of the {len(others) + 1} best to confirm "
            "first, the plan is worth most to you with this"
        )
    found.append(
        sentence(f"{text} (value {stack.value:.2f} of 1).", *stack.monthly["evidence"], stack.row["option_evidence"])
    )
    cost, known = stack.monthly, stack.counted
    if known["value"] is not None:
        found.append(sentence(f"It costs {stack.month} at full load.", *cost["evidence"]))
        cheaper = [other for other in others if other.counted["value"] is not None]
        if cheaper:
            other = min(cheaper, key=lambda item: (item.counted["value"], item.id))
            gap = other.counted["value"] - known["value"]
            compared = f"the cheapest other stack compared, {other.label} ({span(other.counted)})"
            word = "less" if gap > 0 else "more"
            same = abs(gap) < 0.005 * max(known["value"], 1e-9)
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
        pair = f"{LAYER_LABELS[tightest.layer_a].lower()} and {LAYER_LABELS[tightest.layer_b].lower()}"
        found.append(
            sentence(
                f"Its layers are bound at {stack.coupling_mean:.2f} on average (0 is free, 1 is bound); the tightest "
                f"pair is {pair} at {tightest.score:.2f}.",
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
