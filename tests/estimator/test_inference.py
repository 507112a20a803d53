import numpy as np
import pandas as pd
import pytest

from estimator import coefficients
from estimator.architecture import from_row
from estimator.inference import COLUMNS, HARDWARE, RANGES, Precision, estimate_inference, evidence_class
from estimator.workload import Targets, Traffic

KNOWN = coefficients.load()

LLAMA_70B = from_row(
    {"id": "llama-3.1-70b", "layers": 80, "hidden": 8192, "heads": 64, "kv_heads": 8, "ffn_hidden": 28672}
    | {"vocab": 128256, "params_total": 70.55e9}
)
NONE = np.nan
SKUS = {
    "h100": ("h100-sxm-80gb", 8, "cuda", 989, 1979, NONE, 1979, 85.9, 3350, 900, 8, 3200, "yes"),
    "h100 one": ("h100-sxm-80gb", 1, "cuda", 989, 1979, NONE, 1979, 85.9, 3350, 900, 1, NONE, "yes"),
    "b200": ("b200-180gb", 8, "cuda", 2250, 4500, 9000, 4500, 192, 7700, 1800, 8, 3200, "yes"),
    "l4": ("l4-24gb", 8, "cuda", 121, 242, NONE, 242, 24, 300, NONE, 1, NONE, "yes"),
    "tpu": ("tpu-v6e", 8, "xla", 918, 918, NONE, 1836, 34.4, 1638, 800, 256, NONE, "yes"),
    "trainium": ("trainium2", 16, "neuron", 667, 1299, NONE, NONE, 103, 2900, 1280, 16, 3200, "yes"),
    "amd": ("mi300x-192gb", 8, "rocm", 1307, 2615, NONE, 2615, 206, 5300, 896, 8, 3200, "yes"),
    "maia": ("maia-200", 8, "maia", NONE, 5000, 10000, NONE, 232, 7000, 2800, 8, NONE, "yes"),
}


def hardware(*names):
    rows = [dict(zip(HARDWARE, SKUS[name], strict=True)) for name in names or SKUS]
    return pd.DataFrame(rows, index=list(names or SKUS))


def ask(*names, batch=False, targets=None, precision="fp8", frame=None, **changes):
    traffic = {
        "requests_per_s_mean": 20.0,
        "peak_factor": 2.0,
        "hours_per_day": 24.0,
        "input_tokens": 1000.0,
        "output_tokens": 300.0,
        "cached_fraction": 0.0,
    } | {name: changes.pop(name) for name in list(changes) if name in Traffic.__slots__}
    return estimate_inference(
        architecture=changes.pop("architecture", LLAMA_70B),
        traffic=Traffic(**traffic),
        targets=targets or Targets(),
        precision=Precision(weights=precision),
        hardware=hardware(*names) if frame is None else frame,
        batch=batch,
        coefficients=KNOWN,
        **changes,
    )


def test_every_row_is_answered_in_its_place():
    answer = ask()

    assert list(answer.columns) == list(COLUMNS)
    assert list(answer.index) == list(SKUS)
    assert answer.loc["h100", "fits"] and answer.loc["h100", "layout"].startswith("TP")


def test_ranges_are_ordered():
    answer = ask()
    known = answer[answer["fits"]]

    for name in RANGES:
        low, typical, high = (known[f"{name}_{end}"] for end in ("low", "typical", "high"))
        assert (low <= typical + 1e-9).all(), name
        assert (typical <= high + 1e-9).all(), name


def test_an_unstated_peak_is_unknown_with_a_reason():
    row = ask("maia").iloc[0]

    assert not row["estimable"]
    assert "states no peak" in row["estimate_reason"]
    assert np.isnan(row["instances_count_typical"])


def test_an_unstated_traffic_is_unknown_with_a_reason():
    answer = ask("h100", requests_per_s_mean=None)

    assert answer.iloc[0]["estimate_reason"] == "not stated: requests per second"
    assert np.isnan(answer.iloc[0]["instances_count_typical"])


def test_weights_that_do_not_fit_are_told_apart_from_targets_missed():
    small = ask("h100 one", precision="bf16").iloc[0]
    late = ask("h100", targets=Targets(ttft_p95_ms=1.0)).iloc[0]

    assert "do not fit" in small["estimate_reason"]
    assert not late["fits"]
    assert "keeps the latency targets" in late["estimate_reason"]
    assert np.isnan(late["instances_count_typical"])


def test_one_instance_more_stands_by_than_the_load_needs():
    needed = ask("h100", batch=True, peak_factor=1.0).iloc[0]
    answered = ask("h100", peak_factor=1.0).iloc[0]

    assert needed["replicas_count_typical"] < answered["replicas_count_typical"]


def test_whole_nodes_are_kept_at_peak_and_the_idle_part_is_told():
    answer = ask("h100", "h100 one", precision="int4", peak_factor=3.0)

    scarce, plenty = answer.loc["h100"], answer.loc["h100 one"]
    assert scarce["peak_provisioned"] and not plenty["peak_provisioned"]
    assert scarce["instance_hours_per_month_typical"] == pytest.approx(730 * scarce["instances_count_typical"])
    assert scarce["idle_instance_hours_per_month_typical"] > 0.5 * scarce["instance_hours_per_month_typical"]
    assert plenty["instance_hours_per_month_typical"] < 730 * plenty["instances_count_typical"]


def test_how_much_memory_a_chip_has_does_not_decide_what_is_given_back():
    frame = pd.concat([hardware("h100")] * 2, ignore_index=True)
    frame["accelerator_memory_gb"] = [79.0, 81.0]

    answer = ask(frame=frame, requests_per_s_mean=200.0, peak_factor=3.0)

    share = answer["instance_hours_per_month_typical"] / (730 * answer["instances_count_typical"])
    assert share.tolist() == pytest.approx([1.0, 1.0])
    assert (answer["instance_hours_per_month_low"] < 0.95 * answer["instance_hours_per_month_typical"]).all()


@pytest.mark.parametrize("sku", ["h100", "tpu", "trainium", "amd"])
def test_more_traffic_never_needs_fewer_instances(sku):
    needed = [ask(sku, requests_per_s_mean=rate).iloc[0]["instances_count_typical"] for rate in (1.0, 5.0, 20.0, 100.0)]

    assert needed == sorted(needed)


def test_more_memory_never_turns_a_fit_into_none():
    frame = pd.concat([hardware("h100")] * 6, ignore_index=True)
    frame["accelerator_memory_gb"] = [3.0, 10.0, 40.0, 80.0, 160.0, 320.0]

    fits = ask(frame=frame)["fits"].tolist()

    assert fits == sorted(fits)
    assert fits[-1] and not fits[0]


def test_a_cached_prompt_is_cheaper_and_sooner():
    cold, warm = ask("h100").iloc[0], ask("h100", cached_fraction=0.8).iloc[0]

    assert warm["instances_count_typical"] <= cold["instances_count_typical"]
    assert warm["instance_tokens_per_s_typical"] > cold["instance_tokens_per_s_typical"]


def test_speculative_decoding_serves_more_under_a_tight_target():
    tight = Targets(tpot_p95_ms=25.0)

    plain = ask("h100", targets=tight).iloc[0]
    drafted = ask("h100", targets=tight, accepted_tokens=2.5).iloc[0]

    assert drafted["instance_tokens_per_s_typical"] > plain["instance_tokens_per_s_typical"]


def test_prompts_on_replicas_of_their_own_leave_the_tokens_alone():
    together = ask("h100", input_tokens=6000.0).iloc[0]
    apart = ask("h100", input_tokens=6000.0, disaggregated=True).iloc[0]

    assert apart["fits"]
    assert apart["tpot_ms_typical"] < together["tpot_ms_typical"]


def test_the_same_sku_twice_gets_the_same_answer():
    twice = ask(frame=pd.concat([hardware("b200"), hardware("h100"), hardware("b200")], ignore_index=True))

    pd.testing.assert_series_equal(twice.iloc[0], twice.iloc[2], check_names=False)
    alone = ask("h100").iloc[0]
    assert twice.iloc[1]["tuned_tokens_per_s_typical"] == pytest.approx(alone["tuned_tokens_per_s_typical"])


def test_planning_stays_below_the_tuned_reference():
    answer = ask()
    known = answer[answer["fits"]]

    assert (known["tokens_per_s_typical"] < known["tuned_tokens_per_s_typical"]).all()


def test_a_published_serving_point_lies_in_the_interval_of_the_tuned_rate():
    # TensorRT-LLM v0.17 performance page: Llama 3.1 70B FP8, 1000 in and 1000 out, H100: 4,391 output tokens/s with
    # tensor parallelism of two, so 8,781 with four in the better of the published layouts (all four together: 7,431)
    frame = hardware("h100").assign(accelerators_count=4)

    row = ask(frame=frame, batch=True, input_tokens=1000.0, output_tokens=1000.0).iloc[0]

    assert row["instance_tuned_tokens_per_s_low"] < 2 * 4390.5 < row["instance_tuned_tokens_per_s_high"]


def test_evidence_names_what_the_estimate_stands_on():
    evidence = ask("h100").iloc[0]["evidence"]

    assert "accelerator:h100-sxm-80gb" in evidence
    assert "architecture:llama-3.1-70b" in evidence
    for entry in evidence:
        if entry.startswith("coefficient:"):
            assert KNOWN.evidence(entry)["source"]


def test_a_design_never_calibrated_is_unseen():
    assert evidence_class(accelerator="abacus", stack="vllm", coefficients=KNOWN) == "unseen"


def test_missing_hardware_columns_are_named():
    with pytest.raises(ValueError, match="fabric_gbps"):
        ask(frame=hardware("h100").drop(columns="fabric_gbps"))
