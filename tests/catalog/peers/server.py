"""A provider on this machine: a real server over real sockets, with TLS if wished, that fails when it is told to.

Each peer of a provider says in `answer` what it holds; the faults are the same for all of them.
"""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a peer was asked."""

    method: str
    path: str  # without the query
    query: Mapping[str, str]  # the last value of each name
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What it answers: bytes at once, or pieces one after the other (a file, a stream of events)."""

    body: bytes = b""
    pieces: Iterator[bytes] | None = None  # then sent in chunks as they come
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, *, status: int = 200) -> Answer:
    """Return a value as an answer in JSON."""
    return Answer(body=json.dumps(value).encode(), status=status, headers={"Content-Type": "application/json"})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with one answer."""

    status: int | None = None  # this status instead of the answer
    retry_after: str | None = None
    body: bytes = b'{"message": "told to fail"}'  # of that status
    cut_after: int | None = None  # bytes of the body before the connection is reset
    drip_s: float | None = None  # a pause between the bytes of the body
    on: Callable[[Request], bool] = lambda request: True


@dataclass
class Peer:
    """A running provider. `faults` are used up one an answer, in order; `always` holds for every answer."""

    answer: Callable[[Request], Answer]
    url: str = ""
    asked: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None

    def next_fault(self, request: Request) -> Fault | None:
        """Take the fault that is due for this request, if any."""
        for place, fault in enumerate(self.faults):
            if fault.on(request):
                return self.faults.pop(place)
        return self.always if self.always is not None and self.always.on(request) else None


@contextmanager
def running(answer: Callable[[Request], Answer], *, pem: Path | None = None) -> Iterator[Peer]:
    """Run a peer on a free port of this machine until the block ends; with a certificate, over TLS as `localhost`."""
    peer = Peer(answer=answer)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else small pieces wait for each other, as no real service lets them

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=parts.path,
                query={name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            with lock:
                peer.asked.append(request)
                fault = peer.next_fault(request)
                given = peer.answer(request) if fault is None or fault.status is None else None
            if given is None:
                assert fault is not None and fault.status is not None
                more = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
                given = Answer(body=fault.body, status=fault.status, headers=more)
                fault = None
            self._send(given, fault)

        do_GET = do_POST = do_HEAD = _serve  # noqa: N815 - the names of http.server

        def _send(self, given: Answer, fault: Fault | None) -> None:
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            if given.pieces is not None:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in given.pieces:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
                return
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault is not None and fault.cut_after is not None:
                self.wfile.write(given.body[: fault.cut_after])
                self.wfile.flush()
                # A reset, as of a crashed server or a box in between: not an orderly end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            if fault is not None and fault.drip_s is not None:
                for place in range(len(given.body)):
                    self.wfile.write(given.body[place : place + 1])
                    self.wfile.flush()
                    time.sleep(fault.drip_s)
                return
            self.wfile.write(given.body)

        def log_message(self, *parts: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A caller that hangs up is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        # Each handshake is the business of its own thread: one that never ends must not keep others from the door.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    peer.url = f"{'https://localhost' if pem else 'http://127.0.0.1'}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
