"""The other cases of `manage.py bench`: reading the catalog, whole advices, pages. The site's ones need a database."""

import datetime as dt
import itertools
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advisor.core.advise import advise
from advisor.core.document import Document, check, known_from, parse
from advisor.core.report import Report
from advisor.management.speed_estimator import World
from advisor.management.stopwatch import Case
from advisor.pdf import render
from advisor.services import accounts, decisions, drafts, examples, runs
from catalog import files, ingest, queries
from catalog.frame import build

PAGE_RUNS = 50
PDF_TARGET_MS = 300.0
_TOLD = {"text", "label", "name", "workload_name", "source", "locator"}


def catalog_cases(world: World) -> list[Case]:
    """Return how long the catalog's files take to become frames."""
    facts = files.load()
    rows = sum(len(getattr(facts, name)) for name in ("offers", "model_offers", "instances", "accelerators"))

    def read() -> int:
        files.load()
        return rows

    def built() -> int:
        return len(build(facts=facts, moment=world.catalog.moment, release=1).offers)

    return [
        Case(id="catalog.load", title="catalog: files read and every row checked", unit="ms", action=read, runs=5),
        Case(id="catalog.build", title="catalog: records to frames", unit="ms", action=built, runs=5),
    ]


def advise_cases(world: World) -> list[Case]:
    """Return one case an example: the whole advice, catalog in memory, up to the report's bytes."""
    moment = world.catalog.moment
    found = []
    for example in examples.examples():
        document = check(parse(example.text.encode()), complete=True, known=known_from(world.catalog), moment=moment)
        found.append(
            Case(
                id=f"advise.{example.name}",
                title=f"advice on examples/{example.name}.yaml, document to report bytes",
                unit="ms",
                action=partial(_advised, document=document, world=world, moment=moment),
                runs=5,
                note=f"{len(document.workloads)} workload{'s' if len(document.workloads) != 1 else ''}",
            )
        )
    return found


def _advised(*, document: Document, world: World, moment: dt.date) -> int:
    report = advise(document=document, catalog=world.catalog, coefficients=world.coefficients, moment=moment)
    report.to_bytes()
    return len(document.workloads)


def pdf_cases(world: World) -> list[Case]:
    """Return what the PDF of an example takes: the first of a process, and another report after it.

    Each run gets a text of its own: the renderer remembers what it has set once, and no two reports are alike.
    """
    found = []
    for name in ("small_team", "uber"):
        text = examples.example(name=name).text
        document = check(parse(text.encode()), complete=True, known=known_from(world.catalog))
        report = advise(
            document=document, catalog=world.catalog, coefficients=world.coefficients, moment=world.catalog.moment
        )
        reports = _Alike(report)
        found += [
            Case(
                id=f"pdf.{name}{ending}",
                title=f"PDF of examples/{name}.yaml, {title}",
                unit="ms",
                prepare=reports.write,
                action=reports.render,
                runs=runs,
                warm=warm,
                target=target,
                note="n is bytes",
            )
            for ending, title, runs, warm, target in (
                ("_first", "the first time", 1, 0, None),
                ("", "another report", 7, 1, PDF_TARGET_MS),
            )
        ]
    return found


class _Alike:
    """Reports as long as one, each with sentences and names that no earlier one had."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._count = 0
        self._content = b""

    def write(self) -> None:
        self._count += 1
        self._content = Report(_salted(self._report.data, f" {self._count}")).to_bytes()

    def render(self) -> int:
        return len(render.pdf(self._content))


def _salted(part: Any, salt: str, *, is_told: bool = False) -> Any:
    if isinstance(part, Mapping):
        return {key: _salted(value, salt, is_told=key in _TOLD) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_salted(one, salt) for one in part]
    return f"{part[: -len(salt)]}{salt}" if is_told and part and isinstance(part, str) else part


def database_cases() -> list[Case]:
    """Return what the published catalog takes to read, on a database that holds it; publishes it if need be."""
    ingest.publish_files(actor="bench", moment=timezone.now())
    today = timezone.now().date()
    days = itertools.count(1)

    def unread() -> int:
        """A day not asked for yet is not in memory."""
        return len(queries.current(today + dt.timedelta(days=next(days))).offers)

    return [
        Case(
            id="catalog.current_cold",
            title="catalog: the published release from the database, not in memory",
            unit="ms",
            action=unread,
            runs=5,
        ),
        Case(
            id="catalog.current_cached",
            title="catalog: the published release, in memory",
            unit="ms",
            action=lambda: len(queries.current(today).offers),
            runs=PAGE_RUNS,
        ),
    ]


def page_view_cases() -> list[Case]:
    """Return the pages people look at most, through the whole of Django; makes one report to look at."""
    now = timezone.now()
    ingest.publish_files(actor="bench", moment=now)
    user = accounts.ensure_local_owner(moment=now)
    text = examples.example(name="llm_serving").text
    run = decisions.start_decision(workspace=user.workspaces.get(), user=user, document_bytes=text.encode(), moment=now)
    runs.execute_run(run_id=run.pk, moment=now)
    draft = drafts.begin_from_file(
        workspace=user.workspaces.get(), user=user, content=examples.example(name="uber").text.encode(), moment=now
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    pages = {
        "start": ("the start page", reverse("web:start")),
        "questions": (
            "the first questions of examples/uber.yaml, three workloads",
            reverse("web:questions", args=[draft.decision_id, draft.number, "first"]),
        ),
        "report": (
            "the report page of examples/llm_serving.yaml",
            reverse("web:report", args=[run.revision.decision_id, run.revision.number]),
        ),
        "catalog": ("the catalog's first page", reverse("web:catalog")),
        "catalog_offers": (
            "the catalog's offers, cheapest accelerator first",
            reverse("web:catalog_list", args=["offers"]) + "?sort=price_usd_per_accelerator_hour",
        ),
        "catalog_row": (
            "the page of an accelerator",
            reverse("web:catalog_row", args=["accelerators", "h100-sxm-80gb"]),
        ),
        "catalog_search": ("a search of the whole catalog", reverse("web:catalog_search") + "?q=h100"),
    }

    def seen(address: str) -> int:
        answer = client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")
        return len(answer.content)

    return [
        Case(
            id=f"web.{name}",
            title=f"{title}, request to bytes",
            unit="ms",
            action=partial(seen, address),
            runs=PAGE_RUNS,
            warm=2,
            note="Django's test client: no server, no network; n = bytes",
        )
        for name, (title, address) in pages.items()
    ]
