"""The life of a decision: proposed by an editor, accepted or sent back by an owner, superseded by another.

Each step compares what the page saw with what stands, under a lock, and writes both sides in one transaction. Each
returns the runs whose record is issued anew for it; the caller enqueues them. Who may do what is `access`'s to say.
"""

from datetime import date, datetime

from django.db import transaction

from advisor.models import Approval, Decision, Report, Revision, User
from advisor.services import approvals, audit, renderings

Transition, Status = Approval.Transition, Decision.Status
_TOO_LATE = "This revision is not proposed. Perhaps somebody was faster: see what happened."


class NotNow(Exception):
    """The decision stands otherwise than the step needs, perhaps because somebody was faster. Nothing was written."""


def propose(
    *, revision: Revision, user: User, comment: str = "", supersedes: Decision | None = None, moment: datetime
) -> list[int]:
    """Put a revision that has a report before the owners, in the place of an accepted decision if one is named."""
    with transaction.atomic():
        decision, _ = _locked(revision.decision, supersedes)
        _check_proposal(decision, revision=revision, supersedes=supersedes)
        decision.proposed = revision
        if decision.status == Status.DRAFT:
            decision.status = Status.PROPOSED
        decision.save(update_fields=["proposed", "status"])
        return _written(
            decision,
            revision=revision,
            user=user,
            transition=Transition.PROPOSED,
            comment=comment,
            supersedes=supersedes,
            moment=moment,
        )


def withdraw(*, revision: Revision, user: User, comment: str, moment: datetime) -> list[int]:
    """Take a proposal back, with a reason."""
    return _returned(revision, user=user, transition=Transition.WITHDRAWN, comment=comment, moment=moment)


def reject(*, revision: Revision, user: User, comment: str, moment: datetime) -> list[int]:
    """Send a proposal back, with a reason."""
    return _returned(revision, user=user, transition=Transition.REJECTED, comment=comment, moment=moment)


def accept(
    *,
    revision: Revision,
    user: User,
    proposal: int | None = None,
    comment: str = "",
    review_by: date | None = None,
    moment: datetime,
) -> list[int]:
    """Make the proposed revision the record. What it takes the place of is superseded in the same transaction.

    ``proposal`` is the step that the page showed: one that was made anew since, perhaps in the place of another
    decision, is not accepted unseen.
    """
    step = _proposal(revision)
    if step is None:
        raise NotNow(_TOO_LATE)
    with transaction.atomic():
        decision, older = _locked(revision.decision, step.supersedes)
        _check_proposed(decision, revision=revision)
        if _proposal(revision) != step or (proposal is not None and proposal != step.pk):
            raise NotNow("The proposal was made anew meanwhile. Look at it again.")
        if older is not None:
            _accepted_of(older)
        before = decision.accepted
        decision.status, decision.accepted, decision.proposed = Status.ACCEPTED, revision, None
        decision.supersedes = older or decision.supersedes
        decision.save(update_fields=["status", "accepted", "proposed", "supersedes"])
        issued = _written(
            decision,
            revision=revision,
            user=user,
            transition=Transition.ACCEPTED,
            comment=comment,
            supersedes=older,
            review_by=review_by,
            moment=moment,
        )
        if before is not None:
            issued += _superseded(decision, revision=before, by=revision, user=user, moment=moment)
        if older is not None:
            issued += _supersede(older, by=revision, user=user, moment=moment)
        return issued


def _supersede(older: Decision, *, by: Revision, user: User, moment: datetime) -> list[int]:
    """Close an accepted decision, and what is proposed in it, because another took its place."""
    accepted, waiting = _accepted_of(older), older.proposed
    older.status, older.proposed = Status.SUPERSEDED, None
    older.save(update_fields=["status", "proposed"])
    issued = _superseded(older, revision=accepted, by=by, user=user, moment=moment)
    if waiting is not None:
        reason = f"Decision {by.decision_id} took the place of this one."
        issued += _written(
            older, revision=waiting, user=user, transition=Transition.WITHDRAWN, comment=reason, moment=moment
        )
    return issued


def _superseded(decision: Decision, *, revision: Revision, by: Revision, user: User, moment: datetime) -> list[int]:
    return _written(
        decision,
        revision=revision,
        user=user,
        transition=Transition.SUPERSEDED,
        superseded_by=by,
        moment=moment,
    )


def _returned(revision: Revision, *, user: User, transition: str, comment: str, moment: datetime) -> list[int]:
    if not comment.strip():
        raise NotNow("Say why: whoever reads the log later has only this.")
    with transaction.atomic():
        decision, _ = _locked(revision.decision, None)
        _check_proposed(decision, revision=revision)
        decision.proposed = None
        if decision.status == Status.PROPOSED:
            decision.status = Status.DRAFT
        decision.save(update_fields=["proposed", "status"])
        return _written(decision, revision=revision, user=user, transition=transition, comment=comment, moment=moment)


def _locked(decision: Decision, other: Decision | None) -> tuple[Decision, Decision | None]:
    """Return both decisions as they stand; nobody moves them until the transaction ends.

    Locked in the order of their numbers, so that two that name each other do not wait for each other.
    """
    wanted = {decision.pk} | ({other.pk} if other else set())
    rows = {row.pk: row for row in Decision.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    return rows[decision.pk], rows[other.pk] if other else None


def _check_proposal(decision: Decision, *, revision: Revision, supersedes: Decision | None) -> None:
    if decision.status == Status.SUPERSEDED:
        raise NotNow("Another decision took the place of this one: nothing more can be proposed here.")
    if decision.proposed_id:
        raise NotNow("A revision is proposed already. Accept, reject or withdraw it first.")
    # Held, so that nobody asks for other advice on this revision meanwhile: `runs.queue_run` writes to it first.
    Revision.objects.select_for_update().get(pk=revision.pk)
    if revision.number not in approvals.proposable(decision=decision):
        raise NotNow(
            "A revision can be proposed once it has a report that holds a plan, unless it was accepted before."
        )
    if supersedes is not None and supersedes not in approvals.supersedable(decision=decision):
        raise NotNow("A decision takes the place of one other, accepted one of the same workspace.")


def _check_proposed(decision: Decision, *, revision: Revision) -> None:
    if decision.proposed_id != revision.pk:
        raise NotNow(_TOO_LATE)


def _accepted_of(older: Decision) -> Revision:
    """Return the accepted revision of a decision that another is to take the place of."""
    if older.status != Status.ACCEPTED or older.accepted is None:
        raise NotNow(f"“{older.title}” is not accepted any more, so nothing can take its place.")
    return older.accepted


def _proposal(revision: Revision) -> Approval | None:
    """Return the newest proposal of a revision; it names the decision whose place it is to take, if any."""
    steps = Approval.objects.filter(revision=revision, transition=Transition.PROPOSED)
    return steps.select_related("supersedes").order_by("-pk").first()


def _written(
    decision: Decision,
    *,
    revision: Revision,
    user: User,
    transition: str,
    moment: datetime,
    comment: str = "",
    supersedes: Decision | None = None,
    superseded_by: Revision | None = None,
    review_by: date | None = None,
) -> list[int]:
    """Append a step to the log and the trail, and let the record be issued anew for it."""
    step = Approval.objects.create(
        decision=decision,
        revision=revision,
        user=user,
        actor=user.shown_name,
        transition=transition,
        comment=comment.strip(),
        review_by=review_by,
        supersedes=supersedes,
        superseded_by=superseded_by,
        at=moment,
    )
    other = supersedes.pk if supersedes else None
    by = superseded_by.decision_id if superseded_by else None
    audit.record(
        user=user,
        workspace=decision.workspace,
        action=f"decision.{transition}",
        subject=decision.title,
        moment=moment,
        detail={"revision": revision.number}
        | ({"supersedes_decision": other} if other else {})
        | ({"by_decision": by} if by else {}),
    )
    report = Report.objects.filter(run__revision=revision).order_by("-created_at", "-pk")[:1].get()
    renderings.await_pdf(report=report, approval=step, moment=moment)
    return [report.run_id]
