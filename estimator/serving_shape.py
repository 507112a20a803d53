"""What one engine step has to read and compute for a model: the architecture, summed up for serving."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from estimator.architecture import Architecture

Number = Any  # a float or a numpy array; formulas take either


@dataclass(frozen=True, slots=True)
class Shape:
    """Sums over a model's layers. Each field is a number, or an array with one entry a row."""

    layers: Number
    moe_layers: Number
    latent_layers: Number  # with multi-head latent attention
    hidden: Number
    heads: Number
    attention_params: Number  # projections of every layer
    dense_params: Number  # dense MLPs, shared experts and routers
    expert_params: Number  # routed experts
    expert_share: Number  # active ÷ routed experts, 1 where there are none
    experts_active: Number
    experts_count: Number
    expert_hidden: Number
    head_params: Number  # output matrix
    embedding_params: Number  # input matrix, 0 where tied
    kv_full_values: Number  # cached values per token in layers that see the whole context
    kv_window_values: Number  # the same in layers with a window
    window_tokens: Number
    kv_shards_max: Number  # ranks over which one sequence's cache can be split
    decode_width: Number  # Σ layers × heads × width that each query-key pair multiplies in decode, full layers
    decode_width_window: Number
    prefill_width: Number
    prefill_width_window: Number

    @property
    def params(self) -> Number:
        """Return all parameters that lie in accelerator memory. [parameters]"""
        return self.attention_params + self.dense_params + self.expert_params + self.head_params + self.embedding_params


def shape(architecture: Architecture) -> Shape:
    """Return the serving sums of one architecture, scaled to the stated total where the maker states one.

    In decode, latent attention (MLA) runs absorbed: every head multiplies the latent of ``kv_lora_rank`` + rope values
    (DeepSeek-V2, arXiv:2405.04434). Source: ``serving-shape`` in docs/model_inference.md.
    """
    a = architecture
    layers, moe_layers = float(a.layers), float(a.moe_layers)
    expert = moe_layers * a.experts_count * a.expert_params()
    shared = moe_layers * (a.experts_shared * a.expert_params() + a.experts_count * a.hidden)
    dense = (layers - moe_layers) * a.dense_mlp_params() + shared
    attention = layers * a.attention_params()
    head = a.embedding_params()
    embedding = 0.0 if a.tied_embeddings else head
    missing = a.params_total - (expert + dense + attention + head + embedding)
    if np.isfinite(missing):  # what the shape does not explain (gates, indexers, convolutions) runs with the attention
        attention += float(np.clip(missing, -0.5 * attention, 0.05 * a.params_total))
    window_layers = float((a.windowed_layers or a.layers) if a.sliding_window else 0)
    full_layers = layers - window_layers
    mla = a.attention == "mla"
    values = a.kv_values_per_token_layer()
    decode = a.heads * (2 * a.kv_lora_rank + a.rope_head_dim) / 2 if mla else a.attention_width()
    return Shape(
        layers=layers,
        moe_layers=moe_layers,
        latent_layers=layers if mla else 0.0,
        hidden=float(a.hidden),
        heads=float(a.heads),
        attention_params=attention,
        dense_params=dense,
        expert_params=expert,
        expert_share=a.experts_active / a.experts_count if a.experts_count else 1.0,
        experts_active=float(a.experts_active),
        experts_count=float(a.experts_count),
        expert_hidden=float(a.expert_hidden),
        head_params=head,
        embedding_params=embedding,
        kv_full_values=full_layers * values,
        kv_window_values=window_layers * values,
        window_tokens=float(a.sliding_window or 1),
        kv_shards_max=1.0 if mla else float(a.kv_heads),
        decode_width=full_layers * decode,
        decode_width_window=window_layers * decode,
        prefill_width=full_layers * a.attention_width(),
        prefill_width_window=window_layers * a.attention_width(),
    )


def stack(shapes: list[Shape]) -> Shape:
    """Return one shape whose fields are arrays, one entry a row."""
    return Shape(**{f.name: np.array([getattr(s, f.name) for s in shapes], dtype=float) for f in fields(Shape)})


def take(shape: Shape, rows: Any) -> Shape:
    """Return the shape of the given rows; a scalar field stays as it is."""
    return Shape(
        **{
            f.name: (getattr(shape, f.name) if np.ndim(getattr(shape, f.name)) == 0 else getattr(shape, f.name)[rows])
            for f in fields(Shape)
        }
    )


def kv_values(shape: Shape, *, context_tokens: Number) -> Number:
    """Return the cached values of one sequence of ``context_tokens``, windows applied. [values]"""
    windowed = np.minimum(context_tokens, shape.window_tokens)
    return shape.kv_full_values * context_tokens + shape.kv_window_values * windowed
