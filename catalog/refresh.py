"""A round through the sources: planned in parts, each claimed once, taken in, and published together at the end.

The rows are the truth, not the messages: a part is worked on under a lease, taken up again when its worker is gone,
and given up after the third try; a run past its deadline is closed. What failed changes nothing that was known.
"""

import datetime as dt
import logging
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from catalog import files, ingest, published, snapshots
from catalog.intake import Intake, clear, take_in
from catalog.models import CatalogRelease, RefreshPart, RefreshRun, RefreshSchedule
from catalog.part_lease import LEASE, Lease, LeaseLost
from catalog.sources.registry import SOURCES
from catalog.sources.source import NotConfigured, Part, Source, SourceBusy, SourceFailed, SourceUnreachable

logger = logging.getLogger(__name__)

DEADLINE = dt.timedelta(hours=3)  # of a whole run
PATIENCE = dt.timedelta(minutes=2)  # how long a queued part may wait before its message is sent again
MAX_ATTEMPTS = 3
LONGEST_PAUSE = dt.timedelta(minutes=15)


class UnknownSource(Exception):
    """No source has this name; the text lists those there are."""


class UnknownRegion(Exception):
    """The catalog has no region of this name, or none of the sources is read by it; the text says which."""


class AlreadyRunning(Exception):
    """Another run is reading one of these parts now. Wait for it, or cancel it."""


def begin(
    *, sources: Sequence[str], regions: Collection[str] | None, actor: str, moment: dt.datetime, inline: bool = False
) -> RefreshRun:
    """Plan a run and return it, with a row for each part. A source that lacks a key has one part that says so.

    ``inline`` keeps the parts from the schedule's hands: whoever began the run works on them.
    Raises UnknownSource, UnknownRegion, AlreadyRunning and published.NoRelease.
    """
    sources = list(dict.fromkeys(sources))
    unknown = [name for name in sources if name not in SOURCES]
    if unknown or not sources:
        raise UnknownSource(f"{', '.join(unknown) or 'nothing'} is no source; there are: {', '.join(SOURCES)}.")
    facts = published.facts(moment=moment.date())
    if nowhere := sorted(set(regions or ()) - {row.region for row in facts.regions}):
        raise UnknownRegion(f"The catalog has no region {', '.join(nowhere)}.")
    try:
        with transaction.atomic():
            run = RefreshRun.objects.create(
                sources=sources,
                regions=sorted(regions or ()),
                actor=actor,
                created_at=moment,
                deadline_at=moment + DEADLINE,
            )
            parts = [
                part
                for name in sources
                for part in _planned(run, name=name, facts=facts, regions=regions, moment=moment, inline=inline)
            ]
            if regions and not parts:
                raise UnknownRegion(f"Nothing of {', '.join(sources)} is read in {', '.join(sorted(regions))}.")
            RefreshPart.objects.bulk_create(parts)
    except IntegrityError as error:
        raise AlreadyRunning("A run that reads one of these sources is still going on.") from error
    finish(run_id=run.pk, moment=moment)
    return run


def _planned(
    run: RefreshRun,
    *,
    name: str,
    facts: files.Facts,
    regions: Collection[str] | None,
    moment: dt.datetime,
    inline: bool,
) -> list[RefreshPart]:
    rows = []
    for module in SOURCES[name]:
        try:
            rows += [
                RefreshPart(
                    run=run,
                    source=name,
                    dataset=part.dataset,
                    region=part.region,
                    enqueued_at=moment,
                    not_before=run.deadline_at if inline else None,
                )
                for part in module.parts(facts=facts, regions=regions)
            ]
        except NotConfigured as error:
            rows.append(
                RefreshPart(
                    run=run,
                    source=name,
                    dataset=module.DATASET,
                    state=RefreshPart.State.NOT_CONFIGURED,
                    enqueued_at=moment,
                    ended_at=moment,
                    problem=str(error),
                )
            )
    return rows


def open_parts(*, run_id: int) -> list[int]:
    """Return the parts of a run that nobody has begun, in order."""
    rows = RefreshPart.objects.filter(run_id=run_id, state=RefreshPart.State.QUEUED)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def wait_for_turn(*, part_id: int) -> None:
    """Sleep until a part that was throttled may be asked for again; for who works on a run without a schedule."""
    part = RefreshPart.objects.get(pk=part_id)
    if part.attempt and part.not_before is not None:
        time.sleep(max((part.not_before - timezone.now()).total_seconds(), 0))


def work(*, part_id: int) -> None:
    """Work on one part if it waits: fetch, keep, read, take in; then close the run if it was the last.

    A second message finds the part taken and ends. Whatever goes wrong is written into the part's row.
    """
    part = _claimed(part_id, moment=timezone.now())
    if part is None:
        return
    try:
        with Lease(part) as lease:
            counts = _worked(part, lease=lease)
    except LeaseLost:
        return
    except NotConfigured as error:
        _end(part, state=RefreshPart.State.NOT_CONFIGURED, problem=str(error))
    except SourceUnreachable as error:
        _end(part, state=RefreshPart.State.FAILED, problem=str(error))
        _fail_siblings(part, problem=str(error))
    except SourceBusy as error:
        _again_or_failed(part, error)
    except SourceFailed as error:
        _end(part, state=RefreshPart.State.FAILED, problem=str(error))
    except Exception as error:  # a source's new shape may break a reader anywhere; the run must end all the same
        logger.exception("Part %s could not be read.", part)
        _end(
            part, state=RefreshPart.State.FAILED, problem=f"It could not be read: {type(error).__name__}: {error}"[:500]
        )
    else:
        _end(part, state=RefreshPart.State.SUCCEEDED, counts=counts)
    finish(run_id=part.run_id, moment=timezone.now())


def _worked(part: RefreshPart, *, lease: Lease) -> dict[str, int]:
    facts = published.facts(moment=timezone.now().date())
    module = _module(part)
    wanted = Part(source=part.source, dataset=part.dataset, region=part.region)
    with snapshots.keeper(lease=lease) as keep:
        module.fetch(wanted, keep=keep)
        intake = Intake(lease=lease, release=_release(part.run_id), facts=facts, moment=timezone.now())
        found = module.read(wanted, pages=tuple(keep.pages), facts=facts)
        return take_in(intake, found=found)


def _module(part: RefreshPart) -> Source:
    for module in SOURCES[part.source]:
        if part.dataset == module.DATASET:
            return module
    raise SourceFailed(f"No source reads {part.dataset} any more.")


def _release(run_id: int) -> CatalogRelease:
    """Return the unpublished release of a run, made by the first part that has something to say. Raises LeaseLost."""
    with transaction.atomic():
        run = RefreshRun.objects.select_for_update().get(pk=run_id)
        if run.state != RefreshRun.State.RUNNING:
            raise LeaseLost(str(run))
        if run.release is None:
            run.release = ingest.begin(actor=f"refresh {run.pk}: {run.actor}"[:200], moment=timezone.now())
            run.save(update_fields=["release"])
        return run.release


def _claimed(part_id: int, *, moment: dt.datetime) -> RefreshPart | None:
    taken = RefreshPart.objects.filter(
        pk=part_id, state=RefreshPart.State.QUEUED, run__state=RefreshRun.State.RUNNING
    ).update(
        state=RefreshPart.State.RUNNING,
        attempt=F("attempt") + 1,
        lease_until=moment + LEASE,
        started_at=moment,
        problem="",
    )
    return RefreshPart.objects.get(pk=part_id) if taken else None


def _end(part: RefreshPart, *, state: str, problem: str = "", counts: dict[str, int] | None = None) -> None:
    """Close a part that is still ours."""
    RefreshPart.objects.filter(pk=part.pk, state=RefreshPart.State.RUNNING, attempt=part.attempt).update(
        state=state, problem=problem, counts=counts or {}, lease_until=None, ended_at=timezone.now()
    )


def _again_or_failed(part: RefreshPart, error: SourceBusy) -> None:
    if part.attempt >= MAX_ATTEMPTS:
        _end(part, state=RefreshPart.State.FAILED, problem=f"{error} Given up after {part.attempt} tries.")
        return
    pause_s = min(error.retry_after_s * 2 ** (part.attempt - 1), LONGEST_PAUSE.total_seconds())
    jitter = 1 + random.random() / 2  # noqa: S311 - so that parts do not come back all at once
    RefreshPart.objects.filter(pk=part.pk, state=RefreshPart.State.RUNNING, attempt=part.attempt).update(
        state=RefreshPart.State.QUEUED,
        problem=f"{error} Asked again later.",
        lease_until=None,
        not_before=timezone.now() + dt.timedelta(seconds=pause_s * jitter),
    )


def _fail_siblings(part: RefreshPart, *, problem: str) -> None:
    """Fail the waiting parts of the same dataset: nobody answers at its address."""
    RefreshPart.objects.filter(run_id=part.run_id, dataset=part.dataset, state=RefreshPart.State.QUEUED).update(
        state=RefreshPart.State.FAILED, problem=f"Not asked: {problem}", ended_at=timezone.now()
    )


def finish(*, run_id: int, moment: dt.datetime) -> None:
    """Close a run whose parts have all ended, and publish what those that succeeded found.

    A second call finds it closed.
    """
    with transaction.atomic():
        run = RefreshRun.objects.select_for_update().get(pk=run_id)
        parts = list(RefreshPart.objects.filter(run=run))
        states = {part.state for part in parts}
        if run.state != RefreshRun.State.RUNNING or any(state in RefreshPart.OPEN_STATES for state in states):
            return
        good = RefreshPart.State.SUCCEEDED in states
        if run.release is not None and good:
            for part in parts:
                if part.state != RefreshPart.State.SUCCEEDED:  # a try that was cut off may have left rows
                    clear(release=run.release, dataset=part.name)
            ingest.publish_appended(release=run.release, moment=moment)
        elif run.release is not None:
            run.release.delete()
        RefreshRun.objects.filter(pk=run.pk).update(state=_outcome(states), ended_at=moment)
    snapshots.prune()


def _outcome(states: Collection[str]) -> str:
    """Return what became of a run whose parts ended in these states."""
    failed, cancelled = RefreshPart.State.FAILED in states, RefreshPart.State.CANCELLED in states
    if RefreshPart.State.SUCCEEDED in states:
        return RefreshRun.State.PARTLY if failed or cancelled else RefreshRun.State.SUCCEEDED
    if failed:
        return RefreshRun.State.FAILED
    return RefreshRun.State.CANCELLED if cancelled else RefreshRun.State.SUCCEEDED


def cancel(*, run_id: int, moment: dt.datetime, problem: str = "Cancelled.") -> bool:
    """End what has not ended of a run; what its parts found before is published. Returns whether it was running."""
    run = RefreshRun.objects.filter(pk=run_id, state=RefreshRun.State.RUNNING).first()
    if run is None:
        return False
    RefreshPart.objects.filter(run=run, state__in=RefreshPart.OPEN_STATES).update(
        state=RefreshPart.State.CANCELLED, problem=problem, lease_until=None, ended_at=moment
    )
    finish(run_id=run_id, moment=moment)
    return True


def tend(*, moment: dt.datetime) -> list[int]:
    """Take up lost parts, close runs past their deadline, and return the parts whose message is to be sent now."""
    for run in RefreshRun.objects.filter(state=RefreshRun.State.RUNNING, deadline_at__lte=moment):
        cancel(run_id=run.pk, moment=moment, problem=f"Closed: the run was not done within {DEADLINE}.")
    lost = RefreshPart.objects.filter(state=RefreshPart.State.RUNNING, lease_until__lte=moment)
    for part in lost:
        if part.attempt >= MAX_ATTEMPTS:
            text = f"Its worker was lost {part.attempt} times; it is not tried again."
            _end(part, state=RefreshPart.State.FAILED, problem=text)
        else:
            lost.filter(pk=part.pk, attempt=part.attempt).update(
                state=RefreshPart.State.QUEUED, lease_until=None, not_before=moment, problem="Its worker was lost."
            )
    for run_id in RefreshRun.objects.filter(state=RefreshRun.State.RUNNING).values_list("pk", flat=True):
        finish(run_id=run_id, moment=moment)  # also where a worker was killed between its part's end and this
    waiting = RefreshPart.objects.filter(state=RefreshPart.State.QUEUED, run__state=RefreshRun.State.RUNNING).filter(
        Q(not_before__lte=moment) | Q(not_before__isnull=True, enqueued_at__lte=moment - PATIENCE)
    )
    due = list(waiting.order_by("pk").values_list("pk", flat=True))
    RefreshPart.objects.filter(pk__in=due).update(enqueued_at=moment, not_before=None)
    return due


# --- schedules --------------------------------------------------------------------------------------------------------

PROBES = "probes"  # the latency to regions, measured from here
USUAL_HOURS = {"aws": 24, "azure": 24, "google": 24, "models": 24, PROBES: 24}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How often a source is read by itself."""

    source: str
    every_hours: int
    is_on: bool
    next_at: dt.datetime | None
    changed_by: str
    changed_at: dt.datetime | None


def schedules() -> list[Schedule]:
    """Return the schedule of every source and of the probes, off where nobody has switched it on."""
    rows = {row.source: row for row in RefreshSchedule.objects.all()}
    found = []
    for name in USUAL_HOURS:
        row = rows.get(name)
        found.append(
            Schedule(
                source=name,
                every_hours=row.every_hours if row else USUAL_HOURS[name],
                is_on=bool(row and row.is_on),
                next_at=row.next_at if row else None,
                changed_by=row.changed_by if row else "",
                changed_at=row.changed_at if row else None,
            )
        )
    return found


def set_schedule(*, source: str, every_hours: int, is_on: bool, actor: str, moment: dt.datetime) -> None:
    """Set how often a source is read; switched on, it is read soon and then every so many hours (1 to 720).

    Raises UnknownSource and ValueError.
    """
    if source not in USUAL_HOURS:
        raise UnknownSource(f"{source} is no source; there are: {', '.join(USUAL_HOURS)}.")
    if not 1 <= every_hours <= 720:
        raise ValueError("A source is read every 1 to 720 hours.")
    spread = dt.timedelta(seconds=random.uniform(0, 300))  # noqa: S311 - so that installations do not ask all at once
    RefreshSchedule.objects.update_or_create(
        source=source,
        defaults={
            "every_hours": every_hours,
            "is_on": is_on,
            "next_at": moment + spread if is_on else None,
            "changed_by": actor,
            "changed_at": moment,
        },
    )


def take_due(*, moment: dt.datetime) -> list[str]:
    """Return the words whose schedule is due, each once however many ask, and set when they are due next."""
    due = []
    for row in RefreshSchedule.objects.filter(is_on=True, next_at__lte=moment):
        taken = RefreshSchedule.objects.filter(pk=row.pk, is_on=True, next_at=row.next_at).update(
            next_at=moment + dt.timedelta(hours=row.every_hours)
        )
        if taken:
            due.append(row.source)
    return due


# --- what is shown of runs --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PartLine:
    """One part of a run, as it stands."""

    source: str
    dataset: str
    region: str
    state: str
    attempt: int
    problem: str
    counts: dict[str, int]
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    not_before: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run, as it stands; ``counts`` are the sums of its parts, ``states`` how many parts are in each state."""

    id: int
    sources: tuple[str, ...]
    regions: tuple[str, ...]
    actor: str
    state: str
    created_at: dt.datetime
    ended_at: dt.datetime | None
    release: int | None  # the published one
    counts: dict[str, int]
    states: dict[str, int]
    parts: tuple[PartLine, ...]


def runs(*, limit: int = 50, before: int | None = None) -> list[RunLine]:
    """Return the newest runs first, without their parts' rows."""
    rows = RefreshRun.objects.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [_line(run, with_parts=False) for run in rows.select_related("release").prefetch_related("parts")[:limit]]


class NoSuchRun(Exception):
    """There is no refresh run of this number."""


def run_line(*, run_id: int) -> RunLine:
    """Return one run with its parts. Raises NoSuchRun."""
    run = RefreshRun.objects.select_related("release").prefetch_related("parts").filter(pk=run_id).first()
    if run is None:
        raise NoSuchRun(f"There is no refresh run {run_id}.")
    return _line(run, with_parts=True)


def part_line(*, part_id: int) -> PartLine:
    """Return one part as it stands."""
    return _part_line(RefreshPart.objects.get(pk=part_id))


def last_good() -> list[PartLine]:
    """Return the newest part that succeeded of each dataset and region, by source."""
    return _newest(RefreshPart.objects.filter(state=RefreshPart.State.SUCCEEDED))


def last_tried() -> list[PartLine]:
    """Return the newest part that has ended of each dataset and region, whatever became of it, by source."""
    return _newest(RefreshPart.objects.filter(ended_at__isnull=False))


def _newest(rows: QuerySet[RefreshPart]) -> list[PartLine]:
    """Return the newest of each dataset and region. There is one open at a time, so the newest has the highest id."""
    name = ("source", "dataset", "region")
    last = rows.values(*name).annotate(last=Max("pk")).values("last")
    return [_part_line(row) for row in RefreshPart.objects.filter(pk__in=last).order_by(*name)]


def _line(run: RefreshRun, *, with_parts: bool) -> RunLine:
    parts = sorted(run.parts.all(), key=lambda part: (part.source, part.dataset, part.region))
    counts: dict[str, int] = {}
    states: dict[str, int] = {}
    for part in parts:
        states[part.state] = states.get(part.state, 0) + 1
        for name, count in part.counts.items():
            counts[name] = counts.get(name, 0) + count
    is_published = run.release is not None and run.release.published_at is not None
    return RunLine(
        id=run.pk,
        sources=tuple(run.sources),
        regions=tuple(run.regions),
        actor=run.actor,
        state=run.state,
        created_at=run.created_at,
        ended_at=run.ended_at,
        release=run.release_id if is_published else None,
        counts=counts,
        states=states,
        parts=tuple(map(_part_line, parts)) if with_parts else (),
    )


def _part_line(part: RefreshPart) -> PartLine:
    names: dict[str, Any] = {
        name: getattr(part, name)
        for name in ("source", "dataset", "region", "state", "attempt", "problem", "counts", "started_at", "ended_at",
                     "not_before")
    }  # fmt: skip
    return PartLine(**names)
