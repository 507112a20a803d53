"""A whole running application (web, worker, beat, Valkey) and a real Chromium that watches what it complains about."""

import re
import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.house.test_stack import Stack


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium: Playwright's own build is not downloaded."""
    return {**browser_type_launch_args, "executable_path": "/usr/bin/chromium"}


@pytest.fixture(scope="session")
def base_url() -> str:
    """Nothing is relative here. (The plugin's own fixture is of a form that pytest warns about.)"""
    return ""


class App(Stack):
    """The running application as a visitor finds it."""

    def __init__(self, *, data_dir: Path, port: int, more: Mapping[str, str] | None = None) -> None:
        super().__init__(data_dir=data_dir, port=port, more=more)
        self.database = data_dir / "advisor.sqlite3"
        self.address = f"http://127.0.0.1:{port}"
        self._link: str | None = self.wait_for(r"sign in once with (\S+)", within_s=90)
        self._cookies: list[Any] = []

    def sign_in(self, page: Page) -> None:
        """Sign in by the printed link the first time; later visitors take over that session."""
        if self._link is None:
            page.context.add_cookies(self._cookies)
            page.goto(self.address)
            return
        page.goto(self._link)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.address}/")
        self._link, self._cookies = None, page.context.cookies()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = App(data_dir=tmp_path_factory.mktemp("journeys") / "state", port=port)
    yield app
    assert app.stop(number=signal.SIGTERM) == 0


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser says on its console, and each request that would leave this machine."""
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: said.append(request.url) if _is_elsewhere(request.url) else None)
    return said


def _is_elsewhere(url: str) -> bool:
    return not re.match(r"data:", url) and urlsplit(url).hostname != "127.0.0.1"
