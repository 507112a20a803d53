"""From a key of one's own to a report that rests on it: registered, dry run, probed over TLS, and used."""

import csv
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.advisor.peers import certificate
from tests.catalog.peers.chat import KEY, Models, Says
from tests.catalog.peers.server import Peer, running
from tests.journeys.conftest import App
from tests.journeys.test_accessibility import violations
from tests.journeys.test_first_visit import PHONE, REPORT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OFFER = "aws/claude-fable-5-1/global"
DOCUMENT = """
version: 1
decision: Support assistant
constraints: {providers: [aws]}
workloads:
  - id: chat
    kind: managed_api
    model: {acceptable: [{family: FAMILY}]}
    traffic: {requests_per_s_mean: 1, input_tokens: 60, output_tokens: 200}
    targets: {ttft_p95_ms: 60000}
"""


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Peer]:
    models = Models(says=[Says(reasoning_tokens=0, drip_s=0.002)])
    with running(models.answer, pem=certificate(tmp_path)) as peer:
        yield peer


@pytest.fixture
def own_app(tmp_path: Path, provider: Peer, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An application that may reach this machine, and trusts the provider's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
    monkeypatch.setenv("OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("PROBE_VANTAGE", "a test of this machine")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    app = App(data_dir=tmp_path / "state", port=port)
    yield app
    assert app.stop(number=signal.SIGTERM) == 0


def test_a_key_of_ones_own_becomes_evidence_in_a_report(
    own_app: App, provider: Peer, page: Page, browser: Browser, complaints: list[str]
) -> None:
    own_app.sign_in(page)
    page.get_by_role("link", name="Workspaces").click()
    page.locator("ul.card-grid a").first.click()
    page.get_by_role("link", name="Model endpoints: measured with keys of your own").click()
    page.get_by_label("Name", exact=True).fill("Our account")
    page.get_by_label("Address").fill(f"{provider.url}/v1")
    page.get_by_label("Model", exact=True).fill("m")
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_label("Model offer of the catalog").fill(OFFER)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Our account")).to_be_visible()
    found = violations(page)

    page.get_by_label("Requests at a time, step by step").fill("1, 2")
    page.get_by_label("Words of each prompt").fill("30")
    page.get_by_role("button", name="Show what it would send and cost").click()
    expect(page.get_by_role("heading", name="Dry run: nothing has been sent")).to_be_visible()
    assert provider.asked == []
    found += violations(page)
    page.get_by_role("button", name=re.compile("^Send it, for at most")).click()
    expect(page.get_by_role("heading", name="What was sent")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Measured from a test of this machine")).to_be_visible()
    expect(page.locator(".chart-drawing .main-svg").first).to_be_visible()
    assert len(provider.asked) == 40
    found += violations(page)
    result = page.url

    page.goto(f"{own_app.address}/")
    page.get_by_label("Document", exact=True).fill(DOCUMENT.replace("FAMILY", family()))
    page.get_by_role("button", name="Advise on this document").click()
    page.wait_for_url(REPORT, timeout=90_000)
    page.goto(f"{page.url}/evidence?kind=probe")
    expect(page.get_by_text("your own probe of Our account: time to first token, 95th percentile")).to_be_visible()

    phone = browser.new_context(viewport=PHONE, color_scheme="dark", storage_state=page.context.storage_state())
    small = phone.new_page()
    for address in (result, result.split("/probes/")[0] + "/endpoints/1"):
        small.goto(address)
        assert small.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if folder := os.environ.get("JOURNEY_PICTURES"):
        small.goto(result)
        small.screenshot(path=f"{folder}/probe-phone.png", full_page=True)
        page.goto(result)
        page.screenshot(path=f"{folder}/probe.png", full_page=True)
    phone.close()
    assert found == []
    assert complaints == []


def family() -> str:
    path = Path(__file__).parents[2] / "catalog" / "data" / "model_offers.csv"
    with path.open(encoding="utf-8") as file:
        return next(row["family"] for row in csv.DictReader(file) if row["id"] == OFFER)
