"""The refit: what it may change, how it weighs, how wide intervals become."""

from datetime import date

import numpy as np
import pytest

from catalog import files, frame
from estimator import accuracy, calibrate, score
from estimator import coefficients as coefficient_files

COEFFICIENTS = coefficient_files.load()
DATA = coefficient_files.DIRECTORY.parent / "data"
PRIORS = calibrate.read_priors((DATA / "training_priors.csv").read_text(encoding="utf-8"))
TOML = (coefficient_files.DIRECTORY / "training.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bench():
    """Give the rows of two sources that hold the same model on the same accelerator."""
    catalog = frame.build(facts=files.load(), moment=date(2026, 11, 23), release=1)
    rows = score.read_rows((DATA / "published_training.csv").read_text(encoding="utf-8"))
    kept = [row for row in rows if row["source_id"] in ("dgxc-benchmarking", "mlperf-training-v5.1")]
    return calibrate.bench_of(
        rows=kept,
        accelerators=catalog.accelerators,
        architectures=catalog.architectures,
        coefficients=COEFFICIENTS,
    )


def test_every_prior_names_a_coefficient_inside_its_bounds():
    known = COEFFICIENTS.group("training")

    for prior in PRIORS:
        assert prior.key in known, prior.key
        assert prior.low < prior.high and prior.sd > 0
        assert prior.low <= known[prior.key].value <= prior.high, prior.key
        assert not prior.parent or prior.parent in known


def test_fewer_parameters_than_a_fifth_of_the_rows():
    rows = score.read_rows((DATA / "published_training.csv").read_text(encoding="utf-8"))

    assert len(PRIORS) < len(rows) / 5


def test_a_rewrite_touches_the_named_figures_only():
    new = calibrate.rewritten(TOML, values={"gemm.hopper.bf16": 0.5}, ranges={"gemm.hopper.bf16": (0.4, 0.6)})

    before, after = TOML.splitlines(), new.splitlines()
    changed = [(old, now) for old, now in zip(before, after, strict=True) if old != now]
    assert [now for _, now in changed] == ["value = 0.5", "low = 0.4", "high = 0.6"]


def test_counted_sources_replace_the_old_counts():
    new = calibrate.with_seen(TOML, counts={"hopper.fp8.nemo": 4}, date="2026-11-23")

    assert new.count("[seen.") == 1 and "[seen.hopper.fp8.nemo]\nvalue = 4.0" in new
    assert calibrate.with_seen(new, counts={"hopper.fp8.nemo": 4}, date="2026-11-23") == new


def test_the_shipped_coefficients_are_those_of_a_fit_on_the_shipped_rows(bench):
    values = {key: entry.value for key, entry in COEFFICIENTS.group("training").items()}

    missed = calibrate.errors(bench=bench, cases=bench.cases, values=values)

    for source in ("dgxc-benchmarking", "mlperf-training-v5.1"):
        assert np.median(np.abs(missed[bench.source == source])) < 0.10


def test_a_refit_does_not_explain_its_own_rows_worse(bench):
    values = {key: entry.value for key, entry in COEFFICIENTS.group("training").items()}
    before = calibrate.errors(bench=bench, cases=bench.cases, values=values)
    few = [prior for prior in PRIORS if prior.key in ("overlap_tensor.nemo", "elementwise.nemo", "jitter")]

    found = calibrate.fit(bench=bench, coefficients=COEFFICIENTS, priors=few, rows=bench.usable, rounds=1)

    after = calibrate.errors(bench=bench, cases=bench.cases, values=found.values)
    assert np.mean(np.abs(after)) <= np.mean(np.abs(before)) + 0.01
    assert set(found.sd) == {prior.key for prior in few}


def test_intervals_hold_four_fifths_of_what_was_left_out_and_never_narrow_with_less_evidence(bench):
    rng = np.random.default_rng(7)
    missed = rng.normal(0, 0.1, len(bench.value))
    kind = np.where(np.arange(len(missed)) % 3 == 0, "unseen", "seen").astype(object)
    missed[kind == "unseen"] *= 2

    widths = calibrate.interval_widths(bench=bench, missed=missed, kind=kind)

    assert widths["seen"] <= widths["family"] <= widths["unseen"]
    spread = np.array([widths[name] for name in kind])
    inside = np.abs(missed) <= calibrate.NORMAL_80 * spread
    weight = 1 / np.array([np.sum(bench.source == name) for name in bench.source])
    assert np.average(inside, weights=weight) == pytest.approx(0.8, abs=0.03)


def test_the_report_replaces_only_its_own_part(tmp_path):
    page = tmp_path / "accuracy.md"
    page.write_text(f"# Notes\n\n{accuracy.BEGIN}\nold\n{accuracy.END}\n\nmore notes\n", encoding="utf-8")

    new = accuracy.replaced(page, f"{accuracy.BEGIN}\nnew\n{accuracy.END}\n")

    assert new == f"# Notes\n\n{accuracy.BEGIN}\nnew\n{accuracy.END}\n\nmore notes\n"
