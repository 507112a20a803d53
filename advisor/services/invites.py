"""One-time links with which an owner lets somebody into a workspace."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from advisor.models import Invite, Membership, User, Workspace
from advisor.services import accounts, audit, members, secret_text, throttle

LIFETIME = timedelta(days=7)


class InviteRefused(Exception):
    """This link lets nobody in (any more)."""

    def __init__(self) -> None:
        super().__init__("This invite was used already, is too old, or was withdrawn. Ask for a new one.")


@dataclass(frozen=True)
class InviteRow:
    """One open invite, as the workspace's page lists it."""

    invite_id: int
    role_label: str
    made_by: str
    expires_at: datetime


def issue(*, workspace: Workspace, user: User, role: str, moment: datetime) -> str:
    """Return the secret of a fresh invite."""
    token = secret_text.fresh()
    with transaction.atomic():
        invite = Invite.objects.create(
            workspace=workspace,
            role=role,
            token_sha256=secret_text.sha256(token),
            created_by=user,
            created_at=moment,
            expires_at=moment + LIFETIME,
        )
        audit.record(user=user, workspace=workspace, action="invite.made", subject=_named(invite), moment=moment)
    return token


def revoke(*, invite: Invite, user: User, moment: datetime) -> bool:
    """Close an invite. False if it was used or closed before."""
    with transaction.atomic():
        revoked = Invite.objects.filter(pk=invite.pk, used_at__isnull=True, revoked_at__isnull=True).update(
            revoked_at=moment
        )
        if revoked:
            audit.record(
                user=user, workspace=invite.workspace, action="invite.revoked", subject=_named(invite), moment=moment
            )
    return bool(revoked)


def open_invites(*, workspace: Workspace, moment: datetime) -> list[InviteRow]:
    """Return the invites that still let somebody in, the newest first."""
    return [
        InviteRow(
            invite_id=invite.pk,
            role_label=invite.get_role_display(),
            made_by=invite.created_by.shown_name,
            expires_at=invite.expires_at,
        )
        for invite in _open(moment).filter(workspace=workspace).select_related("created_by").order_by("-pk")
    ]


def look(*, token: str, address: str, moment: datetime) -> Invite:
    """Return the invite of a link without using it up. Raises InviteRefused, TooManyTries."""
    throttle.refuse_if_too_many(kind="link", address=address, moment=moment)
    found = (
        _open(moment).filter(token_sha256=secret_text.sha256(token)).select_related("workspace", "created_by").first()
    )
    if found is None:
        throttle.note(kind="link", address=address, moment=moment)
        raise InviteRefused
    return found


def accept(*, invite: Invite, user: User, moment: datetime) -> bool:
    """Make the user a member and use the invite up; False, and nothing used, for who is one. Raises InviteRefused."""
    with transaction.atomic():
        members.lock(workspace=invite.workspace)
        if Membership.objects.filter(workspace=invite.workspace, user=user).exists():
            return False
        if not _open(moment).filter(pk=invite.pk).update(used_at=moment, used_by=user):
            raise InviteRefused
        Membership.objects.create(workspace=invite.workspace, user=user, role=invite.role, created_at=moment)
        audit.record(
            user=user,
            workspace=invite.workspace,
            action="member.joined",
            subject=user.email,
            moment=moment,
            detail={"role": invite.role, "invite": invite.pk},
        )
    return True


def accept_as_new(*, invite: Invite, email: str, name: str, password: str, moment: datetime) -> User:
    """Make an account and let it in. Raises AccountRefused, and then nothing is used up."""
    with transaction.atomic():
        user = accounts.create_account(email=email, name=name, password=password, moment=moment)
        accept(invite=invite, user=user, moment=moment)
    return user


def _open(moment: datetime) -> QuerySet[Invite]:
    """Return what still opens. An invite ends with its maker's ownership, too."""
    return Invite.objects.filter(
        used_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=moment,
        created_by__is_active=True,
        workspace__memberships__user=F("created_by"),
        workspace__memberships__role=Membership.Role.OWNER,
    )


def _named(invite: Invite) -> str:
    return f"invite {invite.pk} as {invite.role}"
