import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import coefficients
from estimator.columns import MANAGED_COLUMNS
from estimator.managed import cache_write_share, estimate_managed, requests_per_month, token_cost
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

    # 0.2 × 3 + 0.8 × (0.95 × 0.3 + 0.05 × 3.75): what is written is not read as well
    assert usd == pytest.approx(0.6 + 0.228 + 0.15)


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


def cost(frame, end="typical"):
    return frame[f"managed_usd_per_month_{end}"].to_numpy()


def test_a_task_of_many_calls_by_hand():
    row = run({}, calls_per_request=4, reasoning_tokens=300, retry_fraction=0.1).iloc[0]

    requests = 730 * 3600
    # 4 calls of 1,000 in and 200 + 300 out at $3 and $15 a million, one call in ten sent again
    assert row["managed_usd_per_month_typical"] == pytest.approx(requests * 4 * (3e-3 + 7.5e-3) * 1.1)
    assert row["input_tokens_per_month"] == pytest.approx(requests * 4 * 1000)
    assert row["output_tokens_per_month"] == pytest.approx(requests * 4 * 500)


def test_characters_are_cut_by_each_models_own_tokenizer():
    frame = run(
        {"family": "gpt-6-sol"},
        {"family": "claude-haiku-5-5"},
        input_tokens=None,
        output_tokens=None,
        input_characters=4000,
        output_characters=800,
        language="en",
    )

    # 4,000 ÷ (5.274 × 0.76) tokens; the middle of the public tokenizers is 5.274 too, Claude's is 1.45 times that
    tokens = 4000 / (5.274 * 0.76)
    assert frame["input_tokens_per_month"].to_numpy() == pytest.approx(
        np.array([tokens, 1.45 * tokens]) * 730 * 3600, rel=1e-3
    )
    assert cost(frame)[0] == pytest.approx(730 * 3600 * tokens * (3e-6 + 0.2 * 15e-6) * 1.02)
    assert cost(frame)[1] == pytest.approx(1.45 * cost(frame)[0], rel=1e-3)
    ids = frame["evidence"].iloc[0]
    assert "answer:agent.traffic.input_characters" in ids
    assert "coefficient:tokens.characters_per_token.o200k.en" in ids
    assert "coefficient:managed.tokenizer_ratio" not in ids
    assert all(SHIPPED.evidence(id) for one in frame["evidence"] for id in one if id.startswith("coefficient:"))


def test_tokens_counted_from_characters_make_the_range_wider():
    counted = run({}, input_tokens=None, output_tokens=None, input_characters=4000, output_characters=800)
    stated = run({})

    assert cost(counted, "high") / cost(counted) > cost(stated, "high") / cost(stated)
    assert cost(counted, "low") / cost(counted) < cost(stated, "low") / cost(stated)


def test_one_side_may_be_counted_and_the_other_stated():
    row = run({"family": "gpt-6-sol"}, output_tokens=None, output_characters=800, language="en").iloc[0]

    assert row["input_tokens_per_month"] == pytest.approx(730 * 3600 * 1000)
    assert row["output_tokens_per_month"] == pytest.approx(730 * 3600 * 800 / (5.274 * 0.76))


def test_reasoning_that_was_measured_leaves_no_doubt_about_it():
    open_, none = run({}), run({}, reasoning_tokens=0)

    assert cost(none) == pytest.approx(cost(open_))
    assert cost(none, "high") < cost(open_, "high")
    assert "coefficient:managed.hidden_output_multiplier" not in none["evidence"].iloc[0]
    assert "answer:agent.traffic.reasoning_tokens" in none["evidence"].iloc[0]


def test_reasoning_counts_toward_the_longest_answer():
    assert run({"max_output_tokens": 400.0}, reasoning_tokens=100)["fits"].iloc[0]
    assert not run({"max_output_tokens": 400.0}, reasoning_tokens=300)["fits"].iloc[0]


CACHED = {"cached_input_usd_per_mtok": 0.3, "cache_write_usd_per_mtok": 3.75}


def test_a_busy_cache_is_written_once_a_lifetime_by_hand():
    share = cache_write_share(calls_per_s=0.5, cache_ttl_minutes=5)

    # 0.5 a second make 150 calls in 5 minutes: one call in 151 writes
    assert share.typical == pytest.approx(1 / 151)
    assert share.low == pytest.approx(math.exp(-150))
    assert share.high == pytest.approx(1 / 76)


def test_a_rare_call_finds_no_cache_and_writes_it():
    share = cache_write_share(calls_per_s=1 / 86_400, cache_ttl_minutes=5)

    assert min(share) > 0.99


def test_a_cold_cache_costs_more_than_none():
    cold = run(CACHED, requests_per_s_mean=1e-5, cached_fraction=0.8, cache_ttl_minutes=5)
    none = run(CACHED, requests_per_s_mean=1e-5)
    warm = run(CACHED, requests_per_s_mean=1e-5, cached_fraction=0.8, cache_ttl_minutes=1e5)

    assert cost(warm) < cost(none) < cost(cold)


def test_cache_writes_that_were_measured_go_before_the_lifetime():
    both = run(CACHED, cached_fraction=0.8, cache_write_fraction=0.5, cache_ttl_minutes=5, retry_fraction=0)

    # 200 × 3 + 800 × (0.5 × 0.3 + 0.5 × 3.75) + 200 × 15, a million
    assert cost(both) == pytest.approx(730 * 3600 * (600 + 800 * 2.025 + 3000) / 1e6)
    assert "answer:agent.traffic.cache_write_fraction" in both["evidence"].iloc[0]
    assert "answer:agent.traffic.cache_ttl_minutes" not in both["evidence"].iloc[0]


@given(st.floats(min_value=1e-6, max_value=100), st.floats(min_value=0.1, max_value=1e4))
def test_the_writes_of_a_cache_are_an_ordered_share(rate, minutes):
    share = cache_write_share(calls_per_s=rate, cache_ttl_minutes=minutes)

    assert 0 <= share.low <= share.typical <= share.high <= 1
    assert cache_write_share(calls_per_s=rate, cache_ttl_minutes=2 * minutes).typical <= share.typical


@given(
    st.sampled_from(["retry_fraction", "calls_per_request", "reasoning_tokens", "input_characters"]),
    st.floats(min_value=1, max_value=10),
    st.floats(min_value=1, max_value=10),
)
def test_more_of_it_never_costs_less(name, first, second):
    stated = {"input_tokens": None, "input_characters": 4000.0}
    little, much = (run({}, **(stated | {name: size})).iloc[0] for size in sorted((first, second)))

    for end in ("low", "typical", "high"):
        assert little[f"managed_usd_per_month_{end}"] <= much[f"managed_usd_per_month_{end}"] * (1 + 1e-9)


@given(
    st.floats(min_value=0, max_value=1), st.floats(min_value=0.01, max_value=1e4), st.floats(min_value=0, max_value=2)
)
def test_intervals_stay_ordered(cached, minutes, retries):
    frame = run(
        {},
        CACHED,
        {"cached_input_usd_per_mtok": 0.3, "cache_write_usd_per_mtok": 0.0},
        cached_fraction=cached,
        cache_ttl_minutes=minutes,
        retry_fraction=retries,
        input_tokens=None,
        input_characters=3000,
    )

    assert (cost(frame, "low") <= cost(frame)).all()
    assert (cost(frame) <= cost(frame, "high")).all()


def test_stated_tokens_leave_characters_and_their_language_aside():
    said = run({}, {"family": "claude-haiku-5-5"}, input_characters=1e6, output_characters=1e6, language="hi")

    for end in ("low", "typical", "high"):
        assert np.array_equal(cost(said, end), cost(run({}, {"family": "claude-haiku-5-5"}), end))
    assert not [id for ids in said["evidence"] for id in ids if "characters" in id or "language" in id]
