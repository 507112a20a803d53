"""What a reader takes away first: the answer by workload, the bill, the bonds, what would make us decide otherwise."""

from collections.abc import Mapping
from typing import Any

from advisor.core.labels import CARRYING, TOTAL_LABELS, labelled
from advisor.core.quantity import Number, Sentence, sentence, span, titled
from advisor.core.statements import is_number

Data = Mapping[str, Any]
_GATED = ("pilot", "canary")
_MEASURE = "measure_first"


def answers(data: Data) -> tuple[Sentence, ...]:
    """Return the headline as one sentence per workload and one of the bill, word for word; the bill comes last.

    A headline that cannot be taken apart is returned whole.
    """
    headline = data["decision"]["headline"]
    text, rows = headline["text"], data["plan"]["assignments"]
    if not rows:
        return (headline,)
    starts = [0]
    for name in list(dict.fromkeys(row["workload_name"] for row in rows))[1:]:
        found = text.find(f". {name}", starts[-1])
        if found < 0:
            return (headline,)
        starts.append(found + 2)
    bill = text.rfind(". The plan ")
    if bill < starts[-1]:
        return (headline,)
    starts.append(bill + 2)
    parts = [text[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
    assumed = [id for one in data["decision"].get("assumed", ()) for id in one["text"]["evidence"]]
    evidence = [*_sources(data), [*data["plan"]["totals"]["monthly_usd"]["evidence"], *assumed]]
    return tuple(sentence(part, *ids) for part, ids in zip(parts, evidence, strict=True))


def key_numbers(data: Data) -> list[tuple[str, Number]]:
    """Return the totals of the plan that are read first, each with its label."""
    totals = data["plan"]["totals"]
    return [(label, totals[name]) for name, label in TOTAL_LABELS.items() if name in totals]


def other_totals(data: Data) -> list[tuple[str, Number]]:
    """Return the numbers of the plan as a whole that are no key numbers, such as its energy."""
    totals = data["plan"]["totals"]
    others = {name: part for name, part in totals.items() if is_number(part) and name not in TOTAL_LABELS}
    return [(titled(label), number) for label, number in labelled(others)]


def carries(data: Data) -> dict[str, str | None]:
    """Return which stack carries each workload in the plan."""
    return {
        item["workload_id"]: item["stack_id"]
        for item in data["plan"]["assignments"]
        if item["role"] in CARRYING or item["stack"] is None
    }


def other_plans(data: Data) -> list[Data]:
    """Return the plans compared that differ from the one advised."""
    mine = carries(data)
    return [
        other
        for other in data.get("plan_alternatives", [])
        if {one["workload_id"]: one["stack_id"] for one in other["assignments"]} != mine
    ]


def _sources(data: Data) -> list[list[str]]:
    """Return, workload by workload, the evidence of the layers of its stacks, and of what may be cheaper elsewhere."""
    found: dict[str, list[str]] = {}
    for row in data["plan"]["assignments"]:
        ids = found.setdefault(row["workload_name"], [])
        for layer in ((row.get("stack") or {}).get("layers") or {}).values():
            ids += layer["evidence"]
        for other in data["decision"].get("cheaper_elsewhere", ()):
            ids += other["text"]["evidence"] if other["workload_id"] == row["workload_id"] else ()
    return list(found.values())


def bonds(data: Data) -> dict[str, Sentence]:
    """Return, by workload, the tightest pair of layers of the stack that carries it in production."""
    names = {row["workload_id"]: row["workload_name"] for row in data["plan"]["assignments"]}
    found: dict[str, Sentence] = {}
    for stack in data.get("coupling", {}).get("stacks", []):
        if stack["cells"] and stack["role"] in CARRYING:
            cell = max(stack["cells"], key=lambda one: (one["score"]["value"], one["id"]))
            found[stack["workload_id"]] = sentence(
                f"{names[stack['workload_id']]}: bound most at {cell['pair_text']}, {cell['score']['value']:.2f} on a "
                f"scale from 0 (free) to 1 (bound): {cell['band']}.",
                *cell["score"]["evidence"],
            )
    return found


def flips(data: Data) -> tuple[Sentence, ...]:
    """Return what would make us decide otherwise, as far as the report knows it.

    They are what should be measured first, the gates a pilot or canary has to pass, the price below which a stack
    without one would win, and the excluded provider that would cost less.
    """
    found = [sentence(one["text"], *one["evidence"]) for one in data.get("warnings", []) if one["code"] == _MEASURE]
    found += _gates(data)
    for workload in data.get("workloads", []):
        found += _cheaper(workload, data)
        found += _unpriced(workload)
    return tuple({one["text"]: one for one in found}.values())


def _gates(data: Data) -> list[Sentence]:
    return [
        sentence(f"{row['workload_name']}, {row['role']}: {row['gate'][0]['text']}", *row["gate"][0]["evidence"])
        for row in data["plan"]["assignments"]
        if row["role"] in _GATED and row["gate"]
    ]


def _unpriced(workload: Data) -> list[Sentence]:
    return [
        sentence(
            f"{workload['name']}: {row['label']} has no public price. Below {span(row['wins_below'])} an "
            "accelerator-hour it would cost less than the recommended stack.",
            *row["wins_below"]["evidence"],
        )
        for row in workload.get("why_not", [])
        if row.get("wins_below") and row["wins_below"]["unit"] == "USD/accelerator-hour"
    ]


def _cheaper(workload: Data, data: Data) -> list[Sentence]:
    mine = _known(((workload.get("recommended") or {}).get("numbers") or {}).get("monthly_usd"))
    return [
        sentence(f"{workload['name']}: {row['text']['text']}", *row["text"]["evidence"])
        for row in data.get("constraints", {}).get("excluded_providers", [])
        if row["workload_id"] == workload["id"]
        and (other := _known(row["monthly_usd"])) is not None
        and (mine is None or other < mine)
    ]


def _known(number: Number | None) -> float | None:
    """Return what is known of an amount: itself, or the least it can be."""
    return None if number is None else number["low"] if number["value"] is None else number["value"]
