"""Where our assumption of what a further cloud costs, and no price, puts the plan first."""

from dataclasses import replace
from typing import Any

import pytest

from advisor.core import gist
from advisor.core.advise import advise
from advisor.core.document import check, known_from, parse
from advisor.core.quantity import usd
from tests.advisor.core.test_advise import (  # noqa: F401 (fixtures)
    EXAMPLES,
    MOMENT,
    advised,
    catalog,
    coefficient_set,
)

KEY = "plan.fixed_usd_per_month_extra_cloud"


def assuming(amount: float, *, catalog: Any, coefficients: Any) -> str:  # noqa: F811
    """Return the stack that carries the fine-tunes where a further cloud is assumed to cost this much a month."""
    entry = replace(coefficients.get(KEY), value=amount, low=0.0)
    assumed = replace(coefficients, entries={**coefficients.entries, KEY: entry})
    document = check(parse((EXAMPLES / "finetuning.yaml").read_bytes()), complete=True, known=known_from(catalog))
    report = advise(document=document, catalog=catalog, coefficients=assumed, moment=MOMENT)
    return str(report.data["workloads"][0]["recommended"]["id"])


def test_the_answer_names_the_assumption_that_puts_it_first_and_from_where_on_another_is(
    advised: Any,  # noqa: F811
    catalog: Any,  # noqa: F811
    coefficient_set: Any,  # noqa: F811
) -> None:
    data = advised("finetuning").data

    (found,) = data["decision"]["assumed"]
    bill = gist.answers(data)[-1]
    other, enough = found["stacks"][0]["stack_id"], found["enough"]["value"]
    assert found["text"]["text"] in bill["text"] and bill["text"].startswith("The plan costs ")
    assert (
        "Decided by our assumption that a further cloud costs $15,000 ($5,000 to $40,000) a month: below $"
        in (data["decision"]["headline"]["text"])
    )
    assert {f"coefficient:{KEY}", *found["text"]["evidence"]} <= set(bill["evidence"])
    assert found["assumed_usd_per_month"]["kind"] == "assumption"
    mine = data["workloads"][0]["recommended"]["id"]
    assert assuming(0.99 * enough, catalog=catalog, coefficients=coefficient_set) == other != mine
    assert assuming(1.01 * enough, catalog=catalog, coefficients=coefficient_set) == mine


def test_plans_worth_the_same_without_the_assumption_are_said_to_be_so(advised: Any) -> None:  # noqa: F811
    (found,) = advised("small_team").data["decision"]["assumed"]

    assert found["enough"]["value"] is None and found["enough"]["reason"]
    assert (
        "without it the plan would be worth as much with claude-haiku-5-5 on Microsoft Foundry"
        in (found["text"]["text"])
    )


@pytest.mark.parametrize("name", ["uber", "midjourney", "pretraining", "llm_serving"])
def test_no_assumption_is_named_where_none_decides(advised: Any, name: str) -> None:  # noqa: F811
    data = advised(name).data

    assert "assumed" not in data["decision"]
    assert "our assumption" not in data["decision"]["headline"]["text"]


def test_a_further_cloud_that_the_plan_pays_for_is_named_where_at_its_highest_it_would_not(
    advised: Any,  # noqa: F811
) -> None:
    def much_more(raw: dict[str, Any]) -> None:
        raw["current"] = {"provider": "aws"}
        raw["workloads"][0]["training"]["tokens"] *= 40

    data = advised("finetuning", much_more).data

    (found,) = data["decision"]["assumed"]
    assert data["workloads"][0]["recommended"]["provider"] == "azure"
    assert found["stacks"][0]["stack_id"].split("/")[1] == "aws"
    assert 15_000 < found["enough"]["value"] < 40_000
    assert f"a month: above {usd(found['enough']['value'])} p6-b200.48xlarge" in found["text"]["text"]
