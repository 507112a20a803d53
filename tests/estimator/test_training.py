"""The training door and the step time behind it."""

import itertools
from dataclasses import fields, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from catalog import files, frame
from estimator import coefficients as coefficient_files
from estimator.architecture import from_row
from estimator.hardware import family, from_frame, reference_frame, vendor
from estimator.layouts import FULL, NONE, ZERO1, ZERO3, Choices, Layouts, enumerate_layouts
from estimator.presets import (
    choose_stack,
    interval_name,
    links_of,
    maturity,
    physics_of,
    power_factor,
    values_of,
)
from estimator.step import fill_memory, shape_of, step_seconds
from estimator.training import COLUMNS, Training, estimate_training

COEFFICIENTS = coefficient_files.load()
CATALOG = frame.build(facts=files.load(), moment=date(2026, 11, 23), release=1)
SHAPES = CATALOG.architectures.set_index("id", drop=False)
LLAMA_8B = from_row(SHAPES.loc["llama-3.1-8b"].to_dict())
LLAMA_70B = from_row(SHAPES.loc["llama-3.1-70b"].to_dict())
LLAMA_405B = from_row(SHAPES.loc["llama-3.1-405b"].to_dict())
RUN = Training(sequence_length=8192, global_batch_tokens=4194304, precision="bf16")


def systems(*ids: str) -> pd.DataFrame:
    return reference_frame(ids, accelerators=CATALOG.accelerators, coefficients=COEFFICIENTS)


def estimated(*, hardware, counts, architecture=LLAMA_70B, training=RUN):
    return estimate_training(
        architecture=architecture,
        training=training,
        hardware=hardware,
        accelerators_total=np.array(counts),
        coefficients=COEFFICIENTS,
    )


def one_layout(**degrees) -> Layouts:
    usual = {
        "tensor": 1,
        "pipeline": 1,
        "interleave": 1,
        "context": 1,
        "expert": 1,
        "data": 8,
        "micro_batch": 1,
        "micro_batches": 8,
        "recompute": NONE,
        "recomputed_fraction": 0,
        "sharding": ZERO1,
        "shard": 8,
    }
    return Layouts(**{name: np.array([float(value)]) for name, value in (usual | degrees).items()})


def seconds(layout, *, accelerator="h100-sxm-80gb", architecture=LLAMA_8B, precision="bf16", **changes):
    hardware = from_frame(systems(accelerator), coefficients=COEFFICIENTS)
    stack = choose_stack(vendor=str(hardware.vendor[0]), precision=precision)
    physics = physics_of(values=values_of(COEFFICIENTS), hardware=hardware, stacks=[stack])
    return step_seconds(
        shape=shape_of(architecture=architecture, sequence_length=8192),
        layout=layout,
        physics=replace(physics, **changes),
        links=links_of(hardware),
    )


# -- the door ---------------------------------------------------------------------------------------------------


def test_the_door_gives_one_row_per_system_and_count_with_ordered_intervals():
    found = estimated(hardware=systems("h100-sxm-80gb", "tpu-v5p"), counts=[[64, 256], [64, 256]])

    assert list(found.columns) == list(COLUMNS)
    assert found["hardware_row"].tolist() == [0, 0, 1, 1] and found["fits"].all()
    for name in (
        "step_time_s",
        "planning_step_time_s",
        "tokens_per_s",
        "tuned_tokens_per_s",
        "mfu_fraction",
        "goodput_fraction",
    ):
        low, typical, high = (found[f"{name}_{end}"] for end in ("low", "typical", "high"))
        assert (low <= typical).all() and (typical <= high).all() and (low > 0).all()
    assert (found["tokens_per_s_typical"] < found["tuned_tokens_per_s_typical"]).all()
    assert found["memory_headroom_fraction"].between(0, 1).all()


def test_evidence_names_the_accelerator_the_model_and_known_coefficients():
    found = estimated(hardware=systems("h100-sxm-80gb"), counts=[64])

    evidence = found["evidence"][0]
    assert {"accelerator:h100-sxm-80gb", "architecture:llama-3.1-70b"} <= set(evidence)
    for id in evidence:
        if id.startswith("coefficient:"):
            COEFFICIENTS.evidence(id)
        else:
            CATALOG.evidence(id)


def test_what_is_not_known_is_nan_with_a_reason():
    found = estimated(hardware=systems("a100-80gb"), counts=[64], training=replace(RUN, precision="fp8"))

    assert not found["fits"][0] and np.isnan(found["step_time_s_typical"][0])
    assert "no published fp8 rate" in found["reason"][0]


def test_a_model_that_is_too_large_says_how_much_it_needs():
    found = estimated(hardware=systems("h100-sxm-80gb"), counts=[8], architecture=LLAMA_405B)

    assert not found["fits"][0] and "GB per accelerator" in found["reason"][0]


def test_an_instance_without_a_published_network_trains_alone_only():
    lonely = systems("h100-sxm-80gb").assign(fabric_gbps=np.nan, network_gbps=np.nan)

    found = estimated(hardware=lonely, counts=[[8, 16]], architecture=LLAMA_8B)

    assert found["fits"].tolist() == [True, False]
    assert found["reason"][1] == "the network between instances is not published"


def test_the_same_chip_on_the_same_links_gives_the_same_figures_under_two_names():
    found = estimated(hardware=systems("h100-sxm-80gb", "h100-sxm-80gb"), counts=[64, 64])

    assert found["step_time_s_typical"][0] == found["step_time_s_typical"][1]
    assert found["layout"][0] == found["layout"][1] != ""


def test_more_memory_never_turns_a_fit_into_none_nor_slows_the_run():
    sizes = [40.0, 60.0, 80.0, 120.0, 200.0]
    hardware = pd.concat([systems("h100-sxm-80gb").assign(accelerator_memory_gb=size) for size in sizes])

    found = estimated(hardware=hardware.reset_index(drop=True), counts=[32] * len(sizes))

    assert found["fits"].tolist() == sorted(found["fits"])
    pace = found["step_time_s_typical"][found["fits"]].to_numpy()
    assert np.all(np.diff(pace) <= 1e-9)


def test_a_faster_fabric_never_slows_the_run():
    rates = [50.0, 400.0, 3200.0]
    hardware = pd.concat([systems("h100-sxm-80gb").assign(fabric_gbps=rate) for rate in rates])

    found = estimated(hardware=hardware.reset_index(drop=True), counts=[256] * len(rates))

    assert np.all(np.diff(found["step_time_s_typical"]) <= 0)


def test_ethernet_costs_a_typical_team_more_than_the_tuned_reference():
    rdma = systems("h100-sxm-80gb")
    plain = rdma.assign(network_gbps=rdma["fabric_gbps"], fabric_gbps=np.nan)

    found = estimated(hardware=pd.concat([rdma, plain]).reset_index(drop=True), counts=[128, 128])

    share = found["tokens_per_s_typical"] / found["tuned_tokens_per_s_typical"]
    assert share[1] < share[0]


def test_a_workspaces_own_typical_team_factor_moves_only_the_planning_value():
    own = COEFFICIENTS.replaced({"training.typical_team.nvidia": {"value": 0.9, "low": 0.85, "high": 0.95}})

    before = estimated(hardware=systems("h100-sxm-80gb"), counts=[64])
    after = estimate_training(
        architecture=LLAMA_70B,
        training=RUN,
        hardware=systems("h100-sxm-80gb"),
        accelerators_total=np.array([64]),
        coefficients=own,
    )

    assert after["tuned_tokens_per_s_typical"][0] == before["tuned_tokens_per_s_typical"][0]
    assert after["tokens_per_s_typical"][0] > before["tokens_per_s_typical"][0]


# -- published runs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accelerators", [8192, 16384])
def test_llama_3_405b_fits_its_published_layout_without_full_recomputation(accelerators):
    # Llama 3 paper (arXiv:2407.21783), table 4: TP8 PP16 on 8,192 and 16,384 H100, 8k sequences, batch of 16 M tokens
    hardware = from_frame(systems("h100-sxm-80gb"), coefficients=COEFFICIENTS)
    stack = choose_stack(vendor="nvidia", date="2024-07")
    physics = physics_of(values=values_of(COEFFICIENTS), hardware=hardware, stacks=[stack]).take(0)
    layouts = enumerate_layouts(
        architecture=LLAMA_405B,
        accelerators=accelerators,
        global_batch_sequences=2048,
        sequence_length=8192,
        domain=8,
        node=8,
        choices=Choices(tensor=[8], pipeline=[16], context=[1], micro_batch=[1], sharding=[ZERO1]),
    )

    filled, needed = fill_memory(
        shape=shape_of(architecture=LLAMA_405B, sequence_length=8192),
        layout=layouts,
        physics=physics,
        memory_bytes=float(hardware.memory_bytes[0]),
    )

    fitting = needed <= hardware.memory_bytes[0]
    assert fitting.any() and np.min(filled.recomputed_fraction[fitting]) == 0


# -- properties of the step time --------------------------------------------------------------------------------


def test_compute_is_shared_out_evenly_over_more_replicas():
    few = seconds(one_layout(data=8, shard=8, micro_batches=16))
    many = seconds(one_layout(data=16, shard=16, micro_batches=8))

    assert many["compute"][0] == pytest.approx(few["compute"][0] / 2)
    assert many["total"][0] < few["total"][0]


@pytest.mark.parametrize("name", ["tensor", "context", "pipeline"])
def test_splitting_a_model_further_never_lengthens_its_compute(name):
    compute = [seconds(one_layout(**{name: degree, "data": 8}))["compute"][0] for degree in (1, 2, 4, 8)]

    assert all(later <= earlier * 1.001 for earlier, later in itertools.pairwise(compute))


def test_full_recomputation_costs_about_a_third_more_compute():
    none = seconds(one_layout())["compute"][0]
    full = seconds(one_layout(recompute=FULL, recomputed_fraction=1))["compute"][0]

    assert 1.2 < full / none < 1.4


def test_interleaving_shrinks_the_bubble_in_proportion():
    one = seconds(one_layout(pipeline=4, interleave=1))["bubble"][0]
    four = seconds(one_layout(pipeline=4, interleave=4))["bubble"][0]

    assert four == pytest.approx(one / 4, rel=0.05)


def test_narrow_shards_reach_less_of_the_peak():
    whole = seconds(one_layout(tensor=1), elementwise_factor=0.0, layer_launch_s=0.0)["compute"][0]
    split = seconds(one_layout(tensor=8), elementwise_factor=0.0, layer_launch_s=0.0)["compute"][0]

    assert split > whole / 8


def test_sharded_weights_across_nodes_show_only_what_compute_does_not_hide():
    fast = seconds(one_layout(sharding=ZERO3, shard=8))
    slow = seconds(one_layout(sharding=ZERO3, shard=64, data=64), fabric_efficiency=0.01)

    assert fast["data"][0] < slow["data"][0]


def test_scalar_and_array_physics_agree():
    layout = one_layout()
    hardware = from_frame(systems("h100-sxm-80gb", "b200-180gb"), coefficients=COEFFICIENTS)
    stacks = [choose_stack(vendor="nvidia")] * 2
    physics = physics_of(values=values_of(COEFFICIENTS), hardware=hardware, stacks=stacks)
    shape = shape_of(architecture=LLAMA_8B, sequence_length=8192)
    twice = layout.take(np.array([0, 0]))

    together = step_seconds(shape=shape, layout=twice, physics=physics, links=links_of(hardware))["total"]
    alone = [
        step_seconds(shape=shape, layout=layout, physics=physics.take(i), links=links_of(hardware).take(i))["total"][0]
        for i in (0, 1)
    ]

    assert together.tolist() == pytest.approx(alone)


def test_block_recomputation_takes_just_what_memory_lacks():
    hardware = from_frame(systems("h100-sxm-80gb"), coefficients=COEFFICIENTS)
    physics = physics_of(
        values=values_of(COEFFICIENTS), hardware=hardware, stacks=[choose_stack(vendor="nvidia")]
    ).take(0)
    shape = shape_of(architecture=LLAMA_8B, sequence_length=8192)
    layout = one_layout(recompute=5, micro_batch=2, sharding=ZERO3)
    kept = float(fill_memory(shape=shape, layout=layout, physics=physics, memory_bytes=np.inf)[1][0])

    enough, _ = fill_memory(shape=shape, layout=layout, physics=physics, memory_bytes=kept)
    tight, needed = fill_memory(shape=shape, layout=layout, physics=physics, memory_bytes=0.8 * kept)

    assert enough.recomputed_fraction[0] == 0
    assert 0 < tight.recomputed_fraction[0] < 1 and needed[0] <= 0.8 * kept


# -- presets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "preset"),
    [
        ({"vendor": "nvidia", "date": "2022-01", "framework": "Megatron-DeepSpeed"}, "megatron-deepspeed"),
        ({"vendor": "nvidia", "date": "2021-04"}, "megatron"),
        ({"vendor": "nvidia", "date": "2023-11", "framework": "LLM Foundry (FSDP)"}, "fsdp-2023"),
        ({"vendor": "nvidia", "date": "2024-06"}, "nemo-2024"),
        ({"vendor": "nvidia", "date": "26.06"}, "nemo"),
        ({"vendor": "nvidia"}, "nemo"),
        ({"vendor": "tpu"}, "maxtext"),
        ({"vendor": "amd"}, "rocm"),
        ({"vendor": "neuron"}, "neuron"),
    ],
)
def test_vendor_framework_and_date_choose_the_stack(stated, preset):
    assert choose_stack(**stated).preset == preset


@pytest.mark.parametrize(
    ("written", "month"),
    [
        ("2024-05-01", "2024-05"),
        ("2024/5", "2024-05"),
        ("May 2024", "2024-05"),
        ("1 December 2023", "2023-12"),
        ("2023", "2023-06"),
        ("26.04.01", "2026-04"),
        ("someday", "9999-12"),
    ],
)
def test_dates_are_read_however_they_are_written(written, month):
    assert choose_stack(vendor="nvidia", date=written).date == month


def test_before_fused_kernels_attention_is_not_fused():
    assert not choose_stack(vendor="nvidia", date="2022-05").fused_attention
    assert choose_stack(vendor="nvidia", date="2023-11").fused_attention


@pytest.mark.parametrize(
    ("accelerator", "expected"),
    [
        ("h200-sxm-141gb", ("hopper", "nvidia")),
        ("l40s-48gb", ("ada", "nvidia")),
        ("mi355x-288gb", ("cdna4", "amd")),
        ("tpu-v7-ironwood", ("tpu-v7", "tpu")),
        ("trainium2", ("trainium2", "neuron")),
        ("something-new", ("other", "other")),
    ],
)
def test_generations_are_read_from_catalog_ids(accelerator, expected):
    assert (family(accelerator), vendor(family(accelerator))) == expected


def test_more_power_for_the_same_nominal_rate_helps_and_unknown_power_changes_nothing():
    assert power_factor(watts_per_tflop=0.56, reference=0.48, exponent=0.8) > 1
    assert power_factor(watts_per_tflop=np.nan, reference=0.48, exponent=0.8) == 1


def test_kernels_mature_after_launch():
    early, late = (maturity(loss=0.15, years=1.0, date=moment, available=2025.0) for moment in ("2025-02", "2026-10"))

    assert 0.84 < early < late < 1


def test_less_evidence_means_a_lower_class_and_never_a_narrower_interval():
    known = {"hopper.fp8.nemo": 3}

    assert interval_name("hopper.fp8.nemo", known=known) == "seen"
    assert interval_name("hopper.bf16.fsdp", known=known) == "family"
    assert interval_name("rubin.bf16.nemo", known=known) == "unseen"
    widths = [COEFFICIENTS.get(f"training.interval.{name}").value for name in ("seen", "family", "unseen")]
    assert widths == sorted(widths)


def test_every_generation_of_the_catalog_finds_its_coefficients():
    hardware = from_frame(systems(*CATALOG.accelerators["id"]), coefficients=COEFFICIENTS)
    stacks = [choose_stack(vendor=str(name)) for name in hardware.vendor]

    physics = physics_of(values=values_of(COEFFICIENTS), hardware=hardware, stacks=stacks)

    for field in fields(physics):
        if field.name not in ("gemm_flops", "head_flops", "attention_flops", "memory_bytes_per_s"):
            assert np.isfinite(getattr(physics, field.name)).all(), field.name
