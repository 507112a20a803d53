"""A second person: invited by a link, in another browser, reading what the first one asked; and tokens, seen once."""

import itertools
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import App
from tests.journeys.test_accessibility import violations
from tests.journeys.test_first_visit import PHONE, REPORT, advise_on

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "a long enough passphrase"
_numbers = itertools.count(1)


def make_invite(page: Page, app: App, *, role: str) -> str:
    page.goto(f"{app.address}/workspaces")
    page.get_by_role("link", name="This machine").click()
    page.get_by_label("Role of the new member").select_option(label=role)
    page.get_by_role("button", name="Make an invite link").click()
    return page.get_by_label("Invite link").input_value()


def join(page: Page, link: str, *, name: str) -> str:
    """Make an account through an invite; the value is its address."""
    email = f"{name.lower()}{next(_numbers)}@example.org"
    page.goto(link)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Make the account and join").click()
    expect(page.get_by_role("heading", name="This machine")).to_be_visible()
    return email


def test_a_second_person_joins_by_a_link_and_reads_but_does_not_write(
    app: App, page: Page, browser: Browser, complaints: list[str]
) -> None:
    app.sign_in(page)
    advise_on(page, "Assistant for a small team")
    page.wait_for_url(REPORT, timeout=60_000)
    report = page.url
    answer = page.locator("#answer").inner_text()
    link = make_invite(page, app, role="Viewer")

    # in another browser, with nothing but the link
    second = browser.new_context()
    visitor = second.new_page()
    visitor.goto(report)
    expect(visitor.get_by_role("heading", name="Sign in")).to_be_visible()
    join(visitor, link, name="Vera")
    expect(visitor.get_by_role("main")).to_contain_text("You are a viewer")

    # what the first one asked is there to read
    visitor.get_by_role("navigation", name="Main").get_by_role("link", name="Decisions").click()
    decisions = visitor.locator("#decisions-title ~ .table-wrap")
    decisions.get_by_role("link", name="Assistant for a small team").first.click()
    visitor.get_by_role("link", name="Read the report").first.click()
    visitor.wait_for_url(REPORT)
    assert visitor.locator("#answer").inner_text() == answer

    # and nothing to write with, by a page or past it
    visitor.goto(app.address)
    expect(visitor.get_by_role("button", name=re.compile("Advise"))).to_have_count(0)
    refused = second.request.post(
        app.address, form={"text": "version: 1", "csrfmiddlewaretoken": _csrf(visitor)}, headers={"Origin": app.address}
    )
    assert refused.status == 403
    assert "Your role is viewer" in refused.text()

    # the link has done its work
    visitor.goto(link)
    expect(visitor.get_by_role("heading", name="This link does not open")).to_be_visible()
    second.close()
    page.goto(f"{app.address}/workspaces/1/audit")
    expect(page.get_by_role("row", name=re.compile("Member joined")).first).to_contain_text("vera")
    assert complaints == []


def test_a_forgotten_password_is_set_anew_by_a_link_that_the_owner_sends(
    app: App, page: Page, browser: Browser
) -> None:
    app.sign_in(page)
    link = make_invite(page, app, role="Editor")
    second = browser.new_context()
    visitor = second.new_page()
    email = join(visitor, link, name="Rita")

    page.goto(f"{app.address}/workspaces/1")
    page.get_by_role("button", name=f"Make a password reset link for {email}").click()
    reset = page.get_by_label("Reset link", exact=True).input_value()
    third = browser.new_context()
    forgetful = third.new_page()
    forgetful.goto(reset)
    forgetful.get_by_label("New password").fill("another long passphrase")
    forgetful.get_by_label("The same again").fill("another long passphrase")
    forgetful.get_by_role("button", name="Set the password").click()

    forgetful.get_by_label("E-mail address").fill(email)
    forgetful.get_by_label("Password").fill("another long passphrase")
    forgetful.get_by_role("button", name="Sign in").click()
    expect(forgetful.get_by_role("heading", name="Which stack should you build on?")).to_be_visible()
    visitor.goto(f"{app.address}/account")  # the browser of before is signed out
    expect(visitor.get_by_role("heading", name="Sign in")).to_be_visible()
    second.close()
    third.close()


def test_a_token_is_seen_once_and_copied_by_a_button(app: App, page: Page, complaints: list[str]) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    app.sign_in(page)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Account").click()
    page.get_by_label("What it is for").fill("Nightly export")
    page.get_by_role("button", name="Make a token").click()
    secret = page.get_by_label("API token", exact=True).input_value()

    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.goto(f"{app.address}/account")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke the token Nightly export").first.click()

    expect(page.get_by_role("status")).to_contain_text("is revoked")
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_about_people_passes_axe_and_fits_a_phone(theme: str, app: App, browser: Browser) -> None:
    looked_at = _Looker(browser.new_context(color_scheme=theme, viewport=PHONE, reduced_motion="reduce"))
    page = looked_at.page
    app.sign_in(page)
    link = make_invite(page, app, role="Viewer")
    looked_at.look()
    for address in ("/workspaces", "/workspaces/1", "/workspaces/1/audit", "/account", "/operator/resets", link):
        page.goto(address if address == link else app.address + address)
        looked_at.look()
    page.goto(f"{app.address}/account")
    page.get_by_role("button", name="Set the password").click()  # with nothing in it
    looked_at.look()
    page.get_by_label("What it is for").fill("Dashboard")
    page.get_by_role("button", name="Make a token").click()
    looked_at.look()

    stranger = _Looker(browser.new_context(color_scheme=theme, viewport=PHONE, reduced_motion="reduce"))
    stranger.page.goto(link)
    stranger.look()
    stranger.page.get_by_role("button", name="Make the account and join").click()  # with nothing in it
    stranger.look()
    email = join(stranger.page, link, name="Axel")
    stranger.look()
    stranger.page.goto(link)
    stranger.look()
    page.goto(f"{app.address}/workspaces/1")
    page.get_by_role("button", name=f"Make a password reset link for {email}").click()
    looked_at.look()
    stranger.page.goto(page.get_by_label("Reset link", exact=True).input_value())
    stranger.look()

    assert looked_at.found + stranger.found == []


class _Looker:
    """A browser on a phone, and what is wrong with the pages it was shown."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = context.new_page()
        self.found: list[str] = []

    def look(self) -> None:
        self.found += violations(self.page)
        if self.page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            self.found.append(f"{self.page.url} is wider than a phone")


def _csrf(page: Page) -> str:
    return page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
