"""The door of the catalog to region latency: what is probed, who is at it, and what was seen, from which place.

A figure belongs to the place it was measured from, the vantage point, and is told with it. It is nobody's own latency.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import F, Max

from catalog.models import LatencySeries, ProbePart, ProbeRun, ProbeTargetChange
from catalog.probes import targets as shipped_targets
from catalog.probes.phases import Endpoint
from catalog.probes.series import PHASES, Key, Measured
from catalog.probes.summary import Summary, summarise

SOFTWARE = "ai-stack-advisor, TLS over a plain socket"
LEASE = dt.timedelta(minutes=6)  # longer than a worker may work on one part
PATIENCE = dt.timedelta(seconds=30)  # how long a queued part may wait before its message is sent again
MAX_ATTEMPTS = 2
REST = dt.timedelta(minutes=10)  # of one target between two runs
KEPT = dt.timedelta(days=180)
PART_TARGETS = 6
POOLED_RUNS = 10  # the newest runs whose warm series together tell a 95th percentile
_NO_FAILURE = ("no_address", "no_route")  # there is no way of this family: nothing was tried


class NothingToProbe(Exception):
    """No target is due: none is chosen, all are switched off, or each was asked a short while ago."""


class UnknownTarget(Exception):
    """No target has this id."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One address that is probed: shipped, or an operator's own."""

    id: str
    provider: str
    region: str
    host: str
    path: str
    is_on: bool = True
    is_own: bool = False
    note: str = ""
    source_id: str = ""
    locator: str = ""

    @property
    def endpoint(self) -> Endpoint:
        """Return whom to ask; a port stands behind the host of an operator's own target."""
        host, _, port = self.host.partition(":")
        return Endpoint(host=host, path=self.path, port=int(port or 443))


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was seen of one target over one family of addresses, and from where."""

    target: str
    provider: str
    region: str
    host: str
    path: str
    family: int
    vantage: str
    observed_at: dt.datetime
    warm: Summary  # to the first byte, over one connection
    cold: Mapping[str, Summary]  # phase → new connections
    samples_ms: Mapping[str, Sequence[float]]  # "warm" and the phases
    problem: str
    addresses: Sequence[str]
    statuses: Mapping[str, int]
    location: str
    server: str
    tls_version: str
    alpn: str
    certificate_expires: str
    is_cut_short: bool
    software: str

    @property
    def is_reached(self) -> bool:
        return bool(self.warm.count or self.cold["first_byte"].count)

    @property
    def has_a_way(self) -> bool:
        """Return whether there was an address of this family and a way to it."""
        failures = {**self.warm.failures, **self.cold["first_byte"].failures}
        return self.is_reached or not any(name in _NO_FAILURE for name in failures)


# --- what is probed --------------------------------------------------------------------------------------------------


def targets() -> tuple[Target, ...]:
    """Return every target, shipped and own, sorted by id; those switched off too."""
    changes = {change.id: change for change in ProbeTargetChange.objects.all()}
    found = [
        Target(
            id=row.id,
            provider=row.provider,
            region=row.region,
            host=row.host,
            path=row.path,
            is_on=row.id not in changes or changes[row.id].is_on,
            note=row.note or "",
            source_id=row.source_id,
            locator=row.locator,
        )
        for row in shipped_targets.shipped()
    ]
    for change in changes.values():
        if change.host:
            provider, region, _ = change.id.split("/", 2)
            found.append(
                Target(
                    id=change.id,
                    provider=provider,
                    region=region,
                    host=change.host,
                    path=change.path,
                    is_on=change.is_on,
                    is_own=True,
                    note="added by an operator of this installation",
                )
            )
    return tuple(sorted(found, key=lambda target: target.id))


def target(target_id: str) -> Target:
    """Return one target. Raises UnknownTarget."""
    for one in targets():
        if one.id == target_id:
            return one
    raise UnknownTarget(f"There is no target {target_id!r}.")


def add_target(*, target_id: str, host: str, path: str, actor: str, moment: dt.datetime) -> None:
    """Put an operator's own target on the list, or change it. Raises UnknownTarget for the id of a shipped one."""
    if any(row.id == target_id for row in shipped_targets.shipped()):
        raise UnknownTarget(f"{target_id} is shipped: it can be switched off, not changed.")
    ProbeTargetChange.objects.update_or_create(
        id=target_id,
        defaults={"host": host, "path": path, "is_on": True, "changed_by": actor, "changed_at": moment},
    )


def switch_target(*, target_id: str, is_on: bool, actor: str, moment: dt.datetime) -> None:
    """Switch a target off or on again. Raises UnknownTarget."""
    found = target(target_id)
    if is_on and not found.is_own:
        ProbeTargetChange.objects.filter(id=target_id).delete()
        return
    told = {"is_on": is_on, "changed_by": actor, "changed_at": moment}
    ProbeTargetChange.objects.update_or_create(
        id=target_id,
        defaults=told,
        create_defaults={**told, "host": "", "path": ""},
    )


# --- who is at it ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A run that waits for its workers."""

    run_id: int
    part_ids: tuple[int, ...]
    resting: tuple[str, ...]  # chosen, but asked a short while ago


def begin(*, chosen: Collection[str], vantage: str, actor: str, moment: dt.datetime) -> Begun:
    """Begin a run over the chosen targets, in parts of one provider each. Raises NothingToProbe.

    Left out are targets that are switched off, and those that were asked within ``REST`` or stand in an open part.
    """
    known = [one for one in targets() if one.is_on and one.id in chosen]
    with transaction.atomic():
        ProbeRun.objects.filter(created_at__lt=moment - KEPT).delete()
        resting = set(LatencySeries.objects.filter(observed_at__gt=moment - REST).values_list("target", flat=True)) | {
            name
            for names in ProbePart.objects.filter(state__in=ProbePart.OPEN_STATES).values_list("targets", flat=True)
            for name in names
        }
        due = [one for one in known if one.id not in resting]
        if not due:
            minutes = REST.seconds // 60
            raise NothingToProbe(
                f"Each was asked in the last {minutes} minutes, or is being asked now."
                if known
                else "No target that is switched on was chosen."
            )
        run = ProbeRun.objects.create(vantage=vantage, actor=actor, created_at=moment)
        parts = [
            ProbePart.objects.create(run=run, provider=provider, targets=list(ids), enqueued_at=moment)
            for provider, ids in _portions(due)
        ]
    return Begun(
        run_id=run.pk,
        part_ids=tuple(part.pk for part in parts),
        resting=tuple(one.id for one in known if one.id in resting),
    )


def _portions(due: Sequence[Target]) -> Iterable[tuple[str, Sequence[str]]]:
    for provider, group in groupby(due, key=lambda one: one.provider):
        ids = [one.id for one in group]
        for first in range(0, len(ids), PART_TARGETS):
            yield provider, ids[first : first + PART_TARGETS]


@dataclass(frozen=True, kw_only=True)
class Work:
    """A part that is ours to measure."""

    part_id: int
    attempt: int
    targets: tuple[Target, ...]


def take(*, part_id: int, moment: dt.datetime) -> Work | None:
    """Take a queued part; None when somebody else was first."""
    taken = ProbePart.objects.filter(pk=part_id, state=ProbePart.State.QUEUED).update(
        state=ProbePart.State.RUNNING, attempt=F("attempt") + 1, lease_until=moment + LEASE
    )
    if not taken:
        return None
    part = ProbePart.objects.get(pk=part_id)
    wanted = set(part.targets)
    return Work(
        part_id=part_id,
        attempt=part.attempt,
        targets=tuple(one for one in targets() if one.id in wanted),
    )


def keep(*, work: Work, measured: Mapping[Key, Measured], moment: dt.datetime) -> bool:
    """Store what was measured and end the part; False if it is no longer ours, and then nothing is stored."""
    by_id = {one.id: one for one in work.targets}
    with transaction.atomic():
        ended = ProbePart.objects.filter(pk=work.part_id, state=ProbePart.State.RUNNING, attempt=work.attempt).update(
            state=ProbePart.State.SUCCEEDED, lease_until=None, ended_at=moment
        )
        if not ended:
            return False
        run = ProbePart.objects.select_related("run").get(pk=work.part_id).run
        LatencySeries.objects.bulk_create(
            _series(run=run, target=by_id[name], family=family, found=found, moment=moment)
            for (name, family), found in measured.items()
        )
    _close(run_id=run.pk, moment=moment)
    return True


def fail(*, work: Work, problem: str, moment: dt.datetime) -> None:
    """End a part that came to nothing, with the reason."""
    ProbePart.objects.filter(pk=work.part_id, state=ProbePart.State.RUNNING, attempt=work.attempt).update(
        state=ProbePart.State.FAILED, lease_until=None, ended_at=moment, problem=problem
    )
    _close(run_id=ProbePart.objects.values_list("run_id", flat=True).get(pk=work.part_id), moment=moment)


def requeue_lost(*, moment: dt.datetime) -> list[int]:
    """Return the parts to enqueue again; one whose worker went silent in its last attempt fails, with the reason."""
    with transaction.atomic():
        silent = ProbePart.objects.filter(state=ProbePart.State.RUNNING, lease_until__lt=moment)
        silent.filter(attempt__gte=MAX_ATTEMPTS).update(
            state=ProbePart.State.FAILED,
            lease_until=None,
            ended_at=moment,
            problem=f"The worker stopped in the middle of it, {MAX_ATTEMPTS} times in a row.",
        )
        silent.update(state=ProbePart.State.QUEUED, lease_until=None, enqueued_at=moment - 2 * PATIENCE)
        waiting = ProbePart.objects.filter(state=ProbePart.State.QUEUED, enqueued_at__lt=moment - PATIENCE)
        due = sorted(waiting.values_list("pk", flat=True))
        ProbePart.objects.filter(pk__in=due).update(enqueued_at=moment)
    for run_id in ProbeRun.objects.filter(state=ProbeRun.State.RUNNING).values_list("pk", flat=True):
        _close(run_id=run_id, moment=moment)  # also where a worker was killed between its part's end and this
    return due


def _close(*, run_id: int, moment: dt.datetime) -> None:
    """End a run whose last part has ended. A run in which nobody answered has failed."""
    with transaction.atomic():
        parts = ProbePart.objects.filter(run_id=run_id)
        if parts.filter(state__in=ProbePart.OPEN_STATES).exists():
            return
        seen = [reading(row) for row in LatencySeries.objects.filter(run_id=run_id)]
        reached = {one.target for one in seen if one.is_reached}
        missed = {one.target for one in seen} - reached
        whole = not missed and not parts.exclude(state=ProbePart.State.SUCCEEDED).exists()
        state = ProbeRun.State.SUCCEEDED if whole else ProbeRun.State.PARTLY if reached else ProbeRun.State.FAILED
        ProbeRun.objects.filter(pk=run_id, state=ProbeRun.State.RUNNING).update(state=state, ended_at=moment)


def _series(*, run: ProbeRun, target: Target, family: int, found: Measured, moment: dt.datetime) -> LatencySeries:
    return LatencySeries(
        run=run,
        target=target.id,
        provider=target.provider,
        region=target.region,
        host=target.host,
        path=target.path,
        family=family,
        vantage=run.vantage,
        observed_at=moment,
        cold_ms=found.cold_ms,
        warm_ms=found.warm_ms,
        cold_failures=dict(found.cold_failures),
        warm_failures=dict(found.warm_failures),
        problem=found.problem,
        addresses=found.addresses,
        statuses={str(status): count for status, count in found.statuses.items()},
        location=found.location,
        server=found.server,
        tls_version=found.tls_version,
        alpn=found.alpn,
        certificate_expires=found.certificate_expires,
        is_cut_short=found.is_cut_short,
        software=SOFTWARE,
    )


# --- what was seen ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run, for the list of runs."""

    id: int
    state: str
    vantage: str
    actor: str
    created_at: dt.datetime
    ended_at: dt.datetime | None
    parts_count: int
    open_count: int


def runs(*, most: int = 10) -> tuple[RunLine, ...]:
    """Return the newest runs, newest first."""
    rows = ProbeRun.objects.prefetch_related("parts").order_by("-pk")[:most]
    return tuple(
        RunLine(
            id=row.pk,
            state=row.state,
            vantage=row.vantage,
            actor=row.actor,
            created_at=row.created_at,
            ended_at=row.ended_at,
            parts_count=len(row.parts.all()),
            open_count=sum(part.state in ProbePart.OPEN_STATES for part in row.parts.all()),
        )
        for row in rows
    )


def newest(*, run_id: int | None = None, provider: str = "", region: str = "") -> tuple[Reading, ...]:
    """Return the newest reading of each target, family and vantage point (of one run, provider or region, if given)."""
    wanted: dict[str, Any] = {"run_id": run_id, "provider": provider, "region": region}
    rows = LatencySeries.objects.filter(**{name: value for name, value in wanted.items() if value})
    last = rows.values("target", "family", "vantage").annotate(last=Max("pk")).values("last")
    found = LatencySeries.objects.filter(pk__in=last).order_by("target", "family", "vantage")
    return tuple(reading(row) for row in found)


def history(target_id: str, *, most: int = 40) -> tuple[Reading, ...]:
    """Return the readings of one target, newest first."""
    return tuple(reading(row) for row in LatencySeries.objects.filter(target=target_id).order_by("-pk")[:most])


def pooled(readings: Sequence[Reading]) -> Summary:
    """Return the warm series of several runs of one target, family and vantage point as one. [ms]"""
    failures: dict[str, int] = {}
    for one in readings:
        for name, count in one.warm.failures.items():
            failures[name] = failures.get(name, 0) + count
    return summarise([value for one in readings for value in one.samples_ms["warm"]], failures=failures)


def state() -> int:
    """Return a number that grows with each reading stored: what pages with figures depend on."""
    return LatencySeries.objects.aggregate(last=Max("pk"))["last"] or 0


def reading(row: LatencySeries) -> Reading:
    """Return a stored series with its figures."""
    return Reading(
        target=row.target,
        provider=row.provider,
        region=row.region,
        host=row.host,
        path=row.path,
        family=row.family,
        vantage=row.vantage,
        observed_at=row.observed_at,
        warm=summarise(row.warm_ms, failures=row.warm_failures),
        cold={phase: summarise(row.cold_ms.get(phase, ()), failures=row.cold_failures) for phase in PHASES},
        samples_ms={"warm": row.warm_ms, **row.cold_ms},
        problem=row.problem,
        addresses=row.addresses,
        statuses=row.statuses,
        location=row.location,
        server=row.server,
        tls_version=row.tls_version,
        alpn=row.alpn,
        certificate_expires=row.certificate_expires,
        is_cut_short=row.is_cut_short,
        software=row.software,
    )
