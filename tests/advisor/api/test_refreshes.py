"""How the catalog is kept true, for programs: runs are started, followed, decided on; tokens keep to their rights."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from advisor.models import User
from catalog import published, refresh
from tests.advisor.factories import a_member, a_token
from tests.catalog.peers.shop import Shelf, Shop

pytestmark = pytest.mark.django_db

KEY = "aws/us-east-1/p5.48xlarge/on_demand"
API = "/api/v1/catalog"


def program(*, cap: str = "write", is_operator: bool = True) -> Client:
    person = a_member()
    User.objects.filter(pk=person.pk).update(is_operator=is_operator)
    secret = a_token(user=person, workspace=person.workspaces.get(), cap=cap)
    return Client(headers={"authorization": f"Bearer {secret}"})


def post(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(f"{API}/{path}", body, content_type="application/json", headers=headers)


def refreshed(client: Client) -> dict[str, Any]:
    answer = post(client, "refreshes", {"sources": ["aws"]})
    assert answer.status_code == 202, answer.content
    run = answer.json()
    for part_id in refresh.open_parts(run_id=run["id"]):
        refresh.work(part_id=part_id)
    return client.get(answer.headers["Location"]).json()


def test_a_program_starts_and_follows_a_run(shop: Shop) -> None:
    client = program()

    run = refreshed(client)

    assert (run["state"], run["counts"]["changed"], run["parts"][0]["state"]) == ("succeeded", 1, "succeeded")
    assert run["release"] == published.latest().number
    (listed,) = client.get(f"{API}/refreshes").json()["rows"]
    assert listed["id"] == run["id"]
    (standing,) = client.get(f"{API}/standings").json()["datasets"]
    assert standing["good_at"] is not None


def test_the_same_key_starts_one_run(shop: Shop) -> None:
    client = program()
    first = post(client, "refreshes", {"sources": ["aws"]}, **{"idempotency-key": "nightly"})

    again = post(client, "refreshes", {"sources": ["aws"]}, **{"idempotency-key": "nightly"})

    assert again.json() == first.json()
    assert post(client, "refreshes", {"sources": ["aws"]}).status_code == 409


def test_a_program_decides_about_quarantined_rows(shop: Shop, shelf: Shelf) -> None:
    client = program()
    refreshed(client)
    shelf.prices["us-east-1"][KEY] = "170.00"
    refreshed(client)
    (row,) = client.get(f"{API}/quarantine").json()["rows"]
    assert (row["reason"], Decimal(row["before"]), row["stated"]) == ("moved", Decimal(54), "170.00")

    answer = post(client, "quarantine", {"rows": [row["id"]], "verdict": "accept", "note": "announced"})

    assert answer.json() == {"count": 1, "release": published.latest().number}
    assert client.get(f"{API}/quarantine").json()["rows"] == []
    again = post(client, "quarantine", {"rows": [row["id"]], "verdict": "accept"})
    assert again.status_code == 400
    assert "decided already" in again.json()["error"]["items"][0]["message"]


def test_a_schedule_is_put(shop: Shop) -> None:
    client = program()

    answer = client.put(f"{API}/schedules/aws", {"every_hours": 6, "is_on": True}, content_type="application/json")

    assert (answer.json()["every_hours"], answer.json()["is_on"]) == (6, True)
    assert (
        client.put(f"{API}/schedules/oracle", {"every_hours": 6, "is_on": True}, "application/json").status_code == 404
    )


@pytest.mark.parametrize(("cap", "is_operator"), [("read", True), ("write", False)])
def test_only_an_operators_token_that_may_write_starts_a_run(shop: Shop, cap: str, is_operator: bool) -> None:
    client = program(cap=cap, is_operator=is_operator)

    assert post(client, "refreshes", {"sources": ["aws"]}).status_code == 403
    assert client.get(f"{API}/refreshes").json()["rows"] == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"sources": []}, "sources"),
        ({"sources": ["oracle"]}, "sources"),
        ({"sources": ["aws"], "regions": ["a b"]}, "regions"),
        ({"sources": ["aws"], "regions": ["us-esat-1"]}, "regions"),
    ],
)
def test_a_wrong_question_names_its_field(shop: Shop, body: dict[str, Any], path: str) -> None:
    answer = post(program(), "refreshes", body)

    assert answer.status_code == 400
    assert answer.json()["error"]["items"][0]["path"] == path
