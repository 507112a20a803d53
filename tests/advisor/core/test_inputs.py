"""Inputs: what a page asks for follows from the schema, and what is typed becomes what the document holds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.core.document import check
from advisor.core.questionnaire.edits import faults, put
from advisor.core.questionnaire.inputs import Input, input_at, phrase, read, remark, typed
from advisor.core.questionnaire.questions import QUESTIONS

RATE = "workloads[].traffic.requests_per_s_mean"
NUMBERS = [q.path for q in QUESTIONS if input_at(q.path).widget in ("number", "whole")]


@pytest.mark.parametrize(
    ("path", "widget"),
    [
        ("decision", "text"),
        ("workloads[].kind", "choice"),
        ("workloads[].model", "model"),
        (RATE, "number"),
        ("team.size", "whole"),
        ("constraints.need_by", "date"),
        ("constraints.purchase", "choices"),
        ("team.frameworks", "words"),
        ("organisation.commercial", "yes_no"),
        ("commercial.discounts", "rows"),
        ("flows", "rows"),
    ],
)
def test_the_widget_follows_from_the_schema(path: str, widget: str) -> None:
    assert input_at(path).widget == widget


def test_limits_units_and_choices_are_those_of_the_schema() -> None:
    share, kind = input_at("workloads[].utilisation"), input_at("workloads[].kind")

    assert (share.unit, share.minimum, share.maximum) == ("fraction", 0.0, 1.0)
    assert dict(kind.choices)["managed_api"] == "Calls to a managed model API"
    assert [column.name for column in input_at("commercial.discounts").columns] == [
        "provider",
        "applies_to",
        "fraction",
        "ends",
    ]


def test_every_question_has_a_label_of_its_own() -> None:
    labels = [input_at(question.path).label for question in QUESTIONS]

    assert all(labels)
    assert not [label for label in labels if "_" in label]


@pytest.mark.parametrize("path", [path for path in NUMBERS if "weight" not in path])
def test_every_number_has_its_usual_range_with_a_reason(path: str) -> None:
    found = input_at(path)
    usual = found.usual

    assert usual is not None
    assert usual.why and usual.basis in ("judgement", "arithmetic", "definition")
    assert (found.minimum or 0) <= usual.low < usual.high <= (found.maximum or usual.high)
    assert usual.above or usual.high == found.maximum
    assert usual.below or usual.low == found.minimum


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        (RATE, "200,000", 200000),
        (RATE, "200 000", 200000),
        (RATE, "0.0556", 0.0556),
        ("workloads[].training.tokens", "15e12", 15e12),
        ("workloads[].training.tokens", "15 trillion", 15e12),
        ("workloads[].training.tokens", "3T", 3e12),
        ("constraints.budget_usd_per_month", "$2,000", 2000),
        ("workloads[].utilisation", "30 %", 0.3),
        ("workloads[].targets.availability", "99.9 %", 99.9),
        ("organisation.seat", "de", "DE"),
        ("organisation.commercial", "no", False),
        ("team.frameworks", "pytorch, jax", ["pytorch", "jax"]),
        ("team.frameworks", "none", []),
        ("constraints.need_by", "2027-03-01", "2027-03-01"),
    ],
)
def test_what_is_typed_becomes_what_the_document_holds(path: str, text: str, value: Any) -> None:
    assert read(input_at(path), text) == value


@pytest.mark.parametrize("text", ["abc", "1,5", "12 people", "1e400", "1,00,000", "--3", "5k5"])
def test_what_is_no_number_stays_as_it_was_typed(text: str) -> None:
    assert read(input_at(RATE), text) == text
    assert faults({"workloads": [{"id": "w", "kind": "managed_api"}]}, "workloads[w].traffic.requests_per_s_mean", text)


@settings(deadline=None)
@given(st.one_of(st.floats(min_value=1e-9, max_value=1e9), st.integers(min_value=0, max_value=10**9)))
def test_a_number_comes_back_as_it_was(value: float) -> None:
    found = input_at(RATE)

    assert read(found, typed(found, value)) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("constraints.purchase", ["on_demand", "spot"]),
        ("team.accelerators", []),
        ("team.orchestrators", ["kubernetes", "slurm"]),
        ("commercial.discounts", [{"provider": "aws", "applies_to": "p5*", "fraction": 0.3, "ends": "2027-01-01"}]),
        ("flows", [{"from": "a", "to": "b", "gb_per_month": 500}]),
        ("workloads[].model", "llama-3.1-70b"),
        ("workloads[].model", {"layers": 48, "hidden": 8192, "heads": 64, "ffn_hidden": 22016, "vocab": 128000}),
        ("workloads[].model", {"acceptable": [{"family": "nova-2-lite", "eval": "ours", "sample_size": 400}]}),
        ("workloads[].model", None),
    ],
)
def test_lists_and_models_come_back_as_they_were(path: str, value: Any) -> None:
    found = input_at(path)

    assert read(found, typed(found, value)) == value


def test_a_row_that_lacks_something_is_kept_and_refused() -> None:
    found = input_at("commercial.discounts")

    value = read(found, [{"provider": "aws", "applies_to": "", "fraction": "a third", "ends": ""}])

    assert value == [{"provider": "aws", "fraction": "a third"}]
    assert [item["path"] for item in faults({}, "commercial.discounts", value)] == ["commercial.discounts[0].fraction"]
    assert typed(found, value)[0]["fraction"] == "a third"


def test_an_unusual_number_is_asked_back_and_not_refused() -> None:
    found = input_at(RATE)

    assert remark(found, 120_000) == (
        "120,000 requests/s is more than all but the largest services see: per second, or per day?"
    )
    assert remark(found, 20) == ""
    assert check(
        put(
            {"workloads": [{"id": "w", "kind": "managed_api"}]},
            "workloads[w].traffic",
            {"requests_per_s_mean": 120_000},
        )
    )


def test_a_large_number_is_said_in_words() -> None:
    assert remark(input_at("workloads[].training.tokens"), 15e12) == "That is 15 trillion tokens."


def test_a_shape_is_told_by_its_parameters() -> None:
    llama_3_70b = {
        "layers": 80,
        "hidden": 8192,
        "heads": 64,
        "kv_heads": 8,
        "ffn_hidden": 28672,
        "ffn_kind": "gated",
        "vocab": 128256,
    }

    # published as 70.6 billion
    assert remark(input_at("workloads[].model"), llama_3_70b) == "This shape has 70.6 billion parameters."
    assert remark(input_at("workloads[].model"), {"layers": 80}) == ""


def test_a_value_is_read_as_a_phrase() -> None:
    def said(path: str, value: Any) -> str:
        found: Input = input_at(path)
        return phrase(found, value)

    assert said("constraints.purchase", ["on_demand", "commitment_1y"]) == "on demand, 1-year commitment"
    assert said("constraints.budget_usd_per_month", 2000) == "2,000 USD/month"
    assert said("team.accelerators", []) == "none"
    assert said("organisation.commercial", True) == "yes"
    assert said("workloads[].kind", "cpu_serving") == "Classic serving on CPUs"
