"""Work that nothing carries: no stack is advised, and the answer says what keeps all out and what would lift it."""

from typing import Any

import pytest

from advisor.core.record.markdown import markdown
from tests.advisor.core.test_advise import advised, catalog, coefficient_set  # noqa: F401 (fixtures)


def too_many_tokens(raw: dict[str, Any]) -> None:
    raw["workloads"][0]["training"]["tokens"] = 1e15


def too_large(raw: dict[str, Any]) -> None:
    shape = {"layers": 2000, "hidden": 65536, "heads": 64, "kv_heads": 8, "head_dim": 128, "ffn_hidden": 262144}
    raw["workloads"][0]["model"] = {**shape, "ffn_kind": "gated", "vocab": 128000, "context_max_tokens": 8192}


def only_elsewhere(raw: dict[str, Any]) -> None:
    raw["constraints"]["providers"] = ["aws"]


def told(report: Any) -> list[str]:
    return [one["text"] for one in report.data["warnings"] if one["code"] == "no_stack"]


@pytest.mark.parametrize(
    ("name", "edit", "said"),
    [
        ("pretraining", too_many_tokens, "Without done by the day and length of a run "),
        ("pretraining", too_many_tokens, "Length of a run: 298.2 days is over your limit of 50 days."),
        ("llm_serving", too_large, "nothing on file holds this work. The nearest is p6e-gb300-ultraserver on aws "),
        ("llm_serving", too_large, "It takes a smaller model or narrower weights."),
        ("midjourney", only_elsewhere, "Measure one first: the best by what is on file is p"),
    ],
)
def test_impossible_work_ends_infeasible_with_what_would_lift_it(
    advised: Any,  # noqa: F811
    name: str,
    edit: Any,
    said: str,
) -> None:
    report = advised(name, edit)

    assert not report.feasible
    assert {item["role"] for item in report.data["plan"]["assignments"]} == {"none"}
    assert said in report.data["decision"]["headline"]["text"]
    assert said in told(report)[0]
    assert len(report.data["decision"]["barred"]) == len(report.data["workloads"])
    known = {entry["id"] for entry in report.data["evidence"]}
    assert set(report.data["decision"]["headline"]["evidence"]) <= known


def test_what_could_not_be_estimated_is_refused_only_where_nothing_known_does_the_work(advised: Any) -> None:  # noqa: F811
    possible, impossible = advised("pretraining"), advised("pretraining", too_many_tokens)

    def removed(report: Any) -> list[dict[str, Any]]:
        return [row for row in report.data["constraints"]["removals"] if row["id"] == "known_to_hold"]

    assert possible.feasible and not removed(possible)
    assert possible.data["workloads"][0]["candidates"]["confirm_first"] > 0
    assert removed(impossible)[0]["removed_alone"] > 0
    assert impossible.data["workloads"][0]["candidates"] == {"ranked": 0, "confirm_first": 0, "excluded": 1457}


def test_a_machine_whose_estimate_says_that_the_work_does_not_fit_is_no_pilot(advised: Any) -> None:  # noqa: F811
    def larger(raw: dict[str, Any]) -> None:
        raw["workloads"][0]["targets"] = {}
        raw["constraints"].pop("need_by")
        too_many_tokens(raw)

    for item in advised("pretraining", larger).data["plan"]["assignments"]:
        reasons = [part["reason"] or "" for part in (item["stack"] or {"numbers": {}})["numbers"].values()]
        assert not [reason for reason in reasons if "does not fit" in reason], item["stack_id"]


def test_the_record_says_what_keeps_all_out_and_not_what_removes_most(advised: Any) -> None:  # noqa: F811
    late, large = (
        markdown(advised(*one).data) for one in (("pretraining", too_many_tokens), ("llm_serving", too_large))
    )

    assert "for base-model no candidate keeps done by the day and length of a run beside the rest." in late
    assert "because for chat nothing on file holds this work." in large
