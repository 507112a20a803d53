"""The cases of `manage.py bench` over HTTP: the API's main reads by the server that `make run` starts, under wrk."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import connection

from advisor.management import speed_api, web_server
from advisor.management.stopwatch import Case

_CONNECTIONS = 2
_SECONDS = 5
_READY_WITHIN_S = 60
_READS = ("run", "report", "offers")
_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", re.MULTILINE)
_COUNT = re.compile(r"^\s+(\d+) requests in ", re.MULTILINE)


class NotMeasured(RuntimeError):
    """wrk or the server did not do what a figure needs. The message says what they said."""


def http_cases() -> Iterator[Case]:
    """Yield what the server answers a second, while it runs; nothing where wrk is not installed."""
    if shutil.which("wrk") is None:
        return
    site = speed_api.prepared()
    with _served() as address:
        for name in _READS:
            title, path = site.reads[name]
            load = _Load(f"{address}{path}", secret=site.secret)
            yield Case(
                id=f"http.{name}",
                title=f"{title}: wrk with {_CONNECTIONS} connections, beside the server",
                unit="requests/s",
                action=load.run,
                runs=3,
                told=load.told,
                is_elsewhere=True,
            )


@dataclass
class _Load:
    """Requests of one address by wrk, as fast as they are answered."""

    url: str
    secret: str = field(repr=False)
    latency_ms: dict[str, float] = field(default_factory=dict)

    def run(self) -> int:
        """Return how many were answered with success in the time. Raises NotMeasured."""
        command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "--latency"]
        command += ["-H", f"Authorization: Bearer {self.secret}", self.url]
        count, self.latency_ms = told_by_wrk(
            subprocess.run(command, capture_output=True, text=True, check=False).stdout
        )
        return count

    def told(self) -> str:
        return f"last run: p50 {self.latency_ms['50']:.3g} ms, p99 {self.latency_ms['99']:.3g} ms"


def told_by_wrk(said: str) -> tuple[int, dict[str, float]]:
    """Return how many requests wrk says were answered, and p50 and p99 in ms. Raises NotMeasured if one was refused."""
    count = _COUNT.search(said)
    if count is None or "Non-2xx" in said or "Socket errors" in said:
        raise NotMeasured(f"wrk said: {said}")
    return int(count[1]), {share: float(value) * _MS[unit] for share, value, unit in _LATENCY.findall(said)}


@contextmanager
def _served() -> Iterator[str]:
    """Run the server on the database in use. Raises NotMeasured where it does not answer."""
    with socket.socket() as free:
        free.bind((web_server.HOST, 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": _database_url(), "API_READS_PER_MINUTE": str(10**8)}
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(
        web_server.command(port), env=environment, cwd=settings.BASE_DIR, stdout=quiet, stderr=quiet
    )
    try:
        late = time.monotonic() + _READY_WITHIN_S
        while not web_server.answers(port):
            if server.poll() is not None or time.monotonic() > late:
                raise NotMeasured("The server does not answer; `make run` says why.")
            time.sleep(0.1)
        yield f"http://{web_server.HOST}:{port}"
    finally:
        server.terminate()
        server.wait()


def _database_url() -> str:
    name = quote(str(connection.settings_dict["NAME"]))
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
