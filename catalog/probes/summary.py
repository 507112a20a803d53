"""What a series of durations says: its middle with an interval, its spread, and what failed. Pure, and in ms."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE_FRACTION = 0.95
P95_FROM_COUNT = 60  # below it a 95th percentile is little more than the largest value, which is shown instead


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A series in figures. None stands for what this many values cannot tell."""

    count: int
    failures: Mapping[str, int]
    min_ms: float | None = None
    median_ms: float | None = None
    median_low_ms: float | None = None
    median_high_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None
    mad_ms: float | None = None
    iqr_ms: float | None = None

    @property
    def failed_count(self) -> int:
        return sum(self.failures.values())


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much longer the first way's median is than the second's, with an interval that holds it."""

    median_ms: float
    low_ms: float
    high_ms: float

    @property
    def is_significant(self) -> bool:
        return self.low_ms > 0 or self.high_ms < 0


def summarise(durations_ms: Sequence[float], *, failures: Mapping[str, int]) -> Summary:
    """Return the figures of a series. [ms]

    Assumes independent values of one distribution, which need not be normal. Failures are counted, never values.
    Source: order statistics (David & Nagaraja, 7.1); median absolute deviation is not scaled.
    """
    values = sorted(durations_ms)
    told = {name: count for name, count in sorted(failures.items()) if count}
    if not values:
        return Summary(count=0, failures=told)
    middle = statistics.median(values)
    low, high = interval_of_median(values) or (None, None)
    quarters = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else (middle,) * 3
    return Summary(
        count=len(values),
        failures=told,
        min_ms=values[0],
        median_ms=round(middle, 3),
        median_low_ms=low,
        median_high_ms=high,
        p95_ms=values[math.ceil(0.95 * len(values)) - 1] if len(values) >= P95_FROM_COUNT else None,
        max_ms=values[-1],
        mad_ms=round(statistics.median(abs(value - middle) for value in values), 3),
        iqr_ms=round(quarters[2] - quarters[0], 3),
    )


def interval_of_median(values: Sequence[float]) -> tuple[float, float] | None:
    """Return two of the sorted values that hold the median with 95 % confidence or more; None below 6 values. [ms]

    The chance that the median lies outside is that of fewer than k heads, or fewer than k tails, in n throws of a coin.
    Source: David & Nagaraja, Order Statistics, 7.1.
    """
    count, below, place = len(values), 0.0, 0
    while place < count // 2:
        below += math.comb(count, place) / 2**count
        if 2 * below > 1 - CONFIDENCE_FRACTION:
            break
        place += 1
    return (values[place - 1], values[count - place]) if place else None


def difference(first: Summary, second: Summary) -> Difference | None:
    """Return how the medians of two series differ, or None where one has no interval. [ms]

    The interval is as wide as the two together: it leaves out zero exactly where theirs do not overlap, and holds the
    difference with 90 % confidence or more. Source: the two intervals, each of 95 % (0.95² = 0.9).
    """
    ends = (first.median_low_ms, first.median_high_ms, second.median_low_ms, second.median_high_ms)
    if first.median_ms is None or second.median_ms is None or None in ends:
        return None
    low, high, other_low, other_high = (float(end) for end in ends if end is not None)
    return Difference(
        median_ms=round(first.median_ms - second.median_ms, 3),
        low_ms=round(low - other_high, 3),
        high_ms=round(high - other_low, 3),
    )
