"""How a report's numbers are written for people."""

import json
import re
from typing import Any

import pytest
from django.template import Context, Template

from advisor.core.readout import Readout, read
from advisor.web import figures
from tests.advisor.factories import a_number, golden_report


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (a_number(12345.6), "$12,300 per month"),
        (a_number(214.204, kind="list price"), "$214 per month"),
        (a_number(12345.6, low=9000, kind="answer"), "$12,300 per month"),
        (a_number(1_234_567.0), "$1.23 million per month"),
        (a_number(113.9326, unit="USD/instance-hour", kind="list price"), "$113.933 per instance hour"),
        (a_number(55.04, unit="USD per hour", kind="list price"), "$55.04 per hour"),
        (a_number(0.0000004, unit="USD/token"), "$4.00e-07 per token"),
        (a_number(10.5), "$10.50 per month"),
        (a_number(8.19352, unit="USD per thousand images", kind="answer"), "$8.19 per thousand images"),
        (a_number(1, unit="instances"), "1 instance"),
        (a_number(1, unit="people", kind="answer"), "1 person"),
        (a_number(1, unit="ms"), "1 ms"),
        (a_number(2_321_250, kind="answer"), "$2.32 million per month"),
        (a_number(0.0), "$0 per month"),
        (a_number(-20.0), "−$20 per month"),
        (a_number(0.4567, unit="fraction"), "45.7 %"),
        (a_number(2.5, unit="days"), "2.5 days"),
        (a_number(150_000_000, unit="users", kind="answer"), "150 million users"),
        (a_number(0.0333, unit="score"), "0.03"),
        (a_number(3.0, unit="USD/accelerator-hour"), "$3 per accelerator hour"),
        (a_number(33882.0, unit="USD, once", kind="list price"), "$33,900 once"),
        (a_number(None, low=900.0, reason="not included: support"), "at least $900 per month"),
        (a_number(None, low=None, reason="no public price"), "unknown"),
        (a_number(None, low=0.0, reason="no public price"), "unknown"),
        (None, "unknown"),
    ],
)
def test_an_amount_reads_as_people_write_it(number: dict[str, Any] | None, text: str) -> None:
    assert figures.amount(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (a_number(12000, low=9800, high=15100), "$9,800–$15,100"),
        (a_number(12, low=10.5, high=17.6), "$10.50–$17.60"),
        (a_number(0.5, low=0.25, high=0.75, unit="fraction"), "25–75 %"),
        (a_number(40, low=30, high=55, unit="ms"), "30–55"),
        (a_number(40, unit="ms"), ""),
        (a_number(11.7, low=-16.3, high=29.4, unit="ms"), "−16.3 to 29.4"),
        (a_number(13_071, low=13_068, high=13_074), ""),
        (a_number(None, low=30, high=None, unit="ms"), ""),
    ],
)
def test_a_span_shows_the_range_and_nothing_where_there_is_none(number: dict[str, Any], text: str) -> None:
    assert figures.span(number) == text


@pytest.fixture(scope="module")
def readout() -> Readout:
    return read(json.dumps(golden_report("small_team")).encode())


def shown(text: str, readout: Readout, **context: Any) -> str:
    template = Template("{% load figures %}" + text)
    return template.render(Context({"readout": readout, "statement_base": "/evidence/", **context}))


def test_a_figure_is_a_link_to_its_statement_with_its_range(readout: Readout) -> None:
    number = readout.data["plan"]["totals"]["monthly_usd"]

    html = shown("{% figure n %}", readout, n=number)

    place = readout.statements.number_of(number)
    assert f'href="/evidence/{place}" data-card' in html
    assert figures.amount(number) in html
    assert figures.span(number) in html


def test_equal_figures_lead_to_the_same_statement(readout: Readout) -> None:
    number = readout.data["plan"]["totals"]["monthly_usd"]

    html = shown("{% figure a %}{% figure b %}", readout, a=number, b=dict(number))

    assert len(set(re.findall(r'href="([^"]+)"', html))) == 1


def test_an_unknown_figure_says_why(readout: Readout) -> None:
    html = shown("{% figure n %}", readout, n=a_number(None, reason="no public <price>"))

    assert "unknown" in html
    assert "no public &lt;price&gt;" in html
    assert "$0" not in html


def test_a_figure_that_is_not_there_is_said_to_be_not_stated(readout: Readout) -> None:
    assert "not stated" in shown("{% figure n %}", readout, n=None)


def test_a_sentence_has_one_mark_that_counts_its_sources(readout: Readout) -> None:
    headline = readout.data["decision"]["headline"]

    html = shown("{% cite s %}", readout, s=headline)

    assert html.count("<a ") == 1
    assert f'aria-label="{len(headline["evidence"])} sources of this"' in html


def test_a_sentence_without_sources_has_no_mark(readout: Readout) -> None:
    assert shown("{% cite s %}", readout, s={"text": "x", "evidence": []}) == ""


def test_an_answer_left_out_is_written_in_words() -> None:
    assert figures.plain(None) == "not stated"
    assert figures.plain([]) == "none"
    assert figures.plain(["aws", "gcp"]) == "aws, gcp"
    assert figures.plain({"a": True}) == "a yes"
