"""The pictures of the accuracy reports: each scored row is one mark, in the right unit, and the rest is told."""

from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from catalog import files, frame
from estimator import accuracy_plots, calibrate, coefficients, inference_calibrate, score

KNOWN = coefficients.load()
DATA = coefficients.DIRECTORY.parent / "data"
DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def catalog():
    return frame.build(facts=files.load(), moment=date(2026, 11, 23), release=1)


@pytest.fixture(scope="module")
def training(catalog):
    """Give three sources in all four units, one of which holds whole-project hours only."""
    rows = score.read_rows((DATA / "published_training.csv").read_text(encoding="utf-8"))
    kept = [row for row in rows if row["source_id"] in ("mlperf-training-v4.0", "papers", "meta-model-cards")]
    return calibrate.bench_of(
        rows=kept, accelerators=catalog.accelerators, architectures=catalog.architectures, coefficients=KNOWN
    )


@pytest.fixture(scope="module")
def inference(catalog):
    rows = score.read_rows((DATA / "published_inference.csv").read_text(encoding="utf-8"))
    return inference_calibrate.bench_of(rows=rows[::7], accelerators=catalog.accelerators)


def marks(picture):
    root = ElementTree.fromstring(picture)  # noqa: S314, our own text
    return [use for use in root.iter(f"{SVG}use") if use.find(f"{SVG}title") is not None]


def ids(picture):
    return sorted(use.find(f"{SVG}title").text.split()[0] for use in marks(picture))


def made_up(count):
    rng = np.random.default_rng(7)
    return rng.normal(0, 0.2, count), rng.choice(["seen", "unseen"], count).astype(object)


def test_each_scored_training_row_is_one_mark_and_project_hours_are_none(training):
    missed, kind = made_up(len(training.rows))

    pictures = accuracy_plots.training_plots(
        bench=training, missed=missed, kind=kind, widths={"seen": 0.1, "unseen": 0.2}
    )

    scored = [row["id"] for row, usable in zip(training.rows, training.usable, strict=True) if usable]
    assert list(pictures) == ["training.svg"]
    assert ids(pictures["training.svg"]) == sorted(scored)
    assert len(scored) < len(training.rows)


def test_open_marks_are_the_rows_outside_their_interval(training):
    missed, kind = made_up(len(training.rows))
    widths = {"seen": 0.1, "unseen": 0.2}

    pictures = accuracy_plots.training_plots(bench=training, missed=missed, kind=kind, widths=widths)

    spread = np.array([widths[name] for name in kind])
    outside = training.usable & (np.abs(missed) > calibrate.NORMAL_80 * spread)
    opened = [use for use in marks(pictures["training.svg"]) if "out" in use.get("class").split()]
    assert len(opened) == outside.sum() > 0


def test_each_scored_serving_row_is_one_mark_of_its_metric(inference):
    missed, kind = made_up(len(inference.rows))
    missed[3] = np.nan
    widths = {f"spread.{m}.{k}": 0.2 for m in ("throughput", "tpot", "ttft") for k in ("seen", "unseen")}

    pictures = accuracy_plots.inference_plots(bench=inference, missed=missed, kind=kind, widths=widths)

    for metric in ("throughput", "tpot", "ttft"):
        there = (inference.metric == metric) & np.isfinite(missed)
        scored = [row["id"] for row, shown in zip(inference.rows, there, strict=True) if shown]
        assert ids(pictures[f"inference_{metric}.svg"]) == sorted(scored)


def test_the_same_rows_give_the_same_bytes(inference):
    missed, kind = made_up(len(inference.rows))
    widths = {f"spread.{m}.{k}": 0.2 for m in ("throughput", "tpot", "ttft") for k in ("seen", "unseen")}

    first, second = (
        accuracy_plots.inference_plots(bench=inference, missed=missed, kind=kind, widths=widths) for _ in range(2)
    )

    assert first == second


def test_a_predicted_time_too_long_lies_below_the_line_of_rates(training):
    slow = np.full(len(training.rows), 0.3)

    pictures = accuracy_plots.training_plots(
        bench=training, missed=slow, kind=np.full(len(slow), "seen", dtype=object), widths={"seen": 0.1}
    )

    for use in marks(pictures["training.svg"]):
        published, predicted = (
            float(part.split()[-1].replace(",", "")) for part in use.find(f"{SVG}title").text.split(", predicted ")
        )
        assert predicted / published == pytest.approx(np.exp(-0.3), rel=0.02)


def test_published_figures_of_one_run_in_two_units_meet(training):
    """MLPerf states the 512-chip GPT-3 run's minutes; 175e9 × 6 FLOPs a token by hand, attention adds some."""
    at = [row["id"] for row in training.rows].index("T0001")

    found = accuracy_plots.model_tflops(training.cases.runs[at], value=114.7939)

    tokens_per_s = (1207959552 + 1207517184 / 3) / (114.7939 * 60) / 512
    assert found == pytest.approx(tokens_per_s * 6 * 175e9 / 1e12, rel=0.05)


def test_accelerators_without_a_row_are_named():
    table = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "name": ["Alpha", "Beta", "Gamma", "Delta"],
            "offered": ["yes", "yes", "announced", "yes"],
            "trains": ["yes", "small", "yes", "no"],
        }
    )

    assert accuracy_plots.uncovered(accelerators=table, covered=["a"], use="trains").endswith("here: Beta.")
    assert "Every rentable" in accuracy_plots.uncovered(accelerators=table, covered=["a", "b"], use="trains")


def test_saved_pictures_lie_in_the_folder_the_report_links(tmp_path, inference, catalog):
    accuracy_plots.save({"inference_tpot.svg": "<svg/>"}, report=tmp_path / "page.md")

    section = accuracy_plots.inference_section(
        bench=inference,
        missed=np.zeros(len(inference.rows)),
        accelerators=catalog.accelerators,
        folder=accuracy_plots.FOLDER,
    )
    assert (tmp_path / accuracy_plots.FOLDER / "inference_tpot.svg").read_text(encoding="utf-8") == "<svg/>"
    assert f"({accuracy_plots.FOLDER}/inference_tpot.svg)" in section


def test_the_shipped_pictures_are_sound_small_and_linked():
    pictures = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / accuracy_plots.FOLDER).glob("*.svg")}
    pages = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("accuracy.md", "accuracy_inference.md"))

    assert len(pictures) == 4
    assert sum(len(text.encode()) for text in pictures.values()) < 400_000
    for name, text in pictures.items():
        assert len(set(ids(text))) == len(marks(text)) > 100
        assert f"]({accuracy_plots.FOLDER}/{name})" in pages
    serving = sum(len(marks(text)) for name, text in pictures.items() if name.startswith("inference"))
    assert f"{len(marks(pictures['training.svg']))} of " in pages and f"{serving} of " in pages
