"""The one way to an address that a user gave: checked, resolved once, pinned, short, and without redirects.

Whoever can make us send a request could otherwise read what only this machine can reach: the cloud's metadata service,
a database without a password, another tenant (SSRF). So every answer of the resolver is checked before any is used,
and the socket is opened to the checked address, not to the name.
"""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolverIsSlow
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TOTAL_S = 10.0
STREAM_S = 120.0
ANSWER_MAX_BYTES = 64 * 1024
STREAM_MAX_BYTES = 4 * 1024 * 1024
_PIECE_BYTES = 16 * 1024
HTTPS_PORT = 443
# Not global, or able to carry an address that is not: what `ipaddress` of every Python we run on may still let through.
# Of IPv6, only 2000::/3 is given out; the rest holds mapped, translated (NAT64, SIIT), local and group addresses.
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
        "::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1",
    )
)  # fmt: skip
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")


class Refused(Exception):
    """This address must not be called; the text says why."""


class Unreachable(Exception):
    """Nobody answered there whole, in time and within the cap, in plain HTTP over a trusted certificate."""


@dataclass(frozen=True)
class Target:
    """A checked address, not resolved yet."""

    host: str
    port: int
    path: str


@dataclass(frozen=True)
class Piece:
    """What one read of an answer's body brought, with the reading of the clock of ``time.perf_counter_ns``."""

    body: bytes
    at_ns: int


@dataclass(frozen=True)
class Stream:
    """An answer whose body is still on its way. The clock is that of ``time.perf_counter_ns``."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    address: str  # the one that was called
    sent_ns: int  # the request was written whole
    headed_ns: int  # the answer's headers were there
    pieces: Iterator[Piece]  # raises Unreachable where the answer ends too early, comes too late or is too large


def target(url: str) -> Target:
    """Return the parts of an address that may be called, as far as its text tells. Raises Refused."""
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise Refused("The address holds spaces, backslashes or control characters.")
    if not url.isascii():
        raise Refused("The address must be plain ASCII: percent-encode its path, and write its host as xn--….")
    try:
        parts = urlsplit(url)
        port, name = parts.port or HTTPS_PORT, (parts.hostname or "").rstrip(".")
    except ValueError as error:
        raise Refused("The address cannot be read.") from error
    if parts.scheme != "https":
        raise Refused("The address must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise Refused("The address must not hold a user name or a password.")
    query = f"?{parts.query}" if parts.query else ""
    return Target(host=_host(name), port=port, path=f"{parts.path or '/'}{query}")


def post(*, url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a body to an address and return the status of the answer. Raises Refused and Unreachable.

    A redirect is an answer like any other: it is not followed.
    """
    with _asked(url=url, body=body, headers=headers, within_s=TOTAL_S) as (answer, call):
        with _in_plain_words(call):
            answer.read(ANSWER_MAX_BYTES)
        return answer.status


@contextmanager
def open_stream(
    *,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    within_s: float = STREAM_S,
    max_bytes: int = STREAM_MAX_BYTES,
) -> Iterator[Stream]:
    """Send a body (GET without one) and give the answer while it comes, whatever its status. Raises as `post` does.

    ``within_s`` counts from the first question to the resolver to the last byte. Nothing is decompressed: an answer in
    gzip, which nobody asked for, is refused. Leaving the block closes the connection.
    """
    with _asked(url=url, body=body, headers=headers, within_s=within_s) as (answer, call):
        told = {name.lower(): value for name, value in answer.getheaders()}
        if told.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise Unreachable("It answers compressed, which it was not asked for.")
        yield Stream(
            status=answer.status,
            headers=told,
            address=call.address,
            sent_ns=call.sent_ns,
            headed_ns=time.perf_counter_ns(),
            pieces=_pieces(answer, call=call, max_bytes=max_bytes),
        )


def resolved(goal: Target, *, until: float, family: int = socket.AF_UNSPEC) -> list[Address]:
    """Return every address of the host (in one family, if given), each of them checked. Raises Refused and Unreachable.

    ``until`` is a reading of ``time.monotonic``.
    """
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        asked = pool.submit(socket.getaddrinfo, goal.host, goal.port, family=family, type=socket.SOCK_STREAM)
        found = asked.result(timeout=max(until - time.monotonic(), 0.01))
    except ResolverIsSlow as error:
        raise Unreachable("The host name was not resolved in time.") from error
    except (OSError, UnicodeError) as error:
        raise Unreachable("The host name is not known.") from error
    finally:
        pool.shutdown(wait=False)
    addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
    for address in addresses:
        _check(address, port=goal.port)
    return list(dict.fromkeys(addresses))


@dataclass
class _Call:
    """One request on its way: whom it went to, when it was written, and whether its time has run out."""

    within_s: float
    address: str = ""
    sent_ns: int = 0
    late: bool = False


def _host(name: str) -> str:
    """Return a host in the one spelling that resolver and certificate check understand alike."""
    with suppress(ValueError):
        if "%" not in name:  # a zone of this machine, as in fe80::1%eth0
            return str(ipaddress.ip_address(name))
    try:
        host = name.encode("idna").decode().lower()
    except UnicodeError as error:
        raise Refused("The host name cannot be read.") from error
    # `2130706433`, `0x7f.1` and `127.1` are addresses to a resolver, not names.
    if not _HOST.match(host) or _NUMBER.match(host.rsplit(".", 1)[-1]):
        raise Refused("The host must be a name or a plainly written address.")
    return host


def _check(address: Address, *, port: int) -> None:
    if any(address in network for network in settings.OUTBOUND_ALLOWED_NETWORKS):
        return
    if port != HTTPS_PORT:
        raise Refused(f"The port must be {HTTPS_PORT}.")
    if not address.is_global or any(address in network for network in _REFUSED):
        raise Refused("The host lies in a private or reserved network.")


@contextmanager
def _asked(
    *, url: str, body: bytes | None, headers: Mapping[str, str], within_s: float
) -> Iterator[tuple[http.client.HTTPResponse, _Call]]:
    """Check, resolve once, connect to a checked address, ask, and end all of it when the time has run out."""
    until = time.monotonic() + within_s
    goal = target(url)
    addresses = resolved(goal, until=until)
    call = _Call(within_s=within_s)
    with ExitStack() as opened:
        with _in_plain_words(call):
            plain = opened.enter_context(_connected(goal, addresses, until=until))
            opened.enter_context(_cut_at(until, plain, call=call))
            call.address = str(plain.getpeername()[0])
            secure = ssl.create_default_context().wrap_socket(plain, server_hostname=goal.host)
            answer = _answer(goal, opened.enter_context(secure), body=body, headers=headers, call=call)
        yield answer, call


@contextmanager
def _in_plain_words(call: _Call) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"Its certificate is not trusted: {error.verify_message}.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"No answer in HTTP over TLS within {call.within_s:g} s.") from error


def _connected(goal: Target, addresses: list[Address], *, until: float) -> socket.socket:
    """Return a socket to the first address that takes the connection."""
    last: OSError = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((str(address), goal.port), timeout=max(until - time.monotonic(), 0.01))
        except OSError as error:
            last = error
    raise last


@contextmanager
def _cut_at(until: float, plain: socket.socket, *, call: _Call) -> Iterator[None]:
    """End a conversation that drips on: a timeout of the socket would begin anew with each byte."""
    with plain.dup() as twin:

        def cut() -> None:
            call.late = True
            with suppress(OSError):
                twin.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(max(until - time.monotonic(), 0.01), cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _answer(
    goal: Target, secure: ssl.SSLSocket, *, body: bytes | None, headers: Mapping[str, str], call: _Call
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(goal.host, goal.port)
    connection.sock = secure
    host = f"[{goal.host}]" if ":" in goal.host else goal.host
    told = {"Host": host if goal.port == HTTPS_PORT else f"{host}:{goal.port}", "Connection": "close"}
    connection.request("GET" if body is None else "POST", goal.path, body=body, headers={**headers, **told})
    call.sent_ns = time.perf_counter_ns()
    return connection.getresponse()


def _pieces(answer: http.client.HTTPResponse, *, call: _Call, max_bytes: int) -> Iterator[Piece]:
    left = max_bytes
    try:
        while body := answer.read1(_PIECE_BYTES):
            left -= len(body)
            if left < 0:
                raise Unreachable(f"It sent more than {max_bytes} bytes.")
            yield Piece(body=body, at_ns=time.perf_counter_ns())
        # A cut connection looks like an end, where no length or chunk says otherwise.
        torn = call.late or bool(answer.length)
    except (OSError, http.client.HTTPException, ValueError):
        torn = True
    if torn:
        why = f"did not end within {call.within_s:g} s" if call.late else "was cut off in the middle"
        raise Unreachable(f"Its answer {why}.")
