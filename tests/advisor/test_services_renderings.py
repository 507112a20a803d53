"""The PDF of a report: made by a worker, kept as issued, handed out byte for byte; and the bundle of all formats."""

import datetime as dt
import io
import json
import zipfile
from pathlib import Path

import pytest
import yaml
from django.db import IntegrityError, transaction
from django.test import Client

from advisor import tasks
from advisor.core.report import hash_of
from advisor.models import MAX_ATTEMPTS, Rendering, Report, User
from advisor.pdf import render
from advisor.services import renderings
from tests.advisor.factories import DOCUMENT, MOMENT, a_member, a_reported_run

pytestmark = pytest.mark.django_db
CONTENT = (Path(__file__).parents[1] / "golden" / "reports" / "small_team.json").read_bytes()
LATER = MOMENT + dt.timedelta(minutes=1)


@pytest.fixture
def owner() -> User:
    return a_member()


@pytest.fixture
def report(owner: User) -> Report:
    run = a_reported_run(content=CONTENT, owner=owner)
    renderings.await_pdf(report=run.report, moment=MOMENT)
    return run.report


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def address(report: Report, ending: str) -> str:
    return f"/decisions/{report.run.revision.decision_id}/revisions/1/report{ending}"


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(content: bytes, **_: object) -> bytes:
        raise render.NotRendered("typst refused the record: a reason of its own")

    monkeypatch.setattr(render, "pdf", refused)


def test_the_worker_keeps_the_pdf_and_a_second_delivery_changes_nothing(report: Report) -> None:
    tasks.render_pdf(run_id=report.run_id)
    first = Rendering.objects.get()

    tasks.render_pdf(run_id=report.run_id)

    again = Rendering.objects.get()
    assert first.state == "kept"
    assert bytes(first.content).startswith(b"%PDF-1.7")
    assert first.sha256 == hash_of(bytes(first.content))
    assert first.renderer == render.RENDERER
    assert (bytes(again.content), again.attempt) == (bytes(first.content), 1)


def test_the_download_is_the_kept_file_byte_for_byte_whatever_happens_later(
    report: Report, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderings.render_pdf(run_id=report.run_id, moment=MOMENT)
    kept = bytes(Rendering.objects.get().content)
    refuse(monkeypatch)
    report.run.revision.decision.workspace.name = "Renamed"
    report.run.revision.decision.workspace.save(update_fields=["name"])

    answer = client.get(address(report, ".pdf"))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    number = report.run.revision.decision_id
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{number:04d}-support-assistant.pdf"'
    assert answer.content == kept


def test_until_the_pdf_is_there_a_page_looks_again_by_itself(report: Report, client: Client) -> None:
    for ending in (".pdf", ".zip"):
        answer = client.get(address(report, ending))

        assert answer.status_code == 202
        assert answer.headers["Refresh"] == "2"
        assert "The PDF is being made" in answer.content.decode()


def test_a_report_older_than_its_pdf_gets_one_when_it_is_asked_for(owner: User, client: Client) -> None:
    run = a_reported_run(content=CONTENT, owner=owner)

    assert client.get(address(run.report, ".pdf")).status_code == 202
    tasks.render_pdf(run_id=run.pk)

    assert client.get(address(run.report, ".pdf")).status_code == 200


def test_a_failure_leaves_the_report_says_so_and_can_be_tried_again(
    report: Report, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        refuse(broken)
        tasks.render_pdf(run_id=report.run_id)

    answer = client.get(address(report, ".pdf"))
    assert Rendering.objects.get().state == "failed"
    assert "a reason of its own" in caplog.text
    assert answer.status_code == 503
    assert "Refresh" not in answer.headers
    assert "not of your document" in answer.content.decode()
    assert client.get(address(report, "")).status_code == 200
    assert client.get(address(report, ".md")).status_code == 200

    assert client.post(address(report, ".pdf/retry")).status_code == 302
    tasks.render_pdf(run_id=report.run_id)

    assert client.get(address(report, ".pdf")).status_code == 200


def test_a_pdf_whose_worker_was_lost_is_sent_again_and_fails_in_the_end(report: Report) -> None:
    waiting = Rendering.objects.filter(report=report)
    assert renderings.requeue_lost(moment=MOMENT) == []
    assert renderings.requeue_lost(moment=LATER) == [report.run_id]
    assert renderings.requeue_lost(moment=LATER) == []

    waiting.update(attempt=MAX_ATTEMPTS)

    assert renderings.requeue_lost(moment=LATER + renderings.PATIENCE * 2) == []
    assert waiting.get().state == "failed"
    assert "stopped 3 times" in waiting.get().error
    assert renderings.render_pdf(run_id=report.run_id, moment=LATER) is False


def test_the_slower_of_two_workers_overwrites_nothing(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    made = render.pdf

    def overtaken(content: bytes, **facts: object) -> bytes:
        found = made(content)
        Rendering.objects.update(state="kept", content=b"first", sha256=hash_of(b"first"))
        return found

    monkeypatch.setattr(render, "pdf", overtaken)

    assert renderings.render_pdf(run_id=report.run_id, moment=MOMENT) is False
    assert bytes(Rendering.objects.get().content) == b"first"


def test_the_bundle_holds_the_three_formats_and_the_document_in_the_same_bytes_each_time(
    report: Report, client: Client
) -> None:
    renderings.render_pdf(run_id=report.run_id, moment=MOMENT)

    first, second = (client.get(address(report, ".zip")).content for _ in range(2))

    stem = f"{report.run.revision.decision_id:04d}-support-assistant"
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert first == second
    assert list(parts) == [f"{stem}.{ending}" for ending in ("pdf", "md", "json", "yaml")]
    assert parts[f"{stem}.pdf"] == client.get(address(report, ".pdf")).content
    assert parts[f"{stem}.md"] == client.get(address(report, ".md")).content
    assert json.loads(parts[f"{stem}.json"]) == json.loads(CONTENT)
    assert yaml.safe_load(parts[f"{stem}.yaml"]) == DOCUMENT


def test_a_stranger_finds_no_file_and_a_viewer_reads_but_cannot_retry(report: Report) -> None:
    renderings.render_pdf(run_id=report.run_id, moment=MOMENT)
    stranger, viewer = Client(), Client()
    stranger.force_login(a_member())
    viewer.force_login(a_member(role="viewer", workspace=report.run.revision.decision.workspace))

    for ending in (".pdf", ".zip"):
        assert stranger.get(address(report, ending)).status_code == 404
        assert viewer.get(address(report, ending)).status_code == 200
        assert Client().get(address(report, ending)).status_code == 302
    assert stranger.post(address(report, ".pdf/retry")).status_code == 404
    assert viewer.post(address(report, ".pdf/retry")).status_code == 403


def test_the_database_refuses_a_kept_row_without_bytes_and_a_second_pdf(report: Report) -> None:
    for wrong in ({"state": "kept"}, {"state": "failed"}, {"attempt": MAX_ATTEMPTS + 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Rendering.objects.update(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rendering.objects.create(report=report, format="pdf", enqueued_at=MOMENT)
