"""Bytes a training accelerator holds."""

import numpy as np
import pytest

from estimator.layouts import BLOCK, FULL, NONE, SELECTIVE, ZERO1, ZERO2, ZERO3
from estimator.memory import in_flight, layer_activation_bytes, state_bytes

GIB = 2**30


def korthikanti_layer_bytes(*, sequence, micro_batch, hidden, heads, tensor, recompute, sp):
    """Return activation bytes of one GPT layer, dropout and unfused attention as of 2022. [bytes]

    Source: Korthikanti 2022 (arXiv:2205.05198), equations 1-6. ``recompute`` is none, selective or full; ``sp`` is
    sequence parallelism. Valid for a plain 4h MLP, full multi-head attention, 16-bit activations.
    """
    sbh = sequence * micro_batch * hidden
    if recompute == "full":
        return 2 * sbh / (tensor if sp else 1)
    outside = 34 / tensor if sp else 10 + 24 / tensor
    core = 0.0 if recompute == "selective" else 5 * heads * sequence / (hidden * tensor)
    return sbh * (outside + core)


# hidden, heads, layers, pipeline, interleave, micro-batch; activations in GiB without and with (SP + selective)
# savings,
# as the paper's figure 1 gives them (Korthikanti 2022, arXiv:2205.05198)
PUBLISHED = [
    (6144, 64, 48, 1, 1, 4, 59.25, 9.56),
    (12288, 96, 96, 8, 3, 1, 66.84, 12.35),
    (20480, 128, 105, 35, 3, 1, 114.02, 23.08),
    (25600, 160, 128, 64, 1, 1, 131.25, 26.56),
]


@pytest.mark.parametrize("case", PUBLISHED, ids=["22B", "175B", "530B", "1T"])
def test_activations_meet_korthikanti_within_one_percent(case):
    hidden, heads, layers, pipeline, interleave, micro_batch, plain_gib, lean_gib = case
    held = in_flight(pipeline=pipeline, interleave=interleave, micro_batches=10**6, layers=layers)

    def gib(recompute, sp):
        layer = korthikanti_layer_bytes(
            sequence=2048, micro_batch=micro_batch, hidden=hidden, heads=heads, tensor=8, recompute=recompute, sp=sp
        )
        return layer * held / GIB

    assert gib("none", sp=False) == pytest.approx(plain_gib, rel=0.01)
    assert gib("selective", sp=True) == pytest.approx(lean_gib, rel=0.01)


def layer(**changes):
    shape = {
        "tokens": 2048.0,
        "sequence": 2048.0,
        "hidden": 12288.0,
        "heads": 96.0,
        "query_width": 12288.0,
        "kv_width": 12288.0,
        "mlp_width": 49152.0,
        "mlp_up": 1.0,
        "mlp_inputs": 1.0,
        "tensor": 8.0,
        "recompute": np.array(NONE),
        "recomputed_fraction": 0.0,
        "input_bytes": 2.0,
        "sequence_parallel": 1.0,
        "flash": 0.0,
        "dropout": 1.0,
    }
    return float(layer_activation_bytes(**(shape | changes)))


@pytest.mark.parametrize("sp", [False, True])
@pytest.mark.parametrize(("kind", "name"), [(NONE, "none"), (SELECTIVE, "selective")])
def test_the_general_count_is_korthikantis_for_a_gpt_of_2022(sp, kind, name):
    general = layer(recompute=np.array(kind), sequence_parallel=float(sp))

    published = korthikanti_layer_bytes(
        sequence=2048, micro_batch=1, hidden=12288, heads=96, tensor=8, recompute=name, sp=sp
    )
    assert general == pytest.approx(published, rel=0.01)


def test_full_recomputation_keeps_the_boundary_only():
    assert layer(recompute=np.array(FULL), recomputed_fraction=1.0) == 2 * 2048 * 12288 / 8


def test_block_recomputation_lies_between_in_proportion():
    none, half, all_ = (layer(recompute=np.array(BLOCK), recomputed_fraction=share, flash=1.0) for share in (0, 0.5, 1))

    assert half == pytest.approx((none + all_) / 2)


def test_eight_bit_inputs_and_grouped_queries_need_less():
    usual = layer(flash=1.0, dropout=0.0)

    assert layer(flash=1.0, dropout=0.0, input_bytes=1.0) < usual
    assert layer(flash=1.0, dropout=0.0, kv_width=1536.0) < usual


def test_frozen_products_keep_inputs_of_their_adapters_only():
    kept, frozen = layer(), layer(frozen=1.0)

    inputs, product = 2 * 2 * 12288 / 8, 2 * 49152 / 8  # of attention and MLP; of the MLP's last product
    adapters = 2 * 12288 / 8
    assert kept - frozen == pytest.approx(2048 * (inputs + product - adapters))


def test_scalar_and_array_agree():
    tokens = np.array([1024.0, 2048.0])

    together = layer_activation_bytes(
        tokens=tokens,
        sequence=2048.0,
        hidden=12288.0,
        heads=96.0,
        query_width=12288.0,
        kv_width=12288.0,
        mlp_width=49152.0,
        mlp_up=1.0,
        mlp_inputs=1.0,
        tensor=8.0,
        recompute=np.array([NONE, NONE]),
        recomputed_fraction=0.0,
        input_bytes=2.0,
        sequence_parallel=1.0,
        flash=0.0,
        dropout=1.0,
    )

    assert together[1] == pytest.approx(layer()) and together[0] == pytest.approx(layer(tokens=1024.0))


def states(sharding, ranks=4.0, **changes):
    usual = {
        "shared_params": 1e9,
        "expert_params": 0.0,
        "trainable_fraction": 1.0,
        "sharding": np.array(sharding),
        "shard": ranks,
        "expert_shard": ranks,
        "weight_bytes": 2.0,
        "gradient_bytes": 2.0,
        "optimiser_bytes": 12.0,
    }
    return float(state_bytes(**(usual | changes)))


def test_states_by_hand_follow_the_zero_stages():
    # Rajbhandari 2020, section 3: 16 bytes a parameter; each stage shards one part more
    assert states(0) == 16e9
    assert states(ZERO1) == (2 + 2 + 3) * 1e9
    assert states(ZERO2) == (2 + 0.5 + 3) * 1e9
    assert states(ZERO3) == 4e9


def test_adapters_keep_the_weights_and_almost_nothing_else():
    assert states(ZERO1, trainable_fraction=0.0) == 2e9


def test_more_ranks_never_need_more():
    for sharding in (ZERO1, ZERO2, ZERO3):
        needed = [states(sharding, ranks) for ranks in (1.0, 2.0, 8.0, 64.0)]
        assert needed == sorted(needed, reverse=True)


def test_interleaving_holds_more_and_few_micro_batches_less():
    plain = in_flight(pipeline=8, interleave=1, micro_batches=64, layers=96)

    assert plain == 96
    assert in_flight(pipeline=8, interleave=3, micro_batches=64, layers=96) == pytest.approx(96 * (1 + 7 / 24))
    assert in_flight(pipeline=8, interleave=1, micro_batches=2, layers=96) == 24
