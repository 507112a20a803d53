"""Webhooks: a run that ends is told once, signed, over a real socket, and again until it is heard."""

import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest

from advisor.models import Delivery, Run, User, Webhook
from advisor.services import outbound, runs, webhooks
from tests.advisor.factories import MOMENT, a_member, a_reported_run, a_run
from tests.advisor.peers import Peer

pytestmark = pytest.mark.django_db

LATER = MOMENT + dt.timedelta(minutes=1)


@pytest.fixture
def owner() -> User:
    return a_member(role="owner")


def set_to(url: str, owner: User) -> str:
    return webhooks.set_webhook(workspace=owner.workspaces.get(), user=owner, url=url, moment=MOMENT)


def send(moment: dt.datetime) -> int:
    """Try whatever is due, as the tasks do; return how many were."""
    due = webhooks.due(moment=moment)
    for delivery_id in due:
        webhooks.deliver(delivery_id=delivery_id, moment=moment)
    return len(due)


def test_an_ended_run_is_told_once_with_a_proof(owner: User, peer: Peer) -> None:
    secret = set_to(peer.url, owner)
    run = a_reported_run(owner=owner, content=b"{}")
    a_run(owner=owner)

    assert [send(LATER), send(LATER)] == [1, 0]

    ((path, headers, body),) = peer.got
    proof = hmac.new(secret.encode(), headers["advisor-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["advisor-signature"] == f"v1={proof}"
    assert headers["advisor-timestamp"] == str(int(LATER.timestamp()))
    told = json.loads(body)
    assert (path, told["event"], told["run"]["id"], told["run"]["state"]) == (
        "/hook?team=7",
        "run.ended",
        run.pk,
        "succeeded",
    )
    assert told["run"]["report"] == f"/api/v1/decisions/{run.revision.decision_id}/revisions/1/report"
    assert headers["advisor-delivery"] == str(told["delivery"])
    row = Delivery.objects.get()
    assert (row.state, row.attempt, row.status_code, row.delivered_at) == ("delivered", 1, 204, LATER)


def test_runs_that_were_cancelled_or_given_up_are_told_too(owner: User, peer: Peer) -> None:
    set_to(peer.url, owner)
    cancelled = a_run(owner=owner)
    runs.cancel_run(run=cancelled, user=owner, moment=LATER)
    lost = a_run(owner=owner, state=Run.State.RUNNING, attempt=3, lease_until=MOMENT, started_at=MOMENT)
    runs.requeue_lost(moment=LATER)

    send(LATER)

    assert {json.loads(body)["run"]["id"]: json.loads(body)["run"]["state"] for _, _, body in peer.got} == {
        cancelled.pk: "cancelled",
        lost.pk: "failed",
    }


def test_nobody_hears_of_another_workspace_or_of_earlier_runs(owner: User, peer: Peer) -> None:
    a_reported_run(owner=a_member(), content=b"{}")
    early = a_reported_run(owner=owner, content=b"{}")
    Run.objects.filter(pk=early.pk).update(finished_at=MOMENT - dt.timedelta(seconds=1))
    set_to(peer.url, owner)

    assert send(LATER) == 0
    assert peer.got == []


def test_a_message_that_is_not_heard_is_repeated_with_growing_waits_and_then_given_up(owner: User, peer: Peer) -> None:
    set_to(peer.url, owner)
    a_reported_run(owner=owner, content=b"{}")
    peer.status = 500

    moment, waits = MOMENT, []
    for _ in webhooks.WAITS:
        assert send(moment) == 1
        assert send(moment) == 0
        following = Delivery.objects.get().due_at
        waits.append(following - moment)
        moment = following

    assert waits == list(webhooks.WAITS)
    assert Delivery.objects.get().state == "pending"
    assert send(moment) == 1
    row = Delivery.objects.get()
    assert (row.state, row.attempt, row.status_code, row.problem) == ("failed", 6, 500, "It answered 500.")
    assert send(moment + dt.timedelta(days=1)) == 0
    assert len(peer.got) == 6


def test_a_peer_that_comes_back_hears_of_it(owner: User, peer: Peer) -> None:
    set_to(peer.url, owner)
    a_reported_run(owner=owner, content=b"{}")
    peer.status = 503
    send(MOMENT)
    peer.status = 200

    send(MOMENT + dt.timedelta(seconds=30))

    row = Delivery.objects.get()
    assert (row.state, row.attempt, row.problem) == ("delivered", 2, "")


def test_an_address_inside_is_written_down_as_refused_and_not_called(owner: User, peer: Peer, settings: Any) -> None:
    set_to(peer.url, owner)
    a_reported_run(owner=owner, content=b"{}")
    settings.OUTBOUND_ALLOWED_NETWORKS = []

    send(LATER)

    assert peer.got == []
    assert Delivery.objects.get().problem == "The port must be 443."


def test_two_workers_make_a_try_once(owner: User, peer: Peer) -> None:
    set_to(peer.url, owner)
    a_reported_run(owner=owner, content=b"{}")
    (delivery_id,) = webhooks.due(moment=LATER)

    tries = [webhooks.deliver(delivery_id=delivery_id, moment=LATER) for _ in range(2)]

    assert tries == [True, False]
    assert len(peer.got) == 1


def test_the_secret_is_stored_encrypted_and_a_lost_key_is_said(owner: User, peer: Peer, settings: Any) -> None:
    secret = set_to(peer.url, owner)
    a_reported_run(owner=owner, content=b"{}")
    assert secret not in Webhook.objects.get().secret

    settings.CREDENTIAL_KEYS = ["YW5vdGhlciBrZXkgb2YgdGhpcnR5LXR3byBieXRlcyE="]
    send(LATER)

    assert "CREDENTIAL_KEYS" in Delivery.objects.get().problem
    assert peer.got == []


def test_setting_it_anew_makes_a_new_secret_and_drops_what_waited(owner: User, peer: Peer) -> None:
    first = set_to(peer.url, owner)
    a_reported_run(owner=owner, content=b"{}")
    webhooks.due(moment=LATER)

    second = webhooks.set_webhook(
        workspace=owner.workspaces.get(), user=owner, url=peer.url, moment=LATER + dt.timedelta(seconds=1)
    )

    assert first != second
    assert send(LATER + dt.timedelta(seconds=2)) == 0


def test_an_address_that_its_text_rules_out_is_not_taken(owner: User) -> None:
    with pytest.raises(outbound.Refused):
        set_to("http://example.org/", owner)
    assert not Webhook.objects.exists()
