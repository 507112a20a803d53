"""The log of a decision's life, read: how each revision stands, who said so, and which files were issued for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from advisor.core.standing import DRAFT, Standing, Step, standing
from advisor.models import Approval, Decision, Rendering, Report, Revision, Run


@dataclass(frozen=True)
class LogRow:
    """One line of the log, in words."""

    step_id: int
    transition: str
    label: str
    revision_number: int
    actor: str
    at: datetime
    comment: str
    review_by: str
    supersedes: Decision | None
    superseded_by: Revision | None


@dataclass(frozen=True)
class IssuedRow:
    """One PDF that was issued, and the status it was issued under."""

    rendering_id: int
    revision_number: int
    status: str
    on: datetime


@dataclass(frozen=True)
class Life:
    """How a decision stands and how it came to that."""

    log: Sequence[LogRow]
    issued: Sequence[IssuedRow]
    proposed: LogRow | None
    accepted: LogRow | None
    superseded_by: Decision | None


def life(*, decision: Decision) -> Life:
    """Return a decision's log, newest first, with what stands now."""
    rows = list(_steps(decision).order_by("-pk"))
    log = [_row(one) for one in rows]
    return Life(
        log=log,
        issued=_issued(decision) if rows else [],
        proposed=_first(rows, log, Approval.Transition.PROPOSED, decision.proposed_id),
        accepted=_first(rows, log, Approval.Transition.ACCEPTED, decision.accepted_id),
        superseded_by=_successor(decision),
    )


def last(*, revision: Revision) -> Approval | None:
    """Return the newest step of a revision; None while nobody has proposed it."""
    return Approval.objects.filter(revision=revision).order_by("-pk").first()


def standing_of(*, revision: Revision) -> Standing:
    """Return how a revision stands now."""
    return _standing(revision, list(_steps(revision.decision).order_by("pk")))


def standing_at(*, revision: Revision, step: Approval | None) -> Standing:
    """Return how a revision stood right after a step of its life; before any, it is a draft."""
    before = _steps(revision.decision).filter(pk__lte=step.pk).order_by("pk") if step else ()
    return _standing(revision, list(before))


def _standing(revision: Revision, rows: list[Approval]) -> Standing:
    mine = [_step(row) for row in rows if row.revision_id == revision.pk]
    # What an earlier accepted revision took the place of stays superseded by the decision as a whole.
    inherited = [one.supersedes for one in map(_step, rows) if one.transition == "accepted" and one.supersedes]
    return standing(mine, inherited=inherited[0] if inherited else "")


def proposable(*, decision: Decision) -> list[int]:
    """Return the numbers of the revisions that can be proposed, newest first.

    That is: with a report that holds a plan, not waited for, and never accepted.
    """
    if decision.status == Decision.Status.SUPERSEDED or decision.proposed_id:
        return []
    numbers = (
        Report.objects.filter(run__revision__decision=decision, feasible=True)
        .exclude(run__revision__in=Run.objects.filter(state__in=Run.OPEN_STATES).values("revision"))
        .exclude(run__revision__in=Approval.objects.filter(transition="accepted").values("revision"))
        .values_list("run__revision__number", flat=True)
    )
    return sorted(set(numbers), reverse=True)


def supersedable(*, decision: Decision) -> list[Decision]:
    """Return the accepted decisions of the same workspace that this one could take the place of."""
    if decision.supersedes_id:
        return []
    accepted = Decision.objects.filter(workspace=decision.workspace_id, status=Decision.Status.ACCEPTED)
    return list(accepted.exclude(pk=decision.pk).order_by("-pk"))


def _steps(decision: Decision) -> QuerySet[Approval]:
    return Approval.objects.filter(decision=decision).select_related(
        "revision", "supersedes", "superseded_by__decision"
    )


def _step(row: Approval) -> Step:
    by = row.superseded_by
    return Step(
        transition=row.transition,
        actor=row.actor,
        on=row.at.date(),
        review_by=row.review_by,
        supersedes=f"decision {row.supersedes.pk}: {row.supersedes.title}" if row.supersedes else "",
        by=_place(row.decision_id, by) if by else "",
    )


def _place(decision_id: int, by: Revision) -> str:
    own = f"revision {by.number} of this decision"
    return own if by.decision_id == decision_id else f"decision {by.decision_id}: {by.decision.title}"


def _row(row: Approval) -> LogRow:
    return LogRow(
        step_id=row.pk,
        transition=row.transition,
        label=row.get_transition_display(),
        revision_number=row.revision.number,
        actor=row.actor,
        at=row.at,
        comment=row.comment,
        review_by=row.review_by.isoformat() if row.review_by else "",
        supersedes=row.supersedes,
        superseded_by=row.superseded_by,
    )


def _first(rows: list[Approval], log: list[LogRow], transition: str, revision_id: int | None) -> LogRow | None:
    wanted = (transition, revision_id)
    return next(
        (told for row, told in zip(rows, log, strict=True) if (row.transition, row.revision_id) == wanted), None
    )


def _successor(decision: Decision) -> Decision | None:
    if decision.status != Decision.Status.SUPERSEDED:
        return None
    return Decision.objects.filter(supersedes=decision).first()


def _issued(decision: Decision) -> list[IssuedRow]:
    kept = Rendering.objects.filter(report__run__revision__decision=decision, state=Rendering.State.KEPT)
    return [
        IssuedRow(rendering_id=pk, revision_number=number, status=_status_after(transition), on=at or first)
        for pk, number, transition, at, first in kept.order_by("-pk").values_list(
            "pk", "report__run__revision__number", "approval__transition", "approval__at", "report__created_at"
        )
    ]


def _status_after(transition: str | None) -> str:
    return DRAFT if transition in (None, Approval.Transition.WITHDRAWN) else transition
