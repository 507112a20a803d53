"""One streamed answer of a language model, timed: its first word, the gaps between its pieces, what the server counted.

Times are seconds of one monotonic clock. A piece is what the server sends at once; it is not a token, so that a rate in
tokens is known only where the server says how many there were.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

# A token may be one byte; servers also count marks that are never written, such as the end of the answer.
UNWRITTEN_TOKENS = 8
MOST_BYTES_PER_TOKEN = 64


class Failed(Exception):
    """A request that gave no measurable answer: its class, and the provider's own short code where it names one."""

    def __init__(self, failure: str, *, code: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(f"{failure} {code}".strip())
        self.failure, self.code, self.retry_after_s = failure, code, retry_after_s


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The server's own count of one request; `reasoning_tokens` are part of the output, None where not told apart."""

    input_tokens: int
    output_tokens: int
    reasoning_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One event of an answer, at the moment it came."""

    at_s: float
    text: str = ""  # of the answer
    thought: bool = False  # reasoning, which is no answer yet
    usage: Usage | None = None
    ended: bool = False  # the server says that the answer is whole
    server_ms: float | None = None  # what the server itself measured


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One answered request. A rate that is unknown has its reason; `notes` say what a reader should know."""

    headers_ms: float
    ttft_ms: float
    total_ms: float
    gaps_ms: tuple[float, ...]
    usage: Usage | None
    usage_doubt: str  # why the server's count cannot be true
    tokens_per_s: float | None
    tokens_per_s_reason: str
    server_ms: float | None
    notes: tuple[str, ...]

    @property
    def tpot_ms(self) -> float | None:
        """Return the mean time per output token after the first. [ms]"""
        return 1000.0 / self.tokens_per_s if self.tokens_per_s else None


def listen(*, sent_s: float, headers_s: float, heard: Iterable[Heard], most_output_tokens: int) -> Sample:
    """Return what one answer shows. Raises Failed: `cut` where it does not end, `no_content` where it says nothing.

    Time to first token runs from the request being written to the first event with text of the answer: neither headers
    nor an event that only names a role, nor reasoning, is a first token.
    """
    spoken: list[float] = []
    written, thoughts, ended = 0, False, False
    usage: Usage | None = None
    server_ms: float | None = None
    for one in heard:
        if one.text:
            spoken.append(one.at_s)
            written += len(one.text.encode())
        thoughts = thoughts or one.thought
        usage = one.usage or usage
        server_ms = one.server_ms if one.server_ms is not None else server_ms
        ended = ended or one.ended
    if not ended:
        raise Failed("cut")
    if not spoken:
        raise Failed("no_content", code="only_reasoning" if thoughts else "")
    found = doubt(usage=usage, written_bytes=written, most_output_tokens=most_output_tokens) if usage else ""
    rate, reason = (None, found) if found else _rate(spoken=spoken, written=written, usage=usage, thoughts=thoughts)
    is_thinking = thoughts or bool(usage and usage.reasoning_tokens)
    notes = ("it reasons before it answers: the time to first token holds that",) if is_thinking else ()
    return Sample(
        headers_ms=1000.0 * (headers_s - sent_s),
        ttft_ms=1000.0 * (spoken[0] - sent_s),
        total_ms=1000.0 * (spoken[-1] - sent_s),
        gaps_ms=tuple(1000.0 * (after - before) for before, after in pairwise(spoken)),
        usage=usage,
        usage_doubt=found,
        tokens_per_s=rate,
        tokens_per_s_reason=reason,
        server_ms=server_ms,
        notes=notes,
    )


def doubt(*, usage: Usage, written_bytes: int, most_output_tokens: int) -> str:
    """Return why a server's count of the output cannot be true; blank where nothing speaks against it."""
    visible = usage.output_tokens - (usage.reasoning_tokens or 0)
    if usage.output_tokens > most_output_tokens + UNWRITTEN_TOKENS:
        return "the server counts more output tokens than it was allowed to write"
    if visible > written_bytes + UNWRITTEN_TOKENS and usage.reasoning_tokens is not None:
        return "the server counts more output tokens than the answer has bytes"
    if visible * MOST_BYTES_PER_TOKEN < written_bytes:
        return "the server counts far fewer output tokens than the answer can hold"
    return ""


def _rate(*, spoken: list[float], written: int, usage: Usage | None, thoughts: bool) -> tuple[float | None, str]:
    """Return tokens per second after the first one, by the server's count, or why it is unknown."""
    if usage is None:
        return None, "the server sent no count of tokens"
    if usage.reasoning_tokens is None and (thoughts or usage.output_tokens > written + UNWRITTEN_TOKENS):
        return None, "the server does not tell reasoning tokens apart from those of the answer"
    following = usage.output_tokens - (usage.reasoning_tokens or 0) - 1
    lasted_s = spoken[-1] - spoken[0]
    if following < 1 or lasted_s <= 0:
        return None, "the answer came in one piece"
    return following / lasted_s, ""


# --- many of them ---------------------------------------------------------------------------------------------------

FEWEST_FOR_P95 = 20  # below, the 95th percentile is nothing but the slowest one
_TAIL = 0.1  # on each side of an 80 % interval


def quantile(values: Iterable[float], share: float) -> float:
    """Return the value that at least this share of the values does not exceed (nearest rank); no values raise."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def p95_interval(values: Iterable[float]) -> tuple[float, float]:
    """Return the 80 % interval of the 95th percentile, by order statistics.

    Needs no shape of the distribution, only independent requests. With fewer than 45 values the upper end would lie
    beyond the slowest one: that one is returned, and the interval is a little too narrow above.
    """
    ordered = sorted(values)
    count = len(ordered)
    below = [math.comb(count, k) * 0.95**k * 0.05 ** (count - k) for k in range(count + 1)]
    # The k-th value lies below the percentile with the chance that at least k of the values do.
    low = max((k for k in range(1, count + 1) if sum(below[:k]) <= _TAIL), default=1)
    high = min((k for k in range(1, count + 1) if sum(below[k:]) <= _TAIL), default=count)
    return ordered[low - 1], ordered[high - 1]


def spread(values: Iterable[float]) -> dict[str, float | int | None]:
    """Return how values are spread, as plain numbers; the 95th percentile only of enough of them."""
    ordered = sorted(values)
    if not ordered:
        return {"n": 0}
    found: dict[str, float | int | None] = {
        "n": len(ordered),
        "min": ordered[0],
        **{name: quantile(ordered, share) for name, share in _SHARES.items()},
        "p95": None,
        "max": ordered[-1],
    }
    if len(ordered) >= FEWEST_FOR_P95:
        low, high = p95_interval(ordered)
        found |= {"p95": quantile(ordered, 0.95), "p95_low": low, "p95_high": high}
    return {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in found.items()}


_SHARES = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}
