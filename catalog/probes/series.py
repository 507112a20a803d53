"""Series of measured requests to several targets, in turns and with pauses of chance, so that none is burdened."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from catalog.probes.phases import REQUEST_S, Asked, Connection, Endpoint, Failed, Failure, Family, Resolve, connect

PHASES = ("dns", "tcp", "tls", "first_byte")
_NO_USE = ("throttled", "refused", "no_address", "no_route")  # asking again is impolite, or changes nothing


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often and how gently. One connection of each series warms up and is not counted."""

    cold_count: int = 8  # new connections, at least 6 for an interval
    warm_count: int = 20  # requests over one connection
    pause_s: tuple[float, float] = (0.05, 0.2)  # between any two requests, by chance
    same_target_s: float = 0.25  # at least, between two requests to one target
    given_up_after: int = 3  # failures one after the other, of one series


@dataclass(kw_only=True)
class Measured:
    """What was seen of one target over one family of addresses."""

    cold_ms: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in PHASES})
    warm_ms: list[float] = field(default_factory=list)
    cold_failures: Counter[Failure] = field(default_factory=Counter)
    warm_failures: Counter[Failure] = field(default_factory=Counter)
    problem: str = ""  # the last failure in words
    addresses: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    location: str = ""
    server: str = ""
    tls_version: str = ""
    alpn: str = ""
    certificate_expires: str = ""
    is_cut_short: bool = False  # the time of the whole ran out before it

    def opened(self, connection: Connection) -> None:
        if connection.address not in self.addresses:
            self.addresses.append(connection.address)
        self.tls_version, self.alpn = connection.tls_version, connection.alpn
        self.certificate_expires = connection.certificate_expires

    def answered(self, asked: Asked) -> None:
        self.statuses[asked.status] += 1
        self.location, self.server = asked.location, asked.server


Key = tuple[str, Family]


def measure(
    targets: Mapping[Key, Endpoint], *, resolve: Resolve, within_s: float, plan: Plan | None = None
) -> dict[Key, Measured]:
    """Return what was seen of each target and family. What fails is counted by class and ends nothing but itself.

    No request begins after ``within_s``. A target that throttles is left alone at once.
    """
    series = [_Series(endpoint, key=key, resolve=resolve, plan=plan or Plan()) for key, endpoint in targets.items()]
    until = time.monotonic() + within_s
    try:
        _in_turns(series, _Series.cold, counts=1 + series[0].plan.cold_count if series else 0, until=until)
        for one in series:
            one.begin_warm()
        _in_turns(series, _Series.warm, counts=1 + series[0].plan.warm_count if series else 0, until=until)
    finally:
        for one in series:
            one.hang_up()
    return {one.key: one.found for one in series}


def _in_turns(series: list["_Series"], step: Callable[["_Series"], None], *, counts: int, until: float) -> None:
    for _ in range(counts):
        for one in random.sample(series, k=len(series)):
            if one.is_given_up:
                continue
            if time.monotonic() >= until:
                one.found.is_cut_short = True
                continue
            one.wait()
            step(one)


class _Series:
    """One target over one family: what was seen so far, and whether it is worth going on."""

    def __init__(self, endpoint: Endpoint, *, key: Key, resolve: Resolve, plan: Plan) -> None:
        self.key, self.plan, self.found = key, plan, Measured()
        self.is_given_up = False
        self._endpoint, self._resolve = endpoint, resolve
        self._family = key[1]
        self._in_a_row, self._asked_at, self._is_warming_up = 0, 0.0, True
        self._line: Connection | None = None

    def wait(self) -> None:
        time.sleep(random.uniform(*self.plan.pause_s))  # noqa: S311 - a pause, no secret
        time.sleep(max(self._asked_at + self.plan.same_target_s - time.monotonic(), 0))
        self._asked_at = time.monotonic()

    def cold(self) -> None:
        """Ask over a new connection; the first one finds the resolver and the way unprepared and is not counted."""
        is_counted, self._is_warming_up = not self._is_warming_up, False
        until = time.monotonic() + REQUEST_S
        try:
            line = self._opened(until=until)
            try:
                asked = line.ask(until=until)
            finally:
                line.close()
        except Failed as failed:
            self._count(failed, self.found.cold_failures)
            return
        self._in_a_row = 0
        self.found.answered(asked)
        if is_counted:
            taken = (line.dns_ms, line.tcp_ms, line.tls_ms, asked.first_byte_ms)
            for phase, value in zip(PHASES, taken, strict=True):
                self.found.cold_ms[phase].append(value)

    def begin_warm(self) -> None:
        self._is_warming_up = True

    def warm(self) -> None:
        """Ask over the connection that is open; the first request over each is not counted."""
        try:
            if self._line is None:
                self._line, self._is_warming_up = self._opened(until=time.monotonic() + REQUEST_S), True
            asked = self._line.ask(until=time.monotonic() + REQUEST_S)
        except Failed as failed:
            self.hang_up()
            self._count(failed, self.found.warm_failures)
            return
        self.found.answered(asked)
        if self._is_warming_up:
            self._is_warming_up = False
        else:
            self._in_a_row = 0
            self.found.warm_ms.append(asked.first_byte_ms)
        if asked.is_last:
            self.hang_up()
            self._count(Failed("closed", "the server ends each connection"), self.found.warm_failures)

    def hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _opened(self, *, until: float) -> Connection:
        line = connect(self._endpoint, family=self._family, resolve=self._resolve, until=until)
        self.found.opened(line)
        return line

    def _count(self, failed: Failed, failures: Counter[Failure]) -> None:
        failures[failed.failure] += 1
        self.found.problem = str(failed)
        self._in_a_row += 1
        self.is_given_up = self._in_a_row >= self.plan.given_up_after or failed.failure in _NO_USE
