"""A whole running application for a test: `manage.py runstack` on a data directory and a port of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OURS = ("CELERY_BROKER_URL", "DATABASE_URL", "SECRET_KEY", "CREDENTIAL_KEYS", "ADVISOR_DATA_DIR")


class Stack:
    """A running `runstack` and what it prints."""

    def __init__(self, *, data_dir: Path, port: int, more: Mapping[str, str] | None = None) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in OURS}
        self.port, self.output = port, data_dir.with_name(f"output-{port}.txt")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "runstack", "--port", str(port)],
                cwd=ROOT,
                env={**environment, **(more or {}), "ADVISOR_DATA_DIR": str(data_dir)},
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
        names = {
            "gunicorn": "web",
            "--queues=celery": "worker",
            "--queues=prices": "prices",
            " beat ": "beat",
            "valkey-server": "valkey",
        }
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
        return alive(below)

    def stop(self, *, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=40)


def alive(pids: set[int]) -> set[int]:
    """Return those that still run; one that has ended and waits for its parent to notice does not."""
    stats = {pid: Path(f"/proc/{pid}/stat") for pid in pids}
    return {
        pid for pid, stat in stats.items() if stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
