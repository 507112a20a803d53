"""axe finds nothing to say about any page, in light and in dark, with everything that folds opened."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.conftest import App

pytestmark = [pytest.mark.browser, pytest.mark.slow]
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
    for address in ("/", "/nothing-here"):
        page.goto(app.address + address)
        found += violations(page)
    page.get_by_role("link", name="To the start page").click()
    page.get_by_role("button", name="Advise on this document").click()  # with nothing in it
    page.get_by_text("Paste a document").wait_for()
    found += violations(page)
    context.close()

    assert found == []
