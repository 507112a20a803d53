"""Reading the sources anew: asked for by an operator or a schedule, done by Celery, decided on in the quarantine."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from advisor.models import User
from advisor.services import access, audit
from catalog import intake, refresh
from catalog.refresh import RunLine


def start(
    *, user: User, sources: Sequence[str], regions: Sequence[str], moment: dt.datetime
) -> tuple[RunLine, list[int]]:
    """Begin a run and return it with its parts, for whoever enqueues them. Only an operator may.

    Raises refresh.UnknownSource, refresh.AlreadyRunning, queries.NoRelease and PermissionDenied.
    """
    access.operator(user=user)
    with transaction.atomic():
        run = refresh.begin(sources=sources, regions=regions or None, actor=user.email, moment=moment)
        _record(user, action="refresh.started", subject=" ".join(sources), moment=moment)
    return refresh.run_line(run_id=run.pk), refresh.open_parts(run_id=run.pk)


def cancel(*, user: User, run_id: int, moment: dt.datetime) -> bool:
    """End a run; what it found so far is published. Returns whether it was running. Only an operator may."""
    access.operator(user=user)
    done = refresh.cancel(run_id=run_id, moment=moment)
    if done:
        _record(user, action="refresh.cancelled", subject=str(run_id), moment=moment)
    return done


def set_schedule(*, user: User, source: str, every_hours: int, is_on: bool, moment: dt.datetime) -> None:
    """Set how often a source is read by itself. Only an operator may. Raises refresh.UnknownSource and ValueError."""
    access.operator(user=user)
    refresh.set_schedule(source=source, every_hours=every_hours, is_on=is_on, actor=user.email, moment=moment)
    text = f"{source}: {f'every {every_hours} hours' if is_on else 'off'}"
    _record(user, action="refresh.scheduled", subject=text, moment=moment)


def accept(*, user: User, row_ids: Sequence[int], note: str, moment: dt.datetime) -> int:
    """Take rows out of the quarantine into a release of their own and return its number. Only an operator may.

    Raises intake.NotDecidable.
    """
    access.operator(user=user)
    with transaction.atomic():
        number = intake.accept(row_ids=row_ids, actor=user.email, moment=moment, note=note)
        _record(user, action="price.accepted", subject=f"{len(row_ids)} rows, release {number}", moment=moment)
    return number


def reject(*, user: User, row_ids: Sequence[int], note: str, moment: dt.datetime) -> int:
    """Refuse rows of the quarantine and return how many. Only an operator may."""
    access.operator(user=user)
    with transaction.atomic():
        count = intake.reject(row_ids=row_ids, actor=user.email, moment=moment, note=note)
        _record(user, action="price.rejected", subject=f"{count} rows", moment=moment)
    return count


def _record(user: User, *, action: str, subject: str, moment: dt.datetime) -> None:
    audit.record(user=user, workspace=None, action=action, subject=subject, moment=moment)
