"""One request over HTTPS, timed phase by phase, to an address that somebody else has resolved and found fit.

Nothing is followed, decompressed or tried again, and no proxy of the environment is asked: what is measured is one way
to one address. Durations are read from ``time.perf_counter_ns``; the clock on the wall is not in them.
"""

import errno
import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

Family = Literal[4, 6]
Failure = Literal[
    "dns", "no_address", "refused", "no_route", "tcp", "tls", "certificate", "timeout", "closed", "http", "too_large",
    "throttled", "server_error",
]  # fmt: skip
REQUEST_S = 5.0  # from the question to the resolver to the last byte of the body
BODY_MAX_BYTES = 64 * 1024
HTTPS_PORT = 443
AGENT = "ai-stack-advisor latency probe"
_THROTTLED = (429, 503)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Whom to ask for what."""

    host: str
    path: str
    port: int = HTTPS_PORT


class Failed(Exception):
    """One request came to nothing; ``failure`` is its class, the text says more."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure: Failure = failure


Resolve = Callable[[Endpoint, Family, float], Sequence[str]]
"""Returns the addresses of one family, each of them checked, until a reading of ``time.monotonic``. Raises Failed."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The answer to one request: how long its first byte took after the request was written, and what it said."""

    first_byte_ms: float
    status: int
    location: str = ""  # where a redirect points to; nobody goes there
    server: str = ""
    is_last: bool = False  # the server ends the connection after it


@dataclass(kw_only=True)
class Connection:
    """An open connection to one address, with what opening it took."""

    endpoint: Endpoint
    secure: ssl.SSLSocket
    address: str
    dns_ms: float
    tcp_ms: float
    tls_ms: float
    tls_version: str
    alpn: str
    certificate_expires: str  # as in the certificate: "Jun  1 12:00:00 2027 GMT"

    def ask(self, *, until: float) -> Asked:
        """Send one request and read its answer whole, at most 64 KiB. Raises Failed."""
        with _classed("closed"):
            self.secure.settimeout(_left(until))
            self.secure.sendall(_request(self.endpoint))
            sent = time.perf_counter_ns()
            stamped = _Stamped(self.secure, until=until)
            answer = http.client.HTTPResponse(stamped, method="GET")  # type: ignore[arg-type]  # it only reads
            answer.begin()
            body = answer.read(BODY_MAX_BYTES + 1)
        if answer.length and len(body) <= BODY_MAX_BYTES:  # of as many bytes as it announced, so many did not come
            raise Failed("closed", "the answer was cut")
        if len(body) > BODY_MAX_BYTES:
            raise Failed("too_large", f"more than {BODY_MAX_BYTES >> 10} KiB")
        if answer.status in _THROTTLED:
            raise Failed("throttled", f"status {answer.status}")
        if answer.status >= 500:
            raise Failed("server_error", f"status {answer.status}")
        return Asked(
            first_byte_ms=_ms(stamped.first_ns - sent),
            status=answer.status,
            location=(answer.getheader("Location") or "")[:200],
            server=(answer.getheader("Server") or "")[:80],
            is_last=answer.will_close or bool(answer.length),
        )

    def close(self) -> None:
        with suppress(OSError):
            self.secure.close()


def connect(endpoint: Endpoint, *, family: Family, resolve: Resolve, until: float) -> Connection:
    """Resolve, connect to the first address of the family, and shake hands. Raises Failed.

    The certificate is verified against the host's name, which is also sent (SNI); the socket goes to the address.
    ``until`` is a reading of ``time.monotonic``.
    """
    begun = time.perf_counter_ns()
    addresses = resolve(endpoint, family, until)
    resolved = time.perf_counter_ns()
    if not addresses:
        raise Failed("no_address", f"no address of IPv{family}")
    with _classed("tcp"):
        plain = socket.create_connection((addresses[0], endpoint.port), timeout=_left(until))
    connected = time.perf_counter_ns()
    with plain, _classed("tls"):  # wrapped, the plain one is empty, and closing it does nothing
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(_left(until))
        secure = _context().wrap_socket(plain, server_hostname=endpoint.host)
    shaken = time.perf_counter_ns()
    certificate = secure.getpeercert() or {}
    return Connection(
        endpoint=endpoint,
        secure=secure,
        address=addresses[0],
        dns_ms=_ms(resolved - begun),
        tcp_ms=_ms(connected - resolved),
        tls_ms=_ms(shaken - connected),
        tls_version=secure.version() or "",
        alpn=secure.selected_alpn_protocol() or "",
        certificate_expires=str(certificate.get("notAfter", "")),
    )


class _Stamped(io.RawIOBase):
    """What http.client reads an answer from: notes when its first byte came, and holds every read to one deadline."""

    def __init__(self, secure: ssl.SSLSocket, *, until: float) -> None:
        self._secure, self._until, self.first_ns = secure, until, 0

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._secure.settimeout(_left(self._until))
        count = self._secure.recv_into(buffer)
        if not self.first_ns:
            self.first_ns = time.perf_counter_ns()
        return count


@contextmanager
def _classed(failure: Failure) -> Iterator[None]:
    """Give what goes wrong its class; what is not told apart is of the given one."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Failed("certificate", error.verify_message) from error
    except TimeoutError as error:
        raise Failed("timeout", f"no answer within {REQUEST_S:g} s") from error
    except http.client.RemoteDisconnected as error:
        raise Failed("closed", "closed without an answer") from error
    except (http.client.HTTPException, ValueError) as error:
        raise Failed("http", f"not understood: {type(error).__name__}") from error
    except ConnectionRefusedError as error:
        raise Failed("tcp", "refused") from error
    except OSError as error:
        if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL):
            raise Failed("no_route", "this machine has no way to that address") from error
        raise Failed(failure, error.strerror or type(error).__name__) from error


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _request(endpoint: Endpoint) -> bytes:
    host = endpoint.host if endpoint.port == HTTPS_PORT else f"{endpoint.host}:{endpoint.port}"
    lines = (f"GET {endpoint.path} HTTP/1.1", f"Host: {host}", f"User-Agent: {AGENT}", "Accept: */*")
    return "\r\n".join((*lines, "Accept-Encoding: identity", "\r\n")).encode("ascii")


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _ms(duration_ns: int) -> float:
    return round(duration_ns / 1e6, 3)
