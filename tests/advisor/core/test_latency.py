"""Measured latency in words: with its interval, its failures, and no difference where there is none to see."""

from advisor.core.latency import NO_DIFFERENCE, compared, failures, in_ms, middle, regions_chart, strips_chart, top
from catalog.probes.series import PHASES
from catalog.probes.summary import Summary, summarise


def around(center_ms: float, *, spread_ms: float = 1.0) -> Summary:
    return summarise([center_ms + spread_ms * step / 10 for step in range(-10, 11)], failures={})


def test_durations_keep_three_figures() -> None:
    assert [in_ms(value) for value in (1.234, 12.34, 123.4, None)] == ["1.23 ms", "12.3 ms", "123 ms", "unknown"]


def test_a_median_is_told_with_its_interval_or_that_there_are_too_few_values() -> None:
    assert middle(around(20.0)) == "20.0 ms [19.5 ms to 20.5 ms]"
    assert "too few values" in middle(summarise([1.0, 2.0, 3.0], failures={}))
    assert middle(summarise([], failures={"timeout": 1})) == "not measured"


def test_the_top_says_whether_it_is_a_percentile_or_the_largest() -> None:
    assert top(around(20.0)) == "largest 21.0 ms"
    assert top(summarise([float(value) for value in range(1, 101)], failures={})) == "95th percentile 95.0 ms"


def test_failures_are_told_by_class_with_their_count() -> None:
    assert failures(summarise([], failures={"timeout": 2, "dns": 1})) == "1 × name not resolved; 2 × no answer in time"
    assert failures(around(1.0)) == "none"


def test_regions_whose_intervals_overlap_do_not_differ() -> None:
    assert compared(around(20.0), around(20.3)).startswith(NO_DIFFERENCE)


def test_regions_that_differ_are_told_by_how_much() -> None:
    assert compared(around(20.0), around(54.0)) == "faster by 34.0 ms [33.0 ms to 35.0 ms]"
    assert compared(around(54.0), around(20.0)) == "slower by 34.0 ms [33.0 ms to 35.0 ms]"
    assert compared(around(54.0), summarise([1.0], failures={})) == "too few values to compare"


def test_the_pictures_name_the_place_and_draw_the_shortest_first() -> None:
    medians = [(f"region {place}", around(10.0 + place)) for place in range(20, 0, -1)]

    chart = regions_chart(medians, vantage="a bench", provider="aws")

    assert chart.says["text"].startswith("From a bench, the shortest median is that of region 1: 11.0 ms")
    assert [point.label for point in chart.series[0].points] == [f"region {place}" for place in range(1, 13)]
    assert "12 shortest of 20" in chart.title


def test_strips_hold_every_value_of_each_phase() -> None:
    samples = {"warm": [3.0, 4.0], **{phase: [1.0, 2.0] for phase in PHASES}}
    summaries = {name: summarise(values, failures={}) for name, values in samples.items()}

    values, middles = strips_chart(samples=samples, summaries=summaries, vantage="a bench", id="x").series

    assert len(values.points) == 10
    assert len(middles.points) == 5
