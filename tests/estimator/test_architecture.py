"""Parameters, FLOPs and cache bytes of published shapes."""

import math

import pytest

from estimator.architecture import Architecture, ArchitectureError, from_row

LLAMA_70B = {
    "id": "llama-3.1-70b",
    "layers": 80,
    "hidden": 8192,
    "heads": 64,
    "kv_heads": 8,
    "ffn_hidden": 28672,
    "ffn_kind": "gated",
    "vocab": 128256,
    "attention": "gqa",
    "params_total": 70.55,
}
GPT3 = {
    "id": "gpt-3",
    "layers": 96,
    "hidden": 12288,
    "heads": 96,
    "ffn_hidden": 49152,
    "ffn_kind": "plain",
    "vocab": 50257,
    "tied_embeddings": True,
}
DEEPSEEK_V3 = {
    "id": "deepseek-v3",
    "layers": 61,
    "hidden": 7168,
    "heads": 128,
    "head_dim": 128,
    "ffn_hidden": 18432,
    "vocab": 129280,
    "attention": "mla",
    "kv_lora_rank": 512,
    "experts_count": 256,
    "experts_active": 8,
    "experts_shared": 1,
    "expert_hidden": 2048,
    "params_total": 671.0,
}


@pytest.mark.parametrize(
    ("row", "stated_billions"),
    [(LLAMA_70B, 70.55), (GPT3, 174.6), (DEEPSEEK_V3, 671.0)],
    ids=["gqa and gated", "plain and tied", "latent attention and experts"],
)
def test_parameters_meet_the_stated_total_within_one_percent(row, stated_billions):
    counted = from_row(row).params()

    assert counted == pytest.approx(stated_billions * 1e9, rel=0.01)


def test_a_mixture_of_experts_finds_its_dense_layers_from_its_total():
    assert from_row(DEEPSEEK_V3).dense_layers == 3


def test_active_parameters_of_deepseek_v3_are_what_its_report_states():
    assert from_row(DEEPSEEK_V3).active_params() == pytest.approx(37e9, rel=0.03)


def test_flops_per_token_of_llama_70b_at_8k_is_what_maxtext_prints():
    # 449 GFLOP a token, causal attention halved, as printed by MaxText after July 2025
    assert from_row(LLAMA_70B).training_flops_per_token(context_tokens=8192) == pytest.approx(449e9, rel=0.005)


def test_uncausal_attention_counts_twice_the_causal_one():
    model = from_row(LLAMA_70B)

    causal = model.attention_flops_per_token(context_tokens=4096)
    full = model.attention_flops_per_token(context_tokens=4096, causal=False)

    assert full == 2 * causal


def test_frozen_weights_spare_a_third_of_the_matrix_work_only():
    model = from_row(LLAMA_70B)

    saved = model.training_flops_per_token(context_tokens=2048) - model.training_flops_per_token(
        context_tokens=2048, lora=True
    )

    assert saved == pytest.approx(2 * model.matmul_params())


def test_cache_bytes_of_the_four_kinds_of_attention():
    assert from_row(LLAMA_70B).kv_bytes_per_token() == 80 * 2 * 8 * 128 * 2
    assert from_row(GPT3).kv_bytes_per_token() == 96 * 2 * 96 * 128 * 2
    assert from_row(DEEPSEEK_V3).kv_bytes_per_token() == 61 * (512 + 64) * 2
    falcon = from_row(GPT3 | {"kv_heads": 1})
    assert (falcon.attention, falcon.kv_bytes_per_token()) == ("mqa", 96 * 2 * 128 * 2)


def test_a_sliding_window_caps_keys_and_cache_of_its_layers_only():
    model = from_row(LLAMA_70B | {"sliding_window": 1024, "windowed_layers": 40})
    per_layer_bytes = 2 * 8 * 128 * 2

    assert model.kv_bytes_per_sequence(context_tokens=8192) == per_layer_bytes * (40 * 1024 + 40 * 8192)
    assert model.mean_context(context_tokens=8192) == pytest.approx((1024 - 1024**2 / 16384 + 4096) / 2)
    assert model.mean_context(context_tokens=512) == 256


def test_a_longer_context_never_lowers_the_work_of_a_token():
    model = from_row(LLAMA_70B | {"sliding_window": 1024})

    work = [model.flops_per_token(context_tokens=context) for context in (512, 1023, 1024, 1025, 2048, 65536)]

    assert work == sorted(work)


def test_blank_cells_are_filled_from_the_shape():
    model = from_row({"id": "x", "layers": 2, "hidden": 512, "heads": 8, "ffn_hidden": 2048, "kv_heads": math.nan})

    assert (model.head_dim, model.kv_heads, model.attention) == (64, 8, "mha")


def test_lora_counts_four_adapted_matrices():
    model = Architecture(id="x", layers=1, hidden=100, heads=10, kv_heads=2, head_dim=10, ffn_hidden=400)

    assert model.lora_params(rank=2) == 2 * (2 * (100 + 100) + 2 * (100 + 20))


def test_an_impossible_shape_raises():
    with pytest.raises(ArchitectureError, match="KV heads"):
        from_row({"id": "x", "layers": 2, "hidden": 512, "heads": 8, "kv_heads": 16, "ffn_hidden": 1})
    with pytest.raises(ArchitectureError, match="layers"):
        from_row({"id": "x", "hidden": 512, "heads": 8})
