"""Whole reports at a fixed day: JSON of three teams, the record of all six.

`make golden` rewrites the files in reports/; the diff is read by a person and explained in the commit.
"""

import datetime as dt
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from advisor.core.advise import advise
from advisor.core.document import check, known_from, parse
from advisor.core.record.markdown import markdown
from advisor.core.report import Report
from catalog import files
from catalog.frame import Catalog, build
from estimator import coefficients

MOMENT = dt.date(2026, 11, 23)
EXAMPLES = Path(__file__).parents[2] / "examples"
KEPT = Path(__file__).parent / "reports"
WHOLE = ("midjourney", "small_team", "uber")
ALL = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
LINE_LETTERS = 140


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    return build(facts=files.load(), moment=MOMENT, release=1)


@lru_cache(maxsize=len(ALL))
def report(name: str) -> Report:
    raw = parse((EXAMPLES / f"{name}.yaml").read_bytes())
    document = check(raw, complete=True, known=known_from(catalog()), moment=MOMENT)
    return advise(document=document, catalog=catalog(), coefficients=coefficients.load(), moment=MOMENT)


def read_back(name: str) -> dict[str, Any]:
    """Return the report as its bytes hold it; the hashes move with every line of code and are blotted out."""
    data: dict[str, Any] = json.loads(report(name).to_bytes())
    return {**data, "hashes": dict.fromkeys(data["hashes"], "moves with the code")}


def told(value: Any, *, indent: str = "") -> str:
    """Return JSON with one line for each small value, so that a diff shows which number moved."""
    line = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(indent) + len(line) <= LINE_LETTERS or not isinstance(value, (dict, list)) or not value:
        return line
    deeper = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {told(value[key], indent=deeper)}" for key in sorted(value)]
        return "{\n" + ",\n".join(deeper + part for part in parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + told(part, indent=deeper) for part in value) + f"\n{indent}]"


def compare(*, file: Path, now: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    # Not `kept == now`: pytest would spend minutes on a pretty difference of two long texts.
    is_same = file.read_text(encoding="utf-8") == now
    assert is_same, f"{file.name} differs from today's report: run `make golden` and read the diff"


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


@pytest.mark.parametrize("name", WHOLE)
def test_the_report_is_the_one_that_was_read_and_kept(name: str) -> None:
    compare(file=KEPT / f"{name}.json", now=told(read_back(name)) + "\n")


@pytest.mark.parametrize("name", ALL)
def test_the_record_is_the_one_that_was_read_and_kept(name: str) -> None:
    compare(file=KEPT / f"{name}.md", now=markdown(read_back(name)))


@pytest.mark.parametrize("name", ALL)
def test_the_evidence_is_what_the_report_names_no_more_and_no_less(name: str) -> None:
    data = report(name).data
    there = [entry["id"] for entry in data["evidence"]]
    body = {key: value for key, value in data.items() if key != "evidence"}
    named = {evidence for part in parts(body) for evidence in part.get("evidence", ())}

    assert len(there) == len(set(there))
    assert named == set(there)


@pytest.mark.parametrize("name", ALL)
def test_every_piece_of_evidence_says_who_where_and_when(name: str) -> None:
    for entry in report(name).data["evidence"]:
        sort = entry["id"].split(":")[0]
        assert entry["label"] and entry["kind"] and entry["source"], entry
        assert entry["locator"] or sort == "coefficient", entry  # a coefficient's source is words of its own
        assert entry["as_of"] or entry["as_of_basis"] == "undated" or sort in ("answer", "default"), entry


@pytest.mark.parametrize("name", ALL)
def test_no_section_is_empty(name: str) -> None:
    sections = {key: value for key, value in report(name).data.items() if key != "warnings"}  # no warning is an answer

    assert [key for key, value in sections.items() if value in (None, {}, [], "")] == []
