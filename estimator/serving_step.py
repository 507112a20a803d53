"""The time of one engine step: a mixed batch of decoding sequences and prefill tokens on one model replica."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from estimator.serving_shape import Shape, kv_values

Number = Any  # a float or a numpy array; formulas take either


@dataclass(frozen=True, slots=True)
class Pace:
    """What a chip with its stack reaches, and what the precision asks of it. Each field a number or an array."""

    projection_flops_per_s: Number  # attention projections
    dense_flops_per_s: Number  # dense MLPs, shared experts
    expert_flops_per_s: Number
    half_flops_per_s: Number  # 16-bit GEMMs: the output matrix
    attention_flops_per_s: Number  # scores and weighted values in prefill
    decode_attention_flops_per_s: Number
    bytes_per_s: Number  # weights and activations
    kv_bytes_per_s: Number
    link_bytes_per_s: Number  # one direction, per chip
    allreduce_s: Number  # latency of one collective inside the replica
    switch_reduces: Number  # 1 where the switch adds up (NVLink SHARP): a rank sends its message once; else 0
    projection_bytes: Number  # per weight
    dense_bytes: Number
    expert_bytes: Number
    head_bytes: Number
    kv_bytes: Number  # per cached value
    layer_s: Number  # kernels' fixed time per layer
    moe_layer_s: Number  # on top of it where tokens are routed
    latent_tile_heads: Number  # heads that fill a tile of latent attention in decode
    latent_layer_s: Number  # on top of it for latent attention: projections down and up, absorbed products
    prefill_layer_s: Number  # on top of both in a step that reads prompts: no captured graph, host-bound launches
    first_layer_s: Number  # launches of a prompt's first step that delay its first token only
    step_s: Number  # host and scheduler per step
    sequence_s: Number  # host per sequence and step: sampling, detokenising
    activation_bytes: Number  # elementwise traffic per token, layer and hidden value
    tokens_half: Number  # tokens at which a GEMM reaches half of its ceiling
    expert_efficiency: Number  # of grouped GEMMs, as a share of that of dense ones
    expert_tokens_half: Number
    expert_width_half: Number  # width of an expert's shard at which its GEMM reaches half of its ceiling
    imbalance: Number  # busiest rank ÷ mean rank − 1 under wide expert parallelism


@dataclass(frozen=True, slots=True)
class Layout:
    """How a replica is cut: tensor-parallel ranks × pipeline stages × attention-data-parallel ranks."""

    tensor: Number
    pipeline: Number
    data: Number  # attention data parallel with expert parallel over all ranks; 1 = none
    kv_ranks: Number  # ranks a sequence's cache could be spread over (cores count on Neuron)

    @property
    def accelerators(self) -> Number:
        """Return the accelerators of one replica."""
        return self.tensor * self.pipeline * self.data


def step_s(
    *,
    shape: Shape,
    pace: Pace,
    layout: Layout,
    sequences: Number,
    context_tokens: Number,
    prefill_tokens: Number = 0.0,
    prefill_keys: Number = 0.0,
    prefill_ends: Number = 0.0,
) -> Number:
    """Return the time of one step in which ``sequences`` decode one token and ``prefill_tokens`` are read. [s]

    Per layer: GEMMs as a smooth roofline of FLOPs and weight bytes, attention by cache bytes and FLOPs, two all-reduces
    (tensor parallel) or two all-to-alls (expert parallel), kernels' fixed time; per step: the output matrix and the
    host. The parts add
    up: kernels run one after another. Under attention-data-parallel each rank holds all of the attention, and a
    share of the
    experts. A pipeline passes ``sequences`` ÷ stages at a time through all layers. Source: ``serving-step`` in
    docs/model_inference.md.
    """
    sequences = sequences / layout.pipeline
    tokens = sequences + prefill_tokens
    local = tokens / layout.data  # tokens of one attention rank

    work = _gemm_s(
        shape.attention_params,
        local,
        layout.tensor,
        flops_per_s=pace.projection_flops_per_s,
        weight_bytes=pace.projection_bytes,
        pace=pace,
    )
    work = work + _gemm_s(
        shape.dense_params,
        local,
        layout.tensor,
        flops_per_s=pace.dense_flops_per_s,
        weight_bytes=pace.dense_bytes,
        pace=pace,
    )
    work = work + _experts_s(shape=shape, pace=pace, layout=layout, tokens=tokens)
    heads = (sequences + prefill_ends) / layout.data
    work = work + _roofline(
        2 * shape.head_params * heads / layout.tensor / pace.half_flops_per_s,
        shape.head_params * pace.head_bytes / layout.tensor / pace.bytes_per_s,
    )
    work = work + _decode_attention_s(
        shape=shape, pace=pace, layout=layout, sequences=sequences, context=context_tokens
    )
    window_keys = np.minimum(prefill_keys, shape.window_tokens)
    pairs = shape.prefill_width * prefill_keys + shape.prefill_width_window * window_keys
    work = work + 4 * pairs * prefill_tokens / layout.data / layout.tensor / pace.attention_flops_per_s
    work = work + pace.activation_bytes * shape.hidden * shape.layers * local / pace.bytes_per_s
    work = work + _collectives_s(shape=shape, pace=pace, layout=layout, tokens=tokens, heads=heads)
    reads = np.where(np.asarray(prefill_tokens) > 0, pace.prefill_layer_s, 0.0)
    fixed = (
        shape.layers * (pace.layer_s + reads)
        + shape.moe_layers * pace.moe_layer_s
        + shape.latent_layers * pace.latent_layer_s
    )
    return work + fixed + pace.step_s + pace.sequence_s * sequences / layout.data


def _roofline(compute_s: Number, memory_s: Number) -> Number:
    # The fourth-power mean of a sharp maximum: FLOPs and bytes overlap, but not perfectly where both count.
    compute_2, memory_2 = compute_s * compute_s, memory_s * memory_s
    return np.sqrt(np.sqrt(compute_2 * compute_2 + memory_2 * memory_2))


def _gemm_s(
    params: Number,
    tokens: Number,
    shards: Number,
    *,
    flops_per_s: Number,
    weight_bytes: Number,
    pace: Pace,
) -> Number:
    # Below tokens_half the tile is not full: the time is that of the half-full tile.
    compute = 2 * params / shards * (tokens + pace.tokens_half * (tokens > 0)) / flops_per_s
    return _roofline(compute, params * weight_bytes / shards / pace.bytes_per_s)


def _experts_s(*, shape: Shape, pace: Pace, layout: Layout, tokens: Number) -> Number:
    ranks = layout.tensor * layout.data
    touched = 1 - (1 - shape.expert_share) ** tokens  # share of the experts that at least one token reaches
    spread = 1 + pace.imbalance * (1 - 1 / layout.data)
    width = np.maximum(shape.expert_hidden / layout.tensor, 1.0)
    narrow = pace.expert_efficiency * width / (width + pace.expert_width_half)
    # Tiles that are not full are computed all the same, but at the full rate: they wait for bytes, not for tokens.
    rows = shape.expert_share * tokens * spread / narrow + touched * pace.expert_tokens_half
    compute = 2 * shape.expert_params / ranks * rows / pace.expert_flops_per_s
    return _roofline(compute, shape.expert_params * touched * pace.expert_bytes / ranks / pace.bytes_per_s)


def _decode_attention_s(*, shape: Shape, pace: Pace, layout: Layout, sequences: Number, context: Number) -> Number:
    local = sequences / layout.data
    shards = np.minimum(layout.kv_ranks, shape.kv_shards_max)
    read = local * kv_values(shape, context_tokens=context) * pace.kv_bytes / shards / pace.kv_bytes_per_s
    pairs = shape.decode_width * context + shape.decode_width_window * np.minimum(context, shape.window_tokens)
    # All heads of a rank share one latent: they fill the rows of a tile, and what stays empty is computed all the same.
    filled = np.minimum(shape.heads / layout.tensor / pace.latent_tile_heads, 1.0)
    empty = np.where(shape.latent_layers > 0, 1 / filled, 1.0)
    compute = 4 * pairs * local / layout.tensor * empty / pace.decode_attention_flops_per_s
    return _roofline(compute, read)


def _collectives_s(*, shape: Shape, pace: Pace, layout: Layout, tokens: Number, heads: Number) -> Number:
    tensor = layout.tensor
    message = 2.0 * shape.hidden * tokens / layout.data  # 16-bit activations
    sent = np.where(pace.switch_reduces > 0, 1.0, 2 * (tensor - 1) / tensor)  # in switch, or ring
    reduce = pace.allreduce_s + sent * message / pace.link_bytes_per_s
    time = np.where(tensor > 1, 2 * shape.layers * reduce, 0.0)
    # The vocabulary is cut too: its 32-bit logits are gathered before a token can be drawn.
    logits = 4.0 * shape.head_params / shape.hidden * heads
    time = time + (tensor - 1) / tensor * logits / pace.link_bytes_per_s
    # Dispatch in 8 bits and combine in 16, for as many experts as lie on other ranks.
    away = np.minimum(shape.experts_active, layout.data) * (layout.data - 1) / layout.data
    exchange = 2 * pace.allreduce_s + 1.5 * message * away / pace.link_bytes_per_s
    time = time + np.where(layout.data > 1, shape.moe_layers * exchange, 0.0)
    hop = pace.allreduce_s + message / tensor / pace.link_bytes_per_s
    return time + (layout.pipeline - 1) * hop
