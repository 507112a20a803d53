"""Seconds and bytes of one training step: every formula on arrays, one entry a case."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from estimator.architecture import Architecture
from estimator.collectives import all_to_all_seconds, gather_seconds, ranks_inside, ring_bytes_per_s
from estimator.layouts import BLOCK, MINIMAL, OFFLOADED, SELECTIVE, ZERO3, Layouts
from estimator.memory import in_flight, layer_activation_bytes, state_bytes
from estimator.presets import Links, Physics

Values = Any  # float or array of floats

QLORA_WEIGHT_BYTES = 0.516  # NF4 with doubly quantised scales: 4.127 bits a weight (arXiv:2305.14314, section 3)


@dataclass(frozen=True)
class Shape:
    """What the step time needs of an architecture at one sequence length, as arrays (one entry a case) or numbers."""

    layers: Values
    hidden: Values
    heads: Values
    query_width: Values
    kv_width: Values
    attention_width: Values
    attention_params: Values
    ffn_hidden: Values
    mlp_up: Values
    vocab: Values
    embedding_copies: Values
    sequence: Values
    mean_keys: Values
    moe_fraction: Values
    experts: Values
    experts_active: Values
    experts_shared: Values
    expert_hidden: Values
    trainable_fraction: Values
    frozen_bytes: Values
    lora: Values

    def take(self, index: Any) -> "Shape":
        """Return the cases at ``index``."""
        return Shape(**{field.name: np.asarray(getattr(self, field.name))[index] for field in fields(self)})


def stack_shapes(shapes: "list[Shape]") -> Shape:
    """Return several shapes as one struct of arrays."""
    return Shape(
        **{field.name: np.array([getattr(one, field.name) for one in shapes], float) for field in fields(Shape)}
    )


def shape_of(*, architecture: Architecture, sequence_length: int, method: str = "full") -> Shape:
    """Return the numbers of one architecture that the step-time formulas take."""
    lora = method in ("lora", "qlora")
    query = architecture.heads * architecture.head_dim
    latent = architecture.attention == "mla"
    kv_width = (
        architecture.heads * architecture.value_head_dim if latent else architecture.kv_heads * architecture.head_dim
    )
    return Shape(
        layers=float(architecture.layers),
        hidden=float(architecture.hidden),
        heads=float(architecture.heads),
        query_width=float(
            architecture.heads * (architecture.head_dim + architecture.rope_head_dim) if latent else query
        ),
        kv_width=float(kv_width),
        attention_width=architecture.attention_width(),
        attention_params=architecture.attention_params(),
        ffn_hidden=float(architecture.ffn_hidden),
        mlp_up=float(architecture.mlp_matrices() - 1),
        vocab=float(architecture.vocab),
        embedding_copies=1.0 if architecture.tied_embeddings else 2.0,
        sequence=float(sequence_length),
        mean_keys=architecture.mean_context(context_tokens=sequence_length),
        moe_fraction=architecture.moe_layers / architecture.layers,
        experts=float(max(architecture.experts_count, 1)),
        experts_active=float(architecture.experts_active),
        experts_shared=float(architecture.experts_shared),
        expert_hidden=float(architecture.expert_hidden),
        trainable_fraction=architecture.lora_params() / architecture.params() if lora else 1.0,
        frozen_bytes=QLORA_WEIGHT_BYTES if method == "qlora" else 0.0,
        lora=1.0 if lora else 0.0,
    )


def _kept_bytes(*, shape: Shape, layout: Layouts, physics: Physics) -> Values:
    """Weights, gradients and optimiser state, and layers gathered for use: what recomputation does not change."""
    expert_ranks = np.maximum(layout.expert, 1.0)
    shared, expert = _params_per_device(shape=shape, layout=layout)
    ranks = np.maximum(layout.data * layout.context, 1.0)
    expert_shard = np.maximum(layout.shard * np.where(expert_ranks > 1, layout.tensor, 1.0) / expert_ranks, 1.0)
    states = state_bytes(
        shared_params=shared,
        expert_params=expert,
        trainable_fraction=shape.trainable_fraction,
        sharding=layout.sharding,
        shard=np.where(layout.sharding >= ZERO3, layout.shard, ranks),
        expert_shard=expert_shard,
        weight_bytes=np.where(
            np.asarray(shape.frozen_bytes) > 0,
            shape.frozen_bytes,
            np.where(np.asarray(shape.lora) > 0, physics.input_bytes, physics.weight_bytes),
        ),
        gradient_bytes=physics.gradient_bytes,
        optimiser_bytes=physics.optimiser_bytes,
    )
    gathered = np.where(layout.sharding >= ZERO3, 2 * 2 * (shared + expert) * layout.pipeline / shape.layers, 0.0)
    return states + gathered


def _activation_bytes(*, shape: Shape, layout: Layouts, physics: Physics) -> Values:
    tokens = layout.micro_batch * shape.sequence / layout.context
    per_layer = layer_activation_bytes(
        tokens=tokens,
        sequence=shape.sequence,
        hidden=shape.hidden,
        heads=shape.heads,
        query_width=shape.query_width,
        kv_width=shape.kv_width,
        mlp_width=_mlp_width(shape),
        mlp_up=shape.mlp_up,
        mlp_inputs=1 + shape.moe_fraction * (shape.experts_active + shape.experts_shared - 1),
        tensor=layout.tensor,
        recompute=layout.recompute,
        recomputed_fraction=layout.recomputed_fraction,
        input_bytes=physics.input_bytes,
        sequence_parallel=physics.sequence_parallel,
        flash=physics.flash,
        dropout=physics.dropout,
        frozen=shape.lora,
    )
    held = in_flight(
        pipeline=layout.pipeline, interleave=layout.interleave, micro_batches=layout.micro_batches, layers=shape.layers
    )
    live = np.where(
        layout.recomputed_fraction > 0, 12 * tokens * (shape.hidden + shape.ffn_hidden) / layout.tensor, 0.0
    )
    logits = 6 * tokens * shape.vocab / layout.tensor
    last = per_layer * shape.layers / layout.pipeline * np.where(layout.interleave > 1, 2.0, 1.0) + logits
    first = per_layer * held + live
    return np.where(layout.pipeline > 1, np.maximum(first, last), first + logits)


def fill_memory(*, shape: Shape, layout: Layouts, physics: Physics, memory_bytes: Values) -> tuple[Layouts, Values]:
    """Return the layouts with the least block recomputation that fits, and the bytes each then needs. [bytes]

    Counted is the fullest accelerator: stage 0 (most activations) or the last stage (logits).
    Between keeping (selectively) every layer and recomputing all, bytes fall in proportion to the recomputed layers.
    """
    held = _kept_bytes(shape=shape, layout=layout, physics=physics)
    grown = 1 + physics.fragmentation_fraction
    active = _activation_bytes(shape=shape, layout=layout, physics=physics)
    kept = (held + active) * grown + physics.reserve_bytes
    short = np.flatnonzero((layout.recompute == BLOCK) & (kept > memory_bytes))
    if not len(short):
        return layout, kept
    part, one, own_physics = layout.take(short), _part(shape, short), _part(physics, short)
    whole = replace(part, recomputed_fraction=np.ones(len(short)))
    active_lean = _activation_bytes(shape=one, layout=whole, physics=own_physics)
    lean = (held[short] + active_lean) * (1 + own_physics.fragmentation_fraction) + own_physics.reserve_bytes
    own = np.ceil(one.layers / part.pipeline)
    missing = kept[short] - (memory_bytes if np.ndim(memory_bytes) == 0 else memory_bytes[short])
    saved = np.maximum(kept[short] - lean, 1.0)
    fraction = np.clip(np.ceil(missing / saved * own - 1e-9) / own, 0.0, 1.0)
    recomputed, needed = layout.recomputed_fraction.copy(), kept.copy()
    recomputed[short] = fraction
    needed[short] = kept[short] - fraction * (kept[short] - lean)
    return replace(layout, recomputed_fraction=recomputed), needed


def _part(record: Any, index: Any) -> Any:
    """Return the cases at ``index`` of a record whose fields are arrays or numbers; numbers stand for every case."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return type(record)(**{name: value if np.ndim(value) == 0 else value[index] for name, value in values.items()})


def step_seconds(*, shape: Shape, layout: Layouts, physics: Physics, links: Links) -> dict[str, Values]:
    """Return the seconds of one optimiser step and their parts. [s]

    Parts: ``compute`` (matrix products, attention, elementwise, launches of the slowest stage), ``exposed`` (tensor,
    context,
    expert and pipeline communication not hidden), ``bubble``, ``data`` (gradient and weight exchange not hidden),
    ``optimiser``,
    ``forward_fraction`` (share of a forward pass in compute, for evaluation). Source: ``model-step`` in docs/model.md.
    """
    tokens = layout.micro_batch * shape.sequence / layout.context
    gemm = _gemm_seconds(shape=shape, layout=layout, physics=physics, tokens=tokens)
    attention = _attention_seconds(shape=shape, layout=layout, physics=physics, tokens=tokens)
    forward_bytes, backward_bytes = _elementwise_bytes(shape=shape, layout=layout, physics=physics, tokens=tokens)
    element = forward_bytes / physics.memory_bytes_per_s
    element_back = backward_bytes / physics.memory_bytes_per_s
    gemm_again, attention_again, element_again = _recomputed(shape=shape, layout=layout, physics=physics)
    backward_gemm = 2.0 - shape.lora
    launch = physics.layer_launch_s + shape.moe_fraction * physics.moe_launch_s
    layer_forward = gemm + attention + element + launch
    layer_compute = (
        gemm * (1 + backward_gemm + gemm_again)
        + attention * (np.where(np.asarray(physics.flash), 3.5, 3.0) + attention_again)
        + element * (1 + element_again)
        + element_back
        + launch * (2.5 + gemm_again)
    )
    head = _head_seconds(shape=shape, layout=layout, physics=physics, tokens=tokens)
    exposed = _exposed_layer_seconds(
        shape=shape, layout=layout, physics=physics, links=links, tokens=tokens, gemm_again=gemm_again
    )
    hop = _hop_seconds(shape=shape, layout=layout, physics=physics, links=links, tokens=tokens)
    layer = layer_compute + exposed
    chunk_layers = np.ceil(shape.layers / (layout.pipeline * layout.interleave))
    most_layers = chunk_layers * layout.interleave
    spare = most_layers * layout.pipeline - shape.layers
    stage = np.where(
        layout.pipeline > 1,
        np.maximum(most_layers * layer, (most_layers - np.minimum(spare, layout.interleave)) * layer + head),
        shape.layers * layer + head,
    )
    stage = stage + hop
    held = _params_per_device(shape=shape, layout=layout)
    gathers = _sharded_gather_seconds(shape=shape, layout=layout, physics=physics, links=links, held=held)
    busy = _blend(stage, gathers, overlap=physics.overlap_data_fraction)
    bubble = (
        physics.bubble_fraction
        * (layout.pipeline - 1)
        / layout.interleave
        * (stage - np.where(layout.pipeline > 1, head, 0.0))
    )
    once = _data_seconds(shape=shape, layout=layout, physics=physics, links=links, held=held)
    hidden = np.minimum(once, stage) * physics.overlap_data_fraction
    optimiser = _optimiser_seconds(shape=shape, layout=layout, physics=physics, held=held)
    steady = layout.micro_batches * busy
    accelerators = layout.accelerators()
    jitter = 1 + physics.jitter_fraction * np.log2(np.maximum(accelerators / 8, 1.0))
    total = (steady + bubble + once - hidden + optimiser) * jitter + physics.step_overhead_s
    return {
        "total": total,
        "compute": layout.micro_batches * (most_layers * layer_compute + head),
        "exposed": layout.micro_batches * most_layers * exposed,
        "bubble": bubble,
        "data": once - hidden + layout.micro_batches * (busy - stage),
        "optimiser": optimiser,
        "forward_fraction": layer_forward / layer_compute,
    }


def _blend(work: Values, traffic: Values, *, overlap: Values) -> Values:
    """Return the time of work and traffic of which ``overlap`` can run side by side."""
    one, other = work * work, (traffic * overlap) ** 2
    side_by_side = np.sqrt(np.sqrt(one * one + other * other))  # fourth-power mean: cheaper than ** 0.25
    return side_by_side + traffic * (1 - overlap)


def _mlp_width(shape: Shape) -> Values:
    experts = (shape.experts_active + shape.experts_shared) * shape.expert_hidden
    return (1 - shape.moe_fraction) * shape.ffn_hidden + shape.moe_fraction * experts


def _gemm_seconds(*, shape: Shape, layout: Layouts, physics: Physics, tokens: Values) -> Values:
    """Forward matrix products of an average layer: arithmetic at the kernel ceiling plus the traffic that no
    arithmetic hides."""
    t = layout.tensor
    q, kv = shape.query_width, shape.kv_width
    up = shape.mlp_up
    b = physics.input_bytes
    rate = physics.memory_bytes_per_s
    attention_flops = 2 * tokens * shape.attention_params / t
    attention_bytes = b * (tokens * (shape.hidden + q / t) + shape.attention_params / t) + 2 * tokens * (
        (q + 2 * kv) / t + shape.hidden
    )
    dense_params = (up + 1) * shape.hidden * shape.ffn_hidden
    dense_flops = 2 * tokens * dense_params / t
    dense_bytes = b * (tokens * (shape.hidden + shape.ffn_hidden / t) + dense_params / t) + 2 * tokens * (
        up * shape.ffn_hidden / t + shape.hidden
    )
    dense = 1 - shape.moe_fraction
    flops = attention_flops + dense * dense_flops
    moved = attention_bytes + dense * dense_bytes
    seconds = flops * _seconds_per_flop(physics) + physics.gemm_traffic_fraction * moved / rate
    unpacked = np.where(
        np.asarray(shape.frozen_bytes) > 0, shape.frozen_bytes + 4, 0.0
    )  # read 4 bit, write and read 16
    seconds = seconds + unpacked * (shape.attention_params + dense * dense_params) / t / rate
    if np.any(np.asarray(shape.moe_fraction) > 0):
        seconds = seconds + shape.moe_fraction * _expert_seconds(
            shape=shape, layout=layout, physics=physics, tokens=tokens
        )
    return seconds


def _seconds_per_flop(physics: Physics) -> Values:
    """Return the time of one FLOP in a large product. [s]

    Tiles are read again and again from memory, so the rate falls with the machine's balance of arithmetic to bandwidth.
    """
    return 1 / physics.gemm_flops + physics.gemm_reread * physics.input_bytes / physics.memory_bytes_per_s


def _expert_seconds(*, shape: Shape, layout: Layouts, physics: Physics, tokens: Values) -> Values:
    """Forward products of the routed and shared experts of one layer; an expert sees few tokens, its weights are read
    anyway."""
    split = np.where(layout.expert > 1, 1.0, layout.tensor)
    rows = tokens / layout.tensor * split * shape.experts_active
    shared_rows = tokens * shape.experts_shared
    one_expert = (shape.mlp_up + 1) * shape.hidden * shape.expert_hidden
    weights = shape.experts / layout.expert * one_expert / split
    flops = 2 * rows * one_expert / split + 2 * shared_rows * one_expert / layout.tensor
    width = shape.expert_hidden / split
    moved = (
        physics.input_bytes * (rows * (shape.hidden + width) + weights)
        + 2 * rows * (shape.mlp_up * width + shape.hidden)
        + (2 + physics.input_bytes) * shared_rows * (shape.hidden + shape.mlp_up * shape.expert_hidden / layout.tensor)
    )
    return flops * _seconds_per_flop(physics) / physics.moe_gemm_fraction + (
        physics.gemm_traffic_fraction * moved / physics.memory_bytes_per_s
    )


def _attention_seconds(*, shape: Shape, layout: Layouts, physics: Physics, tokens: Values) -> Values:
    """Forward scores and values; without a fused kernel the whole square is multiplied and the scores go through
    memory."""
    keys = np.where(np.asarray(physics.flash), shape.mean_keys, shape.sequence)
    flops = 4 * tokens * shape.attention_width / layout.tensor * keys
    scores = np.where(np.asarray(physics.flash), 0.0, tokens * shape.heads / layout.tensor * shape.sequence)
    return flops / physics.attention_flops + physics.elementwise_factor * 11 * scores / physics.memory_bytes_per_s


def _elementwise_bytes(*, shape: Shape, layout: Layouts, physics: Physics, tokens: Values) -> tuple[Values, Values]:
    """Bytes that norms, residuals, rotary embedding, activation, dropout and 8-bit casts move in a layer, forward and
    backward."""
    narrow = np.where(np.asarray(physics.sequence_parallel), layout.tensor, 1.0)
    width = _mlp_width(shape)
    dropout = np.where(np.asarray(physics.dropout), 3.0, 0.0)
    rotary = 4 * (shape.query_width + shape.kv_width) / layout.tensor
    forward = 2 * (8 + 2 * dropout) * shape.hidden / narrow + rotary
    backward = 2 * (10 + 2 * dropout) * shape.hidden / narrow + rotary
    forward = forward + 2 * (shape.mlp_up + 1) * width / layout.tensor
    backward = backward + 2 * (2 * shape.mlp_up + 1) * width / layout.tensor
    routed = shape.moe_fraction * shape.experts_active * shape.hidden / layout.tensor
    forward = forward + 2 * 4 * routed
    backward = backward + 2 * 4 * routed
    gathered = (1 + 1 / narrow) * shape.hidden  # cast on the shard, transposed after the gather
    cast_in = gathered + shape.query_width / layout.tensor + width / layout.tensor + routed
    cast_out = (
        (shape.query_width + 2 * shape.kv_width) / layout.tensor + gathered + shape.mlp_up * width / layout.tensor
    )
    quantise = 4 * physics.cast_passes
    # adapters on the attention products: dropout and two thin products read and add to full-width activations
    adapted = (
        shape.lora
        * physics.adapter_factor
        * 2
        * (4 * shape.hidden + (3 * (shape.query_width + 2 * shape.kv_width)) / layout.tensor)
    )
    forward = forward + adapted
    backward = backward + 2 * adapted
    return (
        tokens * physics.elementwise_factor * (forward + quantise * cast_in),
        tokens * physics.elementwise_factor * (backward + quantise * cast_out),
    )


def _recomputed(*, shape: Shape, layout: Layouts, physics: Physics) -> tuple[Values, Values, Values]:
    """Shares of a forward pass done again: matrix products, attention core, elementwise.

    A compiler that drops dead code (XLA) leaves out the MLP's last product, whose result only the next layer reads.
    """
    whole = layout.recomputed_fraction
    dead = np.where(np.asarray(physics.compiled), _last_product_share(shape), 0.0)
    selective = layout.recompute == SELECTIVE
    minimal = layout.recompute == MINIMAL
    offloaded = layout.recompute == OFFLOADED
    block = layout.recompute == BLOCK
    gemm = np.where(offloaded, 0.75, whole) * (1 - dead)
    rest = np.where(selective | block, 1 - whole, 0.0)
    core = np.where(minimal | offloaded, 1.0, whole) + np.where(np.asarray(physics.flash), 0.0, rest)
    element = np.where(minimal | offloaded, 1.0, whole) + 0.6 * rest
    return gemm, core, element


def _last_product_share(shape: Shape) -> Values:
    """Share of the MLP's last product in a layer's matrix products."""
    one = shape.hidden * _mlp_width(shape)
    return one / (shape.attention_params + (shape.mlp_up + 1) * one)


def _head_seconds(*, shape: Shape, layout: Layouts, physics: Physics, tokens: Values) -> Values:
    """Output head and loss, forward and backward, on the stage that holds them; logits are read and written in 32
    bit."""
    flops = 2 * tokens * shape.hidden * shape.vocab / layout.tensor
    moved = tokens * shape.vocab / layout.tensor * 20
    reread = 2 * physics.gemm_reread / physics.memory_bytes_per_s
    return (3 - shape.lora) * flops * (1 / physics.head_flops + reread) + moved / physics.memory_bytes_per_s


def _rate(*, group: Values, stride: Values, links: Links, physics: Physics) -> Values:
    return ring_bytes_per_s(
        group=group,
        stride=stride,
        domain=links.domain,
        domain_bytes_per_s=links.domain_bytes_per_s * physics.domain_efficiency,
        node=links.node,
        node_bytes_per_s=links.node_bytes_per_s,
        fabric_bytes_per_s=links.fabric_bytes_per_s * physics.fabric_efficiency,
    )


def _latency(*, group: Values, stride: Values, links: Links, physics: Physics) -> Values:
    inside = ranks_inside(group=group, stride=stride, domain=links.node)
    return np.where(inside >= group, physics.latency_domain_s, physics.latency_fabric_s)


def _exposed_layer_seconds(
    *, shape: Shape, layout: Layouts, physics: Physics, links: Links, tokens: Values, gemm_again: Values
) -> Values:
    """Tensor-, context- and expert-parallel exchange of one layer, forward and backward, that compute does not hide."""
    t = layout.tensor
    one = gather_seconds(
        total_bytes=(1 + physics.input_bytes / 2) * tokens * shape.hidden,  # gathers in the operand's precision
        group=t,
        bytes_per_s=_rate(group=t, stride=1.0, links=links, physics=physics),
        latency_s=physics.latency_domain_s,
    )
    tensor = (8 + 4 * gemm_again) * one * (1 - physics.overlap_tensor_fraction)
    context = _context_seconds(
        shape=shape, layout=layout, physics=physics, links=links, tokens=tokens, passes=3 + gemm_again
    )
    if not np.any(layout.expert > 1):
        return tensor + context
    e = layout.expert
    exchange = all_to_all_seconds(
        token_bytes=(1 + physics.input_bytes) * tokens / t * shape.hidden,
        copies=shape.experts_active,
        group=e,
        inside=ranks_inside(group=e, stride=1.0, domain=links.domain),
        inside_bytes_per_s=links.domain_bytes_per_s * physics.domain_efficiency,
        outside_bytes_per_s=links.fabric_bytes_per_s * physics.fabric_efficiency,
        latency_s=physics.latency_fabric_s,
    )
    expert = shape.moe_fraction * (2 + gemm_again) * 2 * exchange / 2 * (1 - physics.overlap_expert_fraction)
    return tensor + context + expert


def _context_seconds(
    *, shape: Shape, layout: Layouts, physics: Physics, links: Links, tokens: Values, passes: Values
) -> Values:
    """Exchange of context parallelism in one layer: a ring of keys and values, or Ulysses' all-to-alls where cheaper.

    The ring takes c − 1 steps, each with its latency, and partly hides behind attention; Ulysses turns sequences into
    heads
    (four exchanges of the local activations), needs c heads a rank and hides nothing.
    """
    c, t = layout.context, layout.tensor
    rate = _rate(group=c, stride=t, links=links, physics=physics)
    latency = _latency(group=c, stride=t, links=links, physics=physics)
    moved = (c - 1) * 4 * tokens * shape.kv_width / t
    ring = moved / rate * (1 - physics.overlap_context_fraction) + (c - 1) * latency
    turned = (c - 1) / c * 4 * tokens * (shape.query_width + shape.kv_width) / t
    ulysses = np.where(c * t <= shape.heads, turned / rate + 4 * latency, np.inf)
    return passes * np.where(c > 1, np.minimum(ring, ulysses), 0.0)


def _hop_seconds(*, shape: Shape, layout: Layouts, physics: Physics, links: Links, tokens: Values) -> Values:
    """Sends between pipeline stages of one micro-batch, both ways, that compute does not hide."""
    stride = layout.tensor * layout.context * layout.data
    near = layout.pipeline * stride <= links.domain
    rate = np.where(
        near, links.domain_bytes_per_s * physics.domain_efficiency, links.fabric_bytes_per_s * physics.fabric_efficiency
    )
    sent = 2 * tokens * shape.hidden / np.where(np.asarray(physics.scattered_hops), layout.tensor, 1.0)
    one = sent / rate + physics.latency_fabric_s
    return np.where(layout.pipeline > 1, 2 * layout.interleave * one * (1 - physics.overlap_pipeline_fraction), 0.0)


def _params_per_device(*, shape: Shape, layout: Layouts) -> tuple[Values, Values]:
    """Parameters of the first pipeline stage on one accelerator before data-parallel sharding: shared ones and
    experts."""
    stage = np.ceil(shape.layers / layout.pipeline)
    dense = (1 - shape.moe_fraction) * (shape.mlp_up + 1) * shape.hidden * shape.ffn_hidden
    one_expert = (shape.mlp_up + 1) * shape.hidden * shape.expert_hidden
    common = shape.attention_params + dense + shape.moe_fraction * shape.experts_shared * one_expert
    copies = np.where(layout.pipeline > 1, 1.0, shape.embedding_copies)
    shared = (stage * common + copies * shape.vocab * shape.hidden) / layout.tensor
    split = np.where(layout.expert > 1, layout.expert, layout.tensor)
    expert = (
        stage
        * shape.moe_fraction
        * np.where(np.asarray(shape.moe_fraction) > 0, shape.experts, 0.0)
        * one_expert
        / split
    )
    return shared, expert


def _sharded_gather_seconds(
    *, shape: Shape, layout: Layouts, physics: Physics, links: Links, held: tuple[Values, Values]
) -> Values:
    """FSDP: weights gathered forward and backward and gradients scattered, each micro-batch."""
    sharded = layout.sharding >= ZERO3
    if not np.any(sharded):
        return np.zeros_like(layout.tensor)
    shared, expert = held
    group = np.where(sharded, layout.shard, 1.0)
    rate = _rate(group=group, stride=layout.tensor, links=links, physics=physics)
    latency = _latency(group=group, stride=layout.tensor, links=links, physics=physics)
    passes = np.where(
        np.asarray(shape.lora) > 0, 2 * physics.input_bytes, 2 * physics.input_bytes + physics.gradient_bytes
    )
    seconds = gather_seconds(total_bytes=passes * (shared + expert), group=group, bytes_per_s=rate)
    return np.where(
        sharded, seconds + np.where(group > 1, 3 * shape.layers * latency * np.log2(np.maximum(group, 2)), 0.0), 0.0
    )


def _data_seconds(
    *, shape: Shape, layout: Layouts, physics: Physics, links: Links, held: tuple[Values, Values]
) -> Values:
    """Gradient reduction and weight gathering once a step; for hybrid sharding the reduction between the shard
    groups."""
    shared, expert = held
    ranks = layout.data * layout.context
    sharded = layout.sharding >= ZERO3
    trained = shape.trainable_fraction
    moved = (physics.gradient_bytes + physics.input_bytes) * trained
    whole = gather_seconds(
        total_bytes=moved * shared,
        group=ranks,
        bytes_per_s=_rate(group=ranks, stride=layout.tensor, links=links, physics=physics),
        latency_s=physics.latency_fabric_s,
    )
    if np.any(expert > 0):
        copies = np.maximum(ranks * np.where(layout.expert > 1, layout.tensor, 1.0) / layout.expert, 1.0)
        whole = whole + gather_seconds(
            total_bytes=moved * expert,
            group=copies,
            bytes_per_s=_rate(group=copies, stride=layout.expert, links=links, physics=physics),
            latency_s=physics.latency_fabric_s,
        )
    groups = np.maximum(ranks / layout.shard, 1.0)
    between = gather_seconds(
        total_bytes=2 * physics.gradient_bytes * trained * (shared + expert) / layout.shard,
        group=groups,
        bytes_per_s=links.fabric_bytes_per_s * physics.fabric_efficiency,
        latency_s=physics.latency_fabric_s,
    )
    return np.where(sharded, between, whole)


def _optimiser_seconds(*, shape: Shape, layout: Layouts, physics: Physics, held: tuple[Values, Values]) -> Values:
    """Adam reads gradient, master weight and two moments and writes three of them and the working weight."""
    shared, expert = held
    ranks = np.where(layout.sharding >= ZERO3, layout.shard, layout.data * layout.context)
    mine = (shared + expert) / np.where(layout.sharding > 0, ranks, 1.0)
    trained = shape.trainable_fraction
    return (physics.gradient_bytes + 2 * physics.optimiser_bytes + 2) * trained * mine / physics.memory_bytes_per_s
