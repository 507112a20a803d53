"""Answers: the document becomes workloads and limits, and each value knows whether the team said it."""

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from advisor.core.answers import Answers, answers, stated_paths
from advisor.core.document import Document, DocumentError, check, parse
from estimator.workload import Traffic

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
ARCHITECTURES = pd.DataFrame(
    [
        {
            "id": "llama-3.1-8b",
            "aliases": "llama-3.1-8b-instruct;llama3.1-8b",
            "layers": 32,
            "hidden": 4096,
            "heads": 32,
            "kv_heads": 8,
            "head_dim": 128,
            "ffn_hidden": 14336,
            "ffn_kind": "gated",
            "vocab": 128256,
            "tied_embeddings": False,
            "attention": "gqa",
            "params_total": 8.03e9,
        },
        {
            "id": "broken",
            "aliases": "",
            "layers": 2,
            "hidden": 8,
            "heads": 2,
            "kv_heads": 4,
            "head_dim": 4,
            "ffn_hidden": 8,
            "ffn_kind": "gated",
            "vocab": 10,
            "tied_embeddings": False,
            "attention": "gqa",
            "params_total": math.nan,
        },
    ]
)


def answered(*workloads: dict[str, Any], **parts: Any) -> Answers:
    document = check({"decision": "d", "workloads": [{"id": f"w{i}", **w} for i, w in enumerate(workloads)], **parts})
    return answers(document=document, architectures=ARCHITECTURES)


def test_the_team_s_words_reach_the_estimator() -> None:
    said = answered(
        {
            "kind": "online_inference",
            "model": "llama-3.1-8b",
            "traffic": {"requests_per_s_mean": 4, "peak_factor": 3, "input_tokens": 700, "output_tokens": 90},
            "targets": {"ttft_p95_ms": 800},
            "data": {"stored_tb": 2, "located_in": "aws:us-east-1"},
            "code": {"frameworks": ["pytorch"], "custom_kernels": 2, "image_arch": ["arm64"]},
            "serving": {"weight_format": "fp8", "accepted_tokens": 2.5},
            "utilisation": 0.7,
        },
        horizon={"months": 36, "ramp": "linear"},
        constraints={"purchase": ["on_demand", "spot"], "budget_usd_per_month": 5000, "need_by": "2027-03-01"},
    )

    [workload] = said.workloads
    assert workload.id == "w0"
    assert workload.architecture is not None and workload.architecture.layers == 32
    assert workload.traffic.requests_per_s_mean == 4
    assert workload.traffic.peak_factor == 3
    assert workload.targets.ttft_p95_ms == 800
    assert (workload.data.located_in_provider, workload.data.located_in_region) == ("aws", "us-east-1")
    assert workload.code.custom_kernels == 2
    assert workload.utilisation == 0.7
    assert (workload.serving.weight_format, workload.serving.accepted_tokens) == ("fp8", 2.5)
    assert workload.serving.cache_format is None and workload.serving.disaggregated is None
    assert workload.purchase == ("on_demand", "spot")
    assert workload.training is None and workload.measured is None
    assert (said.horizon.months, said.horizon.ramp) == (36, "linear")
    assert said.limits.budget_usd_per_month == 5000
    assert said.limits.need_by == dt.date(2027, 3, 1)


def test_every_word_about_the_traffic_reaches_the_estimator() -> None:
    traffic = {
        "requests_per_s_mean": 4,
        "peak_factor": 3,
        "hours_per_day": 10,
        "input_tokens": 700,
        "output_tokens": 90,
        "cached_fraction": 0.5,
        "input_characters": 2800,
        "output_characters": 360,
        "language": "de",
        "calls_per_request": 3,
        "reasoning_tokens": 400,
        "retry_fraction": 0.1,
        "cache_ttl_minutes": 5,
        "cache_write_fraction": 0.2,
    }

    [workload] = answered({"kind": "online_inference", "model": "llama-3.1-8b", "traffic": traffic}).workloads

    assert workload.traffic == Traffic(**traffic)


def test_silence_becomes_a_named_default_or_stays_unknown() -> None:
    said = answered({"kind": "finetuning", "model": "llama-3.1-8b", "training": {"tokens": 1e8}})

    [workload] = said.workloads
    assert workload.training is not None
    assert workload.training.method == "lora"
    assert workload.training.precision == "bf16"
    assert workload.training.sequence_length == 4096
    assert workload.targets.deadline_days is None
    assert workload.data.stored_tb is None
    assert workload.code.custom_kernels is None
    assert said.limits.providers == ("aws", "azure", "gcp")
    assert said.limits.purchase == ("on_demand",)
    assert said.limits.residency is None
    assert (said.horizon.months, said.horizon.ramp) == (12, "immediate")


def test_pretraining_trains_all_weights() -> None:
    [workload] = answered({"kind": "pretraining", "model": "llama-3.1-8b", "training": {"tokens": 1e12}}).workloads

    assert workload.training is not None
    assert workload.training.method == "full"
    assert workload.training.global_batch_tokens == 4_000_000


def test_a_shape_becomes_an_architecture() -> None:
    shape = {"layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "ffn_hidden": 14336, "vocab": 128256}

    [by_shape, by_id] = answered(
        {"kind": "online_inference", "model": shape}, {"kind": "online_inference", "model": "llama-3.1-8b"}
    ).workloads

    assert by_shape.architecture is not None and by_id.architecture is not None
    assert by_shape.architecture.params() == by_id.architecture.params()
    assert by_shape.architecture.kv_bytes_per_token() == by_id.architecture.kv_bytes_per_token()
    assert by_shape.architecture.id == "w0-model"


def test_another_name_finds_the_same_architecture() -> None:
    [workload] = answered({"kind": "online_inference", "model": "llama-3.1-8b-instruct"}).workloads

    assert workload.architecture is not None and workload.architecture.id == "llama-3.1-8b"


def test_managed_work_knows_the_shape_of_its_first_open_family() -> None:
    families = [{"family": "closed-one"}, {"family": "llama-3-1-8b"}]

    [open_one, closed] = answered(
        {"kind": "managed_api", "model": {"acceptable": families}},
        {"kind": "managed_api", "model": {"acceptable": families[:1]}},
    ).workloads

    assert open_one.architecture is not None and open_one.architecture.id == "llama-3.1-8b"
    assert closed.architecture is None


@pytest.mark.parametrize("model", ["gpt-17", "broken"])
def test_a_model_nobody_can_compute_is_a_fault_of_the_document(model: str) -> None:
    with pytest.raises(DocumentError) as caught:
        answered({"kind": "cpu_serving"}, {"kind": "online_inference", "model": model})

    assert caught.value.items[0]["path"] == "workloads[1].model"


def test_each_value_knows_who_said_it() -> None:
    said = answered(
        {"kind": "online_inference", "model": "llama-3.1-8b", "traffic": {"requests_per_s_mean": 4}}, team={"size": 3}
    )

    stated = said.evidence("answer:workloads[0].traffic.requests_per_s_mean")
    default = said.evidence(said.evidence_id("workloads[0].traffic.peak_factor"))

    assert (stated["kind"], stated["value"], stated["unit"]) == ("answer", 4.0, "requests/s")
    assert stated["source"] == "the document"
    assert stated["locator"] == "workloads[0].traffic.requests_per_s_mean"
    assert (default["id"], default["kind"], default["value"]) == (
        "default:workloads[0].traffic.peak_factor",
        "default",
        2.0,
    )
    assert default["source"].startswith("default: our judgement")


def test_an_answer_id_of_an_open_question_owns_up_to_the_default() -> None:
    entry = answered({"kind": "cpu_serving"}).evidence("answer:workloads[0].traffic.peak_factor")

    assert (entry["id"], entry["kind"]) == ("answer:workloads[0].traffic.peak_factor", "default")


def test_a_whole_section_can_be_evidence() -> None:
    said = answered({"kind": "cpu_serving", "measured": {"on": "c7i.4xlarge", "units_per_s": 5}})

    entry = said.evidence("answer:workloads[0].measured")

    assert entry["kind"] == "answer"
    assert entry["value"] == {"on": "c7i.4xlarge", "units_per_s": 5.0}


@pytest.mark.parametrize(
    "evidence_id", ["offer:aws/x", "answer:workloads[0].nothing", "answer:workloads[7].kind", "answer", ""]
)
def test_an_id_that_is_no_answer_is_no_evidence(evidence_id: str) -> None:
    with pytest.raises(KeyError):
        answered({"kind": "cpu_serving"}).evidence(evidence_id)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_answer_and_default_of_an_example_is_evidence(path: Path) -> None:
    document: Document = check(parse(path.read_bytes()), complete=True)
    said = answers(document=document, architectures=_any_architecture(document))

    entries = {entry["id"]: entry for entry in said.entries()}

    for stated, _ in stated_paths(document):
        assert entries[f"answer:{stated}"]["kind"] == "answer"
    for entry in said.unanswered:
        assert entries[f"default:{entry['path']}"]["kind"] == "default"
    assert len(entries) == len(list(stated_paths(document))) + len(said.unanswered)


def _any_architecture(document: Document) -> pd.DataFrame:
    names = [workload.model for workload in document.workloads if isinstance(workload.model, str)]
    return pd.concat([ARCHITECTURES.iloc[:1].assign(id=name) for name in ["llama-3.1-8b", *names]], ignore_index=True)


def test_the_same_document_gives_equal_answers() -> None:
    document = check(parse(EXAMPLES[0].read_bytes()), complete=True)

    first = answers(document=document, architectures=_any_architecture(document))
    second = answers(document=document, architectures=_any_architecture(document))

    assert first == second
