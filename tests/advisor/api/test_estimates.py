"""Estimates alone: the same numbers as a report's, filtered, with reasons and evidence, and nothing stored."""

import csv
import io
from typing import Any

import pytest
from django.utils import timezone
from pyarrow import parquet

from advisor.core.document import parse
from advisor.models import Decision, Report
from advisor.services import examples, runs
from tests.advisor.api.conftest import Program, fault, program
from tests.advisor.factories import a_member

pytestmark = pytest.mark.django_db

CHAT: dict[str, Any] = {
    "id": "chat",
    "kind": "online_inference",
    "model": "llama-3.1-8b",
    "traffic": {"requests_per_s_mean": 2, "input_tokens": 1000, "output_tokens": 200},
}


@pytest.fixture(autouse=True)
def _catalog(published: int) -> None:
    """Estimates are made from the shipped catalog."""


def test_a_row_has_the_numbers_that_a_report_on_the_same_workload_has(ours: Program) -> None:
    document = parse(examples.example(name="small_team").text.encode())
    run = ours.post("/decisions", document).json()
    runs.execute_run(run_id=run["id"], moment=timezone.now())
    best = ours.get(f"/decisions/{run['decision_id']}/revisions/1/report").json()["workloads"][0]["recommended"]
    sections = {name: document[name] for name in ("organisation", "team", "current", "constraints") if name in document}

    question = {**sections, "horizon": document.get("horizon"), "workload": document["workloads"][0], "limit": 50}
    rows = ours.post("/estimates", question).json()["rows"]

    row = next(row for row in rows if f"{document['workloads'][0]['id']}/{row['id']}" == best["id"])
    assert row["numbers"] == best["numbers"]
    assert row["standing"] == best["standing"]


def test_rows_are_those_asked_for_with_range_reason_and_evidence(ours: Program) -> None:
    asked = {"workload": CHAT, "provider": "aws", "region": "us-east-1", "basis": "on_demand", "limit": 50}

    told = ours.post("/estimates", asked).json()

    known = {entry["id"] for entry in told["evidence"]}
    assert told["rows"]
    assert told["matching_count"] >= len(told["rows"])
    assert {(row["provider"], row["region"], row["basis"]) for row in told["rows"]} == {
        ("aws", "us-east-1", "on_demand")
    }
    for row in told["rows"]:
        for name, number in row["numbers"].items():
            assert set(number["evidence"]) <= known, name
            assert (number["value"] is None) <= bool(number["reason"]), name
            assert number["value"] is None or number["low"] <= number["value"] <= number["high"], name


def test_admissible_rows_come_first_and_what_is_not_met_is_said(ours: Program) -> None:
    asked = {"workload": {**CHAT, "targets": {"ttft_p95_ms": 300}}, "provider": "aws", "limit": 50}

    rows = ours.post("/estimates", asked).json()["rows"]

    order = [("ranked", "confirm_first", "excluded").index(row["standing"]) for row in rows]
    costs = [row["numbers"]["monthly_usd"]["value"] for row in rows if row["standing"] == "ranked"]
    assert order == sorted(order)
    assert costs == sorted(costs)
    assert all(row["not_met"] for row in rows if row["standing"] == "excluded")


def test_what_was_not_said_is_told_as_a_default(ours: Program) -> None:
    told = ours.post("/estimates", {"workload": CHAT, "limit": 1}).json()

    assert "workload.traffic.peak_factor" in {entry["path"] for entry in told["unanswered"]}


def test_estimates_come_as_a_table_with_a_line_for_each_number(ours: Program) -> None:
    question = {"workload": CHAT, "provider": "aws", "limit": 3}
    told = ours.post("/estimates", question).json()

    kept = ours.post("/estimates", question, accept="application/vnd.apache.parquet")
    written = ours.post("/estimates", question, accept="text/csv").content.decode()

    lines = parquet.read_table(io.BytesIO(kept.content)).to_pylist()
    in_csv = list(csv.DictReader(io.StringIO(written.split("\r\n", 1)[1])))
    expected = [(row["id"], name, number) for row in told["rows"] for name, number in row["numbers"].items()]
    names = list(expected[0][2])
    assert [(one["id"], one["figure"], {name: one[name] for name in names}) for one in lines] == expected
    assert [(one["id"], one["figure"], one["kind"], one["evidence"]) for one in in_csv] == [
        (id, name, number["kind"], ";".join(number["evidence"])) for id, name, number in expected
    ]


def test_nothing_is_stored(ours: Program) -> None:
    ours.post("/estimates", {"workload": CHAT, "limit": 1})

    assert not Decision.objects.exists()
    assert not Report.objects.exists()


def test_a_reading_token_may_ask() -> None:
    reader = program(a_member(role="viewer"), cap="read")

    assert reader.post("/estimates", {"workload": CHAT, "limit": 1}).status_code == 200


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "workload"),
        ({"workload": {**CHAT, "kind": "telepathy"}}, "workload.kind"),
        ({"workload": {**CHAT, "model": "llama-99"}}, "workload.model"),
        ({"workload": CHAT, "provider": "ibm"}, "provider"),
        ({"workload": CHAT, "limit": 51}, "limit"),
        ({"workload": CHAT, "colour": "red"}, "colour"),
        ({"workload": CHAT, "sku": "p99.large"}, ""),
        ({"workload": None}, "workload"),
    ],
)
def test_an_odd_question_is_refused_by_its_own_path(body: dict[str, Any], path: str, ours: Program) -> None:
    answer = ours.post("/estimates", body)

    assert answer.status_code == 400
    assert path in {item["path"] for item in fault(answer)["items"]}
