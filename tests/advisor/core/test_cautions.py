"""Cautions that hang on what the team has shown itself, and on the capacity it holds."""

from typing import Any

import pytest

from tests.advisor.core.test_advise import advised, catalog, coefficient_set, texts  # noqa: F401 (fixtures)

CODE = "not_evaluated"


def without_evaluation(raw: dict[str, Any]) -> None:
    for entry in raw["workloads"][0]["model"]["acceptable"]:
        entry["eval"] = None


def without_families(raw: dict[str, Any]) -> None:
    raw["workloads"][0]["model"] = None


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda raw: None, None),
        (without_evaluation, "you name no evaluation of"),
        (without_families, "you name no family that is good enough"),
    ],
)
def test_a_family_nobody_evaluated_is_advised_with_a_warning(advised: Any, edit: Any, said: str | None) -> None:  # noqa: F811
    report = advised("small_team", edit)

    found = [warning for warning in report.data["warnings"] if warning["code"] == CODE]

    assert len(found) == (1 if said else 0)
    for warning in found:
        assert said in warning["text"]
        assert {entry["id"] for entry in report.data["evidence"]} >= set(warning["evidence"])


def holding(accelerators: int) -> Any:
    def hold(raw: dict[str, Any]) -> None:
        held = [{"provider": name, "accelerators": accelerators} for name in ("aws", "azure", "gcp")]
        raw["constraints"] = {**(raw.get("constraints") or {}), "quota": held, "need_by": None}

    return hold


def recommended(report: Any) -> dict[str, Any]:
    (found,) = [check for check in report.data["constraints"]["checks"] if check["id"] == "capacity"]
    return found


def test_a_quota_takes_the_place_of_what_may_be_had_without_asking(advised: Any) -> None:  # noqa: F811
    check = recommended(advised("llm_serving", holding(100_000)))

    assert check["state"] == "met"
    assert "stays within the 100,000 accelerators of your quota on" in check["text"]["text"]
    assert any(one.startswith("answer:constraints.quota[") for one in check["text"]["evidence"])


def test_own_capacity_past_the_quota_is_not_advised_before_it_is_asked_for(advised: Any) -> None:  # noqa: F811
    without, scarce = advised("llm_serving"), advised("llm_serving", holding(1))

    assert without.data["workloads"][0]["recommended"]["layers"]["accelerator"]["id"]
    best = scarce.data["workloads"][0]["recommended"]
    assert best is None or not best["layers"]["accelerator"]["id"] or recommended(scarce)["state"] == "met"
    assert "more than the 1 of your quota on" in " ".join(texts(scarce))


def two_of_a_kind(accelerators: int) -> Any:
    def hold(raw: dict[str, Any]) -> None:
        twin = {**raw["workloads"][0], "id": "twin", "name": "Twin"}
        raw["workloads"] = [raw["workloads"][0], twin]
        raw["constraints"] |= {"quota": [{"provider": "aws", "accelerators": accelerators}], "providers": ["aws"]}
        del raw["constraints"]["budget_usd_per_month"]

    return hold


def together(report: Any) -> list[dict[str, Any]]:
    checks = report.data["constraints"]["checks"]
    return [check for check in checks if check["id"] == "capacity" and check["scope"] == "decision"]


def test_workloads_that_draw_on_one_quota_are_held_against_it_together(advised: Any) -> None:  # noqa: F811
    enough, scarce = advised("llm_serving", two_of_a_kind(48)), advised("llm_serving", two_of_a_kind(47))

    (held,), (missing,) = together(enough), together(scarce)
    assert held["state"] == "met"
    assert held["text"]["text"] == (
        "The 48 accelerators of Chat and Twin together stay within the 48 accelerators of your quota on aws."
    )
    assert missing["state"] == "cannot be confirmed"
    assert "are more than the 47" in missing["text"]["text"]
    assert "ask for it first" in missing["text"]["text"]
    assert missing["text"]["evidence"][0] == "answer:constraints.quota[0].accelerators"


def test_the_plan_goes_elsewhere_before_it_draws_a_quota_twice(advised: Any) -> None:  # noqa: F811
    def on_any_cloud(raw: dict[str, Any]) -> None:
        two_of_a_kind(30)(raw)
        raw["constraints"]["providers"] = ["aws", "azure", "gcp"]

    report = advised("llm_serving", on_any_cloud)

    assert {workload["recommended"]["provider"] for workload in report.data["workloads"]} == {"aws", "azure"}
    assert not [check for check in together(report) if check["state"] != "met"]
