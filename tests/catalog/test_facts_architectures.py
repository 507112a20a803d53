"""The shapes of models: their parameters come out of the shape, within what the maker's rounding allows."""

import math

import pytest

from catalog import files, records
from estimator.architecture import from_row

ROUNDED = {  # the maker rounds, or counts a vision encoder: the deviation stands in the row's note
    "gpt-3-megatron-1.7b",
    "gpt-3-megatron-3.6b",
    "kimi-k2",
    "kimi-k2.5",
    "llama-4-scout",
}
EMBEDDINGS_LEFT_OUT = {"gpt-oss-20b": 1, "gpt-oss-120b": 1, "minimax-m2.5": 2}  # by the maker's active count


def _counted(row: records.Architecture, *, active: bool) -> float:
    """Count the matrices of the shape by hand, apart from the estimator's own code."""
    if row.attention == "mla":
        query, rope, value = row.q_lora_rank, row.rope_head_dim, row.value_head_dim
        assert query and rope and value and row.kv_lora_rank
        attention = (
            row.hidden * query
            + query * row.heads * (row.head_dim + rope)
            + row.hidden * (row.kv_lora_rank + rope)
            + row.kv_lora_rank * row.heads * (row.head_dim + value)
            + row.heads * value * row.hidden
        )
    else:
        attention = 2 * row.hidden * row.head_dim * (row.heads + row.kv_heads)
    matrices = 3 if row.ffn_kind == "gated" else 2
    dense = matrices * row.hidden * (row.ffn_hidden or 0)
    feed_forward = row.layers * dense
    if row.experts_count:
        experts = (row.experts_active if active else row.experts_count) + (row.experts_shared or 0)
        expert = matrices * row.hidden * row.expert_hidden
        routed = experts * expert + row.hidden * row.experts_count
        feed_forward = row.dense_layers * dense + (row.layers - row.dense_layers) * routed
    embeddings = row.vocab * row.hidden * (1 if row.tied_embeddings else 2) + (row.learned_positions or 0) * row.hidden
    return row.layers * attention + feed_forward + embeddings


def test_there_are_at_least_forty_five_architectures_of_many_families(facts: files.Facts) -> None:
    assert len(facts.architectures) >= 45
    assert len({row.family for row in facts.architectures}) >= 25


def test_a_value_worked_by_hand(facts: files.Facts) -> None:
    row = next(row for row in facts.architectures if row.id == "llama-3.1-8b")

    # 32 × (2·4096·128·(32+8) + 3·4096·14336) + 2·128256·4096 = 32 × (41,943,040 + 176,160,768) + 1,050,673,152
    assert row.params_total == 8_029_995_008


def test_recomputed_parameters_are_those_of_the_shape(facts: files.Facts) -> None:
    wrong = {
        row.id: (row.params_total, _counted(row, active=False))
        for row in facts.architectures
        if row.params_basis == "recomputed"
        and not (
            math.isclose(row.params_total, _counted(row, active=False), rel_tol=1e-9)
            and math.isclose(row.params_active, _counted(row, active=True), rel_tol=1e-9)
        )
    }

    assert wrong == {}


def test_totals_agree_with_the_makers_statement_within_one_percent(facts: files.Facts) -> None:
    for row in facts.architectures:
        if row.params_stated is None:
            assert "recomputed" in (row.note or ""), row.id
            continue
        deviation = abs(row.params_total / row.params_stated - 1)
        if row.id in ROUNDED:
            assert 0.01 < deviation < 0.03, (row.id, deviation)
            assert "deviation" in (row.note or ""), row.id
        else:
            assert deviation <= 0.01, (row.id, deviation)


def test_active_parameters_agree_with_the_makers_statement_within_three_percent(facts: files.Facts) -> None:
    for row in facts.architectures:
        if row.params_active_stated is None:
            continue
        left_out = EMBEDDINGS_LEFT_OUT.get(row.id, 0)
        counted = row.params_active - left_out * row.vocab * row.hidden
        assert ("embedding" in (row.note or "")) >= bool(left_out), row.id
        assert abs(counted / row.params_active_stated - 1) <= 0.03, (row.id, counted)


def test_irregular_shapes_take_the_makers_totals_and_say_so(facts: files.Facts) -> None:
    stated = [row for row in facts.architectures if row.params_basis == "stated"]

    assert {row.id for row in stated} == {
        "deepseek-v4-flash",
        "deepseek-v4-pro",
        "qwen3-next-80b-a3b",
        "qwen3.5-397b-a17b",
    }
    for row in stated:
        assert row.params_total == row.params_stated
        assert row.params_active == row.params_active_stated
        assert row.note


def test_the_estimator_reads_every_shape_and_counts_the_same(facts: files.Facts) -> None:
    for row in facts.architectures:
        read = from_row(row.model_dump())
        if row.params_basis == "recomputed":
            assert read.params() == pytest.approx(row.params_total, rel=1e-3), row.id


@pytest.mark.parametrize(
    ("architecture", "kv_values"),
    [
        ("llama-3.1-70b", 2 * 8 * 128 * 80),  # grouped-query attention: 8 of 64 heads keep keys and values
        ("llama-2-7b", 2 * 32 * 128 * 32),
        ("falcon-7b", 2 * 1 * 64 * 32),
        ("deepseek-v3", (512 + 64) * 61),  # the latent and its rope part
    ],
)
def test_the_cache_of_a_token_follows_from_the_shape(facts: files.Facts, architecture: str, kv_values: int) -> None:
    row = next(row for row in facts.architectures if row.id == architecture)

    assert from_row(row.model_dump()).kv_bytes_per_token(bytes_per_value=1) == kv_values


def test_attention_is_called_what_its_heads_make_it(facts: files.Facts) -> None:
    for row in facts.architectures:
        if row.attention == "mla":
            continue
        expected = "mha" if row.kv_heads == row.heads else "mqa" if row.kv_heads == 1 else "gqa"
        assert row.attention == expected, row.id


def test_every_architecture_has_a_licence_and_closed_shapes_license_nothing(facts: files.Facts) -> None:
    assert [row.id for row in facts.architectures if row.licence_id is None] == []
    assert {row.licence_id for row in facts.architectures if not row.open_weights} == {"shape-only"}
    assert "shape-only" not in {row.licence_id for row in facts.architectures if row.open_weights}


def test_no_alias_means_two_models(facts: files.Facts) -> None:
    names = [name for row in facts.architectures for name in (row.id, *row.aliases)]

    assert sorted(name for name in set(names) if names.count(name) > 1) == []
