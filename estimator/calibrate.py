"""Refit the training coefficients on published results, and judge the refit on sources it has not seen.

Few parameters with a physical meaning, each with a prior and bounds (data/training_priors.csv); least squares on
ln(time) with a
soft loss; each source has nearly the same weight however many rows it has.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares

from estimator.coefficients import Coefficients
from estimator.presets import interval_name, seen_key, values_of
from estimator.score import APART, weighted_quantile
from estimator.step import step_seconds
from estimator.training import NORMAL_80
from estimator.training_score import Cases, cases_of, fitting, predict, run_of

Floats = NDArray[np.float64]

NOISE = 0.08  # sd of ln(time) that two runs of the same kind differ by anyway
ROWS_THAT_COUNT = 12  # beyond this many, more rows of one source add no weight
CANDIDATES = 10  # layouts kept per run while fitting
TIMES = ("step_time_s", "time_to_train_min", "accel_hours")  # metrics in which more is slower


@dataclass(frozen=True)
class Prior:
    """What is believed of a coefficient before any result: centre, spread of its logarithm, bounds, and a parent it
    follows."""

    key: str
    centre: float
    sd: float
    low: float
    high: float
    parent: str = ""


@dataclass(frozen=True)
class Bench:
    """Published rows ready to fit: runs with their layouts, values, sources and weights."""

    rows: tuple[Mapping[str, Any], ...]
    cases: Cases
    value: Floats
    sign: Floats
    source: NDArray[Any]
    group: NDArray[Any]
    families: NDArray[Any]
    usable: NDArray[np.bool_]


@dataclass(frozen=True)
class Fit:
    """Fitted values by key, the standard deviation of each logarithm, and the keys that sit on a bound."""

    values: dict[str, float]
    sd: dict[str, float]
    on_bound: tuple[str, ...]


def read_priors(text: str) -> list[Prior]:
    """Return the priors of a CSV: key, centre, sd_ln, low, high, parent (its centre is then parent × centre)."""
    rows = csv.DictReader(io.StringIO(text))
    return [
        Prior(
            key=row["key"],
            centre=float(row["centre"]),
            sd=float(row["sd_ln"]),
            low=float(row["low"]),
            high=float(row["high"]),
            parent=row["parent"],
        )
        for row in rows
    ]


def bench_of(
    *,
    rows: Sequence[Mapping[str, Any]],
    accelerators: pd.DataFrame,
    architectures: pd.DataFrame,
    coefficients: Coefficients,
) -> Bench:
    """Return the rows as runs with candidate layouts; whole-project hours are kept out of every fit."""
    runs = [run_of(row, accelerators=accelerators, architectures=architectures) for row in rows]
    cases, empty = cases_of(runs=runs, accelerators=accelerators, coefficients=coefficients)
    usable = np.array([row["metric"] != APART and number not in empty for number, row in enumerate(rows)])
    stacks = [run.stack for run in runs]
    family = [str(name) for name in cases.hardware.family]
    return Bench(
        rows=tuple(rows),
        cases=fitting(cases, coefficients=coefficients),
        value=np.array([float(row["value"]) for row in rows]),
        sign=np.array([1.0 if row["metric"] in TIMES else -1.0 for row in rows]),
        source=np.array([str(row["source_id"]) for row in rows]),
        group=np.array(
            [f"{row['source_id']}|{row['accelerator']}|{row['precision']}|{row['model']}|{row['task']}" for row in rows]
        ),
        families=np.array([seen_key(family=family[i], stack=stack) for i, stack in enumerate(stacks)]),
        usable=usable,
    )


def errors(*, bench: Bench, cases: Cases, values: Mapping[str, float]) -> Floats:
    """Return ln(predicted time / published time) of each row; positive = predicted too slow."""
    return bench.sign * np.log(predict(cases=cases, values=values) / bench.value)


def fit(
    *,
    bench: Bench,
    coefficients: Coefficients,
    priors: Sequence[Prior],
    rows: NDArray[np.bool_],
    start: Mapping[str, float] | None = None,
    rounds: int = 2,
) -> Fit:
    """Return the coefficients that explain ``rows`` best, given their priors and bounds."""
    base = values_of(coefficients)
    keys = [prior.key for prior in priors]
    at = {key: position for position, key in enumerate(keys)}
    centre = np.log([prior.centre for prior in priors])
    sd = np.array([prior.sd for prior in priors])
    low, high = np.log([prior.low for prior in priors]), np.log([prior.high for prior in priors])
    follows = [(at[prior.key], at[prior.parent]) for prior in priors if prior.parent]
    weight = np.sqrt(_weights(bench=bench, rows=rows)[rows])
    beginning = {prior.key: _beginning(prior, priors) for prior in priors} | dict(start or {})
    point = np.clip(np.log([beginning[key] for key in keys]), low + 1e-6, high - 1e-6)

    def values_at(x: Floats) -> dict[str, float]:
        return base | dict(zip(keys, np.exp(x).tolist(), strict=True))

    for _ in range(rounds):
        cases = _near_best(bench.cases, values=values_at(point))

        def residual(x: Floats, cases: Cases = cases) -> Floats:
            miss = errors(bench=bench, cases=cases, values=values_at(x))[rows] / NOISE
            soft = np.sign(miss) * np.sqrt(2 * (np.sqrt(1 + miss**2) - 1))
            away = (x - centre) / sd
            for child, parent in follows:
                away[child] = (x[child] - x[parent] - centre[child]) / sd[child]
            return np.concatenate([weight * soft, away])

        found = least_squares(residual, point, bounds=(low, high), max_nfev=15, x_scale=sd)
        point = found.x
    spread = np.sqrt(np.diag(np.linalg.pinv(found.jac.T @ found.jac)))
    edge = [key for i, key in enumerate(keys) if min(point[i] - low[i], high[i] - point[i]) < 0.01]
    return Fit(values=values_at(point), sd=dict(zip(keys, spread.tolist(), strict=True)), on_bound=tuple(edge))


def leave_one_source_out(
    *, bench: Bench, coefficients: Coefficients, priors: Sequence[Prior], start: Mapping[str, float]
) -> tuple[Floats, NDArray[Any]]:
    """Return each row's error when its whole source was left out of the fit, and the evidence class it then had."""
    missed = np.full(len(bench.value), np.nan)
    kind = np.full(len(bench.value), "", dtype=object)
    for source in sorted(set(bench.source[bench.usable])):
        others = bench.usable & (bench.source != source)
        found = fit(bench=bench, coefficients=coefficients, priors=priors, rows=others, start=start, rounds=1)
        out = bench.usable & (bench.source == source)
        cases = _near_best(bench.cases, values=found.values)
        missed[out] = errors(bench=bench, cases=cases, values=found.values)[out]
        known = set(bench.families[others])
        kind[out] = [interval_name(key, known=known) for key in bench.families[out]]
    return missed, kind


def interval_widths(*, bench: Bench, missed: Floats, kind: NDArray[Any]) -> dict[str, float]:
    """Return, per evidence class, the standard deviation whose 80 % interval holds 80 % of the left-out rows.

    Balanced over sources. Less evidence never gives a narrower interval: neighbouring classes out of order are pooled.
    A class
    that never occurred takes the next better one's width and a half.
    """
    pools: list[tuple[list[str], float]] = []
    for name in ("seen", "family", "unseen"):
        there = bench.usable & (kind == name)
        pools.append(([name], _width(bench=bench, missed=missed, there=there)))
        while len(pools) > 1 and not pools[-1][1] >= pools[-2][1] and not math.isnan(pools[-1][1]):
            names = pools[-2][0] + pools[-1][0]
            there = bench.usable & np.isin(kind.astype(str), names)
            pools[-2:] = [(names, _width(bench=bench, missed=missed, there=there))]
    found: dict[str, float] = {}
    for names, width in pools:
        wide = 1.5 * max(found.values(), default=NOISE) if math.isnan(width) else width
        found |= dict.fromkeys(names, wide)
    own = np.array([found.get(str(name), 1.0) for name in kind])
    overall = _width(bench=bench, missed=missed / own, there=bench.usable & np.isin(kind.astype(str), list(found)))
    return {name: width * overall for name, width in found.items()}


def _width(*, bench: Bench, missed: Floats, there: NDArray[np.bool_]) -> float:
    if not there.any():
        return math.nan
    source = pd.Series(bench.source[there])
    weight = 1 / source.map(source.value_counts()).to_numpy(dtype=float)
    return weighted_quantile(np.abs(missed[there]), weights=weight, share=0.8) / NORMAL_80


def rewritten(text: str, *, values: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> str:
    """Return a coefficient file with new ``value``, ``low`` and ``high`` of the named tables, all else untouched."""
    parts = re.split(r"(?m)^(?=\[)", text)
    for number, part in enumerate(parts):
        name = re.match(r"\[([^\]]+)\]", part)
        if not name or name.group(1) not in values:
            continue
        value = values[name.group(1)]
        low, high = ranges[name.group(1)]
        for field, amount in (("value", value), ("low", min(low, value)), ("high", max(high, value))):
            part = re.sub(rf"(?m)^{field} = .*$", f"{field} = {_shown(amount)}", part)
        parts[number] = part
    return "".join(parts)


def with_seen(text: str, *, counts: Mapping[str, int], date: str) -> str:
    """Return a coefficient file whose ``seen`` tables count the sources of each generation, precision and stack."""
    why = "Sources with published results of this generation, precision and stack."
    return with_counts(text, table="seen", results="published_training.csv", why=why, counts=counts, date=date)


def with_counts(text: str, *, table: str, results: str, why: str, counts: Mapping[str, int], date: str) -> str:
    """Return a coefficient file whose tables of one name are replaced by counts of sources, and why they count."""
    parts = [part for part in re.split(r"(?m)^(?=\[)", text) if not part.startswith(f"[{table}.")]
    for key, count in counts.items():
        parts.append(
            f"[{table}.{key}]\nvalue = {float(count)}\nlow = {float(count)}\nhigh = {float(count)}\n"
            f'unit = "sources"\nsource = "estimator/data/{results}"\nwhy = "{why}"\n'
            f'kind = "published benchmark"\ndate = "{date}"\n\n'
        )
    return "".join(parts).rstrip("\n") + "\n"


def range_of(*, value: float, sd: float, prior: Prior) -> tuple[float, float]:
    """Return the 80 % range of a fitted coefficient inside its physical bounds."""
    return max(value * math.exp(-NORMAL_80 * sd), prior.low), min(value * math.exp(NORMAL_80 * sd), prior.high)


def seen_counts(bench: Bench) -> dict[str, int]:
    """Return how many sources hold results of each generation, precision and stack."""
    found: dict[str, set[str]] = {}
    for key, source, usable in zip(bench.families, bench.source, bench.usable, strict=True):
        if usable:
            found.setdefault(str(key), set()).add(str(source))
    return {key: len(sources) for key, sources in sorted(found.items())}


def _beginning(prior: Prior, priors: Sequence[Prior]) -> float:
    parent = next((other for other in priors if other.key == prior.parent), None)
    return prior.centre * (_beginning(parent, priors) if parent else 1.0)


def _weights(*, bench: Bench, rows: NDArray[np.bool_]) -> Floats:
    """Weight of each row: a source counts as 2·√n rows (n capped), shared evenly between its kinds of run."""
    kinds = pd.Series(bench.group)
    share = 1 / np.sqrt(kinds.map(kinds.value_counts()).to_numpy(dtype=float))
    weight = np.zeros(len(rows))
    for source in set(bench.source[rows]):
        mine = rows & (bench.source == source)
        weight[mine] = 2 * math.sqrt(min(mine.sum(), ROWS_THAT_COUNT)) * share[mine] / share[mine].sum()
    return weight


def _near_best(cases: Cases, *, values: Mapping[str, float]) -> Cases:
    """Keep the few layouts of each run that could win after a change of coefficients."""
    seconds = step_seconds(shape=cases.shape, layout=cases.layouts, physics=cases.physics(values), links=cases.links)[
        "total"
    ]
    layouts = cases.layouts
    pace = seconds / (layouts.data * layouts.micro_batch * layouts.micro_batches)
    order = np.lexsort((pace, cases.owner))
    owner = cases.owner[order]
    start = np.flatnonzero(np.r_[True, np.diff(owner) > 0])
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
    return cases.keep(np.sort(order[rank < CANDIDATES]))


def _shown(number: float) -> str:
    return repr(float(f"{number:.4g}"))
