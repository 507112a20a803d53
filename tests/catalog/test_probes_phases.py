"""One timed request: which phase grows when the way gets longer, and which class a failure is counted in.

Only comparisons with a delay that was put in are made: how fast this machine is has no part in them.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from catalog.probes import phases
from catalog.probes.phases import Connection, Endpoint, Failed, Family
from tests.advisor.peers import certificate
from tests.catalog.peers import server
from tests.catalog.peers.proxy import Way, way_to

DELAY_S = 0.15


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[server.Peer]:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with server.running(lambda request: server.Answer(body=b"healthy"), pem=pem) as one:
        yield one


@pytest.fixture
def way(peer: server.Peer) -> Iterator[Way]:
    with way_to(int(peer.url.rsplit(":", 1)[1])) as one:
        yield one


def here(endpoint: Endpoint, family: Family, until: float) -> list[str]:
    return ["127.0.0.1"] if family == 4 else []


def connected(way: Way, **how: Any) -> Connection:
    endpoint = Endpoint(host=how.pop("host", "localhost"), path="/ping", port=way.port)
    how = {"resolve": here, "family": 4, **how}
    return phases.connect(endpoint, until=soon(), **how)


def soon() -> float:
    return time.monotonic() + 5


def failure(way: Way, **how: Any) -> str:
    with pytest.raises(Failed) as caught, closing(connected(way, **how)) as line:
        line.ask(until=soon())
    return caught.value.failure


def test_an_answer_is_told_with_each_phase_and_what_the_peer_said(way: Way, peer: server.Peer) -> None:
    peer.answer = lambda request: server.Answer(body=b"x", status=403, headers={"Server": "Here"})

    line = connected(way)
    asked = line.ask(until=soon())
    line.close()

    assert min(line.dns_ms, line.tcp_ms, line.tls_ms, asked.first_byte_ms) >= 0
    assert (line.address, line.tls_version) == ("127.0.0.1", "TLSv1.3")
    assert line.certificate_expires.endswith("GMT")
    assert asked.status == 403
    (got,) = peer.asked
    assert (got.method, got.path, got.headers["host"]) == ("GET", "/ping", f"localhost:{way.port}")
    assert got.headers["accept-encoding"] == "identity"


def test_the_first_byte_waits_for_both_directions_of_the_way(way: Way) -> None:
    line = connected(way)
    short = line.ask(until=soon())
    way.there_s = way.back_s = DELAY_S
    long = line.ask(until=soon())
    line.close()

    assert long.first_byte_ms >= 2 * DELAY_S * 1000 > short.first_byte_ms


def test_the_handshake_grows_with_the_way_and_the_phases_before_it_do_not(way: Way) -> None:
    way.there_s = way.back_s = DELAY_S
    line = connected(way)
    line.close()

    assert line.tls_ms >= 2 * DELAY_S * 1000
    assert line.dns_ms < DELAY_S * 1000


def test_a_slow_resolver_is_seen_in_its_own_phase(way: Way) -> None:
    def slow(endpoint: Endpoint, family: Family, until: float) -> list[str]:
        time.sleep(DELAY_S)
        return ["127.0.0.1"]

    line = connected(way, resolve=slow)
    line.close()

    assert line.dns_ms >= DELAY_S * 1000 > line.tcp_ms


def test_the_first_byte_is_not_the_last(way: Way, peer: server.Peer) -> None:
    """A long body that drips must not count as a long way."""
    peer.answer = lambda request: server.Answer(body=b"z" * 20)
    line = connected(way)
    peer.always = server.Fault(drip_s=0.02)
    begun = time.perf_counter_ns()
    asked = line.ask(until=soon())
    whole_ms = (time.perf_counter_ns() - begun) / 1e6
    line.close()

    assert whole_ms - asked.first_byte_ms >= 10 * 20


def test_a_redirect_is_recorded_and_not_followed(way: Way, peer: server.Peer) -> None:
    peer.answer = lambda request: server.Answer(status=302, headers={"Location": "https://169.254.169.254/"})

    line = connected(way)
    asked = line.ask(until=soon())
    line.close()

    assert (asked.status, asked.location) == (302, "https://169.254.169.254/")
    assert len(peer.asked) == 1


def test_the_socket_goes_to_the_address_and_the_name_is_checked(way: Way) -> None:
    """The certificate is that of localhost: under another name the same address is not trusted."""
    assert failure(way, host="other.example.org") == "certificate"


def test_a_stranger_to_our_authorities_is_not_trusted(
    way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path, names=("other.example.org",))))

    assert failure(way) == "certificate"


@pytest.mark.parametrize(
    ("status", "expected"), [(429, "throttled"), (503, "throttled"), (500, "server_error"), (502, "server_error")]
)
def test_a_status_that_says_nothing_of_the_way_is_a_failure(
    way: Way, peer: server.Peer, status: int, expected: str
) -> None:
    peer.always = server.Fault(status=status)

    assert failure(way) == expected


def test_a_closed_port_is_a_failure_to_connect(way: Way) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        way.port = free.getsockname()[1]

    assert failure(way) == "tcp"


def test_no_address_of_a_family_is_told_apart(way: Way) -> None:
    assert failure(way, family=6) == "no_address"


def test_a_cut_in_the_handshake_is_a_failure_of_tls(way: Way) -> None:
    way.cut_after = 50

    assert failure(way) in ("tls", "closed")


def test_a_cut_in_the_answer_is_told(way: Way, peer: server.Peer) -> None:
    peer.answer = lambda request: server.Answer(body=b"x" * 1000)
    line = connected(way)
    peer.always = server.Fault(cut_after=10)
    with pytest.raises(Failed) as caught, closing(line):
        line.ask(until=soon())

    assert caught.value.failure in ("closed", "http")


def test_a_peer_that_drips_is_a_timeout_at_the_whole_time(way: Way) -> None:
    """Each byte comes in time for a socket; the answer as a whole does not."""
    line = connected(way)
    way.drip_s = 0.05
    with pytest.raises(Failed) as caught, closing(line):
        line.ask(until=time.monotonic() + 0.4)

    assert caught.value.failure == "timeout"


def test_no_more_of_a_body_is_read_than_its_cap(way: Way, peer: server.Peer) -> None:
    peer.answer = lambda request: server.Answer(pieces=(b"x" * 8192 for _ in range(10_000)))

    assert failure(way) == "too_large"


def test_what_is_not_http_is_told_apart(way: Way, monkeypatch: pytest.MonkeyPatch, peer: server.Peer) -> None:
    peer.answer = lambda request: server.Answer(status=99)  # http.client takes 100 to 999

    assert failure(way) == "http"
