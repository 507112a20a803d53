"""`kill -9` of the worker in the middle of a run: the run completes, in time, and only once."""

import os
import re
import signal
import sqlite3
import time
from contextlib import closing

import pytest
from playwright.sync_api import Page

from tests.journeys.conftest import App

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def run_row(app: App, run_id: int) -> tuple[str, int]:
    with closing(sqlite3.connect(app.database, timeout=20)) as database:
        return database.execute("select state, attempt from advisor_run where id = ?", [run_id]).fetchone()


def wait_until(app: App, run_id: int, state: str, *, within_s: float) -> int:
    until = time.monotonic() + within_s
    while (row := run_row(app, run_id))[0] != state:
        assert time.monotonic() < until, f"run {run_id} is {row}, not {state}, after {within_s} s"
        time.sleep(0.02)
    return row[1]


def test_a_run_survives_the_death_of_its_worker(app: App, page: Page) -> None:
    app.sign_in(page)
    page.get_by_role("button", name="Advise on this example, Trip serving").click()
    page.wait_for_url(re.compile(r"/runs/\d+$"))
    run_id = int(page.url.rsplit("/", 1)[1])
    assert wait_until(app, run_id, "running", within_s=20) == 1

    # the worker leads a session of its own: its pool processes die with it
    worker = app.children()["worker"]
    os.killpg(worker, signal.SIGKILL)
    assert run_row(app, run_id) == ("running", 1)

    app.wait_for(r"worker ended unexpectedly \(exit code -9\); starting it again", within_s=10)
    attempt = wait_until(app, run_id, "succeeded", within_s=60)

    assert attempt == 2
    page.wait_for_url(re.compile(r"/decisions/\d+/revisions/1/report$"), timeout=10_000)
