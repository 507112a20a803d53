"""Predictions for published training results: a row states a run, the model predicts its metric."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimator import spelling
from estimator.architecture import Architecture, ArchitectureError, from_row
from estimator.coefficients import Coefficients
from estimator.hardware import PRECISIONS, Hardware, family, from_frame, reference_frame, reference_peaks, vendor
from estimator.layouts import (
    FULL,
    MINIMAL,
    NONE,
    OFFLOADED,
    SELECTIVE,
    Choices,
    Layouts,
    enumerate_layouts,
    join,
    no_layouts,
)
from estimator.presets import (
    Links,
    Physics,
    Stack,
    allowed_pipelines,
    allowed_recompute,
    allowed_shardings,
    choose_stack,
    interval_class,
    links_of,
    physics_of,
    values_of,
)
from estimator.step import Shape, fill_memory, shape_of, stack_shapes, step_seconds
from estimator.training import NORMAL_80

Floats = NDArray[np.float64]

METRICS = (
    "step_time_s",
    "tokens_per_sec_per_accel",
    "tflops_per_accel",
    "mfu",
    "time_to_train_min",
    "accel_hours",
)

# A published row counts cores where the maker sells chips: cores that tensor parallelism counts, per accelerator.
_CORES = {"trainium1": 2, "trainium2": 4, "trainium3": 4}
# A rate per accelerator hardly depends on how many there are: where a row names no cluster, whole projects (hours) are
# taken to have had a large one, single rates a middling one.
_HOURS_ROWS_ACCELERATORS = 1024
_RATE_ROWS_ACCELERATORS = 256
_MOST_SEQUENCES = 100_000  # a global batch of more is stated in tokens, whatever its unit column says


class Unsupported(ValueError):
    """A row that the model cannot express; the text says why."""


@dataclass(frozen=True)
class Run:
    """One published run, read from the columns that configure and convert (never from its value or its source)."""

    architecture: Architecture
    accelerator: str
    accelerators: int
    slices: int
    sequence: int
    sequences: float
    method: str
    stack: Stack
    choices: Choices
    searched: bool  # the row states no layout: the search chose it
    metric: str
    convention: str
    train_tokens: float
    eval_tokens: float


@dataclass(frozen=True)
class Cases:
    """All runs and all their candidate layouts as flat arrays; ``owner`` is the run of each candidate."""

    runs: tuple[Run, ...]
    owner: NDArray[np.int64]
    layouts: Layouts
    shape: Shape
    hardware: Hardware
    links: Links

    def physics(self, values: Mapping[str, float]) -> Physics:
        """Return the physics of every candidate under the coefficients ``values``."""
        return physics_of(values=values, hardware=self.hardware, stacks=[run.stack for run in self.runs]).take(
            self.owner
        )

    def keep(self, index: Any) -> "Cases":
        """Return the same runs with only the candidates at ``index``."""
        return replace(
            self,
            owner=self.owner[index],
            layouts=self.layouts.take(index),
            shape=self.shape.take(index),
            links=self.links.take(index),
        )


def score_rows(
    *,
    rows: Sequence[Mapping[str, Any]],
    coefficients: Coefficients,
    accelerators: pd.DataFrame,
    architectures: pd.DataFrame,
) -> list[dict[str, Any]]:
    """Return, in order, id, source_id, accelerator, metric, value, predicted, low, high, status and reason of each row.

    ``low``/``high`` is the 80 % interval of the tuned reference in the row's metric. A row that cannot be expressed
    has status
    ``unsupported`` and a reason. ``value``, ``source_id``, ``source``, ``notes`` and ``id`` are copied, never read.
    """
    runs: list[Run] = []
    where: list[int] = []
    scored = [_blank(row) for row in rows]
    for position, row in enumerate(rows):
        try:
            runs.append(run_of(row, accelerators=accelerators, architectures=architectures))
            where.append(position)
        except (Unsupported, ArchitectureError) as error:
            scored[position]["reason"] = str(error)
    if not runs:
        return scored
    cases, empty = cases_of(runs=runs, accelerators=accelerators, coefficients=coefficients)
    if len(empty) == len(runs):
        for number, position in enumerate(where):
            scored[position]["reason"] = empty[number]
        return scored
    predicted = predict(cases=fitting(cases, coefficients=coefficients), values=values_of(coefficients))
    for number, position in enumerate(where):
        entry = scored[position]
        if number in empty:
            entry["reason"] = empty[number]
            continue
        spread = math.exp(NORMAL_80 * spread_of(runs[number], cases=cases, number=number, coefficients=coefficients))
        value = float(predicted[number])
        entry |= {"predicted": value, "low": value / spread, "high": value * spread, "status": "ok", "reason": ""}
    return scored


def spread_of(run: Run, *, cases: Cases, number: int, coefficients: Coefficients) -> float:
    """Return the standard deviation of ln(metric) that the evidence behind a run's generation and stack allows."""
    key = interval_class(family=str(cases.hardware.family[number]), stack=run.stack, coefficients=coefficients)
    return coefficients.get(key).value


def _blank(row: Mapping[str, Any]) -> dict[str, Any]:
    value = _number(row, "value")
    return {
        "id": row.get("id"),
        "source_id": row.get("source_id"),
        "accelerator": row.get("accelerator"),
        "metric": row.get("metric"),
        "value": value,
        "predicted": None,
        "low": None,
        "high": None,
        "status": "unsupported",
        "reason": "",
    }


# -- reading a row ----------------------------------------------------------------------------------------------


def run_of(row: Mapping[str, Any], *, accelerators: pd.DataFrame, architectures: pd.DataFrame) -> Run:
    """Return the run a published row states; ``Unsupported`` says what is missing."""
    metric = _text(row, "metric")
    if metric not in METRICS:
        raise Unsupported(f"metric {metric!r} is no training metric; known: {', '.join(METRICS)}")
    if metric in ("time_to_train_min", "accel_hours") and not _number(row, "total_train_tokens"):
        raise Unsupported(f"{metric} needs total_train_tokens, which is not stated")
    try:
        accelerator = spelling.accelerator(_text(row, "accelerator"), known=[str(name) for name in _ids(accelerators)])
    except spelling.UnknownPart as error:
        raise Unsupported(str(error)) from error
    architecture = resolve_architecture(row, architectures=architectures)
    usual = {"accel_hours": _HOURS_ROWS_ACCELERATORS, "step_time_s": 0, "time_to_train_min": 0}
    count = int(_number(row, "n_accelerators") or usual.get(metric, _RATE_ROWS_ACCELERATORS))
    if count <= 0:
        raise Unsupported("the number of accelerators is not stated")
    task = _text(row, "task")
    method = "lora" if "lora" in task.lower() else "full"
    date = _text(row, "date")
    recompute = _text(row, "recompute").lower()
    parallel = True if "sequence parallel" in recompute else None
    stack = choose_stack(
        vendor=vendor(family(accelerator)),
        precision=_text(row, "precision"),
        framework=_text(row, "framework"),
        date=date,
        sequence_parallel=parallel,
    )
    if stack.precision not in PRECISIONS:
        raise Unsupported(f"precision {stack.precision!r} is not modelled; known: {', '.join(PRECISIONS)}")
    executed = executed_precision(stack.precision, accelerator=accelerator, accelerators=accelerators)
    stack = replace(stack, precision=executed)
    sequence = int(_number(row, "seq_len") or _usual_sequence(architecture=architecture, stack=stack))
    batch = _number(row, "global_batch")
    if batch and (_text(row, "global_batch_unit").startswith("token") or batch > _MOST_SEQUENCES):
        batch = batch / sequence
    sequences = max(round(batch), 1) if batch else max(round(4e6 / sequence), 1)
    return Run(
        architecture=architecture,
        accelerator=accelerator,
        accelerators=count,
        slices=_slices(_text(row, "instance")),
        sequence=sequence,
        sequences=float(sequences),
        method=method,
        stack=stack,
        choices=_choices(row, accelerator=accelerator, recompute=recompute, stack=stack),
        searched=not _number(row, "tp"),
        metric=metric,
        convention=_text(row, "flops_convention") or "causal_half",
        train_tokens=_number(row, "total_train_tokens") or math.nan,
        eval_tokens=_number(row, "eval_tokens") or 0.0,
    )


def executed_precision(precision: str, *, accelerator: str, accelerators: pd.DataFrame) -> str:
    """Return the precision in which an accelerator multiplies what a row calls ``precision``.

    A published row ran. A format the chip has no unit for is unpacked to the next one it has: 4 bit to 8, 8 to 16; 16
    bit of one kind to 16 bit of the other.
    """
    peaks = reference_peaks([accelerator], accelerators=accelerators)
    wider = {"fp4": "fp8", "fp8-mx": "fp8", "int8": "fp8", "fp8": "bf16", "bf16": "fp16"}
    name = precision
    while np.isnan(peaks[name][0]) and name in wider:
        name = wider[name]
    return precision if np.isnan(peaks[name][0]) else name


def resolve_architecture(row: Mapping[str, Any], *, architectures: pd.DataFrame) -> Architecture:
    """Return the architecture of a row: its columns, completed by the catalog's shape of the same name.

    The catalog counts where its layers and width are those of the row, or the row leaves them blank. A row with
    nothing but
    a parameter count becomes a GPT-like shape of that size.
    """
    found = _in_catalog(_text(row, "model"), architectures)
    layers, hidden = _number(row, "layers"), _number(row, "hidden")
    if found is not None and (not layers or (found.layers, found.hidden) == (int(layers), int(hidden or 0))):
        return found
    name = _text(row, "model").lower()
    total = _number(row, "params_total_b") or _billions(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)b\b", name)
    active = _number(row, "params_active_b") or _billions(r"\ba(\d+(?:\.\d+)?)b\b", name)
    if not layers or not hidden:
        if total and active and active < 0.9 * total:
            dense = like_gpt(name="", params=active * 1e9)
            widths = {"layers": dense.layers, "hidden": dense.hidden, "heads": dense.heads, "vocab": dense.vocab}
            return with_experts(widths, total=total * 1e9, active=active * 1e9)
        if total:
            return like_gpt(name=_text(row, "model"), params=total * 1e9)
        raise Unsupported(f"the architecture of {_text(row, 'model')!r} is not stated and not in the catalog")
    if total and active and active < 0.9 * total:
        return with_experts(_base(row), total=total * 1e9, active=active * 1e9)
    return _from_columns(row, total=total)


def _billions(pattern: str, name: str) -> float | None:
    """Parameters that a model's name states, as in ``235b-a22b``."""
    found = re.search(pattern, name)
    return float(found.group(1)) if found else None


def _from_columns(row: Mapping[str, Any], *, total: float | None) -> Architecture:
    """Gated or plain MLP, tied or separate embeddings, and where not stated eight or all key heads: whichever meets the
    stated total best."""
    base = _base(row)
    heads = int(base["heads"] or 1)
    key_heads = [base["kv_heads"]] if base["kv_heads"] else [heads, *([8] if heads % 8 == 0 and total else [])]
    options = [
        from_row({"id": "", **base, "kv_heads": keys, "ffn_hidden": width, "ffn_kind": kind, "tied_embeddings": tied})
        for keys in key_heads
        for kind, width in _mlps(base, total=total)
        for tied in (False, True)
    ]
    if not total:
        return options[0]
    return min(options, key=lambda option: abs(option.params() - total * 1e9))


def _mlps(base: Mapping[str, float | None], *, total: float | None) -> list[tuple[str, float]]:
    """Kinds and widths the MLP may have: the stated width, else that which meets the total, else 8/3 of the width."""
    if base["ffn_hidden"]:
        return [("gated", base["ffn_hidden"]), ("plain", base["ffn_hidden"])]
    bare = from_row({"id": "", **base, "ffn_hidden": 0})
    if not total:
        return [("gated", round(8 / 3 * bare.hidden))]
    return [("gated", max(round((total * 1e9 - bare.params()) / (3 * bare.hidden * bare.layers)), 1))]


def _base(row: Mapping[str, Any]) -> dict[str, float | None]:
    base = {name: _number(row, name) for name in ("layers", "hidden", "heads", "kv_heads", "ffn_hidden", "vocab")}
    return base | {"heads": base["heads"] or max(round((base["hidden"] or 0) / 128), 1)}  # heads are 128 wide as a rule


def with_experts(base: Mapping[str, float | None], *, total: float, active: float) -> Architecture:
    """Return a mixture of experts of a stated shape, total and active parameters: 8 of so many equal experts a layer.

    Used where a row names neither a known model nor its expert widths; what a token passes and what must be held are
    right.
    """
    plain = from_row({"id": "", **base, "ffn_hidden": 0})
    layers, hidden = plain.layers, plain.hidden
    rest = plain.params()
    expert = max(active - rest, 0.02 * active) / layers / 8
    count = max(round((total - rest) / layers / expert), 8)
    width = max(round(expert / (3 * hidden)), 1)
    return from_row(
        {"id": "", **base, "ffn_hidden": 8 * width, "experts_count": count, "experts_active": 8, "expert_hidden": width}
    )


def like_gpt(*, name: str, params: float) -> Architecture:
    """Return a plain GPT shape of ``params`` parameters: 12·layers·hidden² with hidden = 128·layers
    (arXiv:2001.08361)."""
    layers = max(round((params / (12 * 128**2)) ** (1 / 3) / 4) * 4, 4)
    hidden = max(round(math.sqrt(params / (12 * layers)) / 128) * 128, 128)
    return from_row(
        {
            "id": name,
            "layers": layers,
            "hidden": hidden,
            "heads": hidden // 128,
            "ffn_hidden": 4 * hidden,
            "ffn_kind": "plain",
            "vocab": 50304,
            "tied_embeddings": True,
        }
    )


def _in_catalog(model: str, architectures: pd.DataFrame) -> Architecture | None:
    wanted = _plain(model)
    for entry in architectures.to_dict("records"):
        names = [str(entry.get("id", "")), str(entry.get("name", "")), *str(entry.get("aliases", "") or "").split(";")]
        if wanted and wanted in {_plain(name) for name in names}:
            return from_row({str(key): value for key, value in entry.items()})
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _choices(row: Mapping[str, Any], *, accelerator: str, recompute: str, stack: Stack) -> Choices:
    def one(column: str, divide: int = 1) -> list[int] | None:
        stated = _number(row, column)
        return [max(int(stated) // divide, 1)] if stated else None

    kinds = {"none": [NONE], "full": [FULL], "selective": [SELECTIVE], "minimal": [MINIMAL], "qkv": [OFFLOADED]}
    again = [value for word, value in kinds.items() if recompute.startswith(word)]
    return Choices(
        tensor=one("tp", _CORES.get(accelerator, 1)),
        pipeline=one("pp") or allowed_pipelines(stack),
        context=one("cp"),
        expert=one("ep"),
        micro_batch=one("micro_batch"),
        interleave=[1] if "deepspeed" in _text(row, "framework").lower() else None,  # its pipeline engine has no chunks
        recompute=again[0] if again else allowed_recompute(stack),
        sharding=allowed_shardings(stack, one_way=all(_number(row, column) == 1 for column in ("tp", "pp"))),
    )


def _usual_sequence(*, architecture: Architecture, stack: Stack) -> int:
    """Sequence length of a row that states none: 2,048 until early 2024, 8,192 since, within the model's context."""
    usual = 2048 if stack.date < "2024-03" else 8192
    return min(usual, architecture.context_max_tokens or usual)


def _slices(instance: str) -> int:
    """TPU slices of a run joined by the data-centre network: ``4x slice`` is four."""
    found = re.match(r"(\d+)x (?:slice|v\d)", instance)
    return int(found.group(1)) if found else 1


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()


def _number(row: Mapping[str, Any], column: str) -> float | None:
    try:
        number = float(row.get(column) or "nan")
    except (TypeError, ValueError):
        return None
    return None if math.isnan(number) else number


def _ids(accelerators: pd.DataFrame) -> Any:
    return accelerators["id"] if "id" in accelerators.columns else accelerators.index


# -- predicting -------------------------------------------------------------------------------------------------


def cases_of(
    *, runs: Sequence[Run], accelerators: pd.DataFrame, coefficients: Coefficients
) -> tuple[Cases, dict[int, str]]:
    """Return the runs with their candidate layouts, and why a run has none."""
    frame = reference_frame([run.accelerator for run in runs], accelerators=accelerators, coefficients=coefficients)
    hardware = _sliced(from_frame(frame, coefficients=coefficients), runs=runs)
    empty: dict[int, str] = {}
    tables, owners = [], []
    for number, run in enumerate(runs):
        reason = _why_not(hardware, number=number, precision=run.stack.precision)
        if reason:
            empty[number] = reason
            continue
        table = _table(
            run, domain=int(hardware.domain_accelerators[number]), node=int(hardware.node_accelerators[number])
        )
        if not len(table):
            empty[number] = "no layout divides this number of accelerators, batch and model evenly"
            continue
        tables.append(table)
        owners.append(np.full(len(table), number))
    owner = np.concatenate(owners).astype(int) if owners else np.empty(0, dtype=int)
    shapes = stack_shapes(
        [shape_of(architecture=run.architecture, sequence_length=run.sequence, method=run.method) for run in runs]
    )
    cases = Cases(
        runs=tuple(runs),
        owner=owner,
        layouts=join(tables) if tables else no_layouts(),
        shape=shapes.take(owner),
        hardware=hardware,
        links=links_of(hardware).take(owner),
    )
    return cases, empty


def _why_not(hardware: Hardware, *, number: int, precision: str) -> str:
    name = hardware.accelerator[number]
    if np.isnan(hardware.peak_flops[precision][number]):
        return f"{name} has no published {precision} rate"
    if np.isnan(hardware.memory_bytes[number] + hardware.memory_bytes_per_s[number]):
        return f"memory size or bandwidth of {name} is not published"
    return ""


def _sliced(hardware: Hardware, *, runs: Sequence[Run]) -> Hardware:
    slices = np.array([run.slices for run in runs], dtype=float)
    whole = np.array([run.accelerators for run in runs], dtype=float)
    domain = np.where(slices > 1, whole / slices, hardware.domain_accelerators)
    return replace(
        hardware, domain_accelerators=domain, node_accelerators=np.where(slices > 1, domain, hardware.node_accelerators)
    )


def _table(run: Run, *, domain: int, node: int) -> Layouts:
    """Layouts of a run, nearest to what it states: first as stated, then with the batch rounded, then degree by degree
    freed.

    A published row ran, so what does not divide here is a detail it did not state.
    """
    stated: dict[str, Any] = {
        "architecture": run.architecture,
        "accelerators": run.accelerators,
        "sequence_length": run.sequence,
        "domain": domain,
        "node": node,
    }
    free = replace(run.choices, micro_batch=None)
    freer = replace(free, context=None, expert=None, interleave=None)
    steps: list[tuple[Choices, dict[str, Any]]] = [
        (run.choices, {}),
        (run.choices, {"round_batch": True}),
        (free, {"round_batch": True}),
        (freer, {"round_batch": True}),
        (replace(freer, tensor=None, pipeline=None), {"round_batch": True}),
        (free, {"round_batch": True, "batch_tolerance_fraction": math.inf}),
        (Choices(recompute=run.choices.recompute), {"round_batch": True, "batch_tolerance_fraction": math.inf}),
    ]
    for choices, rounding in steps:
        table = enumerate_layouts(global_batch_sequences=run.sequences, choices=choices, **stated, **rounding)
        if len(table):
            return table
    return no_layouts()


def fitting(cases: Cases, *, coefficients: Coefficients) -> Cases:
    """Return the candidates that fit into memory; of a run of which none fits, the leanest (it did run)."""
    layouts, needed = fill_memory(
        shape=cases.shape,
        layout=cases.layouts,
        physics=cases.physics(values_of(coefficients)),
        memory_bytes=cases.links.memory_bytes,
    )
    least = np.full(len(cases.runs), np.inf)
    np.minimum.at(least, cases.owner, needed)
    filled = replace(cases, layouts=layouts)
    return filled.keep(needed <= np.maximum(cases.links.memory_bytes, 1.02 * least[cases.owner]))


def predict(*, cases: Cases, values: Mapping[str, float]) -> Floats:
    """Return each run's metric under the coefficients ``values``, at its fastest candidate layout.

    Where the row states no layout, the fastest of many estimates is too fast by ``search_regret`` (``model-search``).
    """
    times = step_seconds(shape=cases.shape, layout=cases.layouts, physics=cases.physics(values), links=cases.links)
    layouts = cases.layouts
    pace = times["total"] / (layouts.data * layouts.micro_batch * layouts.micro_batches)
    order = np.lexsort((pace, cases.owner))
    owner = cases.owner[order]
    first = order[np.r_[True, np.diff(owner) > 0]]
    predicted = np.full(len(cases.runs), np.nan)
    forward = np.asarray(times["forward_fraction"])
    again = np.asarray(layouts.recomputed_fraction)
    for at in first:
        run = cases.runs[cases.owner[at]]
        predicted[cases.owner[at]] = in_metric(
            run,
            seconds_per_sequence=float(pace[at]) * (values["search_regret"] if run.searched else 1.0),
            forward_fraction=float(forward[at]),
            recomputed_fraction=float(again[at]),
            peak_flops=float(cases.hardware.peak_flops[run.stack.precision][cases.owner[at]]),
        )
    return predicted


def in_metric(
    run: Run, *, seconds_per_sequence: float, forward_fraction: float, recomputed_fraction: float, peak_flops: float
) -> float:
    """Return a predicted pace in the metric of the row. [the metric's unit]

    Conventions of published FLOPs: ``causal_full`` counts the masked half of attention, ``causal_half`` does not,
    ``hardware``
    counts recomputation (and, as Megatron's formula does, the masked half).
    """
    step = seconds_per_sequence * run.sequences
    rate = run.sequence / seconds_per_sequence / run.accelerators
    if run.metric == "step_time_s":
        return step
    if run.metric == "tokens_per_sec_per_accel":
        return rate
    if run.metric == "time_to_train_min":
        return (run.train_tokens + run.eval_tokens * forward_fraction) / (rate * run.accelerators) / 60
    if run.metric == "accel_hours":
        return run.train_tokens / rate / 3600
    model = run.architecture
    per_token = model.training_flops_per_token(
        context_tokens=run.sequence, causal=run.convention not in ("causal_full", "hardware"), lora=run.method == "lora"
    )
    if run.convention == "hardware":
        per_token = per_token + recomputed_fraction * model.flops_per_token(context_tokens=run.sequence, causal=False)
    if run.metric == "mfu":
        return 100 * rate * per_token / peak_flops
    return rate * per_token / 1e12
