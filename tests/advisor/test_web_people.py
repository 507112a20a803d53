"""The pages of people: accounts, workspaces, links that are shown once, where one is signed in."""

import logging
import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone
from django.utils.log import CallbackFilter
from pytest_django import DjangoAssertNumQueries

from advisor.models import AuditEvent, Invite, Membership, RefusedTry, Session, Token, User, Workspace
from advisor.services import accounts, audit, resets
from tests.advisor.factories import MOMENT, PASSWORD, a_member, a_token, a_user, an_invite

pytestmark = pytest.mark.django_db

NEW = "another long passphrase"
TYPED = {"email": "new@example.org", "name": "Nora", "password": PASSWORD, "again": PASSWORD}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def signed_in(user: User, **extra: str) -> Client:
    client = Client()
    answer = client.post("/sign-in", {"email": user.email, "password": PASSWORD}, **extra)
    assert answer.status_code == 302
    return client


def once(page: str) -> str:
    """Return the value that a page shows once."""
    (value,) = re.findall(r'id="once" value="([^"]+)"', page)
    return value


@pytest.fixture
def owner() -> User:
    return a_member(password=PASSWORD)


@pytest.fixture
def workspace(owner: User) -> Workspace:
    return owner.workspaces.get()


@pytest.fixture
def invite(owner: User, workspace: Workspace) -> str:
    return "/invites/" + an_invite(workspace=workspace, by=owner, moment=timezone.now())


# --- invites and resets ---------------------------------------------------------------------------------------------


def test_an_owner_sees_an_invite_link_once_and_it_lets_a_newcomer_in(owner: User, workspace: Workspace) -> None:
    client = client_of(owner)
    answer = client.post(f"/workspaces/{workspace.pk}/invites", {"role": "editor"})
    link = once(answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    assert urlsplit(link).path not in client.get(f"/workspaces/{workspace.pk}").content.decode()

    newcomer = Client()
    page = newcomer.get(urlsplit(link).path).content.decode()
    answer = newcomer.post(urlsplit(link).path, TYPED)

    assert workspace.name in page
    assert "editor" in page
    assert answer.url == f"/workspaces/{workspace.pk}"
    assert newcomer.get(answer.url).status_code == 200
    assert User.objects.get(email="new@example.org").memberships.get().role == "editor"


def test_opening_an_invite_spends_nothing_and_a_used_one_is_not_found(invite: str) -> None:
    assert [Client().get(invite).status_code for _ in range(2)] == [200, 200]
    assert Client().post(invite, TYPED).status_code == 302

    answer = Client().get(invite)

    assert answer.status_code == 404
    assert b"used already" in answer.content


def test_an_invite_sends_whoever_has_an_account_to_sign_in_and_back(invite: str, workspace: Workspace) -> None:
    user = a_user(password=PASSWORD)
    client = Client()
    sign_in = re.findall(r'href="(/sign-in\?next=[^"]+)"', client.get(invite).content.decode())[0]

    answer = client.post(
        "/sign-in", {"email": user.email, "password": PASSWORD, "next": client.get(sign_in).context["next"]}
    )
    assert answer.url == invite
    assert f"Join as {user.email}" in client.get(invite).content.decode()
    client.post(invite)

    assert user.memberships.get().workspace == workspace


def test_a_member_who_opens_an_invite_is_told_so_and_spends_nothing(invite: str, owner: User) -> None:
    client = client_of(owner)

    page = client.get(invite).content.decode()
    client.post(invite)

    assert "You belong already" in page
    assert Invite.objects.get().used_at is None


def test_an_account_that_is_refused_keeps_what_was_typed_and_says_why(invite: str) -> None:
    answer = Client().post(invite, TYPED | {"again": "something else"})
    assert (answer.status_code, b"The two passwords differ" in answer.content) == (400, True)

    answer = Client().post(invite, TYPED | {"password": "password1234", "again": "password1234"})

    assert answer.status_code == 400
    assert b"too common" in answer.content
    assert b'value="new@example.org"' in answer.content
    assert not User.objects.filter(email="new@example.org").exists()


def test_guessing_invites_is_answered_with_429(invite: str) -> None:
    statuses = [Client().get(f"/invites/guess{number}").status_code for number in range(21)]

    assert statuses == [404] * 20 + [429]
    assert Client().get(invite).status_code == 429


def test_behind_a_trusted_proxy_tries_are_counted_by_visitor(invite: str) -> None:
    with override_settings(TRUST_PROXY=True):
        Client().get("/invites/guess", headers={"x-forwarded-for": "203.0.113.9, 198.51.100.7"})
    Client().get("/invites/guess", headers={"x-forwarded-for": "203.0.113.9"})

    assert list(RefusedTry.objects.order_by("pk").values_list("address", flat=True)) == ["198.51.100.7", "127.0.0.1"]


def test_an_owner_resets_a_members_password_by_a_link(owner: User, workspace: Workspace) -> None:
    member = a_member(role="viewer", workspace=workspace, password=PASSWORD)
    theirs = client_of(member)
    address = f"/workspaces/{workspace.pk}/members/{member.memberships.get().pk}/reset"
    link = urlsplit(once(client_of(owner).post(address).content.decode())).path

    visitor = Client()
    assert visitor.get(link).status_code == 200
    answer = visitor.post(link, {"password": NEW, "again": NEW})

    assert answer.url == "/sign-in"
    assert theirs.get("/account").status_code == 302
    assert Client().post("/sign-in", {"email": member.email, "password": NEW}).status_code == 302
    assert visitor.get(link).status_code == 404


def test_an_owner_is_offered_no_reset_for_somebody_of_other_workspaces(owner: User, workspace: Workspace) -> None:
    member = a_member(role="viewer")
    membership = Membership.objects.create(user=member, workspace=workspace, role="viewer", created_at=MOMENT)
    address = f"/workspaces/{workspace.pk}/members/{membership.pk}/reset"
    client = client_of(owner)

    assert address not in client.get(f"/workspaces/{workspace.pk}").content.decode()
    assert client.post(address).status_code == 403


def test_an_operator_makes_a_reset_link_for_anybody(owner: User) -> None:
    operator = a_user()
    accounts.set_operator(user=operator, is_operator=True, moment=MOMENT)
    client = client_of(operator)

    unknown = client.post("/operator/resets", {"email": "nobody@example.org"})
    link = once(client.post("/operator/resets", {"email": owner.email.upper()}).content.decode())

    assert (unknown.status_code, b"Nobody has an account" in unknown.content) == (400, True)
    assert Client().get(urlsplit(link).path).status_code == 200


# --- one's own account ----------------------------------------------------------------------------------------------


def test_signing_in_changes_the_session_key(owner: User, client: Client) -> None:
    client.get("/sign-in")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key

    client.post("/sign-in", {"email": owner.email, "password": PASSWORD})

    assert client.session.session_key != session.session_key
    assert not Session.objects.filter(session_key=session.session_key).exists()


def test_the_account_page_says_where_one_is_signed_in(owner: User) -> None:
    signed_in(owner, HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.7")
    here = signed_in(owner, HTTP_USER_AGENT="curl/8")
    signed_in(a_user(password=PASSWORD), HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.99")

    places = here.get("/account").context["places"]

    assert [(place.browser, place.address, place.is_this) for place in places] == [
        ("A browser", "127.0.0.1", True),
        ("Firefox on Linux", "192.0.2.7", False),
    ]


def test_signing_out_everywhere_else_keeps_this_browser_only(owner: User) -> None:
    here, there = signed_in(owner), signed_in(owner)

    here.post("/account/sessions/end")

    assert there.get("/account").status_code == 302
    answer = here.get("/account")
    assert answer.status_code == 200
    assert len(answer.context["places"]) == 1


def test_a_new_password_needs_the_present_one_and_signs_out_the_others(owner: User) -> None:
    here, there = signed_in(owner), signed_in(owner)

    wrong = here.post("/account/password", {"current": "wrong", "password": NEW, "again": NEW})
    weak = here.post("/account/password", {"current": PASSWORD, "password": "short", "again": "short"})
    assert (wrong.status_code, b"not your present password" in wrong.content) == (400, True)
    assert (weak.status_code, b"too short" in weak.content) == (400, True)
    assert there.get("/account").status_code == 200
    done = here.post("/account/password", {"current": PASSWORD, "password": NEW, "again": NEW})

    assert done.url == "/account"
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert owner.password.startswith("argon2")


def test_guessing_the_present_password_is_slowed_like_a_sign_in(owner: User) -> None:
    client = client_of(owner)
    for _ in range(5):
        client.post("/account/password", {"current": "wrong", "password": NEW, "again": NEW})

    answer = client.post("/account/password", {"current": PASSWORD, "password": NEW, "again": NEW})

    assert b"Too many failed tries" in answer.content
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_the_local_owner_sets_an_address_and_a_password_and_the_link_goes_on_working() -> None:
    user = accounts.ensure_local_owner(moment=MOMENT)
    client = client_of(user)
    a_user(email="taken@example.org")
    typed = {"email": "Me@example.org", "password": NEW, "again": NEW}

    taken = client.post("/account/password", typed | {"email": "taken@example.org"})
    done = client.post("/account/password", typed)
    again = client.post("/account/password", typed)

    assert (taken.status_code, b"already has an account" in taken.content) == (400, True)
    assert done.url == "/account"
    assert b"Present password" in again.content  # from now on the present one is asked for
    assert accounts.sign_in(email="me@example.org", password=NEW, address="192.0.2.1", moment=MOMENT) == user
    assert accounts.ensure_local_owner(moment=MOMENT) == user
    assert User.objects.count() == 2


def test_a_name_is_shown_to_the_others(owner: User, workspace: Workspace) -> None:
    client_of(owner).post("/account/name", {"name": " Ann <b>Lee</b> "})

    page = client_of(a_member(role="viewer", workspace=workspace)).get(f"/workspaces/{workspace.pk}").content.decode()

    assert "Ann &lt;b&gt;Lee&lt;/b&gt;" in page


def test_a_token_is_shown_once_and_revoked_by_its_user(owner: User, workspace: Workspace) -> None:
    client = client_of(owner)
    typed = {"name": "CI", "workspace": workspace.pk, "cap": "write", "days": "30"}

    answer = client.post("/account/tokens", typed)
    secret = once(answer.content.decode())
    page = client.get("/account").content.decode()
    token = Token.objects.get()

    assert "no-store" in answer.headers["Cache-Control"]
    assert token.prefix in page
    assert secret not in page
    client.post(f"/account/tokens/{token.pk}/revoke")
    assert token.prefix not in client.get("/account").content.decode().split("What happened lately")[0]
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_nobody_makes_a_token_beyond_their_role_or_for_a_foreign_workspace(workspace: Workspace) -> None:
    viewer = client_of(a_member(role="viewer", workspace=workspace))
    typed = {"name": "CI", "workspace": workspace.pk, "cap": "write", "days": "30"}

    beyond = viewer.post("/account/tokens", typed)
    foreign = client_of(a_member()).post("/account/tokens", typed)

    assert (beyond.status_code, b"A viewer can only make tokens that read" in beyond.content) == (400, True)
    assert foreign.status_code == 400
    assert not Token.objects.exists()


# --- workspaces -----------------------------------------------------------------------------------------------------


def test_whoever_makes_a_workspace_owns_it(owner: User) -> None:
    client = client_of(owner)

    answer = client.post("/workspaces", {"name": "Second"})

    assert answer.url == f"/workspaces/{Workspace.objects.get(name='Second').pk}"
    assert Membership.objects.get(user=owner, workspace__name="Second").role == "owner"
    assert b"Second" in client.get("/workspaces").content
    assert client.post("/workspaces", {"name": "  "}).status_code == 400


def test_an_owner_renames_promotes_and_removes(owner: User, workspace: Workspace) -> None:
    member = a_member(role="viewer", workspace=workspace)
    client, base = client_of(owner), f"/workspaces/{workspace.pk}"
    address = f"{base}/members/{member.memberships.get().pk}"

    client.post(f"{base}/name", {"name": "New name"})
    client.post(f"{address}/role", {"role": "emperor"})
    assert member.memberships.get().role == "viewer"
    client.post(f"{address}/role", {"role": "editor"})
    assert member.memberships.get().role == "editor"
    client.post(f"{address}/remove")

    assert not member.memberships.exists()
    workspace.refresh_from_db()
    assert workspace.name == "New name"


def test_the_last_owner_is_told_why_they_cannot_go(owner: User, workspace: Workspace) -> None:
    client = client_of(owner)

    page = client.post(f"/workspaces/{workspace.pk}/leave", follow=True).content.decode()

    assert "last owner" in page
    assert owner.memberships.exists()


def test_a_viewer_sees_the_members_and_nothing_to_press_but_leave(owner: User, workspace: Workspace) -> None:
    a_token(user=owner, workspace=workspace, moment=timezone.now())
    client = client_of(a_member(role="viewer", workspace=workspace))

    page = client.get(f"/workspaces/{workspace.pk}").content.decode()

    assert owner.email in page
    posts = set(re.findall(r'action="([^"]+)"', page)) - {"/sign-out"}
    assert posts == {f"/workspaces/{workspace.pk}/leave"}
    assert "advisor_" not in page


def test_the_audit_trail_is_paged_and_takes_any_cursor(owner: User, workspace: Workspace) -> None:
    for number in range(audit.PAGE + 1):
        audit.record(user=owner, workspace=workspace, action="test.done", subject=f"event-{number:03}", moment=MOMENT)
    client, address = client_of(owner), f"/workspaces/{workspace.pk}/audit"

    first = client.get(address).content.decode()
    older = re.findall(r'href="([^"]+\?before=\d+)"', first)[0]
    second = client.get(older).content.decode()

    assert "event-050" in first
    assert "event-000" not in first
    assert "event-000" in second
    for odd in ("-1", "x", "9" * 40, "0"):
        assert client.get(address, {"before": odd}).status_code == 200


@pytest.mark.parametrize(("page", "queries"), [("/workspaces", 3), ("", 10), ("/audit", 4)])
def test_lists_take_the_same_number_of_queries_however_long(
    page: str, queries: int, owner: User, workspace: Workspace, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        editor = a_member(role="editor", workspace=workspace)
        a_token(user=editor, workspace=workspace, moment=timezone.now())
        an_invite(workspace=workspace, by=owner, moment=timezone.now())
    client = client_of(owner)

    with django_assert_num_queries(queries):
        answer = client.get(page if page == "/workspaces" else f"/workspaces/{workspace.pk}{page}")
    assert answer.status_code == 200


# --- what every page carries ----------------------------------------------------------------------------------------


def test_pages_switch_devices_off_and_are_kept_by_nobody(owner: User, workspace: Workspace) -> None:
    client = client_of(owner)

    for address in ("/", "/account", "/workspaces", f"/workspaces/{workspace.pk}", "/sign-in", "/nothing-here"):
        answer = client.get(address)
        assert "no-store" in answer.headers["Cache-Control"], address
        assert "private" in answer.headers["Cache-Control"], address
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Frame-Options"] == "DENY"


def test_the_address_of_a_form_shows_a_page_of_its_own(owner: User, workspace: Workspace) -> None:
    answer = client_of(owner).get(f"/workspaces/{workspace.pk}/invites")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert b"To the start page" in answer.content


def test_pages_of_people_hold_no_inline_script_or_style(owner: User, workspace: Workspace, invite: str) -> None:
    client = client_of(owner)
    reset = "/resets/" + resets.issue(
        user=a_member(role="viewer", workspace=workspace), by=owner, moment=timezone.now()
    )

    for address in ("/account", "/workspaces", f"/workspaces/{workspace.pk}", invite, reset):
        page = client.get(address).content.decode()
        assert "<style" not in page and " style=" not in page
        assert page.count("<script") == page.count("<script src=")


def test_the_log_keeps_no_link() -> None:
    mask = CallbackFilter(settings.LOGGING["filters"]["links"]["callback"])
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 0, "%s: %s", ("Bad Request", "/invites/abc"), None
    )

    assert mask.filter(record)

    assert record.getMessage() == "Bad Request: /invites/…"
    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["links"]


def test_sign_ins_are_recorded_without_a_workspace(owner: User) -> None:
    signed_in(owner, REMOTE_ADDR="192.0.2.7")

    event = AuditEvent.objects.get(action="account.signed_in")

    assert (event.user, event.workspace, event.subject) == (owner, None, "from 192.0.2.7")
