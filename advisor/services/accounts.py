"""People and how they get in: password, or the one-time link that the terminal prints."""

import ipaddress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.contrib.auth import authenticate, password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from advisor.models import Membership, ResetLink, SignInLink, User
from advisor.services import audit, secret_text, throttle, workspaces

LOCAL_OWNER_EMAIL = "owner@localhost"
LOCAL_WORKSPACE_NAME = "This machine"
LINK_LIFETIME = timedelta(minutes=15)


class SignInRefused(Exception):
    """The address and password, or the link, do not open anything. The text says what to do."""


class AccountRefused(Exception):
    """A new account cannot be made like this; `messages` says why."""

    def __init__(self, *, messages: list[str]) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


def ensure_local_owner(*, moment: datetime) -> User:
    """Return the owner of this machine's own workspace, made at the first call; whoever has its terminal is operator.

    Has no password until one is set on the account page; the link in the terminal goes on working either way.
    """
    with transaction.atomic():
        user = User.objects.filter(is_local_owner=True).first()
        if user is None:
            user = User(
                email=LOCAL_OWNER_EMAIL, name="Local owner", is_local_owner=True, is_operator=True, joined_at=moment
            )
            user.set_unusable_password()
            user.save(force_insert=True)
        if not Membership.objects.filter(user=user, role=Membership.Role.OWNER).exists():
            workspaces.create_workspace(user=user, name=LOCAL_WORKSPACE_NAME, moment=moment)
    return user


def create_owner(*, email: str, password: str, moment: datetime, is_operator: bool = False) -> User:
    """Make a user with a password who owns a workspace of their own."""
    with transaction.atomic():
        user = create_account(email=email, name="", password=password, moment=moment, is_operator=is_operator)
        workspaces.create_workspace(user=user, name=f"Workspace of {user.email}"[:120], moment=moment)
    return user


def create_account(*, email: str, name: str, password: str, moment: datetime, is_operator: bool = False) -> User:
    """Make a user who belongs to no workspace yet."""
    user = User(email=email.strip().lower(), name=name.strip(), is_operator=is_operator, joined_at=moment)
    _check(user=user, password=password)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:  # somebody else took the address since it was checked
        raise AccountRefused(messages=[f"{user.email} already has an account."]) from error
    audit.record(user=user, workspace=None, action="account.made", subject=user.email, moment=moment)
    return user


def find(*, email: str) -> User | None:
    """Return the account of an address, unless it is closed."""
    return User.objects.filter(email=email.strip().lower(), is_active=True).first()


def set_operator(*, user: User, is_operator: bool, moment: datetime) -> None:
    """Give an account the instance role operator, or take it away. Only the command line does this."""
    user.is_operator = is_operator
    user.save(update_fields=["is_operator"])
    action = "operator.made" if is_operator else "operator.ended"
    audit.record(user=None, workspace=None, action=action, subject=user.email, moment=moment)


def rename(*, user: User, name: str) -> None:
    user.name = name.strip()
    user.save(update_fields=["name"])


def set_up(*, user: User, email: str, password: str, moment: datetime) -> None:
    """Give an account that only the terminal's link opens an address and a password of its own."""
    if user.has_usable_password():
        raise AccountRefused(messages=["This account has a password already: change it instead."])
    user.email = email.strip().lower()
    _check(user=user, password=password)
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
            set_password(user=user, password=password, moment=moment)
    except IntegrityError as error:
        raise AccountRefused(messages=[f"{user.email} already has an account."]) from error


def change_password(*, user: User, current: str, password: str, address: str, moment: datetime) -> None:
    """Set a new password for whoever knows the present one; guessing it is slowed like a sign-in."""
    throttle.refuse_if_too_many(kind="sign_in", subject=user.email, address=address, moment=moment)
    if not user.check_password(current):
        throttle.note(kind="sign_in", subject=user.email, address=address, moment=moment)
        raise SignInRefused("This is not your present password.")
    set_password(user=user, password=password, moment=moment)


def set_password(*, user: User, password: str, moment: datetime) -> None:
    """Set a checked password. Every session of the user ends by it, and every open reset link."""
    _check(user=user, password=password)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        ResetLink.objects.filter(user=user, used_at__isnull=True).delete()
        audit.record(user=user, workspace=None, action="password.set", subject=user.email, moment=moment)


def issue_sign_in_link(*, base_url: str, moment: datetime) -> str:
    """Return a fresh address that signs the local owner in once, from this machine, within 15 minutes.

    Links issued before and not used end here: only the newest one printed works.
    """
    user = ensure_local_owner(moment=moment)
    token = secret_text.fresh()
    with transaction.atomic():
        SignInLink.objects.filter(user=user, used_at__isnull=True).delete()
        SignInLink.objects.create(
            user=user, token_sha256=secret_text.sha256(token), created_at=moment, expires_at=moment + LINK_LIFETIME
        )
    return f"{base_url.rstrip('/')}/sign-in/{token}"


def redeem_sign_in_link(*, token: str, address: str, host: str, forwarded: bool, moment: datetime) -> User:
    """Return the user of a link and use it up. Only a request that never left this machine may do so."""
    if forwarded or not _is_loopback(address) or not _is_loopback(urlsplit(f"//{host}").hostname or ""):
        raise SignInRefused("This link works only in a browser on the machine that printed it.")
    used = SignInLink.objects.filter(
        token_sha256=secret_text.sha256(token), used_at__isnull=True, expires_at__gt=moment, user__is_active=True
    ).update(used_at=moment)
    if not used:
        raise SignInRefused("This link was used already or is too old. Restart the application to print a new one.")
    user = SignInLink.objects.select_related("user").get(token_sha256=secret_text.sha256(token)).user
    audit.record(user=user, workspace=None, action="account.signed_in", subject="link in the terminal", moment=moment)
    return user


def sign_in(*, email: str, password: str, address: str, moment: datetime) -> User:
    """Return the user whom this address and password belong to; failures are counted and slow down the next try."""
    email = email.strip().lower()
    throttle.refuse_if_too_many(kind="sign_in", subject=email, address=address, moment=moment)
    user = authenticate(email=email, password=password)
    if not isinstance(user, User):
        throttle.note(kind="sign_in", subject=email, address=address, moment=moment)
        raise SignInRefused("This e-mail address and password do not belong together.")
    throttle.forget(kind="sign_in", subject=email, address=address)
    audit.record(user=user, workspace=None, action="account.signed_in", subject=f"from {address}", moment=moment)
    return user


def _check(*, user: User, password: str) -> None:
    """Raise AccountRefused, with all that is wrong, for an address or a password that an account cannot have."""
    messages = []
    try:
        validate_email(user.email)
    except ValidationError:
        messages.append(f"{user.email!r} is not an e-mail address.")
    if User.objects.filter(email=user.email).exclude(pk=user.pk).exists():
        messages.append(f"{user.email} already has an account.")
    try:
        password_validation.validate_password(password, user=user)
    except ValidationError as error:
        messages.extend(error.messages)
    if messages:
        raise AccountRefused(messages=messages)


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
