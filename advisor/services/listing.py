"""What a workspace holds, newest first, a page at a time, for programs. A cursor is the id of the last row seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import QuerySet

from advisor.models import Decision, Run, Workspace
from advisor.services.decisions import with_newest

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
    rows = with_newest(Decision.objects.filter(workspace=workspace))
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
