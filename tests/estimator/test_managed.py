import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import coefficients
from estimator.columns import MANAGED_COLUMNS
from estimator.managed import estimate_managed, requests_per_month, token_cost
from estimator.workload import Horizon, Traffic, Workload
from tests.estimator.frames import model_offers

SHIPPED = coefficients.load()
NAN = math.nan


def run(*rows, kind="managed_api", **traffic):
    stated = {"requests_per_s_mean": 1.0, "input_tokens": 1000, "output_tokens": 200} | traffic
    return estimate_managed(
        workload=Workload(id="agent", kind=kind, traffic=Traffic(**stated)),
        model_offers=model_offers(*rows),
        coefficients=SHIPPED,
        horizon=Horizon(months=12),
    )


def test_a_request_a_second_makes_two_and_a_half_million_a_month():
    assert requests_per_month(requests_per_s_mean=1.0, hours_per_day=24) == pytest.approx(730 * 3600)


def test_tokens_by_hand():
    usd = token_cost(
        input_tokens=1e6,
        output_tokens=1e6,
        cached_fraction=0.0,
        input_usd_per_mtok=3.0,
        output_usd_per_mtok=15.0,
        cached_input_usd_per_mtok=NAN,
        cache_write_usd_per_mtok=NAN,
        cache_write_share=0.0,
    )

    assert usd == pytest.approx(18.0)


def test_cached_input_by_hand():
    usd = token_cost(
        input_tokens=1e6,
        output_tokens=0.0,
        cached_fraction=0.8,
        input_usd_per_mtok=3.0,
        output_usd_per_mtok=15.0,
        cached_input_usd_per_mtok=0.3,
        cache_write_usd_per_mtok=3.75,
        cache_write_share=0.05,
    )

    # 0.2 × 3 + 0.8 × 0.3 + 0.04 × 3.75
    assert usd == pytest.approx(0.6 + 0.24 + 0.15)


def test_without_a_cached_price_every_token_costs_in_full():
    frame = run({}, {"cached_input_usd_per_mtok": 0.3}, cached_fraction=0.5)

    full = run({})["managed_usd_per_month_typical"].iloc[0]
    assert frame["managed_usd_per_month_typical"].iloc[0] == pytest.approx(full)
    assert frame["managed_usd_per_month_typical"].iloc[1] < full


def test_a_month_by_hand():
    frame = run({})

    row = frame.iloc[0]
    requests = 730 * 3600
    assert row["input_tokens_per_month"] == pytest.approx(requests * 1000)
    assert row["output_tokens_per_month"] == pytest.approx(requests * 200)
    # (1,000 × 3 + 200 × 15) ÷ 10⁶ a request, and 2 % of the calls again
    assert row["managed_usd_per_month_typical"] == pytest.approx(requests * 6e-3 * 1.02)
    assert row["managed_usd_per_month_low"] < row["managed_usd_per_month_typical"] < row["managed_usd_per_month_high"]


def test_batch_work_takes_the_batch_price_where_there_is_one():
    cheap = {"batch_input_usd_per_mtok": 1.5, "batch_output_usd_per_mtok": 7.5}

    frame = run({}, cheap, kind="batch_inference")

    assert frame["tier"].tolist() == ["standard", "batch"]
    ratio = frame["managed_usd_per_month_typical"].iloc[1] / frame["managed_usd_per_month_typical"].iloc[0]
    assert ratio == pytest.approx(0.5)
    assert run(cheap)["tier"].tolist() == ["standard"]


def test_a_long_prompt_takes_the_long_context_price():
    tiered = {
        "long_context_threshold_tokens": 128_000.0,
        "long_context_input_usd_per_mtok": 6.0,
        "long_context_output_usd_per_mtok": 22.5,
    }

    short = run(tiered, input_tokens=100_000)["managed_usd_per_month_typical"].iloc[0]
    long = run(tiered, input_tokens=150_000)["managed_usd_per_month_typical"].iloc[0]

    assert short == pytest.approx(730 * 3600 * (0.3 + 0.003) * 1.02)
    assert long == pytest.approx(730 * 3600 * (0.9 + 0.0045) * 1.02)


def test_a_prompt_beyond_the_window_does_not_fit():
    row = run({"context_window_tokens": 8_000.0}, input_tokens=9_000).iloc[0]

    assert not row["fits"]
    assert row["estimable"]
    assert math.isnan(row["managed_usd_per_month_typical"])
    assert "context window" in row["estimate_reason"]


def test_an_answer_beyond_the_longest_does_not_fit():
    row = run({"max_output_tokens": 100.0}).iloc[0]

    assert not row["fits"]
    assert "longer than the model writes" in row["estimate_reason"]


@pytest.mark.parametrize("column", ["input_usd_per_mtok", "output_usd_per_mtok"])
def test_a_missing_price_is_unknown_with_its_reason(column):
    row = run({column: NAN, "price_reason": "no public price"}).iloc[0]

    assert math.isnan(row["managed_usd_per_month_typical"])
    assert row["estimate_reason"] == "no public price"
    assert row["fits"]


def test_a_price_nobody_is_billed_at_may_be_missing():
    row = run({"output_usd_per_mtok": NAN}, output_tokens=0).iloc[0]

    assert row["managed_usd_per_month_typical"] == pytest.approx(730 * 3600 * 1000 * 3e-6 * 1.02)


@pytest.mark.parametrize("gap", ["requests_per_s_mean", "input_tokens", "output_tokens"])
def test_without_traffic_nothing_is_invented(gap):
    row = run({}, **{gap: None}).iloc[0]

    assert not row["estimable"]
    assert row["estimate_kind"] == ""
    assert math.isnan(row["managed_usd_per_month_typical"])
    assert math.isnan(row["input_tokens_per_month"])
    assert gap.split("_")[0] in row["estimate_reason"]


def test_the_offers_themselves_are_not_touched():
    before = model_offers({}, {"input_usd_per_mtok": NAN})

    frame = run({}, {"input_usd_per_mtok": NAN})

    assert list(frame.columns) == [*before.columns, *MANAGED_COLUMNS]
    assert frame[before.columns].equals(before)


def test_every_coefficient_named_as_evidence_exists():
    for id in run({}, cached_fraction=0.5)["evidence"].iloc[0]:
        if id.startswith("coefficient:"):
            assert SHIPPED.evidence(id)


loads = st.floats(min_value=1e-3, max_value=1e4)
prices = st.floats(min_value=0.01, max_value=100)


@given(loads, loads, st.floats(min_value=0, max_value=1))
def test_more_load_never_costs_less(first, second, cached):
    little, much = (
        run({"cached_input_usd_per_mtok": 0.3}, requests_per_s_mean=load, cached_fraction=cached).iloc[0]
        for load in sorted((first, second))
    )

    for end in ("low", "typical", "high"):
        assert little[f"managed_usd_per_month_{end}"] <= much[f"managed_usd_per_month_{end}"] * (1 + 1e-9)
    assert (
        much["managed_usd_per_month_low"] <= much["managed_usd_per_month_typical"] <= much["managed_usd_per_month_high"]
    )


@given(prices, prices, st.floats(min_value=0.1, max_value=10))
def test_cost_is_linear_in_the_prices(input_price, output_price, factor):
    once, scaled = (
        run({"input_usd_per_mtok": input_price * by, "output_usd_per_mtok": output_price * by}).iloc[0]
        for by in (1.0, factor)
    )

    for end in ("low", "typical", "high"):
        assert scaled[f"managed_usd_per_month_{end}"] == pytest.approx(once[f"managed_usd_per_month_{end}"] * factor)


def test_many_models_at_once_give_what_each_gives_alone():
    rows = [{}, {"input_usd_per_mtok": 0.1}, {"output_usd_per_mtok": NAN}, {"context_window_tokens": 10.0}]

    together = run(*rows)["managed_usd_per_month_typical"].to_numpy()

    alone = [run(row)["managed_usd_per_month_typical"].iloc[0] for row in rows]
    assert np.array_equal(together, alone, equal_nan=True)
