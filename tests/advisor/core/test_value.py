import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.core.value import CRITERIA, Anchor, level, normal, total

COST = Anchor("cost", 0.0, 1000.0, "USD/month", "twice the reference")
LEVEL = st.floats(min_value=0, max_value=1)
STACK = st.lists(LEVEL, min_size=5, max_size=5)


def test_value_falls_from_ideal_to_unacceptable_and_stays_within_them():
    assert level(x=[0.0, 250.0, 1000.0, 5000.0], anchor=COST).tolist() == [1.0, 0.75, 0.0, 0.0]


def test_an_unknown_level_stays_unknown():
    assert np.isnan(level(x=float("nan"), anchor=COST))


def test_a_criterion_nobody_could_compute_drops_out():
    levels = {"cost": [0.5, 1.0], "latency": [np.nan, np.nan]}

    found = total(levels=levels, weights={"cost": 0.5, "latency": 0.5})

    assert found.tolist() == [0.5, 1.0]


def test_what_is_unknown_for_one_stack_never_wins_by_silence():
    levels = {"cost": [0.5, 0.5], "latency": [0.4, np.nan]}

    found = total(levels=levels, weights={"cost": 0.5, "latency": 0.5})

    assert found[0] > found[1]


def test_weights_are_equal_where_none_is_given():
    assert normal({}) == pytest.approx(dict.fromkeys(CRITERIA, 0.2))


@given(stacks=st.lists(STACK, min_size=2, max_size=6), other=STACK)
def test_an_irrelevant_option_never_changes_the_order_of_the_others(stacks, other):
    weights = normal({"cost": 4, "time": 2, "latency": 1.5, "portability": 1.5, "operations": 1})

    def values(rows):
        return total(levels=dict(zip(CRITERIA, zip(*rows, strict=True), strict=True)), weights=weights)

    before, after = values(stacks), values([*stacks, other])[: len(stacks)]

    assert np.allclose(before, after)
