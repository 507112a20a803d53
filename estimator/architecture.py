"""A transformer's shape: exact parameters, FLOPs per token and cache bytes per token."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

# Multi-head latent attention as published with DeepSeek-V2/V3 (arXiv:2412.19437, section 4.2): used where a row gives
# only the latent rank.
MLA_QUERY_RANK_PER_KV_RANK = 3
MLA_ROPE_HEAD_DIM = 64
MLA_VALUE_HEAD_DIM = 128


class ArchitectureError(ValueError):
    """A shape that no transformer has; says which field and why."""


@dataclass(frozen=True)
class Architecture:
    """One decoder-only transformer. ``params_total``/``params_active`` are what the maker states, in parameters (not
    billions)."""

    id: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn_hidden: int
    ffn_kind: str = "gated"
    vocab: int = 0
    tied_embeddings: bool = False
    attention: str = "gqa"
    kv_lora_rank: int = 0
    sliding_window: int = 0
    experts_count: int = 0
    experts_active: int = 0
    experts_shared: int = 0
    expert_hidden: int = 0
    params_total: float = math.nan
    params_active: float = math.nan
    context_max_tokens: int = 0
    q_lora_rank: int = 0
    rope_head_dim: int = 0
    value_head_dim: int = 0
    dense_layers: int = 0
    windowed_layers: int = 0
    learned_positions: int = 0

    def __post_init__(self) -> None:
        for name in ("layers", "hidden", "heads", "head_dim"):
            if getattr(self, name) <= 0:
                raise ArchitectureError(f"{self.id}: {name} is {getattr(self, name)}, expected a positive number")
        if self.kv_heads > self.heads:
            raise ArchitectureError(f"{self.id}: {self.kv_heads} KV heads for {self.heads} heads")
        if self.ffn_kind not in ("gated", "plain"):
            raise ArchitectureError(f"{self.id}: ffn_kind is {self.ffn_kind!r}, expected gated or plain")

    # -- parameters ---------------------------------------------------------------------------------------------

    @property
    def is_moe(self) -> bool:
        """Return whether any layer routes its tokens to experts."""
        return self.experts_count > 0

    @property
    def moe_layers(self) -> int:
        """Return the number of layers with routed experts."""
        return self.layers - self.dense_layers if self.is_moe else 0

    def mlp_matrices(self) -> int:
        """Return the matrices of one MLP: 3 for a gated one (SwiGLU, GeGLU), 2 for a plain one (GELU)."""
        return 3 if self.ffn_kind == "gated" else 2

    def attention_params(self) -> float:
        """Return the matrix parameters of one attention block. [parameters]

        Query, key, value and output projections; for latent attention (MLA) the down and up projections of
        DeepSeek-V2 (arXiv:2405.04434, section 2.1).
        """
        if self.attention == "mla":
            query_rank = self.q_lora_rank
            rope, value = self.rope_head_dim, self.value_head_dim
            query_out = self.heads * (self.head_dim + rope)
            query = self.hidden * query_rank + query_rank * query_out if query_rank else self.hidden * query_out
            down = self.hidden * (self.kv_lora_rank + rope)
            up = self.kv_lora_rank * self.heads * (self.head_dim + value)
            return float(query + down + up + self.heads * value * self.hidden)
        return float(self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads))

    def dense_mlp_params(self) -> float:
        """Return the matrix parameters of one dense MLP. [parameters]"""
        return float(self.mlp_matrices() * self.hidden * self.ffn_hidden)

    def expert_params(self) -> float:
        """Return the matrix parameters of one expert. [parameters]"""
        return float(self.mlp_matrices() * self.hidden * self.expert_hidden)

    def embedding_params(self) -> float:
        """Return the parameters of one embedding (or output) matrix. [parameters]"""
        return float(self.vocab * self.hidden)

    def _per_layer(self, *, active: bool) -> float:
        experts = (self.experts_active if active else self.experts_count) + self.experts_shared
        routed = experts * self.expert_params() + self.experts_count * self.hidden
        mlp = (self.moe_layers * routed + (self.layers - self.moe_layers) * self.dense_mlp_params()) / self.layers
        return self.attention_params() + mlp + 2 * self.hidden

    def params(self) -> float:
        """Return all parameters counted from the shape. [parameters]

        Matrices, norms and embeddings; biases (under 0.1 %) are left out. Source: ``model-params`` in docs/model.md.
        """
        embeddings = self.embedding_params() * (1 if self.tied_embeddings else 2) + self.learned_positions * self.hidden
        return self.layers * self._per_layer(active=False) + embeddings + self.hidden

    def active_params(self) -> float:
        """Return the parameters one token passes through, both embeddings included. [parameters]"""
        embeddings = self.embedding_params() * (1 if self.tied_embeddings else 2) + self.learned_positions * self.hidden
        return self.layers * self._per_layer(active=True) + embeddings + self.hidden

    def matmul_params(self) -> float:
        """Return the active parameters that multiply each token: all layers' matrices and the output head.
        [parameters]"""
        return self.layers * (self._per_layer(active=True) - 2 * self.hidden) + self.embedding_params()

    def lora_params(self, *, rank: int = 16) -> float:
        """Return the trainable parameters of adapters on query, key, value and output projections. [parameters]

        Each adapted matrix of n inputs and m outputs gains ``rank`` × (n + m) (Hu et al., arXiv:2106.09685).
        """
        kv_out, query_out = self.kv_heads * self.head_dim, self.heads * self.head_dim
        return float(self.layers * rank * (2 * (self.hidden + query_out) + 2 * (self.hidden + kv_out)))

    # -- work ---------------------------------------------------------------------------------------------------

    def mean_context(self, *, context_tokens: float, causal: bool = True) -> float:
        """Return the keys a query meets on average in a sequence of ``context_tokens``, averaged over the layers.
        [tokens]

        Half the sequence under a causal mask; a sliding window w caps it at w, less the ramp w²/2s of the first w
        tokens.
        """
        full = context_tokens / 2 if causal else context_tokens
        if not self.sliding_window or self.sliding_window >= context_tokens or not causal:
            return full
        window = self.sliding_window - self.sliding_window**2 / (2 * context_tokens)
        windowed_fraction = (self.windowed_layers or self.layers) / self.layers
        return windowed_fraction * window + (1 - windowed_fraction) * full

    def attention_width(self) -> float:
        """Return heads × mean of key and value width: the width that each query-key pair multiplies. [elements]"""
        if self.attention == "mla":
            return self.heads * (self.head_dim + self.rope_head_dim + self.value_head_dim) / 2
        return float(self.heads * self.head_dim)

    def attention_flops_per_token(self, *, context_tokens: float, causal: bool = True) -> float:
        """Return forward FLOPs of scores and weighted values, all layers. [FLOP token⁻¹]"""
        keys = self.mean_context(context_tokens=context_tokens, causal=causal)
        return 4 * self.layers * self.attention_width() * keys

    def flops_per_token(self, *, context_tokens: float, causal: bool = True) -> float:
        """Return forward FLOPs per token at a sequence length, a multiply-add counted as two. [FLOP token⁻¹]

        2 × matrix parameters + 4 × layers × heads × head_dim × mean keys (Narayanan 2021, arXiv:2104.04473; Chowdhery
        2022,
        arXiv:2204.02311). ``causal=False`` counts the masked half too, as several published MFU figures do.
        """
        return 2 * self.matmul_params() + self.attention_flops_per_token(context_tokens=context_tokens, causal=causal)

    def training_flops_per_token(self, *, context_tokens: float, causal: bool = True, lora: bool = False) -> float:
        """Return model FLOPs of forward and backward, recomputation not counted. [FLOP token⁻¹]

        Full training 3 × forward. With frozen weights (LoRA) the weight gradients of the matrices are not computed.
        """
        attention = self.attention_flops_per_token(context_tokens=context_tokens, causal=causal)
        return (4 if lora else 6) * self.matmul_params() + 3 * attention

    # -- memory of a sequence -----------------------------------------------------------------------------------

    def kv_values_per_token_layer(self) -> float:
        """Return the cached values of one token in one layer: 2 × KV heads × head_dim, or the MLA latent and its rope
        part."""
        if self.attention == "mla":
            return float(self.kv_lora_rank + self.rope_head_dim)
        return float(2 * self.kv_heads * self.head_dim)

    def kv_bytes_per_token(self, *, bytes_per_value: float = 2.0) -> float:
        """Return the key-value cache of one token over all layers, windows not applied. [bytes token⁻¹]"""
        return self.layers * self.kv_values_per_token_layer() * bytes_per_value

    def kv_bytes_per_sequence(self, *, context_tokens: float, bytes_per_value: float = 2.0) -> float:
        """Return the cache of a whole sequence; layers with a sliding window keep at most the window. [bytes]"""
        per_token = self.kv_values_per_token_layer() * bytes_per_value
        windowed = (self.windowed_layers or self.layers) if self.sliding_window else 0
        kept = min(context_tokens, self.sliding_window) if self.sliding_window else 0.0
        return per_token * (windowed * kept + (self.layers - windowed) * context_tokens)


def from_row(row: Mapping[str, Any]) -> Architecture:
    """Return the architecture of a row of the catalog's architectures frame (or of any mapping with those names).

    Blank cells take what the shape implies: head_dim = hidden / heads, KV heads = heads, experts as wide as the MLP.
    The number
    of dense layers of a mixture of experts, where not given, is the one that meets the stated total best.
    """
    given = {field.name: _cell(row, field.name) for field in fields(Architecture)}
    numbers = {name: given[name] for name in given if name not in _TEXT and name != "tied_embeddings"}
    if not numbers["layers"] or not numbers["hidden"] or not numbers["heads"]:
        raise ArchitectureError(f"{given['id']}: layers, hidden and heads are needed")
    values: dict[str, Any] = {
        name: int(number) if number else 0 for name, number in numbers.items() if name not in _REAL
    }
    for name in _REAL:
        values[name] = _parameters(numbers[name])
    values["id"] = str(given["id"] or "")
    values["ffn_kind"] = (
        "plain" if str(given["ffn_kind"] or "").lower().startswith(("plain", "gelu", "relu")) else "gated"
    )
    values["tied_embeddings"] = str(given["tied_embeddings"]).lower() in ("true", "yes", "1", "1.0")
    values["head_dim"] = values["head_dim"] or values["hidden"] // values["heads"]
    values["attention"] = _attention(str(given["attention"] or "").lower(), values)
    values["kv_heads"] = values["kv_heads"] or values["heads"]
    if values["attention"] == "mla":
        values["q_lora_rank"] = values["q_lora_rank"] or MLA_QUERY_RANK_PER_KV_RANK * values["kv_lora_rank"]
        values["rope_head_dim"] = values["rope_head_dim"] or MLA_ROPE_HEAD_DIM
        values["value_head_dim"] = values["value_head_dim"] or MLA_VALUE_HEAD_DIM
    if values["experts_count"]:
        values["expert_hidden"] = values["expert_hidden"] or values["ffn_hidden"]
        values["ffn_hidden"] = values["ffn_hidden"] or values["expert_hidden"] * max(values["experts_active"], 1)
    architecture = Architecture(**values)
    if architecture.is_moe and not numbers["dense_layers"] and math.isfinite(architecture.params_total):
        return _with_dense_layers(architecture)
    return architecture


_TEXT = ("id", "ffn_kind", "attention")
_REAL = ("params_total", "params_active")


def _cell(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    return value if name in _TEXT or name == "tied_embeddings" else float(value)


def _parameters(number: float | None) -> float:
    if not number:
        return math.nan
    return number * 1e9 if number < 1e5 else number  # a table may state billions


def _attention(text: str, values: Mapping[str, Any]) -> str:
    if values["kv_lora_rank"] or text.startswith("mla"):
        return "mla"
    if not values["kv_heads"] or values["kv_heads"] == values["heads"]:
        return "mha"
    return "mqa" if values["kv_heads"] == 1 else "gqa"


def _with_dense_layers(architecture: Architecture) -> Architecture:
    def miss(dense_layers: int) -> float:
        counted = replace(architecture, dense_layers=dense_layers).params()
        return abs(counted - architecture.params_total)

    best = min(range(architecture.layers), key=miss)
    if miss(0) <= 0.01 * architecture.params_total:  # a rounded total must not invent a dense layer
        best = 0
    return replace(architecture, dense_layers=best)
