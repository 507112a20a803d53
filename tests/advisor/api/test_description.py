"""The description is valid OpenAPI 3.1, names every answer, holds the document's schema, and its examples work."""

import json
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.validation import validate_schema

from advisor.api.docs import description
from advisor.core import document
from tests.advisor.api.conftest import Program, fault

ROOT = Path(__file__).parents[3]
SCHEMA: dict[str, Any] = json.loads(description())
METHODS = [(path, method, told) for path, methods in SCHEMA["paths"].items() for method, told in methods.items()]


def test_it_is_valid_openapi_3_1() -> None:
    assert SCHEMA["openapi"].startswith("3.1")
    validate_schema(SCHEMA)


def test_every_route_names_what_it_refuses() -> None:
    for path, method, told in METHODS:
        answers = set(told["responses"])
        assert {"401", "406", "429"} <= answers, path
        assert "404" in answers or "{" not in path, path
        assert {"400", "413", "415"} <= answers or "requestBody" not in told, path
        assert {"403"} <= answers or method == "get" or path.endswith("/estimates"), path
        assert all(
            set(told["responses"][status]["content"]) == {"application/json"} for status in answers if status >= "400"
        ), path


def test_every_route_has_a_summary_and_a_name_of_its_own() -> None:
    names = [told["operationId"] for _, _, told in METHODS]

    assert len(set(names)) == len(names)
    assert all(told["summary"] and told["tags"] for _, _, told in METHODS)


def test_the_schema_of_the_document_is_the_documents_own() -> None:
    whole = document.json_schema()
    described = SCHEMA["components"]["schemas"]

    assert set(described["DecisionDocument"]["properties"]) == set(whole["properties"])
    for name, part in whole["$defs"].items():
        assert set(described[f"Document{name}"].get("properties", {})) == set(part.get("properties", {})), name


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*(references(value) for value in part.values()))
        return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()

    names = {name.removeprefix("#/components/schemas/") for name in references(SCHEMA)}

    assert names <= set(SCHEMA["components"]["schemas"])


def test_every_route_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")

    assert {path for path in SCHEMA["paths"] if f"`{path}`" not in text} == set()


@pytest.mark.django_db
def test_every_example_of_a_request_is_accepted(ours: Program, published: int) -> None:
    examples = [
        (path, method, example["value"])
        for path, method, told in METHODS
        for kind, body in told.get("requestBody", {}).get("content", {}).items()
        for example in body.get("examples", {}).values()
        if kind == "application/json" and "{" not in path
    ]

    assert len(examples) == 2
    for path, method, value in examples:
        answer = ours.send(method.upper(), path.removeprefix("/api/v1"), value)
        assert answer.status_code < 300, answer.content


@pytest.mark.django_db
def test_the_example_of_a_refusal_is_one(ours: Program, published: int) -> None:
    (example,) = SCHEMA["paths"]["/api/v1/decisions"]["post"]["responses"]["400"]["content"]["application/json"][
        "examples"
    ].values()
    wrong = {
        "version": 1,
        "decision": "x",
        "workloads": [{"id": "chat", "kindd": "managed_api", "kind": "managed_api"}],
    }

    answer = ours.post("/decisions?run=false", wrong)

    (item,) = fault(answer)["items"]
    shown = example["value"]["error"]["items"][0]
    assert (item["path"], item["value"], item["message"]) == (shown["path"], shown["value"], shown["message"])
    assert item["accepted"][0] == shown["accepted"][0]


@pytest.mark.django_db
def test_the_description_is_for_everybody_and_not_sent_twice() -> None:
    nobody = Program(None)
    first = nobody.get("/schema")

    assert first.content == description()
    assert nobody.get("/schema", if_none_match=first.headers["ETag"]).status_code == 304
    assert b"api_docs.js" in nobody.get("/docs").content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "address", "status", "code"),
    [("GET", "/nothing", 404, "not_found"), ("GET", "/runs/99999999999999999999999", 404, "not_found"),
     ("DELETE", "/runs", 405, "method_not_allowed"), ("OPTIONS", "/runs", 405, "method_not_allowed"),
     ("TRACE", "/runs", 405, "method_not_allowed")],
)  # fmt: skip
def test_whatever_is_refused_has_the_one_shape(
    method: str, address: str, status: int, code: str, ours: Program
) -> None:
    answer = ours.send(method, address)

    assert (answer.status_code, fault(answer)["code"]) == (status, code)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/decisions/{}", "/decisions/{}/document", "/decisions/{}/comparison?before=1&after=2", "/runs/{}",
     "/decisions/{}/revisions/1/report", "/decisions/1/revisions/{}/report", "/workspaces/{}", "/workspaces/{}/members",
     "/workspaces/{}/webhook", "/endpoints/{}", "/endpoints/{}/probes", "/probes/{}"],
)  # fmt: skip
def test_a_number_too_large_for_the_database_is_not_there(address: str, ours: Program) -> None:
    assert ours.get(address.format(10**30)).status_code == 404


@pytest.mark.django_db
def test_a_body_past_the_limit_is_refused_unread(ours: Program, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    answer = ours.post("/decisions", {"version": 1, "decision": "long"})

    assert (answer.status_code, fault(answer)["code"]) == (413, "too_large")


@pytest.mark.django_db
def test_an_error_of_ours_is_logged_and_told_in_the_one_shape(
    ours: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from advisor.services import listing

    def broken(**_: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(listing, "runs", broken)

    answer = ours.get("/runs")

    assert (answer.status_code, fault(answer)["code"]) == (500, "internal")
    assert b"a fault of ours" not in answer.content
    assert "a fault of ours" in caplog.text
