"""The hold of a worker on a part of a refresh run: renewed while it works, and asked for before anything is written."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from django.db import transaction
from django.utils import timezone

from catalog.models import RefreshPart
from catalog.renewal import Renewal

LEASE = dt.timedelta(minutes=1)  # a killed worker's part is free again after it
RENEW_EVERY_S = 10.0


class LeaseLost(Exception):
    """This part is no longer ours: cancelled, past its deadline, or given to another worker."""


class Lease:
    """Keeps one try of a part ours while it is worked on, and finds out when it is not any more.

    As a context manager it is renewed from a thread, however long a source takes to answer.
    """

    def __init__(self, part: RefreshPart) -> None:
        self.part = part
        self._ours = RefreshPart.objects.filter(pk=part.pk, state=RefreshPart.State.RUNNING, attempt=part.attempt)
        self._renewal = Renewal(self._renew, every_s=RENEW_EVERY_S, name=f"lease of part {part.pk}")

    def __enter__(self) -> "Lease":
        self._renewal.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._renewal.stop()

    def check(self) -> None:
        """Raise LeaseLost once the last renewal, at most ten seconds ago, found the part gone."""
        if self._renewal.is_lost:
            raise LeaseLost(str(self.part))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write in one transaction while nobody can take the part away or end it. Raises LeaseLost.

        Who ended the part before can so be sure that none of its rows come later.
        """
        with transaction.atomic():
            if self._ours.select_for_update().first() is None:
                raise LeaseLost(str(self.part))
            yield

    def _renew(self) -> bool:
        now = timezone.now()
        return bool(self._ours.filter(run__deadline_at__gt=now).update(lease_until=now + LEASE))
