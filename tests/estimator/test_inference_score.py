import csv
from pathlib import Path

import pandas as pd
import pytest

from catalog import files
from estimator import coefficients, inference_rows, inference_score

KNOWN = coefficients.load()
ACCELERATORS = pd.read_csv(files.DIRECTORY / "accelerators.csv", keep_default_na=False)
PUBLISHED = Path(inference_rows.DIRECTORY) / "published_inference.csv"


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("h100-sxm-80gb", "h100-sxm-80gb"),
        ("trn2", "trainium2"),
        ("mi325x", "mi325x-256gb"),
        ("b300-sxm", "b300-288gb"),
        ("gb200", "gb200-nvl72"),
        ("H800", "h800-80gb"),
        ("gh200", "gh200-96gb"),
        ("a100-sxm-80gb", "a100-80gb"),
        ("tpu-v7", "tpu-v7-ironwood"),
        ("l4", "l4-24gb"),
        ("nvidia-l40s", "l40s-48gb"),
        ("mi355x", "mi355x-288gb"),
    ],
)
def test_results_name_accelerators_in_their_own_way(name, expected):
    ids = ACCELERATORS["id"].tolist()

    assert ids[inference_rows.accelerator_row(name, ids=ids)] == expected


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
