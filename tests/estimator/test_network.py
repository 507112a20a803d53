import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator.network import TierError, egress_cost

NAN = math.nan


def tiers(*rows, free_gb=NAN):
    return pd.DataFrame(
        [(start, end, price, free_gb) for start, end, price in rows],
        columns=["from_gb", "to_gb", "price_usd_per_gb", "free_gb"],
    )


INTERNET = tiers((0, 10_000, 0.09), (10_000, 50_000, 0.085), (50_000, 150_000, 0.07), (150_000, NAN, 0.05))


def test_each_gb_is_billed_in_its_tier():
    # 10,000 × 0.09 + 40,000 × 0.085 + 10,000 × 0.07 = 900 + 3,400 + 700
    assert egress_cost(gb=60_000, tiers=INTERNET) == pytest.approx(5_000.0)


def test_the_free_allowance_comes_off_the_first_gb():
    allowed = tiers((0, 10_000, 0.09), (10_000, NAN, 0.085), free_gb=100)

    assert egress_cost(gb=100, tiers=allowed) == 0.0
    assert egress_cost(gb=1_000, tiers=allowed) == pytest.approx(900 * 0.09)


def test_the_order_of_the_rows_does_not_matter():
    assert egress_cost(gb=60_000, tiers=INTERNET.iloc[::-1]) == egress_cost(gb=60_000, tiers=INTERNET)


def test_no_tiers_is_unknown_and_not_free():
    assert math.isnan(egress_cost(gb=10, tiers=INTERNET.iloc[:0]))


def test_a_tier_without_a_price_is_unknown_only_for_those_who_reach_it():
    open_end = tiers((0, 100, 0.1), (100, NAN, NAN))

    assert egress_cost(gb=100, tiers=open_end) == pytest.approx(10.0)
    assert math.isnan(egress_cost(gb=101, tiers=open_end))


def test_past_a_closed_last_tier_nothing_is_known():
    closed = tiers((0, 100, 0.1))

    assert egress_cost(gb=100, tiers=closed) == pytest.approx(10.0)
    assert math.isnan(egress_cost(gb=101, tiers=closed))


@pytest.mark.parametrize("rows", [((10, NAN, 0.1),), ((0, 100, 0.1), (120, NAN, 0.1)), ((0, 0, 0.1), (0, NAN, 0.1))])
def test_tiers_with_a_gap_are_refused(rows):
    with pytest.raises(TierError):
        egress_cost(gb=1, tiers=tiers(*rows))


def test_a_negative_volume_is_refused():
    with pytest.raises(TierError):
        egress_cost(gb=-1, tiers=INTERNET)


volumes = st.floats(min_value=0, max_value=1e7)


@given(volumes, volumes)
def test_more_data_never_cost_less_and_never_jump(first, second):
    little, much = sorted((first, second))

    costs = egress_cost(gb=np.array([little, much]), tiers=INTERNET)

    assert costs[0] <= costs[1] + 1e-9
    # continuous: the dearest tier bounds the slope
    assert costs[1] - costs[0] <= 0.09 * (much - little) + 1e-6


@given(st.lists(volumes, min_size=1, max_size=5))
def test_an_array_gives_what_its_numbers_give(many):
    together = egress_cost(gb=np.array(many), tiers=INTERNET)

    assert together.tolist() == pytest.approx([egress_cost(gb=one, tiers=INTERNET) for one in many])


@given(volumes)
def test_each_further_gb_costs_the_price_of_a_tier_and_never_more_than_the_last(volume):
    steps = [egress_cost(gb=volume + more, tiers=INTERNET) for more in (0.0, 1.0, 2.0)]
    first, second = steps[1] - steps[0], steps[2] - steps[1]

    assert 0.05 - 1e-6 <= second <= first + 1e-6 <= 0.09 + 2e-6
