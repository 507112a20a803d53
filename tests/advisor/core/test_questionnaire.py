"""The questionnaire: everything the document can say stands on exactly one page, the first one short."""

from pathlib import Path
from typing import Any

import pytest

from advisor.core.document import Document, check, json_schema, parse
from advisor.core.questionnaire.pages import FIRST, FLOWS, NOT_ASKED, Page, pages
from advisor.core.questionnaire.questions import ALL, MAX_FIRST_COUNT, QUESTIONS
from tests.advisor.core.test_questions import leaves, workload

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


def page_of(document: Document, key: str) -> Page:
    return next(page for page in pages(document) if page.key == key)


def example(name: str) -> Document:
    return check(parse(next(path for path in EXAMPLES if path.stem == name).read_bytes()))


def test_every_leaf_of_the_document_is_asked_or_named_with_a_reason() -> None:
    schema = json_schema()
    asked = {question.path for question in QUESTIONS} | {FLOWS.path}
    found = {path.removesuffix("[]") if path == "flows[]" else path for path in leaves(schema, schema, "")}

    assert found - asked == set(NOT_ASKED)
    assert all(NOT_ASKED.values())


@pytest.mark.parametrize("kind", ALL)
def test_every_question_of_a_kind_can_be_reached(kind: str) -> None:
    """Some answers make room for others: tokens for characters, a cache for its lifetime."""
    said: list[dict[str, Any]] = [
        {},
        {"model": "llama-3.1-70b"},
        {"model": "llama-3.1-70b", "traffic": {"cached_fraction": 0.5, "input_characters": 5, "output_characters": 5}},
        {"measured": {"on": "x"}},
    ]
    documents = [workload(kind=kind, **answers) for answers in said]

    asked = {
        one.question.path for document in documents for page in pages(document) for one in page.asked if one.belongs
    }

    assert {question.path for question in QUESTIONS if kind in question.kinds or not question.of_workload} == asked


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_answer_of_an_example_is_without_its_field(path: Path) -> None:
    document = check(parse(path.read_bytes()))
    asked = [one.path for page in pages(document) for one in page.asked]

    assert len(asked) == len(set(asked))
    for index, one in enumerate(document.workloads):
        for section in ("traffic", "targets", "training", "data", "code", "measured"):
            for key in getattr(getattr(one, section), "model_fields_set", ()):
                if getattr(getattr(one, section), key) is not None:
                    assert f"workloads[{index}].{section}.{key}" in asked


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_first_page_has_twelve_questions_at_most(path: Path) -> None:
    first = pages(check(parse(path.read_bytes())))[0]

    assert first.key == FIRST
    assert len(first.asked) <= MAX_FIRST_COUNT


def test_the_others_come_in_the_order_of_their_power() -> None:
    for page in pages(example("uber")):
        powers = [one.question.power for one in page.asked]
        assert page.asked[0].is_first or powers == sorted(powers, reverse=True), page.key


def test_further_workloads_have_first_questions_of_their_own() -> None:
    first = page_of(example("uber"), f"genai.{FIRST}")

    assert first.title == "First questions about GenAI features in the apps"
    assert [one.input.label for one in first.asked] == [
        "Kind of work", "Model", "Requests a second, mean", "Tokens in, a call", "Tokens out, a call",
        "Data kept", "Data sent out a month"
    ]  # fmt: skip


def test_an_answer_that_does_not_belong_is_shown_so_that_it_can_be_taken_back() -> None:
    document = check({"workloads": [{"id": "w", "kind": "cpu_serving", "training": {"tokens": 5}}]})

    stray = page_of(document, "w.training").asked[0]

    assert (stray.place, stray.belongs) == ("workloads[w].training.tokens", False)


def test_flows_are_asked_where_there_are_two_workloads() -> None:
    assert "flows" in [page.key for page in pages(example("uber"))]
    assert "flows" not in [page.key for page in pages(example("small_team"))]


def test_a_question_says_honestly_when_its_answer_changes_no_figure() -> None:
    asked = {one.question.path: one for page in pages(example("uber")) for one in page.asked}

    assert asked["team.size"].power_text == "goes into the record, changes no figure"
    assert asked["constraints.budget_usd_per_month"].power_text == "could change the answer a lot"
    assert asked["coupling_weights.no_alternative"].power_text == "could change the answer little"


def test_a_default_is_told_in_the_words_of_the_choices() -> None:
    asked = {one.question.path: one for page in pages(workload(kind="cpu_serving")) for one in page.asked}

    assert asked["constraints.providers"].default_text == "AWS, Azure, Google Cloud"
    assert asked["constraints.purchase"].default_text == "on demand"
    assert asked["constraints.budget_usd_per_month"].default_text == "no limit"
