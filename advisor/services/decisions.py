"""Decisions: asked for, listed, read."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery

from advisor.core import document
from advisor.models import Decision, Membership, Report, Revision, Run, User, Workspace
from advisor.services import audit, runs
from catalog import queries

TITLE_MAX_LETTERS = 200
UNTITLED = "Untitled decision"


@dataclass(frozen=True)
class DecisionRow:
    """One line of the list of decisions: its newest revision and how that one's newest run stands."""

    decision_id: int
    title: str
    workspace_name: str
    created_at: datetime
    asked_by: str
    revision_number: int
    run_id: int
    run_state: str
    run_state_label: str
    feasible: bool | None


def start_decision(*, workspace: Workspace, user: User, document_bytes: bytes, moment: datetime) -> Run:
    """Keep a complete document as the first revision of a new decision and queue its run.

    Raises DocumentError for a document that cannot be advised on, and catalog.queries.NoRelease
    while there is no catalog to check it against. The caller enqueues the run once committed.
    """
    raw = document.parse(document_bytes)
    known = document.known_from(queries.current(moment.date()))
    checked = document.check(raw, complete=True, known=known, moment=moment.date())
    with transaction.atomic():
        decision = Decision.objects.create(
            workspace=workspace,
            title=(checked.decision or UNTITLED)[:TITLE_MAX_LETTERS],
            created_by=user,
            created_at=moment,
        )
        # Kept as it was written, not as it was understood: what was left out stays left out and is reported as such.
        revision = Revision.objects.create(
            decision=decision, number=1, document=raw, created_by=user, created_at=moment
        )
        audit.record(
            user=user,
            workspace=workspace,
            action="decision.started",
            subject=decision.title,
            moment=moment,
            detail={"decision": decision.pk},
        )
        return runs.queue_run(revision=revision, user=user, moment=moment)


def decision_rows(*, user: User, limit: int = 100) -> list[DecisionRow]:
    """Return the newest decisions of all the user's workspaces, newest first."""
    newest_run = Run.objects.filter(revision__decision=OuterRef("pk")).order_by("-revision__number", "-pk")
    rows = (
        Decision.objects.filter(workspace__memberships__user=user)
        .select_related("workspace", "created_by")
        .annotate(
            run_id=Subquery(newest_run.values("pk")[:1]),
            run_state=Subquery(newest_run.values("state")[:1]),
            revision_number=Subquery(newest_run.values("revision__number")[:1]),
            feasible=Subquery(Report.objects.filter(run=OuterRef("run_id")).values("feasible")[:1]),
        )
        .exclude(run_id=None)
        .order_by("-created_at", "-pk")[:limit]
    )
    return [
        DecisionRow(
            decision_id=row.pk,
            title=row.title,
            workspace_name=row.workspace.name,
            created_at=row.created_at,
            asked_by=row.created_by.shown_name,
            revision_number=row.revision_number,
            run_id=row.run_id,
            run_state=row.run_state,
            run_state_label=Run.State(row.run_state).label,
            feasible=row.feasible,
        )
        for row in rows
    ]


def writable_workspaces(*, user: User) -> list[Workspace]:
    """Return the workspaces in which the user may start a decision, oldest first."""
    return list(
        Workspace.objects.filter(
            memberships__user=user, memberships__role__in=[Membership.Role.OWNER, Membership.Role.EDITOR]
        ).order_by("memberships__created_at", "pk")
    )
