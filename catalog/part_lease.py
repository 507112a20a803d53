"""The hold of a worker on a part of a refresh run: renewed while it works, and asked for before anything is written."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from catalog.models import RefreshPart

LEASE = dt.timedelta(minutes=5)  # longer than one request of a source may take, with all its tries
RENEW_EVERY = dt.timedelta(seconds=10)


class LeaseLost(Exception):
    """This part is no longer ours: cancelled, past its deadline, or given to another worker."""


class Lease:
    """Keeps one try of a part ours while it is worked on, and finds out when it is not any more."""

    def __init__(self, part: RefreshPart) -> None:
        self.part = part
        self._renewed_at = timezone.now()
        self._ours = RefreshPart.objects.filter(pk=part.pk, state=RefreshPart.State.RUNNING, attempt=part.attempt)

    def renew(self) -> None:
        """Renew the lease, at most every ten seconds. Raises LeaseLost."""
        now = timezone.now()
        if now - self._renewed_at < RENEW_EVERY:
            return
        self._renewed_at = now
        if not self._ours.filter(run__deadline_at__gt=now).update(lease_until=now + LEASE):
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
