"""How far predictions are from published results, by row and balanced over sources."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from estimator import inference_score, training_score
from estimator.coefficients import Coefficients

# Whole-project accelerator hours hold restarts, evaluation and other stages: an upper bound, judged apart.
APART = "accel_hours"


def score(
    *,
    training: Sequence[Mapping[str, Any]] | None,
    inference: Sequence[Mapping[str, Any]] | None,
    coefficients: Coefficients,
    accelerators: pd.DataFrame,
    architectures: pd.DataFrame,
) -> dict[str, Any]:
    """Return ``{"training": {"rows", "summary"}, "inference": {…}}`` for the halves that are given."""
    halves: dict[str, Any] = {}
    doors: tuple[tuple[str, Any, Callable[..., list[dict[str, Any]]]], ...] = (
        ("training", training, training_score.score_rows),
        ("inference", inference, inference_score.score_rows),
    )
    for name, rows, door in doors:
        if rows is None:
            continue
        scored = door(
            rows=list(rows), coefficients=coefficients, accelerators=accelerators, architectures=architectures
        )
        halves[name] = {"rows": scored, "summary": summary(scored)}
    return halves


def read_rows(text: str) -> list[dict[str, Any]]:
    """Return the rows of a CSV of published results; blank cells are empty strings."""
    return list(csv.DictReader(io.StringIO(text)))


def summary(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return n, unsupported, median, mean, p90 and coverage by row, balanced over sources, and by source and metric.

    Errors are |predicted / value − 1|. ``coverage`` is the share of values inside low…high. Balanced: every source has
    the same weight, its rows share it. Rows of ``accel_hours`` stand apart and are in none of the other figures.
    """
    entries = list(rows)
    main = [row for row in entries if row["metric"] != APART]
    apart = [row for row in entries if row["metric"] == APART]
    found: dict[str, Any] = {
        "by_row": _figures(main, weights=np.ones(len(main))),
        "balanced": _figures(main, weights=_balanced(main)),
        "by_source": _grouped(main, column="source_id"),
        "by_metric": _grouped(main, column="metric"),
        "by_accelerator": _grouped(main, column="accelerator"),
    }
    if apart:
        found[APART] = _figures(apart, weights=np.ones(len(apart)))
    return found


def _grouped(rows: Sequence[Mapping[str, Any]], *, column: str) -> dict[str, Any]:
    names = sorted({str(row[column]) for row in rows})
    groups = {name: [row for row in rows if str(row[column]) == name] for name in names}
    return {name: _figures(group, weights=np.ones(len(group))) for name, group in groups.items()}


def _balanced(rows: Sequence[Mapping[str, Any]]) -> Any:
    counts: dict[str, int] = {}
    for row in rows:
        if _error(row) is not None:
            counts[str(row["source_id"])] = counts.get(str(row["source_id"]), 0) + 1
    return np.array([1 / counts.get(str(row["source_id"]), 1) for row in rows])


def _figures(rows: Sequence[Mapping[str, Any]], *, weights: Any) -> dict[str, Any]:
    errors = [_error(row) for row in rows]
    judged = [position for position, error in enumerate(errors) if error is not None]
    found: dict[str, Any] = {
        "n": len(rows),
        "judged": len(judged),
        "unsupported": sum(row["status"] != "ok" for row in rows),
    }
    if not judged:
        return found | {"median": None, "mean": None, "p90": None, "coverage": None}
    error = np.array([errors[position] for position in judged], dtype=float)
    weight = np.asarray(weights)[judged]
    inside = np.array([rows[p]["low"] <= float(rows[p]["value"]) <= rows[p]["high"] for p in judged], dtype=float)
    return found | {
        "median": weighted_quantile(error, weights=weight, share=0.5),
        "mean": float(np.average(error, weights=weight)),
        "p90": weighted_quantile(error, weights=weight, share=0.9),
        "coverage": float(np.average(inside, weights=weight)),
    }


def weighted_quantile(values: Any, *, weights: Any, share: float) -> float:
    """Return the value below which ``share`` of the weight lies, interpolated between the middles of the weights."""
    order = np.argsort(values)
    ranked, weight = np.asarray(values, dtype=float)[order], np.asarray(weights, dtype=float)[order]
    middle = np.cumsum(weight) - weight / 2
    return float(np.interp(share * weight.sum(), middle, ranked))


def _error(row: Mapping[str, Any]) -> float | None:
    value = row.get("value")
    if row["status"] != "ok" or value in (None, "") or row["predicted"] is None:
        return None
    number = float(value)
    return None if math.isnan(number) or number == 0 else abs(float(row["predicted"]) / number - 1)
