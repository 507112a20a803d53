"""Scoring: what a prediction may read, metrics, summaries."""

import math
from datetime import date

import numpy as np
import pytest

from catalog import files, frame
from estimator import coefficients as coefficient_files
from estimator import score, training_score

COEFFICIENTS = coefficient_files.load()
CATALOG = frame.build(facts=files.load(), moment=date(2026, 11, 23), release=1)
PUBLISHED = score.read_rows(
    (score_data := coefficient_files.DIRECTORY.parent / "data" / "published_training.csv").read_text()
)

ROW = {
    "id": "x",
    "source_id": "s",
    "model": "llama-3.1-70b",
    "layers": "80",
    "hidden": "8192",
    "heads": "64",
    "kv_heads": "8",
    "ffn_hidden": "28672",
    "vocab": "128256",
    "params_total_b": "70.55",
    "params_active_b": "70.55",
    "seq_len": "8192",
    "global_batch": "512",
    "global_batch_unit": "sequences",
    "precision": "bf16",
    "accelerator": "h100-sxm-80gb",
    "n_accelerators": "256",
    "tp": "4",
    "pp": "4",
    "cp": "2",
    "task": "pretrain",
    "framework": "NeMo/Megatron-Core",
    "metric": "step_time_s",
    "value": "",
    "date": "2025-02",
}


def scored(*rows):
    return training_score.score_rows(
        rows=list(rows),
        coefficients=COEFFICIENTS,
        accelerators=CATALOG.accelerators,
        architectures=CATALOG.architectures,
    )


def test_no_published_row_is_unsupported_and_its_interval_holds_the_prediction():
    found = scored(*PUBLISHED)

    assert [row["reason"] for row in found if row["status"] != "ok"] == []
    assert all(0 < row["low"] < row["predicted"] < row["high"] for row in found)


def test_value_source_and_notes_take_no_part_in_a_prediction():
    other = ROW | {"id": "y", "value": "999", "source_id": "t", "source": "elsewhere", "notes": "twice as fast"}

    one, two = scored(ROW, other)

    assert one["predicted"] == two["predicted"] and two["value"] == 999


def test_eval_tokens_and_convention_convert_but_do_not_configure():
    rate = ROW | {"metric": "tokens_per_sec_per_accel"}

    plain, odd = scored(rate, rate | {"eval_tokens": "1e9", "flops_convention": "causal_full"})

    assert plain["predicted"] == odd["predicted"]


def test_metrics_of_one_run_agree_with_each_other():
    step, rate, flops, mfu, hours = (
        row["predicted"]
        for row in scored(
            ROW,
            ROW | {"metric": "tokens_per_sec_per_accel"},
            ROW | {"metric": "tflops_per_accel", "flops_convention": "causal_half"},
            ROW | {"metric": "mfu", "flops_convention": "causal_half"},
            ROW | {"metric": "accel_hours", "total_train_tokens": "1e12"},
        )
    )

    assert rate == pytest.approx(512 * 8192 / step / 256)
    assert flops == pytest.approx(rate * 449e9 / 1e12, rel=0.01)
    assert mfu == pytest.approx(100 * flops / 989, rel=0.01)
    assert hours == pytest.approx(1e12 / rate / 3600)


def test_time_to_train_adds_forward_passes_of_the_evaluation():
    train = {"metric": "time_to_train_min", "total_train_tokens": "1e9"}

    without, with_eval = (row["predicted"] for row in scored(ROW | train, ROW | train | {"eval_tokens": "3e8"}))

    assert with_eval / without == pytest.approx(1 + 0.3 / 3, rel=0.02)


def test_full_attention_convention_prints_more_flops_than_the_halved_one():
    row = ROW | {"metric": "tflops_per_accel"}

    half, full = scored(row | {"flops_convention": "causal_half"}, row | {"flops_convention": "causal_full"})

    assert 1.05 < full["predicted"] / half["predicted"] < 1.2


@pytest.mark.parametrize("blank", [("tp", "pp", "cp"), ("micro_batch",), ("tp",), ("seq_len",), ("date", "framework")])
def test_blank_layout_columns_are_left_to_the_search(blank):
    (found,) = scored(ROW | dict.fromkeys(blank, ""))

    assert found["status"] == "ok" and math.isfinite(found["predicted"])


@pytest.mark.parametrize("odd", [{"n_accelerators": "100"}, {"tp": "16", "pp": "5"}, {"global_batch": "7"}])
def test_numbers_that_do_not_divide_are_met_by_the_nearest_layout(odd):
    (found,) = scored(ROW | odd)

    assert found["status"] == "ok" and math.isfinite(found["predicted"])


def test_what_cannot_be_expressed_says_why():
    unknown, metric, tokens, precision, bare = scored(
        ROW | {"accelerator": "abacus"},
        ROW | {"metric": "smiles"},
        ROW | {"metric": "time_to_train_min"},
        ROW | {"precision": "tf32"},
        ROW | dict.fromkeys(("model", "layers", "hidden", "params_total_b"), ""),
    )

    assert unknown["status"] == "unsupported" and "abacus" in unknown["reason"]
    assert "smiles" in metric["reason"]
    assert "total_train_tokens" in tokens["reason"]
    assert "tf32" in precision["reason"]
    assert "not stated" in bare["reason"]


def test_a_searched_layout_is_predicted_slower_than_the_same_one_stated():
    alone = ROW | {"n_accelerators": "1", "model": "llama-3.2-1b", "layers": "", "hidden": "", "pp": "1", "cp": "1"}

    stated, searched = scored(alone | {"tp": "1"}, alone | {"tp": ""})

    regret = COEFFICIENTS.get("training.search_regret").value
    assert searched["predicted"] / stated["predicted"] == pytest.approx(regret)


@pytest.mark.parametrize(
    ("accelerator", "stated", "executed"),
    [
        ("h100", "FP8-CS", "fp8"),
        ("h100", "nvfp4", "fp8"),
        ("a100", "fp8", "bf16"),
        ("v100", "mixed", "fp16"),
        ("tpu-v5e", "int8", "int8"),
        ("tpu-v7", "int8", "fp8"),
        ("gb200", "MXFP8", "fp8-mx"),
        ("trn1", "bfloat16", "bf16"),
    ],
)
def test_a_row_runs_in_the_precision_its_accelerator_has_units_for(accelerator, stated, executed):
    run = training_score.run_of(
        ROW | {"accelerator": accelerator, "precision": stated},
        accelerators=CATALOG.accelerators,
        architectures=CATALOG.architectures,
    )

    assert run.stack.precision == executed


@pytest.mark.parametrize(
    "accelerator",
    ["h800", "h20", "gaudi2", "gaudi3", "gh200", "gb300", "mi355x", "tpu-v4", "tpu-v7", "trn2", "a10g", "v100"],
)
@pytest.mark.parametrize("open_columns", [(), ("tp", "pp", "cp", "global_batch", "seq_len", "framework", "date")])
@pytest.mark.parametrize("count", ["64", "1000", "16384"])
def test_any_accelerator_yields_a_sane_utilisation(accelerator, open_columns, count):
    row = ROW | {"accelerator": accelerator, "n_accelerators": count, "global_batch": "4096", "metric": "mfu"}

    (found,) = scored(row | dict.fromkeys(open_columns, ""))

    assert found["status"] == "ok", found["reason"]
    assert 2 < found["predicted"] < 85


def test_a_rate_of_an_unnamed_number_of_accelerators_is_predicted_but_not_its_step_time():
    rate, step = scored(
        ROW | {"n_accelerators": "", "metric": "tokens_per_sec_per_accel"}, ROW | {"n_accelerators": ""}
    )

    assert rate["status"] == "ok"
    assert step["status"] == "unsupported" and "number of accelerators" in step["reason"]


def test_a_batch_of_hundreds_of_thousands_is_one_of_tokens():
    tokens, sequences = scored(ROW | {"global_batch": str(512 * 8192), "global_batch_unit": ""}, ROW)

    assert tokens["predicted"] == pytest.approx(sequences["predicted"])


def test_a_shape_from_columns_picks_the_mlp_that_meets_the_total():
    mpt = {
        "model": "mpt-7b",
        "layers": "32",
        "hidden": "4096",
        "heads": "32",
        "kv_heads": "32",
        "ffn_hidden": "16384",
        "vocab": "50368",
        "params_total_b": "6.659",
        "params_active_b": "6.659",
    }

    shape = training_score.resolve_architecture(mpt, architectures=CATALOG.architectures)

    assert (shape.ffn_kind, shape.tied_embeddings) == ("plain", True)
    assert shape.params() == pytest.approx(6.659e9, rel=0.01)


@pytest.mark.parametrize(
    "blank", [("heads",), ("kv_heads",), ("ffn_hidden",), ("heads", "kv_heads", "ffn_hidden"), ("params_total_b",)]
)
def test_what_a_shape_leaves_blank_is_met_by_its_total(blank):
    whole, part = scored(ROW, ROW | {"model": "unheard-of-70.55b"} | dict.fromkeys(blank, ""))

    assert part["predicted"] == pytest.approx(whole["predicted"], rel=0.02)


def test_a_mixture_of_experts_known_by_its_sizes_only_passes_its_active_parameters():
    sizes = {
        "params_total_b": "671",
        "params_active_b": "37",
        "metric": "tokens_per_sec_per_accel",
        "n_accelerators": "512",
    }
    bare = ROW | sizes | dict.fromkeys(("layers", "hidden", "heads", "kv_heads", "ffn_hidden", "vocab", "tp", "pp"), "")

    known, stated, named = scored(
        bare | {"model": "deepseek-v3"},
        bare | {"model": "unheard-of"},
        bare | {"model": "unheard-of-671b-a37b", "params_total_b": "", "params_active_b": ""},
    )

    assert known["predicted"] / 2 < stated["predicted"] < known["predicted"] * 2
    assert named["predicted"] == pytest.approx(stated["predicted"])


def test_an_unknown_mixture_of_experts_keeps_its_totals():
    stated = {
        "model": "nobody-knows-300b-a30b",
        "layers": "60",
        "hidden": "5120",
        "heads": "64",
        "kv_heads": "8",
        "ffn_hidden": "1536",
        "vocab": "150000",
        "params_total_b": "300",
        "params_active_b": "30",
    }

    shape = training_score.resolve_architecture(stated, architectures=CATALOG.architectures)

    assert shape.is_moe
    assert shape.params() == pytest.approx(300e9, rel=0.02)
    assert shape.active_params() == pytest.approx(30e9, rel=0.03)


def test_a_mere_size_becomes_a_gpt_of_that_size():
    shape = training_score.like_gpt(name="gpt", params=23e9)

    assert shape.params() == pytest.approx(23e9, rel=0.05)


def row(**changes):
    usual = {
        "source_id": "a",
        "accelerator": "h100",
        "metric": "step_time_s",
        "value": 1.0,
        "predicted": 1.1,
        "low": 0.9,
        "high": 1.3,
        "status": "ok",
    }
    return usual | changes


def test_balanced_figures_give_each_source_the_same_weight():
    rows = [row() for _ in range(9)] + [row(source_id="b", predicted=2.0, low=1.9)]

    figures = score.summary(rows)

    assert figures["by_row"]["mean"] == pytest.approx(0.1 * 0.9 + 1.0 * 0.1)
    assert figures["balanced"]["mean"] == pytest.approx(0.55)
    assert figures["by_row"]["coverage"] == pytest.approx(0.9)
    assert figures["balanced"]["coverage"] == pytest.approx(0.5)


def test_whole_project_hours_stand_apart_and_unsupported_rows_are_counted():
    rows = [
        row(),
        row(metric="accel_hours", predicted=5.0),
        row(status="unsupported", predicted=None, low=None, high=None),
    ]

    figures = score.summary(rows)

    assert figures["by_row"]["n"] == 2 and figures["by_row"]["unsupported"] == 1
    assert figures["by_row"]["judged"] == 1 and figures["accel_hours"]["mean"] == pytest.approx(4.0)


def test_rows_without_a_value_are_predicted_but_not_judged():
    figures = score.summary([row(value=None)])

    assert figures["by_row"]["judged"] == 0 and figures["by_row"]["median"] is None


def test_the_weighted_median_of_equal_weights_is_the_median():
    values = np.array([3.0, 1.0, 2.0])

    assert score.weighted_quantile(values, weights=np.ones(3), share=0.5) == 2.0
