"""Who joins a workspace, as what, and who leaves it: it always keeps an owner."""

import datetime as dt
import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404

from advisor.models import AuditEvent, Invite, Membership, Token, User, Workspace
from advisor.services import accounts, invites, members, throttle, workspaces
from tests.advisor.factories import MOMENT, PASSWORD, a_member, a_token, a_user, an_invite

pytestmark = pytest.mark.django_db

HERE = "192.0.2.1"
LATER = MOMENT + dt.timedelta(days=1)


@pytest.fixture
def owner() -> User:
    return a_member()


@pytest.fixture
def workspace(owner: User) -> Workspace:
    return owner.workspaces.get()


def role_of(user: User) -> str:
    return user.memberships.get().role


def look(token: str, *, moment: dt.datetime = LATER) -> Invite:
    return invites.look(token=token, address=HERE, moment=moment)


def change(*, by: User, of: User, role: str) -> None:
    membership = of.memberships.get()
    members.change_role(workspace=membership.workspace, by=by, membership_id=membership.pk, role=role, moment=LATER)


def test_an_invite_lets_one_person_in_with_its_role(owner: User, workspace: Workspace) -> None:
    token, first, second = an_invite(workspace=workspace, by=owner, role="editor"), a_user(), a_user()
    invite = look(token)

    assert invites.accept(invite=invite, user=first, moment=LATER) is True
    assert role_of(first) == "editor"
    with pytest.raises(invites.InviteRefused):
        invites.accept(invite=invite, user=second, moment=LATER)
    with pytest.raises(invites.InviteRefused, match="used already"):
        look(token)
    assert not second.memberships.exists()


def test_looking_at_an_invite_does_not_use_it_up(owner: User, workspace: Workspace) -> None:
    token = an_invite(workspace=workspace, by=owner)

    assert look(token) == look(token)


def test_an_invite_is_not_kept_in_clear(owner: User, workspace: Workspace) -> None:
    token = an_invite(workspace=workspace, by=owner)

    assert token not in str(list(Invite.objects.values())) + str(list(AuditEvent.objects.values()))
    assert len(token) >= 40


def test_whoever_belongs_already_keeps_their_role_and_the_invite(owner: User, workspace: Workspace) -> None:
    viewer = a_member(role="viewer", workspace=workspace)
    token = an_invite(workspace=workspace, by=owner, role="owner")

    assert invites.accept(invite=look(token), user=viewer, moment=LATER) is False
    assert role_of(viewer) == "viewer"
    assert look(token).used_at is None


def test_an_invite_ends_after_seven_days(owner: User, workspace: Workspace) -> None:
    token = an_invite(workspace=workspace, by=owner)

    assert look(token, moment=MOMENT + dt.timedelta(days=7, seconds=-1))
    with pytest.raises(invites.InviteRefused):
        look(token, moment=MOMENT + dt.timedelta(days=7))


def test_a_withdrawn_invite_lets_nobody_in_and_is_listed_no_more(owner: User, workspace: Workspace) -> None:
    token = an_invite(workspace=workspace, by=owner)
    invite = look(token)
    assert [row.invite_id for row in invites.open_invites(workspace=workspace, moment=LATER)] == [invite.pk]

    assert invites.revoke(invite=invite, user=owner, moment=LATER) is True
    assert invites.revoke(invite=invite, user=owner, moment=LATER) is False

    assert invites.open_invites(workspace=workspace, moment=LATER) == []
    with pytest.raises(invites.InviteRefused):
        look(token)


def test_an_invite_ends_with_its_makers_ownership(owner: User, workspace: Workspace) -> None:
    other = a_member(role="owner", workspace=workspace)
    token = an_invite(workspace=workspace, by=other, role="owner")

    change(by=owner, of=other, role="editor")

    assert invites.open_invites(workspace=workspace, moment=LATER) == []
    with pytest.raises(invites.InviteRefused):
        look(token)


def test_a_newcomer_makes_an_account_and_is_in(owner: User, workspace: Workspace) -> None:
    token = an_invite(workspace=workspace, by=owner)

    user = invites.accept_as_new(
        invite=look(token), email="New@example.org", name="New", password=PASSWORD, moment=LATER
    )

    assert (user.email, role_of(user)) == ("new@example.org", "viewer")
    assert accounts.sign_in(email="new@example.org", password=PASSWORD, address=HERE, moment=LATER) == user


@pytest.mark.parametrize(("email", "password"), [("new@example.org", "short"), ("taken@example.org", PASSWORD)])
def test_a_refused_account_leaves_the_invite_open(email: str, password: str, owner: User, workspace: Workspace) -> None:
    a_user(email="taken@example.org")
    token = an_invite(workspace=workspace, by=owner)

    with pytest.raises(accounts.AccountRefused):
        invites.accept_as_new(invite=look(token), email=email, name="", password=password, moment=LATER)

    assert look(token)
    assert workspace.memberships.count() == 1


def test_guessing_links_is_slowed_by_place(owner: User, workspace: Workspace) -> None:
    token = an_invite(workspace=workspace, by=owner)
    for number in range(20):
        with pytest.raises(invites.InviteRefused):
            look(f"guess {number}")

    with pytest.raises(throttle.TooManyTries):
        look(token)
    assert invites.look(token=token, address="192.0.2.2", moment=LATER)
    assert look(token, moment=LATER + throttle.WINDOW)


def test_the_last_owner_can_neither_be_demoted_nor_removed_nor_leave(owner: User, workspace: Workspace) -> None:
    a_member(role="editor", workspace=workspace)

    with pytest.raises(members.LastOwner, match="another member an owner first"):
        change(by=owner, of=owner, role="viewer")
    with pytest.raises(members.LastOwner):
        members.remove(workspace=workspace, by=owner, membership_id=owner.memberships.get().pk, moment=LATER)
    with pytest.raises(members.LastOwner):
        members.leave(workspace=workspace, user=owner, moment=LATER)
    assert role_of(owner) == "owner"


def test_of_two_owners_one_may_go(owner: User, workspace: Workspace) -> None:
    other = a_member(role="owner", workspace=workspace)

    members.leave(workspace=workspace, user=owner, moment=LATER)

    with pytest.raises(members.LastOwner):
        members.leave(workspace=workspace, user=other, moment=LATER)


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_do_not_both_get_out(owner: User, workspace: Workspace) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite is shared in memory; with a file its write lock does what is tested here")
    other, refused = a_member(role="owner", workspace=workspace), []

    def leave_too() -> None:
        try:
            members.leave(workspace=workspace, user=other, moment=LATER)
        except members.LastOwner as error:
            refused.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=leave_too)
    with transaction.atomic():
        members.leave(workspace=workspace, user=owner, moment=LATER)
        thread.start()
        thread.join(timeout=1)  # it waits for this transaction
        assert thread.is_alive()
    thread.join()

    assert len(refused) == 1
    assert role_of(other) == "owner"


def test_an_owner_with_a_closed_account_does_not_count(owner: User, workspace: Workspace) -> None:
    User.objects.filter(pk=a_member(role="owner", workspace=workspace).pk).update(is_active=False)

    with pytest.raises(members.LastOwner):
        members.leave(workspace=workspace, user=owner, moment=LATER)


def test_whoever_lost_the_ownership_meanwhile_changes_nothing(owner: User, workspace: Workspace) -> None:
    other = a_member(role="owner", workspace=workspace)
    change(by=owner, of=other, role="viewer")

    with pytest.raises(PermissionDenied):
        change(by=other, of=owner, role="viewer")


def test_nobody_is_changed_through_another_workspace(owner: User, workspace: Workspace) -> None:
    foreign = a_member()

    with pytest.raises(Http404):
        members.remove(workspace=workspace, by=owner, membership_id=foreign.memberships.get().pk, moment=LATER)
    assert foreign.memberships.exists()


def test_a_removed_member_loses_the_tokens_of_this_workspace_only(owner: User, workspace: Workspace) -> None:
    editor = a_member(role="editor", workspace=workspace)
    elsewhere = workspaces.create_workspace(user=editor, name="Elsewhere", moment=MOMENT)
    a_token(user=editor, workspace=workspace)
    a_token(user=editor, workspace=elsewhere)
    membership = Membership.objects.get(user=editor, workspace=workspace)

    members.remove(workspace=workspace, by=owner, membership_id=membership.pk, moment=LATER)

    assert [token.workspace for token in Token.objects.filter(revoked_at=None)] == [elsewhere]


def test_what_happens_to_members_stands_in_the_trail(owner: User, workspace: Workspace) -> None:
    viewer = a_member(role="viewer", workspace=workspace)
    change(by=owner, of=viewer, role="editor")
    change(by=owner, of=viewer, role="editor")  # nothing changes, nothing is written
    members.leave(workspace=workspace, user=viewer, moment=LATER)

    events = AuditEvent.objects.filter(workspace=workspace).order_by("pk")

    assert [(event.user, event.action, event.subject) for event in events] == [
        (owner, "member.role_changed", viewer.email),
        (viewer, "member.left", viewer.email),
    ]
    assert events[0].detail == {"from": "viewer", "to": "editor"}
