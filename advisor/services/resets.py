"""One-time links that set a forgotten password anew, made by somebody whom the member depends on already.

Whoever holds such a link holds the account. So an owner may make one only for a person all of whose workspaces are
theirs; an operator of the instance may make one for anybody.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction

from advisor.models import Membership, ResetLink, User, Workspace
from advisor.services import accounts, audit, secret_text, throttle

LIFETIME = timedelta(hours=24)


class ResetRefused(Exception):
    """This link sets no password (any more)."""

    def __init__(self) -> None:
        super().__init__("This link was used already, is too old, or was withdrawn. Ask for a new one.")


def resettable(*, by: User, users: Iterable[User]) -> set[int]:
    """Return the ids of those users whose password `by` may have set anew."""
    asked = {user.pk: user for user in users if user.is_active}
    if by.is_operator:
        return set(asked)
    owned = Membership.objects.filter(user=by, role=Membership.Role.OWNER).values("workspace")
    belonging = Membership.objects.filter(user__in=list(asked))
    abroad = set(belonging.exclude(workspace__in=owned).values_list("user_id", flat=True))
    here = set(belonging.values_list("user_id", flat=True))
    return {pk for pk in here - abroad if not asked[pk].is_operator}


def issue(*, user: User, by: User, moment: datetime) -> str:
    """Return the secret of a fresh link; those made before for this person end here."""
    if user.pk not in resettable(by=by, users=[user]):
        raise PermissionDenied(
            "This person also belongs to workspaces that are not yours: only an operator may do this."
        )
    token = secret_text.fresh()
    with transaction.atomic():
        ResetLink.objects.filter(user=user, used_at__isnull=True).delete()
        ResetLink.objects.create(
            user=user,
            token_sha256=secret_text.sha256(token),
            created_by=by,
            created_at=moment,
            expires_at=moment + LIFETIME,
        )
        _record(user=user, by=by, action="reset_link.made", moment=moment)
    return token


def user_of(*, token: str, address: str, moment: datetime) -> User:
    """Return whose password the link sets, without using it up. Raises ResetRefused, TooManyTries."""
    throttle.refuse_if_too_many(kind="link", address=address, moment=moment)
    link = _open(token=token, moment=moment)
    if link is None:
        throttle.note(kind="link", address=address, moment=moment)
        raise ResetRefused
    return link.user


def redeem(*, token: str, password: str, address: str, moment: datetime) -> User:
    """Set the password and use the link up. Every session of the person ends. Raises AccountRefused too."""
    user_of(token=token, address=address, moment=moment)
    with transaction.atomic():
        used = ResetLink.objects.filter(token_sha256=secret_text.sha256(token), used_at__isnull=True).update(
            used_at=moment
        )
        link = ResetLink.objects.select_related("user", "created_by").get(token_sha256=secret_text.sha256(token))
        if not used:
            raise ResetRefused
        accounts.set_password(user=link.user, password=password, moment=moment)
        _record(user=link.user, by=link.user, action="reset_link.used", moment=moment)
    return link.user


def _open(*, token: str, moment: datetime) -> ResetLink | None:
    """Return the link if it opens now: its maker must still have the right, which a new membership may have ended."""
    link = (
        ResetLink.objects.select_related("user", "created_by")
        .filter(token_sha256=secret_text.sha256(token), used_at__isnull=True, expires_at__gt=moment)
        .first()
    )
    if link is None or not link.created_by.is_active:
        return None
    return link if link.user_id in resettable(by=link.created_by, users=[link.user]) else None


def _record(*, user: User, by: User, action: str, moment: datetime) -> None:
    """Tell every workspace of the person: whoever gets into the account gets into each of them."""
    for workspace in [None, *Workspace.objects.filter(memberships__user=user)]:
        audit.record(user=by, workspace=workspace, action=action, subject=user.email, moment=moment)
