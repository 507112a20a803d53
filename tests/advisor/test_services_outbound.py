"""Addresses that users give: what may be called, and what is never called, however it is spelled."""

import socket
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from advisor.services import outbound
from advisor.services.outbound import Refused, Unreachable
from tests.advisor.peers import Peer, certificate, serve


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
        "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2001::1",
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


def test_a_redirect_is_an_answer_and_is_not_followed(peer: Peer) -> None:
    peer.status, peer.headers = 307, {"Location": peer.url}

    assert post(peer.url) == 307
    assert len(peer.got) == 1


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
