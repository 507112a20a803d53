"""Who gets in with which token, what it may make, and how often it may ask."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from advisor.models import AuditEvent, RequestCount, Token, User
from advisor.services import tokens, usage
from tests.advisor.api.conftest import Program, fault, program
from tests.advisor.factories import MOMENT, a_member, a_token

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("secret", [None, "", "advisor_wrong", "Bearer"])
def test_nobody_gets_in_without_a_token(secret: str | None) -> None:
    answer = Program(secret).get("/me")

    assert (answer.status_code, fault(answer)["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_session_is_no_way_in(client: Any, owner: User) -> None:
    client.force_login(owner)

    assert client.get("/api/v1/me").status_code == 401


def test_a_token_that_ran_out_or_was_revoked_opens_nothing(owner: User) -> None:
    workspace = owner.workspaces.get()
    old = tokens.issue(
        user=owner, workspace=workspace, name="old", cap="read", lifetime=dt.timedelta(days=1),
        moment=timezone.now() - dt.timedelta(days=2),
    )  # fmt: skip
    revoked = a_token(user=owner, workspace=workspace, moment=timezone.now())
    tokens.revoke(token=Token.objects.get(name="tests"), by=owner, moment=timezone.now())

    assert [Program(secret).get("/me").status_code for secret in (old, revoked)] == [401, 401]


def test_a_token_tells_what_it_is(owner: User, ours: Program) -> None:
    told = ours.get("/me").json()

    assert (told["user"], told["cap"]) == (owner.email, "write")
    assert told["workspace_id"] == owner.workspaces.get().pk


def test_a_viewers_writing_token_only_reads() -> None:
    viewer = a_member(role="editor")
    acts = program(viewer)
    viewer.memberships.update(role="viewer")

    assert acts.get("/me").json()["cap"] == "read"
    assert acts.post("/tokens", {"name": "x"}).status_code == 403


def test_a_token_makes_another_that_ends_no_later(owner: User, ours: Program) -> None:
    made = ours.post("/tokens", {"name": "nightly", "cap": "read", "days": 365})

    child = Program(made.json()["secret"])
    assert made.status_code == 201
    assert child.get("/me").json()["cap"] == "read"
    assert child.get("/me").json()["expires_at"] == ours.get("/me").json()["expires_at"]
    assert AuditEvent.objects.filter(action="token.made").count() == 2


@pytest.mark.parametrize(
    ("body", "path"),
    [({}, "name"), ({"name": ""}, "name"), ({"name": "x", "cap": "all"}, "cap"), ({"name": "x", "days": 0}, "days"),
     ({"name": "x", "days": 366}, "days"), ({"name": "x", "colour": 1}, "colour"), ({"name": "a\nb"}, "name")],
)  # fmt: skip
def test_an_odd_wish_for_a_token_is_refused_by_its_path(body: dict[str, Any], path: str, ours: Program) -> None:
    answer = ours.post("/tokens", body)

    assert (answer.status_code, [item["path"] for item in fault(answer)["items"]]) == (400, [path])


def test_one_revokes_ones_own_tokens_of_this_workspace_only(owner: User, ours: Program) -> None:
    own = ours.get("/tokens").json()["rows"]
    other = a_member(role="editor", workspace=owner.workspaces.get())
    program(other)
    theirs = Token.objects.get(user=other)

    assert ours.send("DELETE", f"/tokens/{theirs.pk}").status_code == 404
    assert [row["id"] for row in own] == [Token.objects.get(user=owner).pk]
    assert ours.send("DELETE", f"/tokens/{own[0]['id']}").status_code == 204
    assert ours.get("/me").status_code == 401


# --- how often ------------------------------------------------------------------------------------------------------


def test_reads_and_writes_of_a_token_are_counted_apart(ours: Program, settings: Any) -> None:
    settings.API_READS_PER_MINUTE, settings.API_WRITES_PER_MINUTE = 2, 1

    _within_a_minute()
    reads = [ours.get("/me").status_code for _ in range(3)]
    writes = [ours.post("/tokens", {}).status_code for _ in range(2)]

    assert (reads, writes) == ([200, 200, 429], [400, 429])
    refused = ours.get("/me")
    assert fault(refused)["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_a_past_state_of_the_catalog_counts_as_a_write(ours: Program, settings: Any, published: int) -> None:
    settings.API_WRITES_PER_MINUTE = 1

    _within_a_minute()
    answers = [ours.get("/catalog/freshness?as_of=2020-01-01").status_code for _ in range(2)]

    assert answers == [200, 429]


def test_whoever_has_no_token_is_counted_by_address(settings: Any) -> None:
    settings.API_ANONYMOUS_PER_MINUTE = 2

    _within_a_minute()
    assert [Program(None).get("/me").status_code for _ in range(3)] == [401, 401, 429]
    assert [Program("advisor_x").get("/me").status_code for _ in range(2)] == [429, 429]
    assert Program(None).get("/schema").status_code == 429


def test_a_new_minute_begins_anew_and_old_ones_go() -> None:
    for minute in range(8):
        usage.count(subject="one", limit=1, moment=MOMENT + dt.timedelta(minutes=minute))
    with pytest.raises(usage.TooManyRequests) as refused:
        usage.count(subject="one", limit=1, moment=MOMENT + dt.timedelta(minutes=7, seconds=59.5))

    assert refused.value.retry_after_s == 1
    assert RequestCount.objects.count() == 6


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a database that several connections share")
@pytest.mark.django_db(transaction=True)
def test_no_request_is_lost_between_processes() -> None:
    refused: list[str] = []

    def ask() -> None:
        for _ in range(20):
            try:
                usage.count(subject="one", limit=50, moment=MOMENT)
            except usage.TooManyRequests:
                refused.append("too many")
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert (RequestCount.objects.get().count, len(refused)) == (50, 30)


def _within_a_minute() -> None:
    """Begin early enough in a minute for the test to end in it."""
    second = timezone.now().second
    if second > 55:
        threading.Event().wait(61 - second)
