"""Edits of a draft: by places that survive moved workloads, and never into an invalid document."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.core.document import canonical, check, parse
from advisor.core.problems import DocumentError
from advisor.core.questionnaire import edits
from advisor.core.questionnaire.export import as_json, as_yaml
from advisor.core.questionnaire.inputs import input_at
from advisor.core.questionnaire.pages import FLOWS
from advisor.core.questionnaire.questions import QUESTIONS

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
TWO: dict[str, Any] = {
    "version": 1,
    "decision": "d",
    "workloads": [{"id": "a", "kind": "cpu_serving"}, {"id": "b", "kind": "managed_api", "name": "Bee"}],
    "flows": [{"from": "a", "to": "b", "gb_per_month": 5}],
}


def test_a_value_is_put_into_the_workload_of_its_id() -> None:
    found = edits.put(TWO, "workloads[b].traffic.requests_per_s_mean", 5)

    assert found["workloads"][1]["traffic"] == {"requests_per_s_mean": 5}
    assert "traffic" not in TWO["workloads"][1]
    assert edits.value_at(found, "workloads[b].traffic.requests_per_s_mean") == 5


def test_taking_the_last_answer_of_a_section_back_removes_the_section() -> None:
    put = edits.put(TWO, "workloads[a].measured.on", "c7i.4xlarge")

    assert edits.put(put, "workloads[a].measured.on", None) == TWO


def test_what_the_schema_refuses_stays_out_and_the_rest_goes_in() -> None:
    found = edits.applied(TWO, {"team.size": "many", "team.ml_systems_engineers": 3, "current.provider": "ibm"})

    assert found.raw["team"] == {"ml_systems_engineers": 3}
    assert found.refused == {"team.size": "many", "current.provider": "ibm"}


def test_a_place_in_a_workload_that_is_gone_is_told() -> None:
    with pytest.raises(edits.NoSuchWorkload):
        edits.put(TWO, "workloads[c].name", "Sea")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("team.size", "team.size", True),
        ("workloads[a]", "workloads[a].traffic.input_tokens", True),
        ("workloads[a]", "workloads[ab].name", False),
        ("team", "teams", False),
        ("team.size", "team.frameworks", False),
    ],
)
def test_places_overlap_when_one_holds_the_other(one: str, other: str, expected: bool) -> None:
    assert edits.overlap(one, other) is edits.overlap(other, one) is expected


def test_a_path_of_the_document_becomes_a_place() -> None:
    assert edits.place_of(TWO, "workloads[1].model.layers") == "workloads[b].model.layers"
    assert edits.place_of(TWO, "team.size") == "team.size"


def test_ids_stay_unique_whatever_is_added() -> None:
    raw = TWO
    for name in ("Bee", "", "Bee", "9 lives", "Ü", "x" * 200, "managed-api"):
        raw, _ = edits.with_workload(raw, kind="managed_api", name=name)
    raw, twin = edits.with_copy(raw, workload_id="b")

    ids = [workload["id"] for workload in raw["workloads"]]
    assert len(ids) == len(set(ids)) == 10
    assert {"bee", "bee-2", "managed-api", "workload-9-lives", "managed-api-2"} <= set(ids)
    assert raw["workloads"][2]["id"] == twin == "b-2"
    assert raw["workloads"][2]["name"] == "Bee (copy)"


def test_the_flows_of_a_removed_workload_go_with_it_and_are_told() -> None:
    raw, gone = edits.without_workload(TWO, workload_id="b")

    assert gone == TWO["flows"]
    assert raw["flows"] == []
    assert [workload["id"] for workload in raw["workloads"]] == ["a"]


def test_a_workload_moves_and_stops_at_the_end() -> None:
    down = edits.moved(TWO, workload_id="a", by=1)

    assert [workload["id"] for workload in down["workloads"]] == ["b", "a"]
    assert edits.moved(down, workload_id="a", by=1) == down


PLACES = [
    question.path.replace("[]", "[a]") for question in (*QUESTIONS, FLOWS) if question.path != "workloads[].kind"
] + ["workloads[b].kind", "workloads[b].model"]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-5, max_value=10**6),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.sampled_from(["aws", "EU", "managed_api", "2027-03-01", "llama-3.1-70b", "aws:us-east-1", []]),
    st.lists(st.sampled_from(["aws", "nvidia", "amd64", "on_demand", "pytorch"]), max_size=3),
    st.lists(st.dictionaries(st.sampled_from(["from", "to", "provider", "fraction"]), st.text(max_size=5)), max_size=2),
    st.just({"acceptable": [{"family": "nova-2-lite"}]}),
)
STEPS = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(PLACES), VALUES),
    st.tuples(st.just("add"), st.sampled_from(["pretraining", "managed_api"]), st.text(max_size=50)),
    st.tuples(st.sampled_from(["copy", "remove", "up"]), st.sampled_from(["a", "b", "b-2"]), st.none()),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_any_sequence_of_edits_keeps_a_valid_document(steps: list[tuple[str, str, Any]]) -> None:
    raw = copy.deepcopy(TWO)
    for action, what, value in steps:
        try:
            if action == "edit":
                raw = edits.applied(raw, {what: value}).raw
            elif action == "add":
                raw, _ = edits.with_workload(raw, kind=what, name=value)
            elif action == "copy":
                raw, _ = edits.with_copy(raw, workload_id=what)
            elif action == "remove":
                raw, _ = edits.without_workload(raw, workload_id=what)
            else:
                raw = edits.moved(raw, workload_id=what, by=-1)
        except (edits.NoSuchWorkload, DocumentError):
            continue  # refused as a whole: nothing was changed

    document = check(raw)
    assert canonical(check(parse(as_yaml(document).encode()))) == canonical(document)
    assert canonical(check(parse(as_json(document).encode()))) == canonical(document)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_exported_example_reads_as_the_same_document(path: Path) -> None:
    document = check(parse(path.read_bytes()))

    text = as_yaml(document)

    assert canonical(check(parse(text.encode()))) == canonical(document)
    assert "# What is to be decided?\ndecision: " in text
    assert "  - id: " in text


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_title_survives_the_way_out_and_in(title: str) -> None:
    try:
        document = check({"decision": title})
    except DocumentError:
        return

    assert check(parse(as_yaml(document).encode())).decision == document.decision


def test_every_place_of_a_page_is_a_place_of_the_schema() -> None:
    for question in (*QUESTIONS, FLOWS):
        assert input_at(question.path).path == question.path
