"""Somebody reads the API's description and tries it: nothing from elsewhere, nothing that the browser complains of."""

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import App
from tests.stack import OURS, ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_reader_finds_every_group_and_tries_a_route_with_a_token(app: App, page: Page, complaints: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    made = subprocess.run(
        [sys.executable, "manage.py", "create_token", "owner@localhost"],
        cwd=ROOT, env={**environment, "ADVISOR_DATA_DIR": str(app.database.parent)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    page.goto(f"{app.address}/api/v1/docs")

    for group in ("decisions", "runs", "reports", "catalog", "estimates", "workspaces", "tokens"):
        expect(page.locator(f"#operations-tag-{group}")).to_be_visible()
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(made.stdout.strip())
    page.locator(".auth-container").get_by_role("button", name=re.compile("Apply|Authorize")).click()
    page.get_by_role("button", name="Close").click()
    route = page.locator("#operations-tokens-get_me")
    route.locator(".opblock-summary-control").click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_role("button", name="Execute").click()

    expect(route.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    assert complaints == []
