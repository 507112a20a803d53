"""What lies in an accelerator's memory while it serves: weights, cache, and what the stack keeps for itself."""

from typing import Any

import numpy as np

from estimator.serving_shape import Shape, kv_values
from estimator.serving_step import Layout, Pace

Number = Any  # a float or a numpy array; formulas take either


def weights_gb(*, shape: Shape, pace: Pace, layout: Layout) -> Number:
    """Return the weights on one accelerator. [GB]

    Tensor parallelism cuts every matrix; under attention-data-parallel only the routed experts are cut over the data
    ranks.
    """
    cut = layout.tensor * layout.pipeline
    dense = shape.attention_params * pace.projection_bytes + shape.dense_params * pace.dense_bytes
    ends = (shape.head_params + shape.embedding_params) * pace.head_bytes
    return (dense + ends + shape.expert_params * pace.expert_bytes / layout.data) / cut / 1e9


def cache_gb_per_sequence(*, shape: Shape, pace: Pace, layout: Layout, context_tokens: Number) -> Number:
    """Return the cache of one sequence on each accelerator that holds a part of it. [GB]

    Grouped heads are copied once there are more ranks than KV heads; the latent of MLA is copied to every rank.
    """
    shards = np.minimum(layout.kv_ranks, shape.kv_shards_max) * layout.pipeline
    return kv_values(shape, context_tokens=context_tokens) * pace.kv_bytes / shards / 1e9


def sequences_max(
    *,
    shape: Shape,
    pace: Pace,
    layout: Layout,
    memory_gb: Number,
    usable_fraction: Number,
    cache_fraction: Number,
    reserve_gb: Number,
    context_tokens: Number,
) -> Number:
    """Return how many sequences a replica's cache holds, below 1 where the model does not fit. [sequences]

    The stack takes ``usable_fraction`` of the memory and gives ``cache_fraction`` of what the weights leave to the
    cache.
    """
    free_gb = memory_gb * usable_fraction - reserve_gb - weights_gb(shape=shape, pace=pace, layout=layout)
    one_gb = cache_gb_per_sequence(shape=shape, pace=pace, layout=layout, context_tokens=context_tokens)
    return cache_fraction * np.maximum(free_gb, 0.0) / one_gb * layout.data
