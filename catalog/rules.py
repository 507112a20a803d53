"""Compatibility rules, evaluated in three values: what we were not told is unknown, never false."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from catalog.records import OPERATORS

Verdict = Literal["met", "violated", "unknown", "not_applicable"]


class Conditional(Protocol):
    """What a rule and a licence condition share."""

    @property
    def when(self) -> Mapping[str, Any]: ...

    @property
    def require(self) -> Mapping[str, Any]: ...


def evaluate(*, rule: Conditional, facts: Mapping[str, Any]) -> Verdict:
    """Return whether the facts meet, violate, leave open, or fall outside a rule. [verdict]

    ``when`` and ``require`` are conjunctions. One definite mismatch decides a conjunction even if other facts are
    missing (Kleene's strong logic); otherwise a missing fact leaves it open. A ``confirm`` rule that applies is open:
    only the provider can answer it. Valid for facts whose values are scalars or collections of scalars.
    Source: S. C. Kleene, Introduction to Metamathematics, section 64.
    """
    applies = _all_hold(conditions=rule.when, facts=facts)
    if applies is False:
        return "not_applicable"
    if applies is None or not rule.require:
        return "unknown"
    satisfied = _all_hold(conditions=rule.require, facts=facts)
    if satisfied is None:
        return "unknown"
    return "met" if satisfied else "violated"


def failing_examples(*, rule: Any) -> list[str]:
    """Return a sentence for each of a predicate's two examples that does not come out as written. [sentences]

    Empty for a sound rule and for a confirm rule, which has no examples. Source: the rule's own ``examples``.
    """
    if rule.examples is None:
        return []
    expected = {"passes": "met", "fails": "violated"}
    found = {name: evaluate(rule=rule, facts=getattr(rule.examples, name)) for name in expected}
    return [
        f"{rule.id}: the example {name!r} is {found[name]}, expected {expected[name]}"
        for name in expected
        if found[name] != expected[name]
    ]


def _all_hold(*, conditions: Mapping[str, Any], facts: Mapping[str, Any]) -> bool | None:
    verdict: bool | None = True
    for name, wanted in conditions.items():
        holds = _holds(wanted=wanted, fact=facts.get(name))
        if holds is False:
            return False
        if holds is None:
            verdict = None
    return verdict


def _holds(*, wanted: Any, fact: Any) -> bool | None:
    if fact is None:
        return None
    if isinstance(wanted, dict):
        return all(_compares(operator=operator, bound=bound, fact=fact) for operator, bound in wanted.items())
    accepted = wanted if isinstance(wanted, list | tuple) else (wanted,)
    if isinstance(fact, str):
        return fact in accepted
    return any(value in accepted for value in _as_collection(fact))


def _compares(*, operator: str, bound: Any, fact: Any) -> bool:
    if operator == "ne":
        refused = _as_collection(bound)
        return not any(value in refused for value in _as_collection(fact))
    if operator == "gt":
        return bool(fact > bound)
    if operator == "ge":
        return bool(fact >= bound)
    if operator == "lt":
        return bool(fact < bound)
    if operator == "le":
        return bool(fact <= bound)
    raise ValueError(f"unknown operator {operator!r} in a rule; known are {', '.join(OPERATORS)}")


def _as_collection(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
