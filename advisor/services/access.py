"""One permission-checked look-up per object. A stranger learns nothing, not even that it exists.

The two refusals are Django's own, so that pages and the API answer them with 404 and 403 without translating.
"""

from typing import TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from advisor.models import Decision, Membership, Report, Revision, Run, User, Workspace

Row = TypeVar("Row", Decision, Revision, Run)


def workspace(*, user: User, workspace_id: int, write: bool = False) -> Workspace:
    _permit(user=user, workspace_id=workspace_id, write=write)
    return Workspace.objects.get(pk=workspace_id)


def decision(*, user: User, decision_id: int, write: bool = False) -> Decision:
    found = _one(Decision.objects.select_related("workspace", "created_by"), pk=decision_id)
    _permit(user=user, workspace_id=found.workspace_id, write=write)
    return found


def revision(*, user: User, decision_id: int, number: int, write: bool = False) -> Revision:
    found = _one(
        Revision.objects.select_related("decision__workspace", "created_by"), decision=decision_id, number=number
    )
    _permit(user=user, workspace_id=found.decision.workspace_id, write=write)
    return found


def run(*, user: User, run_id: int, write: bool = False) -> Run:
    found = _one(Run.objects.select_related("revision__decision__workspace"), pk=run_id)
    _permit(user=user, workspace_id=found.revision.decision.workspace_id, write=write)
    return found


def report(*, user: User, decision_id: int, number: int) -> Report:
    """Return the newest report of a revision."""
    found = (
        Report.objects.select_related("run__revision__decision__workspace")
        .filter(run__revision__decision=decision_id, run__revision__number=number)
        .order_by("-created_at", "-pk")
        .first()
    )
    if found is None:
        raise Http404("No such report.")
    _permit(user=user, workspace_id=found.run.revision.decision.workspace_id, write=False)
    return found


def may_write(*, user: User, workspace_id: int) -> bool:
    membership = Membership.objects.filter(user=user, workspace=workspace_id).first()
    return membership is not None and membership.may_write


def _one(rows: QuerySet[Row], **by: int) -> Row:
    found = rows.filter(**by).first()
    if found is None:
        raise Http404("No such object.")
    return found


def _permit(*, user: User, workspace_id: int, write: bool) -> None:
    membership = Membership.objects.filter(user=user, workspace=workspace_id).first()
    if membership is None:
        raise Http404("No such object.")
    if write and not membership.may_write:
        raise PermissionDenied("Your role in this workspace is viewer: you can read, but not change anything.")
