"""What keeps every stack of a workload out, and what lifting it would leave."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from advisor.core.constraints import MISSED, Check
from advisor.core.plan import Choice
from advisor.core.quantity import Sentence, listed, sentence, titled
from advisor.core.stacks import ordered
from estimator.workload import TRAINING_KINDS

_BY_NATURE = ("fits", "known_to_hold", "compatibility", "licence", "retirement")  # what nobody can lift
_LEAST_FIRST = ("run_days_typical", "ttft_ms_typical", "tpot_ms_typical", "latency_ms_typical", "monthly_usd_typical")


def lifted(choice: Choice) -> list[Check]:
    """Return the constraints that would have to be lifted for candidates to stay; none where no lifting is enough.

    Of what the candidates with the fewest miss, the commonest, and of it nothing that lies in machines and models.
    """
    missed = _missed(choice)
    count = np.sum(list(missed.values()), axis=0)
    open_ones = ~_by_nature(missed) & (count > 0)
    if not count.all() or not open_ones.any():
        return []
    near = np.flatnonzero(open_ones & (count == count[open_ones].min()))
    sets = [tuple(id for id, states in missed.items() if states[place]) for place in near]
    names = max(dict.fromkeys(sets), key=sets.count)
    return [check for check in choice.field.checks if check.id in names]


def why_none(choice: Choice) -> Sentence:
    """Return why nothing carries a workload: what keeps all out, and what would lift it. Without the last full stop."""
    field = choice.field
    if field.frame.empty:
        return sentence("nothing on file is meant for this work", f"answer:{field.path}.kind")
    missed = _missed(choice)
    count = np.sum(list(missed.values()), axis=0)
    if not count.all():
        return _to_be_shown(choice)
    checks = lifted(choice)
    if not checks:
        return _beyond(choice, missed, count)
    names = [check.id for check in checks]
    left = ~np.any([states for id, states in missed.items() if id not in names], axis=0)
    place = min(np.flatnonzero(left), key=lambda place: _order(field.frame, int(place)))
    said = _said(choice, int(place), checks)
    return sentence(
        f"no stack keeps every constraint. Without {listed([check.title for check in checks])} {left.sum():,} of "
        f"{left.size:,} candidates would stay. {said['text'].rstrip('.')}",
        f"answer:{field.path}.kind",
        *said["evidence"],
    )


def _missed(choice: Choice) -> dict[str, Any]:
    return {check.id: check.states == MISSED for check in choice.field.checks}


def _by_nature(missed: dict[str, Any]) -> Any:
    return np.any([missed[id] for id in _BY_NATURE if id in missed], axis=0)


def _to_be_shown(choice: Choice) -> Sentence:
    """Return that what keeps every constraint may not carry production before it is shown, and which to try first."""
    first = ordered([stack for stack in choice.stacks if stack.standing != "excluded"])[0]
    return sentence(
        "no stack may carry it: each that keeps every constraint is on silicon new to the team, too young, or only "
        f"scaled from your measurement. Measure one first: the best by what is on file is {first.label}, for "
        f"{first.month}",
        first.row["option_evidence"],
        *first.monthly["evidence"],
    )


def _beyond(choice: Choice, missed: dict[str, Any], count: Any) -> Sentence:
    """Return that nothing on file holds the work, the reason of the largest machine near it, and what would help."""
    field = choice.field
    outgrown = missed["fits"] if missed["fits"].any() else count > 0
    near = np.flatnonzero(outgrown & (count == count[outgrown].min()))
    room = field.frame.get("accelerator_memory_gb")
    place = 0 if room is None else room.iloc[near].fillna(0.0).to_numpy(dtype=float).argmax()
    said = _said(choice, int(near[place]), field.checks)
    lifts = "fewer tokens a run" if field.workload.kind in TRAINING_KINDS else "narrower weights"
    less = f". It takes a smaller model or {lifts}" if missed["fits"].any() else ""
    return sentence(
        f"no stack keeps every constraint: nothing on file holds this work. {said['text'].rstrip('.')}{less}",
        f"answer:{field.path}.kind",
        *said["evidence"],
    )


def _order(frame: Any, place: int) -> tuple[float, ...]:
    """Order candidates by how soon they are done or answer, then by their cost; what is unknown comes last."""
    known = (frame[name].iloc[place] for name in _LEAST_FIRST if name in frame)
    return tuple(float(value) if np.isfinite(value) else float("inf") for value in known)


def _said(choice: Choice, place: int, checks: Sequence[Check]) -> Sentence:
    """Return what the nearest candidate misses, and where it is."""
    row = choice.field.row(place)
    said = [check.say(row, MISSED) for check in checks if check.states[place] == MISSED]
    texts = " ".join(titled(one["text"].removeprefix(f"{row['sku']}: ")) for one in said)
    named = f"The nearest is {row['sku']} on {row['provider']} in {row['region']}."
    return sentence(f"{named} {texts}", row["option_evidence"], *(id for one in said for id in one["evidence"]))
