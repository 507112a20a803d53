"""People and how they get in: password, or the one-time link that the terminal prints."""

import hashlib
import ipaddress
import math
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.contrib.auth import authenticate, password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from advisor.models import Membership, SignInFailure, SignInLink, User, Workspace

LOCAL_OWNER_EMAIL = "owner@localhost"
LOCAL_WORKSPACE_NAME = "This machine"
LINK_LIFETIME = timedelta(minutes=15)
FAILURE_WINDOW = timedelta(minutes=15)
FAILURES_KEPT = timedelta(days=1)
# Per person from one place, per place, per person from everywhere: guessing is slowed, locking somebody out is hard.
MAX_FAILURES_HERE, MAX_FAILURES_PER_ADDRESS, MAX_FAILURES_PER_EMAIL = 5, 20, 50


class SignInRefused(Exception):
    """The address and password, or the link, do not open anything. The text says what to do."""


class TooManyFailures(SignInRefused):
    """Too many refused passwords lately; `retry_after_s` says when to come back."""

    def __init__(self, *, retry_after_s: int) -> None:
        minutes = math.ceil(retry_after_s / 60)
        super().__init__(f"Too many failed tries. Wait {minutes} minute{'s' if minutes > 1 else ''} and try again.")
        self.retry_after_s = retry_after_s


class AccountRefused(Exception):
    """A new account cannot be made like this; `messages` says why."""

    def __init__(self, *, messages: list[str]) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


def ensure_local_owner(*, moment: datetime) -> User:
    """Return the owner of this machine's own workspace, made at the first call. Has no password: links only."""
    with transaction.atomic():
        user = User.objects.filter(email=LOCAL_OWNER_EMAIL).first()
        if user is None:
            user = User(email=LOCAL_OWNER_EMAIL, name="Local owner", joined_at=moment)
            user.set_unusable_password()
            user.save(force_insert=True)
        if not Membership.objects.filter(user=user, role=Membership.Role.OWNER).exists():
            _workspace_for(owner=user, name=LOCAL_WORKSPACE_NAME, moment=moment)
    return user


def create_owner(*, email: str, password: str, moment: datetime) -> User:
    """Make a user with a password who owns a workspace of their own."""
    email = email.strip().lower()
    user = User(email=email, joined_at=moment)
    messages = []
    try:
        validate_email(email)
    except ValidationError:
        messages.append(f"{email!r} is not an e-mail address.")
    if User.objects.filter(email=email).exists():
        messages.append(f"{email} already has an account.")
    try:
        password_validation.validate_password(password, user=user)
    except ValidationError as error:
        messages.extend(error.messages)
    if messages:
        raise AccountRefused(messages=messages)
    with transaction.atomic():
        user.set_password(password)
        user.save(force_insert=True)
        _workspace_for(owner=user, name=f"Workspace of {email}", moment=moment)
    return user


def issue_sign_in_link(*, base_url: str, moment: datetime) -> str:
    """Return a fresh address that signs the local owner in once, from this machine, within 15 minutes.

    Links issued before and not used end here: only the newest one printed works.
    """
    user = ensure_local_owner(moment=moment)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        SignInLink.objects.filter(user=user, used_at__isnull=True).delete()
        SignInLink.objects.create(
            user=user, token_sha256=_hash(token), created_at=moment, expires_at=moment + LINK_LIFETIME
        )
    return f"{base_url.rstrip('/')}/sign-in/{token}"


def redeem_sign_in_link(*, token: str, address: str, host: str, forwarded: bool, moment: datetime) -> User:
    """Return the user of a link and use it up. Only a request that never left this machine may do so."""
    if forwarded or not _is_loopback(address) or not _is_loopback(urlsplit(f"//{host}").hostname or ""):
        raise SignInRefused("This link works only in a browser on the machine that printed it.")
    used = SignInLink.objects.filter(
        token_sha256=_hash(token), used_at__isnull=True, expires_at__gt=moment, user__is_active=True
    ).update(used_at=moment)
    if not used:
        raise SignInRefused("This link was used already or is too old. Restart the application to print a new one.")
    return SignInLink.objects.select_related("user").get(token_sha256=_hash(token)).user


def sign_in(*, email: str, password: str, address: str, moment: datetime) -> User:
    """Return the user whom this address and password belong to; failures are counted and slow down the next try."""
    email = email.strip().lower()
    _refuse_if_tried_too_often(email=email, address=address, moment=moment)
    user = authenticate(email=email, password=password)
    if not isinstance(user, User):
        SignInFailure.objects.filter(at__lt=moment - FAILURES_KEPT).delete()
        SignInFailure.objects.create(email=email[:254], address=address[:64], at=moment)
        raise SignInRefused("This e-mail address and password do not belong together.")
    SignInFailure.objects.filter(email=email, address=address).delete()
    return user


def _refuse_if_tried_too_often(*, email: str, address: str, moment: datetime) -> None:
    recent = SignInFailure.objects.filter(at__gt=moment - FAILURE_WINDOW)
    limits: list[tuple[QuerySet[SignInFailure], int]] = [
        (recent.filter(email=email, address=address), MAX_FAILURES_HERE),
        (recent.filter(address=address), MAX_FAILURES_PER_ADDRESS),
        (recent.filter(email=email), MAX_FAILURES_PER_EMAIL),
    ]
    for failures, limit in limits:
        newest = failures.order_by("-at").values_list("at", flat=True)[:limit]
        if len(newest) == limit:
            raise TooManyFailures(
                retry_after_s=math.ceil((newest[limit - 1] + FAILURE_WINDOW - moment).total_seconds())
            )


def _workspace_for(*, owner: User, name: str, moment: datetime) -> Workspace:
    workspace = Workspace.objects.create(name=name, created_at=moment)
    Membership.objects.create(workspace=workspace, user=owner, role=Membership.Role.OWNER, created_at=moment)
    return workspace


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
