"""What is bound to what in an advised stack: each pair with its evidence, what it buys and what leaving would take."""

from collections.abc import Sequence
from typing import Any

from advisor.core.case import Case
from advisor.core.coupling import BIT_TEXT, Cell
from advisor.core.labels import LAYER_LABELS
from advisor.core.quantity import Number, Sentence, number, sentence, span, titled, unknown, usd
from advisor.core.roles import Assignment
from advisor.core.stacks import Stack, ordered
from catalog.units import GB_PER_TB

_EXITS = ("ordinary_transfer", "full_exit")


def coupling_section(*, assignment: Assignment, case: Case) -> dict[str, Any] | None:
    """Return the coupling of one assigned stack: each pair with its evidence, what it buys, what leaving takes."""
    choice = assignment.choice
    stack = assignment.stack
    if stack is None:
        return None
    cells = [_cell(cell=cell, stack=stack, group=choice.stacks) for cell in stack.cells]
    exits = {purpose: _exit(assignment=assignment, stack=stack, purpose=purpose, case=case) for purpose in _EXITS}
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
            "data_usd": exits,
        },
    }


def _exit(*, assignment: Assignment, stack: Stack, purpose: str, case: Case) -> Number:
    """Return what moving the stored data out of a stack's place costs. [USD, once]"""
    field, unit = assignment.choice.field, "USD, once"
    stored_tb = field.workload.data.stored_tb
    if stored_tb is None:
        return unknown(unit=unit, reason="data.stored_tb is not stated")
    paid = case.money.leaving(
        provider=stack.row["provider"],
        region=stack.row["region"],
        gb=stored_tb * GB_PER_TB,
        purpose=purpose,
        answer=f"answer:{field.path}.data.stored_tb",
    )
    return {**paid, "unit": unit}


def _cell(*, cell: Cell, stack: Stack, group: Sequence[Stack]) -> dict[str, Any]:
    evidence = f"coupling:{cell.id}"
    pair = f"{LAYER_LABELS[cell.layer_a].lower()} and {LAYER_LABELS[cell.layer_b].lower()}"
    bound = ", ".join(BIT_TEXT[bit] for bit in cell.bits)
    bound = bound or "nothing binds them but the work of moving"
    text = f"{cell.option_a} with {cell.option_b}: {bound}. {titled(cell.evidence_text).rstrip('.')}."
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
    """Return what a coupling buys: the cost difference to the best stack that is looser at this pair, or that none
    is known."""
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
        and other.counted["value"] is not None
        and at_pair(other) < cell.score - 1e-9
    ]
    mine = stack.counted
    if not looser or mine["value"] is None:
        return sentence("No sourced benefit: no looser stack with a known cost was found to compare.", evidence)
    best = ordered(looser)[0]
    if "assumption" in (stack.row["estimate_kind"], best.row["estimate_kind"]):
        text = "No sourced benefit: the costs to compare were only scaled from a measurement elsewhere; measure it."
        return sentence(text, evidence)
    gap = best.counted["value"] - mine["value"]
    overlap = best.counted["low"] <= mine["high"] and mine["low"] <= best.counted["high"]
    sure = " The ranges overlap, so the difference is not sure." if overlap else ""
    if gap <= 0:
        return sentence(
            f"No sourced benefit: the best looser stack, {best.label}, costs {usd(-gap)} a month less.{sure}",
            evidence,
            *best.monthly["evidence"],
            *mine["evidence"],
        )
    return sentence(
        f"It buys {usd(gap)} a month against the best looser stack, {best.label} ({span(best.counted)}).{sure}",
        evidence,
        *best.monthly["evidence"],
        *mine["evidence"],
    )
