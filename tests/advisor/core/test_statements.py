"""Every number and sentence of a report can be found again under its number."""

from typing import Any

import pytest

from advisor.core.statements import identity, is_number, statements
from tests.advisor.factories import a_number, golden_report


def test_equal_statements_have_one_number_and_others_their_own() -> None:
    first, second = a_number(1.0, evidence=["offer:a"]), a_number(2.0, evidence=["offer:a"])

    found = statements({"x": first, "y": [second, dict(first)]}, {"text": "Said.", "evidence": ["offer:a"]})

    assert len(found.listed) == 3
    assert found.number_of(first) == found.number_of(dict(first)) == 1
    assert found.number_of(second) == 2
    assert found.number_of({"text": "Said.", "evidence": ["offer:a"]}) == 3


def test_the_same_figure_on_other_evidence_is_another_statement() -> None:
    found = statements([a_number(1.0, evidence=["offer:a"]), a_number(1.0, evidence=["offer:b"])])

    assert len(found.listed) == 2


def test_what_a_report_does_not_say_has_no_number() -> None:
    assert statements([a_number(1.0)]).number_of(a_number(3.0)) is None


@pytest.mark.parametrize("name", ["uber", "midjourney", "small_team"])
def test_every_number_of_a_report_is_found_under_its_number(name: str) -> None:
    data = golden_report(name)

    found = statements(data)

    numbers = list(_numbers(data))
    assert len(numbers) > 100
    for number in numbers:
        place = found.number_of(number)
        assert place is not None
        assert identity(found.listed[place - 1]) == identity(number)


def _numbers(part: Any) -> Any:
    if is_number(part):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from _numbers(value)
    elif isinstance(part, list):
        for value in part:
            yield from _numbers(value)
