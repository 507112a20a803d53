"""Enumerated layouts divide what they must divide."""

import numpy as np
import pytest

from estimator.architecture import from_row
from estimator.layouts import BLOCK, FULL, NONE, ZERO1, ZERO3, Choices, enumerate_layouts, join, no_layouts

LLAMA_70B = from_row(
    {
        "id": "llama",
        "layers": 80,
        "hidden": 8192,
        "heads": 64,
        "kv_heads": 8,
        "ffn_hidden": 28672,
        "vocab": 128256,
    }
)


def table(accelerators=64, batch=512.0, **changes):
    stated = {
        "architecture": LLAMA_70B,
        "accelerators": accelerators,
        "global_batch_sequences": batch,
        "sequence_length": 8192,
        "domain": 8,
        "node": 8,
    }
    return enumerate_layouts(**(stated | changes))


@pytest.mark.parametrize("accelerators", [8, 48, 64, 1024])
def test_every_layout_uses_all_accelerators_and_the_whole_batch(accelerators):
    found = table(accelerators=accelerators, batch=768.0)

    assert len(found) > 0
    assert np.all(found.accelerators() == accelerators)
    assert np.all(found.data * found.micro_batch * found.micro_batches == 768)


def test_stated_degrees_are_kept():
    found = table(
        choices=Choices(tensor=[4], pipeline=[4], context=[2], micro_batch=[1], recompute=[NONE], sharding=[ZERO1])
    )

    assert set(found.tensor) == {4} and set(found.pipeline) == {4} and set(found.context) == {2}
    assert set(found.recompute) == {NONE} and set(found.sharding) == {ZERO1}


def test_a_batch_that_does_not_divide_gives_no_layout_unless_rounded():
    stated = Choices(tensor=[1], pipeline=[1], context=[1])

    assert len(table(batch=500.0, choices=stated)) == 0
    rounded = table(batch=500.0, choices=stated, round_batch=True)
    assert len(rounded) > 0 and np.all(rounded.data * rounded.micro_batch * rounded.micro_batches == 512)


def test_interleaved_chunks_hold_whole_layers():
    found = table(choices=Choices(pipeline=[4]))

    assert np.all(80 % (found.pipeline * found.interleave) == 0)


def test_sharded_weights_come_whole_or_by_scale_up_domain():
    found = table(choices=Choices(tensor=[1], pipeline=[1], context=[1], sharding=[ZERO3]))

    assert set(found.shard) == {8, 64}


def test_names_say_what_differs():
    found = table(
        choices=Choices(
            tensor=[8], pipeline=[4], context=[1], micro_batch=[1], recompute=[FULL], interleave=[2], sharding=[ZERO1]
        )
    )

    assert found.name(0) == "TP8·PP4·DP2 (interleave 2), ZeRO-1, micro-batch 1, full recompute"


def test_open_recomputation_offers_none_or_as_much_as_memory_demands():
    assert set(table().recompute) == {NONE, BLOCK}


def test_joining_nothing_adds_nothing():
    found = table()

    assert len(join([found, no_layouts()])) == len(found)
