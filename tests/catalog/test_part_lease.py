"""A part stays with its worker however long a source takes to answer, and no longer than it may."""

import datetime as dt
import time
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from catalog import part_lease, refresh, snapshots
from catalog.models import RefreshPart, RefreshRun, Snapshot
from catalog.part_lease import Lease, LeaseLost

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch, settings, tmp_path) -> RefreshPart:
    """A part that was claimed so long ago that its lease has run out."""
    monkeypatch.setattr(part_lease, "RENEW_EVERY_S", 0.02)
    settings.DATA_DIR = tmp_path
    now = timezone.now()
    run = RefreshRun.objects.create(sources=["aws"], actor="test", created_at=now, deadline_at=now + refresh.DEADLINE)
    queued = RefreshPart.objects.create(run=run, source="aws", dataset="a-list", region="us-east-1", enqueued_at=now)
    claimed = refresh._claimed(queued.pk, moment=now - dt.timedelta(hours=1))
    assert claimed is not None
    return claimed


def until(reached: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 20
    while not reached() and time.monotonic() < give_up_at:
        time.sleep(0.02)


def endless() -> Iterator[bytes]:
    for _ in range(2_000):  # as good as: some ten seconds and more
        yield b"x"
        time.sleep(0.01)


def test_a_part_stays_ours_while_its_source_keeps_us_waiting(part: RefreshPart) -> None:
    with Lease(part) as lease:
        until(lambda: RefreshPart.objects.get().lease_until > timezone.now())

        assert refresh.tend(moment=timezone.now()) == []
        lease.check()

    assert (RefreshPart.objects.get().state, RefreshPart.objects.get().attempt) == ("running", 1)


def test_a_part_whose_worker_is_gone_is_free_again(part: RefreshPart) -> None:
    assert refresh.tend(moment=timezone.now()) == [part.pk]


@pytest.mark.parametrize("taken", ["cancelled", "past its deadline", "given to another"])
def test_a_file_that_comes_for_a_part_that_is_not_ours_any_more_is_dropped(part: RefreshPart, taken: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        if taken == "cancelled":
            refresh.cancel(run_id=part.run_id, moment=timezone.now())
        elif taken == "past its deadline":
            RefreshRun.objects.update(deadline_at=timezone.now())
        else:
            RefreshPart.objects.update(attempt=2)
        yield from endless()
        raise AssertionError("the whole file was waited for")

    with Lease(part) as lease, snapshots.keeper(lease=lease) as keep, pytest.raises(LeaseLost):
        keep(url="a file", pieces=pieces())

    assert not Snapshot.objects.exists()


def test_two_renewals_in_a_row_may_fail() -> None:
    assert part_lease.LEASE.total_seconds() > part_lease.RENEW_EVERY_S * 3
