"""Reset links: who may make one for whom, and what using it ends."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from advisor.models import AuditEvent, Membership, ResetLink, User, Workspace
from advisor.services import accounts, resets, throttle, workspaces
from tests.advisor.factories import MOMENT, PASSWORD, a_member, a_user

pytestmark = pytest.mark.django_db

HERE = "192.0.2.1"
LATER = MOMENT + dt.timedelta(hours=1)
NEW = "another long passphrase"


@pytest.fixture
def owner() -> User:
    return a_member()


@pytest.fixture
def member(owner: User) -> User:
    return a_member(role="editor", workspace=owner.workspaces.get(), password=PASSWORD)


def an_operator() -> User:
    user = a_user()
    accounts.set_operator(user=user, is_operator=True, moment=MOMENT)
    return user


def redeem(token: str, *, password: str = NEW, moment: dt.datetime = LATER) -> User:
    return resets.redeem(token=token, password=password, address=HERE, moment=moment)


def test_a_link_sets_the_password_once(owner: User, member: User) -> None:
    token = resets.issue(user=member, by=owner, moment=MOMENT)

    assert redeem(token) == member

    assert accounts.sign_in(email=member.email, password=NEW, address=HERE, moment=LATER) == member
    with pytest.raises(resets.ResetRefused, match="used already"):
        redeem(token, password="a third long passphrase")


def test_using_a_link_ends_every_session(owner: User, member: User) -> None:
    client = Client()
    client.force_login(member)
    assert client.get("/account").status_code == 200

    redeem(resets.issue(user=member, by=owner, moment=MOMENT))

    assert client.get("/account").status_code == 302


def test_a_password_that_is_refused_leaves_the_link_open(owner: User, member: User) -> None:
    token = resets.issue(user=member, by=owner, moment=MOMENT)

    with pytest.raises(accounts.AccountRefused, match="too short"):
        redeem(token, password="short")
    assert redeem(token) == member


def test_a_link_ends_after_a_day_and_with_the_next_one(owner: User, member: User) -> None:
    older = resets.issue(user=member, by=owner, moment=MOMENT)
    newer = resets.issue(user=member, by=owner, moment=MOMENT)

    with pytest.raises(resets.ResetRefused):
        redeem(older)
    with pytest.raises(resets.ResetRefused):
        redeem(newer, moment=MOMENT + dt.timedelta(hours=24))
    assert redeem(newer)


def test_a_link_is_not_kept_in_clear(owner: User, member: User) -> None:
    token = resets.issue(user=member, by=owner, moment=MOMENT)

    assert token not in str(list(ResetLink.objects.values())) + str(list(AuditEvent.objects.values()))


def test_an_owner_makes_none_for_somebody_who_also_belongs_elsewhere(owner: User, member: User) -> None:
    workspaces.create_workspace(user=member, name="Their own", moment=MOMENT)

    with pytest.raises(PermissionDenied, match="not yours"):
        resets.issue(user=member, by=owner, moment=MOMENT)


def test_an_owner_of_all_their_workspaces_may(owner: User, member: User) -> None:
    second = workspaces.create_workspace(user=owner, name="Second", moment=MOMENT)
    Membership.objects.create(user=member, workspace=second, role="owner", created_at=MOMENT)

    assert redeem(resets.issue(user=member, by=owner, moment=MOMENT)) == member


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_who_is_no_owner_makes_none(role: str, owner: User, member: User) -> None:
    other = a_member(role=role, workspace=owner.workspaces.get())

    with pytest.raises(PermissionDenied):
        resets.issue(user=member, by=other, moment=MOMENT)


def test_an_owner_makes_none_for_a_stranger_without_a_workspace(owner: User) -> None:
    with pytest.raises(PermissionDenied):
        resets.issue(user=a_user(), by=owner, moment=MOMENT)


def test_an_owner_never_gets_into_an_operators_account(owner: User, member: User) -> None:
    accounts.set_operator(user=member, is_operator=True, moment=MOMENT)

    with pytest.raises(PermissionDenied):
        resets.issue(user=member, by=owner, moment=MOMENT)


def test_joining_a_foreign_workspace_closes_an_open_link(owner: User, member: User) -> None:
    token = resets.issue(user=member, by=owner, moment=MOMENT)

    workspaces.create_workspace(user=member, name="Their own", moment=MOMENT)

    with pytest.raises(resets.ResetRefused):
        redeem(token)


def test_an_operator_makes_one_for_anybody_and_each_workspace_sees_it(member: User) -> None:
    workspaces.create_workspace(user=member, name="Their own", moment=MOMENT)
    operator = an_operator()

    token = resets.issue(user=member, by=operator, moment=MOMENT)

    seen = AuditEvent.objects.filter(action="reset_link.made", user=operator, subject=member.email)
    assert {event.workspace for event in seen} == {None, *Workspace.objects.filter(members=member)}
    assert redeem(token) == member


def test_guessing_reset_links_is_slowed_like_guessing_invites(owner: User, member: User) -> None:
    token = resets.issue(user=member, by=owner, moment=MOMENT)
    for number in range(20):
        with pytest.raises(resets.ResetRefused):
            resets.user_of(token=f"guess {number}", address=HERE, moment=LATER)

    with pytest.raises(throttle.TooManyTries):
        redeem(token)
