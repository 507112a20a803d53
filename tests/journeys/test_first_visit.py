"""From the link in the terminal to the report: one visit, in a real browser, against the whole application."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import App

pytestmark = [pytest.mark.browser, pytest.mark.slow]
REPORT = re.compile(r"/decisions/\d+/revisions/1/report$")
PHONE = {"width": 390, "height": 844}


def advise_on(page: Page, title: str) -> None:
    page.get_by_role("button", name=f"Advise on this example, {title}").click()


def test_from_the_printed_link_to_the_report(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    expect(page.get_by_role("heading", name="Which stack should you build on?")).to_be_visible()
    advise_on(page, "Trip serving")

    # the run is followed without a reload, until the report is there
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.wait_for_url(REPORT, timeout=60_000)
    answer = page.locator("#answer")
    expect(answer).to_contain_text("Graviton")
    expect(answer).to_contain_text("Trainium")
    expect(answer).to_contain_text("pilot")

    # a figure opens its sources, and they stand in full on a page of their own
    page.locator("#answer .figure-value").first.click()
    card = page.locator(".card-pop:popover-open")
    expect(card).to_be_visible()
    card.get_by_role("link").last.click()
    expect(page.locator("tr[id^='evidence-'] td").last).not_to_be_empty()
    page.get_by_role("link", name="Answer", exact=True).click()

    # the downloads hold what the page shows
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON", exact=True).click()
    data = json.loads(Path(download.value.path()).read_bytes())
    shown = re.sub(r"\s*i(?=\s|$)", "", " ".join(answer.locator(".answers, .bill").all_inner_texts()))
    for sentence in data["decision"]["headline"]["text"].rstrip(".").split(". "):
        assert sentence in " ".join(shown.split())

    # the decision is on the start page, and signing out closes everything
    page.get_by_role("link", name="Decisions", exact=True).click()
    expect(page.locator("#decisions-title ~ .table-wrap")).to_contain_text("Finished")
    assert complaints == []


def test_on_a_phone_in_the_dark_nothing_sticks_out(app: App, browser: Browser) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    page = context.new_page()
    app.sign_in(page)
    advise_on(page, "Assistant for a small team")
    page.wait_for_url(REPORT, timeout=60_000)

    for address in (page.url, app.address, f"{app.address}/nothing-here"):
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], address
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    context.close()


def test_without_javascript_the_visit_is_the_same(app: App, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    app.sign_in(page)
    advise_on(page, "Image generation and research")

    page.wait_for_url(REPORT, timeout=60_000)

    expect(page.locator("#answer")).to_contain_text("Image")
    context.close()


def test_a_run_is_cancelled_and_asked_for_again(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    advise_on(page, "Trip serving")

    page.get_by_role("button", name="Cancel this run").click()
    expect(page.get_by_text("This run was cancelled")).to_be_visible()
    page.get_by_role("button", name="Try again").click()

    page.wait_for_url(REPORT, timeout=60_000)
    assert complaints == []


def test_the_theme_follows_the_system_until_it_is_chosen(app: App, browser: Browser) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{app.address}/sign-in")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    page.get_by_role("button", name="Dark theme", pressed=True).click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    context.close()


def test_a_wrong_document_is_mended_in_place(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    page.get_by_role("link", name="Look and change example, Assistant for a small team").click()
    box = page.get_by_label("Document", exact=True)
    text = box.input_value()

    box.fill(text.replace("kind: managed_api", "kind: managed_apis"))
    page.get_by_role("button", name="Advise on this document").click()
    expect(page.get_by_role("alert")).to_contain_text("workloads[0].kind")
    expect(box).to_have_value(re.compile("managed_apis"))
    box.fill(text)
    page.get_by_role("button", name="Advise on this document").click()

    page.wait_for_url(REPORT, timeout=60_000)
    assert [one for one in complaints if "400" not in one] == []
