"""How a revision stands: what the steps of its life amount to."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

DRAFT = "draft"
_AFTER = {"withdrawn": DRAFT}  # every other step is called what it makes of the revision


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: who did what on which day. `by` is what took the revision's place."""

    transition: str
    actor: str
    on: dt.date
    review_by: dt.date | None = None
    supersedes: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A revision's status, who decided on it, and the dates; empty where nothing is to be told."""

    status: str = DRAFT
    decided_by: str = ""
    proposed_on: str = ""
    accepted_on: str = ""
    rejected_on: str = ""
    review_by: str = ""
    supersedes: str = ""
    superseded_by: str = ""


def standing(steps: Sequence[Step], *, inherited: str = "") -> Standing:
    """Return how a revision stands after its steps, oldest first.

    ``inherited`` is what its decision superseded by an earlier revision: a later one that counts does so too.
    """
    found = Standing()
    for step in steps:
        found = _after(found, step)
    counts = found.status in ("proposed", "accepted", "superseded")
    return replace(found, supersedes=found.supersedes or inherited) if counts else found


def _after(found: Standing, step: Step) -> Standing:
    on, status = step.on.isoformat(), _AFTER.get(step.transition, step.transition)
    if step.transition == "proposed":  # once more, perhaps: what was said before was about another proposal
        return Standing(status=status, proposed_on=on, supersedes=step.supersedes)
    if step.transition == "accepted":
        review = step.review_by.isoformat() if step.review_by else ""
        return replace(found, status=status, decided_by=step.actor, accepted_on=on, review_by=review)
    if step.transition == "rejected":
        return replace(found, status=status, decided_by=step.actor, rejected_on=on, supersedes="")
    if step.transition == "superseded":
        return replace(found, status=status, superseded_by=step.by)
    return Standing(status=status)
