"""`manage.py check_data`: the grid without an empty cell, the counts, the exit code."""

import io
import re
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog import files
from tests.catalog.conftest import Spoil


def run() -> tuple[str, str, int]:
    said, complained = io.StringIO(), io.StringIO()
    try:
        call_command("check_data", stdout=said, stderr=complained)
    except SystemExit as stopped:
        return said.getvalue(), complained.getvalue(), int(stopped.code or 0)
    return said.getvalue(), complained.getvalue(), 0


def test_the_grid_of_six_layers_and_three_clouds_has_no_empty_cell() -> None:
    said, complained, code = run()

    assert (code, complained) == (0, "")
    for layer in ("compute", "accelerator", "networking", "storage", "orchestration", "model layer"):
        line = next(line for line in said.splitlines() if line.startswith(layer))
        cells = re.findall(r"(\d+) / (\d+)", line)
        assert len(cells) == 3
        assert all(int(options) > 0 for options, _ in cells), line


def test_every_figure_is_dated_or_counted_as_undated(facts: files.Facts) -> None:
    said, _, _ = run()

    total = int(re.search(r"^(\d+) figures in", said, re.MULTILINE)[1])
    parts = [int(number) for number in re.findall(r"^ +(\d+) figures, ", said, re.MULTILINE)]
    assert len(parts) == 3
    assert sum(parts) == total > 10_000
    assert facts.sha256 in said


def test_offers_are_counted_by_basis_and_the_unpriced_apart(facts: files.Facts) -> None:
    said, _, _ = run()

    unpriced = sum(1 for row in facts.offers if row.price_usd_per_hour is None)
    assert f"{unpriced} without a public price" in said
    assert re.search(r"[1-9]\d* priced so low that they are to be confirmed", said)
    assert re.search(r"\d+ on_demand, \d+ spot, \d+ capacity_block", said)
    assert re.search(r"\d+ predicates \(\d+ examples run\), \d+ to confirm with the provider", said)


def test_a_bad_row_ends_with_exit_code_one_and_its_name(data: Path, spoil: Spoil, monkeypatch) -> None:
    spoil("accelerators.csv", "h200-sxm-141gb", memory_gib="0.141")
    monkeypatch.setattr(files, "DIRECTORY", data)

    _, complained, code = run()

    assert code == 1
    assert "accelerators.csv: h200-sxm-141gb: memory_gib is 0.141" in complained


def test_an_empty_cell_ends_with_exit_code_one(data: Path, monkeypatch) -> None:
    path = data / "networking.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("provider: azure", "provider: aws"), encoding="utf-8")
    monkeypatch.setattr(files, "DIRECTORY", data)

    _, complained, code = run()

    assert code == 1
    assert "no networking on azure" in complained


@pytest.mark.parametrize("swap", [("passes:", "spare:"), ("fails:", "passes:")])
def test_a_rule_without_both_examples_is_refused(data: Path, monkeypatch, swap: tuple[str, str]) -> None:
    path = data / "rules.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(*swap, 1), encoding="utf-8")
    monkeypatch.setattr(files, "DIRECTORY", data)

    _, complained, code = run()

    assert code == 1
    assert "rules.yaml" in complained
