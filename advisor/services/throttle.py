"""Slows down whoever guesses: refused passwords, links and tokens are counted for a quarter of an hour."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from advisor.models import RefusedTry

WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Limits:
    """How many refusals close the door: of one subject from one place, from one place, of one subject from anywhere."""

    here: int
    per_address: int
    per_subject: int


# Guessing is slowed, locking somebody else out is hard. Links and tokens have no subject: only the place counts.
LIMITS = {"sign_in": Limits(here=5, per_address=20, per_subject=50)}
UNGUESSABLE = Limits(here=20, per_address=20, per_subject=20)


class TooManyTries(Exception):
    """Too many refusals lately; `retry_after_s` says when to come back."""

    def __init__(self, *, retry_after_s: int) -> None:
        minutes = math.ceil(retry_after_s / 60)
        super().__init__(f"Too many failed tries. Wait {minutes} minute{'s' if minutes > 1 else ''} and try again.")
        self.retry_after_s = retry_after_s


def refuse_if_too_many(*, kind: str, address: str, moment: datetime, subject: str = "") -> None:
    """Raise TooManyTries while one of the limits of this kind of try is reached."""
    limits = LIMITS.get(kind, UNGUESSABLE)
    recent = RefusedTry.objects.filter(kind=kind, at__gt=moment - WINDOW)
    counted: list[tuple[QuerySet[RefusedTry], int]] = [(recent.filter(address=address[:64]), limits.per_address)]
    if subject:
        of_subject = recent.filter(subject=subject[:254])
        counted += [(of_subject.filter(address=address[:64]), limits.here), (of_subject, limits.per_subject)]
    for tries, limit in counted:
        newest = tries.order_by("-at").values_list("at", flat=True)[:limit]
        if len(newest) == limit:
            raise TooManyTries(retry_after_s=math.ceil((newest[limit - 1] + WINDOW - moment).total_seconds()))


def note(*, kind: str, address: str, moment: datetime, subject: str = "") -> None:
    """Count one refusal. Call it outside a transaction that the refusal rolls back."""
    RefusedTry.objects.filter(at__lt=moment - KEPT).delete()
    RefusedTry.objects.create(kind=kind, subject=subject[:254], address=address[:64], at=moment)


def forget(*, kind: str, subject: str, address: str) -> None:
    """Drop the refusals that a right answer has explained."""
    RefusedTry.objects.filter(kind=kind, subject=subject[:254], address=address[:64]).delete()
