"""The answer taken apart says the same, word for word; what would change it comes from the report."""

from typing import Any

import pytest

from advisor.core.gist import answers, bonds, flips
from tests.advisor.factories import a_number, golden_report

NAMES = ["uber", "midjourney", "small_team"]


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_the_headline_word_for_word_one_sentence_a_workload_and_the_bill_last(name: str) -> None:
    data = golden_report(name)

    found = answers(data)

    assert " ".join(one["text"] for one in found) == data["decision"]["headline"]["text"]
    assert len(found) == len(data["workloads"]) + 1
    assert found[-1]["text"].startswith("The plan ")
    assert all(one["evidence"] for one in found)


def test_a_headline_that_cannot_be_taken_apart_stays_whole() -> None:
    data = golden_report("uber")
    data["decision"]["headline"] = {"text": "An older headline.", "evidence": []}

    assert answers(data) == (data["decision"]["headline"],)


@pytest.mark.parametrize("name", NAMES)
def test_the_bond_told_of_a_workload_is_the_tightest_of_its_production_stack(name: str) -> None:
    data = golden_report(name)

    found = bonds(data)

    for stack in data["coupling"]["stacks"]:
        if stack["role"] in ("production", "baseline"):
            assert f"{stack['maximum']['value']:.2f}" in found[stack["workload_id"]]["text"]


def a_report(**workload: Any) -> dict[str, Any]:
    recommended = {"numbers": {"monthly_usd": a_number(100.0)}}
    return {
        "plan": {"assignments": []},
        "workloads": [{"id": "chat", "name": "Chat", "recommended": recommended, **workload}],
    }


def test_the_price_below_which_an_unpriced_stack_wins_is_told_with_its_range() -> None:
    price = a_number(4.18, low=2.59, high=5.52, unit="USD/accelerator-hour", evidence=["offer:a"])

    found = flips(a_report(why_not=[{"label": "trn2u", "wins_below": price}]))

    assert [one["text"] for one in found] == [
        "Chat: trn2u has no public price. Below $4.18 ($2.59 to $5.52) an accelerator-hour it would cost less than the "
        "recommended stack."
    ]
    assert found[0]["evidence"] == ["offer:a"]


@pytest.mark.parametrize(("usd", "count"), [(90.0, 1), (100.0, 0), (110.0, 0), (None, 0)])
def test_an_excluded_provider_is_told_only_where_it_would_cost_less(usd: float | None, count: int) -> None:
    row = {
        "workload_id": "chat",
        "monthly_usd": a_number(usd),
        "text": {"text": "azure is excluded.", "evidence": ["offer:b"]},
    }

    found = flips(a_report() | {"constraints": {"excluded_providers": [row]}})

    assert len(found) == count


def test_the_gate_of_a_pilot_is_told() -> None:
    data = golden_report("uber")
    gate = next(row["gate"][0]["text"] for row in data["plan"]["assignments"] if row["role"] == "pilot")

    assert any(one["text"].endswith(gate) for one in flips(data))
