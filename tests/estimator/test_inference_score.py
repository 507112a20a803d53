import csv
from functools import cache
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from catalog import files
from estimator import coefficients, inference_rows, inference_score

KNOWN = coefficients.load()
ACCELERATORS = pd.read_csv(files.DIRECTORY / "accelerators.csv", keep_default_na=False)
PUBLISHED = Path(inference_rows.DIRECTORY) / "published_inference.csv"


@cache
def published():
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def score(rows):
    return inference_score.score_rows(rows=rows, coefficients=KNOWN, accelerators=ACCELERATORS)


def row(**changes):
    base = {
        "id": "x",
        "source_id": "s",
        "model": "llama-3.1-70b",
        "weights_precision": "fp8",
        "accelerator": "h100-sxm-80gb",
        "n_accelerators": "2",
        "tp": "2",
        "framework": "vllm",
        "input_len": "1024",
        "output_len": "1024",
        "concurrency": "4",
        "scenario": "closed loop serving",
        "metric": "tpot_ms",
        "value": "",
    }
    return base | changes


@pytest.fixture(scope="module")
def scored():
    return score(published())


def test_every_published_row_is_predicted(scored):
    assert [one["reason"] for one in scored if one["status"] != "ok"] == []


def test_published_results_are_predicted_as_well_as_the_report_says(scored):
    errors = pd.DataFrame(scored).assign(value=lambda frame: frame["value"].astype(float))
    miss = (errors["predicted"] / errors["value"] - 1).abs()
    by_metric = miss.groupby(errors["metric"]).median()

    assert by_metric["output_tokens_per_s"] < 0.10
    assert by_metric["tpot_ms"] < 0.15
    assert by_metric["ttft_ms"] < 0.30


def test_intervals_surround_predictions(scored):
    assert all(one["low"] < one["predicted"] < one["high"] for one in scored)


def test_what_must_not_be_read_is_not_read(scored):
    rows = published()[:60]
    hidden = [
        one | {"id": "", "value": "", "source_id": "nobody", "source": "nowhere", "notes": "nothing"} for one in rows
    ]

    for seen, blind in zip(scored[:60], score(hidden), strict=True):
        assert blind["predicted"] == seen["predicted"]
        assert blind["low"] == seen["low"]


def test_rows_are_predicted_alone_as_they_are_together(scored):
    rows = published()

    for index in (0, 300, 700, 1100):
        assert score([rows[index]])[0]["predicted"] == pytest.approx(scored[index]["predicted"], rel=1e-9)


def test_a_whole_request_takes_its_first_token_and_the_others():
    ttft_ms, tpot_ms, whole_s = (
        score([row(metric=metric)])[0]["predicted"] for metric in ("ttft_ms", "tpot_ms", "e2e_latency_s")
    )

    assert whole_s == pytest.approx((ttft_ms + tpot_ms * 1023) / 1e3)


def test_throughput_per_accelerator_is_a_share_of_the_whole():
    whole = score([row(metric="output_tokens_per_s")])[0]["predicted"]

    assert score([row(metric="output_tokens_per_s_per_accel")])[0]["predicted"] == pytest.approx(whole / 2)


def test_two_groups_of_accelerators_serve_twice_the_requests():
    one = score([row(metric="output_tokens_per_s")])[0]["predicted"]
    two = score([row(metric="output_tokens_per_s", n_accelerators="4", concurrency="8")])[0]["predicted"]

    assert two == pytest.approx(2 * one)


def test_an_open_layout_is_searched_for_the_most_throughput():
    offline = row(metric="output_tokens_per_s", scenario="offline", concurrency="", n_accelerators="8", tp="")

    free = score([offline])[0]["predicted"]
    bound = [score([offline | {"tp": tp}])[0]["predicted"] for tp in ("2", "4", "8")]

    assert free >= max(bound) * 0.999


def test_a_latency_limit_costs_throughput():
    free = row(metric="output_tokens_per_s", scenario="MLPerf Offline", concurrency="", n_accelerators="8", tp="")
    names = ("MLPerf Offline", "MLPerf Server", "MLPerf Interactive")

    figures = [score([free | {"model": "llama-2-70b", "scenario": name}])[0]["predicted"] for name in names]

    assert figures == sorted(figures, reverse=True)


def test_one_unreadable_row_leaves_the_others_predicted():
    bad, good = score([row(kv_precision="fp3"), row(kv_precision="fp8_e4m3")])

    assert bad["status"] == "unsupported"
    assert "fp3" in bad["reason"]
    assert good["status"] == "ok"


def test_a_cache_of_automatic_format_is_one_not_stated():
    assert score([row(kv_precision="auto")])[0]["predicted"] == score([row()])[0]["predicted"]


def test_a_chip_from_before_bf16_runs_in_fp16():
    answer = score([row(accelerator="v100", model="llama-2-7b", weights_precision="fp16")])[0]

    assert answer["status"] == "ok"
    assert answer["predicted"] > 1e3 * 6.7e9 * 2 / (2 * 900e9)


def test_accelerators_not_counted_are_those_of_the_layout():
    assert score([row(n_accelerators="")])[0]["predicted"] == score([row()])[0]["predicted"]
    cores = row(accelerator="trn1", framework="nxd", tp="8", n_accelerators="")
    assert score([cores])[0]["predicted"] == score([cores | {"n_accelerators": "4"}])[0]["predicted"]


def test_cards_in_slots_pass_their_activations_slower_than_bridged_ones():
    ratio = {}
    for name in ("h100-sxm-80gb", "h100-pcie-80gb"):
        one, four = (
            score([row(accelerator=name, model="llama-3.1-8b", tp=tp, n_accelerators=tp)])[0]["predicted"]
            for tp in ("1", "4")
        )
        ratio[name] = one / four

    assert ratio["h100-pcie-80gb"] < 0.95 * ratio["h100-sxm-80gb"]


def test_a_replica_without_a_request_is_idle():
    one = score([row(concurrency="1", n_accelerators="2")])[0]["predicted"]

    assert score([row(concurrency="1", n_accelerators="16")])[0]["predicted"] == pytest.approx(one)


def test_a_stated_load_runs_even_where_the_weights_seem_not_to_fit():
    # 141 GB of weights on one accelerator of 86 GB: somebody published it, so it ran, and nobody waited for a slot
    answer = score([row(weights_precision="bf16", n_accelerators="1", tp="1", concurrency="8", metric="ttft_ms")])[0]

    assert 100 < answer["predicted"] < 2000


ACCELERATOR_NAMES = (
    *("a10g", "l4", "l40s", "a100-sxm-40gb", "a100-sxm-80gb", "a100-pcie-80gb", "h100-nvl", "h100-pcie-80gb", "h800"),
    *("gh200", "h200-nvl", "b200", "b300", "gb200", "gb300", "mi300x", "mi325x", "mi355x", "v100", "t4"),
    *("tpu-v4", "tpu-v5e", "tpu-v5p", "tpu-v6e", "tpu-v7", "inf1", "inf2", "trn1", "trn2", "trn3"),
)
FRAMEWORKS = ("", "unknown", "tgi", "jetstream", "deepspeed-mii", "lmdeploy", "max", "sglang", "trtllm", "nxd")
WEIGHT_FORMATS = (
    *("bf16", "fp16", "fp8", "int8", "awq", "gptq", "int4", "w4a16", "fp4", "nvfp4", "mxfp4", "", "fp8_e4m3", "W8A8"),
)
CACHE_FORMATS = ("", "auto", "bf16", "fp8", "fp8_e5m2", "int8")


def varied(index, **changes):
    """Return a published row as another maker could state it; the choices follow from its place."""
    rows = published()
    one = rows[(index * 37) % len(rows)] | {
        "accelerator": ACCELERATOR_NAMES[index % len(ACCELERATOR_NAMES)],
        "framework": FRAMEWORKS[index % len(FRAMEWORKS)],
        "weights_precision": WEIGHT_FORMATS[index % len(WEIGHT_FORMATS)],
        "kv_precision": CACHE_FORMATS[index % len(CACHE_FORMATS)],
    }
    for place, name in enumerate(("tp", "pp", "dp", "n_accelerators", "input_len", "output_len", "concurrency")):
        if (index >> (place % 4)) % 3 == 0:
            one[name] = ""
    return one | changes


@pytest.mark.parametrize("metric", inference_rows.METRICS)
@pytest.mark.parametrize("scenario", ["closed loop", "offline", "MLPerf Server"])
def test_rows_varied_in_every_column_stay_within_what_the_chips_can_do(metric, scenario):
    rows = [varied(index, metric=metric, scenario=scenario) for index in range(120)]
    answers = score(rows)
    understood, _ = inference_score.understand(rows, accelerators=ACCELERATORS)

    assert [one["reason"] for one in answers if one["status"] != "ok"] == []
    for answer, one in zip(answers, understood, strict=True):
        chip = ACCELERATORS.iloc[one.chip]
        peaks = pd.to_numeric(chip[["bf16_tflops", "fp16_tflops", "fp8_tflops", "fp4_tflops", "int8_tops"]])
        active, tokens = one.architecture.active_params(), 1 + one.input_tokens / one.output_tokens
        narrowest_s = 0.5 * active / (one.accelerators * float(chip["memory_bandwidth_gb_per_s"]) * 1e9)
        fastest = one.accelerators * peaks.max() * 1e12 / (2 * active)  # tokens a second
        bounds = {
            "output_tokens_per_s": (0, fastest / tokens),
            "output_tokens_per_s_per_accel": (0, fastest / tokens / one.accelerators),
            "tpot_ms": (1e3 * narrowest_s, 60_000),
            "ttft_ms": (1e3 * one.input_tokens / fastest, float("inf")),
            "e2e_latency_s": (one.output_tokens * narrowest_s, float("inf")),
        }
        assert bounds[metric][0] < answer["predicted"] < bounds[metric][1], (answer, one)


@pytest.mark.parametrize("metric", ["output_tokens_per_s", "tpot_ms"])
def test_twice_the_requests_never_take_a_leap(metric):
    loads = [2**power for power in range(9)]
    rows = [
        varied(index, metric=metric, scenario="closed loop", input_len="512", concurrency=str(load))
        for index in range(60)
        for load in loads
    ]
    figures = [one["predicted"] for one in score(rows)]

    for start in range(0, len(figures), len(loads)):
        steps = [after / before for before, after in pairwise(figures[start : start + len(loads)])]
        assert min(steps) > 0.95
        assert max(steps) < 2.5


def test_what_cannot_be_expressed_is_unsupported_with_a_reason():
    answers = score([row(accelerator="abacus"), row(metric="joy"), row(weights_precision="fp3")])

    assert [one["status"] for one in answers] == ["unsupported"] * 3
    assert "abacus" in answers[0]["reason"]
    assert "joy" in answers[1]["reason"]
    assert "fp3" in answers[2]["reason"]
    assert answers[0]["predicted"] is None


def test_a_model_unknown_to_the_catalog_is_built_from_its_row():
    stated = {"model": "unheard-of-235b-a22b", "params_total_b": "235", "params_active_b": "22", "layers": "94"}
    stated |= {"hidden": "4096", "heads": "64", "kv_heads": "4", "vocab": "150000", "n_accelerators": "8", "tp": "8"}

    mixture = score([row(**stated)])[0]
    dense = score([row(**(stated | {"params_active_b": "235", "ffn_hidden": "60000"}))])[0]

    assert mixture["status"] == "ok"
    assert mixture["predicted"] < dense["predicted"]


def test_an_unknown_mixture_without_kv_heads_has_latent_attention():
    stated = {"params_total_b": "671", "params_active_b": "37", "layers": "61", "hidden": "7168", "heads": "128"}
    stated |= {"vocab": "129280", "accelerator": "b200", "n_accelerators": "8", "tp": "8", "concurrency": "64"}

    unknown = score([row(**(stated | {"model": "unheard-of", "kv_heads": ""}))])[0]["predicted"]
    known = score([row(**(stated | {"model": "deepseek-v3"}))])[0]["predicted"]

    assert unknown == pytest.approx(known, rel=0.2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama-3-8b"),
        ("nvidia/DeepSeek-R1-0528-FP4-v2", "deepseek-r1"),
        ("deepseek-v3.2-exp", "deepseek-v3.2"),
        ("mixtral-8x7b-instruct-v0.1", "mixtral-8x7b"),
        ("Qwen3-32B-AWQ", "qwen3-32b"),
        ("llama2-70b-99.9", "llama-2-70b"),
        ("deepseek-r1-distill-llama-70b", "llama-3.1-70b"),
        ("RedHatAI/Llama-3.3-70B-Instruct-quantized.w8a8", "llama-3.3-70b"),
    ],
)
def test_models_have_several_names(name, expected):
    (one,), _ = inference_score.understand([row(model=name)], accelerators=ACCELERATORS)

    assert one.architecture.id == expected
