"""A reader goes through a report: its pages by keyboard, a number's evidence, a comparison, a phone, paper."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import App
from tests.journeys.test_accessibility import violations
from tests.journeys.test_first_visit import PHONE, REPORT, advise_on

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCENARIOS = ["Trip serving", "Image generation and research", "Assistant for a small team"]
TABS = ["Answer", "Cost", "Workloads", "Coupling", "Checks", "Evidence"]


def report_of(app: App, page: Page, title: str) -> str:
    app.sign_in(page)
    advise_on(page, title)
    page.wait_for_url(REPORT, timeout=60_000)
    return page.url


def tabs_of(page: Page) -> list[str]:
    links = page.get_by_role("navigation", name="Pages of this report").get_by_role("link")
    return [str(link.get_attribute("href")) for link in links.all()]


@pytest.mark.parametrize("title", SCENARIOS)
def test_a_report_is_read_page_by_page(title: str, app: App, page: Page, complaints: list[str]) -> None:
    report_of(app, page, title)
    tabs = page.get_by_role("navigation", name="Pages of this report")

    for name in TABS:
        tabs.get_by_role("link", name=name, exact=True).click()
        expect(tabs.get_by_role("link", name=name, exact=True)).to_have_attribute("aria-current", "page")
        for drawing in page.locator("[data-figure]").all():
            drawing.scroll_into_view_if_needed()
            expect(drawing.locator("svg.main-svg").first).to_be_visible()

    assert complaints == []


def test_a_number_opens_its_evidence_beside_it_and_gives_the_focus_back(
    app: App, page: Page, complaints: list[str]
) -> None:
    report_of(app, page, "Trip serving")
    number = page.locator("#answer .figure-value").first
    card = page.get_by_role("dialog", name="Where this comes from")

    number.press("Enter")
    expect(card).to_be_visible()
    expect(card).to_contain_text(re.compile("list price|estimate|assumption|answer"))
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(number).to_be_focused()

    number.click()
    card.get_by_role("link", name=re.compile("All .* sources|In full")).click()
    expect(page.get_by_role("heading", name="Where this comes from")).to_be_visible()
    expect(page.get_by_role("region", name="Table of evidence").get_by_role("row").nth(1)).to_be_visible()
    assert complaints == []


def test_the_tabs_are_walked_by_keyboard(app: App, page: Page) -> None:
    report_of(app, page, "Assistant for a small team")

    page.get_by_role("link", name="Answer", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Cost", exact=True)).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="What it costs")).to_be_visible()


def test_a_chart_follows_the_theme_and_has_its_table_beneath(app: App, page: Page, complaints: list[str]) -> None:
    address = report_of(app, page, "Trip serving")
    page.goto(f"{address}/cost")
    page.locator("[data-figure]").last.scroll_into_view_if_needed()
    line = page.locator("[data-figure] .scatterlayer .js-line").last
    light = line.evaluate("node => getComputedStyle(node).stroke")

    page.get_by_role("button", name="Dark theme").click()
    expect(line).not_to_have_css("stroke", light)
    page.get_by_text("As a table").first.click()

    expect(page.get_by_role("region", name=re.compile("as a table$")).first).to_be_visible()
    assert complaints == []


def test_two_stacks_are_compared(app: App, page: Page, complaints: list[str]) -> None:
    report_of(app, page, "Trip serving")

    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_role("button", name="Compare stacks of Trip serving zones").click()

    expect(page.get_by_role("region", name="Figures side by side")).to_contain_text("Cost at full load")
    assert complaints == []


def test_without_javascript_a_number_leads_to_its_evidence_and_charts_to_their_tables(
    app: App, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    address = report_of(app, page, "Assistant for a small team")

    page.locator("#answer .figure-value").first.click()
    expect(page.get_by_role("heading", name="Where this comes from")).to_be_visible()
    page.goto(f"{address}/cost")
    page.get_by_text("As a table").first.click()
    expect(page.get_by_role("region", name=re.compile("as a table$")).first).to_be_visible()
    context.close()


@pytest.mark.parametrize("title", SCENARIOS)
def test_on_a_phone_no_page_of_a_report_sticks_out(title: str, app: App, browser: Browser) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    page = context.new_page()
    address = report_of(app, page, title)

    for place in (*tabs_of(page), f"{address}/evidence/1", f"{address}/print"):
        page.goto(place if place.startswith("http") else app.address + place)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], place
    context.close()


def test_the_page_for_paper_shows_everything_and_no_navigation(app: App, page: Page, complaints: list[str]) -> None:
    address = report_of(app, page, "Trip serving")

    page.goto(f"{address}/print")
    page.emulate_media(media="print")

    expect(page.get_by_role("navigation")).to_have_count(0)
    expect(page.locator("details")).to_have_count(0)
    for heading in ("What it costs", "What is bound to what", "Evidence"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.goto(address)
    expect(page.get_by_text("The whole of it, made for paper")).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_a_report_passes_axe(theme: str, app: App, browser: Browser) -> None:
    context = browser.new_context(color_scheme=theme, reduced_motion="reduce")
    page = context.new_page()
    address = report_of(app, page, "Trip serving")
    decision = address.split("/revisions")[0]
    workload = f"{address}/workloads/genai"

    found = []
    for place in (*tabs_of(page), workload, f"{address}/evidence/1", f"{address}/print", f"{decision}/compare"):
        page.goto(place if place.startswith("http") else app.address + place)
        found += violations(page)
    page.get_by_role("button", name="Compare stacks of Trip serving zones").click()
    found += violations(page)
    page.goto(address)
    page.locator("#answer .figure-value").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found += violations(page)
    context.close()

    assert found == []
