"""What a series says: worked by hand, against a published table, and what must hold for any values."""

import math

from hypothesis import given
from hypothesis import strategies as st

from catalog.probes.summary import difference, interval_of_median, summarise

DURATIONS = st.lists(st.floats(min_value=0.01, max_value=5000), min_size=1, max_size=80)


def test_a_series_worked_by_hand() -> None:
    found = summarise([5.0, 1.0, 4.0, 2.0, 3.0, 100.0], failures={"timeout": 2, "tls": 0})

    assert (found.count, found.min_ms, found.median_ms, found.max_ms) == (6, 1.0, 3.5, 100.0)
    assert (found.median_low_ms, found.median_high_ms) == (1.0, 100.0)  # six values: 1 - 2/64 = 96.9 %
    assert found.mad_ms == 1.5  # of 2.5, 1.5, 0.5, 0.5, 1.5, 96.5
    assert found.iqr_ms == 2.5  # 4.75 - 2.25
    assert found.p95_ms is None
    assert (dict(found.failures), found.failed_count) == ({"timeout": 2}, 2)


def test_the_intervals_places_are_those_of_the_published_tables() -> None:
    """Sign-test tables (Conover, Practical Nonparametric Statistics, 3.2): n → which values, from either end."""
    for count, place in {6: 1, 8: 1, 9: 2, 10: 2, 12: 3, 15: 4, 20: 6, 25: 8, 30: 10}.items():
        values = [float(value) for value in range(1, count + 1)]
        assert interval_of_median(values) == (place, count + 1 - place), count


def test_five_values_are_too_few_for_an_interval() -> None:
    """Even the smallest to the largest of five holds the median with 93.75 % only."""
    found = summarise([1.0, 2.0, 3.0, 4.0, 5.0], failures={})

    assert (found.median_ms, found.median_low_ms, found.median_high_ms) == (3.0, None, None)


def test_a_95th_percentile_is_told_from_sixty_values_on() -> None:
    values = [float(value) for value in range(1, 60)]

    assert summarise(values, failures={}).p95_ms is None
    assert summarise([*values, 60.0], failures={}).p95_ms == 57.0


def test_nothing_measured_is_unknown_and_its_failures_stay() -> None:
    found = summarise([], failures={"timeout": 3})

    assert (found.count, found.median_ms, found.failed_count) == (0, None, 3)


@given(DURATIONS)
def test_what_holds_for_any_series(values: list[float]) -> None:
    found = summarise(values, failures={})

    assert found.min_ms is not None and found.median_ms is not None and found.max_ms is not None
    assert found.min_ms - 1e-3 <= found.median_ms <= found.max_ms + 1e-3
    if found.median_low_ms is not None and found.median_high_ms is not None:
        assert found.median_low_ms - 1e-3 <= found.median_ms <= found.median_high_ms + 1e-3
    assert (found.median_low_ms is None) == (len(values) < 6)


@given(DURATIONS, DURATIONS)
def test_a_difference_is_significant_exactly_where_the_intervals_do_not_overlap(
    first: list[float], second: list[float]
) -> None:
    one, other = summarise(first, failures={}), summarise(second, failures={})
    found = difference(one, other)
    if found is None:
        return

    ends = (one.median_low_ms, one.median_high_ms, other.median_low_ms, other.median_high_ms)
    low, high, other_low, other_high = (end if end is not None else math.nan for end in ends)
    apart = low - other_high >= 5e-4 or other_low - high >= 5e-4
    overlap = low <= other_high and other_low <= high
    if apart or overlap:  # between them lies what is rounded away
        assert found.is_significant == apart
    assert found.low_ms <= found.median_ms + 2e-3 and found.median_ms <= found.high_ms + 2e-3
