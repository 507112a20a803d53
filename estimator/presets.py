"""Which stack a run uses and what that stack and its accelerator reach: coefficients by name, as arrays over cases."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from estimator.coefficients import Coefficients
from estimator.hardware import Hardware
from estimator.layouts import BLOCK, FULL, MINIMAL, NONE, OFFLOADED, ZERO1, ZERO3

Values = Any  # float or array of floats

# Bytes of one input element of a matrix product; block-scaled formats carry one scale byte for 32 (MX) or 16 (NVFP4)
# values.
INPUT_BYTES = {"bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "fp8-mx": 1.03, "fp4": 0.56, "int8": 1.0}
PRESETS = (
    "megatron-deepspeed",
    "megatron",
    "fsdp-2023",
    "fsdp",
    "nemo-2024",
    "nemo",
    "maxtext",
    "maxtext-gpu",
    "rocm",
    "neuron",
)
NEWEST = "9999-12"
CALIBRATED = "2026-11"


@dataclass(frozen=True)
class Physics:
    """Rates and shares of one case: what the accelerator's kernels and the stack reach. Arrays or numbers."""

    gemm_flops: Values
    head_flops: Values
    attention_flops: Values
    memory_bytes_per_s: Values
    gemm_traffic_fraction: Values
    gemm_reread: Values
    moe_gemm_fraction: Values
    elementwise_factor: Values
    cast_passes: Values
    input_bytes: Values
    flash: Values
    dropout: Values
    sequence_parallel: Values
    domain_efficiency: Values
    fabric_efficiency: Values
    overlap_tensor_fraction: Values
    overlap_data_fraction: Values
    overlap_pipeline_fraction: Values
    overlap_context_fraction: Values
    overlap_expert_fraction: Values
    latency_domain_s: Values
    latency_fabric_s: Values
    layer_launch_s: Values
    moe_launch_s: Values
    compiled: Values
    scattered_hops: Values
    bubble_fraction: Values
    adapter_factor: Values
    step_overhead_s: Values
    jitter_fraction: Values
    weight_bytes: Values
    gradient_bytes: Values
    optimiser_bytes: Values
    reserve_bytes: Values
    fragmentation_fraction: Values

    def take(self, index: Any) -> "Physics":
        """Return the cases at ``index``."""
        return Physics(**{field.name: np.asarray(getattr(self, field.name))[index] for field in fields(self)})

    def key(self) -> tuple[float, ...]:
        """Return the numbers of a single case, to tell equal ones."""
        return tuple(float(getattr(self, field.name)) for field in fields(self))


@dataclass(frozen=True)
class Links:
    """The links of a system. Arrays or numbers."""

    domain: Values
    domain_bytes_per_s: Values
    node: Values
    node_bytes_per_s: Values
    fabric_bytes_per_s: Values
    memory_bytes: Values

    def take(self, index: Any) -> "Links":
        """Return the cases at ``index``."""
        return Links(**{field.name: np.asarray(getattr(self, field.name))[index] for field in fields(self)})

    def key(self) -> tuple[float, ...]:
        """Return the numbers of a single case, to tell equal ones."""
        return tuple(float(getattr(self, field.name)) for field in fields(self))


@dataclass(frozen=True)
class Stack:
    """The software of a run: preset, its date (``YYYY-MM``), precision of the large products, sequence parallelism or
    not."""

    preset: str
    date: str
    precision: str
    sequence_parallel: bool = True
    schedule: str = "1f1b"

    @property
    def fused_attention(self) -> bool:
        """Return whether attention runs as one kernel that never stores the scores (2022-10 on NVIDIA, later on
        Neuron)."""
        return self.date >= ("2024-06" if self.preset == "neuron" else "2022-10")


def choose_stack(
    *, vendor: str, precision: str = "bf16", framework: str = "", date: str = "", sequence_parallel: bool | None = None
) -> Stack:
    """Return the stack preset for an accelerator vendor, framework and date; without a date the newest one.

    The date is a month; a release such as ``26.06`` is read as June 2026. Source: ``model-presets`` in docs/model.md.
    """
    month = _month(date)
    name = framework.lower()
    if vendor == "tpu":
        preset = "maxtext"
    elif vendor == "neuron":
        preset = "neuron"
    elif vendor == "amd":
        preset = "rocm"
    elif "maxtext" in name or "jax" in name:
        preset = "maxtext-gpu"
    elif month < "2022-12":
        preset = "megatron-deepspeed" if "deepspeed" in name else "megatron"
    elif "fsdp" in name or "foundry" in name or "torchtitan" in name:
        preset = "fsdp-2023" if month < "2024-06" else "fsdp"
    else:
        preset = "nemo" if month >= "2024-09" else "nemo-2024" if month >= "2023-10" else "fsdp-2023"
    schedule = "zero-bubble" if re.search(r"zero.?bubble|dual.?pipe", name) else "1f1b"
    parallel = month >= "2022-12" if sequence_parallel is None else sequence_parallel
    return Stack(
        preset=preset, date=month, precision=_precision(precision), sequence_parallel=parallel, schedule=schedule
    )


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _month(date: str) -> str:
    """Return ``YYYY-MM`` of a date however it is written; a release such as ``26.06`` is a month too, a bare year its
    middle."""
    text = str(date or "").strip().lower()
    numbers = re.match(r"(20\d\d|\d\d)(?:[-/.](\d{1,2}))?(?!\d)", text)
    year = re.search(r"20\d\d", text)
    named = [number for number, name in enumerate(_MONTHS, 1) if re.search(rf"\b{name}", text)]
    if year and named:
        return f"{year.group()}-{named[0]:02d}"
    if not numbers:
        return NEWEST
    month = int(numbers.group(2) or 6)
    return f"20{numbers.group(1)[-2:]}-{month if 1 <= month <= 12 else 6:02d}"


def _precision(text: str) -> str:
    """Return the precision of the large products in this project's spelling; unknown names stay as they are."""
    name = re.sub(r"[^a-z0-9]", "", str(text or "bf16").lower())
    if re.match(r"(mxfp8|fp8mx)", name):
        return "fp8-mx"
    if re.match(r"(nvfp4|mxfp4|fp4)", name):
        return "fp4"
    if re.match(r"(fp8|float8|e4m3)", name):  # whatever its scaling: current, delayed, by block or row
        return "fp8"
    if re.match(r"(fp16|float16)", name):
        return "fp16"
    return "bf16" if re.match(r"(bf16|bfloat16|mixed|amp)", name) else name


def values_of(coefficients: Coefficients) -> dict[str, float]:
    """Return the training coefficients as plain numbers by key, without the leading ``training.``."""
    return {key: entry.value for key, entry in coefficients.group("training").items()}


def coefficient_key(values: Mapping[str, float], what: str, scopes: Sequence[str]) -> str:
    """Return the most special key there is: ``what.scope`` for the first scope that exists, else ``what``."""
    for scope in scopes:
        if f"{what}.{scope}" in values:
            return f"{what}.{scope}"
    if what in values:
        return what
    raise KeyError(f"no coefficient training.{what} for any of {list(scopes)}")


def gemm_key(values: Mapping[str, float], *, family: str, vendor: str, precision: str) -> str:
    """Return the key of a matrix-product ceiling: of the generation, else of the vendor, else of any."""
    names = {"fp8-mx": ("fp8-mx", "fp8"), "int8": ("int8", "fp8"), "fp16": ("fp16", "bf16")}.get(
        precision, (precision,)
    )
    scopes = [f"{place}.{name}" for place in (family, vendor, "other") for name in names]
    return coefficient_key(values, "gemm", scopes)


def attention_key(values: Mapping[str, float], *, family: str, vendor: str, stack: Stack) -> str:
    """Return the key of the attention kernel's ceiling: by generation and era."""
    if not stack.fused_attention:
        return "attention.unfused"
    early = stack.date < "2024-06"
    scopes = [f"{family}-2023", f"{vendor}-2023"] if early else []
    return coefficient_key(values, "attention", [*scopes, family, vendor, "other"])


def seen_key(*, family: str, stack: Stack) -> str:
    """Return the name under which published results of a generation, precision and stack are counted."""
    return f"{family}.{stack.precision}.{stack.preset}"


def interval_name(key: str, *, known: Container[str]) -> str:
    """Return the evidence class of a case: ``seen``, ``family`` (its generation, another stack or precision) or
    ``unseen``."""
    if key in known:
        return "seen"
    family = key.split(".")[0]
    near = any(f"{family}.{precision}.{preset}" in known for precision in INPUT_BYTES for preset in PRESETS)
    return "family" if near else "unseen"


def interval_class(*, family: str, stack: Stack, coefficients: Coefficients) -> str:
    """Return the key of the interval width that the evidence behind a generation, precision and stack earns."""
    known = coefficients.group("training.seen")
    return f"training.interval.{interval_name(seen_key(family=family, stack=stack), known=known)}"


def physics_of(*, values: Mapping[str, float], hardware: Hardware, stacks: Sequence[Stack]) -> Physics:
    """Return the physics of each case: entry i is ``hardware`` i running ``stacks`` i."""
    known: dict[tuple[str, bool, Stack], dict[str, float]] = {}
    rows = []
    for i, stack in enumerate(stacks):
        case = (str(hardware.accelerator[i]), bool(hardware.fabric_is_rdma[i]), stack)
        if case not in known:
            known[case] = _one(values=values, hardware=hardware, position=i, stack=stack)
        rows.append(known[case])
    return Physics(
        **{field.name: np.array([row[field.name] for row in rows], dtype=float) for field in fields(Physics)}
    )


def links_of(hardware: Hardware) -> Links:
    """Return the links of each system."""
    return Links(
        domain=hardware.domain_accelerators,
        domain_bytes_per_s=hardware.domain_bytes_per_s,
        node=hardware.node_accelerators,
        node_bytes_per_s=hardware.node_bytes_per_s,
        fabric_bytes_per_s=np.nan_to_num(hardware.fabric_bytes_per_s, nan=1.0),
        memory_bytes=hardware.memory_bytes,
    )


def _one(*, values: Mapping[str, float], hardware: Hardware, position: int, stack: Stack) -> dict[str, float]:
    family, vendor = str(hardware.family[position]), str(hardware.vendor[position])
    precision = stack.precision

    def pick(what: str, *scopes: str) -> float:
        whole = [wider for scope in scopes for wider in (scope, scope.split("-")[0])]
        return values[coefficient_key(values, what, whole)]

    peak = hardware.peak_flops[precision][position]
    half = hardware.peak_flops["bf16"][position]
    half = peak if np.isnan(half) else half
    half_ceiling = values[gemm_key(values, family=family, vendor=vendor, precision="bf16")]
    mature = maturity(
        loss=pick("maturity_loss"),
        years=pick("maturity_years"),
        date=stack.date,
        available=pick("available_year", family, vendor),
    )
    ceiling = values[gemm_key(values, family=family, vendor=vendor, precision=precision)]
    names = (f"reference_watts_per_tflop.{hardware.accelerator[position]}", f"reference_watts_per_tflop.{family}")
    reference = next((values[name] for name in names if name in values), np.nan)
    power = power_factor(
        watts_per_tflop=hardware.tdp_w[position] / half * 1e12,
        reference=reference,
        exponent=pick("power_exponent"),
    )
    rise = min(mature * power, 0.97 / max(ceiling, half_ceiling))
    attention = values[attention_key(values, family=family, vendor=vendor, stack=stack)]
    fabric = "fabric_efficiency.ethernet" if not hardware.fabric_is_rdma[position] else None
    # routing is bound by the host: eight-way x86 servers lose most, racks gained from whole-graph launches in mid-2026
    host = "hgx" if hardware.domain_accelerators[position] <= 8 else "2025" if stack.date < "2026-06" else "2026"
    routing = f"{vendor}-{host}"
    old = stack.preset in ("megatron-deepspeed", "megatron")
    preset = stack.preset
    return {
        "gemm_flops": rise * peak * ceiling,
        "head_flops": rise * half * half_ceiling,
        "attention_flops": rise * half * attention,
        "memory_bytes_per_s": hardware.memory_bytes_per_s[position] * pick("stream", vendor, "other"),
        "gemm_reread": pick("gemm_reread", vendor, "other") * 1e-3,
        "gemm_traffic_fraction": pick("gemm_traffic", vendor, "other"),
        "moe_gemm_fraction": pick("moe_gemm", vendor, "other"),
        "elementwise_factor": pick("elementwise", preset),
        "cast_passes": pick("cast_passes", precision),
        "input_bytes": INPUT_BYTES[precision],
        "flash": float(stack.fused_attention),
        "dropout": float(old),
        "sequence_parallel": float(stack.sequence_parallel),
        "domain_efficiency": pick("domain_efficiency", vendor, "other"),
        "fabric_efficiency": values[fabric] if fabric else pick("fabric_efficiency", vendor, "other"),
        "overlap_tensor_fraction": pick("overlap_tensor", preset),
        "overlap_data_fraction": pick("overlap_data", preset),
        "overlap_pipeline_fraction": pick("overlap_pipeline", preset),
        "overlap_context_fraction": pick("overlap_context", preset),
        "overlap_expert_fraction": pick("overlap_expert", preset),
        "latency_domain_s": pick("latency_domain_us") * 1e-6,
        "latency_fabric_s": pick("latency_fabric_us") * 1e-6,
        "layer_launch_s": pick("layer_launch_us", preset) * 1e-6,
        "moe_launch_s": pick("moe_launch_us", routing, vendor, "other") * 1e-6,
        "adapter_factor": pick("adapter_factor", "2025" if stack.date < "2026-01" else "2026"),
        "bubble_fraction": pick("bubble_fraction", stack.schedule),
        "scattered_hops": float(preset != "megatron-deepspeed"),
        "compiled": float(preset in ("maxtext", "maxtext-gpu", "neuron")),
        "step_overhead_s": pick("step_overhead_ms", preset) * 1e-3,
        "jitter_fraction": pick("jitter", preset),
        "weight_bytes": pick("weight_bytes", preset),
        "gradient_bytes": pick("gradient_bytes", preset),
        "optimiser_bytes": pick("optimiser_bytes", preset),
        "reserve_bytes": pick("reserve_gb", preset) * 1e9,
        "fragmentation_fraction": pick("fragmentation", preset),
    }


def power_factor(*, watts_per_tflop: float, reference: float, exponent: float) -> float:
    """Return how an accelerator's power budget moves its rates against the generation's reference. [fraction]

    Large products run at the power limit, so the clock follows the watts a nominal TFLOP/s may draw: GB300 beats
    GB200, and
    MI325X MI300X, at equal nominal rates. 1 where a power is not published. Source: ``model-power`` in docs/model.md.
    """
    ratio = watts_per_tflop / reference
    return 1.0 if np.isnan(ratio) else float(np.clip(ratio, 0.5, 1.6) ** exponent)


def maturity(*, loss: float, years: float, date: str, available: float) -> float:
    """Return the share of their later ceiling that kernels reach at a date: 1 − loss·exp(−age/years).

    ``age`` counts from the generation's first volume shipments; libraries of a new generation keep gaining for a year
    or more.
    The newest stack is dated by the last calibration.
    """
    year, month = (date if date < NEWEST else CALIBRATED).split("-")[:2]
    age = max(int(year) + (int(month) - 0.5) / 12 - available, 0.0)
    return 1 - loss * float(np.exp(-age / years))


def allowed_shardings(stack: Stack, *, one_way: bool = False) -> list[int]:
    """Return the kinds of sharding that a stack of that date offers; ``one_way`` = the run states data parallelism
    only."""
    if stack.preset in ("fsdp-2023", "fsdp", "maxtext", "maxtext-gpu"):
        return [ZERO3]
    if (stack.preset.startswith("nemo") and stack.date < "2025-10" and not one_way) or stack.preset in (
        "megatron-deepspeed",
        "megatron",
        "neuron",
    ):
        return [ZERO1]
    return [ZERO1, ZERO3]


def allowed_recompute(stack: Stack) -> list[int]:
    """Return the kinds of recomputation a stack chooses from: policies by name under XLA, whole layers elsewhere."""
    return [MINIMAL, OFFLOADED, FULL] if stack.preset in ("maxtext", "maxtext-gpu") else [NONE, BLOCK]


def allowed_pipelines(stack: Stack) -> list[int] | None:
    """Return the pipeline degrees a stack chooses from: none where weights are sharded instead; ``None`` = every
    one."""
    return [1] if stack.preset in ("fsdp-2023", "fsdp", "maxtext", "maxtext-gpu") else None
