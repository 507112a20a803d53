"""The life of a run: who may finish it, what becomes of it when its worker is gone."""

import datetime as dt
import time

import pytest
from pytest_django import DjangoAssertNumQueries

from advisor.models import MAX_ATTEMPTS, Run
from advisor.services import leases, runs
from tests.advisor.factories import MOMENT, a_member, a_run, a_running_run

pytestmark = pytest.mark.django_db

SOON = MOMENT + dt.timedelta(seconds=1)
LATER = MOMENT + dt.timedelta(minutes=5)


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def test_a_queued_run_is_taken_once() -> None:
    run = a_run()

    first, second = (leases.claim(Run, pk=run.pk, moment=SOON) for _ in range(2))

    assert (first, second) == (1, None)
    run = fresh(run)
    assert (run.state, run.attempt, run.started_at) == ("running", 1, SOON)
    assert run.lease_until == SOON + leases.LEASE


@pytest.mark.parametrize("state", ["succeeded", "cancelled", "failed"])
def test_a_run_that_has_ended_is_not_taken_again(state: str) -> None:
    run = a_run(state=state, finished_at=MOMENT, error="no" if state == "failed" else "")

    assert runs.execute_run(run_id=run.pk, moment=SOON) is False
    assert fresh(run).state == state


def test_the_moment_of_the_advice_does_not_change_with_the_attempt() -> None:
    run = a_running_run(lease_until=SOON)

    runs.requeue_lost(moment=LATER + dt.timedelta(days=2))
    leases.claim(Run, pk=run.pk, moment=LATER + dt.timedelta(days=2))

    assert fresh(run).moment == MOMENT.date()
    assert fresh(run).started_at == MOMENT


def test_a_run_whose_worker_went_silent_is_queued_again() -> None:
    run = a_running_run(lease_until=SOON, stage="estimating", progress_fraction=0.4)

    due = runs.requeue_lost(moment=LATER)

    run = fresh(run)
    assert due == [run.pk]
    assert (run.state, run.attempt, run.stage, run.progress_fraction) == ("queued", 1, "", 0.0)
    assert leases.claim(Run, pk=run.pk, moment=LATER) == 2


def test_a_run_whose_lease_holds_is_left_alone() -> None:
    run = a_running_run(lease_until=LATER)

    assert runs.requeue_lost(moment=LATER - dt.timedelta(seconds=1)) == []
    assert fresh(run).state == "running"


def test_a_run_that_lost_its_last_attempt_fails_with_the_reason() -> None:
    run = a_running_run(attempt=MAX_ATTEMPTS, lease_until=SOON)

    assert runs.requeue_lost(moment=LATER) == []
    run = fresh(run)
    assert (run.state, run.error_code, run.finished_at) == ("failed", "worker_lost", LATER)
    assert "3 times" in run.error


def test_a_queued_run_is_sent_again_only_when_nobody_took_it_for_a_while() -> None:
    forgotten = a_run(enqueued_at=LATER - leases.PATIENCE - dt.timedelta(seconds=1))
    just_sent = a_run(enqueued_at=LATER - leases.PATIENCE + dt.timedelta(seconds=1))

    assert runs.requeue_lost(moment=LATER) == [forgotten.pk]
    assert fresh(forgotten).enqueued_at == LATER
    assert fresh(just_sent).enqueued_at != LATER


def test_a_lost_run_is_back_on_its_way_within_a_minute() -> None:
    longest_silence = leases.LEASE + leases.PATIENCE + dt.timedelta(seconds=15)  # beat looks every 15 s

    assert longest_silence < dt.timedelta(seconds=60)
    assert leases.LEASE.total_seconds() > leases.RENEW_EVERY_S * 3  # two renewals may fail


def test_an_open_run_can_be_cancelled_and_an_ended_one_not() -> None:
    waiting, working = a_run(), a_running_run(lease_until=LATER)

    assert all(runs.cancel_run(run=run, user=run.requested_by, moment=SOON) for run in (waiting, working))
    assert {fresh(waiting).state, fresh(working).state} == {"cancelled"}
    assert runs.cancel_run(run=waiting, user=waiting.requested_by, moment=LATER) is False
    assert fresh(waiting).finished_at == SOON


def test_asking_twice_gives_the_run_that_is_open() -> None:
    run = a_run()

    again = runs.queue_run(revision=run.revision, user=run.requested_by, moment=LATER)

    assert again == run


def test_a_cancelled_run_can_be_asked_for_again() -> None:
    run = a_run()
    runs.cancel_run(run=run, user=run.requested_by, moment=SOON)

    again = runs.queue_run(revision=run.revision, user=a_member(), moment=LATER)

    assert again != run
    assert (again.state, again.moment, again.attempt) == ("queued", LATER.date(), 0)


def a_lease(run: Run) -> leases.Lease:
    return leases.Lease(Run, pk=run.pk, attempt=run.attempt, moment=MOMENT)


def test_progress_is_saved_and_renews_the_lease() -> None:
    run = a_running_run(lease_until=SOON)

    a_lease(run).progress("estimating serving", 0.25)

    run = fresh(run)
    assert (run.stage, run.progress_fraction) == ("estimating serving", 0.25)
    assert run.lease_until is not None and run.lease_until >= MOMENT + leases.LEASE


def test_progress_within_a_stage_is_saved_at_most_twice_a_second(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    lease = a_lease(a_running_run(lease_until=LATER))
    lease.progress("estimating serving", 0.25)

    with django_assert_num_queries(0):
        lease.progress("estimating serving", 0.26)
    with django_assert_num_queries(1):
        lease.progress("combining stacks", 0.27)


def test_a_cancelled_run_stops_its_worker_at_the_next_step() -> None:
    run = a_running_run(lease_until=LATER)
    lease = a_lease(run)
    runs.cancel_run(run=run, user=run.requested_by, moment=SOON)

    with pytest.raises(leases.LeaseLost):
        lease.progress("combining stacks", 0.5)
    assert lease.end(state=Run.State.SUCCEEDED) is False
    assert fresh(run).state == "cancelled"


def test_a_worker_that_was_given_up_cannot_write_under_its_old_attempt() -> None:
    run = a_running_run(lease_until=SOON)
    old = a_lease(run)
    runs.requeue_lost(moment=LATER)
    leases.claim(Run, pk=run.pk, moment=LATER)

    with pytest.raises(leases.LeaseLost):
        old.progress("combining stacks", 0.9)
    assert old.end(state=Run.State.SUCCEEDED) is False
    assert (fresh(run).state, fresh(run).attempt) == ("running", 2)


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_renewed_while_the_work_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.02)
    run = a_running_run(lease_until=SOON)

    with a_lease(run):
        until = time.monotonic() + 5
        while fresh(run).lease_until == SOON and time.monotonic() < until:
            time.sleep(0.02)

    assert fresh(run).lease_until > MOMENT + leases.LEASE


@pytest.mark.django_db(transaction=True)
def test_the_lease_notices_a_cancellation_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.02)
    run = a_running_run(lease_until=LATER)

    with a_lease(run) as lease:
        lease.progress("estimating serving", 0.1)
        runs.cancel_run(run=run, user=run.requested_by, moment=SOON)
        with pytest.raises(leases.LeaseLost):
            until = time.monotonic() + 5
            while time.monotonic() < until:
                lease.progress("estimating serving", 0.1)
                time.sleep(0.01)
