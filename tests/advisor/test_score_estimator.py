"""``manage.py score_estimator``: format and use."""

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command

from estimator import coefficients

DATA = coefficients.DIRECTORY.parent / "data"
FIELDS = ["id", "source_id", "accelerator", "metric", "value", "predicted", "low", "high", "status", "reason"]


@pytest.fixture
def some_rows(tmp_path):
    """Write a few published rows, one of them without its value and one of an unknown accelerator."""
    with (DATA / "published_training.csv").open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))[::60]
    rows[0]["value"] = ""
    rows[1]["accelerator"] = "abacus"
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_json_has_rows_and_summary_in_the_agreed_form(some_rows):
    out = io.StringIO()

    call_command("score_estimator", training=some_rows, json=True, stdout=out)

    told = json.loads(out.getvalue())
    assert list(told) == ["training"]
    rows, summary = told["training"]["rows"], told["training"]["summary"]
    assert all(list(row) == FIELDS for row in rows)
    assert rows[0]["status"] == "ok" and rows[0]["value"] is None and rows[0]["predicted"] > 0
    assert rows[1]["status"] == "unsupported" and "abacus" in rows[1]["reason"] and rows[1]["predicted"] is None
    assert summary["by_row"]["n"] == len(rows) and summary["by_row"]["unsupported"] == 1
    assert {"median", "mean", "p90", "coverage"} <= set(summary["balanced"])


def test_the_table_names_each_source(some_rows):
    out = io.StringIO()

    call_command("score_estimator", training=some_rows, stdout=out)

    assert "balanced" in out.getvalue() and "llm-foundry" in out.getvalue()


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(CommandError, match=r"no\.csv"):
        call_command("score_estimator", training=tmp_path / "no.csv")
