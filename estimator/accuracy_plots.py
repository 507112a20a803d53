"""Which pictures an accuracy report has: left-out predictions against published figures, a panel an accelerator."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimator import calibrate, inference_calibrate
from estimator.plots import Figure, Panel, Point, marks_of, svg
from estimator.score import APART, weighted_quantile
from estimator.training import NORMAL_80
from estimator.training_score import Run

Floats = NDArray[np.float64]

FOLDER = "accuracy"  # of the pictures, beside the report
# Hues of sources, in the order of plots.LIGHT; sources of one publisher share one. All others take the last one.
HUES = (
    *(("mlperf", 0), ("dgxc", 1), ("megatron", 1), ("trtllm", 1), ("aiconfigurator-silicon-gap", 1)),
    *(("maxtext", 2), ("tpu", 2), ("aws", 3), ("llm-foundry", 4), ("aiconfigurator-silicon-inferencex", 0)),
)
FORWARD_SHARE = 1 / 3  # of a training token's arithmetic: what an evaluated token costs
READING = (
    "Left out: each prediction comes from a fit that had not seen the point's whole source. A panel has its own scale.",
    "Line: predicted = published. Shaded: 80 % interval, darker = better evidence. Filled mark: inside; open: outside.",
)
SERVING = {
    "throughput": (
        "Serving throughput",
        "Output tokens per second and accelerator; above the line = predicted too fast.",
    ),
    "tpot": ("Time per output token (TPOT)", "Milliseconds per token; above the line = predicted too slow."),
    "ttft": ("Time to first token (TTFT)", "Milliseconds; above the line = predicted too slow."),
}


def training_plots(
    *, bench: calibrate.Bench, missed: Floats, kind: NDArray[Any], widths: Mapping[str, float]
) -> dict[str, str]:
    """Return the SVG text by file name of the training report. Every scored row is one mark.

    ``missed`` is ln(predicted time / published time) of each row when its source was left out. Published figures of
    different units meet as model TFLOP/s per accelerator, without recomputation and the masked half of attention.
    """
    there = bench.usable & np.isfinite(missed)
    table = pd.DataFrame(
        {
            "published": [
                model_tflops(run, value=value) for run, value in zip(bench.cases.runs, bench.value, strict=True)
            ],
            "ratio": np.exp(-missed),
            "error": np.abs(np.exp(bench.sign * missed) - 1),
            "half_width_ln": [NORMAL_80 * widths.get(str(name), np.nan) for name in kind],
        }
    )
    figure = _figure(
        _named(table, rows=bench.rows, source=bench.source)[there],
        title="Training: predicted against published",
        unit="Model TFLOP/s per accelerator, converted from each published unit; above the line = predicted too fast.",
    )
    return {"training.svg": svg(figure)}


def inference_plots(
    *, bench: inference_calibrate.Bench, missed: Floats, kind: NDArray[Any], widths: Mapping[str, float]
) -> dict[str, str]:
    """Return the SVG text by file name of the inference report. Every scored row is one mark.

    ``missed`` is ln(predicted / published) of each row when its source was left out.
    """
    each = [float(row["n_accelerators"]) if row["metric"] == "output_tokens_per_s" else 1.0 for row in bench.rows]
    keys = [f"spread.{metric}.{name}" for metric, name in zip(bench.metric, kind, strict=True)]
    table = pd.DataFrame(
        {
            "published": bench.value / np.array(each),
            "ratio": np.exp(missed),
            "error": np.abs(np.exp(missed) - 1),
            "half_width_ln": [inference_calibrate.Z80 * widths.get(key, np.nan) for key in keys],
        }
    )
    table = _named(table, rows=bench.rows, source=bench.source)
    pictures = {}
    for metric, (title, unit) in SERVING.items():
        there = (bench.metric == metric) & np.isfinite(missed)
        if there.any():
            figure = _figure(table[there], title=f"{title}: predicted against published", unit=unit)
            pictures[f"inference_{metric}.svg"] = svg(figure)
    return pictures


def save(pictures: Mapping[str, str], *, report: Path) -> None:
    """Write the pictures, by file name, into the folder beside the report."""
    folder = report.parent / FOLDER
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        (folder / name).write_text(picture, encoding="utf-8")


def training_section(*, bench: calibrate.Bench, missed: Floats, accelerators: pd.DataFrame, folder: str) -> str:
    """Return the Markdown that shows the training picture, what is not in it, and accelerators without any row."""
    there = bench.usable & np.isfinite(missed)
    hours = sum(row["metric"] == APART for row in bench.rows)
    others = len(bench.rows) - int(there.sum()) - hours
    apart = f"{hours} of whole-project accelerator hours, {others} without a prediction"
    return "\n".join(
        [
            _image(f"{folder}/training.svg", "Training: predicted against published TFLOP/s, a panel per accelerator"),
            "",
            f"{there.sum()} of {len(bench.rows)} published rows are in the picture; not in it: {apart}.",
            uncovered(
                accelerators=accelerators, covered=bench.cases.hardware.accelerator[there].tolist(), use="trains"
            ),
        ]
    )


def inference_section(
    *, bench: inference_calibrate.Bench, missed: Floats, accelerators: pd.DataFrame, folder: str
) -> str:
    """Return the Markdown that shows the inference pictures, and accelerators without any row."""
    images = [
        _image(f"{folder}/inference_{metric}.svg", f"{title}: predicted against published, a panel per accelerator")
        for metric, (title, _) in SERVING.items()
        if (bench.metric == metric).any()
    ]
    shown = f"{np.isfinite(missed).sum()} of {len(bench.rows)} published rows are in the pictures."
    none = uncovered(accelerators=accelerators, covered=bench.run.chips.ids, use="serves")
    return "\n\n".join(["## Pictures: predicted against published, left out", *images, f"{shown}\n{none}"]) + "\n"


def model_tflops(run: Run, *, value: float) -> float:
    """Return a published training figure as model TFLOP/s per accelerator. [TFLOP/s]

    Counts 6 FLOPs per active parameter and token (less with LoRA) and the unmasked half of attention; an evaluated
    token counts as a third of a trained one. Source: training_score.in_metric, run backwards.
    """
    per_token = run.architecture.training_flops_per_token(
        context_tokens=run.sequence, causal=True, lora=run.method == "lora"
    )
    if run.metric == "tokens_per_sec_per_accel":
        rate = value
    elif run.metric == "step_time_s":
        rate = run.sequence * run.sequences / value / run.accelerators
    elif run.metric == "time_to_train_min":
        rate = (run.train_tokens + run.eval_tokens * FORWARD_SHARE) / (60 * value) / run.accelerators
    elif run.metric == "tflops_per_accel":
        stated = run.architecture.training_flops_per_token(
            context_tokens=run.sequence,
            causal=run.convention not in ("causal_full", "hardware"),
            lora=run.method == "lora",
        )
        rate = value * 1e12 / stated
    else:
        return float("nan")
    return float(rate * per_token / 1e12)


def uncovered(*, accelerators: pd.DataFrame, covered: Sequence[str], use: str) -> str:
    """Return a sentence that names the rentable accelerators for ``use`` (trains | serves) without a published row."""
    able = (accelerators["offered"] == "yes") & accelerators[use].isin(["yes", "small"])
    names = accelerators.loc[able & ~accelerators["id"].isin(list(covered)), "name"]
    if names.empty:
        return "Every rentable accelerator of the catalog has a published row."
    return f"Rentable accelerators without any published row here: {', '.join(sorted(names))}."


def _image(path: str, told: str) -> str:
    return f"[![{told}]({path})]({path})"


def _named(table: pd.DataFrame, *, rows: Sequence[Mapping[str, Any]], source: NDArray[Any]) -> pd.DataFrame:
    return table.assign(
        label=[f"{row['id']} {row['model']}" for row in rows],
        accelerator=[str(row["accelerator"]) for row in rows],
        source=source,
    )


def _figure(table: pd.DataFrame, *, title: str, unit: str) -> Figure:
    inside = np.abs(np.log(table["ratio"])) <= table["half_width_ln"]
    table = table.assign(predicted=table["published"] * table["ratio"], inside=inside)
    return Figure(
        title=title,
        lines=(unit, *READING),
        panels=tuple(_panel(str(name), part) for name, part in table.groupby("accelerator")),
        marks=marks_of(table["source"], hues=HUES),
    )


def _panel(name: str, part: pd.DataFrame) -> Panel:
    median = weighted_quantile(part["error"].to_numpy(dtype=float), weights=np.ones(len(part)), share=0.5)
    return Panel(
        title=name,
        corner=f"{len(part)} row{'s' if len(part) > 1 else ''}",
        note=f"median error {median:.1%} · {part['inside'].mean():.0%} inside",
        points=tuple(
            Point(
                label=row["label"],
                series=row["source"],
                published=row["published"],
                predicted=row["predicted"],
                inside=bool(row["inside"]),
            )
            for row in part.to_dict("records")
        ),
        half_widths_ln=tuple(sorted({round(float(width), 6) for width in part["half_width_ln"]})),
    )
