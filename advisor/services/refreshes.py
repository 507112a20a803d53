"""Reading the sources anew: asked for by an operator or a schedule, done by Celery, decided on in the quarantine."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from advisor.models import User
from advisor.services import access, audit, probing
from advisor.services.access import Scope
from catalog import intake, refresh
from catalog.intake import QuarantineLine
from catalog.latency import NothingToProbe
from catalog.published import NoRelease
from catalog.refresh import RunLine, Schedule

logger = logging.getLogger(__name__)

SOURCE_NAMES = tuple(refresh.SOURCES)
SCHEDULED_NAMES = tuple(refresh.USUAL_HOURS)


def start(
    *, user: User, sources: Sequence[str], regions: Sequence[str], moment: dt.datetime, scope: Scope | None = None
) -> tuple[RunLine, list[int]]:
    """Begin a run and return it with its parts, for whoever enqueues them. Only an operator may.

    Raises refresh.UnknownSource, refresh.UnknownRegion, refresh.AlreadyRunning, published.NoRelease and
    PermissionDenied.
    """
    access.operator(user=user, scope=scope)
    with transaction.atomic():
        run = refresh.begin(sources=sources, regions=regions or None, actor=user.email, moment=moment)
        _record(user, action="refresh.started", subject=" ".join(sources), moment=moment)
    return refresh.run_line(run_id=run.pk), refresh.open_parts(run_id=run.pk)


@dataclass(frozen=True)
class Due:
    """What schedules have begun: parts of refresh runs, and parts of probe runs."""

    parts: list[int]
    probes: list[int]


def begin_due(*, moment: dt.datetime) -> Due:
    """Begin what is due by its schedule. What is still going on is left out, and due again later."""
    due = Due([], [])
    for word in refresh.take_due(moment=moment):
        try:
            if word == refresh.PROBES:
                due.probes.extend(probing.begin(moment=moment).part_ids)
            else:
                run = refresh.begin(sources=[word], regions=None, actor="schedule", moment=moment)
                due.parts.extend(refresh.open_parts(run_id=run.pk))
        except (refresh.AlreadyRunning, NoRelease, NothingToProbe) as error:
            logger.warning("What was due of %s was left out: %s", word, error)
    return due


def cancel(*, user: User, run_id: int, moment: dt.datetime, scope: Scope | None = None) -> bool:
    """End a run; what it found so far is published. Returns whether it was running. Only an operator may."""
    access.operator(user=user, scope=scope)
    done = refresh.cancel(run_id=run_id, moment=moment)
    if done:
        _record(user, action="refresh.cancelled", subject=str(run_id), moment=moment)
    return done


def set_schedule(
    *, user: User, source: str, every_hours: int, is_on: bool, moment: dt.datetime, scope: Scope | None = None
) -> None:
    """Set how often a source is read by itself. Only an operator may. Raises refresh.UnknownSource and ValueError."""
    access.operator(user=user, scope=scope)
    refresh.set_schedule(source=source, every_hours=every_hours, is_on=is_on, actor=user.email, moment=moment)
    text = f"{source}: {f'every {every_hours} hours' if is_on else 'off'}"
    _record(user, action="refresh.scheduled", subject=text, moment=moment)


def accept(*, user: User, row_ids: Sequence[int], note: str, moment: dt.datetime, scope: Scope | None = None) -> int:
    """Take rows out of the quarantine into a release of their own and return its number. Only an operator may.

    Raises intake.NotDecidable.
    """
    access.operator(user=user, scope=scope)
    with transaction.atomic():
        number = intake.accept(row_ids=row_ids, actor=user.email, moment=moment, note=note)
        _record(user, action="price.accepted", subject=f"{len(row_ids)} rows, release {number}", moment=moment)
    return number


def reject(*, user: User, row_ids: Sequence[int], note: str, moment: dt.datetime, scope: Scope | None = None) -> int:
    """Refuse rows of the quarantine and return how many. Only an operator may."""
    access.operator(user=user, scope=scope)
    with transaction.atomic():
        count = intake.reject(row_ids=row_ids, actor=user.email, moment=moment, note=note)
        _record(user, action="price.rejected", subject=f"{count} rows", moment=moment)
    return count


@dataclass(frozen=True, kw_only=True)
class Board:
    """How each dataset and region stands: when it was last read well, when it was last tried, and with what outcome."""

    source: str
    dataset: str
    region: str
    good_at: dt.datetime | None
    good_counts: dict[str, int]
    tried_at: dt.datetime | None
    state: str
    problem: str


def board() -> list[Board]:
    """Return a line for each dataset and region that was ever tried, by source."""
    good = {(line.source, line.dataset, line.region): line for line in refresh.last_good()}
    return [
        Board(
            source=tried.source,
            dataset=tried.dataset,
            region=tried.region,
            good_at=best.ended_at if best else None,
            good_counts=best.counts if best else {},
            tried_at=tried.ended_at,
            state=tried.state,
            problem=tried.problem,
        )
        for tried in refresh.last_tried()
        for best in [good.get((tried.source, tried.dataset, tried.region))]
    ]


def runs(*, before: int | None = None, limit: int = 50) -> list[RunLine]:
    """Return refresh runs, newest first."""
    return refresh.runs(limit=limit, before=before)


def run(*, run_id: int) -> RunLine:
    """Return one run with its parts. Raises refresh.NoSuchRun."""
    return refresh.run_line(run_id=run_id)


def schedules() -> list[Schedule]:
    """Return how often each source is read by itself."""
    return refresh.schedules()


def quarantine(*, state: str, before: int | None = None, limit: int = 100) -> list[QuarantineLine]:
    """Return rows of the quarantine in one state, newest first."""
    return intake.quarantine(state=state, before=before, limit=limit)


def waiting_count() -> int:
    """Return how many rows wait for an operator's decision."""
    return intake.waiting_count()


def _record(user: User, *, action: str, subject: str, moment: dt.datetime) -> None:
    audit.record(user=user, workspace=None, action=action, subject=subject, moment=moment)
