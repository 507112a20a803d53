"""Cautions that hang on what the team has shown itself."""

from typing import Any

import pytest

from tests.advisor.core.test_advise import advised, catalog, coefficient_set  # noqa: F401 (fixtures)

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
