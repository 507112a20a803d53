"""Published serving results as arrays: what was served, on what, how, and which figure was published.

A row's value, its id, its source and its notes are never looked at here.
"""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from estimator import spelling
from estimator.architecture import Architecture, ArchitectureError, from_row
from estimator.serving_pace import Chips, design, normal_precision, published_format
from estimator.serving_shape import Shape, shape, stack

Array = npt.NDArray[np.float64]

DIRECTORY = Path(__file__).parent / "data"
METRICS = ("output_tokens_per_s", "output_tokens_per_s_per_accel", "ttft_ms", "tpot_ms", "e2e_latency_s")
GIB = 1.073741824  # GB
_CORES = {"neuron": 2}  # ranks an accelerator has where the software counts cores and no row says how many there are


class RowError(ValueError):
    """A row that no formula here can express; the text says why."""


@dataclass(frozen=True, slots=True)
class Served:
    """One row, understood."""

    architecture: Architecture
    chip: int  # row of the accelerators table
    stack: str
    weights: str
    kv: str
    accelerators: int
    tensor: int | None  # accelerators, not cores; None = not stated
    pipeline: int
    data: int  # attention data parallel, 1 = none
    kv_ranks: int
    input_tokens: float
    output_tokens: float
    concurrency: float  # whole system; NaN = as many as it holds
    mode: str  # closed | offline | server | static
    ttft_limit_s: float
    tpot_limit_s: float
    metric: str


def served(
    row: Mapping[str, Any], *, ids: Sequence[str], stacks: Sequence[str], known: Mapping[str, Architecture]
) -> Served:
    """Return one published row understood; ``known`` is ``known_architectures`` of the catalog."""
    metric = _text(row, "metric")
    if metric not in METRICS:
        raise RowError(f"metric {metric!r} is unknown, expected one of {', '.join(METRICS)}")
    try:
        chip = list(ids).index(spelling.accelerator(_text(row, "accelerator"), known=ids))
    except spelling.UnknownPart as error:
        raise RowError(str(error)) from error
    architecture = _architecture(row, known=known)
    mode = _mode(row)
    tensor = _number(row, "tp", math.nan)
    pipeline = int(_number(row, "pp", 1.0))
    data = int(_number(row, "dp", 1.0))
    ranks = pipeline * data * (tensor if math.isfinite(tensor) else 1.0)
    count = int(_number(row, "n_accelerators", math.ceil(ranks / _CORES.get(stacks[chip], 1))))
    cores = tensor
    data = data if architecture.is_moe else 1  # of dense models these are replicas
    if math.isfinite(tensor) and data > 1 and tensor * pipeline * data > count:
        tensor = max(count // (pipeline * data), 1)  # attention-data-parallel ranks are counted among the tensor ones
    elif math.isfinite(tensor) and tensor * pipeline > count:  # the source counts cores
        tensor = max(count // pipeline, 1)
    stack = _stack(_text(row, "framework"), software=stacks[chip])
    input_tokens, ttft, tpot = _limits(row, mode=mode)
    scenario = _text(row, "scenario").lower()
    scale = 0.9 if "inferencex" in scenario else 1.0  # lengths drawn from 80-100 % of nominal
    weights = _text(row, "weights_precision") or "bf16"
    weights = published_format(weights, model=architecture.id)
    normal_precision(weights)
    kv = _text(row, "kv_precision")
    if kv.lower() in ("", "auto", "default"):
        kv = _cache(weights, stack=stack, chip=ids[chip], moe=architecture.is_moe, scenario=scenario)
    normal_precision(kv)
    return Served(
        architecture=architecture,
        chip=chip,
        stack=stack,
        weights=weights,
        kv=kv,
        accelerators=count,
        tensor=int(tensor) if math.isfinite(tensor) else None,
        pipeline=pipeline,
        data=data if math.isfinite(tensor) else 1,
        kv_ranks=int(cores) if math.isfinite(cores) else 0,
        input_tokens=input_tokens * scale,
        output_tokens=_number(row, "output_len", 256.0) * scale,
        concurrency=_number(row, "concurrency", 1.0 if mode in ("closed", "static") else math.nan),
        mode=mode,
        ttft_limit_s=ttft / 1e3,
        tpot_limit_s=tpot / 1e3,
        metric=metric,
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()


def _number(row: Mapping[str, Any], name: str, default: float) -> float:
    text = _text(row, name)
    return float(text) if text else default


def _mode(row: Mapping[str, Any]) -> str:
    scenario, metric = _text(row, "scenario").lower(), _text(row, "metric")
    framework = _text(row, "framework").lower()
    if "static" in scenario or "neuronx" in framework:
        return "static"
    if "interactive" in scenario or "server" in scenario:
        return "server" if not _text(row, "concurrency") else "closed"
    if "offline" in scenario or (not _text(row, "concurrency") and metric.startswith("output_tokens")):
        return "offline"
    return "closed"


def _cache(weights: str, *, stack: str, chip: str, moe: bool, scenario: str) -> str:
    """Return the cache format where a row states none: what the usual checkpoint asks for.

    Quantised checkpoints made for TensorRT-LLM and NVFP4 ones ask for an 8-bit cache, and benchmark submissions choose
    it; a maker's own FP8 or MXFP4 checkpoint asks for none, so the cache keeps 16 bits. InferenceX starts TensorRT-LLM
    everywhere and SGLang on Blackwell with an 8-bit cache (launch scripts of github:SemiAnalysisAI/InferenceX).
    """
    name, stored_only = normal_precision(weights)
    started_so = stack == "trtllm" or (stack == "sglang" and design(chip) == "blackwell")
    chosen = "mlperf" in scenario or ("inferencex" in scenario and started_so)
    eight = name == "fp4" or (name == "fp8" and stack == "trtllm" and not moe) or (name in ("fp8", "mxfp4") and chosen)
    return "fp8" if eight and not stored_only else "bf16"


def _stack(framework: str, *, software: str) -> str:
    text = framework.lower().replace("-", "").replace(" ", "")
    if software == "neuron":
        return "neuronx" if "neuronx" in text and "nxd" not in text else "nxd"
    if software == "xla":
        return "tpu"
    for word, name in (("trtllm", "trtllm"), ("tensorrt", "trtllm"), ("nim", "trtllm"), ("sglang", "sglang")):
        if word in text:
            return name
    return "vllm"


@cache
def _limit_table() -> dict[str, dict[str, str]]:
    with (DIRECTORY / "mlperf_limits.csv").open(encoding="utf-8", newline="") as file:
        return {row["model"]: row for row in csv.DictReader(file)}


def _limits(row: Mapping[str, Any], *, mode: str) -> tuple[float, float, float]:
    """Return input tokens and the latency limits (ms) of a latency-bounded scenario."""
    table = _limit_table()
    name = _text(row, "model").lower()
    rule = table.get(name) or next((table[key] for key in table if name.startswith(key)), {})
    default = float(rule.get("input_tokens") or _number(row, "output_len", 256.0))
    kind = "interactive" if "interactive" in _text(row, "scenario").lower() else "server"
    fallback = (450.0, 40.0) if kind == "interactive" else (2000.0, 200.0)
    ttft = float(rule.get(f"{kind}_ttft_ms") or fallback[0]) if mode == "server" else math.inf
    tpot = float(rule.get(f"{kind}_tpot_ms") or fallback[1]) if mode == "server" else math.inf
    return _number(row, "input_len", default), ttft, tpot


def _architecture(row: Mapping[str, Any], *, known: Mapping[str, Architecture]) -> Architecture:
    """Return the model's shape: the catalog's where it knows the name, else what the row states."""
    found = known.get(_plain(_text(row, "model")))
    if found is not None:
        return found
    stated: dict[str, Any] = {
        "id": _text(row, "model"),
        "params_total": _number(row, "params_total_b", math.nan) * 1e9,
        "params_active": _number(row, "params_active_b", math.nan) * 1e9,
        **{name: _number(row, name, math.nan) for name in ("layers", "hidden", "heads", "kv_heads", "vocab")},
        "ffn_hidden": _number(row, "ffn_hidden", math.nan),
    }
    total, active = stated["params_total"], stated["params_active"]
    shaped = math.isfinite(stated["layers"] + stated["hidden"] + stated["heads"])
    if not math.isfinite(stated["layers"] + stated["hidden"]):
        stated |= _typical(active if math.isfinite(active) else total)
    if not math.isfinite(stated["heads"]):
        stated["heads"] = max(round(stated["hidden"] / 128), 1)
    if math.isfinite(total) and math.isfinite(active) and total > 1.05 * active:
        # Results leave the KV heads of latent attention blank: it has none. Its sizes are those of DeepSeek-V3.
        latent = {"attention": "mla", "kv_lora_rank": 512.0} if shaped and not math.isfinite(stated["kv_heads"]) else {}
        stated |= _experts(stated) | latent
    try:
        return from_row(stated)
    except (ArchitectureError, TypeError, ValueError) as error:
        raise RowError(f"the model's shape is not known: {error}") from error


def known_architectures(shapes: pd.DataFrame) -> dict[str, Architecture]:
    """Return the catalog's architectures by plain name, other names included; ``shapes`` has ``id`` and ``aliases``."""
    known: dict[str, Architecture] = {}
    for record in shapes.to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        architecture = from_row(row)
        aliases = row.get("aliases") or ()
        for name in (row["id"], *(aliases.split(";") if isinstance(aliases, str) else aliases)):
            known.setdefault(_plain(str(name)), architecture)
    return known


# What follows a model's name without changing its shape: tuning, format, release.
_SUFFIX = re.compile(
    r"[-_. ](instruct|quantized|it|chat|hf|base|thinking|exp|preview|awq|gptq|fp8|(nv)?fp4(-v\d)?|mxfp4|bf16"
    r"|int[48]|w\d+a\d+|v0\.\d|99(\.9)?|\d{4})(?=$|[-_. ])"
)
_DISTILLED = (("deepseek-r1-distill-llama", "llama-3.1"), ("deepseek-r1-distill-qwen", "qwen2.5"))


def _plain(name: str) -> str:
    text = name.lower().split("/")[-1].removeprefix("meta-")
    for start, teacher in _DISTILLED:
        text = text.replace(start, teacher)
    return re.sub(r"[^a-z0-9]", "", _SUFFIX.sub("", text))


def _typical(params: float) -> dict[str, float]:
    """Return a transformer of usual proportions with this many parameters (a guess, and scored as one)."""
    if not math.isfinite(params):
        raise RowError("neither the model's shape nor its parameters are stated")
    hidden = 128.0 * round((params / 12 * 128) ** (1 / 3) / 128)  # layers ≈ hidden / 128
    return {"hidden": max(hidden, 512.0), "layers": max(round(hidden / 128), 8.0), "vocab": 128000.0}


def _experts(stated: Mapping[str, Any]) -> dict[str, float]:
    """Return experts that explain total and active parameters: 8 active of as many as the totals ask for."""
    hidden, layers = float(stated["hidden"]), float(stated["layers"])
    heads = float(stated["heads"])
    kv_heads = stated["kv_heads"] if math.isfinite(stated["kv_heads"]) else heads / 8
    vocab = stated["vocab"] if math.isfinite(stated["vocab"]) else 128000.0
    other = 2 * vocab * hidden + layers * hidden * 128 * (2 * heads + 2 * kv_heads)
    active = max(stated["params_active"] - other, 0.1 * stated["params_active"])
    routed = stated["params_total"] - other
    count = max(round(8 * routed / active), 9)
    return {
        "experts_count": float(count),
        "experts_active": 8.0,
        "expert_hidden": max(float(round(active / (8 * 3 * hidden * layers))), 64.0),
        "head_dim": 128.0,
        "kv_heads": kv_heads,
        "dense_layers": 0.0,
    }


def chips(accelerators: pd.DataFrame, *, rows: Sequence[int]) -> Chips:
    """Return the specifications of the rows' accelerators from the catalog's accelerators frame."""
    picked = accelerators.iloc[list(rows)]

    def numbers(column: str, factor: float) -> Array:
        return pd.to_numeric(picked[column], errors="coerce").to_numpy(dtype=float) * factor

    bf16 = numbers("bf16_tflops", 1e12)
    if "fp16_tflops" in picked:  # chips from before BF16 run 16-bit models in FP16
        bf16 = np.where(np.isfinite(bf16), bf16, numbers("fp16_tflops", 1e12))
    memory = numbers("memory_gb", 1.0) if "memory_gb" in picked else numbers("memory_gib", GIB)
    return Chips(
        ids=tuple(picked["id"].astype(str)),
        bf16_flops_per_s=bf16,
        fp8_flops_per_s=numbers("fp8_tflops", 1e12),
        fp4_flops_per_s=numbers("fp4_tflops", 1e12),
        int8_ops_per_s=numbers("int8_tops", 1e12),
        memory_gb=memory,
        bytes_per_s=numbers("memory_bandwidth_gb_per_s", 1e9),
        link_bytes_per_s=numbers("scaleup_gb_per_s", 1e9),
    )


def shapes_of(rows: Sequence[Served]) -> Shape:
    """Return the serving shapes of the rows, stacked."""
    table: dict[int, Shape] = {}
    for row in rows:
        table.setdefault(id(row.architecture), shape(row.architecture))
    return stack([table[id(row.architecture)] for row in rows])
