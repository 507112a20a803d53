"""Endpoints and their probes by the API: a key goes in and never comes out, and nothing is sent without being asked."""

from typing import Any

import pytest

from advisor.models import Endpoint, EndpointProbe, User
from tests.advisor.api.conftest import Program, fault, program
from tests.advisor.factories import a_member, a_probe, an_endpoint

pytestmark = pytest.mark.django_db

KEY = "sk-live-0123456789-abcd"
NEW: dict[str, Any] = {
    "name": "Our model",
    "kind": "openai",
    "address": "https://models.example.org/v1",
    "model": "m",
    "key": KEY,
    "input_usd_per_mtok": "2.5",
    "output_usd_per_mtok": "10",
}


def test_an_endpoint_is_registered_listed_and_removed_without_showing_its_key(ours: Program, published: int) -> None:
    made = ours.post("/endpoints", NEW, idempotency_key="one")
    again = ours.post("/endpoints", NEW, idempotency_key="one")
    listed = ours.get("/endpoints")

    assert (made.status_code, again.status_code, made.json()["key_ending"]) == (201, 201, "abcd")
    assert listed.json()["rows"] == [made.json()]
    assert not any(KEY.encode() in answer.content for answer in (made, again, listed))
    here = f"/endpoints/{made.json()['id']}"
    assert ours.get(here).json() == made.json()
    assert ours.send("DELETE", here).status_code == 204
    assert ours.get(here).status_code == 404


def test_a_refused_endpoint_names_its_parts_and_repeats_no_key(ours: Program, published: int) -> None:
    answer = ours.post("/endpoints", NEW | {"address": "http://169.254.169.254/", "key": f"{KEY} x"})

    assert answer.status_code == 400
    assert {item["path"] for item in fault(answer)["items"]} == {"address", "key"}
    assert KEY.encode() not in answer.content


def test_a_probe_is_a_dry_run_until_it_is_told_to_send(ours: Program, published: int) -> None:
    here = f"/endpoints/{ours.post('/endpoints', NEW).json()['id']}/probes"

    dry = ours.post(here, {"steps": [1, 2], "requests_per_step": 20, "most_usd": "0.50"})
    assert not EndpointProbe.objects.exists()
    sent = ours.post(here, {"steps": [1, 2], "requests_per_step": 20, "most_usd": "0.50", "send": True})
    twice = ours.post(here, {"send": True})

    told = dry.json()
    assert (dry.status_code, told["requests_count"], told["price_source"], told["problems"]) == (200, 40, "stated", [])
    assert told["most"]["tokens"] == 40 * told["one"]["tokens"]
    assert float(told["most"]["usd"]) <= 0.5
    assert (sent.status_code, sent.json()["state"]) == (202, "queued")
    assert ours.get(sent.headers["Location"].removeprefix("/api/v1")).json()["plan"]["steps"] == [1, 2]
    assert (twice.status_code, fault(twice)["code"]) == (409, "already_probed")
    cancelled = ours.post(f"/probes/{sent.json()['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"


def test_a_plan_that_cannot_be_carried_out_is_refused(ours: Program, published: int) -> None:
    here = f"/endpoints/{ours.post('/endpoints', NEW).json()['id']}/probes"

    answer = ours.post(here, {"send": True, "most_usd": "0.00"})

    assert (answer.status_code, "do not pay for one request" in answer.content.decode()) == (400, True)
    assert not EndpointProbe.objects.exists()


def test_an_hour_has_so_many_probes(ours: Program, owner: User, published: int, settings: Any) -> None:
    settings.ENDPOINT_PROBES_PER_HOUR = 0
    endpoint = an_endpoint(user=owner)

    answer = ours.post(f"/endpoints/{endpoint.pk}/probes", {"send": True})

    assert answer.status_code == 429


def test_another_workspace_sees_neither_endpoint_nor_probe(owner: User) -> None:
    probe, stranger = a_probe(user=owner), program(a_member())

    for address in (f"/endpoints/{probe.endpoint_id}", f"/endpoints/{probe.endpoint_id}/probes", f"/probes/{probe.pk}"):
        assert stranger.get(address).status_code == 404
    assert stranger.get("/endpoints").json()["rows"] == []
    assert Endpoint.objects.count() == 1
