"""Decisions: asked for at once, listed, told with their revisions and runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from advisor.core import document
from advisor.models import Decision, Membership, Report, Revision, Run, User, Workspace
from advisor.services import drafts, runs
from catalog import queries

PAGE_ROWS_COUNT = 20
DRAFT = "draft"


@dataclass(frozen=True)
class DecisionRow:
    """One line of the list of decisions: its newest revision and how that one stands."""

    decision_id: int
    title: str
    status: str
    status_label: str
    workspace_name: str
    created_at: datetime
    created_by: str
    revision_number: int
    state: str  # of its newest run, or draft where it has none
    state_label: str
    feasible: bool | None
    reported_number: int | None  # the newest revision that has a report


@dataclass(frozen=True)
class DecisionPage:
    """One page of the list of decisions."""

    rows: Sequence[DecisionRow]
    number: int
    has_older: bool


@dataclass(frozen=True)
class RunRow:
    """One run of a revision."""

    run_id: int
    state: str
    state_label: str
    feasible: bool | None
    requested_by: str
    created_at: datetime


@dataclass(frozen=True)
class RevisionRow:
    """One revision of a decision, with its runs, the newest first."""

    number: int
    based_on_number: int | None
    created_by: str
    created_at: datetime
    runs: Sequence[RunRow]

    @property
    def has_report(self) -> bool:
        """Return whether one of its runs ended with a report."""
        return any(run.feasible is not None for run in self.runs)

    @property
    def is_settled(self) -> bool:
        """Return whether it may no longer change."""
        return self.has_report or any(run.state in Run.OPEN_STATES for run in self.runs)


def start_decision(*, workspace: Workspace, user: User, document_bytes: bytes, moment: datetime) -> Run:
    """Keep a complete document as the first revision of a new decision and queue its run.

    Raises DocumentError for a document that cannot be advised on, and catalog.queries.NoRelease
    while there is no catalog to check it against. The caller enqueues the run once committed.
    """
    raw = document.parse(document_bytes)
    known = document.known_from(queries.current(moment.date()))
    document.check(raw, complete=True, known=known, moment=moment.date())
    with transaction.atomic():
        # Kept as it was written, not as it was understood: what was left out stays left out and is reported as such.
        revision = drafts.new_decision(workspace=workspace, user=user, raw=raw, moment=moment)
        return runs.queue_run(revision=revision, user=user, moment=moment)


def decision_page(*, user: User, number: int = 1) -> DecisionPage:
    """Return one page of the decisions of all the user's workspaces, newest first."""
    first = (number - 1) * PAGE_ROWS_COUNT
    rows = with_newest(Decision.objects.filter(workspace__memberships__user=user).select_related("workspace"))
    rows = rows.order_by("-created_at", "-pk")[first : first + PAGE_ROWS_COUNT + 1]
    found = [
        DecisionRow(
            decision_id=row.pk,
            title=row.title,
            status=row.status,
            status_label=row.get_status_display(),
            workspace_name=row.workspace.name,
            created_at=row.created_at,
            created_by=row.created_by.shown_name,
            revision_number=row.revision_number,
            state=row.run_state or DRAFT,
            state_label=Run.State(row.run_state).label if row.run_state else "Draft",
            feasible=row.feasible,
            reported_number=row.reported_number,
        )
        for row in rows
    ]
    return DecisionPage(rows=found[:PAGE_ROWS_COUNT], number=number, has_older=len(found) > PAGE_ROWS_COUNT)


def with_newest(rows: QuerySet[Decision]) -> QuerySet[Any]:
    """Return decisions with their newest revision, how its newest run stands, and the newest one with a report."""
    newest = Revision.objects.filter(decision=OuterRef("pk")).order_by("-number")
    newest_run = Run.objects.filter(
        revision__decision=OuterRef("pk"), revision__number=OuterRef("revision_number")
    ).order_by("-pk")
    reported = Report.objects.filter(run__revision__decision=OuterRef("pk")).order_by("-run__revision__number")
    return (
        rows.select_related("created_by")
        .annotate(revision_number=Subquery(newest.values("number")[:1]))
        .annotate(
            run_id=Subquery(newest_run.values("pk")[:1]),
            run_state=Subquery(newest_run.values("state")[:1]),
            reported_number=Subquery(reported.values("run__revision__number")[:1]),
        )
        .annotate(feasible=Subquery(Report.objects.filter(run=OuterRef("run_id")).values("feasible")[:1]))
        .exclude(revision_number=None)
    )


def revision_rows(*, decision: Decision) -> list[RevisionRow]:
    """Return the revisions of a decision with their runs, the newest first."""
    runs_of: dict[int, list[RunRow]] = {}
    for run in (
        Run.objects.filter(revision__decision=decision)
        .select_related("requested_by")
        .annotate(feasible=F("report__feasible"))
        .order_by("-pk")
    ):
        row = RunRow(
            run_id=run.pk,
            state=run.state,
            state_label=run.get_state_display(),
            feasible=run.feasible,
            requested_by=run.requested_by.shown_name,
            created_at=run.created_at,
        )
        runs_of.setdefault(run.revision_id, []).append(row)
    return [
        RevisionRow(
            number=revision.number,
            based_on_number=revision.based_on.number if revision.based_on else None,
            created_by=revision.created_by.shown_name,
            created_at=revision.created_at,
            runs=runs_of.get(revision.pk, []),
        )
        for revision in decision.revisions.select_related("created_by", "based_on").order_by("-number")
    ]


def writable_workspaces(*, user: User) -> list[Workspace]:
    """Return the workspaces in which the user may start a decision, oldest first."""
    return list(
        Workspace.objects.filter(
            memberships__user=user, memberships__role__in=[Membership.Role.OWNER, Membership.Role.EDITOR]
        ).order_by("memberships__created_at", "pk")
    )
