import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import cost, uncertainty
from estimator.uncertainty import Range
from estimator.workload import Horizon

days = st.floats(min_value=0.01, max_value=1000)


@pytest.mark.parametrize(
    ("run", "least", "step", "billed"),
    [
        (3.0, 1.0, 1.0, 3.0),  # three days exactly are three, not four
        (3.2, 1.0, 1.0, 4.0),
        (0.3, 1.0, 1.0, 1.0),
        (15.0, 1.0, 7.0, 21.0),
        (10.0, 14.0, 7.0, 14.0),
        (3.2, math.nan, math.nan, 3.2),  # no terms: billed as it runs
        (0.5, 1.0, math.nan, 1.0),
    ],
)
def test_a_block_is_billed_in_its_steps(run, least, step, billed):
    assert cost.billed_days(run_days=run, min_duration_days=least, increment_days=step) == pytest.approx(billed)


@given(days, days, days)
def test_billed_days_never_fall_short_of_the_run(run, least, step):
    billed = cost.billed_days(run_days=run, min_duration_days=least, increment_days=step)

    assert billed >= run * (1 - 1e-6)
    assert billed >= least * (1 - 1e-6)
    assert billed <= max(run, least) + step * (1 + 1e-6)


@given(days, days)
def test_a_longer_run_is_never_billed_less(first, second):
    short, long = sorted((first, second))

    billed = cost.billed_days(run_days=np.array([short, long]), min_duration_days=1.0, increment_days=7.0)

    assert billed[0] <= billed[1] * (1 + 1e-9)


def test_an_unknown_run_is_not_billed_as_the_least_block():
    assert math.isnan(cost.billed_days(run_days=math.nan, min_duration_days=1.0, increment_days=1.0))


def test_a_missing_price_never_becomes_free():
    usd = cost.usd_per_month(
        instance_hours_per_month=np.array([730.0, 730.0]), price_usd_per_hour=np.array([2.0, np.nan])
    )

    assert usd[0] == 1460.0
    assert math.isnan(usd[1])


@given(
    st.floats(min_value=0, max_value=1e6), st.floats(min_value=0, max_value=1e3), st.floats(min_value=0, max_value=10)
)
def test_cost_is_linear_in_the_price(hours, price, factor):
    once = cost.usd_per_month(instance_hours_per_month=hours, price_usd_per_hour=price)
    scaled = cost.usd_per_month(instance_hours_per_month=hours, price_usd_per_hour=price * factor)

    assert scaled == pytest.approx(once * factor, rel=1e-9, abs=1e-12)


NOTHING = uncertainty.exactly(0.0)


def test_a_linear_ramp_ends_at_full_load():
    months = cost.over_horizon(
        usd_per_month=Range(80.0, 100.0, 150.0),
        horizon=Horizon(months=4, ramp="linear"),
        fixed_usd_per_month=NOTHING,
    )

    assert months["month"].tolist() == [1, 2, 3, 4]
    assert months["usd_typical"].tolist() == [25.0, 50.0, 75.0, 100.0]
    assert months["cumulative_usd_typical"].iloc[-1] == 250.0
    assert months["cumulative_usd_high"].iloc[-1] == 375.0


def test_an_immediate_start_pays_every_month_in_full():
    months = cost.over_horizon(
        usd_per_month=Range(1.0, 2.0, 3.0), horizon=Horizon(months=12), fixed_usd_per_month=NOTHING
    )

    assert months["cumulative_usd_typical"].iloc[-1] == 24.0


def test_what_is_fixed_does_not_follow_the_ramp():
    months = cost.over_horizon(
        usd_per_month=uncertainty.exactly(100.0),
        horizon=Horizon(months=2, ramp="linear"),
        fixed_usd_per_month=Range(5.0, 10.0, 20.0),
    )

    assert months["usd_typical"].tolist() == [60.0, 110.0]
    assert months["cumulative_usd_high"].tolist() == [70.0, 190.0]


@given(st.integers(min_value=1, max_value=60), st.sampled_from(["linear", "immediate"]))
def test_months_of_full_load_agree_with_the_table(months, ramp):
    horizon = Horizon(months=months, ramp=ramp)

    table = cost.over_horizon(usd_per_month=Range(5.0, 7.0, 9.0), horizon=horizon, fixed_usd_per_month=NOTHING)

    assert table["usd_typical"].sum() == pytest.approx(7.0 * cost.ramp_months(horizon))


def test_an_unknown_month_stays_unknown_and_keeps_its_lower_bound():
    table = cost.over_horizon(
        usd_per_month=Range(4.0, math.nan, math.nan), horizon=Horizon(months=3), fixed_usd_per_month=NOTHING
    )

    assert table["cumulative_usd_typical"].isna().all()
    assert table["cumulative_usd_low"].iloc[-1] == 12.0


def test_ends_that_cross_are_refused():
    with pytest.raises(ValueError, match="does not hold"):
        cost.over_horizon(usd_per_month=Range(3.0, 2.0, 4.0), horizon=Horizon(months=3), fixed_usd_per_month=NOTHING)


SERVED = Range(40.0, 60.0, 90.0)


def test_a_smallest_fleet_is_paid_until_the_load_outgrows_it():
    more = cost.above_share(usd_per_month=SERVED, least_usd_per_month=30.0, horizon=Horizon(months=4, ramp="linear"))

    assert more.typical.tolist() == pytest.approx([15.0, 0.0, 0.0, 0.0])  # a quarter of 60 is 15, 30 are paid


def test_a_smallest_fleet_never_costs_more_than_the_full_one():
    more = cost.above_share(usd_per_month=SERVED, least_usd_per_month=50.0, horizon=Horizon(months=1, ramp="linear"))

    assert [end.tolist() for end in more] == [[0.0], [0.0], [0.0]]


@given(st.floats(0.0, 100.0), st.integers(1, 36))
def test_no_month_costs_less_than_the_smallest_fleet_nor_more_than_the_full_one(least, months):
    horizon = Horizon(months=months, ramp="linear")
    more = cost.above_share(usd_per_month=SERVED, least_usd_per_month=least, horizon=horizon)

    table = cost.over_horizon(
        usd_per_month=SERVED, horizon=horizon, fixed_usd_per_month=uncertainty.exactly(0.0), above_share=more
    )

    for end, full in zip(("low", "typical", "high"), SERVED, strict=True):
        assert (table[f"usd_{end}"] >= min(least, full) - 1e-9).all()
        assert (table[f"usd_{end}"] <= full + 1e-9).all()
        assert (np.diff(table[f"usd_{end}"]) >= -1e-9).all()
