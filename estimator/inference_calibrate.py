"""Refit the inference coefficients on published results, and judge the refit on sources it has not seen.

Few parameters with a physical meaning, each with a prior and bounds (data/inference_priors.csv); least squares on
the logarithm of the figures with a logarithmic loss; a source's weight grows slowly with its rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import least_squares

from estimator.calibrate import Fit, Prior, with_counts
from estimator.coefficients import Coefficients
from estimator.inference_rows import Served
from estimator.inference_score import Run, compile_rows, predict, understand
from estimator.score import weighted_quantile
from estimator.serving_pace import design, normal_precision

Floats = npt.NDArray[np.float64]

NOISE = 0.15  # sd of ln(figure) that two runs of the same kind differ by anyway
PRIOR_WEIGHT = 0.35 * 3  # of a prior against one well-weighted row
WEIGHT_POWER = 0.35  # a source with n rows of a metric weighs n to this power
FULL_WEIGHT_ROWS = 4  # below this many rows a source's metric weighs less than one row
TTFT_WEIGHT = 0.5  # first tokens depend on the arrival pattern, which no row states
CREDIBLE_UTILISATION = 0.65  # of the dense peak: above it a serving result leans on a prefix cache it does not mention
LEAST_SD = 0.03  # of a fitted logarithm: the model itself is no truer
Z80 = 1.2815515655446004
CLASSES = ("seen", "chip", "unseen")
METRICS = {"ttft_ms": "ttft", "tpot_ms": "tpot"}  # all others: throughput


@dataclass(frozen=True)
class Bench:
    """Published rows ready to fit."""

    rows: tuple[Mapping[str, Any], ...]
    run: Run
    value: Floats
    source: npt.NDArray[Any]
    metric: npt.NDArray[Any]  # throughput | tpot | ttft
    family: npt.NDArray[Any]  # chip design and stack
    credible: npt.NDArray[np.bool_]


def bench_of(
    *, rows: Sequence[Mapping[str, Any]], accelerators: pd.DataFrame, architectures: pd.DataFrame | None = None
) -> Bench:
    """Return the rows that can be expressed, compiled; a row that cannot raises with its reason."""
    understood, reasons = understand(rows, accelerators=accelerators, architectures=architectures)
    kept = [row for row in understood if row is not None]
    if len(kept) < len(rows):
        raise ValueError(f"rows without a prediction: {sorted({reason for reason in reasons if reason})}")
    run = compile_rows(kept, accelerators=accelerators)
    value = np.array([float(row["value"]) for row in rows])
    return Bench(
        rows=tuple(rows),
        run=run,
        value=value,
        source=np.array([str(row["source_id"]) for row in rows]),
        metric=np.array([METRICS.get(str(row["metric"]), "throughput") for row in rows]),
        family=np.array([f"{design(chip)}.{stack}" for chip, stack in zip(run.chips.ids, run.stacks, strict=True)]),
        credible=_credible(rows=rows, served=kept, run=run, value=value),
    )


def _credible(
    *, rows: Sequence[Mapping[str, Any]], served: Sequence[Served], run: Run, value: Floats
) -> npt.NDArray[np.bool_]:
    """Return False for both rows of a serving run that would compute more than the chips credibly can."""
    names = (
        *("source_id", "model", "accelerator", "n_accelerators", "tp", "framework", "weights_precision"),
        *("input_len", "output_len", "concurrency", "date"),
    )
    keys = [tuple(str(row.get(name)) for name in names) for row in rows]
    times: dict[Any, dict[str, float]] = {}
    for key, row, number in zip(keys, rows, value, strict=True):
        if row["metric"] in METRICS:
            times.setdefault(key, {})[METRICS[str(row["metric"])]] = float(number) / 1e3
    answer = np.ones(len(rows), dtype=bool)
    for index, (key, one) in enumerate(zip(keys, served, strict=True)):
        both = times.get(key, {})
        if one.mode != "closed" or len(both) < 2:
            continue
        rate = one.concurrency / (both["ttft"] + both["tpot"] * (one.output_tokens - 1))
        flops = 2 * one.architecture.active_params() * (one.input_tokens + one.output_tokens) * rate
        name, stored_only = normal_precision(one.weights)
        peaks = {"fp8": run.chips.fp8_flops_per_s, "fp4": run.chips.fp4_flops_per_s}
        peak = run.chips.bf16_flops_per_s[index]
        if name in peaks and not stored_only and np.isfinite(peaks[name][index]):
            peak = peaks[name][index]
        answer[index] = flops / (one.accelerators * peak) <= CREDIBLE_UTILISATION
    return answer


def errors(*, bench: Bench, coefficients: Coefficients, values: Mapping[str, float]) -> Floats:
    """Return ln(predicted / published) of each row."""

    def value(name: str) -> float:
        return values[name] if name in values else coefficients.get(f"inference.{name}").value

    missed: Floats = np.log(predict(bench.run, value=value) / bench.value)
    return missed


def weights(*, bench: Bench, rows: npt.NDArray[np.bool_]) -> Floats:
    """Return the weight of each row: a source's metric weighs n^0.35, less below four rows, shared evenly."""
    weight = np.zeros(len(rows))
    for source in sorted(set(bench.source[rows])):
        for metric in sorted(set(bench.metric[rows & (bench.source == source)])):
            mine = rows & (bench.source == source) & (bench.metric == metric)
            count = int(mine.sum())
            whole = count**WEIGHT_POWER * min(count / FULL_WEIGHT_ROWS, 1.0)
            weight[mine] = whole / count * (TTFT_WEIGHT if metric == "ttft" else 1.0)
    balanced: Floats = weight / weight[rows].mean()
    return balanced


def fit(
    *,
    bench: Bench,
    coefficients: Coefficients,
    priors: Sequence[Prior],
    rows: npt.NDArray[np.bool_],
    start: Mapping[str, float] | None = None,
    rounds: int = 25,
) -> Fit:
    """Return the coefficients that explain ``rows`` best, given their priors and bounds."""
    keys = [prior.key for prior in priors]
    centre = np.log([prior.centre for prior in priors])
    sd = np.array([prior.sd for prior in priors])
    low, high = np.log([prior.low for prior in priors]), np.log([prior.high for prior in priors])
    use = rows & bench.credible
    weight = np.sqrt(weights(bench=bench, rows=use)[use])

    def residual(x: Floats) -> Floats:
        values = dict(zip(keys, np.exp(x).tolist(), strict=True))
        miss = errors(bench=bench, coefficients=coefficients, values=values)[use] / NOISE
        soft = np.sign(miss) * np.sqrt(2 * np.log1p(miss**2 / 2))
        return np.concatenate([weight * soft, (x - centre) / sd * PRIOR_WEIGHT])

    beginning = np.log([(start or {}).get(prior.key, prior.centre) for prior in priors])
    point = np.clip(beginning, low + 1e-6, high - 1e-6)
    found = least_squares(
        residual, point, bounds=(low, high), max_nfev=rounds, x_scale=np.maximum(sd, 0.05), diff_step=1e-3
    )
    spread = np.maximum(np.sqrt(np.diag(np.linalg.pinv(found.jac.T @ found.jac))), LEAST_SD)
    edge = [key for i, key in enumerate(keys) if min(found.x[i] - low[i], high[i] - found.x[i]) < 0.01]
    return Fit(
        values=dict(zip(keys, np.exp(found.x).tolist(), strict=True)),
        sd=dict(zip(keys, spread.tolist(), strict=True)),
        on_bound=tuple(edge),
    )


def leave_one_source_out(
    *, bench: Bench, coefficients: Coefficients, priors: Sequence[Prior], start: Mapping[str, float]
) -> tuple[Floats, npt.NDArray[Any]]:
    """Return each row's error when its whole source was left out of the fit, and the evidence class it then had."""
    missed = np.full(len(bench.value), np.nan)
    kind = np.full(len(bench.value), "", dtype=object)
    for source in sorted(set(bench.source)):
        out = bench.source == source
        found = fit(bench=bench, coefficients=coefficients, priors=priors, rows=~out, start=start, rounds=10)
        missed[out] = errors(bench=bench, coefficients=coefficients, values=found.values)[out]
        known = set(bench.family[~out].tolist())
        designs = {name.split(".")[0] for name in known}
        for index in np.flatnonzero(out):
            name = str(bench.family[index])
            kind[index] = "seen" if name in known else "chip" if name.split(".")[0] in designs else "unseen"
    return missed, kind


def interval_widths(*, bench: Bench, missed: Floats, kind: npt.NDArray[Any]) -> dict[str, float]:
    """Return, by metric and evidence class, the sd of ln whose 80 % interval holds 80 % of the left-out rows.

    Weighted by √n of each source. A class with fewer than 15 rows takes the better class's width times 1.25; less
    evidence never
    gives a narrower interval.
    """
    counts = {source: float((bench.source == source).sum()) for source in set(bench.source)}
    weight = np.array([counts[source] ** -0.5 for source in bench.source])
    found: dict[str, float] = {}
    for metric in ("throughput", "tpot", "ttft"):
        before = 0.0
        for name in CLASSES:
            there = (bench.metric == metric) & (kind == name) & np.isfinite(missed)
            if there.sum() >= 15:
                width = weighted_quantile(np.abs(missed[there]), weights=weight[there], share=0.8) / Z80
            else:
                width = 1.25 * before
            before = max(width, before)
            found[f"spread.{metric}.{name}"] = before
    return found


def family_counts(bench: Bench) -> dict[str, int]:
    """Return how many sources hold results of each chip design and stack."""
    pairs = {(str(name), str(source)) for name, source in zip(bench.family, bench.source, strict=True)}
    return {name: sum(family == name for family, _ in pairs) for name in sorted({family for family, _ in pairs})}


def with_families(text: str, *, counts: Mapping[str, int], date: str) -> str:
    """Return a coefficient file whose ``calibrated`` tables count the sources of each chip design and stack."""
    why = "Sources with published results of this chip design and stack: what an interval may lean on."
    return with_counts(text, table="calibrated", results="published_inference.csv", why=why, counts=counts, date=date)
