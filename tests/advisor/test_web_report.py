"""The report page, rendering real reports of the shipped examples; and the way a document comes in by the page."""

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from advisor.core.decision_record import markdown
from advisor.models import Decision, Report, Run, User, Workspace
from advisor.services import examples, runs
from tests.advisor.factories import MOMENT, a_member

pytestmark = pytest.mark.django_db
EXAMPLES = [one.name for one in examples.examples()]


@pytest.fixture
def owner() -> User:
    return a_member()


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def workspace_id() -> str:
    return str(Workspace.objects.latest("pk").pk)


def advised(client: Client, name: str) -> Report:
    client.post("/", {"example": name, "workspace": workspace_id()})
    run = Run.objects.get()
    runs.execute_run(run_id=run.pk, moment=MOMENT)
    return Report.objects.get()


def page_of(client: Client, report: Report) -> str:
    decision_id = report.run.revision.decision_id
    answer = client.get(f"/decisions/{decision_id}/revisions/1/report")
    assert answer.status_code == 200
    return answer.content.decode()


def sentences(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [text for value in part.values() for text in sentences(value)]
    if isinstance(part, list):
        return [text for value in part for text in sentences(value)]
    return []


SHOWN = ("decision", "plan", "warnings", "plan_alternatives", "workloads", "coupling", "constraints")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_shows_every_sentence_of_the_report_and_each_figure_leads_to_its_source(
    name: str, published: int, client: Client
) -> None:
    report = advised(client, name)
    data = json.loads(bytes(report.content))

    page = page_of(client, report)

    missing = [text for part in SHOWN for text in sentences(data[part]) if escape(text) not in page]
    assert missing == []
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r'popovertarget="([^"]+)"', page))
    assert targets <= set(ids)
    assert {f"evidence-{number}" for number in range(1, len(data["evidence"]) + 1)} <= set(ids)
    assert "not among the evidence" not in page
    assert not re.search(r">\s*None\s*<|\bnan\b", page)
    assert "<style" not in page and " style=" not in page


def test_the_page_shows_the_bill_and_its_months_and_an_older_report_without_them(
    published: int, client: Client
) -> None:
    report = advised(client, "small_team")
    data = json.loads(bytes(report.content))
    totals = data["plan"]["totals"]
    page = page_of(client, report)

    assert all(escape(line["title"]) in page for line in totals["lines"])
    assert page.count("Running total") == 1 + len(data["workloads"])

    del totals["lines"]
    for month in totals["months"]:
        del month["cumulative_usd"], month["ramp_fraction"]
    for workload in data["workloads"]:
        del workload["bill"]
    Report.objects.filter(pk=report.pk).update(content=json.dumps(data).encode())
    older = page_of(client, Report.objects.get())

    assert "Month by month over" in older
    assert "Running total" not in older
    assert "line by line" not in older


def test_the_report_page_takes_four_queries(
    published: int, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    report = advised(client, "small_team")
    assert report.run.revision.decision_id  # read before the counting

    with django_assert_num_queries(4):  # session, user, report, permission
        page_of(client, report)


def test_a_stranger_does_not_find_the_report_and_a_viewer_reads_it(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    decision = report.run.revision.decision
    stranger, viewer = Client(), Client()
    stranger.force_login(a_member())
    viewer.force_login(a_member(role="viewer", workspace=decision.workspace))

    for ending in ("", ".json", ".md"):
        address = f"/decisions/{decision.pk}/revisions/1/report{ending}"
        assert stranger.get(address).status_code == 404
        assert viewer.get(address).status_code == 200


def test_the_markdown_download_is_the_decision_record(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    data = json.loads(bytes(report.content))

    answer = client.get(f"/decisions/{report.run.revision.decision_id}/revisions/1/report.md")

    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.headers["Content-Disposition"].endswith('-revision-1.md"')
    assert answer.content.decode() == markdown(data)


def test_an_answer_that_nothing_fits_is_shown_as_such(published: int, client: Client) -> None:
    text = examples.example(name="small_team").text
    document = text.replace("budget_usd_per_month: 2000", "budget_usd_per_month: 0.01")
    client.post("/", {"text": document, "workspace": workspace_id()})
    runs.execute_run(run_id=Run.objects.get().pk, moment=MOMENT)

    page = page_of(client, Report.objects.get())

    assert Report.objects.get().feasible is False
    assert "Nothing fits every constraint" in page
    assert "Finished: nothing fits" in client.get("/").content.decode()


def test_what_a_document_says_is_shown_as_text_never_as_markup(published: int, client: Client) -> None:
    evil = '<img src=x onerror="alert(1)">'
    document = examples.example(name="small_team").text.replace("decision: ", f"decision: '{evil}' # ", 1)
    client.post("/", {"text": document, "workspace": workspace_id()})
    runs.execute_run(run_id=Run.objects.get().pk, moment=MOMENT)

    for page in (page_of(client, Report.objects.get()), client.get("/").content.decode()):
        assert "&lt;img" in page
        assert evil not in page


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("version: 1\ndecision: x\nworkloads:\n- {id: a, kind: online_inference, model: gpt-99}", "workloads[0].model"),
        ("version: 1\ndecision: x\nworkloads: []\nsurprise: 1", "surprise"),
        ("a: &a [x]\nb: [*a, *a]", "a"),
        ("decision: [", "document"),
    ],
)
def test_a_wrong_document_keeps_what_was_typed_and_names_the_path(
    text: str, path: str, published: int, client: Client
) -> None:
    answer = client.post("/", {"text": text, "workspace": workspace_id()})
    page = answer.content.decode()

    assert answer.status_code == 400
    assert f"<code>{path}" in page or f"<code>{escape(path)}" in page
    assert escape(text.splitlines()[0]) in page
    assert Decision.objects.count() == 0


def test_a_fault_is_told_with_its_line(published: int, client: Client) -> None:
    text = examples.example(name="small_team").text.replace("kind: managed_api", "kind: managed_apis")
    line = next(number for number, one in enumerate(text.splitlines(), start=1) if "managed_apis" in one)

    page = client.post("/", {"text": text, "workspace": workspace_id()}).content.decode()

    assert f'<code>workloads[0].kind</code> <span class="quiet">(line {line})</span>' in page


def test_an_uploaded_file_starts_a_decision_and_a_wrong_one_is_put_into_the_text_box(
    published: int, client: Client
) -> None:
    good, bad = examples.example(name="small_team").text.encode(), b"version: 1\nworkloads: nothing"

    refused = client.post("/", {"file": SimpleUploadedFile("bad.yaml", bad), "workspace": workspace_id()})
    started = client.post("/", {"file": SimpleUploadedFile("good.yaml", good), "workspace": workspace_id()})

    assert refused.status_code == 400
    assert b"workloads: nothing" in refused.content
    assert started.status_code == 302
    assert Decision.objects.count() == 1


def test_an_example_opens_in_the_questionnaire(client: Client) -> None:
    answer = client.post("/examples/uber", {"workspace": workspace_id()})
    page = client.get(answer.url).content.decode()

    assert Decision.objects.get().revisions.get().runs.count() == 0
    assert escape("Trip serving, training and GenAI features (illustrative figures)") in page
    assert "Questions answered" in page
