"""axe finds nothing to say about any page, in light and in dark, with everything that folds opened."""

import csv
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.catalog.peers import azure
from tests.catalog.peers.server import running
from tests.journeys.conftest import App
from tests.stack import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TARGET = "aws/eu-west-1/dynamodb"
CHANGES = {  # what the provider answers: the shipped price times this
    "Standard_D16ps_v6": 1.2,
    "Standard_D16s_v6": 5,  # not believed
    "Standard_D16pls_v6": 0,  # cannot be accepted
}
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']} in {page.url}: {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_passes_axe(theme: str, app: App, browser: Browser) -> None:
    stranger = browser.new_context(color_scheme=theme, reduced_motion="reduce")
    page = stranger.new_page()
    page.goto(f"{app.address}/sign-in")
    found = violations(page)
    stranger.close()

    context = browser.new_context(color_scheme=theme, reduced_motion="reduce")
    page = context.new_page()
    app.sign_in(page)
    page.route("**/progress", lambda route: route.abort())  # the page stays until axe has looked at it
    page.get_by_role("button", name="Advise on this example, Trip serving").click()
    page.get_by_role("progressbar").wait_for()
    found += violations(page)
    page.unroute("**/progress")
    page.wait_for_url(re.compile(r"/report$"), timeout=60_000)
    found += violations(page)
    decision = re.sub(r"/revisions/.*", "", page.url)
    pages = ("/catalog/refreshes", "/catalog/quarantine", "/catalog/latency", f"/catalog/latency/of/{TARGET}")
    for address in ("/", "/nothing-here", decision.removeprefix(app.address), *pages, "/workspaces/1/endpoints"):
        page.goto(app.address + address)
        found += violations(page)
    page.get_by_role("button", name="Register").click()  # nothing that could be registered
    page.get_by_text("Nothing was saved").wait_for()
    found += violations(page)
    page.goto(f"{app.address}/nothing-here")
    page.get_by_role("link", name="To the start page").click()
    page.get_by_role("button", name="Advise on this document").click()  # with nothing in it
    page.get_by_text("Paste a document").wait_for()
    found += violations(page)
    context.close()

    assert found == []


@pytest.fixture(scope="module")
def refreshed(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, str]]:
    """An application that has read a provider once, and the address of that run."""
    with (Path(__file__).parents[2] / "catalog" / "data" / "offers.csv").open(encoding="utf-8") as file:
        prices = {row["id"]: row["price_usd_per_hour"] for row in csv.DictReader(file)}
    rows = [
        azure.row(sku, retailPrice=round(float(prices[f"azure/eastus/{sku}/on_demand"]) * times, 6))
        for sku, times in CHANGES.items()
    ]
    with running(azure.RetailPrices(rows=rows)) as peer:
        directory = tmp_path_factory.mktemp("refreshed") / "state"
        app = App(data_dir=directory, port=free_port(), more={"AZURE_PRICES_URL": peer.url})
        context = browser.new_context()
        page = context.new_page()
        app.sign_in(page)
        page.goto(f"{app.address}/catalog/refreshes")
        for name in ("AWS machines", "Google Cloud machines", "Models of all clouds"):
            page.get_by_label(name).uncheck()
        page.get_by_label("Only these regions").fill("eastus")
        page.get_by_role("button", name="Refresh now").click()
        expect(page.get_by_text("1 of 1 parts done: 1 changed, 2 quarantined")).to_be_visible(timeout=60_000)
        address = page.url
        context.close()
        yield app, address
        assert app.stop(number=signal.SIGTERM) == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_of_a_refreshed_catalog_pass_axe(theme: str, refreshed: tuple[App, str], browser: Browser) -> None:
    app, run = refreshed
    context = browser.new_context(color_scheme=theme, reduced_motion="reduce")
    page = context.new_page()
    app.sign_in(page)
    found = []
    for address in ("refreshes", "quarantine", "quarantine?state=accepted", "releases", "releases/2"):
        page.goto(f"{app.address}/catalog/{address}")
        found += violations(page)
    page.goto(run)
    found += violations(page)
    page.goto(f"{app.address}/catalog/offers/azure/eastus/Standard_D16ps_v6/on_demand")
    page.locator(".chart-drawing").scroll_into_view_if_needed()
    page.locator(".chart-drawing .main-svg").first.wait_for()
    found += violations(page)
    context.close()

    assert found == []
