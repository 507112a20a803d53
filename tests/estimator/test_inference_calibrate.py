import csv
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from catalog import files
from estimator import coefficients, inference_accuracy, inference_calibrate
from estimator.calibrate import Fit, read_priors
from estimator.inference_rows import DIRECTORY

KNOWN = coefficients.load()
PRIORS = read_priors((DIRECTORY / "inference_priors.csv").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bench():
    with (DIRECTORY / "published_inference.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    accelerators = pd.read_csv(files.DIRECTORY / "accelerators.csv", keep_default_na=False)
    return inference_calibrate.bench_of(rows=rows, accelerators=accelerators)


def test_every_prior_names_a_coefficient_inside_its_bounds():
    for prior in PRIORS:
        entry = KNOWN.get(f"inference.{prior.key}")
        assert prior.low < prior.centre <= prior.high, prior.key
        assert prior.low <= entry.value <= prior.high, prior.key


def test_no_shipped_coefficient_sits_on_its_bound():
    on_bound = []
    for prior in PRIORS:
        value = KNOWN.get(f"inference.{prior.key}").value
        if min(np.log(value / prior.low), np.log(prior.high / value)) < 0.01:
            on_bound.append(prior.key)

    assert on_bound == []


def test_rows_of_a_source_share_its_weight(bench):
    weight = inference_calibrate.weights(bench=bench, rows=np.ones(len(bench.rows), dtype=bool))

    large = weight[(bench.source == "aiconfigurator-silicon-inferencex") & (bench.metric == "tpot")]
    small = weight[(bench.source == "trtllm-v1.x") & (bench.metric == "throughput")]
    assert large.sum() / small.sum() == pytest.approx((len(large) / len(small)) ** 0.35)
    assert large.sum() < 3 * small.sum()


def test_rows_that_would_outrun_the_chips_take_no_part(bench):
    kept_out = [row for row, credible in zip(bench.rows, bench.credible, strict=True) if not credible]

    assert {row["framework"] for row in kept_out} == {"vllm 0.12.0"}
    assert len(kept_out) == 6


def test_a_fit_brings_a_shifted_coefficient_back(bench):
    some = np.isin(bench.source, ["trtllm-v0.17"])
    priors = [prior for prior in PRIORS if prior.key == "bandwidth_fraction.hopper"]
    start = {"bandwidth_fraction.hopper": 0.6}

    before = inference_calibrate.errors(bench=bench, coefficients=KNOWN, values=start)[some]
    found = inference_calibrate.fit(bench=bench, coefficients=KNOWN, priors=priors, rows=some, start=start, rounds=6)
    after = inference_calibrate.errors(bench=bench, coefficients=KNOWN, values=found.values)[some]

    assert found.values["bandwidth_fraction.hopper"] > 0.75
    assert np.abs(after).mean() < np.abs(before).mean()


def test_less_evidence_never_narrows_an_interval(bench):
    rng = np.random.default_rng(7)
    missed = rng.normal(0.0, 0.2, len(bench.rows))
    kind = rng.choice(inference_calibrate.CLASSES, len(bench.rows)).astype(object)

    widths = inference_calibrate.interval_widths(bench=bench, missed=missed, kind=kind)

    for metric in ("throughput", "tpot", "ttft"):
        found = [widths[f"spread.{metric}.{name}"] for name in inference_calibrate.CLASSES]
        assert found == sorted(found)
        assert found[0] == pytest.approx(0.2, rel=0.25)


def test_the_families_of_a_fit_are_written_and_read_back(tmp_path, bench):
    counts = inference_calibrate.family_counts(bench)
    text = inference_calibrate.with_families("", counts=counts, date="2026-01-01")
    (tmp_path / "inference.toml").write_text(text, encoding="utf-8")

    known = coefficients.load(tmp_path)

    assert known.get("inference.calibrated.hopper.trtllm").value == counts["hopper.trtllm"] >= 3
    assert inference_calibrate.with_families(text, counts=counts, date="2026-01-01") == text


def test_the_report_tells_every_source_and_the_targets(bench):
    fitted = inference_calibrate.errors(bench=bench, coefficients=KNOWN, values={})
    kind = np.full(len(bench.rows), "seen", dtype=object)
    widths = {f"spread.{metric}.{name}": 0.3 for metric in ("throughput", "tpot", "ttft") for name in ("seen", "chip")}
    found = Fit(
        values={prior.key: prior.centre for prior in PRIORS},
        sd=dict.fromkeys((p.key for p in PRIORS), 0.1),
        on_bound=(),
    )

    text = inference_accuracy.report(
        bench=replace(bench),
        fitted=fitted,
        missed=fitted,
        kind=kind,
        widths=widths,
        found=found,
        priors=PRIORS,
        date="2026-01-01",
    )

    assert "NVIDIA throughput ≤ 10%" in text
    for source in set(bench.source.tolist()):
        assert source in text
