"""API tokens: shown once, kept as a hash, never worth more than their user is at that moment."""

import datetime as dt
import io

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.http import Http404

from advisor.models import AuditEvent, Membership, Token, User, Workspace
from advisor.services import access, members, throttle, tokens, workspaces
from tests.advisor.factories import MOMENT, a_member, a_reported_run, a_token, a_user

pytestmark = pytest.mark.django_db

HERE = "192.0.2.1"
LATER = MOMENT + dt.timedelta(hours=1, minutes=20)


@pytest.fixture
def editor() -> User:
    return a_member(role="editor", workspace=a_member().workspaces.get())


@pytest.fixture
def workspace(editor: User) -> Workspace:
    return editor.workspaces.get()


def authenticate(secret: str, *, moment: dt.datetime = LATER) -> tokens.Bearer:
    return tokens.authenticate(secret=secret, address=HERE, moment=moment)


@pytest.mark.parametrize("cap", ["read", "write"])
def test_a_token_speaks_for_its_user_in_its_workspace(cap: str, editor: User, workspace: Workspace) -> None:
    secret = a_token(user=editor, workspace=workspace, cap=cap)

    assert authenticate(secret)[:3] == (editor, workspace, cap)


def test_only_the_hash_and_the_beginning_are_kept(editor: User, workspace: Workspace) -> None:
    secret = a_token(user=editor, workspace=workspace)

    kept = str(list(Token.objects.values())) + str(list(AuditEvent.objects.values()))
    assert secret not in kept
    assert secret.removeprefix(Token.objects.get().prefix + "_") not in kept
    assert secret.startswith(Token.objects.get().prefix + "_")
    assert len(secret) - len(Token.objects.get().prefix) > 43  # 32 random bytes


def test_a_token_is_worth_what_its_user_is_now(editor: User, workspace: Workspace) -> None:
    secret = a_token(user=editor, workspace=workspace, cap="write")

    Membership.objects.filter(user=editor).update(role="viewer")
    assert authenticate(secret).cap == "read"
    Membership.objects.filter(user=editor).update(role="owner")
    assert authenticate(secret).cap == "write"


def test_a_removed_members_token_ends_at_once_and_for_good(editor: User, workspace: Workspace) -> None:
    secret = a_token(user=editor, workspace=workspace)

    members.leave(workspace=workspace, user=editor, moment=LATER)
    with pytest.raises(tokens.TokenRefused):
        authenticate(secret)
    Membership.objects.create(user=editor, workspace=workspace, role="editor", created_at=LATER)
    with pytest.raises(tokens.TokenRefused):
        authenticate(secret)


def test_without_a_membership_no_token_works_however_it_ended(editor: User, workspace: Workspace) -> None:
    secret = a_token(user=editor, workspace=workspace)
    editor.memberships.all().delete()

    with pytest.raises(tokens.TokenRefused, match="left the workspace"):
        authenticate(secret)


def test_a_revoked_an_old_and_a_closed_accounts_token_are_refused(editor: User, workspace: Workspace) -> None:
    revoked, old, closed = (a_token(user=editor, workspace=workspace) for _ in range(3))

    first = Token.objects.earliest("pk")
    assert tokens.revoke(token=first, by=editor, moment=LATER) is True
    assert tokens.revoke(token=first, by=editor, moment=LATER) is False
    with pytest.raises(tokens.TokenRefused):
        authenticate(revoked)
    with pytest.raises(tokens.TokenRefused):
        authenticate(old, moment=MOMENT + dt.timedelta(days=30))
    User.objects.filter(pk=editor.pk).update(is_active=False)
    with pytest.raises(tokens.TokenRefused):
        authenticate(closed)


def test_guessing_is_slowed_by_place(editor: User, workspace: Workspace) -> None:
    secret = a_token(user=editor, workspace=workspace)
    for number in range(20):
        with pytest.raises(tokens.TokenRefused):
            authenticate(f"advisor_{number}")

    with pytest.raises(throttle.TooManyTries):
        authenticate(secret)
    assert tokens.authenticate(secret=secret, address="192.0.2.2", moment=LATER)


def test_the_last_use_is_kept_to_the_hour(editor: User, workspace: Workspace) -> None:
    secret = a_token(user=editor, workspace=workspace)

    authenticate(secret, moment=LATER)
    assert Token.objects.get().last_used_at == MOMENT + dt.timedelta(hours=1)
    authenticate(secret, moment=LATER + dt.timedelta(minutes=30))
    assert Token.objects.get().last_used_at == MOMENT + dt.timedelta(hours=1)
    authenticate(secret, moment=LATER + dt.timedelta(minutes=45))
    assert Token.objects.get().last_used_at == MOMENT + dt.timedelta(hours=2)


@pytest.mark.parametrize("lifetime", [dt.timedelta(0), dt.timedelta(days=366)])
def test_a_token_lasts_at_most_a_year(lifetime: dt.timedelta, editor: User, workspace: Workspace) -> None:
    with pytest.raises(tokens.CannotIssue, match="365 days"):
        tokens.issue(user=editor, workspace=workspace, name="x", cap="read", lifetime=lifetime, moment=MOMENT)


def test_a_viewer_and_a_stranger_make_no_token_that_writes(workspace: Workspace) -> None:
    viewer = a_member(role="viewer", workspace=workspace)

    assert a_token(user=viewer, workspace=workspace, cap="read")
    with pytest.raises(tokens.CannotIssue, match="viewer"):
        a_token(user=viewer, workspace=workspace, cap="write")
    with pytest.raises(tokens.CannotIssue, match="does not belong"):
        a_token(user=a_user(), workspace=workspace)


def test_look_ups_hold_a_token_to_its_workspace_and_its_cap(editor: User, workspace: Workspace) -> None:
    Membership.objects.filter(user=editor).update(role="owner")
    run = a_reported_run(owner=editor, content=b"{}")
    other = workspaces.create_workspace(user=editor, name="Other", moment=MOMENT)
    reading = authenticate(a_token(user=editor, workspace=workspace, cap="read")).scope
    writing = authenticate(a_token(user=editor, workspace=workspace, cap="write")).scope
    elsewhere = authenticate(a_token(user=editor, workspace=other, cap="write")).scope
    decision = {"user": editor, "decision_id": run.revision.decision_id}

    assert access.decision(**decision, scope=reading) == access.decision(**decision, write=True, scope=writing)
    with pytest.raises(PermissionDenied, match="token may read"):
        access.decision(**decision, write=True, scope=reading)
    for look_up, by in [
        (access.workspace, {"workspace_id": workspace.pk}),
        (access.decision, {"decision_id": run.revision.decision_id}),
        (access.revision, {"decision_id": run.revision.decision_id, "number": 1}),
        (access.run, {"run_id": run.pk}),
        (access.report, {"decision_id": run.revision.decision_id, "number": 1}),
    ]:
        assert look_up(user=editor, scope=reading, **by)
        with pytest.raises(Http404):
            look_up(user=editor, scope=elsewhere, **by)
    with pytest.raises(PermissionDenied, match="Only an owner"):
        access.workspace(user=editor, workspace_id=workspace.pk, own=True, scope=writing)


def test_the_command_prints_a_token_that_works(editor: User, workspace: Workspace) -> None:
    out = io.StringIO()

    call_command("create_token", editor.email.upper(), "--cap", "write", "--days", "7", stdout=out)

    token = Token.objects.get()
    bearer = tokens.authenticate(secret=out.getvalue().strip(), address=HERE, moment=token.created_at)
    assert bearer[:3] == (editor, workspace, "write")
    assert token.expires_at - token.created_at == dt.timedelta(days=7)


def test_the_command_asks_which_workspace_is_meant_and_refuses_what_cannot_be(editor: User) -> None:
    second = workspaces.create_workspace(user=editor, name="Second", moment=MOMENT)

    with pytest.raises(CommandError, match=rf"--workspace ID: .*{second.pk} \(Second\)"):
        call_command("create_token", editor.email)
    with pytest.raises(CommandError, match="--workspace"):
        call_command("create_token", editor.email, "--workspace", str(a_member().workspaces.get().pk))
    with pytest.raises(CommandError, match="no account"):
        call_command("create_token", "nobody@example.org")
    with pytest.raises(CommandError, match="365 days"):
        call_command("create_token", editor.email, "--workspace", str(second.pk), "--days", "400")
    assert not Token.objects.exists()
