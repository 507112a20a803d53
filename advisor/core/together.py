"""The accelerators that the workloads of a plan take together of what may be had without asking."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from advisor.core.case import Case
from advisor.core.constraints import Draw, drawn
from advisor.core.quantity import Sentence, listed, sentence
from advisor.core.stacks import Stack


def over(*, pools: Sequence[Sequence[Stack | None]], grid: Any, case: Case) -> Any:
    """Return which combinations of ``grid`` (rows of positions in the pools) take more than a quota or limit holds."""
    taken: dict[str, Any] = {}
    most: dict[str, float] = {}
    for index, pool in enumerate(pools):
        draws = [draw_of(stack=stack, case=case) for stack in pool]
        for name in {draw.pool: draw for draw in draws if draw}:
            each = np.array([draw.accelerators if draw and draw.pool == name else 0.0 for draw in draws])
            taken[name] = taken.get(name, np.zeros(len(grid))) + each[grid[:, index]]
        most |= {draw.pool: draw.most for draw in draws if draw}
    return np.any([total > most[name] for name, total in taken.items()] or [np.zeros(len(grid), dtype=bool)], axis=0)


def draw_of(*, stack: Stack | None, case: Case) -> Draw | None:
    """Return what a stack takes without asking; None for CPUs, managed APIs and capacity that is promised."""
    if stack is None or stack.row["capacity_guaranteed"] is True or not stack.row["accelerators_total_typical"] > 0:
        return None
    limit = case.coefficients.get("plan.capacity_accelerators")
    quota = case.document.constraints.quota or ()
    return drawn(row=stack.row, limit=limit.value, source=limit.id, quota=quota)


def shared(*, chosen: Sequence[Stack | None], names: Sequence[str], case: Case) -> list[tuple[bool, Sentence]]:
    """Return, for each quota or limit that several workloads of a plan draw on, whether it holds them all, in words."""
    by_pool: dict[str, list[tuple[str, Draw, Stack]]] = {}
    for stack, name in zip(chosen, names, strict=True):
        draw = draw_of(stack=stack, case=case)
        if stack is not None and draw is not None:
            by_pool.setdefault(draw.pool, []).append((name, draw, stack))
    found = []
    for drawing in by_pool.values():
        if len(drawing) < 2:
            continue
        total, first = sum(draw.accelerators for _, draw, _ in drawing), drawing[0][1]
        holds = total <= first.most
        verdict = (
            f"stay within the {first.most:,.0f} accelerators {first.whose}."
            if holds
            else f"are more than the {first.most:,.0f} {first.whose}: no capacity is promised, so ask for it first."
        )
        text = f"The {total:,.0f} accelerators of {listed([name for name, _, _ in drawing])} together {verdict}"
        found.append((holds, sentence(text, first.origin, *(stack.row["option_evidence"] for *_, stack in drawing))))
    return found
