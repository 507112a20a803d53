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
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolverIsSlow
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TOTAL_S = 10.0
ANSWER_MAX_BYTES = 64 * 1024
HTTPS_PORT = 443
# Not global, or able to carry an address that is not: what `ipaddress` of every Python we run on may still let through.
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
        "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
        "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")


class Refused(Exception):
    """This address must not be called; the text says why."""


class Unreachable(Exception):
    """Nobody answered there in time, or not in HTTP over a trusted certificate."""


@dataclass(frozen=True)
class Target:
    """A checked address, not resolved yet."""

    host: str
    port: int
    path: str


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
    until = time.monotonic() + TOTAL_S
    goal = target(url)
    addresses = _resolved(goal, until=until)
    try:
        with _connected(goal, addresses, until=until) as plain, plain.dup() as twin:
            timer = threading.Timer(max(until - time.monotonic(), 0.01), _cut, [twin])
            timer.start()
            try:
                return _asked(goal, plain, body=body, headers=headers)
            finally:
                timer.cancel()
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"Its certificate is not trusted: {error.verify_message}.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"No answer in HTTP over TLS within {TOTAL_S:g} s.") from error


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


def _resolved(goal: Target, *, until: float) -> list[Address]:
    """Return every address of the host, each of them checked."""
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        asked = pool.submit(socket.getaddrinfo, goal.host, goal.port, type=socket.SOCK_STREAM)
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


def _check(address: Address, *, port: int) -> None:
    if any(address in network for network in settings.OUTBOUND_ALLOWED_NETWORKS):
        return
    if port != HTTPS_PORT:
        raise Refused(f"The port must be {HTTPS_PORT}.")
    if not address.is_global or any(address in network for network in _REFUSED):
        raise Refused("The host lies in a private or reserved network.")


def _connected(goal: Target, addresses: list[Address], *, until: float) -> socket.socket:
    """Return a socket to the first address that takes the connection."""
    last: OSError = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((str(address), goal.port), timeout=max(until - time.monotonic(), 0.01))
        except OSError as error:
            last = error
    raise last


def _asked(goal: Target, plain: socket.socket, *, body: bytes, headers: Mapping[str, str]) -> int:
    with ssl.create_default_context().wrap_socket(plain, server_hostname=goal.host) as secure:
        connection = http.client.HTTPConnection(goal.host, goal.port)
        connection.sock = secure
        host = f"[{goal.host}]" if ":" in goal.host else goal.host
        told = {"Host": host if goal.port == HTTPS_PORT else f"{host}:{goal.port}", "Connection": "close"}
        connection.request("POST", goal.path, body=body, headers={**told, **headers})
        answer = connection.getresponse()
        answer.read(ANSWER_MAX_BYTES)
        return answer.status


def _cut(twin: socket.socket) -> None:
    """End a conversation that drips on: a timeout of the socket would begin anew with each byte."""
    with suppress(OSError):
        twin.shutdown(socket.SHUT_RDWR)
