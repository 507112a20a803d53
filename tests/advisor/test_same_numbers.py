"""JSON, page, Markdown and PDF of a report carry the same numbers."""

import html
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from advisor.core.figures import amount, plain, span
from advisor.core.record.arrangement import Facts, record
from advisor.core.record.blocks import Cell, References, Table
from advisor.core.record.markdown import escaped, markdown
from advisor.core.report import hash_of
from advisor.pdf.render import pdf, printable
from tests.advisor.factories import a_member, a_reported_run
from tests.advisor.printed import compact, stands_alone, text_of

REPORTS = Path(__file__).parents[1] / "golden" / "reports"
NAMES = ("midjourney", "small_team", "uber")


@cache
def content(name: str) -> bytes:
    return (REPORTS / f"{name}.json").read_bytes()


@cache
def printed(name: str) -> str:
    return compact(text_of(pdf(content(name))))


def numbers(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if {"value", "low", "high", "unit", "kind", "reason"} <= set(part):
            yield part
            return
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from numbers(one)


def written(name: str) -> set[str]:
    """Return each number of the plan, the workloads and the evidence as people read it, and each range.

    Of the months those of the plan have a test of their own; those of one workload are in the JSON alone.
    """
    data = json.loads(content(name))
    plan = {**data["plan"], "totals": {**data["plan"]["totals"], "months": []}}
    workloads = [{**item, "bill": item["bill"]["lines"]} for item in data["workloads"]]
    found = [text for one in numbers([plan, workloads]) for text in as_written(one)]
    found += [plain(entry["value"]) for entry in data["evidence"] if isinstance(entry["value"], int | float)]
    return {compact(text) for text in found if text}


def as_written(number: dict[str, Any]) -> tuple[str, str]:
    return amount(number), span(number)


def of_the_months(data: dict[str, Any]) -> set[str]:
    """Return what each month costs and what has been paid so far, as a table writes it: without the words per month."""
    months = data["plan"]["totals"]["months"]
    found = (as_written(month[name]) for month in months for name in ("usd", "cumulative_usd"))
    return {compact(text.removesuffix(" per month")) for texts in found for text in texts if text}


def unbroken(text: str) -> str:
    """Return text without white space and the dot before a note: where a row of a table has them is its look."""
    return "".join(compact(text).split()).replace("·", "")


def missing(name: str, *, whole: str) -> list[str]:
    return sorted(text for text in written(name) if not stands_alone(text, whole=whole))


@pytest.mark.parametrize("name", NAMES)
def test_the_pdf_carries_every_number_of_the_report(name: str) -> None:
    assert len(written(name)) > 50
    assert missing(name, whole=printed(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_markdown_carries_every_number_of_the_report(name: str) -> None:
    text = markdown(json.loads(content(name))).replace("\\", "")

    assert missing(name, whole=compact(text)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_each_month_stands_on_the_page_in_markdown_and_in_the_pdf(name: str) -> None:
    data = json.loads(content(name))
    months = of_the_months(data)

    assert len(months) > 10
    for whole in (printed(name), in_markdown(name), text_on(page_of(name))):
        assert [one for one in sorted(months) if not stands_alone(one, whole=whole)] == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_the_plan_and_its_bill_and_no_figure_that_the_record_lacks(name: str) -> None:
    data = json.loads(content(name))

    page = page_of(name)
    shown = {compact(html.unescape(one)) for one in re.findall(r'class="figure-(?:value|span)[^>]*>([^<]+)<', page)}
    shown = {one for one in shown if one.removesuffix(" per month") not in of_the_months(data)}

    assert [one for one in sorted(plan_numbers(data)) if not stands_alone(one, whole=text_on(page))] == []
    assert len(shown) > 40
    for whole in (printed(name), in_markdown(name)):
        assert [one for one in sorted(shown) if not stands_alone(one, whole=whole)] == []


def in_markdown(name: str) -> str:
    return compact(markdown(json.loads(content(name))).replace("\\", ""))


def text_on(page: str) -> str:
    return compact(html.unescape(re.sub(r"<[^>]+>", " ", page)))


def page_of(name: str) -> str:
    """Return all pages of a report in one, as they are printed."""
    owner = a_member()
    run = a_reported_run(content=content(name), owner=owner)
    client = Client()
    client.force_login(owner)
    return client.get(f"/decisions/{run.revision.decision_id}/revisions/1/report/print").content.decode()


def plan_numbers(data: dict[str, Any]) -> set[str]:
    """Return the numbers of the plan, of its bill and of the recommended stacks as people read them."""
    plan = data["plan"]
    parts = [{**plan["totals"], "months": []}, plan["flows"], [item["numbers"] for item in plan["assignments"]]]
    parts += [item["recommended"]["numbers"] for item in data["workloads"] if item["recommended"]]
    parts += [item["bill"]["lines"] for item in data["workloads"] if item["bill"]]
    return {compact(text) for one in numbers(parts) for text in as_written(one) if text}


@pytest.mark.parametrize("name", NAMES)
def test_a_row_of_the_record_reads_the_same_in_markdown_and_pdf(name: str) -> None:
    data, sha256 = json.loads(content(name)), hash_of(content(name))
    text = markdown(data, sha256=sha256)

    for section in record(data, sha256=sha256, facts=Facts()).sections:
        for block in section.blocks:
            if isinstance(block, References):
                for one in block.items:
                    said = (f"{one.text} – ", one.source, f"{f', {one.place}' if one.place else ''}; {one.dated}")
                    assert unbroken(printable(f"{one.number}{''.join(said)}")) in unbroken(printed(name)), one
                    source = f"[{escaped(one.source)}]({one.url})" if one.url else escaped(one.source)
                    assert f"* {one.number}: {escaped(said[0])} {source}{escaped(said[2])}" in text, one
            if not isinstance(block, Table):
                continue
            for row in block.rows:
                cells = [f"{cell.text} {f'[{cell.refs}]' if cell.refs else ''} {cell.note}" for cell in row]
                assert unbroken(printable("".join(cells))) in unbroken(printed(name)), row
                bare = [bare_cell(cell) for cell in row]
                assert f"| {' | '.join(bare)} |" in text


def bare_cell(cell: Cell) -> str:
    return f"{escaped(cell.text)}{f' ({escaped(cell.note)})' if cell.note else ''}".strip()
