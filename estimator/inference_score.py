"""Predictions of published serving results: each row's figure, with its 80 % interval."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catalog import files
from estimator.coefficients import Coefficients
from estimator.inference import Z80, evidence_class
from estimator.inference_rows import METRICS, Served, chips, known_architectures, served, shapes_of
from estimator.serving_load import Load, Point, operate
from estimator.serving_memory import sequences_max
from estimator.serving_pace import Chips, pace
from estimator.serving_shape import Shape, take
from estimator.serving_step import Layout
from estimator.serving_tail import tail

Array = npt.NDArray[np.float64]

_WAYS = (1, 2, 4, 8, 16, 32, 64)
_SHARES = tuple(
    np.geomspace(0.01, 0.98, 28).tolist()
)  # of a replica's slots, searched for the latency-bounded scenarios
_SPREADS = {"ttft_ms": "ttft", "tpot_ms": "tpot"}


def score_rows(
    *,
    rows: list[dict[str, Any]],
    coefficients: Coefficients,
    accelerators: pd.DataFrame,
    architectures: pd.DataFrame | None = None,
) -> list[dict[str, Any]]:
    """Return one dictionary a row: id, source_id, accelerator, metric, value, predicted, low, high, status, reason.

    ``low`` and ``high`` are the 80 % interval of the tuned reference. ``architectures`` is the catalog's frame (by
    default the shipped file).
    A row's value, id, source and notes take no part in its prediction.
    """
    understood, reasons = understand(rows, accelerators=accelerators, architectures=architectures)
    good = [index for index, row in enumerate(understood) if row is not None]
    kept = [row for row in understood if row is not None]
    predicted = np.full(len(rows), np.nan)
    spread = np.full(len(rows), np.nan)
    if kept:
        run = compile_rows(kept, accelerators=accelerators)
        predicted[good] = predict(run, value=lambda name: coefficients.get(f"inference.{name}").value)
        spread[good] = _spreads(run, coefficients=coefficients)
    answers = []
    for index, row in enumerate(rows):
        value, width = float(predicted[index]), math.exp(Z80 * spread[index]) if spread[index] > 0 else math.nan
        ok = math.isfinite(value)
        answers.append(
            {
                "id": row.get("id"),
                "source_id": row.get("source_id"),
                "accelerator": row.get("accelerator"),
                "metric": row.get("metric"),
                "value": row.get("value"),
                "predicted": value if ok else None,
                "low": value / width if ok else None,
                "high": value * width if ok else None,
                "status": "ok" if ok else "unsupported",
                "reason": reasons[index]
                or ("" if ok else f"the catalog states no peak or bandwidth of {row.get('accelerator')}"),
            }
        )
    return answers


def understand(
    rows: Sequence[Mapping[str, Any]], *, accelerators: pd.DataFrame, architectures: pd.DataFrame | None = None
) -> tuple[list[Served | None], list[str]]:
    """Return each row understood, or None with the reason why it cannot be."""
    if architectures is None:
        architectures = pd.read_csv(files.DIRECTORY / "architectures.csv", keep_default_na=False)
    known = known_architectures(architectures)
    ids = accelerators["id"].astype(str).tolist()
    stacks = accelerators["software_stack"].astype(str).tolist()
    understood: list[Served | None] = []
    reasons = []
    for row in rows:
        try:
            understood.append(served(row, ids=ids, stacks=stacks, known=known))
            reasons.append("")
        except ValueError as error:
            understood.append(None)
            reasons.append(str(error))
    return understood, reasons


@dataclass(frozen=True, slots=True)
class Run:
    """Rows × the layouts and loads that each may have run with, as flat arrays; ``owner`` is the row of an entry."""

    rows: tuple[Served, ...]
    chips: Chips  # by row
    shape: Shape  # by entry
    owner: npt.NDArray[np.int64]
    layout: Layout  # by entry
    replicas: Array  # by entry
    share: Array  # of the slots, NaN where the concurrency is stated
    in_flight: Array  # per replica, NaN where it is a share of the slots
    stacks: tuple[str, ...]
    weights: tuple[str, ...]
    kv: tuple[str, ...]


def compile_rows(rows: Sequence[Served], *, accelerators: pd.DataFrame) -> Run:
    """Return the rows expanded into entries, ready to be predicted with any coefficients."""
    entries = [
        (index, *option, share)
        for index, row in enumerate(rows)
        for option in _options(row)
        for share in (_SHARES if row.mode == "server" else (1.0,))
    ]
    owner = np.array([entry[0] for entry in entries], dtype=np.int64)
    tensor, pipeline, data, kv_ranks, replicas, share = np.array([entry[1:] for entry in entries], dtype=float).T
    concurrency = np.array([row.concurrency for row in rows])[owner]
    stated = np.isfinite(concurrency)
    replicas = np.where(stated, np.minimum(replicas, np.maximum(concurrency, 1.0)), replicas)  # the others are idle
    return Run(
        rows=tuple(rows),
        chips=chips(accelerators, rows=[row.chip for row in rows]),
        shape=take(shapes_of(rows), owner),
        owner=owner,
        layout=Layout(
            tensor=tensor,
            pipeline=pipeline,
            data=data,
            kv_ranks=kv_ranks,
        ),
        replicas=replicas,
        share=np.where(stated, np.nan, share),
        in_flight=concurrency / replicas,
        stacks=tuple(row.stack for row in rows),
        weights=tuple(row.weights for row in rows),
        kv=tuple(row.kv for row in rows),
    )


def _options(row: Served) -> list[tuple[float, float, float, float, float]]:
    """Return (tensor, pipeline, data, kv ranks, replicas) of the layouts that the row leaves open."""
    count = row.accelerators
    if row.tensor is not None:
        ranks = row.tensor * row.pipeline * row.data
        return [(row.tensor, row.pipeline, row.data, max(row.kv_ranks, row.tensor), max(count / ranks, 1.0))]
    heads = row.architecture.heads
    fitting = [way for way in _WAYS if way <= count and (heads % way == 0 or way == count)] or [1]
    if row.mode == "static":
        fitting = [count]
    elif row.mode == "closed":
        fitting = fitting[-1:]
    stages = (1, 2, 4) if row.mode in ("offline", "server") else (1,)
    options = [
        (float(way), float(stage), 1.0, float(way), count / way / stage)
        for way in fitting
        for stage in stages
        if way * stage <= count
    ]
    if row.architecture.is_moe and row.mode != "static":
        options += [(1.0, 1.0, float(way), 1.0, count / way) for way in fitting if way > 1]
    return options


def predict(run: Run, *, value: Callable[[str], float]) -> Array:
    """Return the predicted figure of each row in the unit of its metric; NaN where the model does not fit.

    Offline: the layout with the most throughput, its cache full. Latency-bounded: the most throughput over layouts
    and loads whose 99th percentiles
    keep the limits. Otherwise the stated concurrency.
    """
    point, late, slots = _operate(run, value=value)
    rows, owner = run.rows, run.owner
    mode = np.array([row.mode for row in rows])[owner]
    outputs = np.array([row.output_tokens for row in rows])[owner]
    total = point.requests_per_s * outputs * run.replicas
    fits = slots >= np.where(mode == "static", 0.0, 1.0)
    bounded = np.flatnonzero(mode == "server").reshape(-1, len(_SHARES))  # one line a layout, loads rising
    merit = np.where(fits, total, total * 1e-9)  # what does not fit by our memory model ran all the same
    if len(bounded):
        keep, capacity = _capacity(
            total=total[bounded],
            late=(np.asarray(late.ttft_p99_s)[bounded], np.asarray(late.tpot_p99_s)[bounded]),
            limits=(
                np.array([row.ttft_limit_s for row in rows])[owner[bounded]],
                np.array([row.tpot_limit_s for row in rows])[owner[bounded]],
            ),
        )
        merit[bounded] = merit[bounded] * 1e-12
        chosen = bounded[np.arange(len(bounded)), keep]
        feasible = capacity > 0
        merit[chosen] = np.where(feasible, np.where(fits[chosen], capacity, capacity * 1e-9), merit[chosen])
        total[chosen] = np.where(feasible, capacity, total[chosen])
    best = _best(merit, owner=owner, count=len(rows))
    return _figure(run, point=point, total=total, best=best)


def _capacity(
    *, total: Array, late: tuple[Array, Array], limits: tuple[Array, Array]
) -> tuple[npt.NDArray[np.int64], Array]:
    """Return, for each layout, the last load that keeps the limits and the throughput where the first limit is met.

    Between the last load that keeps them and the first that does not, throughput is interpolated by how far each is
    from its limit; 0
    where no load keeps them.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slack = np.minimum(
            np.nan_to_num(np.log(limits[0] / late[0]), nan=-5.0, neginf=-5.0),
            np.nan_to_num(np.log(limits[1] / late[1]), nan=-5.0, neginf=-5.0),
        )
    keeps = np.minimum.accumulate(slack >= 0, axis=1)
    last = np.maximum(keeps.sum(axis=1) - 1, 0)
    following = np.minimum(last + 1, total.shape[1] - 1)
    line = np.arange(len(total))
    here, there = slack[line, last], slack[line, following]
    weight = np.where(following > last, here / np.maximum(here - there, 1e-12), 0.0)
    low, high = total[line, last], total[line, following]
    return last, np.where(keeps[:, 0], low * (high / low) ** np.clip(weight, 0.0, 1.0), 0.0)


def _best(merit: Array, *, owner: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    order = np.lexsort((merit, owner))
    return order[np.searchsorted(owner[order], np.arange(count), side="right") - 1]


def _figure(run: Run, *, point: Point, total: Array, best: npt.NDArray[np.int64]) -> Array:
    metric = np.array([row.metric for row in run.rows])
    count = np.array([row.accelerators for row in run.rows], dtype=float)
    outputs = np.array([row.output_tokens for row in run.rows])
    ttft_s, tpot_s, tokens = np.asarray(point.ttft_s)[best], np.asarray(point.tpot_s)[best], total[best]
    figures = {
        "output_tokens_per_s": tokens,
        "output_tokens_per_s_per_accel": tokens / count,
        "ttft_ms": ttft_s * 1e3,
        "tpot_ms": tpot_s * 1e3,
        "e2e_latency_s": ttft_s + tpot_s * np.maximum(outputs - 1, 0.0),
    }
    answer = np.full(len(run.rows), np.nan)
    for name in METRICS:
        answer = np.where(metric == name, figures[name], answer)
    return answer


def _operate(run: Run, *, value: Callable[[str], float]) -> tuple[Point, Any, Array]:
    rows, owner = run.rows, run.owner
    by_row = pace(
        chips=run.chips,
        stacks=run.stacks,
        weights=run.weights,
        kv=run.kv,
        moe=[row.architecture.is_moe for row in rows],
        value=value,
    )
    paces = type(by_row)(**{name: np.asarray(getattr(by_row, name))[owner] for name in by_row.__slots__})

    def by_stack(template: str) -> Array:
        table = {name: value(template.format(name)) for name in set(run.stacks)}
        return np.array([table[name] for name in run.stacks])[owner]

    mode = np.array([row.mode for row in rows])[owner]
    inputs = np.array([row.input_tokens for row in rows])[owner]
    outputs = np.array([row.output_tokens for row in rows])[owner]
    closed = (mode == "closed") | (mode == "static")
    slots = sequences_max(
        shape=run.shape,
        pace=paces,
        layout=run.layout,
        memory_gb=run.chips.memory_gb[owner],
        usable_fraction=by_stack("usable_memory_fraction.{}"),
        cache_fraction=by_stack("cache_fraction.{}"),
        reserve_gb=value("reserve_gb"),
        context_tokens=inputs + by_stack("output_kept.{}") * outputs,
    )
    most = by_stack("sequences_max.{}") * run.layout.data
    # A stated load that does not fit by our memory model ran all the same: then the cache bounds nothing we know of.
    unknown = closed & (slots < 1)
    held = np.where(unknown, most, np.maximum(np.minimum(slots, most), 1.0))
    load = Load(
        input_tokens=inputs,
        output_tokens=outputs,
        context_tokens=inputs + outputs / 2,
        prefill_keys=inputs / 2,
        chunk_tokens=by_stack("chunk_tokens.{}"),
        request_s=np.where(closed, by_stack("request_ms.{}") * 1e-3, 0.0),
        burst=np.where(mode == "closed", value("burst"), 0.0),
        static=mode == "static",
    )
    in_flight = np.where(np.isfinite(run.in_flight), run.in_flight, np.maximum(held * np.nan_to_num(run.share), 1.0))
    point = operate(
        shape=run.shape,
        pace=paces,
        layout=run.layout,
        load=load,
        in_flight=in_flight,
        slots=np.where(mode == "static", in_flight, held),
    )
    late = tail(point=point, load=load, slots=held, variation=value("arrival_variation"))
    return point, late, slots


def _spreads(run: Run, *, coefficients: Coefficients) -> Array:
    kinds: dict[tuple[str, str], str] = {}
    spread = []
    for row, name in zip(run.rows, run.chips.ids, strict=True):
        pair = (name, row.stack)
        if pair not in kinds:
            kinds[pair] = evidence_class(accelerator=name, stack=row.stack, coefficients=coefficients)
        metric = _SPREADS.get(row.metric, "throughput")
        spread.append(coefficients.get(f"inference.spread.{metric}.{kinds[pair]}").value)
    return np.array(spread)
