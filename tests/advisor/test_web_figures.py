"""How a report's numbers are written for people."""

import re
from typing import Any

import pytest
from django.template import Context, Template

from advisor.web import figures


def a_number(value: float | None, **fields: Any) -> dict[str, Any]:
    defaults = {"low": value, "high": value, "unit": "USD/month", "kind": "estimate", "evidence": [], "reason": None}
    return {"value": value, **(defaults | fields)}


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
        (a_number(2_321_250, kind="answer"), "$2.32 million per month"),
        (a_number(0.0), "$0 per month"),
        (a_number(-20.0), "−$20 per month"),
        (a_number(0.4567, unit="fraction"), "45.7 %"),
        (a_number(2.5, unit="days"), "2.5 days"),
        (a_number(150_000_000, unit="users", kind="answer"), "150 million users"),
        (a_number(0.0333, unit="score"), "0.03"),
        (a_number(3.0, unit="USD/accelerator-hour"), "$3 per accelerator hour"),
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
        (a_number(None, low=30, high=None, unit="ms"), ""),
    ],
)
def test_a_span_shows_the_range_and_nothing_where_there_is_none(number: dict[str, Any], text: str) -> None:
    assert figures.span(number) == text


def shown(text: str, **context: Any) -> str:
    template = Template("{% load figures %}" + text + '{% include "web/_cards.html" %}')
    entry = {
        "id": "offer:a",
        "label": "Price of <a>",
        "value": 55.04,
        "unit": "USD per hour",
        "kind": "list price",
        "source": "AWS",
        "number": 7,
        "anchor": "evidence-7",
        "dated": "undated",
    }
    return template.render(Context({"cards": {}, "evidence_by_id": {"offer:a": entry}, **context}))


def test_a_figure_leads_to_each_source_with_its_kind_and_date() -> None:
    html = shown("{% figure n %}", n=a_number(12345.6, low=9800, high=15100, evidence=["offer:a"]))

    assert 'href="#evidence-7"' in html
    assert "$9,800–$15,100" in html
    assert "Price of &lt;a&gt;" in html
    assert "list price, AWS, undated" in html


def test_an_unknown_figure_says_why() -> None:
    html = shown("{% figure n %}", n=a_number(None, reason="no public price"))

    assert "unknown" in html
    assert "no public price" in html
    assert "$0" not in html


def test_equal_figures_share_one_card_and_others_have_their_own() -> None:
    html = shown("{% figure a %}{% figure a %}{% figure b %}", a=a_number(1.0), b=a_number(2.0))

    assert re.findall(r'popovertarget="([^"]+)"', html) == ["card-1", "card-1", "card-2"]
    assert re.findall(r' id="([^"]+)"', html) == ["card-1", "card-2"]


def test_a_sentence_links_its_first_sources_and_keeps_the_others_behind_a_button() -> None:
    html = shown("{% cite ids %}", ids=["offer:a"] * 5)

    assert html.count('href="#evidence-7" title') == 3
    assert ">+2</button>" in html
    assert html.count('class="card-line"') == 5


def test_a_source_that_the_report_does_not_hold_is_said_to_be_missing() -> None:
    html = shown("{% figure n %}", n=a_number(1.0, evidence=["offer:gone"]))

    assert "offer:gone: not among the evidence" in html


def test_an_answer_left_out_is_written_in_words() -> None:
    assert figures.plain(None) == "not stated"
    assert figures.plain([]) == "none"
    assert figures.plain(["aws", "gcp"]) == "aws, gcp"
    assert figures.plain({"a": True}) == "a yes"
