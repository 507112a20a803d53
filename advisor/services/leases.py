"""Work that a row stands for: claimed once, kept by a lease that a thread renews, free when its worker is gone."""

import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from advisor.models import Leased
from catalog.renewal import Renewal

# A killed worker's row is free again after LEASE; beat looks every 15 s: together well below a minute.
LEASE = timedelta(seconds=20)
RENEW_EVERY_S = 5.0
PROGRESS_EVERY_S = 0.5
PATIENCE = timedelta(seconds=20)  # how long a queued row may wait before its message is sent again


class LeaseLost(Exception):
    """This row is no longer ours: cancelled, or given to another worker. Nothing more may be written."""


def claim(rows: type[Leased], *, pk: int, moment: datetime) -> int | None:
    """Take a queued row and return the number of this attempt; None when somebody else was first."""
    with transaction.atomic():
        taken = rows._default_manager.filter(pk=pk, state=Leased.State.QUEUED, attempt__lt=rows.MOST_ATTEMPTS).update(
            state=Leased.State.RUNNING,
            attempt=F("attempt") + 1,
            lease_until=moment + LEASE,
            started_at=Coalesce(F("started_at"), Value(moment)),
        )
        return rows._default_manager.values_list("attempt", flat=True).get(pk=pk) if taken else None


def cancel(rows: type[Leased], *, pk: int, moment: datetime) -> bool:
    """End a row that has not ended; its worker notices at its next step. False if it had ended already."""
    return bool(
        rows._default_manager.filter(pk=pk, state__in=Leased.OPEN_STATES).update(
            state=Leased.State.CANCELLED, lease_until=None, finished_at=moment
        )
    )


def requeue_lost(rows: type[Leased], *, moment: datetime, error: str) -> list[int]:
    """Return the rows to enqueue again: those whose worker went silent, and queued ones nobody took up.

    A row that lost its worker in its last attempt fails, with this error.
    """
    with transaction.atomic():
        expired = rows._default_manager.filter(state=Leased.State.RUNNING, lease_until__lt=moment)
        expired.filter(attempt__gte=rows.MOST_ATTEMPTS).update(
            state=Leased.State.FAILED, lease_until=None, finished_at=moment, error_code="worker_lost", error=error
        )
        lost = list(expired.values_list("pk", flat=True))
        rows._default_manager.filter(pk__in=lost, state=Leased.State.RUNNING, lease_until__lt=moment).update(
            state=Leased.State.QUEUED, lease_until=None, stage="", progress_fraction=0.0
        )
        waiting = rows._default_manager.filter(state=Leased.State.QUEUED, enqueued_at__lt=moment - PATIENCE)
        due = sorted({*lost, *waiting.values_list("pk", flat=True)})
        rows._default_manager.filter(pk__in=due).update(enqueued_at=moment)
    return due


class Lease:
    """Holds one attempt of one row: renews it from a thread, saves its progress, lets go when it is no longer ours."""

    def __init__(self, rows: type[Leased], *, pk: int, attempt: int, moment: datetime) -> None:
        self.pk = pk
        self._rows, self._attempt = rows, attempt
        self._moment, self._started = moment, time.monotonic()
        self._renewal = Renewal(self._update, every_s=RENEW_EVERY_S, name=f"lease of {rows.__name__} {pk}")
        self._stage, self._saved = "", float("-inf")

    def __enter__(self) -> "Lease":
        self._renewal.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._renewal.stop()

    def now(self) -> datetime:
        return self._moment + timedelta(seconds=time.monotonic() - self._started)

    def progress(self, stage: str, fraction: float, **fields: Any) -> None:
        """Save how far the work is, at most twice a second; raise LeaseLost when it was taken from us."""
        if self._renewal.is_lost:
            raise LeaseLost
        elapsed_s = time.monotonic() - self._started
        if stage == self._stage and elapsed_s - self._saved < PROGRESS_EVERY_S:
            return
        self._stage, self._saved = stage, elapsed_s
        if not self._update(stage=stage[:200], progress_fraction=min(max(fraction, 0.0), 1.0), **fields):
            raise LeaseLost

    def end(self, **fields: Any) -> bool:
        """Write the row's last state; False when it is no longer ours to end."""
        return self._update(lease_until=None, finished_at=self.now(), **fields)

    def fail(self, *, code: str, error: str, **fields: Any) -> bool:
        """Write down why it failed. Always False: nothing was found."""
        self.end(state=Leased.State.FAILED, error_code=code, error=error, **fields)
        return False

    def _update(self, **fields: Any) -> bool:
        fields.setdefault("lease_until", self.now() + LEASE)
        ours = self._rows._default_manager.filter(pk=self.pk, state=Leased.State.RUNNING, attempt=self._attempt)
        return bool(ours.update(**fields))
