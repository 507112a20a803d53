"""From a chip, a precision and a stack preset to the pace of a step: which coefficient stands where."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from estimator.serving_step import Pace

Array = npt.NDArray[np.float64]

# Chips of one design share how much of their peak they reach. First match wins.
DESIGNS: tuple[tuple[str, str], ...] = (
    ("h100", "hopper"),
    ("h200", "hopper"),
    ("h800", "hopper"),
    ("gh200", "hopper"),
    ("b200", "blackwell"),
    ("b300", "blackwell"),
    ("gb200", "blackwell"),
    ("gb300", "blackwell"),
    ("rtx-pro", "blackwell"),
    ("vera-rubin", "blackwell"),
    ("l4", "ada"),
    ("a100", "ampere"),
    ("a10", "ampere"),
    ("t4", "ampere"),
    ("mi", "cdna"),
    ("tpu", "tpu"),
    ("trainium", "neuron"),
    ("inferentia", "neuron"),
)

# Bytes of one weight; four-bit formats carry a scale of 8 bits for every 16 (NVFP4) or 32 (MXFP4, group-wise INT4)
# values.
WEIGHT_BYTES = {
    "bf16": 2.0,
    "fp16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "fp4": 0.5625,
    "mxfp4": 0.53125,
    "int4": 0.53125,
}
FOUR_BIT = ("fp4", "mxfp4", "int4")

# How checkpoints, stacks and result tables spell the formats. A name of bits alone (w8a8) means integers.
_SPELLINGS: tuple[tuple[str, str], ...] = (
    (r"mxfp4", "mxfp4"),
    (r"(^|[^a-z])(nv)?fp4|e2m1", "fp4"),
    (r"w8a16|(awq|gptq)-(int)?8", "int8"),
    (r"w4a|int4|nf4|(^|-)(awq|gptq)", "int4"),
    (r"(mx)?fp8|float8|e4m3|e5m2", "fp8"),
    (r"int8|w8a8|smoothquant", "int8"),
    (r"weight-only", "int4"),
    (r"^(bf16|bfloat16|w16a16)", "bf16"),
    (r"^(fp16|f16|float16|half)", "fp16"),
)
_PCIE_MOST = 128e9  # bytes a second both ways of 16 lanes of the fifth generation
_WEIGHT_ONLY = r"weight-only|w8a16|(^|-)(awq|gptq)"


class PrecisionError(ValueError):
    """A precision that no formula here can take; the text lists the accepted ones."""


@dataclass(frozen=True, slots=True)
class Chips:
    """Specifications of the chips, one entry a row; NaN where the maker states none."""

    ids: tuple[str, ...]
    bf16_flops_per_s: Array
    fp8_flops_per_s: Array
    fp4_flops_per_s: Array
    int8_ops_per_s: Array
    memory_gb: Array
    bytes_per_s: Array
    link_bytes_per_s: Array  # both directions, NaN = no scale-up link


def design(accelerator: str) -> str:
    """Return the chip design whose measured efficiencies stand for this accelerator, ``other`` where none does."""
    return next((name for start, name in DESIGNS if accelerator.startswith(start)), "other")


def normal_precision(precision: str) -> tuple[str, bool]:
    """Return the storage format of the weights and whether they are only stored so (16-bit arithmetic).

    The first rule of ``_SPELLINGS`` whose pattern is found wins; what none knows raises ``PrecisionError``.
    """
    text = re.sub(r"[\s_]+", "-", precision.strip().lower())
    for pattern, name in _SPELLINGS:
        if re.search(pattern, text):
            return name, name == "int4" or bool(re.search(_WEIGHT_ONLY, text))
    raise PrecisionError(f"precision {precision!r} is unknown, expected one of {', '.join(WEIGHT_BYTES)}")


def published_format(weights: str, *, model: str) -> str:
    """Return the four-bit format that a model's weights are published in: MXFP4 for gpt-oss, else as stated."""
    return "mxfp4" if weights == "fp4" and model.startswith("gpt-oss") else weights


def pace(
    *,
    chips: Chips,
    stacks: Sequence[str],
    weights: Sequence[str],
    kv: Sequence[str],
    moe: Sequence[bool],
    value: Callable[[str], float],
) -> Pace:
    """Return the pace of each row; ``value`` gives a coefficient of ``inference.toml`` by its name.

    FLOPs and bytes are the chip's dense peaks times the share that the design reaches at this precision; the
    kernels' and the
    host's fixed times belong to the stack. A precision that the chip has no arithmetic for is only stored: 16-bit
    arithmetic.
    Source: ``serving-pace`` in docs/model_inference.md.
    """
    designs = [design(name) for name in chips.ids]

    def by(template: str, names: Sequence[str]) -> Array:
        table = {name: value(template.format(name)) for name in set(names)}
        return np.array([table[name] for name in names])

    formats = [normal_precision(name) for name in weights]
    stored = np.array([WEIGHT_BYTES[name] for name, _ in formats])
    narrow = np.array([name in FOUR_BIT for name, _ in formats]) & np.asarray(moe, dtype=bool)
    grouped = narrow & np.array([name != "fp4" for name, _ in formats])  # these leave the shared experts in 16 bit too
    native = chips.bf16_flops_per_s * by("gemm_fraction.{}", designs)
    quantised = _arithmetic(chips=chips, formats=formats, designs=designs, value=value)
    stored_only = ~np.isfinite(quantised)
    unpacked = np.where(stored != 2.0, value("dequantise_factor"), 1.0)  # 16-bit arithmetic on narrow weights
    flops = np.where(stored_only, native * unpacked, quantised * by("gemm_fraction.{}", designs))
    links = np.array([link(name) for name in designs])
    no_link = ~np.isfinite(chips.link_bytes_per_s) | (chips.link_bytes_per_s <= 0)
    slow = np.isin(links, ("nvlink", "nvlink5")) & (chips.link_bytes_per_s <= _PCIE_MOST)  # a card's slot, no bridge
    links = np.where(no_link | slow, "pcie", links)
    link_rate = np.where(no_link, value("pcie_gb_per_s") * 1e9, chips.link_bytes_per_s) / 2
    kv_names = [normal_precision(name)[0] for name in kv]
    streaming = chips.bytes_per_s * by("bandwidth_fraction.{}", designs)
    attention = chips.bf16_flops_per_s
    return Pace(
        projection_flops_per_s=np.where(narrow, native, flops),
        dense_flops_per_s=np.where(grouped, native, flops),
        expert_flops_per_s=flops,
        expert_efficiency=np.full(len(stored), value("expert_gemm_factor")),
        half_flops_per_s=native,
        attention_flops_per_s=attention * by("prefill_attention_fraction.{}", designs),
        decode_attention_flops_per_s=attention * value("decode_attention_fraction"),
        bytes_per_s=streaming,
        kv_bytes_per_s=streaming * by("kv_bandwidth_factor.{}", stacks),
        link_bytes_per_s=link_rate * by("link_fraction.{}", list(links)),
        allreduce_s=by("collective_us.{}", list(links)) * 1e-6,
        switch_reduces=np.array([_switched(name) for name in chips.ids]) * np.isin(links, ("nvlink", "nvlink5")),
        projection_bytes=np.where(narrow, value("four_bit_moe_attention_bytes"), stored),
        dense_bytes=np.where(grouped, value("four_bit_moe_attention_bytes"), stored),
        expert_bytes=stored,
        head_bytes=np.full(len(stored), 2.0),
        kv_bytes=np.array([WEIGHT_BYTES[name] for name in kv_names]),
        layer_s=by("layer_us.{}", stacks) * 1e-6,
        moe_layer_s=by("moe_layer_us.{}", stacks) * 1e-6,
        latent_tile_heads=np.full(len(stored), value("latent_tile_heads")),
        latent_layer_s=np.full(len(stored), value("latent_layer_us") * 1e-6),
        prefill_layer_s=by("prefill_layer_us.{}", stacks) * 1e-6,
        first_layer_s=by("first_layer_us.{}", stacks) * 1e-6,
        step_s=by("step_ms.{}", stacks) * 1e-3,
        sequence_s=by("sequence_us.{}", stacks) * 1e-6,
        activation_bytes=np.full(len(stored), value("activation_bytes")),
        tokens_half=np.full(len(stored), value("gemm_half_tokens")),
        expert_tokens_half=np.full(len(stored), value("expert_half_tokens")),
        expert_width_half=np.full(len(stored), value("expert_half_width")),
        imbalance=np.full(len(stored), value("expert_imbalance")),
    )


def _arithmetic(
    *, chips: Chips, formats: list[tuple[str, bool]], designs: list[str], value: Callable[[str], float]
) -> Array:
    """Return the peak of the format's own arithmetic times its share of the 16-bit efficiency, NaN = 16-bit
    arithmetic."""
    names = np.array([name for name, _ in formats])
    stored_only = np.array([only for _, only in formats]) | (
        (names == "int8") & np.array([name == "neuron" for name in designs])
    )
    peaks = np.full(len(names), np.nan)
    for name, peak in (("fp8", chips.fp8_flops_per_s), ("fp4", chips.fp4_flops_per_s), ("int8", chips.int8_ops_per_s)):
        factor = value(f"precision_factor.{name}")
        peaks = np.where((names == name) & ~stored_only, peak * factor, peaks)
    # MXFP4 weights meet 8-bit activations: the rate of FP8, on chips that have four-bit arithmetic at all.
    mixed = (names == "mxfp4") & np.isfinite(chips.fp4_flops_per_s)
    return np.where(mixed, chips.fp8_flops_per_s * value("precision_factor.fp8"), peaks)


def _switched(accelerator: str) -> float:
    """Return 1 for chips behind an NVSwitch of the third generation or later, which adds up in the switch."""
    return float(design(accelerator) in ("hopper", "blackwell") and "-nvl-" not in accelerator)


def link(design_name: str) -> str:
    """Return the link inside a replica of this chip design, as the coefficients name it."""
    return {"cdna": "xgmi", "tpu": "ici", "neuron": "neuronlink", "ada": "pcie", "blackwell": "nvlink5"}.get(
        design_name, "nvlink"
    )
