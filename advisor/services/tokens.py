"""API tokens: a secret with which a program acts for one user in one workspace, until a date."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from advisor.models import Membership, Token, User, Workspace
from advisor.services import access, audit, secret_text, throttle

MARK = "advisor_"  # lets a person, and a scanner of leaked secrets, see what this is
LONGEST = timedelta(days=365)
SEEN_EVERY = timedelta(hours=1)


class CannotIssue(Exception):
    """Such a token cannot be made; the text says why."""


class TokenRefused(Exception):
    """This secret opens nothing (any more)."""

    def __init__(self) -> None:
        super().__init__("This token is unknown, has run out, was revoked, or its user has left the workspace.")


class Bearer(NamedTuple):
    """Whom a token speaks for, where, and what it may do there at this moment."""

    user: User
    workspace: Workspace
    cap: str
    token_id: int
    expires_at: datetime

    @property
    def scope(self) -> access.Scope:
        """Return what the look-ups of `access` take to hold this token to its rights."""
        return access.Scope(workspace_id=self.workspace.pk, may_write=self.cap == Token.Cap.WRITE)


@dataclass(frozen=True)
class TokenRow:
    """One token that still works, as the pages list it."""

    token_id: int
    name: str
    prefix: str
    cap: str
    cap_label: str
    user_email: str
    workspace_id: int
    workspace_name: str
    expires_at: datetime
    last_used_at: datetime | None
    is_mine: bool


def issue(*, user: User, workspace: Workspace, name: str, cap: str, lifetime: timedelta, moment: datetime) -> str:
    """Return the secret of a fresh token of a member. It is not kept: this is the only time it can be shown."""
    membership = Membership.objects.filter(user=user, workspace=workspace).first()
    if membership is None:
        raise CannotIssue(f"{user.email} does not belong to {workspace.name}.")
    if cap == Token.Cap.WRITE and not membership.may_write:
        raise CannotIssue("A viewer can only make tokens that read.")
    if not timedelta(0) < lifetime <= LONGEST:
        raise CannotIssue(f"A token lasts between one day and {LONGEST.days} days.")
    prefix = MARK + secrets.token_hex(4)
    secret = f"{prefix}_{secret_text.fresh()}"
    with transaction.atomic():
        token = Token.objects.create(
            user=user,
            workspace=workspace,
            name=name,
            cap=cap,
            prefix=prefix,
            secret_sha256=secret_text.sha256(secret),
            created_at=moment,
            expires_at=moment + lifetime,
        )
        _record(token, by=user, action="token.made", moment=moment)
    return secret


def revoke(*, token: Token, by: User, moment: datetime) -> bool:
    """End a token at once. False if it was revoked before."""
    with transaction.atomic():
        revoked = Token.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=moment)
        if revoked:
            _record(token, by=by, action="token.revoked", moment=moment)
    return bool(revoked)


def authenticate(*, secret: str, address: str, moment: datetime) -> Bearer:
    """Return whom the secret speaks for. Raises TokenRefused, and TooManyTries for a place that keeps guessing.

    `cap` is the smaller of the token's cap and what the user's role allows now: nothing outlives a membership.
    """
    throttle.refuse_if_too_many(kind="token", address=address, moment=moment)
    token = (
        Token.objects.select_related("user", "workspace")
        .filter(
            secret_sha256=secret_text.sha256(secret),
            revoked_at__isnull=True,
            expires_at__gt=moment,
            user__is_active=True,
        )
        .first()
    )
    role = token and access.role(user=token.user, workspace_id=token.workspace_id)
    if token is None or role is None:
        throttle.note(kind="token", address=address, moment=moment)
        raise TokenRefused
    if token.last_used_at is None or token.last_used_at <= moment - SEEN_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=moment.replace(minute=0, second=0, microsecond=0))
    cap = Token.Cap.READ.value if role == Membership.Role.VIEWER else token.cap
    return Bearer(user=token.user, workspace=token.workspace, cap=cap, token_id=token.pk, expires_at=token.expires_at)


def own_tokens(*, user: User, moment: datetime) -> list[TokenRow]:
    """Return the user's tokens that have neither run out nor been revoked, newest first."""
    return _rows(user=user, moment=moment, by={"user": user.pk})


def workspace_tokens(*, workspace: Workspace, user: User, moment: datetime) -> list[TokenRow]:
    """Return everybody's tokens in a workspace that have neither run out nor been revoked, newest first."""
    return _rows(user=user, moment=moment, by={"workspace": workspace.pk})


def _rows(*, user: User, moment: datetime, by: dict[str, int]) -> list[TokenRow]:
    tokens = Token.objects.filter(revoked_at__isnull=True, expires_at__gt=moment, **by)
    return [
        TokenRow(
            token_id=token.pk,
            name=token.name,
            prefix=token.prefix,
            cap=token.cap,
            cap_label=token.get_cap_display(),
            user_email=token.user.email,
            workspace_id=token.workspace_id,
            workspace_name=token.workspace.name,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            is_mine=token.user_id == user.pk,
        )
        for token in tokens.select_related("user", "workspace").order_by("-pk")
    ]


def _record(token: Token, *, by: User, action: str, moment: datetime) -> None:
    audit.record(
        user=by,
        workspace=token.workspace,
        action=action,
        subject=f"{token.prefix} ({token.name})",
        moment=moment,
        detail={"may": token.cap, "user": token.user.email},
    )
