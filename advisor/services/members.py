"""Who belongs to a workspace, and as what. It always keeps an owner."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404

from advisor.models import Membership, Token, User, Workspace
from advisor.services import audit, resets


class LastOwner(Exception):
    """A workspace without an owner could never have one again."""

    def __init__(self) -> None:
        super().__init__("This is the workspace's last owner. Make another member an owner first.")


@dataclass(frozen=True)
class MemberRow:
    """One member, as the workspace's page shows them."""

    membership_id: int
    name: str
    email: str
    role: str
    role_label: str
    since: datetime
    is_me: bool
    may_be_reset: bool


def member_rows(*, workspace: Workspace, user: User) -> list[MemberRow]:
    """Return the members, owners first; `may_be_reset` says whose password this user may have set anew."""
    memberships = list(
        Membership.objects.filter(workspace=workspace).select_related("user").order_by("created_at", "pk")
    )
    resettable = resets.resettable(by=user, users=[row.user for row in memberships])
    order = list(Membership.Role.values)
    return [
        MemberRow(
            membership_id=row.pk,
            name=row.user.name,
            email=row.user.email,
            role=row.role,
            role_label=row.get_role_display(),
            since=row.created_at,
            is_me=row.user_id == user.pk,
            may_be_reset=row.user_id in resettable and row.user_id != user.pk,
        )
        for row in sorted(memberships, key=lambda row: order.index(row.role))
    ]


def change_role(*, workspace: Workspace, by: User, membership_id: int, role: str, moment: datetime) -> None:
    """Give a member another role. Raises LastOwner."""
    with transaction.atomic():
        found = _locked(workspace=workspace, by=by, membership_id=membership_id)
        before = found.role
        if before == role:
            return
        _keep_an_owner(found)
        found.role = role
        found.save(update_fields=["role"])
        audit.record(
            user=by,
            workspace=workspace,
            action="member.role_changed",
            subject=found.user.email,
            moment=moment,
            detail={"from": before, "to": role},
        )


def remove(*, workspace: Workspace, by: User, membership_id: int, moment: datetime) -> None:
    """End a membership, and the tokens of that member here. Raises LastOwner."""
    with transaction.atomic():
        found = _locked(workspace=workspace, by=by, membership_id=membership_id)
        _end(found, by=by, action="member.removed", moment=moment)


def leave(*, workspace: Workspace, user: User, moment: datetime) -> None:
    """End one's own membership. Raises LastOwner."""
    with transaction.atomic():
        lock(workspace=workspace)
        found = Membership.objects.select_related("user", "workspace").filter(workspace=workspace, user=user).first()
        if found is None:
            raise Http404("No such object.")
        _end(found, by=user, action="member.left", moment=moment)


def lock(*, workspace: Workspace) -> None:
    """Let nobody else change this workspace's people until the transaction ends."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)


def _locked(*, workspace: Workspace, by: User, membership_id: int) -> Membership:
    """Return the membership once `by`, who may have lost the right meanwhile, is seen to be an owner still."""
    lock(workspace=workspace)
    if not Membership.objects.filter(workspace=workspace, user=by, role=Membership.Role.OWNER).exists():
        raise PermissionDenied("Only an owner of this workspace may do this.")
    found = Membership.objects.select_related("user", "workspace").filter(workspace=workspace, pk=membership_id).first()
    if found is None:
        raise Http404("No such object.")
    return found


def _keep_an_owner(leaving: Membership) -> None:
    owners = Membership.objects.filter(
        workspace=leaving.workspace_id, role=Membership.Role.OWNER, user__is_active=True
    ).exclude(pk=leaving.pk)
    if leaving.role == Membership.Role.OWNER and not owners.exists():
        raise LastOwner


def _end(membership: Membership, *, by: User, action: str, moment: datetime) -> None:
    _keep_an_owner(membership)
    Token.objects.filter(user=membership.user, workspace=membership.workspace, revoked_at__isnull=True).update(
        revoked_at=moment
    )
    membership.delete()
    audit.record(
        user=by,
        workspace=membership.workspace,
        action=action,
        subject=membership.user.email,
        moment=moment,
        detail={"role": membership.role},
    )
