"""From a report's page to the files that others get: the PDF its worker made, and the bundle."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.advisor.printed import reader
from tests.journeys.conftest import App

pytestmark = [pytest.mark.browser, pytest.mark.slow]
REPORT = re.compile(r"/decisions/\d+/revisions/1/report$")
NAME = re.compile(r"^\d{4}-assistant-for-a-small-team-illustrative-figures\.(pdf|zip)$")


def test_the_pdf_of_a_fresh_report_comes_by_itself(app: App, page: Page, complaints: list[str]) -> None:
    app.sign_in(page)
    page.get_by_role("button", name="Advise on this example, Assistant for a small team").click()
    page.wait_for_url(REPORT, timeout=60_000)

    # at once the file may not be there yet: then its page looks again until it is
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("link", name="PDF", exact=True).click()
    pdf = Path(download.value.path()).read_bytes()
    assert NAME.match(download.value.suggested_filename)
    assert "Assistant for a small team" in reader(pdf).pages[0].extract_text()

    if not REPORT.search(page.url):
        page.get_by_role("link", name="Back to the report").click()
        page.wait_for_url(REPORT)
    with page.expect_download() as download:
        page.get_by_role("link", name="All as ZIP").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert [name.rpartition(".")[2] for name in archive.namelist()] == ["pdf", "md", "json", "yaml"]
        assert archive.read(archive.namelist()[0]) == pdf
    assert complaints == []
