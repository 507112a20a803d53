"""The tasks, with the real advice on the real catalog: run once, run twice, taken up again."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from advisor import tasks
from advisor.celery import app
from advisor.core import document
from advisor.models import MAX_ATTEMPTS, Decision, Report, Run, User
from advisor.services import decisions, examples, leases, runs
from catalog import queries
from catalog.models import CatalogRelease, Price
from tests.advisor.factories import DOCUMENT, MOMENT, a_member, a_run, a_running_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def unpublished() -> None:
    """No catalog, until the test's transaction is rolled back."""
    Price.objects.all().delete()
    CatalogRelease.objects.all().delete()


@pytest.fixture
def at_once() -> Iterator[None]:
    """Enqueued tasks run where they are enqueued."""
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    yield
    app.conf.update(task_always_eager=False, task_eager_propagates=False)


def started(*, owner: User | None = None, moment: dt.datetime = MOMENT) -> Run:
    owner = owner or a_member()
    return decisions.start_decision(
        workspace=owner.workspaces.get(),
        user=owner,
        document_bytes=examples.example(name="small_team").text.encode(),
        moment=moment,
    )


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def test_a_run_ends_with_a_report_whose_bytes_are_hashed(published: int) -> None:
    run = started()

    tasks.write_advice(run_id=run.pk)

    run = fresh(run)
    report = run.report
    assert (run.state, run.attempt, run.lease_until, run.progress_fraction) == ("succeeded", 1, None, 1.0)
    assert report.sha256 == hashlib.sha256(bytes(report.content)).hexdigest()
    assert report.feasible is True
    assert b'"moment":"2026-11-23"' in bytes(report.content)


def test_a_second_delivery_finds_the_run_taken_and_changes_nothing(published: int) -> None:
    run = started()
    tasks.write_advice(run_id=run.pk)
    first = fresh(run)

    tasks.write_advice(run_id=run.pk)

    assert Report.objects.count() == 1
    assert (fresh(run).attempt, fresh(run).finished_at) == (1, first.finished_at)


def test_a_second_attempt_on_another_day_gives_the_same_bytes(published: int) -> None:
    quiet, troubled = started(), started()
    tasks.write_advice(run_id=quiet.pk)
    leases.claim(Run, pk=troubled.pk, moment=MOMENT)  # a worker took it and was killed
    runs.requeue_lost(moment=MOMENT + dt.timedelta(days=1))

    tasks.write_advice(run_id=troubled.pk)

    assert fresh(troubled).attempt == 2
    assert bytes(fresh(troubled).report.content) == bytes(fresh(quiet).report.content)


def test_requeue_lost_takes_up_what_a_dead_worker_left(published: int, at_once: None) -> None:
    run = started(moment=timezone.now())
    Run.objects.filter(pk=run.pk).update(
        state="running", attempt=1, lease_until=timezone.now() - dt.timedelta(seconds=1)
    )

    tasks.requeue_lost()

    assert (fresh(run).state, fresh(run).attempt) == ("succeeded", 2)


def test_requeue_lost_gives_up_after_the_third_attempt(at_once: None) -> None:
    run = a_running_run(attempt=MAX_ATTEMPTS, lease_until=MOMENT)

    tasks.requeue_lost()

    assert (fresh(run).state, fresh(run).error_code) == ("failed", "worker_lost")


def test_without_a_catalog_the_run_fails_with_what_to_do(unpublished: None) -> None:
    run = a_run()

    tasks.write_advice(run_id=run.pk)

    run = fresh(run)
    assert (run.state, run.error_code) == ("failed", "no_catalog")
    assert "manage.py load_data" in run.error


def test_a_document_that_no_longer_holds_fails_with_its_paths(published: int) -> None:
    run = a_run()
    broken = {**DOCUMENT, "workloads": [{**DOCUMENT["workloads"][0], "traffic": {"requests_per_s_mean": -1}}]}
    run.revision.document = broken
    run.revision.save(update_fields=["document"])

    tasks.write_advice(run_id=run.pk)

    run = fresh(run)
    assert (run.state, run.error_code) == ("failed", "invalid_document")
    assert "workloads[0].traffic.requests_per_s_mean" in [item["path"] for item in run.error_items]


def test_an_error_of_ours_is_said_to_be_ours_and_written_to_the_log(
    published: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = started()

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(runs.coefficients, "load", broken)
    tasks.write_advice(run_id=run.pk)

    assert (fresh(run).state, fresh(run).error_code) == ("failed", "internal")
    assert "not of your document" in fresh(run).error
    assert "ZeroDivisionError" in caplog.text


def test_cancelling_in_the_middle_stores_no_report(published: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started()
    progress = leases.Lease.progress

    def cancelled_at_the_second_stage(lease: leases.Lease, stage: str, fraction: float) -> None:
        if fraction > 0:
            runs.cancel_run(run=run, user=run.requested_by, moment=MOMENT)
        progress(lease, stage, fraction)

    monkeypatch.setattr(leases.Lease, "progress", cancelled_at_the_second_stage)
    tasks.write_advice(run_id=run.pk)

    assert fresh(run).state == "cancelled"
    assert not Report.objects.exists()


def test_a_decision_keeps_the_document_as_it_was_written(published: int) -> None:
    text = examples.example(name="small_team").text

    run = started()

    assert run.revision.document == document.parse(text.encode())
    assert run.revision.decision.title == run.revision.document["decision"]


@pytest.mark.parametrize("name", [one.name for one in examples.examples()])
def test_each_example_can_be_started(name: str, published: int) -> None:
    owner = a_member()

    run = decisions.start_decision(
        workspace=owner.workspaces.get(),
        user=owner,
        document_bytes=examples.example(name=name).text.encode(),
        moment=MOMENT,
    )

    assert run.state == "queued"


def test_a_wrong_document_starts_nothing(published: int) -> None:
    owner = a_member()

    with pytest.raises(document.DocumentError) as refusal:
        decisions.start_decision(
            workspace=owner.workspaces.get(),
            user=owner,
            document_bytes=b"version: 1\ndecision: x\nworkloads: [{id: a, kind: online_inference, model: gpt-99}]",
            moment=MOMENT,
        )

    assert "workloads[0].model" in [item["path"] for item in refusal.value.items]
    assert Decision.objects.count() == 0


def test_without_a_catalog_no_decision_starts(unpublished: None) -> None:
    with pytest.raises(queries.NoRelease):
        started()
    assert Decision.objects.count() == 0


def test_tasks_keep_their_names() -> None:
    assert {task.name for task in (tasks.write_advice, tasks.render_pdf, tasks.requeue_lost)} == {
        "advisor.write_advice",
        "advisor.render_pdf",
        "advisor.requeue_lost",
    }
    assert app.conf.beat_schedule["requeue lost runs"]["task"] == tasks.requeue_lost.name
    assert app.conf.beat_schedule["requeue lost runs"]["schedule"] <= 15
