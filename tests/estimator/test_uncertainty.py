import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import uncertainty
from estimator.uncertainty import Range

positive = st.floats(min_value=1e-3, max_value=1e6)


@st.composite
def ranges(draw):
    return Range(*sorted(draw(st.tuples(positive, positive, positive))))


def test_two_factors_of_ten_percent_give_fourteen_percent():
    factor = Range(1 / 1.1, 1.0, 1.1)

    product = uncertainty.independent(factor, factor)

    # worked by hand: exp(√2 · ln 1.1) = 1.1443
    assert product.high == pytest.approx(1.1443, abs=1e-4)
    assert product.low == pytest.approx(1 / 1.1443, abs=1e-4)


def test_a_sum_takes_end_with_end():
    assert uncertainty.total(Range(1, 2, 3), Range(10, 20, 40)) == (11, 22, 43)


def test_a_difference_keeps_its_middle_and_holds_all_three():
    assert uncertainty.spanned(5.0, 2.0, 3.0) == (2.0, 2.0, 5.0)
    assert uncertainty.spanned(1.0, 4.0, 3.0) == (1.0, 4.0, 4.0)
    assert math.isnan(uncertainty.spanned(1.0, math.nan, 3.0).typical)


def test_a_quotient_turns_the_ends_round():
    assert uncertainty.inverse(Range(2.0, 4.0, 5.0)) == (0.2, 0.25, 0.5)


def test_a_factor_of_zero_gives_zero_and_not_nan():
    assert uncertainty.independent(Range(0.0, 0.0, 0.0), Range(1.0, 2.0, 3.0)) == (0.0, 0.0, 0.0)


def test_a_low_end_of_zero_stays_zero():
    product = uncertainty.independent(Range(0.0, 1.0, 2.0), Range(1.0, 2.0, 3.0))

    assert product.low == 0.0
    assert product.typical == 2.0


def test_unknown_stays_unknown():
    assert math.isnan(uncertainty.independent(Range(math.nan, math.nan, math.nan), Range(1.0, 2.0, 3.0)).typical)


@given(ranges(), ranges())
def test_products_are_ordered_and_narrower_than_end_by_end(first, second):
    together = uncertainty.independent(first, second)
    apart = Range(*(one * other for one, other in zip(first, second, strict=True)))

    assert together.low <= together.typical * (1 + 1e-9)
    assert together.typical <= together.high * (1 + 1e-9)
    assert apart.low <= together.low * (1 + 1e-9)
    assert together.high <= apart.high * (1 + 1e-9)


@given(st.lists(ranges(), min_size=1, max_size=5), ranges())
def test_an_array_gives_what_its_numbers_give(many, factor):
    stacked = Range(*(np.array([one[end] for one in many]) for end in range(3)))

    together = uncertainty.independent(stacked, factor)

    for place, one in enumerate(many):
        alone = uncertainty.independent(one, factor)
        assert [end[place] for end in together] == pytest.approx(list(alone))


def test_ordered_sees_a_breach_and_forgives_the_unknown():
    assert uncertainty.ordered(Range(1.0, 2.0, 3.0))
    assert not uncertainty.ordered(Range(np.array([1.0, 5.0]), np.array([2.0, 2.0]), np.array([3.0, 3.0])))
    assert uncertainty.ordered(Range(math.nan, math.nan, math.nan))
