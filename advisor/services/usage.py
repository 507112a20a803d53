"""How many requests a token or an address may send in a minute, counted in the database that all processes share."""

import math
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from advisor.models import RequestCount

KEPT = timedelta(minutes=5)


class TooManyRequests(Exception):
    """The limit of this minute is reached; `retry_after_s` says when the next one begins."""

    def __init__(self, *, limit: int, retry_after_s: int) -> None:
        super().__init__(f"More than {limit} requests in a minute. Wait {retry_after_s} s and go on.")
        self.retry_after_s = retry_after_s


def count(*, subject: str, limit: int, moment: datetime) -> None:
    """Count one request of a subject. Raises TooManyRequests beyond the limit of the running minute."""
    minute = moment.replace(second=0, microsecond=0)
    if _add(subject=subject, minute=minute, limit=limit):
        return
    if _begin(subject=subject, minute=minute) or _add(subject=subject, minute=minute, limit=limit):
        return
    left = (minute + timedelta(minutes=1) - moment).total_seconds()
    raise TooManyRequests(limit=limit, retry_after_s=max(1, math.ceil(left)))


def _add(*, subject: str, minute: datetime, limit: int) -> bool:
    row = RequestCount.objects.filter(subject=subject, minute=minute, count__lt=limit)
    return bool(row.update(count=F("count") + 1))


def _begin(*, subject: str, minute: datetime) -> bool:
    """Make the row of a new minute; False where it is there already. Old minutes go when a new one begins."""
    try:
        with transaction.atomic():
            RequestCount.objects.create(subject=subject, minute=minute, count=1)
    except IntegrityError:
        return False
    RequestCount.objects.filter(minute__lt=minute - KEPT).delete()
    return True
