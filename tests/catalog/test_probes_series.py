"""Series to several targets in turns: what is counted, what is discarded, and when a target is left alone."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from catalog.probes.phases import Endpoint, Failed, Family
from catalog.probes.series import PHASES, Key, Measured, Plan, measure
from tests.advisor.peers import certificate
from tests.catalog.peers import server

QUICK = Plan(cold_count=3, warm_count=5, pause_s=(0.0, 0.002), same_target_s=0.0)


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[server.Peer]]:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with ExitStack() as stack:
        yield [
            stack.enter_context(server.running(lambda request: server.Answer(body=b"healthy"), pem=pem))
            for _ in range(2)
        ]


def here(endpoint: Endpoint, family: Family, until: float) -> list[str]:
    return ["127.0.0.1"] if family == 4 else []


def run(*peers: server.Peer, within_s: float = 30, plan: Plan = QUICK) -> list[Measured]:
    found = measure({(peer.url, 4): endpoint(peer) for peer in peers}, resolve=here, within_s=within_s, plan=plan)
    return [found[(peer.url, 4)] for peer in peers]


def endpoint(peer: server.Peer) -> Endpoint:
    return Endpoint(host="localhost", path="/ping", port=int(peer.url.rsplit(":", 1)[1]))


def test_the_warm_up_of_either_series_is_asked_and_not_counted(peers: list[server.Peer]) -> None:
    (found,) = run(peers[0])

    assert {phase: len(values) for phase, values in found.cold_ms.items()} == dict.fromkeys(PHASES, 3)
    assert len(found.warm_ms) == 5
    assert len(peers[0].asked) == 3 + 1 + 5 + 1
    assert (dict(found.statuses), found.addresses) == ({200: 10}, ["127.0.0.1"])
    assert not found.cold_failures and not found.warm_failures


def test_targets_take_turns(peers: list[server.Peer]) -> None:
    order: list[int] = []
    for place, peer in enumerate(peers):
        peer.answer = lambda request, place=place: order.append(place) or server.Answer()  # type: ignore[misc]

    run(*peers)

    assert all({order[place], order[place + 1]} == {0, 1} for place in range(0, len(order), 2))


def test_a_failure_is_counted_by_class_and_is_no_value(peers: list[server.Peer]) -> None:
    peers[0].faults = [server.Fault(), server.Fault(status=500), server.Fault(status=502)]

    (found,) = run(peers[0])

    assert dict(found.cold_failures) == {"server_error": 2}
    assert len(found.cold_ms["first_byte"]) == 1
    assert len(found.warm_ms) == 5
    assert found.problem == "status 502"


def test_a_target_that_throttles_is_left_alone_at_once(peers: list[server.Peer]) -> None:
    peers[0].always = server.Fault(status=429)

    throttled, fine = run(*peers)

    assert (dict(throttled.cold_failures), len(peers[0].asked)) == ({"throttled": 1}, 1)
    assert len(fine.warm_ms) == 5


def test_a_target_that_never_answers_is_given_up_after_three_failures(peers: list[server.Peer]) -> None:
    peers[0].always = server.Fault(status=500)

    (found,) = run(peers[0])

    assert (dict(found.cold_failures), len(peers[0].asked)) == ({"server_error": 3}, 3)
    assert found.warm_ms == []


def test_a_server_that_ends_each_connection_has_no_warm_series(peers: list[server.Peer]) -> None:
    peers[0].answer = lambda request: server.Answer(headers={"Connection": "close"})

    (found,) = run(peers[0])

    assert (found.warm_ms, dict(found.warm_failures)) == ([], {"closed": 3})
    assert len(found.cold_ms["first_byte"]) == 3


def test_what_is_not_begun_in_time_is_told_and_not_counted_as_failure(peers: list[server.Peer]) -> None:
    (found,) = run(peers[0], within_s=0)

    assert found.is_cut_short
    assert (found.cold_ms["tcp"], found.cold_failures.total(), peers[0].asked) == ([], 0, [])


def test_a_family_without_an_address_is_asked_once(peers: list[server.Peer]) -> None:
    key: Key = ("one", 6)

    found = measure({key: endpoint(peers[0])}, resolve=here, within_s=10, plan=QUICK)[key]

    assert dict(found.cold_failures) == {"no_address": 1}


def test_a_refused_address_is_never_called(peers: list[server.Peer]) -> None:
    def guard(endpoint: Endpoint, family: Family, until: float) -> list[str]:
        raise Failed("refused", "The host lies in a private or reserved network.")

    key: Key = ("one", 4)
    found = measure({key: endpoint(peers[0])}, resolve=guard, within_s=10, plan=QUICK)[key]

    assert (dict(found.cold_failures), peers[0].asked) == ({"refused": 1}, [])


def test_one_target_is_not_asked_again_before_its_pause(peers: list[server.Peer]) -> None:
    times: list[float] = []
    peers[0].answer = lambda request: times.append(time.monotonic()) or server.Answer()  # type: ignore[func-returns-value]

    run(peers[0], plan=Plan(cold_count=2, warm_count=2, pause_s=(0.0, 0.0), same_target_s=0.05))

    assert times[-1] - times[0] >= 5 * 0.05 - 0.05  # six requests, five pauses; the first may come late itself
