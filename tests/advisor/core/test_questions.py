"""The questionnaire: it covers the document, a first answer needs few questions, every open one is told."""

import re
from typing import Any

import pytest

from advisor.core.document import Document, check, json_schema
from advisor.core.questionnaire.questions import (
    ALL,
    MAX_FIRST_COUNT,
    QUESTIONS,
    answer_at,
    first_questions,
    unanswered,
)
from advisor.core.schema import Kind

# What no team is asked in so many words: it is told by the form of the answer, or stands for something asked.
NOT_ASKED = {"version", "workloads[].id", "flows"}
# Sections that one question asks for as a whole.
ASKED_WHOLE = {"workloads[].model", "constraints.quota", "commercial.discounts", "commercial.commitments"}


def leaves(schema: dict[str, Any], part: dict[str, Any], path: str) -> set[str]:
    if path in ASKED_WHOLE | NOT_ASKED:
        return {path}
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
    if "properties" in part:
        names = part["properties"].items()
        return {leaf for name, inner in names for leaf in leaves(schema, inner, f"{path}.{name}" if path else name)}
    if "items" in part and "$ref" in part["items"]:
        return leaves(schema, part["items"], f"{path}[]")
    choices = [choice for choice in part.get("anyOf", []) if choice.get("type") != "null"]
    return leaves(schema, choices[0], path) if len(choices) == 1 and "$ref" in choices[0] else {path}


def workload(**parts: Any) -> Document:
    return check({"decision": "d", "workloads": [{"id": "w", **parts}]})


def open_paths(document: Document) -> dict[str, dict[str, Any]]:
    return {entry["path"]: entry for entry in unanswered(document)}


def test_every_leaf_of_the_document_has_its_question() -> None:
    schema = json_schema()

    assert {question.path for question in QUESTIONS} == leaves(schema, schema, "") - NOT_ASKED


def test_no_path_is_asked_twice() -> None:
    paths = [question.path for question in QUESTIONS]

    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("model", ["llama-3.1-70b", None])
@pytest.mark.parametrize("measured", [{"on": "x", "units_per_s": 5}, {"on": "x", "hours_per_month": 5}, None])
def test_a_first_answer_needs_few_questions(kind: str, model: str | None, measured: dict[str, Any] | None) -> None:
    first = first_questions(workload(kind=kind, model=model, measured=measured).workloads[0])

    assert 8 <= len(first) <= MAX_FIRST_COUNT
    assert first[0].path == "decision"
    assert all(kind in question.kinds for question in first)


def test_a_managed_model_is_asked_for_its_data_before_capacity_of_ones_own() -> None:
    capacity = {"constraints.purchase", "team.ml_systems_engineers"}
    data = {"workloads[].data.stored_tb", "workloads[].data.egress_gb_per_month"}

    for kind in ALL:
        first = {question.path for question in first_questions(workload(kind=kind, model="m").workloads[0])}
        assert first & (capacity | data) == (data if kind == "managed_api" else capacity), kind


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (
            "online_inference",
            {"model": "m", "traffic": {"requests_per_s_mean": 1, "input_tokens": 1, "output_tokens": 1}},
        ),
        (
            "batch_inference",
            {"model": "m", "traffic": {"requests_per_s_mean": 1, "input_tokens": 1, "output_tokens": 1}},
        ),
        ("managed_api", {"traffic": {"requests_per_s_mean": 1, "input_tokens": 1, "output_tokens": 1}}),
        ("pretraining", {"model": "m", "training": {"tokens": 1e9}}),
        ("finetuning", {"model": "m", "training": {"tokens": 1e9}}),
        ("pretraining", {"measured": {"on": "x", "work_unit": "run", "hours_per_month": 5}}),
        (
            "cpu_serving",
            {"traffic": {"requests_per_s_mean": 1}, "measured": {"on": "x", "work_unit": "r", "units_per_s": 5}},
        ),
    ],
)
def test_the_first_questions_are_enough_for_advice(kind: str, answers: dict[str, Any]) -> None:
    raw = {"decision": "d", "workloads": [{"id": "w", "kind": kind, **answers}]}

    found = check(raw, complete=True)

    asked = {
        question.path for question in first_questions(workload(kind=kind, model=answers.get("model")).workloads[0])
    }
    assert found.workloads[0].kind == kind
    given = {f"workloads[].{name}" for name in answers if not isinstance(answers[name], dict)}
    given |= {f"workloads[].{name}.{key}" for name, part in answers.items() if isinstance(part, dict) for key in part}
    assert given - asked <= {"workloads[].measured.work_unit"}


def test_a_power_is_a_share_of_a_hundred() -> None:
    assert all(0 < question.power <= 100 for question in QUESTIONS)


def test_each_question_gives_its_reasons() -> None:
    for question in QUESTIONS:
        assert question.text.endswith("?"), question.path
        assert question.help and question.power_why and question.default_why, question.path
        assert set(question.kinds) <= set(Kind.__args__), question.path
        assert set(question.first) <= set(question.kinds), question.path
        assert not re.search(r"\bTODO\b|\?\?", question.text)


def test_what_is_answered_is_not_reported() -> None:
    said = workload(kind="online_inference", model="m", traffic={"peak_factor": 3})
    silent = workload(kind="online_inference", model="m")

    assert "workloads[0].traffic.peak_factor" not in open_paths(said)
    assert open_paths(silent)["workloads[0].traffic.peak_factor"]["default"] == 2.0
    assert open_paths(silent)["workloads[0].traffic.peak_factor"]["default_text"] == "2 ratio"


def test_an_empty_list_is_an_answer() -> None:
    assert "workloads[0].code.unsupported_ops" not in open_paths(
        workload(kind="finetuning", code={"unsupported_ops": []})
    )


def test_questions_of_other_kinds_of_work_stay_away() -> None:
    serving = open_paths(workload(kind="cpu_serving"))
    managed = open_paths(workload(kind="managed_api"))
    training = open_paths(workload(kind="pretraining", model="m"))

    assert not [path for path in serving if "training" in path or "tokens" in path or "kernels" in path]
    assert not [path for path in managed if "measured.on" in path or "utilisation" in path]
    assert not [path for path in training if "requests" in path or "ttft" in path]


def test_a_rate_answers_for_the_hours_and_the_other_way_round() -> None:
    rate = open_paths(workload(kind="cpu_serving", measured={"on": "x", "units_per_s": 5}))
    hours = open_paths(workload(kind="cpu_serving", measured={"on": "x", "hours_per_month": 5}))

    assert "workloads[0].measured.hours_per_month" not in rate
    assert "workloads[0].measured.units_per_s" not in hours


def test_tokens_answer_for_characters_and_the_other_way_round() -> None:
    tokens = open_paths(workload(kind="managed_api", traffic={"input_tokens": 5, "output_tokens": 5}))
    characters = open_paths(workload(kind="managed_api", traffic={"input_characters": 5, "output_characters": 5}))

    assert not [path for path in tokens if "characters" in path or "language" in path]
    assert not [path for path in characters if path.endswith(("input_tokens", "output_tokens"))]
    assert characters["workloads[0].traffic.language"]["default_text"] == "English, with a range"


def test_the_lifetime_of_a_cache_is_asked_where_there_is_something_to_cache() -> None:
    cached = open_paths(workload(kind="managed_api", traffic={"cached_fraction": 0.5}))
    measured = open_paths(workload(kind="managed_api", traffic={"cached_fraction": 0.5, "cache_write_fraction": 0.1}))

    assert "workloads[0].traffic.cache_ttl_minutes" in cached
    assert "workloads[0].traffic.cache_ttl_minutes" not in open_paths(workload(kind="managed_api"))
    assert "workloads[0].traffic.cache_ttl_minutes" not in measured


@pytest.mark.parametrize(("deadline_days", "runs_per_month"), [(None, 1.0), (10, 1.0), (60.875, 0.5), (365.25, 1 / 12)])
def test_pretraining_runs_once_within_its_deadline(deadline_days: float | None, runs_per_month: float) -> None:
    document = workload(kind="pretraining", model="m", targets={"deadline_days": deadline_days})

    found = open_paths(document)["workloads[0].training.runs_per_month"]["default"]

    assert found == pytest.approx(runs_per_month)


def test_defaults_follow_what_was_said_elsewhere() -> None:
    document = check(
        {
            "current": {"provider": "gcp", "region": "us-central1"},
            "team": {"frameworks": ["jax"]},
            "preferences": {"cost": {"weight": 3}},
            "workloads": [{"id": "w", "kind": "finetuning"}],
        }
    )

    found = open_paths(document)

    assert found["workloads[0].data.located_in"]["default"] == "gcp:us-central1"
    assert found["workloads[0].code.frameworks"]["default"] == ("jax",)
    assert found["preferences.time.weight"]["default"] == 0.0
    assert "preferences.cost.weight" not in found


def test_aims_nobody_weighed_count_the_same() -> None:
    found = open_paths(workload(kind="cpu_serving"))

    assert {found[f"preferences.{name}.weight"]["default"] for name in ("cost", "time", "operations")} == {20.0}


def test_every_open_question_says_what_is_taken_instead() -> None:
    for kind in ALL:
        entries = unanswered(workload(kind=kind))

        assert all(entry["default_text"] and entry["why"] for entry in entries)
        assert [entry["power"] for entry in entries] == sorted((entry["power"] for entry in entries), reverse=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("workloads[0].kind", "cpu_serving"),
        ("workloads[0].model", None),
        ("workloads[0].model.layers", None),
        ("workloads[0].training.tokens", None),
        ("flows[0].from", "w"),
        ("team", None),
        ("nothing.there", None),
    ],
)
def test_an_answer_is_found_by_its_path(path: str, value: Any) -> None:
    document = check(
        {
            "workloads": [{"id": "w", "kind": "cpu_serving"}],
            "flows": [{"from": "w", "to": "x", "gb_per_month": 1}],
        }
    )

    assert answer_at(document, path) == value
