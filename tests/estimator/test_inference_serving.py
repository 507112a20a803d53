"""The parts of the inference model: shape, memory, step, load."""

from dataclasses import replace

import numpy as np
import pytest

from estimator import coefficients
from estimator.architecture import from_row
from estimator.serving_load import Load, _meet, operate
from estimator.serving_memory import cache_gb_per_sequence, sequences_max, weights_gb
from estimator.serving_pace import Chips, PrecisionError, design, normal_precision, pace
from estimator.serving_shape import kv_values, shape
from estimator.serving_step import Layout, step_s

KNOWN = coefficients.load()

LLAMA_70B = from_row(
    {
        "id": "llama-3.1-70b",
        "layers": 80,
        "hidden": 8192,
        "heads": 64,
        "kv_heads": 8,
        "ffn_hidden": 28672,
        "vocab": 128256,
        "params_total": 70.55e9,
    }
)
DEEPSEEK = from_row(
    {
        "id": "deepseek-v3",
        "layers": 61,
        "hidden": 7168,
        "heads": 128,
        "kv_heads": 128,
        "head_dim": 128,
        "ffn_hidden": 18432,
        "vocab": 129280,
        "kv_lora_rank": 512,
        "experts_count": 256,
        "experts_active": 8,
        "experts_shared": 1,
        "expert_hidden": 2048,
        "dense_layers": 3,
        "params_total": 671e9,
    }
)


def value(name):
    return KNOWN.get(f"inference.{name}").value


def h100(count=1):
    def same(number):
        return np.full(count, float(number))

    return Chips(
        ids=("h100-sxm-80gb",) * count,
        bf16_flops_per_s=same(989e12),
        fp8_flops_per_s=same(1979e12),
        fp4_flops_per_s=same(np.nan),
        int8_ops_per_s=same(1979e12),
        memory_gb=same(85.9),
        bytes_per_s=same(3350e9),
        link_bytes_per_s=same(900e9),
    )


def pace_of(weights="fp8", kv="bf16", stack="vllm", moe=False):
    return pace(chips=h100(), stacks=[stack], weights=[weights], kv=[kv], moe=[moe], value=value)


def layout(tensor=1, pipeline=1, data=1):
    return Layout(tensor=float(tensor), pipeline=float(pipeline), data=float(data), kv_ranks=float(tensor))


def load(**changes):
    base = Load(
        input_tokens=1000.0,
        output_tokens=500.0,
        context_tokens=1250.0,
        prefill_keys=500.0,
        chunk_tokens=8192.0,
        request_s=0.02,
        burst=0.0,
    )
    return replace(base, **changes)


def test_grouped_heads_cache_what_their_sizes_say():
    # 2 × 80 layers × 8 KV heads × 128 values a token
    assert kv_values(shape(LLAMA_70B), context_tokens=1000.0) == 2 * 80 * 8 * 128 * 1000


def test_latent_attention_caches_576_values_a_layer():
    assert kv_values(shape(DEEPSEEK), context_tokens=1.0) == 61 * 576


def test_a_sliding_window_stops_the_cache_from_growing():
    windowed = from_row(
        {"id": "w", "layers": 36, "hidden": 2880, "heads": 64, "kv_heads": 8, "head_dim": 64}
        | {"ffn_hidden": 2880, "vocab": 201088, "sliding_window": 128, "windowed_layers": 18}
    )

    values = kv_values(shape(windowed), context_tokens=np.array([128.0, 1000.0]))

    assert values[1] - values[0] == 18 * 2 * 8 * 64 * (1000 - 128)


def test_the_shape_sums_to_the_stated_total():
    assert shape(LLAMA_70B).params == pytest.approx(70.55e9, rel=0.001)
    assert shape(DEEPSEEK).params == pytest.approx(671e9, rel=0.005)


def test_two_accelerators_hold_half_of_fp8_weights_each():
    one = shape(LLAMA_70B)
    ends = 2 * one.head_params * 2.0  # input and output matrix stay in 16 bit
    expected_gb = (one.attention_params + one.dense_params + ends) / 2 / 1e9

    assert weights_gb(shape=one, pace=pace_of(), layout=layout(2)) == pytest.approx(expected_gb)


def test_more_ranks_than_kv_heads_copy_the_cache():
    one, speed = shape(LLAMA_70B), pace_of()

    eight = cache_gb_per_sequence(shape=one, pace=speed, layout=layout(8), context_tokens=1000.0)
    sixteen = cache_gb_per_sequence(shape=one, pace=speed, layout=layout(16), context_tokens=1000.0)

    assert eight == pytest.approx(2 * 80 * 128 * 2 * 1000 / 1e9)
    assert sixteen == eight


def test_more_memory_never_holds_fewer_sequences():
    held = sequences_max(
        shape=shape(LLAMA_70B),
        pace=pace_of(),
        layout=layout(2),
        memory_gb=np.array([30.0, 60.0, 80.0, 140.0]),
        usable_fraction=0.9,
        cache_fraction=1.0,
        reserve_gb=2.0,
        context_tokens=2000.0,
    )

    assert held[0] == 0
    assert np.all(np.diff(held) >= 0)


def test_a_single_sequence_is_bound_by_reading_the_weights():
    one, speed = shape(LLAMA_70B), pace_of()

    seconds = step_s(shape=one, pace=speed, layout=layout(2), sequences=1.0, context_tokens=100.0)

    read_s = weights_gb(shape=one, pace=speed, layout=layout(2)) * 1e9 / float(speed.bytes_per_s[0])
    assert 0.9 * read_s < seconds[0] < 2.5 * read_s


def test_a_batch_of_sequences_costs_less_than_one_by_one():
    def seconds(sequences):
        return step_s(
            shape=shape(LLAMA_70B), pace=pace_of(), layout=layout(2), sequences=sequences, context_tokens=1000.0
        )

    assert seconds(1.0) < seconds(32.0) < 32 * seconds(1.0)


def test_few_tokens_read_few_experts():
    def seconds(sequences):
        return step_s(
            shape=shape(DEEPSEEK), pace=pace_of(moe=True), layout=layout(8), sequences=sequences, context_tokens=100.0
        )

    # 8 of 256 experts for one token; nearly all for 256 tokens
    assert seconds(256.0) > 3 * seconds(1.0)


def test_steps_of_an_array_are_those_of_its_parts():
    batch = np.array([1.0, 8.0, 64.0])
    one, speed, cut = shape(LLAMA_70B), pace_of(), layout(4)

    together = step_s(shape=one, pace=speed, layout=cut, sequences=batch, context_tokens=500.0)

    alone = [
        float(step_s(shape=one, pace=speed, layout=cut, sequences=size, context_tokens=500.0)[0]) for size in batch
    ]
    assert together == pytest.approx(alone)


def test_requests_in_flight_are_rate_times_time():
    # Little's law, with part of them waiting for a place in the cache
    point = operate(shape=shape(LLAMA_70B), pace=pace_of(), layout=layout(4), load=load(), in_flight=100.0, slots=40.0)

    whole_s = point.ttft_s + point.tpot_s * (500 - 1)
    assert point.sequences == 40.0
    assert point.requests_per_s * whole_s == pytest.approx(100.0, rel=1e-6)


def test_the_wait_for_other_prompts_solves_both_of_its_equations():
    cycle_of = {}
    for others_s in (0.0, 1.0, 50.0, 5000.0):
        first_s, cycle_s = _meet(own_s=0.5, decode_s=10.0, others_s=others_s, half_s=0.2)
        assert first_s == pytest.approx(0.5 + others_s * (first_s - 0.2) / cycle_s)
        assert cycle_s == pytest.approx(first_s + 10.0 + others_s * (1 - first_s / cycle_s))
        cycle_of[others_s] = cycle_s

    assert cycle_of[0.0] == pytest.approx(10.5)
    assert cycle_of[5000.0] > 5000.0


def test_a_decode_step_waits_for_one_chunk_at_most():
    few = load(input_tokens=8192.0, output_tokens=16.0, chunk_tokens=8192.0)

    point = operate(
        shape=shape(LLAMA_70B), pace=pace_of(), layout=layout(4), load=few, in_flight=np.array([64.0, 512.0])
    )

    assert point.tpot_s[1] < 1.5 * point.tpot_s[0]
    assert point.ttft_s[1] > 6 * point.ttft_s[0]
    assert point.requests_per_s[1] == pytest.approx(point.requests_per_s[0], rel=0.1)


def test_more_requests_in_flight_give_more_tokens_and_slower_ones():
    point = operate(
        shape=shape(LLAMA_70B), pace=pace_of(), layout=layout(4), load=load(), in_flight=np.array([1.0, 8.0, 64.0])
    )

    assert np.all(np.diff(point.requests_per_s) > 0)
    assert np.all(np.diff(point.tpot_s) > 0)
    assert np.all(np.diff(point.ttft_s) > 0)


def test_static_batching_reads_all_prompts_before_any_token():
    def first_token_s(in_flight):
        return operate(
            shape=shape(LLAMA_70B), pace=pace_of(), layout=layout(8), load=load(static=True), in_flight=in_flight
        ).ttft_s

    assert first_token_s(8.0)[0] > 3 * first_token_s(1.0)[0]


def test_speculative_decoding_takes_fewer_steps_per_token():
    plain = operate(shape=shape(LLAMA_70B), pace=pace_of(), layout=layout(4), load=load(), in_flight=4.0)
    drafted = operate(
        shape=shape(LLAMA_70B),
        pace=pace_of(),
        layout=layout(4),
        load=load(accepted_tokens=2.5, draft_cost=0.15),
        in_flight=4.0,
    )

    assert drafted.tpot_s < 0.7 * plain.tpot_s


def test_weights_stored_narrow_only_save_bytes_not_operations():
    awq = pace_of(weights="int4")
    native = pace_of(weights="fp8")

    assert awq.dense_bytes < native.dense_bytes
    assert awq.dense_flops_per_s < native.dense_flops_per_s


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        ("nvfp4", ("fp4", False)),
        ("awq", ("int4", True)),
        ("fp8-weight-only", ("fp8", True)),
        ("BF16", ("bf16", False)),
        ("FP8_E4M3", ("fp8", False)),
        ("mxfp8", ("fp8", False)),
        ("float8", ("fp8", False)),
        ("fp8 w8a8", ("fp8", False)),
        ("w8a8", ("int8", False)),
        ("w8a16", ("int8", True)),
        ("gptq-int8", ("int8", True)),
        ("awq_int4", ("int4", True)),
        ("w4a16", ("int4", True)),
        ("weight-only", ("int4", True)),
        ("mxfp4", ("mxfp4", False)),
        ("float16", ("fp16", False)),
    ],
)
def test_precisions_have_several_names(precision, expected):
    assert normal_precision(precision) == expected


def test_an_unknown_precision_is_refused_with_the_accepted_ones():
    with pytest.raises(PrecisionError, match="expected one of bf16"):
        normal_precision("fp3")


def test_designs_follow_the_names_of_chips():
    assert design("gb200-nvl72") == "blackwell"
    assert design("mi325x-256gb") == "cdna"
    assert design("abacus") == "other"
