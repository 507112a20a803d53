"""The decision in one sentence, a Y-statement: context, concern, choice, neglected, gain, price, reason."""

from collections.abc import Mapping
from typing import Any

from advisor.core.figures import words
from advisor.core.gist import other_plans
from advisor.core.labels import CARRYING
from advisor.core.quantity import listed, span
from advisor.core.record.blocks import Said
from advisor.core.value import CRITERIA

ASKED = ("provider", "purchase", "residency", "certifications", "budget", "need_by", "ttft", "tpot", "latency")

_WORTH = "of the plans compared that keep every constraint none is worth more under these weights"
_PROVEN = ", and what is not yet measured, confirmed or in general use does not displace what is"
_UNPROVEN = {"measure first", "confirm first", "canary first", "pilot first"}

Data = Mapping[str, Any]


def statement(data: Data) -> Said:
    """Return the decision in one sentence: context, concern, choice, neglected, gain, price, reason."""
    names = listed([workload["name"] for workload in data["workloads"]])
    head = f"In the context of {data['decision']['title']}, to carry {names}, facing {_concern(data)}, "
    if not data["decision"]["feasible"]:
        return Said(f"{head}we found no plan that keeps every constraint, because {_kept_out(data)}.")
    chosen = listed(
        [
            f"{item['stack']['label']} for {item['workload_name']}"
            for item in data["plan"]["assignments"]
            if item["stack"] and item["role"] in CARRYING
        ]
    )
    cost = data["plan"]["totals"]["monthly_usd"]
    gain = f"a cost of {span(cost)} a month at full load" if cost["value"] or cost["low"] else "a plan of unknown cost"
    others = listed([other["title"][:1].lower() + other["title"][1:] for other in other_plans(data)])
    neglected = f" and neglect other plans ({others})" if others else ""
    unsure = data["decision"].get("undecided") or any(
        item["stack"] and item["role"] in CARRYING and item["stack"]["standing"] == "confirm_first"
        for item in data["plan"]["assignments"]
    )
    proposed = f"we propose{' provisionally' if unsure else ''}"
    return Said(
        f"{head}{proposed} {chosen}{neglected}, to achieve {gain}, accepting {_price(data)}, because {reason(data)}"
    )


def reason(data: Data) -> str:
    """Return why this plan: the end of ``Chosen option: …, because``."""
    if not data["decision"]["feasible"]:
        return f"no plan keeps every constraint: {_kept_out(data)}."
    verdicts = {row["verdict"] for item in data["workloads"] for row in item["why_not"]}
    found = [f"the {one['measured']} of {one['label']} is measured" for one in data["decision"].get("undecided", ())]
    if found:
        return f"{_WORTH} as far as they are on file; it is undecided until {listed(found)}."
    return f"{_WORTH}{_PROVEN if verdicts & _UNPROVEN else ''}."


def _concern(data: Data) -> str:
    stated = data["decision"]["weights"]
    weights = sorted(((name, stated[name]) for name in CRITERIA if name in stated), key=lambda pair: -pair[1])
    heaviest = [f"{words(name)} (weight {weight:g})" for name, weight in weights[:2] if weight]
    asked = {check["title"] for check in data["constraints"]["checks"] if check["id"] in ASKED}
    count = f"{len(asked)} stated constraint{'s' if len(asked) != 1 else ''}"
    return f"{count} and with most weight on {listed(heaviest)}" if heaviest else count


def _price(data: Data) -> str:
    """Say what the stacks proposed ask to be put up with: the tightest coupling and what nobody could confirm."""
    maxima = [
        stack["maximum"]["value"]
        for stack in data["coupling"]["stacks"]
        if stack["maximum"]["value"] is not None and stack["role"] in CARRYING
    ]
    bound = f"a coupling of up to {max(maxima):.2f} of 1" if maxima else "a coupling that is not on file"
    open_checks = sum(check["state"] == "cannot be confirmed" for check in data["constraints"]["checks"])
    if not open_checks:
        return bound
    count = f"{open_checks} check{'s' if open_checks != 1 else ''}"
    return f"{bound} and {count} that cannot be confirmed from what is on file"


def _kept_out(data: Data) -> str:
    """Return what keeps the plan out: what is missed as a whole, or what each workload without a stack runs into."""
    missed = [check["title"] for check in data["constraints"]["checks"] if check["state"] == "missed"]
    if missed:
        return f"the {listed(sorted(set(missed)))} {'is' if len(set(missed)) == 1 else 'are'} missed"
    if data["decision"].get("barred"):
        return "; ".join(_runs_into(one) for one in data["decision"]["barred"])
    removals = sorted(data["constraints"]["removals"], key=lambda row: (-row["removed"], row["workload_id"], row["id"]))
    if not removals:
        return "nothing in the catalog can carry it"
    first = removals[0]
    return f"{first['title']} removes {first['removed']:,} of {first['of']:,} candidates of {first['workload_id']}"


def _runs_into(one: Data) -> str:
    if one["lifted"]:
        return f"for {one['workload_id']} no candidate keeps {listed(one['lifted'])} beside the rest"
    text = one["text"]["text"].partition(". ")[0].removeprefix("no stack keeps every constraint: ")
    return f"for {one['workload_id']} {text}"
