"""What a workspace holds, newest first, a page at a time, for programs. A cursor is the id of the last row seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import OuterRef, QuerySet, Subquery

from advisor.models import Decision, Report, Revision, Run, Workspace

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the cursor of the next page; None on the last."""

    rows: list[Row]
    older: int | None


@dataclass(frozen=True)
class DecisionLine:
    """One decision with its newest revision and how that one's newest run stands."""

    decision_id: int
    title: str
    created_at: datetime
    created_by: str
    revision: int
    run_id: int | None
    state: str | None
    feasible: bool | None
    reported_revision: int | None


def decisions(*, workspace: Workspace, before: int | None, limit: int) -> Page[DecisionLine]:
    """Return a page of the workspace's decisions, newest first."""
    newest = Revision.objects.filter(decision=OuterRef("pk")).order_by("-number")
    newest_run = Run.objects.filter(
        revision__decision=OuterRef("pk"), revision__number=OuterRef("revision_number")
    ).order_by("-pk")
    reported = Report.objects.filter(run__revision__decision=OuterRef("pk")).order_by("-run__revision__number")
    rows = (
        Decision.objects.filter(workspace=workspace)
        .select_related("created_by")
        .annotate(revision_number=Subquery(newest.values("number")[:1]))
        .annotate(
            run_id=Subquery(newest_run.values("pk")[:1]),
            run_state=Subquery(newest_run.values("state")[:1]),
            reported_number=Subquery(reported.values("run__revision__number")[:1]),
        )
        .annotate(feasible=Subquery(Report.objects.filter(run=OuterRef("run_id")).values("feasible")[:1]))
        .exclude(revision_number=None)
    )
    found = _page(rows, before=before, limit=limit)
    lines = [
        DecisionLine(
            decision_id=row.pk,
            title=row.title,
            created_at=row.created_at,
            created_by=row.created_by.shown_name,
            revision=row.revision_number,
            run_id=row.run_id,
            state=row.run_state,
            feasible=row.feasible,
            reported_revision=row.reported_number,
        )
        for row in found.rows
    ]
    return Page(rows=lines, older=found.older)


def runs(*, workspace: Workspace, state: str | None, before: int | None, limit: int) -> Page[Run]:
    """Return a page of the workspace's runs, newest first, those in one state if it is given."""
    rows = Run.objects.filter(revision__decision__workspace=workspace).select_related("revision", "report")
    return _page(rows.filter(state=state) if state else rows, before=before, limit=limit)


def _page(rows: QuerySet, *, before: int | None, limit: int) -> Page:
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: limit + 1])
    return Page(rows=found[:limit], older=found[limit - 1].pk if len(found) > limit else None)
