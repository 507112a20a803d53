"""Rules in three values."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import files, rules


@dataclass
class Rule:
    when: dict[str, Any] = field(default_factory=dict)
    require: dict[str, Any] = field(default_factory=dict)


NEURON = Rule(when={"accelerator_vendor": "AWS"}, require={"software_stack": "neuron"})


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"accelerator_vendor": "AWS", "software_stack": "neuron"}, "met"),
        ({"accelerator_vendor": "AWS", "software_stack": "cuda"}, "violated"),
        ({"accelerator_vendor": "AWS"}, "unknown"),
        ({"accelerator_vendor": "AWS", "software_stack": None}, "unknown"),
        ({"accelerator_vendor": "NVIDIA", "software_stack": "cuda"}, "not_applicable"),
        ({"software_stack": "cuda"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_missing_fact_is_never_a_no(facts: dict[str, Any], verdict: str) -> None:
    assert rules.evaluate(rule=NEURON, facts=facts) == verdict


def test_one_definite_mismatch_decides_even_if_other_facts_are_missing() -> None:
    rule = Rule(when={"a": 1, "b": 2}, require={"c": 3, "d": 4})

    assert rules.evaluate(rule=rule, facts={"b": 0}) == "not_applicable"
    assert rules.evaluate(rule=rule, facts={"a": 1, "b": 2, "d": 0}) == "violated"
    assert rules.evaluate(rule=rule, facts={"a": 1, "b": 2, "d": 4}) == "unknown"


@pytest.mark.parametrize(
    ("require", "fact", "verdict"),
    [
        ({"le": 64}, 64, "met"),
        ({"le": 64}, 65, "violated"),
        ({"lt": 64}, 64, "violated"),
        ({"ge": 2, "lt": 4}, 3, "met"),
        ({"ge": 2, "lt": 4}, 4, "violated"),
        ({"gt": 0}, 0, "violated"),
        ({"ne": "x86_64"}, "arm64", "met"),
        ({"ne": ["x86_64", "arm64"]}, "arm64", "violated"),
        (["jax", "pytorch"], "pytorch", "met"),
        (["jax", "pytorch"], ["tensorflow", "jax"], "met"),
        ("jax", ["tensorflow"], "violated"),
        (True, True, "met"),
        (True, False, "violated"),
        (0, 0, "met"),
    ],
)
def test_values_lists_and_bounds(require: Any, fact: Any, verdict: str) -> None:
    assert rules.evaluate(rule=Rule(require={"x": require}), facts={"x": fact}) == verdict


def test_a_rule_that_requires_nothing_is_for_the_provider_to_confirm() -> None:
    assert rules.evaluate(rule=Rule(when={"provider": "azure"}), facts={"provider": "azure"}) == "unknown"
    assert rules.evaluate(rule=Rule(when={"provider": "azure"}), facts={"provider": "aws"}) == "not_applicable"


def test_an_operator_that_is_not_known_raises() -> None:
    with pytest.raises(ValueError, match="almost"):
        rules.evaluate(rule=Rule(require={"x": {"almost": 3}}), facts={"x": 3})


names = st.sampled_from("abcd")
values = st.integers(0, 2)
conditions = st.dictionaries(names, values, max_size=4)


@given(conditions, conditions, conditions, names, values)
def test_learning_a_fact_never_overturns_a_verdict(
    when: dict[str, int], require: dict[str, int], facts: dict[str, int], name: str, value: int
) -> None:
    rule = Rule(when=when, require=require)
    before = rules.evaluate(rule=rule, facts=facts)

    after = rules.evaluate(rule=rule, facts={name: value} | facts)

    # What was decided stays decided; only an open question may close.
    assert after == before or before == "unknown"


@given(conditions, conditions, conditions)
def test_with_every_fact_known_nothing_is_open(
    when: dict[str, int], require: dict[str, int], facts: dict[str, int]
) -> None:
    everything = dict.fromkeys("abcd", 0) | facts
    verdict = rules.evaluate(rule=Rule(when=when, require=require), facts=everything)

    applies = all(everything[name] == value for name, value in when.items())
    satisfied = all(everything[name] == value for name, value in require.items())
    expected = ("unknown" if not require else "met" if satisfied else "violated") if applies else "not_applicable"
    assert verdict == expected


def test_every_shipped_rule_passes_and_fails_its_own_examples(facts: files.Facts) -> None:
    assert len(facts.rules) >= 45

    failures = [sentence for rule in facts.rules for sentence in rules.failing_examples(rule=rule)]

    assert failures == []


def test_an_example_that_does_not_fail_is_reported(facts: files.Facts) -> None:
    rule = next(row for row in facts.rules if row.examples)
    toothless = rule.model_copy(update={"examples": rule.examples.model_copy(update={"fails": rule.examples.passes})})

    assert rules.failing_examples(rule=toothless) == [f"{rule.id}: the example 'fails' is met, expected violated"]
