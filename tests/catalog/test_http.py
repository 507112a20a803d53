"""Asking a provider: over real sockets, to a peer that stumbles as it is told."""

import datetime as dt
import email.utils
import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from catalog.sources import pace
from catalog.sources.http import Asker, Patience
from catalog.sources.source import SourceBusy, SourceFailed, SourceUnreachable
from tests.advisor.peers import certificate
from tests.catalog.peers.server import Answer, Fault, Peer, Request, running

QUICK = Patience(first_pause_s=0.01)
KEY = "a-key-that-must-not-be-seen"
CONTENT = bytes(range(256)) * 4096  # 1 MB


def asker(peer: Peer, *, patience: Patience = QUICK) -> Asker:
    return Asker(base=peer.url, pace_name="azure-prices", headers={"X-Key": KEY}, patience=patience)


@contextmanager
def saying(answer: Answer | None = None) -> Iterator[Peer]:
    with running(lambda request: answer or Answer(body=b"fine")) as peer:
        yield peer


@dataclass
class File:
    """A large file that can be asked for from a byte on, if it is still the same."""

    content: bytes = CONTENT
    etag: str | None = '"one"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes after which each answer ends too early

    def __call__(self, request: Request) -> Answer:
        headers = {} if self.etag is None else {"ETag": self.etag}
        asked = request.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        same = request.headers.get("if-range") in (None, self.etag)
        if not asked or not same or not self.ranges:
            return Answer(body=self.content, headers=headers)
        begin = int(asked)
        headers["Content-Range"] = f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}"
        return Answer(body=self.content[begin:], status=206, headers=headers)


@pytest.mark.parametrize("more", ["\n", " ", "\nand-a-second-line"])
def test_a_malformed_key_is_told_without_the_key(more: str) -> None:
    with (
        saying() as peer,
        Asker(base=peer.url, pace_name="azure-prices", headers={"X-Key": KEY + more}) as ask,
        pytest.raises(SourceFailed, match="key perhaps") as told,
    ):
        ask.get("/")

    assert KEY not in str(told.value)
    assert peer.asked == []


def test_an_answer_comes_whole_with_its_headers_sent() -> None:
    with saying() as peer, asker(peer) as ask:
        assert ask.get("some/page", params={"a": "b c"}) == b"fine"

    assert peer.asked[0].path == "/some/page" and peer.asked[0].query == {"a": "b c"}
    assert peer.asked[0].headers["x-key"] == KEY


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_provider_is_asked_again(status: int) -> None:
    with saying() as peer, asker(peer) as ask:
        peer.faults += [Fault(status=status), Fault(status=status)]

        assert ask.get("/") == b"fine"

    assert len(peer.asked) == 3


def test_a_provider_that_stays_busy_is_given_up_after_five_tries() -> None:
    with saying() as peer, asker(peer) as ask:
        peer.always = Fault(status=503)

        with pytest.raises(SourceBusy, match="answered 503"):
            ask.get("/")

    assert len(peer.asked) == 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    with saying() as peer, asker(peer) as ask:
        peer.always = Fault(status=status)

        with pytest.raises(SourceFailed, match=str(status)) as told:
            ask.get("/")

    assert not isinstance(told.value, SourceBusy)
    assert len(peer.asked) == 1


def in_an_hour(zone: str) -> str:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    return email.utils.format_datetime(moment, usegmt=True).replace("GMT", zone).strip()


@pytest.mark.parametrize("zone", ["GMT", "-0000", ""])
def test_a_retry_after_that_is_a_day_and_hour_is_passed_on_in_seconds(zone: str) -> None:
    with saying() as peer, asker(peer) as ask:
        peer.always = Fault(status=429, retry_after=in_an_hour(zone))

        with pytest.raises(SourceBusy) as told:
            ask.get("/")

    assert 3000 <= told.value.retry_after_s <= 3600


def test_a_long_retry_after_ends_the_fetch_and_is_passed_on() -> None:
    with saying() as peer, asker(peer) as ask:
        peer.always = Fault(status=429, retry_after="7200")

        with pytest.raises(SourceBusy) as told:
            ask.get("/")

    assert told.value.retry_after_s == 7200
    assert len(peer.asked) == 1


@pytest.mark.parametrize("said", ["0", "Thu, 01 Jan 2015 00:00:00 GMT", "soon", "²", ""])
def test_a_short_a_past_and_a_senseless_retry_after_are_waited_out(said: str) -> None:
    with saying() as peer, asker(peer) as ask:
        peer.faults.append(Fault(status=429, retry_after=said))

        assert ask.get("/") == b"fine"

    assert len(peer.asked) == 2


def test_a_cut_answer_is_asked_again_and_never_taken_for_whole() -> None:
    with saying(Answer(body=b"0123456789")) as peer, asker(peer) as ask:
        peer.faults += [Fault(cut_after=3), Fault(cut_after=0)]

        assert ask.get("/") == b"0123456789"


def test_an_answer_that_drips_is_given_up() -> None:
    with saying(Answer(body=b"x" * 1000)) as peer:
        peer.always = Fault(drip_s=0.05)

        with (
            asker(peer, patience=Patience(tries=2, first_pause_s=0.01, answer_within_s=0.2)) as ask,
            pytest.raises(SourceBusy, match="too slowly"),
        ):
            ask.get("/")

    assert len(peer.asked) == 2


def test_a_file_that_drips_ends_at_its_deadline() -> None:
    with saying(Answer(body=b"x" * 1000)) as peer:
        peer.always = Fault(drip_s=0.05)

        with (
            asker(peer, patience=Patience(first_pause_s=0.01, file_within_s=0.3)) as ask,
            pytest.raises(SourceBusy, match="too slowly"),
        ):
            list(ask.pieces("/"))


def test_a_provider_that_falls_silent_is_given_up() -> None:
    with saying(Answer(body=b"xy")) as peer:
        peer.always = Fault(drip_s=30)

        with (
            asker(peer, patience=Patience(tries=2, first_pause_s=0.01, silence_s=0.1)) as ask,
            pytest.raises(SourceBusy, match="ReadTimeout"),
        ):
            ask.get("/")


def test_an_answer_beyond_the_cap_is_refused_also_when_packed() -> None:
    packed = Answer(body=gzip.compress(b"0" * 3_000_000), headers={"Content-Encoding": "gzip"})
    assert len(packed.body) < 10_000

    with saying(packed) as peer, asker(peer, patience=Patience(answer_max_bytes=1 << 20)) as ask:
        with pytest.raises(SourceFailed, match="more than 1 MB"):
            ask.get("/")

        assert len(peer.asked) == 1


def test_an_answer_that_cannot_be_unpacked_is_a_stumble() -> None:
    garbled = Answer(body=b"no gzip at all", headers={"Content-Encoding": "gzip"})

    with (
        saying(garbled) as peer,
        asker(peer, patience=Patience(tries=2, first_pause_s=0.01)) as ask,
        pytest.raises(SourceBusy, match="DecodingError"),
    ):
        ask.get("/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with saying() as elsewhere:
        away = Answer(status=status, headers={"Location": f"{elsewhere.url}/other"})
        with saying(away) as peer, asker(peer) as ask, pytest.raises(SourceFailed, match=str(status)):
            ask.get("/")

    assert elsewhere.asked == []
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    "address",
    [
        "{other}/next",
        "http://localhost:{port}/next",
        "https://127.0.0.1:{port}/next",
        "http://127.0.0.1:{port}@example.com/next",
        "http://somebody:secret@127.0.0.1:{port}/next",
        "http://127.0.0.1/next",
        "http://[::/next",
    ],
)
def test_another_host_is_refused_before_anything_is_sent(address: str) -> None:
    with saying() as other, saying() as peer, asker(peer) as ask:
        port = httpx2.URL(peer.url).port

        with pytest.raises(SourceFailed, match="not followed"):
            ask.get(address.format(other=other.url, port=port))

        assert peer.asked == other.asked == []
        assert ask.get(f"{peer.url}/next?page=2") == b"fine"


def test_a_port_that_goes_without_saying_is_the_same_host() -> None:
    with (
        Asker(base="https://127.0.0.1", pace_name="azure-prices", patience=QUICK) as ask,
        pytest.raises(SourceUnreachable),  # nobody listens there: it was tried, so it was not refused as another host
    ):
        ask.get("https://127.0.0.1:443/next")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that is taken, but on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_nobody_at_the_address_is_told_after_two_tries(closed_port: int, caplog: pytest.LogCaptureFixture) -> None:
    with (
        Asker(base=f"http://127.0.0.1:{closed_port}", pace_name="azure-prices", patience=QUICK) as ask,
        pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1 cannot be reached"),
    ):
        ask.get(f"/?key={KEY}")

    assert len([row for row in caplog.records if row.name == "stamina"]) == 1  # one retry was announced
    with (
        Asker(base=f"http://127.0.0.1:{closed_port}", pace_name="azure-prices", patience=QUICK) as ask,
        pytest.raises(SourceUnreachable),
    ):
        list(ask.pieces("/file"))


def test_a_certificate_of_nobody_we_know_is_not_accepted(tmp_path: Path) -> None:
    pem = certificate(tmp_path)

    with running(lambda request: Answer(body=b"fine"), pem=pem) as peer, asker(peer) as ask:
        with pytest.raises(SourceUnreachable, match="certificate"):
            ask.get("/")

        assert peer.asked == []


@pytest.mark.parametrize("fault", [Fault(status=403), Fault(status=503), Fault(cut_after=1), Fault(drip_s=0.2)])
def test_a_key_is_in_no_error(fault: Fault) -> None:
    with (
        saying(Answer(body=b"four")) as peer,
        asker(peer, patience=Patience(tries=1, answer_within_s=0.1)) as ask,
    ):
        peer.always = fault

        with pytest.raises(SourceFailed) as told:
            ask.get(f"/page?key={KEY}", params=None)

    shown, error = "", told.value
    while error is not None:
        shown += f"{error} {error!r}"
        error = error.__cause__
    assert KEY not in shown and "page" in shown


def test_a_file_comes_in_pieces_uncompressed() -> None:
    with running(File()) as peer, asker(peer) as ask:
        pieces = list(ask.pieces("/file"))

    assert b"".join(pieces) == CONTENT and len(pieces) > 1
    assert peer.asked[0].headers["accept-encoding"] == "identity"


def test_a_cut_file_is_taken_up_where_it_was_cut() -> None:
    with running(File()) as peer, asker(peer) as ask:
        peer.faults += [Fault(cut_after=300_000), Fault(status=503), Fault(cut_after=200_000)]

        assert b"".join(ask.pieces("/file")) == CONTENT

    begun = [request.headers.get("range") for request in peer.asked]
    assert begun[0] is None and len(begun) == 4
    assert all(request.headers["if-range"] == '"one"' for request in peer.asked[1:])
    assert begun[1] == begun[2] != begun[3]


def test_a_file_without_a_mark_is_taken_up_all_the_same() -> None:
    with running(File(etag=None)) as peer, asker(peer) as ask:
        peer.faults.append(Fault(cut_after=300_000))

        assert b"".join(ask.pieces("/file")) == CONTENT

    assert "if-range" not in peer.asked[1].headers


def test_a_file_that_changed_in_between_is_not_pieced_together() -> None:
    file = File()
    with running(file) as peer, asker(peer) as ask:
        peer.faults.append(Fault(cut_after=300_000))
        pieces = ask.pieces("/file")
        next(pieces)
        file.etag, file.content = '"two"', CONTENT[::-1]

        with pytest.raises(SourceBusy, match="cannot be taken up"):
            list(pieces)


@pytest.mark.parametrize("wrong", [File(ranges=False), None])
def test_a_server_that_cannot_go_on_in_the_middle_is_left_for_later(wrong: File | None) -> None:
    def answer(request: Request) -> Answer:
        if wrong is not None:
            return wrong(request)
        if "range" in request.headers:  # it says 206, but of another range
            return Answer(body=CONTENT, status=206, headers={"Content-Range": f"bytes 0-{len(CONTENT) - 1}/*"})
        return Answer(body=CONTENT)

    with running(answer) as peer, asker(peer) as ask:
        peer.faults.append(Fault(cut_after=300_000))

        with pytest.raises(SourceBusy, match="cannot be taken up"):
            list(ask.pieces("/file"))


def test_a_file_that_gets_nowhere_is_given_up() -> None:
    with running(File()) as peer, asker(peer, patience=Patience(tries=3, first_pause_s=0.001)) as ask:
        peer.always = Fault(cut_after=0)

        with pytest.raises(SourceBusy):
            list(ask.pieces("/file"))

    assert len(peer.asked) == 3


def test_a_provider_that_is_asked_by_all_at_once_is_left_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr(pace, "PACES", {"test": "1 per day"})

    with saying() as peer, Asker(base=peer.url, pace_name="test", patience=QUICK) as ask:
        assert ask.get("/") == b"fine"
        with pytest.raises(SourceBusy, match="no turn"):
            ask.get("/")

    assert len(peer.asked) == 1
