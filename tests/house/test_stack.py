"""`manage.py runstack` from outside: it starts everything, keeps it alive, and leaves nothing behind."""

import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack, alive, free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(data_dir=tmp_path / "state", port=free_port())
    yield stack
    if stack.process.poll() is None:
        stack.stop(number=signal.SIGTERM)


def test_the_stack_starts_keeps_its_children_alive_and_stops_whole(stack: Stack, tmp_path: Path) -> None:
    link = stack.wait_for(r"sign in once with (\S+)")
    first = stack.children()
    processes = stack.everything()

    # the printed link is a page that this machine can open
    assert link.startswith(f"http://127.0.0.1:{stack.port}/")
    with urllib.request.urlopen(link, timeout=10) as answer:  # noqa: S310 (the address is checked above)
        assert answer.status == 200
        page = answer.read().decode()

    # style sheets and scripts are hashed, kept for good, and compressed
    static = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page)
    assert len(static) >= 3
    for path in static:
        asked = urllib.request.Request(f"http://127.0.0.1:{stack.port}{path}", headers={"Accept-Encoding": "br, gzip"})
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
            assert answer.headers["Content-Encoding"] == "br", path
            assert "immutable" in answer.headers["Cache-Control"], path
    assert set(first) == {"web", "worker", "prices", "beat", "valkey"}

    # a second start on the same state, or on the same port, is refused and says why
    twin = Stack(data_dir=tmp_path / "state", port=free_port())
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
    assert alive(processes) == set()


def test_a_killed_supervisor_leaves_nobody_behind_and_the_next_start_is_quick(stack: Stack, tmp_path: Path) -> None:
    first_link = stack.wait_for(r"sign in once with (\S+)")
    processes = stack.everything()

    stack.process.kill()
    stack.process.wait()
    until = time.monotonic() + 20
    while alive(processes) and time.monotonic() < until:
        time.sleep(0.1)

    assert alive(processes) == set()
    again = Stack(data_dir=tmp_path / "state", port=stack.port)
    try:
        assert again.wait_for(r"sign in once with (\S+)") != first_link
        took_s = float(again.wait_for(r"ready after ([\d.]+) s"))
        assert took_s < 15  # under 5 s on a quiet machine; a busy one is given time
    finally:
        assert again.stop(number=signal.SIGTERM) == 0
