"""A probe of a model's endpoint: steps of growing concurrency, each request paid for in advance out of hard caps."""

import math
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from typing import Any

from catalog.probes.streaming import Failed, Sample, spread

MTOK = Decimal(1_000_000)
CENT = Decimal("0.0001")
LONGEST_PAUSE_S = 20.0
# What a chat format adds around a message: its role, its marks, a system text of the provider's.
WRAPPING_TOKENS = 256
_TASK = (
    "Write out the numbers from one upwards as English words, one on each line. Write nothing else, and go on until "
    "you are stopped."
)
_PADDING = "The harbour opens at six and closes when the last boat is in, whatever the weather says about it."

# Before anything was answered: a wrong key or address stays wrong, a busy server may come back.
GIVE_UP_AFTER = {"lasting": 3, "passing": 8}
NOBODY = "nobody having answered"
_LASTING = ("refused", "redirected", "not_allowed", "not_a_stream", "unreachable")
_UNPAID = ("rate_limited", "refused", "redirected")

Ask = Callable[[str], Sample]  # a prompt in, its sample out; raises Failed


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be sent, and the most it may take. Prices are of the user or the catalog, None where neither says."""

    steps: tuple[int, ...]  # concurrent requests, one step after the other
    requests_per_step: int
    max_tokens: int
    prompt_words: int
    most_tokens: int
    most_usd: Decimal
    input_usd_per_mtok: Decimal | None
    output_usd_per_mtok: Decimal | None

    @property
    def requests_count(self) -> int:
        return len(self.steps) * self.requests_per_step

    @property
    def is_priced(self) -> bool:
        """Return whether a money cap can be kept at all."""
        return self.input_usd_per_mtok is not None and self.output_usd_per_mtok is not None

    def bound(self) -> "Cost":
        """Return the most that one request can take: a token is at least one byte of its prompt."""
        read = len(prompt(words=self.prompt_words, nonce=_nonce()).encode()) + WRAPPING_TOKENS
        return self.cost(input_tokens=read, output_tokens=self.max_tokens)

    def most(self) -> "Cost":
        """Return the most that the whole probe can take, within its caps."""
        one, count = self.bound(), self.requests_count
        if one.tokens:
            count = min(count, self.most_tokens // one.tokens)
        if one.usd:
            count = min(count, int(self.most_usd / one.usd))
        return Cost(tokens=one.tokens * count, usd=one.usd * count, requests_count=count)

    def cost(self, *, input_tokens: int, output_tokens: int) -> "Cost":
        """Return what these tokens cost, rounded up. [USD]"""
        usd = (
            input_tokens * (self.input_usd_per_mtok or Decimal(0))
            + output_tokens * (self.output_usd_per_mtok or Decimal(0))
        ) / MTOK
        return Cost(tokens=input_tokens + output_tokens, usd=usd, requests_count=1)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Tokens and money of so many requests."""

    tokens: int
    usd: Decimal
    requests_count: int

    @property
    def shown_usd(self) -> str:
        """Return the money with four decimals, rounded up: a bound must not shrink by being written."""
        return str(_shown(self.usd))


class Purse:
    """The caps of one probe. What a request can take at most is set aside before it is sent; safe for threads."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._bound = plan, plan.bound()
        self._lock = threading.Lock()
        self.tokens_at_most, self.usd_at_most, self.tokens_counted = 0, Decimal(0), 0

    @property
    def shown_usd(self) -> Decimal:
        """Return the money with four decimals, rounded up. [USD]"""
        return _shown(self.usd_at_most)

    def set_aside(self) -> str:
        """Set one request's bound aside; where a cap forbids it, return which."""
        with self._lock:
            if self.tokens_at_most + self._bound.tokens > self._plan.most_tokens:
                return "the token cap"
            if self.usd_at_most + self._bound.usd > self._plan.most_usd:
                return "the money cap"
            self.tokens_at_most += self._bound.tokens
            self.usd_at_most += self._bound.usd
        return ""

    def release(self) -> None:
        """Take a bound back: the server refused the request, so it wrote nothing."""
        with self._lock:
            self.tokens_at_most -= self._bound.tokens
            self.usd_at_most -= self._bound.usd

    def settle(self, sample: Sample) -> None:
        """Put the server's own count in place of the bound; without one that can be true the bound stays."""
        usage = sample.usage
        if usage is None or sample.usage_doubt:
            return
        spent = self._plan.cost(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
        with self._lock:
            self.tokens_counted += spent.tokens
            self.tokens_at_most += spent.tokens - self._bound.tokens
            self.usd_at_most += spent.usd - self._bound.usd


@dataclass
class Step:
    """What one concurrency step showed."""

    concurrency: int
    asked: int = 0
    samples: list[Sample] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the step as it is kept: distributions, counts, and why rates are unknown."""
        rated = [one.tokens_per_s for one in self.samples if one.tokens_per_s is not None]
        usages = [one.usage for one in self.samples if one.usage is not None]
        return {
            "concurrency": self.concurrency,
            "asked": self.asked,
            "answered": len(self.samples),
            "failures": dict(sorted(self.failures.items())),
            "codes": dict(sorted(self.codes.items())),
            "ttft_ms": spread(one.ttft_ms for one in self.samples),
            "headers_ms": spread(one.headers_ms for one in self.samples),
            "total_ms": spread(one.total_ms for one in self.samples),
            "gap_ms": spread(gap for one in self.samples for gap in one.gaps_ms),
            "tokens_per_s": spread(rated),
            "tpot_ms": spread(one.tpot_ms for one in self.samples if one.tpot_ms is not None),
            "server_ms": spread(one.server_ms for one in self.samples if one.server_ms is not None),
            "input_tokens": spread(float(one.input_tokens) for one in usages),
            "output_tokens": spread(float(one.output_tokens) for one in usages),
            "reasoning_tokens": sum(one.reasoning_tokens or 0 for one in usages),
            "rates_unknown": dict(
                sorted(Counter(one.tokens_per_s_reason for one in self.samples if one.tokens_per_s_reason).items())
            ),
            "notes": sorted({note for one in self.samples for note in one.notes}),
        }


@dataclass(frozen=True)
class Outcome:
    """A probe that has ended: its steps, what it took, and why it sent less than planned, if it did."""

    steps: tuple[Step, ...]
    purse: Purse
    stopped_by: str

    @property
    def answered(self) -> int:
        """Return how many requests were answered."""
        return sum(len(step.samples) for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as it is kept."""
        return {
            "steps": [step.as_json() for step in self.steps],
            "stopped_by": self.stopped_by,
            "tokens_counted": self.purse.tokens_counted,
            "tokens_at_most": self.purse.tokens_at_most,
            "usd_at_most": str(self.purse.shown_usd),
        }


def _shown(usd: Decimal) -> Decimal:
    return usd.quantize(CENT, rounding=ROUND_UP)


def prompt(*, words: int, nonce: str) -> str:
    """Return the prompt of a probe, about so many words long. The nonce stands first: no cache knows the beginning."""
    padding = _PADDING.split()
    filler = " ".join(padding[place % len(padding)] for place in range(max(words - len(_TASK.split()) - 2, 0)))
    return "\n\n".join(part for part in (f"Probe {nonce}.", filler, _TASK) if part)


def run(*, plan: Plan, ask: Ask, tell: Callable[[int, int, "Purse"], None], within_s: float = math.inf) -> Outcome:
    """Send what the plan says, step by step, as far as its caps reach.

    `tell` hears how many requests have ended, of how many, and what they took; an exception from it lets the requests
    that are on their way end and goes on to the caller, with nothing more sent. A probe that nobody answers ends early;
    nothing more is sent once `within_s` has passed.
    """
    purse, steps, stopped_by, done = Purse(plan), [], "", 0
    until_s = time.monotonic() + within_s
    for concurrency in plan.steps:
        step = Step(concurrency=concurrency)
        steps.append(step)
        with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="probe") as pool:
            sending = _Sending(plan=plan, ask=ask, purse=purse, step=step, pool=pool, until_s=until_s)
            for _ in sending.ended():
                done += 1
                tell(done, plan.requests_count, purse)
        stopped_by = sending.stopped_by
        if stopped_by:
            break
    return Outcome(steps=tuple(steps), purse=purse, stopped_by=stopped_by)


class _Sending:
    """Keeps one step's requests on their way, never more than its concurrency."""

    def __init__(
        self, *, plan: Plan, ask: Ask, purse: Purse, step: Step, pool: ThreadPoolExecutor, until_s: float
    ) -> None:
        self._until_s = until_s
        self._plan, self._ask, self._purse, self._step, self._pool = plan, ask, purse, step, pool
        self.stopped_by = ""

    def ended(self) -> Iterator[None]:
        """Yield once for each request that has ended."""
        open_: set[Future[Sample]] = set()
        pause_s = 0.0
        while True:
            if pause_s:  # the server said when to come back
                time.sleep(pause_s)
            open_ |= self._sent(len(open_))
            if not open_:
                return
            over, open_ = wait(open_, return_when=FIRST_COMPLETED)
            pause_s = 0.0
            for one in over:
                pause_s = max(pause_s, self._noted(one))
                yield

    def _sent(self, under_way: int) -> set[Future[Sample]]:
        step = self._step
        made: set[Future[Sample]] = set()
        while under_way + len(made) < step.concurrency and step.asked < self._plan.requests_per_step:
            self.stopped_by = self.stopped_by or self._over() or self._purse.set_aside()
            if self.stopped_by:
                break
            step.asked += 1
            made.add(self._pool.submit(self._ask, prompt(words=self._plan.prompt_words, nonce=_nonce())))
        return made

    def _over(self) -> str:
        if time.monotonic() >= self._until_s:
            return "the time of one probe"
        if self._step.samples or self._step.concurrency != self._plan.steps[0]:
            return ""
        lasting = sum(self._step.failures[name] for name in _LASTING)
        passing = self._step.failures.total() - lasting
        is_hopeless = lasting >= GIVE_UP_AFTER["lasting"] or passing >= GIVE_UP_AFTER["passing"]
        return NOBODY if is_hopeless else ""

    def _noted(self, ended: "Future[Sample]") -> float:
        """Write down what came of a request, and return how long to wait before the next. [s]"""
        try:
            sample = ended.result()
        except Failed as error:
            self._step.failures[error.failure] += 1
            if error.code:
                self._step.codes[error.code] += 1
            if error.failure in _UNPAID:
                self._purse.release()
            return min(error.retry_after_s or 0.0, LONGEST_PAUSE_S)
        self._step.samples.append(sample)
        self._purse.settle(sample)
        return 0.0


def _nonce() -> str:
    return secrets.token_hex(8)


def checked(plan: Plan, *, longest: int, widest: int) -> Sequence[str]:
    """Return what is wrong with a plan: at most so many requests, at most so many at a time."""
    wrong = []
    if not plan.steps or any(not 1 <= step <= widest for step in plan.steps):
        wrong.append(f"Each step is a number of concurrent requests from 1 to {widest}.")
    if list(plan.steps) != sorted(set(plan.steps)):
        wrong.append("The steps must grow.")
    if plan.requests_count > longest:
        wrong.append(f"{plan.requests_count} requests are more than the {longest} of one probe.")
    if any(step > plan.requests_per_step for step in plan.steps):
        wrong.append("A step needs at least as many requests as it sends at a time.")
    if not plan.is_priced:
        wrong.append("No price is known: state yours, 0 for a server of your own. Without one no cap on money holds.")
    elif plan.most().requests_count < 1:
        wrong.append(
            f"The caps do not pay for one request: it can take {plan.bound().tokens:,} tokens and "
            f"${plan.bound().shown_usd}."
        )
    return wrong
