"""Latency probes for people and workers: which targets, through the guard of outgoing calls, stored by the catalog."""

import datetime as dt
import ipaddress
import logging
import socket
import time
from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError

from advisor.models import User
from advisor.services import audit, outbound
from catalog import latency
from catalog.latency import Begun, Reading, RunLine, Target
from catalog.probes.phases import Endpoint, Failed, Family
from catalog.probes.series import Plan, measure

logger = logging.getLogger(__name__)

PART_S = 200.0  # no request begins later: below the time limit of a task
MOST_LETTERS = 200  # of a target's id and of its path
FAMILIES: tuple[Family, ...] = (4, 6)
_NO_ADDRESS = (socket.EAI_NODATA, socket.EAI_ADDRFAMILY)  # the name is known, without an address of this family


class BadTarget(Exception):
    """An operator's own target that cannot be probed; the text says why."""


def chosen(words: Sequence[str]) -> set[str]:
    """Return the targets that these words name: a provider, provider/region, or a target's id; all without words.

    Raises catalog.latency.UnknownTarget.
    """
    known = latency.targets()
    if not words:
        return {one.id for one in known}
    found: set[str] = set()
    for word in words:
        mine = {one.id for one in known if word in (one.provider, f"{one.provider}/{one.region}", one.id)}
        if not mine:
            raise latency.UnknownTarget(f"No target is named by {word!r}: give aws, aws/eu-west-1 or a target's id.")
        found |= mine
    return found


def begin(
    *, moment: dt.datetime, words: Sequence[str] = (), user: User | None = None, actor: str = "schedule"
) -> Begun:
    """Begin a run for a person, or for the actor named; the caller enqueues its parts once committed.

    Raises UnknownTarget and NothingToProbe.
    """
    begun = latency.begin(
        chosen=chosen(words), vantage=settings.PROBE_VANTAGE, actor=user.email if user else actor, moment=moment
    )
    if user is not None:
        _record(user, "probes.begun", ", ".join(words) or "all targets", moment)
    return begun


def execute(*, part_id: int, moment: dt.datetime, plan: Plan | None = None) -> bool:
    """Measure one queued part and store what was seen. False if it was not ours to take or to finish."""
    work = latency.take(part_id=part_id, moment=moment)
    if work is None:
        return False
    begun = time.monotonic()
    endpoints = {(one.id, family): one.endpoint for one in work.targets for family in FAMILIES}
    try:
        found = measure(endpoints, resolve=resolve, within_s=PART_S, plan=plan)
    except DatabaseError:
        raise  # nothing can be written now; the lease runs out and the part is taken up again
    except Exception:  # the rim of the work: whatever it was, the run must not wait for ever
        logger.exception("A part of a probe run ended with an unexpected error.")
        latency.fail(
            work=work, problem="An error of ours; the worker's log holds the details.", moment=_later(moment, begun)
        )
        return False
    return latency.keep(work=work, measured=found, moment=_later(moment, begun))


def requeue_lost(*, moment: dt.datetime) -> list[int]:
    """Return the parts to enqueue again: those whose worker went silent, and queued ones nobody took up."""
    return latency.requeue_lost(moment=moment)


def resolve(endpoint: Endpoint, family: Family, until: float) -> list[str]:
    """Return the addresses of one family, each of them checked by the guard of outgoing calls. Raises Failed."""
    goal = outbound.Target(host=endpoint.host, port=endpoint.port, path=endpoint.path)
    try:
        addresses = outbound.resolved(goal, until=until, family=socket.AF_INET if family == 4 else socket.AF_INET6)
    except outbound.Refused as error:
        raise Failed("refused", str(error)) from error
    except outbound.Unreachable as error:
        if isinstance(error.__cause__, socket.gaierror) and error.__cause__.errno in _NO_ADDRESS:
            return []
        raise Failed("dns", str(error)) from error
    return [str(address) for address in addresses]


def add_target(*, provider: str, region: str, url: str, user: User, moment: dt.datetime) -> str:
    """Put an operator's own target on the list and return its id. Raises BadTarget and UnknownTarget.

    Whether its address may be called is decided at each probe, from what its name then stands for.
    """
    try:
        goal = outbound.target(url)
    except outbound.Refused as error:
        raise BadTarget(str(error)) from error
    if ":" in goal.host or _is_address(goal.host):
        raise BadTarget("Give the host by its name, which a certificate can hold.")
    host = goal.host if goal.port == outbound.HTTPS_PORT else f"{goal.host}:{goal.port}"
    target_id = f"{provider}/{region}/{host}"
    if max(len(target_id), len(goal.path)) > MOST_LETTERS:
        raise BadTarget(f"Its host or its path is too long: at most {MOST_LETTERS} letters, with the region's name.")
    latency.add_target(target_id=target_id, host=host, path=goal.path, actor=user.email, moment=moment)
    _record(user, "probe_target.added", target_id, moment)
    return target_id


def switch_target(*, target_id: str, is_on: bool, user: User, moment: dt.datetime) -> None:
    """Switch a target off or on again. Raises UnknownTarget."""
    latency.switch_target(target_id=target_id, is_on=is_on, actor=user.email, moment=moment)
    _record(user, "probe_target.switched_on" if is_on else "probe_target.switched_off", target_id, moment)


def targets() -> tuple[Target, ...]:
    """Return every target, those switched off too."""
    return latency.targets()


def target(target_id: str) -> Target:
    """Return one target. Raises UnknownTarget."""
    return latency.target(target_id)


def newest(*, run_id: int | None = None, provider: str = "", region: str = "") -> tuple[Reading, ...]:
    """Return the newest reading of each target, family and vantage point."""
    return latency.newest(run_id=run_id, provider=provider, region=region)


def history(target_id: str) -> tuple[Reading, ...]:
    """Return the readings of one target, newest first."""
    return latency.history(target_id)


def runs() -> tuple[RunLine, ...]:
    """Return the newest runs, newest first."""
    return latency.runs()


def state() -> int:
    """Return a number that grows with each reading stored."""
    return latency.state()


def _later(moment: dt.datetime, begun: float) -> dt.datetime:
    """Return the moment now: the one that was given when the monotonic clock stood at ``begun``, and what passed."""
    return moment + dt.timedelta(seconds=time.monotonic() - begun)


def _record(user: User, action: str, subject: str, moment: dt.datetime) -> None:
    audit.record(user=user, workspace=None, action=action, subject=subject, moment=moment)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
