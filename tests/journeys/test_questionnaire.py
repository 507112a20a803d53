"""The questionnaire in a real browser: from nothing to the report, by several people, with and without a network."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import App
from tests.journeys.test_accessibility import violations
from tests.stack import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FIRST = re.compile(r"/questions/first$")
REPORT = re.compile(r"/decisions/\d+/revisions/1/report$")
PHONE = {"width": 390, "height": 844}


def begin(page: Page, *, title: str, kind: str) -> None:
    page.get_by_label("What is to be decided?").fill(title)
    page.get_by_label("What kind of work comes first?").select_option(kind)
    page.get_by_role("button", name="Begin with the questions").click()
    page.wait_for_url(FIRST)


def add_workload(page: Page, *, name: str, kind: str) -> None:
    page.get_by_role("link", name="Workloads", exact=True).click()
    page.get_by_label("Kind of work").select_option(kind)
    page.get_by_role("textbox", name="Name", exact=True).last.fill(name)
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name=f"First questions about {name}")).to_be_visible()


def answer(page: Page, question: str, text: str) -> None:
    page.get_by_label(question).fill(text)


def saved(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator("#save-state")).to_have_text("Saved")


def ask(page: Page) -> None:
    page.get_by_role("link", name="Review and ask for advice").click()
    page.get_by_role("button", name="Ask for advice").click()
    page.wait_for_url(REPORT, timeout=60_000)


def test_serving_training_and_managed_work_become_one_report(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    begin(page, title="Trip serving by questions", kind="cpu_serving")
    answer(page, "How many requests a second arrive", "200,000")
    answer(page, "On which instance did you measure it?", "c7i.4xlarge")
    answer(page, "How many units a second does one such instance do?", "5200")
    page.get_by_label("arm64").check()
    page.get_by_label("amd64").check()
    page.get_by_label("AWS", exact=True).check()
    page.get_by_label("Where do you run today?").select_option("aws")
    answer(page, "How many of your engineers run accelerators?", "12")
    saved(page)
    expect(page.locator("#known")).to_contain_text("Advice can be asked for")

    add_workload(page, name="Training", kind="pretraining")
    answer(page, "On which instance did you measure it?", "p5en.48xlarge")
    answer(page, "How many hours of that instance", "5,840")
    answer(page, "How many kernels", "3")
    saved(page)

    add_workload(page, name="GenAI", kind="managed_api")
    expect(page.locator("#known")).to_contain_text("3 answers to a first answer")
    page.get_by_label("Any of the families that are good enough").check()
    page.get_by_label("Family", exact=True).first.fill("claude-haiku-5-5")
    answer(page, "How many requests a second arrive", "20")
    answer(page, "How many tokens does a request bring?", "1500")
    answer(page, "How many tokens does an answer have?", "250")
    saved(page)

    ask(page)
    expect(page.locator("#answer")).to_contain_text("Graviton")
    expect(page.locator("#answer")).to_contain_text("GenAI")
    assert complaints == []


def test_image_generation_and_research_become_one_report(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    begin(page, title="Image generation by questions", kind="online_inference")
    answer(page, "How many requests a second arrive", "252")
    answer(page, "On which instance did you measure it?", "a3-highgpu-8g")
    answer(page, "How many units a second does one such instance do?", "12")
    page.get_by_label("Where do you run today?").select_option("gcp")
    saved(page)
    add_workload(page, name="Research", kind="pretraining")
    answer(page, "On which instance did you measure it?", "a3-highgpu-8g")
    answer(page, "How many hours of that instance", "14600")
    answer(page, "How many kernels", "25")
    saved(page)

    ask(page)

    expect(page.locator("#answer")).to_contain_text("Research")
    assert complaints == []


def test_a_small_team_gets_its_report_without_javascript(app: App, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    app.sign_in(page)
    begin(page, title="Assistant by questions", kind="managed_api")
    answer(page, "How many requests a second arrive", "about five")
    answer(page, "How many tokens does a request bring?", "800")
    answer(page, "How many tokens does an answer have?", "200")
    answer(page, "How much data does the work keep?", "0.1")
    answer(page, "What may it cost a month?", "$2,000")

    page.get_by_role("button", name="Save and go on").click()

    # what was typed stands there with its fault; the rest is saved
    rate = page.get_by_label("How many requests a second arrive")
    expect(rate).to_have_value("about five")
    expect(page.locator(".field-error")).to_contain_text("must be a number")
    expect(page.get_by_label("What may it cost a month?")).to_have_value("2,000")
    rate.fill("0.0556")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("First questions")
    ask(page)
    expect(page.locator("#answer")).to_contain_text("managed-api through")
    context.close()


def test_the_first_page_is_answered_with_the_keyboard_alone(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    begin(page, title="By keyboard", kind="managed_api")
    page.get_by_label("What is to be decided?").focus()

    wanted = {"How many requests a second arrive": "2", "How many tokens does a request bring?": "900"}
    for _ in range(60):
        label = page.evaluate("document.activeElement.labels?.[0]?.textContent ?? ''")
        text = next((text for start, text in wanted.items() if label.startswith(start)), None)
        if text:
            page.keyboard.type(text)
        if label.startswith("How many tokens does an answer have?"):
            page.keyboard.type("200")
            page.keyboard.press("Enter")  # saves the page, and removes or decides nothing
            break
        page.keyboard.press("Tab")

    expect(page.get_by_label("How many tokens does an answer have?")).to_have_value("200")
    expect(page.get_by_label("How many requests a second arrive")).to_have_value("2")
    expect(page.locator("#known")).to_contain_text("Advice can be asked for")
    assert complaints == []


def test_two_people_on_one_page_see_both_values(app: App, browser: Browser) -> None:
    contexts = [browser.new_context() for _ in range(2)]
    ann, ben = (context.new_page() for context in contexts)
    app.sign_in(ann)
    app.sign_in(ben)
    begin(ann, title="Together", kind="managed_api")
    ben.goto(ann.url)
    rate = "How many requests a second arrive"
    answer(ann, rate, "20")
    saved(ann)

    answer(ben, "How many tokens does a request bring?", "700")
    saved(ben)  # nobody else was there: it merges, and the other's answer arrives with it
    expect(ben.get_by_label(rate)).to_have_value("20")
    answer(ann, rate, "25")
    saved(ann)
    answer(ben, rate, "30")
    ben.keyboard.press("Tab")

    conflict = ben.locator(".conflict")
    expect(conflict).to_contain_text("30 requests/s")
    expect(conflict).to_contain_text("25 requests/s")
    ben.get_by_role("button", name="Use mine").click()
    expect(conflict).to_have_count(0)
    ann.reload()
    expect(ann.get_by_label(rate)).to_have_value("30")
    expect(ann.get_by_label("How many tokens does a request bring?")).to_have_value("700")
    for context in contexts:
        context.close()


def test_answers_typed_while_advice_was_asked_for_go_into_the_next_revision(app: App, page: Page) -> None:
    app.sign_in(page)
    page.get_by_role("button", name="Look and change example, Assistant for a small team").click()
    page.wait_for_url(FIRST)
    other = page.context.new_page()
    other.goto(page.url)
    ask(page)

    answer(other, "How many tokens does a request bring?", "901")
    other.keyboard.press("Tab")
    expect(other.locator("#save-state")).to_contain_text("Not saved: this revision has been advised on")
    other.get_by_role("button", name="Put my answers into the next revision").click()

    other.wait_for_url(re.compile(r"/revisions/2/questions/first$"))
    expect(other.get_by_label("How many tokens does a request bring?")).to_have_value("901")
    other.get_by_role("link", name="Assistant for a small team").click()
    expect(other.get_by_role("link", name="Read the report of revision 1")).to_be_visible()
    expect(other.get_by_role("link", name="Continue the draft of revision 2")).to_be_visible()


@pytest.fixture
def own_app(tmp_path: Path) -> Iterator[list[App]]:
    """An application of this test's own, which it may stop and start again; the last one running is stopped."""
    apps = [App(data_dir=tmp_path / "state", port=free_port())]
    yield apps
    assert apps[-1].stop(number=signal.SIGTERM) == 0


def test_a_restart_in_the_middle_loses_no_answer(own_app: list[App], page: Page, tmp_path: Path) -> None:
    (app,) = own_app
    app.sign_in(page)
    begin(page, title="Restarted", kind="managed_api")
    answer(page, "How many requests a second arrive", "20")
    answer(page, "How many tokens does a request bring?", "lots")
    page.keyboard.press("Tab")
    expect(page.locator("#save-state")).to_contain_text("not accepted")

    assert app.stop(number=signal.SIGTERM) == 0
    answer(page, "How many tokens does an answer have?", "250")  # typed while nobody listens
    page.keyboard.press("Tab")
    expect(page.locator("#save-state")).to_contain_text("Trying again")
    own_app.append(App(data_dir=tmp_path / "state", port=app.port))

    expect(page.locator("#save-state")).not_to_contain_text("Trying again", timeout=35_000)
    page.reload()
    expect(page.get_by_label("How many requests a second arrive")).to_have_value("20")
    expect(page.get_by_label("How many tokens does a request bring?")).to_have_value("lots")
    expect(page.get_by_label("How many tokens does an answer have?")).to_have_value("250")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_a_draft_passes_axe_and_fits_a_phone(theme: str, app: App, browser: Browser) -> None:
    context = browser.new_context(color_scheme=theme, reduced_motion="reduce", viewport=PHONE)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    app.sign_in(page)
    page.get_by_role("button", name="Look and change example, Trip serving").click()
    page.wait_for_url(FIRST)
    draft = page.url.removesuffix("questions/first")
    answer(page, "How many requests a second arrive", "not a number")
    page.keyboard.press("Tab")
    expect(page.locator(".field-error")).to_be_visible()
    subjects = ("first", "training.first", "genai.first", "genai.traffic", "preferences", "commercial", "flows")
    endings = [f"questions/{subject}" for subject in subjects] + ["workloads", "review", "document"]

    found: list[str] = []
    for address in [draft.rsplit("/revisions", 1)[0], *(draft + ending for ending in endings)]:
        page.goto(address)
        found += violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], address
    context.close()

    assert found == []
    assert said == []
