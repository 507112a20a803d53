"""Prices read from a provider by the running application: watched, cut off by `kill -9`, taken up again; while answers
are saved on the same SQLite."""

import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.catalog.peers import azure
from tests.catalog.peers.server import Answer, Peer, Request, as_json, running
from tests.journeys.conftest import App
from tests.journeys.test_questionnaire import answer, begin, saved
from tests.stack import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SKU = "Standard_ND96isr_H100_v5"


class Slow:
    """Azure's prices, many of them, and held back until the test lets go."""

    def __init__(self, *, price: float) -> None:
        self.price, self.go, self.was_asked = price, threading.Event(), threading.Event()

    def __call__(self, request: Request) -> Answer:
        wanted = re.search(r"armRegionName eq '([^']*)'", request.query.get("$filter", ""))
        if "Virtual Machines" not in request.query.get("$filter", "") or wanted is None:
            return as_json({"Items": [], "NextPageLink": None, "Count": 0})
        self.was_asked.set()
        self.go.wait(timeout=60)
        others = [azure.row(f"Standard_Nobody{number}_v1", armRegionName=wanted.group(1)) for number in range(900)]
        ours = azure.row(SKU, armRegionName=wanted.group(1), retailPrice=self.price)
        return azure.RetailPrices(rows=[ours, *others])(request)


@pytest.fixture(scope="module")
def azure_peer() -> Iterator[tuple[Peer, Slow]]:
    slow = Slow(price=98.5)
    with running(slow) as peer:
        yield peer, slow


@pytest.fixture(scope="module")
def own(azure_peer: tuple[Peer, Slow], tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    peer, slow = azure_peer
    directory: Path = tmp_path_factory.mktemp("refresh") / "state"
    app = App(data_dir=directory, port=free_port(), more={"AZURE_PRICES_URL": peer.url})
    yield app
    slow.go.set()
    assert app.stop(number=signal.SIGTERM) == 0


def test_a_refresh_outlives_its_worker_while_answers_are_saved(
    own: App, azure_peer: tuple[Peer, Slow], page: Page
) -> None:
    _, slow = azure_peer
    own.sign_in(page)
    page.goto(f"{own.address}/catalog/refreshes")
    for name in ("AWS machines", "Google Cloud machines", "Models of all clouds"):
        page.get_by_label(name).uncheck()
    page.get_by_label("Only these regions").fill("eastus westeurope")
    page.get_by_role("button", name="Refresh now").click()
    page.wait_for_url(re.compile(r"/catalog/refreshes/\d+$"))
    address = page.url
    assert slow.was_asked.wait(timeout=30)

    os.killpg(own.children()["prices"], signal.SIGKILL)  # in the middle of the answer
    own.wait_for(r"prices ended unexpectedly \(exit code -9\); starting it again", within_s=20)
    slow.go.set()
    with closing(sqlite3.connect(own.database, timeout=20)) as database, database:
        # the lease of a dead worker is five minutes; the test does not wait for it
        database.execute("update catalog_refreshpart set lease_until = '2026-01-01' where state = 'running'")

    assert answers_saved_until_done(own, page, address) > 0

    page.goto(address)
    expect(page.get_by_text("2 of 2 parts done")).to_be_visible()
    page.get_by_role("link", name=re.compile("catalog release 2")).click()
    expect(page.get_by_role("heading", name="What release 2 changed")).to_be_visible()
    page.goto(f"{own.address}/catalog/offers/azure/eastus/{SKU}/on_demand")
    expect(page.get_by_text("98.5").first).to_be_visible()
    with closing(sqlite3.connect(own.database, timeout=20)) as database:
        attempts = database.execute("select max(attempt) from catalog_refreshpart").fetchone()[0]
    assert attempts == 2


def answers_saved_until_done(own: App, page: Page, address: str) -> int:
    """Edit a draft again and again until the refresh has ended; each answer must be taken without an error."""
    page.goto(own.address)
    begin(page, title="While prices come in", kind="cpu_serving")
    saves, until = 0, time.monotonic() + 120
    while time.monotonic() < until:
        told = page.request.get(address).text()
        if "parts done" in told and ">running<" not in told:
            return saves
        answer(page, "How many requests a second arrive", str(1000 + saves))
        saved(page)
        saves += 1
    raise AssertionError("the refresh did not end within two minutes")
