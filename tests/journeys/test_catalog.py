"""Browsing the catalog in a real browser: search, narrow, open a source, compare, export; on a phone, both themes."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import App
from tests.journeys.test_accessibility import violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = {"width": 390, "height": 844}
PAGES = (
    "/catalog",
    "/catalog/offers?sort=price_usd_per_accelerator_hour&age=undated",
    "/catalog/accelerators",
    "/catalog/model-offers",
    "/catalog/offers/aws/us-east-1/p5.48xlarge/on_demand",
    "/catalog/instances/aws/trn2.48xlarge",
    "/catalog/architectures/llama-3.1-8b",
    "/catalog/coupling/aws/own_silicon/accelerator-model_layer",
    "/catalog/rules/C001",
    "/catalog/regions/aws/eu-west-1",
    "/catalog/compare?of=accelerators&id=h100-sxm-80gb&id=trainium2&id=tpu-v6e",
    "/catalog/compare",
    "/catalog/search?q=h100+sxm",
    "/catalog/search?q=zzqqzz",
    "/catalog/freshness",
    "/catalog/releases",
    "/catalog/releases/1",
)


def test_from_a_search_to_the_source_of_a_price(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Catalog").click()

    # a search that does not mind dashes leads to the accelerator, and from there to its instances
    page.get_by_role("searchbox", name="Search the whole catalog").fill("H100-SXM")
    page.get_by_role("button", name="Search").click()
    found = page.get_by_role("region", name="Accelerators", exact=True)
    found.get_by_role("link", name="H100-80GB SXM", exact=True).click()
    expect(page.get_by_role("heading", name="H100-80GB SXM", level=1)).to_be_visible()
    page.get_by_role("region", name="Instances that carry it").get_by_role("link", name="p5.48xlarge").click()

    # an offer of it names its price and links to who lists it
    page.get_by_role("row", name=re.compile("us-east-1 on demand")).get_by_role("link").first.click()
    own = page.locator("#part-0").locator("..")
    expect(own).to_contain_text("$55.04 per hour")
    expect(own).to_contain_text("2026-07-20, stated")
    assert (own.locator(".origin a").get_attribute("href") or "").startswith("https://github.com/")
    assert complaints == []


def test_narrowing_comparing_and_exporting(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    page.goto(f"{app.address}/catalog/accelerators")
    page.get_by_label("Maker").select_option("NVIDIA")
    page.get_by_label("Order").select_option(label="Memory, GiB: most first")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("vendor=NVIDIA"))
    expect(page.get_by_role("columnheader", name="Memory")).to_have_attribute("aria-sort", "descending")

    # what is downloaded is what is shown
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("CSV of these")).click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines[1:]))
    shown = page.locator("tbody th a").all_inner_texts()
    assert "vendor = NVIDIA" in lines[0]
    assert [row["name"] for row in rows] == shown

    page.get_by_label("Compare H100-80GB SXM").check()
    page.get_by_label("Compare A100-40GB SXM").check()
    page.get_by_role("button", name="Compare the ticked ones").click()
    expect(page.get_by_role("row", name=re.compile("BF16 peak"))).to_contain_text("best")
    expect(page.get_by_role("row", name=re.compile("^Software stack"))).to_contain_text("same")
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_the_catalog_passes_axe(theme: str, app: App, browser: Browser) -> None:
    context = browser.new_context(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    app.sign_in(page)
    found = []
    for address in PAGES:
        page.goto(app.address + address)
        found += violations(page)
    context.close()

    assert found == []


def test_on_a_phone_no_page_of_the_catalog_sticks_out(app: App, browser: Browser) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")  # type: ignore[arg-type]
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    app.sign_in(page)

    for address in PAGES:
        page.goto(app.address + address)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], address
    context.close()
    assert said == []


def test_without_javascript_lists_are_narrowed_and_compared(app: App, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    app.sign_in(page)
    page.goto(f"{app.address}/catalog/architectures")
    page.get_by_label("Holds the words").fill("llama 3.1")
    page.get_by_role("button", name="Show").click()

    page.get_by_label("Compare Llama 3.1 8B").check()
    page.get_by_label("Compare Llama 3.1 70B").check()
    page.get_by_role("button", name="Compare the ticked ones").click()

    expect(page.get_by_role("row", name=re.compile("KV cache"))).to_contain_text("131,072 bytes per token")
    context.close()
