"""One permission-checked look-up per object. A stranger learns nothing, not even that it exists.

The two refusals are Django's own, so that pages and the API answer them with 404 and 403 without translating.
An address may hold any number: `__pk` finds nothing for one too large for the database; a bare relation fails.
"""

from dataclasses import dataclass
from typing import TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from advisor.models import (
    Decision,
    Endpoint,
    EndpointProbe,
    Invite,
    Membership,
    Rendering,
    Report,
    Revision,
    Run,
    Token,
    User,
    Workspace,
)

Row = TypeVar("Row", Decision, Endpoint, EndpointProbe, Invite, Membership, Rendering, Revision, Run, Token)


@dataclass(frozen=True)
class Scope:
    """What an API token leaves of its user's rights: one workspace, and whether it may write there."""

    workspace_id: int
    may_write: bool


def workspace(
    *, user: User, workspace_id: int, write: bool = False, own: bool = False, scope: Scope | None = None
) -> Workspace:
    return _permit(user=user, workspace_id=workspace_id, write=write, own=own, scope=scope).workspace


def owned(*, user: User, workspace_id: int, scope: Scope | None, write: bool = False) -> Workspace:
    """Return a workspace to one of its owners, to a token of theirs too: what programs are told and may set up."""
    return _owner(_permit(user=user, workspace_id=workspace_id, write=write, scope=scope)).workspace


def membership(*, user: User, workspace_id: int, scope: Scope | None = None) -> Membership:
    """Return the user's own membership, with its workspace."""
    return _permit(user=user, workspace_id=workspace_id, scope=scope)


def member(*, user: User, workspace_id: int, membership_id: int) -> Membership:
    """Return anybody's membership, to one of the owners."""
    _permit(user=user, workspace_id=workspace_id, own=True)
    return _one(Membership.objects.select_related("user", "workspace"), pk=membership_id, workspace=workspace_id)


def invite(*, user: User, workspace_id: int, invite_id: int) -> Invite:
    _permit(user=user, workspace_id=workspace_id, own=True)
    return _one(Invite.objects.select_related("workspace"), pk=invite_id, workspace=workspace_id)


def own_token(*, user: User, token_id: int, scope: Scope | None = None) -> Token:
    """Return a token of the user's own, whatever became of their membership; to a token, one of its workspace."""
    found = _one(Token.objects.select_related("workspace", "user"), pk=token_id, user=user.pk)
    if scope is not None:
        _permit(user=user, workspace_id=found.workspace_id, write=True, scope=scope)
    return found


def workspace_token(*, user: User, workspace_id: int, token_id: int) -> Token:
    """Return anybody's token of a workspace, to one of its owners."""
    _permit(user=user, workspace_id=workspace_id, own=True)
    return _one(Token.objects.select_related("workspace", "user"), pk=token_id, workspace=workspace_id)


def operator(*, user: User, scope: Scope | None = None) -> None:
    """Refuse whoever does not look after this instance. An operator sees no workspace's contents by that."""
    if not user.is_operator:
        raise PermissionDenied("This is for the operators of this instance.")
    if scope is not None and not scope.may_write:
        raise PermissionDenied("This token may read, but not change anything.")


def decision(*, user: User, decision_id: int, write: bool = False, scope: Scope | None = None) -> Decision:
    found = _one(Decision.objects.select_related("workspace", "created_by"), pk=decision_id)
    _permit(user=user, workspace_id=found.workspace_id, write=write, scope=scope)
    return found


def revision(
    *,
    user: User,
    decision_id: int,
    number: int,
    write: bool = False,
    own: bool = False,
    scope: Scope | None = None,
) -> Revision:
    found = _one(
        Revision.objects.select_related("decision__workspace", "created_by"), decision__pk=decision_id, number=number
    )
    _permit(user=user, workspace_id=found.decision.workspace_id, write=write, own=own, scope=scope)
    return found


def judged(*, user: User, decision_id: int, number: int, scope: Scope) -> Revision:
    """Return a revision to a writing token of an owner, who accepts it or sends it back."""
    found = revision(user=user, decision_id=decision_id, number=number, write=True, scope=scope)
    _owner(membership(user=user, workspace_id=found.decision.workspace_id, scope=scope))
    return found


def run(*, user: User, run_id: int, write: bool = False, scope: Scope | None = None) -> Run:
    found = _one(Run.objects.select_related("revision__decision__workspace"), pk=run_id)
    _permit(user=user, workspace_id=found.revision.decision.workspace_id, write=write, scope=scope)
    return found


def endpoint(*, user: User, endpoint_id: int, write: bool = False, scope: Scope | None = None) -> Endpoint:
    found = _one(Endpoint.objects.select_related("workspace", "made_by"), pk=endpoint_id)
    _permit(user=user, workspace_id=found.workspace_id, write=write, scope=scope)
    return found


def endpoint_probe(*, user: User, probe_id: int, write: bool = False, scope: Scope | None = None) -> EndpointProbe:
    found = _one(EndpointProbe.objects.select_related("endpoint__workspace", "requested_by"), pk=probe_id)
    _permit(user=user, workspace_id=found.endpoint.workspace_id, write=write, scope=scope)
    return found


def report(*, user: User, decision_id: int, number: int, scope: Scope | None = None) -> Report:
    """Return the newest report of a revision."""
    found = (
        Report.objects.select_related("run__revision__decision__workspace")
        .filter(run__revision__decision__pk=decision_id, run__revision__number=number)
        .order_by("-created_at", "-pk")
        .first()
    )
    if found is None:
        raise Http404("No such report.")
    _permit(user=user, workspace_id=found.run.revision.decision.workspace_id, scope=scope)
    return found


def rendering(*, user: User, decision_id: int, rendering_id: int, scope: Scope | None = None) -> Rendering:
    """Return a file that was issued of one of a decision's reports."""
    rows = Rendering.objects.select_related("report__run__revision__decision__workspace")
    found = _one(rows, pk=rendering_id, report__run__revision__decision=decision_id)
    _permit(user=user, workspace_id=found.report.run.revision.decision.workspace_id, scope=scope)
    return found


def may_write(*, user: User, workspace_id: int) -> bool:
    return role(user=user, workspace_id=workspace_id) in (Membership.Role.OWNER, Membership.Role.EDITOR)


def role(*, user: User, workspace_id: int) -> str | None:
    """Return what the user is in a workspace; None for a stranger."""
    return Membership.objects.filter(user=user, workspace=workspace_id).values_list("role", flat=True).first()


def _one(rows: QuerySet[Row], **by: int) -> Row:
    found = rows.filter(**by).first()
    if found is None:
        raise Http404("No such object.")
    return found


def _owner(found: Membership) -> Membership:
    if found.role != Membership.Role.OWNER:
        raise PermissionDenied("Only an owner of this workspace may do this.")
    return found


def _permit(
    *, user: User, workspace_id: int, write: bool = False, own: bool = False, scope: Scope | None = None
) -> Membership:
    membership = Membership.objects.select_related("workspace").filter(user=user, workspace__pk=workspace_id).first()
    if membership is None or (scope is not None and scope.workspace_id != workspace_id):
        raise Http404("No such object.")
    if write and not membership.may_write:
        raise PermissionDenied("Your role in this workspace is viewer: you can read, but not change anything.")
    if write and scope is not None and not scope.may_write:
        raise PermissionDenied("This token may read, but not change anything.")
    if own and (membership.role != Membership.Role.OWNER or scope is not None):
        raise PermissionDenied("Only an owner of this workspace may do this, signed in on its pages.")
    return membership
