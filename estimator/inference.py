"""The door of the inference model: what a traffic needs on each kind of hardware."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catalog.units import HOURS_PER_MONTH
from estimator import elasticity, uncertainty
from estimator.architecture import Architecture
from estimator.coefficients import Coefficients
from estimator.serving_load import Load, Point, operate, operate_apart
from estimator.serving_memory import sequences_max, weights_gb
from estimator.serving_pace import Chips, design, link, normal_precision, pace, published_format
from estimator.serving_shape import Shape, shape
from estimator.serving_step import Layout, Pace
from estimator.serving_tail import Tail, tail
from estimator.uncertainty import Range
from estimator.workload import Targets, Traffic

Array = npt.NDArray[np.float64]

# The newest stack preset that serves each software stack.
STACKS = {"cuda": "vllm", "rocm": "vllm", "neuron": "nxd", "xla": "tpu", "maia": "vllm"}
# Cores of a chip that hold cache of their own: Neuron shards over logical cores, not over chips.
CORES = {"inferentia2": 2, "trainium1": 2, "trainium2": 4, "trainium3": 4}

Z80 = 1.2815515655446004  # half-width of an 80 % interval in standard deviations
_GRID = 20
_WAYS = (1, 2, 4, 8, 16, 32, 64)

# One row a SKU; a SKU's answer depends on these columns only.
HARDWARE = (
    "accelerator",
    "accelerators_count",
    "software_stack",
    "bf16_tflops",
    "fp8_tflops",
    "fp4_tflops",
    "int8_tops",
    "accelerator_memory_gb",
    "memory_bandwidth_gb_per_s",
    "scaleup_gb_per_s",
    "scaleup_domain_accelerators",
    "fabric_gbps",
    "serves",
)

RANGES = (
    "replicas_count",
    "instances_count",
    "instance_hours_per_month",
    "idle_instance_hours_per_month",
    "release_fraction",
    "ttft_ms",
    "tpot_ms",
    "latency_ms",
    "tokens_per_s",
    "tuned_tokens_per_s",
    "instance_tokens_per_s",
    "instance_tuned_tokens_per_s",
)
COLUMNS = (
    "fits",
    "estimable",
    "estimate_reason",
    "layout",
    "accelerators_per_replica",
    *(f"{name}_{end}" for name in RANGES for end in ("low", "typical", "high")),
    "concurrency",
    "concurrency_max",
    "memory_gb_per_accelerator",
    "memory_headroom_fraction",
    "utilisation_fraction",
    "peak_provisioned",
    "scale_up_s",
    "evidence",
)


@dataclass(frozen=True, slots=True)
class Precision:
    """How weights and cache are stored; ``kv`` blank follows the weights: 8 bits with 8- or 4-bit arithmetic, else
    16."""

    weights: str = "bf16"  # bf16 | fp16 | fp8 | fp4 | int8 | int4, or "…-weight-only" for 16-bit arithmetic
    kv: str = ""

    def cache(self) -> str:
        """Return the storage format of the cache."""
        if self.kv:
            return self.kv
        name, stored_only = normal_precision(self.weights)
        return "fp8" if name in ("fp8", "fp4", "mxfp4") and not stored_only else "bf16"


def estimate_inference(
    *,
    architecture: Architecture,
    traffic: Traffic,
    targets: Targets,
    precision: Precision,
    hardware: pd.DataFrame,
    batch: bool,
    coefficients: Coefficients,
    accepted_tokens: float = 1.0,
    disaggregated: bool = False,
) -> pd.DataFrame:
    """Return what the traffic needs on each row of ``hardware``, one row for one; columns as in ``COLUMNS``.

    Every layout (tensor, pipeline, attention-data and expert parallel) that fits the memory is run over a grid of
    batch sizes;
    the chosen one needs the fewest instances at peak with the targets kept, then the fewest accelerators. Times are
    95th percentiles at the planned peak load. ``tuned_`` figures are what published results reach, the others what a
    typical team plans with.
    ``requests_per_s_mean`` is over the hours with traffic. ``accepted_tokens`` per step comes from speculative
    decoding (1 = none);
    ``disaggregated`` reads prompts on replicas of their own. Valid for decoder-only transformers. Source:
    docs/model_inference.md.
    """
    missing = [column for column in HARDWARE if column not in hardware.columns]
    if missing:
        raise ValueError(f"hardware lacks the columns {', '.join(missing)}")
    unknown = _unknown(traffic)
    if unknown or hardware.empty:
        return _unanswered(hardware, reason=unknown)
    distinct = hardware.loc[:, list(HARDWARE)].copy()
    key = pd.MultiIndex.from_frame(distinct.astype(object).where(distinct.notna(), None))
    codes, first = pd.factorize(key)
    rows = distinct.iloc[np.unique(codes, return_index=True)[1]].reset_index(drop=True)
    del first
    question = _Question(
        architecture=architecture,
        traffic=traffic,
        targets=targets,
        precision=precision,
        batch=batch,
        accepted_tokens=accepted_tokens,
        disaggregated=disaggregated,
        coefficients=coefficients,
    )
    answers = _answer(rows=rows, question=question)
    return answers.iloc[codes].set_axis(hardware.index)


def _unknown(traffic: Traffic) -> str:
    missing = [
        text
        for name, text in (
            ("requests_per_s_mean", "requests per second"),
            ("input_tokens", "input tokens per request"),
            ("output_tokens", "output tokens per request"),
        )
        if not getattr(traffic, name)
    ]
    return f"not stated: {', '.join(missing)}" if missing else ""


def _unanswered(hardware: pd.DataFrame, *, reason: str) -> pd.DataFrame:
    frame = _blank(len(hardware)).set_axis(hardware.index)
    frame["estimate_reason"] = reason
    return frame


def _blank(count: int) -> pd.DataFrame:
    frame = pd.DataFrame(np.nan, index=range(count), columns=list(COLUMNS))
    for column, value in (("fits", False), ("estimable", False), ("peak_provisioned", True)):
        frame[column] = np.full(count, value)
    for column in ("estimate_reason", "layout"):
        frame[column] = pd.Series([""] * count, dtype=object)
    frame["evidence"] = pd.Series([()] * count, dtype=object)
    return frame


@dataclass(frozen=True, slots=True)
class _Question:
    architecture: Architecture
    traffic: Traffic
    targets: Targets
    precision: Precision
    batch: bool
    accepted_tokens: float
    disaggregated: bool
    coefficients: Coefficients

    def value(self, name: str) -> float:
        return self.coefficients.get(f"inference.{name}").value

    @property
    def given_back(self) -> tuple[str, ...]:
        """The coefficients of what a service gives back between peaks."""
        return tuple(entry.id for entry in self.coefficients.group("cost.release_fraction").values())

    @property
    def input_tokens(self) -> float:
        return float(self.traffic.input_tokens or 0.0)

    @property
    def output_tokens(self) -> float:
        return float(self.traffic.output_tokens or 0.0)

    @property
    def computed_tokens(self) -> float:
        """Input tokens that no prefix cache serves; the last one is always computed."""
        return max(self.input_tokens * (1 - (self.traffic.cached_fraction or 0.0)), 1.0)

    @property
    def peak_requests_per_s(self) -> float:
        mean = float(self.traffic.requests_per_s_mean or 0.0)
        return mean if self.batch else mean * (self.traffic.peak_factor or 1.0)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Pairs of a hardware row and a layout whose weights fit."""

    row: npt.NDArray[np.int64]
    layout: Layout
    slots: Array
    weights_gb: Array


def _answer(*, rows: pd.DataFrame, question: _Question) -> pd.DataFrame:
    frame = _blank(len(rows))
    chips = _chips(rows)
    stacks = [STACKS.get(name, "vllm") for name in rows["software_stack"].astype(str)]
    stored = published_format(question.precision.weights, model=question.architecture.id)
    weights, kv = [stored] * len(rows), [question.precision.cache()] * len(rows)
    model = shape(question.architecture)
    paces = pace(
        chips=chips,
        stacks=stacks,
        weights=weights,
        kv=kv,
        moe=[question.architecture.is_moe] * len(rows),
        value=question.value,
    )
    known = np.isfinite(chips.bf16_flops_per_s) & np.isfinite(chips.memory_gb) & np.isfinite(chips.bytes_per_s)
    serves = rows["serves"].to_numpy() != "no"
    reasons = np.where(known, "", "the maker states no peak, memory or bandwidth for this accelerator")
    reasons = np.where(serves, reasons, "this accelerator does not serve language models")
    shares = pd.to_numeric(rows["accelerators_count"], errors="coerce").to_numpy(dtype=float) < 1
    reasons = np.where(shares, "a share of an accelerator: its speed is not stated", reasons)
    serves &= ~shares
    frame["estimate_reason"] = reasons
    candidates = _candidates(
        rows=rows, chips=chips, stacks=stacks, paces=paces, model=model, usable=known & serves, question=question
    )
    fitting = np.zeros(len(rows), dtype=bool)
    fitting[candidates.row] = True
    frame.loc[known & serves & ~fitting, "estimate_reason"] = (
        "the weights and one request do not fit the accelerators that can work together here"
    )
    if len(candidates.row):
        _fill(
            frame=frame,
            rows=rows,
            stacks=stacks,
            candidates=candidates,
            paces=paces,
            model=model,
            question=question,
        )
    return frame


def _chips(rows: pd.DataFrame) -> Chips:
    def numbers(column: str, factor: float) -> Array:
        return pd.to_numeric(rows[column], errors="coerce").to_numpy(dtype=float) * factor

    return Chips(
        ids=tuple(rows["accelerator"].astype(str)),
        bf16_flops_per_s=numbers("bf16_tflops", 1e12),
        fp8_flops_per_s=numbers("fp8_tflops", 1e12),
        fp4_flops_per_s=numbers("fp4_tflops", 1e12),
        int8_ops_per_s=numbers("int8_tops", 1e12),
        memory_gb=numbers("accelerator_memory_gb", 1.0),
        bytes_per_s=numbers("memory_bandwidth_gb_per_s", 1e9),
        link_bytes_per_s=numbers("scaleup_gb_per_s", 1e9),
    )


def _candidates(
    *,
    rows: pd.DataFrame,
    chips: Chips,
    stacks: list[str],
    paces: Pace,
    model: Shape,
    usable: npt.NDArray[np.bool_],
    question: _Question,
) -> _Candidates:
    """Return the layouts that each row can hold: memory first, time later."""
    architecture = question.architecture
    counts = pd.to_numeric(rows["accelerators_count"], errors="coerce").fillna(0).to_numpy(dtype=float)
    domains = pd.to_numeric(rows["scaleup_domain_accelerators"], errors="coerce").fillna(0).to_numpy(dtype=float)
    together = np.maximum(counts, domains)
    fabric = pd.to_numeric(rows["fabric_gbps"], errors="coerce").to_numpy(dtype=float)
    ways = sorted({*_WAYS, *counts[counts >= 1].astype(int).tolist()})
    table = [(tensor, pipeline, 1) for tensor in ways for pipeline in (1, 2, 4)]
    if architecture.is_moe:
        table += [(1, 1, data) for data in ways if data > 1]
    layouts = np.array(table, dtype=float)
    row, pick = (part.ravel() for part in np.meshgrid(np.arange(len(rows)), np.arange(len(layouts)), indexing="ij"))
    tensor, pipeline, data = layouts[pick].T
    pads = np.isin(rows["software_stack"].astype(str).to_numpy(), ("neuron", "xla"))[row]
    whole = (architecture.heads % tensor == 0) | (pads & (tensor == counts[row]))
    ranks = tensor * data
    # Tensor and expert parallelism stay inside the scale-up domain; pipeline stages may cross whole nodes over a
    # fabric.
    inside = ranks * pipeline <= together[row]
    reach = inside | ((ranks == counts[row]) & np.isfinite(fabric[row]))
    size = ranks * pipeline
    whole_nodes = (size <= counts[row]) | (size % np.maximum(counts[row], 1) == 0)
    keep = usable[row] & (counts[row] >= 1) & whole & (ranks <= together[row]) & reach & whole_nodes
    if architecture.is_moe:
        keep &= (data == 1) | (architecture.experts_count % data == 0)
    row, tensor, pipeline, data = row[keep], tensor[keep], pipeline[keep], data[keep]
    cores = np.array([CORES.get(name, 1) for name in chips.ids], dtype=float)
    layout = Layout(tensor=tensor, pipeline=pipeline, data=data, kv_ranks=tensor * cores[row])
    per = _take(paces, row)
    usable_fraction = np.array([question.value(f"usable_memory_fraction.{name}") for name in stacks])[row]
    cap = np.array([question.value(f"sequences_max.{name}") for name in stacks])[row]
    held = question.input_tokens + _by_stack(question, "output_kept.{}", np.array(stacks))[row] * question.output_tokens
    slots = sequences_max(
        shape=model,
        pace=per,
        layout=layout,
        memory_gb=chips.memory_gb[row],
        usable_fraction=usable_fraction,
        cache_fraction=np.array([question.value(f"cache_fraction.{name}") for name in stacks])[row],
        reserve_gb=question.value("reserve_gb"),
        context_tokens=held,
    )
    slots = np.minimum(np.floor(slots), cap * data)
    fit = slots >= np.maximum(1.0, data)
    return _Candidates(
        row=row[fit],
        layout=Layout(tensor=tensor[fit], pipeline=pipeline[fit], data=data[fit], kv_ranks=layout.kv_ranks[fit]),
        slots=slots[fit],
        weights_gb=np.asarray(weights_gb(shape=model, pace=per, layout=layout))[fit],
    )


def _take(record: Any, rows: Any) -> Any:
    """Return a record of arrays with only ``rows`` (an index array, or a slice that adds an axis)."""
    return type(record)(**{f.name: np.asarray(getattr(record, f.name))[rows] for f in fields(record)})


def _column(record: Any) -> Any:
    """Return a record of arrays as columns, so that a grid can stand beside them."""
    return type(record)(**{f.name: np.asarray(getattr(record, f.name))[:, None] for f in fields(record)})


def _fill(
    *,
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    stacks: list[str],
    candidates: _Candidates,
    paces: Pace,
    model: Shape,
    question: _Question,
) -> None:
    per_row = np.array(stacks)
    load = Load(
        input_tokens=question.computed_tokens,
        output_tokens=question.output_tokens,
        context_tokens=question.input_tokens + question.output_tokens / 2,
        prefill_keys=question.input_tokens - question.computed_tokens / 2,
        chunk_tokens=_by_stack(question, "chunk_tokens.{}", per_row)[candidates.row][:, None],
        request_s=_by_stack(question, "request_ms.{}", per_row)[candidates.row][:, None] * 1e-3,
        burst=0.0,
        accepted_tokens=question.accepted_tokens,
        draft_cost=question.value("draft_cost") if question.accepted_tokens > 1 else 0.0,
    )
    share = np.linspace(0.0, 1.0, _GRID)
    in_flight = np.maximum((0.95 * candidates.slots[:, None]) ** share, 1.0)
    per, layout = _column(_take(paces, candidates.row)), _column(candidates.layout)
    if question.disaggregated:
        point = operate_apart(
            shape=model,
            pace=per,
            layout=layout,
            load=load,
            in_flight=in_flight,
            transfer_fraction=question.value("disaggregated_transfer"),
            prefill_utilisation=question.value("target_utilisation"),
        )
    else:
        point = operate(shape=model, pace=per, layout=layout, load=load, in_flight=in_flight)
    late = tail(point=point, load=load, slots=candidates.slots[:, None], variation=question.value("arrival_variation"))
    plan = _plan(rows=rows, candidates=candidates, point=point, late=late, in_flight=in_flight, question=question)
    _write(frame=frame, rows=rows, stacks=stacks, candidates=candidates, point=point, plan=plan, question=question)


def _by_stack(question: _Question, template: str, stacks: npt.NDArray[np.str_]) -> Array:
    table = {name: question.value(template.format(name)) for name in set(stacks.tolist())}
    return np.array([table[name] for name in stacks.tolist()])


@dataclass(frozen=True, slots=True)
class _Plan:
    """The choice of each hardware row: index into the candidates, and the figures at the planned load."""

    rows: npt.NDArray[np.int64]
    choice: npt.NDArray[np.int64]
    misses: npt.NDArray[np.bool_]  # no load keeps the targets: figures are those of the lightest load
    capacity: Array  # tuned requests per second of one replica, targets kept
    replicas: Array  # 3 × rows: low, typical, high; with spares
    instances: Array  # 3 × rows
    late: Array  # 3 × rows: ttft, tpot, latency of the tuned reference at the planned load
    in_flight: Array
    load_requests_per_s: Array  # per replica at peak
    factor: float
    spread: Array  # rows × (throughput, tpot, ttft)


def _plan(
    *,
    rows: pd.DataFrame,
    candidates: _Candidates,
    point: Point,
    late: Tail,
    in_flight: Array,
    question: _Question,
) -> _Plan:
    factor = question.value("planning_factor")
    kept = _kept(late=late, factor=factor, question=question)
    rate = np.where(kept, point.requests_per_s, 0.0)
    best = np.argmax(rate, axis=1)
    pick = np.arange(len(best))
    capacity = rate[pick, best]
    misses = capacity <= 0
    capacity = np.where(misses, point.requests_per_s[:, 0], capacity)
    best = np.where(misses, 0, best)
    instances, _ = _instances(rows=rows, candidates=candidates, capacity=capacity * factor, question=question)
    order = np.lexsort(
        (-candidates.slots, candidates.layout.accelerators, instances, misses, candidates.row)
    )  # fewest instances, then accelerators
    starts = np.unique(candidates.row[order], return_index=True)[1]
    choice = order[starts]
    chosen_rows = candidates.row[choice]
    spare = 0.0 if question.batch else question.value("spare_replicas")
    spread = _spread(rows=rows, chosen=chosen_rows, question=question)
    low_high: list[tuple[Array, Array]] = []
    for sign in (1.0, 0.0, -1.0):  # more throughput, fewer instances
        scale = factor * np.exp(sign * Z80 * np.hypot(spread[:, 0], _planning_spread(question)))
        few, count = _instances(
            rows=rows, candidates=candidates, capacity=capacity, question=question, choice=choice, scale=scale
        )
        missed = misses[choice]
        low_high.append((np.where(missed, np.nan, few), np.where(missed, np.nan, count)))
    serving = np.nan_to_num(np.maximum(low_high[1][1] - spare, 1.0), nan=np.inf)
    per_replica = question.peak_requests_per_s / serving  # the spare is taken as down
    at = _at(grid=point.requests_per_s[choice], wanted=per_replica / factor)
    tuned = np.stack([_pick(value[choice], at) for value in (late.ttft_p95_s, late.tpot_p95_s, late.latency_p99_s)])
    return _Plan(
        rows=chosen_rows,
        choice=choice,
        misses=misses[choice],
        capacity=capacity[choice],
        replicas=np.stack([count for _, count in low_high]),
        instances=np.stack([few for few, _ in low_high]),
        late=tuned,
        in_flight=_pick(in_flight[choice], at),
        load_requests_per_s=per_replica,
        factor=factor,
        spread=spread,
    )


def _kept(*, late: Tail, factor: float, question: _Question) -> npt.NDArray[np.bool_]:
    """Return where the planned times keep the targets; a batch workload has none."""
    if question.batch:
        return np.ones_like(late.tpot_p95_s, dtype=bool)
    targets = question.targets
    stated = targets.ttft_p95_ms or targets.tpot_p95_ms or targets.latency_p99_ms
    ttft_ms = targets.ttft_p95_ms or (None if stated else question.value("default_ttft_p95_ms"))
    tpot_ms = targets.tpot_p95_ms or (None if stated else question.value("default_tpot_p95_ms"))
    kept: npt.NDArray[np.bool_] = np.isfinite(late.ttft_p95_s)
    for limit_ms, time_s in (
        (ttft_ms, late.ttft_p95_s),
        (tpot_ms, late.tpot_p95_s),
        (targets.latency_p99_ms, late.latency_p99_s),
    ):
        if limit_ms:
            kept &= np.nan_to_num(time_s, nan=np.inf) * 1e3 / factor <= limit_ms
    return kept


def _instances(
    *,
    rows: pd.DataFrame,
    candidates: _Candidates,
    capacity: Array,
    question: _Question,
    choice: npt.NDArray[np.int64] | None = None,
    scale: Array | float = 1.0,
) -> tuple[Array, Array]:
    """Return instances and replicas at peak, spares included, in whole indivisible units."""
    if choice is None:
        choice = np.arange(len(candidates.row))
    per_instance = pd.to_numeric(rows["accelerators_count"]).to_numpy(dtype=float)[candidates.row[choice]]
    size = np.asarray(candidates.layout.accelerators)[choice]
    utilisation = 1.0 if question.batch else question.value("target_utilisation")
    spare = 0.0 if question.batch else question.value("spare_replicas")
    replicas = np.ceil(question.peak_requests_per_s / (capacity[choice] * scale * utilisation)) + spare
    packed = np.maximum(np.floor(per_instance / size), 1.0)  # replicas of one instance
    spread_over = np.maximum(np.ceil(size / per_instance), 1.0)  # instances of one replica
    return np.ceil(replicas / packed) * spread_over, replicas


def _at(*, grid: Array, wanted: Array) -> tuple[Array, Array, Array]:
    """Return for each row the two grid places around ``wanted`` and the weight of the upper one."""
    rising = np.maximum.accumulate(grid, axis=1)
    upper = np.clip((rising < wanted[:, None]).sum(axis=1), 0, grid.shape[1] - 1)
    lower = np.maximum(upper - 1, 0)
    pick = np.arange(len(upper))
    width = rising[pick, upper] - rising[pick, lower]
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(width > 0, (wanted - rising[pick, lower]) / width, 0.0)
    return lower, upper, np.clip(weight, 0.0, 1.0)


def _pick(grid: Array, at: tuple[Array, Array, Array]) -> Array:
    lower, upper, weight = at
    pick = np.arange(len(weight))
    low, high = grid[pick, lower], grid[pick, upper]
    found: Array = np.where(weight > 0, low + weight * (high - low), low)
    return found


def evidence_class(*, accelerator: str, stack: str, coefficients: Coefficients) -> str:
    """Return ``seen`` (chip design and stack calibrated together), ``chip`` (the design only) or ``unseen``."""
    name = design(accelerator)
    if f"inference.calibrated.{name}.{stack}" in coefficients:
        return "seen"
    return "chip" if coefficients.group(f"inference.calibrated.{name}") else "unseen"


def _spread(*, rows: pd.DataFrame, chosen: npt.NDArray[np.int64], question: _Question) -> Array:
    names = rows["accelerator"].astype(str).to_numpy()[chosen]
    software = rows["software_stack"].astype(str).to_numpy()[chosen]
    classes = {
        pair: evidence_class(accelerator=pair[0], stack=STACKS.get(pair[1], "vllm"), coefficients=question.coefficients)
        for pair in set(zip(names.tolist(), software.tolist(), strict=True))
    }
    kinds = [classes[pair] for pair in zip(names.tolist(), software.tolist(), strict=True)]
    return np.array(
        [[question.value(f"spread.{metric}.{kind}") for metric in ("throughput", "tpot", "ttft")] for kind in kinds]
    )


def _planning_spread(question: _Question) -> float:
    entry = question.coefficients.get("inference.planning_factor")
    return float(np.log(entry.high / entry.low) / (2 * Z80))


def _write(
    *,
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    stacks: list[str],
    candidates: _Candidates,
    point: Point,
    plan: _Plan,
    question: _Question,
) -> None:
    at = plan.rows
    layout = candidates.layout
    tensor, pipeline, data, size = (
        np.asarray(part)[plan.choice].astype(int)
        for part in (layout.tensor, layout.pipeline, layout.data, layout.accelerators)
    )
    frame.loc[at, "fits"] = ~plan.misses
    frame.loc[at, "estimable"] = True
    frame.loc[at[plan.misses], "estimate_reason"] = "no load on one replica keeps the latency targets"
    frame.loc[at, "layout"] = [
        _layout_text(tensor=t, pipeline=p, data=d, replicas=r)
        for t, p, d, r in zip(tensor, pipeline, data, plan.replicas[1], strict=True)
    ]
    frame.loc[at, "accelerators_per_replica"] = size
    for index, end in enumerate(("low", "typical", "high")):
        frame.loc[at, f"replicas_count_{end}"] = plan.replicas[index]
        frame.loc[at, f"instances_count_{end}"] = plan.instances[index]
    planning = np.hypot(plan.spread, _planning_spread(question))
    _write_times(frame=frame, plan=plan, planning=planning)
    _write_rates(frame=frame, rows=rows, plan=plan, size=size, planning=planning, question=question)
    _write_memory(frame=frame, rows=rows, candidates=candidates, plan=plan)
    _write_hours(frame=frame, rows=rows, candidates=candidates, plan=plan, size=size, question=question)
    evidence = _evidence(rows=rows, stacks=stacks, plan=plan, size=size, question=question)
    frame["evidence"] = pd.Series(
        [evidence.get(index, ()) for index in range(len(frame))], index=frame.index, dtype=object
    )


def _layout_text(*, tensor: int, pipeline: int, data: int, replicas: float) -> str:
    cut = f"DP{data}·EP{data}" if data > 1 else f"TP{tensor}"
    stages = f"·PP{pipeline}" if pipeline > 1 else ""
    if not np.isfinite(replicas):
        return f"{cut}{stages}"
    return f"{cut}{stages} × {replicas:.0f} replica{'s' if replicas != 1 else ''}"


def _ends(typical: Array, spread: Array) -> tuple[Array, Array, Array]:
    half = np.exp(Z80 * spread)
    return typical / half, typical, typical * half


def _write_times(*, frame: pd.DataFrame, plan: _Plan, planning: Array) -> None:
    for name, tuned_s, spread in (
        ("ttft_ms", plan.late[0], planning[:, 2]),
        ("tpot_ms", plan.late[1], planning[:, 1]),
        ("latency_ms", plan.late[2], planning[:, 1]),
    ):
        for end, values in zip(("low", "typical", "high"), _ends(tuned_s * 1e3 / plan.factor, spread), strict=True):
            frame.loc[plan.rows, f"{name}_{end}"] = values


def _write_rates(
    *,
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    plan: _Plan,
    size: npt.NDArray[np.int64],
    planning: Array,
    question: _Question,
) -> None:
    per_instance = pd.to_numeric(rows["accelerators_count"]).to_numpy(dtype=float)[plan.rows]
    in_instance = np.floor(per_instance / size)
    in_instance = np.where(in_instance > 0, in_instance, per_instance / size)
    one = plan.capacity * question.output_tokens
    fleet = plan.replicas[1]
    for prefix, count in (("instance_", in_instance), ("", fleet)):
        tuned = _ends(one * count, plan.spread[:, 0])
        planned = _ends(one * count * plan.factor, planning[:, 0])
        for end, high, low in zip(("low", "typical", "high"), tuned, planned, strict=True):
            frame.loc[plan.rows, f"{prefix}tuned_tokens_per_s_{end}"] = high
            frame.loc[plan.rows, f"{prefix}tokens_per_s_{end}"] = low
    frame.loc[plan.rows, "concurrency"] = plan.in_flight
    frame.loc[plan.rows, "utilisation_fraction"] = np.clip(
        plan.load_requests_per_s / (plan.capacity * plan.factor), 0.0, 1.0
    )


def _write_memory(*, frame: pd.DataFrame, rows: pd.DataFrame, candidates: _Candidates, plan: _Plan) -> None:
    total = pd.to_numeric(rows["accelerator_memory_gb"]).to_numpy(dtype=float)[plan.rows]
    weights = candidates.weights_gb[plan.choice]
    slots = candidates.slots[plan.choice]
    frame.loc[plan.rows, "concurrency_max"] = slots
    cache = (total * 0.9 - weights) * np.clip(plan.in_flight / slots, 0.0, 1.0)
    used = weights + np.maximum(cache, 0.0)
    frame.loc[plan.rows, "memory_gb_per_accelerator"] = used
    frame.loc[plan.rows, "memory_headroom_fraction"] = 1 - used / total


def _write_hours(
    *,
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    candidates: _Candidates,
    plan: _Plan,
    size: npt.NDArray[np.int64],
    question: _Question,
) -> None:
    """Write instance-hours a month and the part of them that only the peak needs."""
    counts = pd.to_numeric(rows["accelerators_count"]).to_numpy(dtype=float)[plan.rows]
    domains = pd.to_numeric(rows["scaleup_domain_accelerators"], errors="coerce").to_numpy(dtype=float)[plan.rows]
    software = rows["software_stack"].astype(str).to_numpy()[plan.rows]
    names = sorted(set(software.tolist()))
    warm = {name: question.value(f"elasticity.warmup_s.{name if name in STACKS else 'cuda'}") for name in names}
    released = question.coefficients.group("cost.release_fraction")
    release = elasticity.release_fraction(
        accelerators_count=counts,
        domain_accelerators=domains,
        **{name: uncertainty.of(entry) for name, entry in released.items()},
    )
    scarce = release.typical <= 0
    lag_s = elasticity.scale_up_s(
        acquire_s=np.where(
            scarce, question.value("elasticity.acquire_scarce_s"), question.value("elasticity.acquire_s")
        ),
        image_s=question.value("elasticity.image_s"),
        weights_gb=candidates.weights_gb[plan.choice],
        load_gb_per_s=question.value("elasticity.load_gb_per_s"),
        warmup_s=np.array([warm[name] for name in software.tolist()]),
    )
    frame.loc[plan.rows, "scale_up_s"] = lag_s
    hours = question.traffic.hours_per_day or 24.0
    month = HOURS_PER_MONTH
    # One replica stays up.
    least = Range(*(np.minimum(few, np.maximum(np.ceil(size / counts), 1.0)) for few in plan.instances))
    if question.batch:
        work = hours / 24
        frame.loc[plan.rows, "peak_provisioned"] = False
        release = uncertainty.exactly(np.full(len(plan.rows), np.nan))
        paid = Range(
            *(np.maximum(few * work, least_few) * month for few, least_few in zip(plan.instances, least, strict=True))
        )
    else:
        profile = elasticity.day_profile(peak_factor=max(question.traffic.peak_factor or 1.0, 1.0), hours_per_day=hours)
        work = float(profile.mean())
        # What a team would give back it can, as far as a replica ordered now serves before the load has grown.
        follows = elasticity.following_fraction(profile=profile, lag_s=lag_s)
        within = (1 - follows) / max(1 - work, 1e-9)
        release = Range(*(np.clip(np.minimum(share, within), 0.0, 1.0) for share in release))
        frame.loc[plan.rows, "peak_provisioned"] = scarce
        paid = elasticity.paid_hours(
            standing=Range(*(few * month for few in plan.instances)),
            needed=Range(
                *(np.maximum(few * work, top) * month for few, top in zip(plan.instances, least, strict=True))
            ),
            release=release,
        )
    idle = np.sort(
        [np.maximum(used - few * work * month, 0.0) for used, few in zip(paid, plan.instances, strict=True)], axis=0
    )
    for index, end in enumerate(("low", "typical", "high")):
        frame.loc[plan.rows, f"release_fraction_{end}"] = release[index]
        frame.loc[plan.rows, f"instance_hours_per_month_{end}"] = paid[index]
        frame.loc[plan.rows, f"idle_instance_hours_per_month_{end}"] = idle[index]


def _evidence(
    *, rows: pd.DataFrame, stacks: list[str], plan: _Plan, size: npt.NDArray[np.int64], question: _Question
) -> dict[int, tuple[str, ...]]:
    """Return the coefficients that each answered row stands on, by row."""
    names = rows["accelerator"].astype(str).tolist()
    found = {}
    targets = question.targets
    told = targets.ttft_p95_ms or targets.tpot_p95_ms or targets.latency_p99_ms
    assumed = [] if told or question.batch else ["default_ttft_p95_ms", "default_tpot_p95_ms"]
    for row, accelerators in zip(plan.rows.tolist(), size.tolist(), strict=True):
        chip, stack = design(names[row]), stacks[row]
        keys = [
            f"gemm_fraction.{chip}",
            f"bandwidth_fraction.{chip}",
            f"prefill_attention_fraction.{chip}",
            f"layer_us.{stack}",
            f"step_ms.{stack}",
            f"request_ms.{stack}",
            "planning_factor",
        ]
        keys += [] if question.batch else ["target_utilisation", "spare_replicas"]
        keys += ["expert_gemm_factor"] if question.architecture.is_moe else []
        keys += [f"collective_us.{link(chip)}", f"link_fraction.{link(chip)}"] if accelerators > 1 else []
        keys += assumed
        found[row] = (
            f"accelerator:{names[row]}",
            f"architecture:{question.architecture.id}",
            *(f"coefficient:inference.{key}" for key in keys),
            *(() if question.batch else question.given_back),
        )
    return found
