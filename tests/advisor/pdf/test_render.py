"""The PDF of a decision record: its structure, its fonts, its bytes, and whatever text it is given."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.core.charts import Chart, Point, Series
from advisor.core.quantity import Number, sentence
from advisor.core.record.arrangement import Facts, record
from advisor.core.record.blocks import Picture, Said
from advisor.core.report import hash_of
from advisor.pdf.charts import drawn
from advisor.pdf.render import pdf, printable
from tests.advisor.printed import compact, reader, text_of

REPORTS = Path(__file__).parents[2] / "golden" / "reports"
FACTS = Facts(number=12, revision=2, workspace="Platform team", issued_on="2026-11-24", decision_makers=("Ada",))
HOSTILE = (
    '#panic("x") $ x^2 $ <b>*bold*</b> _it_ @ref \\u{41} `raw` // no comment /* none */ ${{}} [link](http://x) = x'
)


@cache
def content(name: str = "small_team") -> bytes:
    return (REPORTS / f"{name}.json").read_bytes()


@cache
def made(name: str = "small_team") -> bytes:
    return pdf(content(name), facts=FACTS)


def changed(**parts: Any) -> bytes:
    return json.dumps({**json.loads(content()), **parts}).encode()


def titled(title: str) -> bytes:
    return changed(decision={**json.loads(content())["decision"], "title": title})


def catalog_of(found: pypdf.PdfReader) -> Any:
    return found.trailer["/Root"]


def tags(node: Any) -> list[str]:
    """Return the structure tags below a node in reading order."""
    kids = node.get("/K", [])
    kids = kids if isinstance(kids, list) else [kids]
    own = [str(node["/S"])] if "/S" in node else []
    inner = [kid.get_object() for kid in kids if not isinstance(kid, int)]
    return own + [tag for kid in inner if isinstance(kid, dict) for tag in tags(kid)]


def test_the_same_report_gives_the_same_bytes() -> None:
    assert pdf(content(), facts=FACTS) == made()
    assert pdf(content(), facts=Facts()) != made()


def test_the_pdf_is_tagged_and_says_its_language_title_and_standards() -> None:
    found = reader(made())
    root = catalog_of(found)
    metadata = root["/Metadata"].get_data().decode()

    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert found.metadata is not None
    assert found.metadata.title == json.loads(content())["decision"]["title"]
    assert re.search(r"pdfuaid:part>1<", metadata)
    assert re.search(r"pdfaid:part>2<", metadata) and re.search(r"pdfaid:conformance>A<", metadata)
    assert "2026-11-23" in metadata


def test_tables_have_header_cells_and_each_chart_says_in_words_what_it_shows() -> None:
    found = reader(made())
    pictures = [
        block
        for section in record(json.loads(content()), sha256="0" * 64, facts=FACTS).sections
        for block in section.blocks
        if isinstance(block, Picture)
    ]

    order = tags(catalog_of(found)["/StructTreeRoot"])
    alternatives = [
        str(item.get_object()["/Alt"])
        for item in found.resolved_objects.values()
        if isinstance(item, dict) and item.get("/S") == "/Figure"
    ] or figure_texts(catalog_of(found)["/StructTreeRoot"])

    assert order.count("/TH") > order.count("/Table") > 20
    assert order.index("/H1") < order.index("/Table")
    said = {f"{one.chart.title}. {one.chart.says['text']}" for one in pictures}
    assert said == {printable(text).replace("\u200b", "") for text in alternatives}
    assert {one.chart.kind for one in pictures} == {"ranges", "stacked", "course"}


def figure_texts(node: Any) -> list[str]:
    kids = node.get("/K", [])
    kids = kids if isinstance(kids, list) else [kids]
    own = [str(node["/Alt"])] if node.get("/S") == "/Figure" else []
    inner = [kid.get_object() for kid in kids if not isinstance(kid, int)]
    return own + [text for kid in inner if isinstance(kid, dict) for text in figure_texts(kid)]


def test_every_part_has_a_bookmark() -> None:
    parts = record(json.loads(content()), sha256="0" * 64, facts=FACTS).sections

    outline = [entry.title for entry in reader(made()).outline if not isinstance(entry, list)]

    assert outline == [part.title for part in parts]


def test_each_page_bears_the_reports_hash_and_its_number() -> None:
    found = reader(made())

    for number, page in enumerate(found.pages, start=1):
        text = compact(page.extract_text())
        assert hash_of(content()) in text
        assert f"Page {number} of {len(found.pages)}" in text


def test_every_font_is_embedded() -> None:
    fonts = {
        font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()["/FontName"]: font
        for page in reader(made()).pages
        for font in page["/Resources"]["/Font"].values()
    }

    assert any("Inter" in name for name in fonts)
    for font in fonts.values():
        descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)
        assert "/ToUnicode" in font.get_object()


def test_the_text_comes_out_in_reading_order() -> None:
    first, *others = [compact(page.extract_text()) for page in reader(made()).pages]
    found = record(json.loads(content()), sha256="0" * 64, facts=FACTS)
    body, position = " ".join(others), 0

    assert compact(found.statement.text) in first
    for part in found.sections:
        position = body.index(part.title, position) + 1


@pytest.mark.parametrize("title", [HOSTILE, "#" * 50, "\\", '"', "= x", "/* x", '#include "parts.typ"'])
def test_hostile_text_prints_literally(title: str) -> None:
    assert compact(title) in compact(text_of(pdf(titled(title))))


@pytest.mark.parametrize("title", ["決定：推論基盤", "قرار البنية التحتية", "החלטה", "हिन्दी निर्णय", "Решение Ω 😀"])
def test_text_of_any_script_is_visible_and_can_be_copied(title: str) -> None:
    made_of_it = reader(pdf(titled(title)))

    assert made_of_it.metadata is not None
    assert made_of_it.metadata.title == title
    assert len(made_of_it.pages) > 5


def test_what_turns_or_hides_its_neighbours_is_named_instead() -> None:
    title = "pay\u202e001$\u2066\x07\ue000\ufeff"

    text = text_of(pdf(titled(title)))

    assert "pay[U+202E]001$[U+2066][U+0007][U+E000][U+FEFF]" in compact(text)


def test_a_name_without_a_space_stays_inside_its_column() -> None:
    rows: list[tuple[float, str]] = []
    data = json.loads(content())
    data["workloads"][0]["name"] = "x" * 300

    for page in reader(pdf(json.dumps(data).encode())).pages:
        page.extract_text(visitor_text=lambda text, _cm, tm, *_: rows.append((tm[4], text.strip())))

    pieces = [text for _, text in rows if set(text) == {"x"}]
    assert sum(map(len, pieces)) >= 300
    assert max(map(len, pieces)) < 100


def test_a_cell_longer_than_a_page_goes_on_over_the_page() -> None:
    one = json.loads(content())["unanswered"][0]

    found = reader(pdf(changed(unanswered=[{**one, "question": "pneumonia " * 1500 + "omega"}])))
    counts = [page.extract_text().count("pneumonia") for page in found.pages]

    assert sum(counts) == 1500
    assert max(counts) < 500
    assert any("omega" in page.extract_text() for page in found.pages)


def test_a_table_of_hundreds_of_rows_repeats_its_header_on_each_page() -> None:
    one = json.loads(content())["unanswered"][0]
    many = [{**one, "path": f"workloads[{number}].model"} for number in range(200)]

    pages = [compact(page.extract_text()) for page in reader(pdf(changed(unanswered=many))).pages]

    bearing = [page for page in pages if any(f"workloads[{number}].model" in page for number in range(1, 200))]
    assert len(bearing) > 3
    assert all("Where to answer it" in page for page in bearing)
    assert all(any(f"workloads[{number}].model" in page for page in bearing) for number in range(1, 200))


def test_a_report_with_next_to_nothing_in_it_is_still_a_record() -> None:
    data = json.loads(content())
    empty = {
        **data,
        "evidence": [], "unanswered": [], "warnings": [], "plan_alternatives": [], "workloads": [],
        "coupling": {**data["coupling"], "stacks": []},
        "constraints": {"checks": [], "removals": [], "excluded_providers": []},
        "plan": {**data["plan"], "assignments": [], "flows": []},
    }  # fmt: skip
    empty["decision"] = {**data["decision"], "feasible": False, "title": ""}

    text = compact(text_of(pdf(json.dumps(empty).encode())))

    assert "Untitled decision" in text
    assert "Every question was answered." in text


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80))
def test_any_text_becomes_one_that_prints(text: str) -> None:
    shown = printable(text)

    assert printable(shown) == shown
    assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ue000-\uf8ff]", shown)


@settings(max_examples=5, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_any_title_gives_a_pdf_twice_the_same(title: str) -> None:
    assert pdf(titled(title)) == pdf(titled(title))


def money(value: float | None, low: float | None = None, high: float | None = None) -> Number:
    ends = {"low": value if low is None else low, "high": value if high is None else high}
    return {"value": value, **ends, "unit": "USD/month", "kind": "estimate", "evidence": [], "reason": None}


def shown(*numbers: Number, kind: str = "ranges", target: Number | None = None) -> dict[str, Any]:
    points = tuple(Point(str(place), number) for place, number in enumerate(numbers, start=1))
    series = (Series("ranked", points),)
    chart = Chart("c", kind, "t", "USD/month", says=sentence("says."), series=series, target=target)
    return drawn(Picture(chart, Said("says.")))


def test_a_wide_spread_is_drawn_on_a_logarithmic_scale_and_says_so() -> None:
    narrow, wide = shown(money(50.0), money(100.0)), shown(money(10.0), money(100.0), money(1000.0))

    assert [row["at"] for row in narrow["rows"]] == [0.5, 1.0]
    assert narrow["scale"] == "Scale from 0 to $100 per month."
    assert [round(row["at"], 6) for row in wide["rows"]] == [0.0, 0.5, 1.0]
    assert wide["scale"] == "Logarithmic scale from $10 per month to $1,000 per month."
    assert shown(money(0.0), money(1000.0))["scale"] == "Scale from 0 to $1,000 per month."
    assert [row["at"] for row in shown(money(0.0), money(0.0))["rows"]] == [0.0, 0.0]


def test_an_unknown_has_no_mark_and_a_lower_bound_one_of_its_own() -> None:
    found = shown(money(100.0, 50.0, 200.0), money(None, 80.0), money(None), target=money(150.0))

    assert [row["mark"] for row in found["rows"]] == ["full", "at least", ""]
    assert [row["text"] for row in found["rows"]] == ["$100 per month", "at least $80 per month", "unknown"]
    assert found["rows"][0]["ends"] == [0.25, 1.0]
    assert found["rows"][1]["ends"] == [0.4, 0.4]
    assert found["target"] == 0.75


def test_a_month_that_is_not_known_is_left_out_of_the_line() -> None:
    found = shown(money(50.0, 40.0, 60.0), money(None, 40.0), money(100.0), kind="course")

    assert found["line"] == [(0.0, 0.5), (1.0, 1.0)]
    assert found["band"] == [(0.0, 0.4), (1.0, 1.0), (1.0, 1.0), (0.0, 0.6)]
    assert (found["first"], found["last"], found["top"]) == ("month 1", "month 3", "$100 per month")


def test_a_line_of_the_bill_is_drawn_as_long_as_it_is_and_one_of_nothing_not_at_all() -> None:
    found = shown(money(300.0), money(0.0), money(100.0), money(None, 20.0), kind="stacked")

    assert [(row["label"], row["pieces"]) for row in found["rows"]] == [("1", [1.0]), ("3", [1 / 3])]
