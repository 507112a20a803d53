"""Addresses that users give: what may be called, and what is never called, however it is spelled."""

import gzip
import ipaddress
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from advisor.services import outbound
from advisor.services.outbound import Refused, Unreachable
from tests.advisor.peers import Peer, certificate, serve
from tests.catalog.peers import server


def post(url: str) -> int:
    return outbound.post(url=url, body=b"{}", headers={"Content-Type": "application/json"})


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Answer each question to the resolver with the next list of addresses; the value collects the names asked for."""
    asked: list[str] = []
    waiting = list(answers)

    def answer(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = waiting.pop(0)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def test_a_trusted_peer_gets_the_body_and_its_status_comes_back(peer: Peer) -> None:
    status = post(peer.url)

    ((path, headers, body),) = peer.got
    assert (status, path, body) == (204, "/hook?team=7", b"{}")
    assert headers["host"] == peer.url.split("/")[2]
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "//example.org/",
        "https:///path", "https://", "https://user@example.org/", "https://user:word@example.org/",
        "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://127.1/", "https://0177.0.0.1/",
        "https://2852039166/", "https://0xa9fea9fe/", "https://0xA9.0xFE.0xA9.0xFE/", "https://0251.0376.0251.0376/",
        "https://025177524776/", "https://169.254.43518/", "https://1.2.3.4.5/", "https://①②⑦.0.0.1/",
        "https://169.254.169.254%2f@example.org/", "https://example.org:443@169.254.169.254/", "dict://example.org:443/",
        "jar:https://example.org/", "ldap://example.org/", "data:text/html,x", "HTTP://example.org/", "example.org",
        "https://example.org:99999/", "https://example.org:x/", "https://exa mple.org/", "https://example.org\\@evil/",
        "https://example.org/\r\nHost: evil", "https://-example.org/", "https://[::1%25lo]/", "https://example.org/ä",
        "https://example..org/", "https://[::1/",
    ],
)  # fmt: skip
def test_an_address_that_its_text_rules_out_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        outbound.target(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "168.63.129.16", "192.0.0.8", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "169.254.170.2", "192.0.0.192", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:8.8.8.8", "::ffff:0:7f00:1", "::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:0:a9fe:a9fe::", "fd00:ec2::23",
        "4000::1", "3fff::1",
        "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1", "5f00::1",
    ],
)  # fmt: skip
def test_a_host_in_a_closed_network_is_refused_by_number_and_by_name(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(Refused):
        post(f"https://{literal}/")
    resolve_to(monkeypatch, [address])
    with pytest.raises(Refused):
        post("https://innocent.example.org/")


def test_one_closed_answer_among_open_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["8.8.8.8", "10.0.0.1"])

    with pytest.raises(Refused, match="private or reserved"):
        post("https://two-faced.example.org/")


@pytest.mark.parametrize("port", [22, 25, 80, 6379, 8443, 65535])
def test_a_metadata_address_is_refused_at_every_port(port: int) -> None:
    with pytest.raises(Refused):
        post(f"https://169.254.169.254:{port}/latest/meta-data/")


def test_a_name_is_resolved_once_and_the_checked_address_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebinding resolver would answer a second question with an address inside."""
    asked = resolve_to(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    called: list[Any] = []

    def connect(address: Any, **_: Any) -> None:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)

    with pytest.raises(Unreachable):
        post("https://rebinding.example.org/")

    assert (asked, called) == (["rebinding.example.org"], [("8.8.8.8", 443)])


def test_another_port_than_that_of_https_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["8.8.8.8"])

    with pytest.raises(Refused, match="port must be 443"):
        post("https://example.org:22/")


def test_an_unknown_host_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(Unreachable, match="not known"):
        post("https://nowhere.example.org/")


@pytest.mark.parametrize("location", ["", "https://169.254.169.254/latest/meta-data/", "file:///etc/passwd"])
def test_a_redirect_is_an_answer_and_is_not_followed(peer: Peer, location: str) -> None:
    peer.status, peer.headers = 307, {"Location": location or peer.url}

    assert post(peer.url) == 307
    assert len(peer.got) == 1


def test_a_proxy_of_the_environment_is_not_asked(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert post(peer.url) == 204


def test_a_certificate_of_another_name_or_authority_is_not_trusted(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Peer()
    server = serve(stranger, pem=certificate(tmp_path, names=("other.example.org",)))
    try:
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            post(stranger.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.example.org.pem"))
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            post(stranger.url)
    finally:
        server.shutdown()
        server.server_close()
    assert stranger.got == []


def test_a_peer_that_drips_is_cut_off_at_the_whole_time(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time for a socket; the answer as a whole does not."""
    monkeypatch.setattr(outbound, "TOTAL_S", 0.5)

    def drip(request: BaseHTTPRequestHandler) -> None:
        try:
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 60:
                request.wfile.write(bytes([letter]))
                request.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    peer.before = drip

    with pytest.raises(Unreachable):
        post(peer.url)


def test_no_more_of_an_answer_is_read_than_its_cap(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    def flood(request: BaseHTTPRequestHandler) -> None:
        try:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            for _ in range(2000):
                request.wfile.write(b"x" * 65536)
                sent.append(65536)
        except OSError:
            return

    peer.before = flood

    assert post(peer.url) == 200
    assert sum(sent) < 100 * outbound.ANSWER_MAX_BYTES


@pytest.fixture
def talker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[server.Peer]:
    """A peer that answers in three pieces."""
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    settings.OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with server.running(lambda request: server.Answer(pieces=iter([b"data: 1\n\n", b"data: 2\n\n"])), pem=pem) as one:
        yield one


def stream(url: str, **how: Any) -> tuple[outbound.Stream, bytes]:
    with outbound.open_stream(url=url, body=b"{}", headers={"Accept": "text/event-stream"}, **how) as answer:
        return answer, b"".join(piece.body for piece in answer.pieces)


def answering(peer: server.Peer, **what: Any) -> None:
    peer.answer = lambda request: server.Answer(**what)


def test_a_stream_is_given_piece_by_piece_with_the_times_of_arrival(talker: server.Peer) -> None:
    """The second piece is not sent before the first was taken: nothing is kept back until the end."""
    taken: list[outbound.Piece] = []

    def pieces() -> Iterator[bytes]:
        yield b"data: 1\n\n"
        until = time.monotonic() + 5
        while not taken and time.monotonic() < until:
            time.sleep(0.01)
        yield b"data: 2\n\n" if taken else b"too late"

    answering(talker, pieces=pieces(), headers={"Content-Type": "text/event-stream"})
    with outbound.open_stream(url=talker.url + "/v1/chat?x=1", body=b"{}", headers={"Authorization": "Bearer k"}) as it:
        for piece in it.pieces:
            taken.append(piece)

    assert [piece.body for piece in taken] == [b"data: 1\n\n", b"data: 2\n\n"]
    assert it.sent_ns <= it.headed_ns <= taken[0].at_ns <= taken[1].at_ns
    assert (it.status, it.headers["content-type"], it.address) == (200, "text/event-stream", "127.0.0.1")
    (asked,) = talker.asked
    assert (asked.method, asked.path, asked.body, asked.headers["authorization"]) == (
        "POST", "/v1/chat", b"{}", "Bearer k",
    )  # fmt: skip
    assert asked.headers["accept-encoding"] == "identity"


def test_a_stream_without_a_body_is_asked_for_by_get(talker: server.Peer) -> None:
    with outbound.open_stream(url=talker.url + "/v1/models", body=None, headers={}) as answer:
        list(answer.pieces)

    assert [asked.method for asked in talker.asked] == ["GET"]


@pytest.mark.parametrize("url", ["http://localhost/", "https://169.254.169.254/", "https://[::ffff:169.254.169.254]/"])
def test_a_stream_is_refused_where_a_post_is(url: str) -> None:
    with pytest.raises(Refused):
        stream(url)


def test_a_redirect_is_not_followed_by_a_stream(talker: server.Peer) -> None:
    answering(talker, status=302, headers={"Location": "https://169.254.169.254/latest/meta-data/"})

    answer, _ = stream(talker.url)

    assert (answer.status, len(talker.asked)) == (302, 1)
    assert answer.headers["location"] == "https://169.254.169.254/latest/meta-data/"


def test_a_stream_larger_than_its_cap_is_given_up(talker: server.Peer) -> None:
    answering(talker, pieces=(b"x" * 1000 for _ in range(100_000)))

    with pytest.raises(Unreachable, match="more than 5000 bytes"):
        stream(talker.url, max_bytes=5000)


def test_a_bomb_in_gzip_is_refused_before_its_body_is_read(talker: server.Peer) -> None:
    answering(talker, body=gzip.compress(b"0" * 1_000_000), headers={"Content-Encoding": "gzip"})

    with pytest.raises(Unreachable, match="compressed"):
        stream(talker.url)


@pytest.mark.parametrize("what", [{"body": b"z" * 60}, {"pieces": (b"z" for _ in range(60) if not time.sleep(0.1))}])
def test_a_stream_that_drips_is_cut_off_at_the_whole_time(talker: server.Peer, what: dict[str, Any]) -> None:
    answering(talker, **what)
    talker.always = server.Fault(drip_s=0.1)

    with pytest.raises(Unreachable, match=r"did not end within 0\.5 s"):
        stream(talker.url, within_s=0.5)


def test_a_stream_that_is_cut_in_the_middle_is_not_taken_for_whole(talker: server.Peer) -> None:
    answering(talker, body=b"data: 1\n\n" * 100)
    talker.always = server.Fault(cut_after=20)

    with pytest.raises(Unreachable, match="cut off in the middle"):
        stream(talker.url)


def test_what_goes_wrong_in_the_readers_own_hands_stays_what_it_is(talker: server.Peer) -> None:
    def read() -> None:
        with outbound.open_stream(url=talker.url, body=b"{}", headers={}):
            raise ValueError("not JSON")

    with pytest.raises(ValueError, match="not JSON"):
        read()


@pytest.mark.parametrize("headers", [{"X-A": "b\r\nHost: evil"}, {"X-A\r\nHost": "evil"}])
def test_a_header_cannot_bring_another_along(talker: server.Peer, headers: dict[str, str]) -> None:
    with pytest.raises(Unreachable):
        outbound.post(url=talker.url, body=b"{}", headers=headers)

    assert talker.asked == []
