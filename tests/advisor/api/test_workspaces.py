"""The workspace by the API: its people and its webhook are for owners."""

import pytest

from advisor.models import User
from tests.advisor.api.conftest import Program, fault, program
from tests.advisor.factories import a_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(owner: User) -> str:
    return f"/workspaces/{owner.workspaces.get().pk}"


def test_a_token_lists_its_one_workspace(owner: User, ours: Program, here: str) -> None:
    (row,) = ours.get("/workspaces").json()["rows"]

    assert row == ours.get(here).json()
    assert (row["role"], row["members_count"], row["decisions_count"]) == ("owner", 1, 0)


def test_an_owner_reads_the_members(owner: User, ours: Program, here: str) -> None:
    viewer = a_member(role="viewer", workspace=owner.workspaces.get())

    rows = ours.get(f"{here}/members").json()["rows"]

    assert [(row["email"], row["role"]) for row in rows] == [(owner.email, "owner"), (viewer.email, "viewer")]


def test_an_owner_sets_reads_and_removes_the_webhook(ours: Program, here: str) -> None:
    assert ours.get(f"{here}/webhook").status_code == 404

    made = ours.send("PUT", f"{here}/webhook", {"url": "https://hooks.example.org/x"})
    read = ours.get(f"{here}/webhook").json()

    assert made.json()["secret"].startswith("advisor_hook_")
    assert (read["url"], read["deliveries"], "secret" in read) == ("https://hooks.example.org/x", [], False)
    assert ours.send("DELETE", f"{here}/webhook").status_code == 204
    assert ours.send("DELETE", f"{here}/webhook").status_code == 404


@pytest.mark.parametrize("url", ["http://example.org/", "https://user@example.org/", "https://127.1/", "", "x" * 600])
def test_an_address_that_must_not_be_called_is_not_taken(url: str, ours: Program, here: str) -> None:
    answer = ours.send("PUT", f"{here}/webhook", {"url": url})

    assert answer.status_code == 400
    assert fault(answer)["code"] in ("invalid_request", "address_refused")


def test_only_owners_see_and_set_these(owner: User, here: str) -> None:
    editor = program(a_member(role="editor", workspace=owner.workspaces.get()))
    reader = program(owner, cap="read")

    for method, address in (("GET", "members"), ("GET", "webhook"), ("PUT", "webhook"), ("DELETE", "webhook")):
        assert editor.send(method, f"{here}/{address}", {"url": "https://a.example.org/"}).status_code == 403, method
    assert reader.get(f"{here}/members").status_code == 200
    assert reader.send("PUT", f"{here}/webhook", {"url": "https://a.example.org/"}).status_code == 403
    assert program(a_member()).get(f"{here}/members").status_code == 404
