import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.core import figures
from advisor.core.figures import amount
from advisor.core.quantity import Unsourced, added, number, rounded, scaled, span, unknown, usd

MONEY = st.floats(min_value=0.01, max_value=1e9, allow_nan=False)


def test_a_known_number_needs_evidence():
    with pytest.raises(Unsourced, match=r"12\.0 USD names no evidence"):
        number(12, unit="USD", kind="list price")


def test_an_unknown_number_needs_its_reason():
    with pytest.raises(Unsourced, match="needs its reason"):
        number(None, unit="USD", kind="list price", evidence=("offer:a",))


def test_a_number_that_is_not_finite_is_unknown_and_never_zero():
    found = number(float("nan"), unit="USD", kind="list price", reason="no price")

    assert found["value"] is None
    assert found["reason"] == "no price"


def test_a_range_always_holds_its_value():
    found = number(10, 12, 9, unit="USD", kind="estimate", evidence=("offer:a",))

    assert (found["low"], found["value"], found["high"]) == (10, 10, 10)


def test_numbers_keep_six_significant_digits():
    assert rounded(1234567.89) == 1234570.0
    assert rounded(0.000123456789) == 0.000123457


def test_a_sum_with_an_unknown_part_is_a_lower_bound_that_names_it():
    parts = {
        "compute": number(100, 80, 130, unit="USD/month", kind="list price", evidence=("offer:a",)),
        "storage": unknown(unit="USD/month", reason="no public price"),
    }

    total = added(parts, unit="USD/month")

    assert total["value"] is None
    assert total["low"] == 80
    assert "storage: no public price" in total["reason"]


def test_a_sum_is_only_as_sure_as_its_weakest_part():
    parts = {
        "compute": number(100, unit="USD/month", kind="list price", evidence=("offer:a",)),
        "egress": number(5, unit="USD/month", kind="assumption", evidence=("egress:b",)),
    }

    total = added(parts, unit="USD/month")

    assert total["kind"] == "assumption"
    assert total["evidence"] == ["egress:b", "offer:a"]


@given(low=MONEY, more=MONEY, most=MONEY, months=st.integers(1, 60))
def test_scaling_keeps_the_order_of_a_range(low, more, most, months):
    part = number(low + more, low, low + more + most, unit="USD/month", kind="estimate", evidence=("offer:a",))

    whole = scaled(part, months, unit="USD")

    assert whole["low"] <= whole["value"] <= whole["high"]
    assert whole["value"] == pytest.approx(part["value"] * months, rel=1e-5)


def test_money_is_said_to_three_digits():
    assert usd(1234.5) == "$1,230"
    assert usd(2_345_678) == "$2.35 million"
    assert usd(0.0123) == "$0.0123"


def test_money_has_one_spelling_in_sentences_and_tables():
    for value, text in (
        (12.1, "$12.10"),
        (113.9326, "$114"),
        (0.5, "$0.50"),
        (999_999.0, "$1 million"),
        (-7.5, "−$7.50"),
    ):
        assert usd(value) == text
        assert amount(number(value, unit="USD/month", kind="estimate", evidence=("a",))) == f"{text} per month"


def test_an_unknown_cost_is_said_as_a_lower_bound():
    assert span(unknown(unit="USD/month", reason="no price", low=70)) == "at least $70"
    assert span(unknown(unit="USD/month", reason="no price")) == "unknown (no price)"


@pytest.mark.parametrize(
    ("value", "low", "high", "told", "range_told"),
    [
        (0.047, 0.036, 0.0615, "1.13 hours", "0.864–1.48"),
        (0.95, 0.574, 1.57, "22.8 hours", "13.8–37.7"),
        (1 / 24, 1 / 24, 1 / 24, "1 hour", ""),
        (0.0376, 0.0328, 0.0432, "54.1 minutes", "47.2–62.2"),
        (1.5, 0.9, 2.0, "1.5 days", "0.9–2"),
        (36.1, 30.0, 41.7, "36.1 days", "30–41.7"),
    ],
)
def test_a_computed_time_shorter_than_a_day_is_told_in_hours_and_than_an_hour_in_minutes(
    value, low, high, told, range_told
):
    found = number(value, low, high, unit="days", kind="estimate", evidence=("a",))

    assert (amount(found), figures.span(found)) == (told, range_told)


def test_a_time_that_somebody_stated_stays_in_the_unit_it_was_stated_in():
    assert amount(number(0.5, unit="days", kind="answer", evidence=("a",))) == "0.5 days"


def test_the_least_of_a_time_is_told_in_its_own_unit():
    assert amount(unknown(unit="days", reason="one run is not known", low=0.25)) == "at least 6 hours"
