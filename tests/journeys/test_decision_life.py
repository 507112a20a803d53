"""From a report to a decision: an editor proposes, an owner in another browser accepts, and the record says so."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.advisor.printed import reader
from tests.journeys.conftest import App
from tests.journeys.test_accessibility import violations
from tests.journeys.test_first_visit import PHONE, REPORT, advise_on
from tests.journeys.test_members import join, make_invite

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def to_decision(page: Page) -> None:
    page.get_by_role("link", name="Revision 1").click()
    expect(page.get_by_role("heading", name=re.compile("^Status"))).to_be_visible()


def test_an_editor_proposes_an_owner_accepts_and_the_record_names_them(
    app: App, page: Page, browser: Browser, complaints: list[str]
) -> None:
    app.sign_in(page)
    link = make_invite(page, app, role="Editor")
    other = browser.new_context()
    editor = other.new_page()
    join(editor, link, name="Edda")

    editor.goto(app.address)
    advise_on(editor, "Assistant for a small team")
    editor.wait_for_url(REPORT, timeout=60_000)
    report = editor.url
    to_decision(editor)
    editor.get_by_text("Propose …").click()
    editor.get_by_label("Comment (optional)").fill("Cheapest that fits.")
    editor.get_by_role("button", name="Propose it to the owners").click()
    expect(editor.get_by_role("status")).to_contain_text("is proposed")
    expect(editor.get_by_text("Accept …")).to_have_count(0)
    decision = editor.url

    page.goto(decision)
    expect(page.locator("#status")).to_contain_text("was proposed by Edda")
    page.get_by_text("Accept …").click()
    page.get_by_label("Look at it again by (optional)").fill("2099-05-01")
    page.get_by_role("button", name="Accept this revision").click()
    expect(page.locator("#status")).to_contain_text("To be looked at again by 2099-05-01")

    # the file is made by the worker; until then its page looks again by itself
    editor.goto(report)
    expect(editor.locator(".report-head")).to_contain_text("Accepted")
    with editor.expect_download(timeout=60_000) as download:
        editor.get_by_role("link", name="PDF", exact=True).click()
    first_page = reader(Path(download.value.path()).read_bytes()).pages[0].extract_text()
    assert "accepted" in first_page
    assert "Review by\n2099-05-01" in first_page
    markdown = other.request.get(f"{report}.md").text()
    assert 'status: "accepted"' in markdown
    assert "* Asked for by: Edda" in markdown
    other.close()
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_steps_of_a_decision_pass_axe_and_fit_a_phone_without_javascript(
    theme: str, app: App, page: Page, browser: Browser
) -> None:
    app.sign_in(page)
    plain = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    advise_on(page, "Assistant for a small team")
    page.wait_for_url(REPORT, timeout=60_000)
    report = page.url
    to_decision(page)
    decision, found = page.url, []

    def look() -> None:
        """Look at the decision in a browser that runs axe, and keep what it finds."""
        looking = browser.new_context(
            color_scheme=theme, viewport=PHONE, reduced_motion="reduce", storage_state=plain.storage_state()
        )
        shown = looking.new_page()
        for address in (decision, report):
            shown.goto(address)
            found.extend(violations(shown))
            if shown.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
                found.append(f"{address} is wider than a phone")
        looking.close()

    look()
    scriptless = plain.new_page()
    scriptless.goto(decision)
    scriptless.get_by_text("Propose …").click()
    scriptless.get_by_role("button", name="Propose it to the owners").click()
    look()
    scriptless.get_by_text("Send back …").click()
    scriptless.get_by_label("Why it is sent back").fill("The price moved.")
    scriptless.get_by_role("button", name="Send it back").click()
    expect(scriptless.locator("#status")).to_contain_text("The price moved.")
    look()
    scriptless.get_by_text("Propose …").click()
    scriptless.get_by_role("button", name="Propose it to the owners").click()
    scriptless.get_by_text("Accept …").click()
    scriptless.get_by_role("button", name="Accept this revision").click()
    look()
    plain.close()

    assert found == []
