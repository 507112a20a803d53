"""`manage.py runstack` from outside: it starts everything, keeps it alive, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT

pytestmark = pytest.mark.slow
OURS = ("CELERY_BROKER_URL", "DATABASE_URL", "SECRET_KEY", "CREDENTIAL_KEYS", "ADVISOR_DATA_DIR")


class Stack:
    """A running `runstack` and what it prints."""

    def __init__(self, *, data_dir: Path, port: int) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in OURS}
        self.port, self.output = port, data_dir.with_name(f"output-{port}.txt")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "runstack", "--port", str(port)],
                cwd=ROOT,
                env={**environment, "ADVISOR_DATA_DIR": str(data_dir)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_for(self, pattern: str, *, within_s: float = 60) -> str:
        until = time.monotonic() + within_s
        while not (found := re.search(pattern, self.said())):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < until, f"{pattern!r} was not said:\n{self.said()}"
            time.sleep(0.05)
        return found.group(found.lastindex or 0)

    def children(self) -> dict[str, int]:
        """Return the direct children by what they run."""
        listing = subprocess.run(
            ["ps", "ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        names = {"gunicorn": "web", " worker ": "worker", " beat ": "beat", "valkey-server": "valkey"}
        found = {}
        for line in listing.splitlines():
            pid, _, command = line.strip().partition(" ")
            found |= {name: int(pid) for mark, name in names.items() if mark in command}
        return found

    def everything(self) -> set[int]:
        """Return the ids of all processes below, grandchildren included."""
        below, todo = set(), [self.process.pid]
        while todo:
            listing = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(todo.pop())], capture_output=True, text=True, check=False
            ).stdout
            found = {int(pid) for pid in listing.split()} - below
            below |= found
            todo += found
        return _alive(below)

    def stop(self, *, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=40)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(data_dir=tmp_path / "state", port=_free_port())
    yield stack
    if stack.process.poll() is None:
        stack.stop(number=signal.SIGTERM)


def _alive(pids: set[int]) -> set[int]:
    """Return those that still run; one that has ended and waits for its parent to notice does not."""
    stats = {pid: Path(f"/proc/{pid}/stat") for pid in pids}
    return {
        pid for pid, stat in stats.items() if stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    }


def test_the_stack_starts_keeps_its_children_alive_and_stops_whole(stack: Stack, tmp_path: Path) -> None:
    link = stack.wait_for(r"sign in once with (\S+)")
    first = stack.children()
    processes = stack.everything()

    # the printed link is a page that this machine can open
    assert link.startswith(f"http://127.0.0.1:{stack.port}/")
    with urllib.request.urlopen(link, timeout=10) as answer:  # noqa: S310 (the address is checked above)
        assert answer.status == 200
    assert set(first) == {"web", "worker", "beat", "valkey"}

    # a second start on the same state, or on the same port, is refused and says why
    twin = Stack(data_dir=tmp_path / "state", port=_free_port())
    assert twin.process.wait(timeout=30) == 1
    assert "already running" in twin.said()
    rival = Stack(data_dir=tmp_path / "other", port=stack.port)
    assert rival.process.wait(timeout=30) == 1
    assert f"port {stack.port} cannot be used" in rival.said()

    # whoever is killed is started again, the broker too
    for name in ("worker", "valkey"):
        os.kill(first[name], signal.SIGKILL)
        stack.wait_for(rf"{name} ended unexpectedly \(exit code -9\); starting it again")
    until = time.monotonic() + 30
    while set(now := stack.children()) != set(first) and time.monotonic() < until:
        time.sleep(0.1)
    assert {name for name in first if now.get(name) != first[name]} == {"worker", "valkey"}

    # Ctrl-C ends everything
    processes |= stack.everything()
    assert stack.stop(number=signal.SIGINT) == 0
    assert stack.said().splitlines()[-1] == "advisor: stopped"
    assert "was killed" not in stack.said()
    assert _alive(processes) == set()


def test_a_killed_supervisor_leaves_nobody_behind_and_the_next_start_is_quick(stack: Stack, tmp_path: Path) -> None:
    first_link = stack.wait_for(r"sign in once with (\S+)")
    processes = stack.everything()

    stack.process.kill()
    stack.process.wait()
    until = time.monotonic() + 20
    while _alive(processes) and time.monotonic() < until:
        time.sleep(0.1)

    assert _alive(processes) == set()
    again = Stack(data_dir=tmp_path / "state", port=stack.port)
    try:
        assert again.wait_for(r"sign in once with (\S+)") != first_link
        took_s = float(again.wait_for(r"ready after ([\d.]+) s"))
        assert took_s < 15  # under 5 s on a quiet machine; a busy one is given time
    finally:
        assert again.stop(number=signal.SIGTERM) == 0
