"""A box on the way to a peer: holds each piece back for a while in either direction, cuts, or drips byte by byte."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Way:
    """How the way behaves now; it may be changed while it runs."""

    there_s: float = 0.0  # from the caller to the peer, each piece
    back_s: float = 0.0
    cut_after: int | None = None  # bytes to the caller before both ends are closed
    drip_s: float | None = None  # a pause between the bytes to the caller
    port: int = 0
    connections: int = 0
    _sockets: list[socket.socket] = field(default_factory=list)


@contextmanager
def way_to(port: int) -> Iterator[Way]:
    """Run a box before a port of this machine; its own port is `way.port`."""
    way = Way()
    listening = socket.create_server(("127.0.0.1", 0))
    way.port = listening.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            way.connections += 1
            far = socket.create_connection(("127.0.0.1", port))
            way._sockets += [near, far]
            for source, sink, is_back in ((near, far, False), (far, near, True)):
                threading.Thread(target=_carry, args=(way, source, sink, is_back), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=5)
        for one in way._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes whoever reads from it, which closing alone does not
            one.close()


def _carry(way: Way, source: socket.socket, sink: socket.socket, is_back: bool) -> None:
    carried = 0
    with suppress(OSError):
        while piece := source.recv(65536):
            time.sleep(way.back_s if is_back else way.there_s)
            if is_back and way.cut_after is not None:
                sink.sendall(piece[: max(way.cut_after - carried, 0)])
                if carried + len(piece) > way.cut_after:
                    break
            elif is_back and way.drip_s is not None:
                for place in range(len(piece)):
                    sink.sendall(piece[place : place + 1])
                    time.sleep(way.drip_s)
            else:
                sink.sendall(piece)
            carried += len(piece)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
