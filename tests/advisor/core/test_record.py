"""The decision record: its order, its sentence, its Markdown in the shape of MADR 4."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.core import readout
from advisor.core.merged import warning_groups
from advisor.core.quantity import Number, titled
from advisor.core.record.arrangement import Facts, Record, file_name, record
from advisor.core.record.blocks import Bullets, Paragraph, References, Sources, Table, compared
from advisor.core.record.markdown import markdown

ROOT = Path(__file__).parents[3]
REPORTS = ROOT / "tests" / "golden" / "reports"
RECORDS = sorted(path.stem for path in REPORTS.glob("*.md"))
FACTS = Facts(
    number=12,
    revision=2,
    workspace="Platform team",
    issued_on="2026-11-24",
    decision_makers=("Ada: Lovelace", 'Grace "Amazing" Hopper'),
    supersedes="decision 7: the older one",
    address="/decisions/12/revisions/2/report",
)
MADR_HEADINGS = [
    "Context and Problem Statement", "Decision Drivers", "Considered Options", "Decision Outcome",
    "Pros and Cons of the Options", "More Information",
]  # fmt: skip
MADR_FIELDS = {"status", "date", "decision-makers", "consulted", "informed"}


@cache
def data(name: str) -> dict[str, Any]:
    return json.loads((REPORTS / f"{name}.json").read_bytes())


def parsed(text: str) -> dict[str, Any]:
    """Read a record as tools for MADR do: front matter, one title, level-two headings with what stands under each."""
    opening, front, body = re.split(r"^---$", text, maxsplit=2, flags=re.M)
    assert opening == ""
    head, *parts = re.split(r"^#{1,2} ", body, flags=re.M)[1:]
    title, _, named = head.partition("\n")
    sections = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}
    facts = dict(re.findall(r"^\* ([A-Z][a-z ]+): (.+)$", named, re.M))
    return {"front": yaml.safe_load(front), "title": title.strip(), "named": facts, "sections": sections}


@pytest.mark.parametrize("name", RECORDS)
def test_each_examples_record_reads_as_a_madr_4_record(name: str) -> None:
    found = parsed((REPORTS / f"{name}.md").read_text(encoding="utf-8"))

    assert set(found["front"]) <= MADR_FIELDS
    assert found["front"]["status"] == "proposed"
    assert found["front"]["date"].isoformat() == "2026-11-23"
    assert found["title"]
    assert found["named"]["Status"] == "proposed"
    assert list(found["sections"]) == MADR_HEADINGS
    assert all(found["sections"].values())
    options = re.findall(r"^\* (.+)$", found["sections"]["Considered Options"].split("\n\n")[0], re.M)
    outcome = found["sections"]["Decision Outcome"]
    chosen = re.match(r'Chosen option: "(.+?)", because .+', outcome)
    assert chosen is not None
    assert chosen[1] in options
    assert len(options) == len(set(options)) > 1
    assert re.findall(r"^### (Consequences|Confirmation)$", outcome, re.M) == ["Consequences", "Confirmation"]


def test_the_front_matter_names_who_decided_whatever_their_names_hold() -> None:
    found = parsed(markdown(data("uber"), facts=FACTS))

    assert found["front"]["decision-makers"] == list(FACTS.decision_makers)
    assert found["named"]["Deciders"] == 'Ada: Lovelace, Grace "Amazing" Hopper'
    assert found["named"]["Supersedes"] == "decision 7: the older one"


def test_the_record_stands_in_the_order_a_board_reads() -> None:
    found = record(data("uber"), sha256="0" * 64, facts=FACTS)

    assert [section.key for section in found.sections] == [
        "context", "drivers", "options", "outcome", "cost", "coupling", "why_not", "consequences", "confirmation",
        "unanswered", "figures", "evidence", "made_from",
    ]  # fmt: skip
    assert all(section.blocks for section in found.sections)
    assert dict(found.pairs)["Decided by"] == 'Ada: Lovelace, Grace "Amazing" Hopper'


def test_the_statement_says_context_choice_neglected_gain_price_and_reason_in_one_sentence() -> None:
    text = record(data("uber"), sha256="0" * 64, facts=FACTS).statement.text

    order = [
        "In the context of Trip serving", "facing 4 stated constraints", "we propose c8g.4xlarge (Graviton4)",
        "neglect other plans (stay where you are)", "to achieve a cost of $429,000 ($415,000 to $461,000) a month",
        "accepting a coupling of up to 0.43 of 1 and 6 checks", "because of the plans compared",
    ]  # fmt: skip
    positions = [text.find(part) for part in order]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert text.endswith(".")


def test_a_plan_that_fits_nothing_is_rejected_and_says_what_is_in_the_way() -> None:
    changed = json.loads(json.dumps(data("small_team")))
    changed["decision"]["feasible"] = False
    changed["constraints"]["checks"][0] |= {"state": "missed", "title": "monthly budget"}

    found = record(changed, sha256="0" * 64, facts=Facts())

    assert found.status == "rejected"
    assert "we found no plan that keeps every constraint, because the monthly budget is missed." in found.statement.text
    assert parsed(markdown(changed))["front"]["status"] == "rejected"


@pytest.mark.parametrize("name", ["midjourney", "small_team", "uber"])
def test_every_sentence_of_the_report_stands_in_the_record_and_warnings_alike_stand_there_once(name: str) -> None:
    text = markdown(data(name)).replace("\\", "")
    groups = warning_groups(data(name))

    for part in ("plan", "workloads", "coupling"):
        for sentence in sentences(data(name)[part]):
            assert " ".join(sentence.split()) in text, sentence
    for group in groups:
        for said in group.said:
            assert text.count(f"* **{group.title}:** {' '.join(said['text'].split())}") == 1
    assert (
        sum(len(group.said) for group in groups) <= sum(group.count for group in groups) == len(data(name)["warnings"])
    )


@pytest.mark.parametrize("name", ["midjourney", "small_team", "uber"])
def test_the_record_says_what_the_page_says(name: str) -> None:
    """Answer, bonds, what turns the decision, checks, benefits and charts: the same sentences, word for word."""
    page, text = readout.of(data(name)), " ".join(markdown(data(name)).replace("\\", "").split())
    charts = [chart for chart in page.cost_charts if sum(len(one.points) for one in chart.series) > 1]
    said = [*page.answers, *page.flips, *page.bonds.values(), *(chart.says for chart in charts)]
    said += [one.text for some in page.benefits for one in some]
    said += [check.text for check in page.checks if check.state != "met"]

    assert len(said) >= 10
    assert [one["text"] for one in said if " ".join(one["text"].split()) not in text] == []


def test_the_bill_and_its_months_stand_in_the_record_line_by_line() -> None:
    totals = data("uber")["plan"]["totals"]
    tables = [block for block in whole("uber").section("cost").blocks if isinstance(block, Table)]
    lines, months = tables[1].rows, tables[2].rows

    assert [line[0].text.removeprefix("of it ").lower() for line in lines] == [
        line["title"].lower() for line in totals["lines"]
    ]
    assert ["beside the total" in row[0].note for row in lines] == [not line["in_total"] for line in totals["lines"]]
    assert next(row for row in lines if row[0].text == "Pilots, once")[1].text == "once"
    assert [row[0].text for row in months] == [str(number) for number in range(1, 25)]
    assert [months[-1][place].text for place in (1, 2, 4)] == ["100 %", "$429,000", "$5.51 million"]


def test_a_report_made_before_bills_had_lines_is_still_a_record() -> None:
    changed = json.loads(json.dumps(data("midjourney")))
    for name in ("lines", "months", "energy_kwh_per_month", "carbon_kg_per_month"):
        changed["plan"]["totals"].pop(name, None)
    for workload in changed["workloads"]:
        workload.pop("bill")
    del changed["plan_alternatives"], changed["warnings"], changed["unanswered"]

    found = record(changed, sha256="0" * 64, facts=Facts())
    told = [row[0].text for block in found.section("cost").blocks if isinstance(block, Table) for row in block.rows]

    assert told[:2] == ["A month at full load", "Over the horizon"]
    assert {titled(line["title"]) for line in changed["plan"]["totals"]["fixed"]} <= set(told)
    assert parsed(markdown(changed))["title"] == changed["decision"]["title"]


def whole(name: str) -> Record:
    return record(data(name), sha256="0" * 64, facts=FACTS)


def sentences(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [text for value in part.values() for text in sentences(value)]
    return [text for value in part for text in sentences(value)] if isinstance(part, list) else []


def test_confirmation_names_each_gate_once_and_the_price_that_turns_the_order() -> None:
    blocks = record(data("uber"), sha256="0" * 64, facts=FACTS).section("confirmation").blocks
    items = [item for block in blocks if isinstance(block, Bullets) for item in block.items]
    turning = [row for item in data("uber")["workloads"] for row in item["why_not"] if "wins_below" in row]

    texts = [(item.lead, item.text) for item in items]
    assert len(texts) == len(set(texts))
    assert any(lead.endswith("pilot and fallback") for lead, _ in texts)
    assert [row["label"] for row in turning if not any(f"{row['label']} below" in text for _, text in texts)] == []
    assert len(turning) > 0


def test_without_warnings_or_open_questions_the_record_says_so() -> None:
    changed = {**data("small_team"), "warnings": [], "unanswered": []}

    found = record(changed, sha256="0" * 64, facts=Facts())

    assert found.section("consequences").blocks == (Paragraph(found.section("consequences").blocks[0].said),)
    assert "asked for a warning" in found.section("consequences").blocks[0].said.text
    assert "Every question was answered." in markdown(changed)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Trip serving, training", "0012-trip-serving-training.pdf"),
        ("Übung: Größe & Co.", "0012-ubung-groe-co.pdf"),
        ("決定", "0012-decision.pdf"),
        ("../../etc/passwd", "0012-etc-passwd.pdf"),
        ("a" * 200, f"0012-{'a' * 60}.pdf"),
    ],
)
def test_the_file_is_named_by_number_and_title(title: str, name: str) -> None:
    assert file_name(FACTS, title=title, ending="pdf") == name


def test_the_numbers_of_sources_are_drawn_together() -> None:
    sources = Sources({f"e{number}": number for number in range(1, 20)})

    assert sources.all(["e3", "e1", "e2", "e7", "e7", "unknown"]) == "1–3, 7"
    assert sources.some([f"e{number}" for number in range(1, 7)]) == "1, 2, 3 and 3 more"
    assert sources.some([]) == ""


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://example.org/a_b?c=1#d", "https://example.org/a_b?c=1#d"),
        ("http://example.org", ""),
        ("javascript:alert(1)", ""),
        ("https://example.org/) [x](https://evil.example", ""),
        (None, ""),
    ],
)
def test_a_source_leads_to_an_address_of_the_web_and_nowhere_else(url: str | None, link: str) -> None:
    entry = {**data("small_team")["evidence"][0], "url": url}
    changed = {**data("small_team"), "evidence": [entry]}

    sources = record(changed, sha256="0" * 64, facts=Facts()).section("evidence").blocks[-1]

    assert isinstance(sources, References)
    assert sources.items[0].url == link


def test_a_source_named_again_is_named_by_its_number_and_the_teams_answers_stand_under_the_context() -> None:
    entry = {**data("small_team")["evidence"][0], "kind": "list price", "source": "A", "url": "https://a.example"}
    answer = {**entry, "id": "answer:x", "kind": "answer", "value": 3, "unit": "GB", "label": "How much?"}
    evidence = [entry, {**entry, "locator": "row 2"}, answer, {**entry, "source": "B"}, entry]

    found = record({**data("small_team"), "evidence": evidence}, sha256="0" * 64, facts=Facts())
    sources = found.section("evidence").blocks[-1]
    tables = [block for block in found.section("context").blocks if isinstance(block, Table)]

    assert isinstance(sources, References)
    assert [(one.number, one.source) for one in sources.items] == [(1, "A"), (2, "as 1"), (4, "B"), (5, "A")]
    assert sources.items[1].place == "row 2"
    assert [(row[1].text, row[2].text) for row in tables[1].rows] == [("How much?", "3 GB")]


def test_answers_stand_in_the_words_and_units_of_the_rest_of_the_record() -> None:
    text = markdown(data("uber")).partition("### Every figure")[0]

    assert "on demand, 1-year commitment, Capacity Block" in text
    assert "| 50 % |" in text
    assert "How much does the one workload send the other in a month? | 500 GB per month" in text
    assert not re.search(r"\b0\.\d+ fraction|\d percent\b|USD/month", text)


def test_stacks_side_by_side_tell_each_figure_under_its_stack_and_nothing_where_one_has_none() -> None:
    def estimated(value: float, evidence: list[str]) -> Number:
        ends = {"low": value - 1, "high": value + 1}
        return {"value": value, **ends, "unit": "USD/month", "kind": "estimate", "evidence": evidence, "reason": None}

    unknown: Number = {**estimated(9.0, ["a"]), "value": None, "low": None, "high": None, "reason": "no price on file"}
    same = ["a", "b", "c", "d"]
    machine = [("Cost", estimated(5.0, same)), ("Energy", estimated(7.0, same)), ("Coupling", estimated(3.0, ["a"]))]
    rented = [("Cost", unknown), ("Tokens", estimated(4.0, ["b"])), ("Coupling", estimated(2.0, ["b"]))]

    table = compared([("machine", machine), ("rented", rented)], ", ".join)

    assert [column.title for column in table.columns] == ["Figure", "machine", "rented"]
    assert [[(cell.text, cell.note) for cell in row] for row in table.rows] == [
        [
            ("Cost", ""),
            ("$5 per month", "$4–$6 · estimate · a, b, c, d"),
            ("unknown", "estimate · a · no price on file"),
        ],
        [("Tokens", ""), ("–", ""), ("$4 per month", "$3–$5 · estimate · b")],
        [("Energy", ""), ("$7 per month", "$6–$8 · estimate · as above"), ("–", "")],
        [("Coupling", ""), ("$3 per month", "$2–$4 · estimate · a"), ("$2 per month", "$1–$3 · estimate · b")],
    ]
