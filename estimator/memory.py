"""Bytes one accelerator holds while training: weights, gradients, optimiser state, activations, logits, reserve."""

from typing import Any

import numpy as np

from estimator.layouts import NONE, OFFLOADED, ZERO1, ZERO2, ZERO3

Values = Any  # float or array of floats


def in_flight(*, pipeline: Values, interleave: Values, micro_batches: Values, layers: Values) -> Values:
    """Return how many layers' activations the first stage holds under 1F1B. [layers]

    Stage 0 keeps ``pipeline`` micro-batches of layers/pipeline layers; interleaving adds 1 + (p−1)/(p·v)
    (Korthikanti 2022, section 4.3).
    """
    chunks = np.where(np.asarray(interleave) > 1, 1 + (pipeline - 1) / (pipeline * interleave), 1.0)
    return layers / pipeline * np.minimum(pipeline * chunks, micro_batches)


def layer_activation_bytes(
    *,
    tokens: Values,
    sequence: Values,
    hidden: Values,
    heads: Values,
    query_width: Values,
    kv_width: Values,
    mlp_width: Values,
    mlp_up: Values,
    mlp_inputs: Values,
    tensor: Values,
    recompute: Values,
    recomputed_fraction: Values,
    input_bytes: Values,
    sequence_parallel: Values,
    flash: Values,
    dropout: Values,
    frozen: Values = 0.0,
) -> Values:
    """Return the bytes one layer keeps of one micro-batch on one accelerator. [bytes]

    Counted term by term (norm inputs, GEMM inputs, queries, keys, values, gate and up, product, dropout masks,
    attention
    scores without a fused kernel), so gated MLPs, grouped queries and 8-bit inputs need no special case; with a plain
    MLP,
    full heads, dropout and 16 bit it is Korthikanti's 34·s·b·h + 5·a·s²·b. ``tokens`` are those of the micro-batch
    after context
    parallelism, ``mlp_width`` the summed widths of the MLPs a token passes, ``mlp_inputs`` how many of them. With
    ``frozen`` (LoRA) a product keeps no input for a weight gradient; only the adapters on attention keep theirs, in 16
    bit.
    Source: ``model-memory`` in docs/model.md.
    """
    narrow = np.where(np.asarray(sequence_parallel), tensor, 1.0)
    norms = 4 * hidden / narrow
    trained = 1 - np.asarray(frozen)
    gemm_inputs = (trained * input_bytes * hidden * (1 + mlp_inputs) + 2 * hidden * frozen) / narrow
    heads_kept = (
        2 * (query_width + 2 * kv_width) + np.where(np.asarray(flash), 2.0, input_bytes) * query_width
    ) / tensor
    up = 2 * mlp_up * mlp_width / tensor
    product = trained * input_bytes * mlp_width / tensor
    masks = np.where(np.asarray(dropout), 2 * hidden / narrow, 0.0)
    scores = np.where(np.asarray(flash), 0.0, 5 * heads * sequence / tensor)
    kept = norms + gemm_inputs + heads_kept + up + product + masks
    lean = kept - np.where(np.asarray(flash), gemm_inputs + product, 0.0)
    boundary = 2 * hidden / narrow
    # SELECTIVE and MINIMAL recompute no whole layer (fraction 0), FULL every one (fraction 1).
    partly = lean + recomputed_fraction * (boundary - lean)
    return tokens * np.where(recompute == NONE, kept + scores, np.where(recompute == OFFLOADED, boundary, partly))


def state_bytes(
    *,
    shared_params: Values,
    expert_params: Values,
    trainable_fraction: Values,
    sharding: Values,
    shard: Values,
    expert_shard: Values,
    weight_bytes: Values,
    gradient_bytes: Values,
    optimiser_bytes: Values,
) -> Values:
    """Return weights, gradients and optimiser state on one accelerator. [bytes]

    ``shared_params`` and ``expert_params`` are those of the accelerator's pipeline and tensor shard before
    data-parallel sharding.
    ZeRO-1 shards the optimiser, ZeRO-2 the gradients too, ZeRO-3/FSDP all (Rajbhandari 2020, arXiv:1910.02054).
    """
    by_weight = np.where(sharding >= ZERO3, 1.0, 0.0)
    by_gradient = np.where(sharding >= ZERO2, 1.0, 0.0)
    by_optimiser = np.where(sharding >= ZERO1, 1.0, 0.0)
    total: Values = 0.0
    for params, ranks in ((shared_params, shard), (expert_params, expert_shard)):
        total = total + params * (
            weight_bytes / np.where(by_weight, ranks, 1.0)
            + trainable_fraction
            * (
                gradient_bytes / np.where(by_gradient, ranks, 1.0)
                + optimiser_bytes / np.where(by_optimiser, ranks, 1.0)
            )
        )
    return total
