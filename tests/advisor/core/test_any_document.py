"""Whatever a checked document says, advice on it is a whole report: no crash, no number without its source."""

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from advisor.core.advise import advise
from advisor.core.document import DocumentError, Known, check, known_from
from advisor.core.record.markdown import markdown
from advisor.core.schema import Basis, Precision
from catalog import files
from catalog.frame import Catalog, build
from estimator import coefficients

MOMENT = dt.date(2026, 11, 23)
TRAINING = ("pretraining", "finetuning")


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    return build(facts=files.load(), moment=MOMENT, release=1)


@lru_cache(maxsize=1)
def known() -> Known:
    return known_from(catalog())


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((None, None, *values))


def parts(value: Any, path: str = "report") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from parts(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from parts(inner, f"{path}[{index}]")


LOCATIONS = st.deferred(
    lambda: st.sampled_from([f"{cloud}:{region}" for cloud, regions in known().regions.items() for region in regions])
)
SHAPES = st.fixed_dictionaries(
    {
        "layers": one_of(2, 32, 96),
        "hidden": one_of(1024, 8192),
        "heads": one_of(8, 64),
        "ffn_hidden": one_of(4096, 28672),
        "vocab": one_of(1000, 200_000),
    }
)
MODELS = st.deferred(lambda: st.one_of(st.sampled_from(known().architectures), SHAPES))
FAMILIES = st.deferred(lambda: st.builds(lambda name: {"family": name}, st.sampled_from(known().model_families)))
LOAD = st.fixed_dictionaries(
    {
        "requests_per_s_mean": one_of(1e-9, 1e-4, 1, 1e4),
        "peak_factor": maybe(1, 3, 50),
        "hours_per_day": maybe(0.1, 24),
        "cached_fraction": maybe(0, 0.5, 1),
        "language": maybe("en", "hi", "xx"),
        "calls_per_request": maybe(1, 3, 1000),
        "reasoning_tokens": maybe(0, 1e4),
        "retry_fraction": maybe(0, 0.5, 10),
        "cache_ttl_minutes": maybe(0.1, 5, 1e5),
        "cache_write_fraction": maybe(0, 0.5, 1),
    }
)
BROUGHT = st.one_of(
    st.fixed_dictionaries({"input_tokens": one_of(0, 10, 2000, 1e6), "input_characters": maybe(0, 4000)}),
    st.fixed_dictionaries({"input_characters": one_of(0, 4000, 1e7)}),
)
GIVEN_BACK = st.one_of(
    st.fixed_dictionaries({"output_tokens": one_of(0, 1, 300, 1e4), "output_characters": maybe(0, 1200)}),
    st.fixed_dictionaries({"output_characters": one_of(0, 1200, 1e5)}),
)
TRAFFIC = st.builds(
    lambda *parts: {name: value for part in parts for name, value in part.items()}, LOAD, BROUGHT, GIVEN_BACK
)
TARGETS = st.fixed_dictionaries(
    {
        "latency_p99_ms": maybe(0.01, 50, 1e6),
        "ttft_p95_ms": maybe(1, 2000),
        "tpot_p95_ms": maybe(0.1, 50),
        "deadline_days": maybe(0.01, 30, 4000),
        "availability": maybe(50, 99.999),
    }
)
RUNS = st.fixed_dictionaries(
    {
        "tokens": one_of(1e3, 1e9, 1e14),
        "global_batch_tokens": maybe(1, 4e6),
        "sequence_length": maybe(1, 8192, 1_000_000),
        "precision": maybe(*Precision.__args__),
        "method": maybe("full", "lora", "qlora"),
        "runs_per_month": maybe(0, 0.1, 30),
        "experiment_overhead": maybe(0, 5),
    }
)
DATA = st.fixed_dictionaries(
    {
        "stored_tb": maybe(0, 10, 1e6),
        "egress_gb_per_month": maybe(0, 10, 1e9),
        "located_in": st.one_of(st.none(), LOCATIONS),
    }
)
CODE = st.fixed_dictionaries(
    {
        "frameworks": maybe([], ["pytorch"], ["jax"], ["something else"]),
        "custom_kernels": maybe(0, 3, 1000),
        "unsupported_ops": maybe([], ["an operator"]),
        "image_arch": maybe([], ["amd64"], ["amd64", "arm64"]),
    }
)


@st.composite
def workloads(draw: st.DrawFn, number: int) -> dict[str, Any]:
    kind = draw(one_of(*TRAINING, "batch_inference", "online_inference", "cpu_serving", "managed_api"))
    raw: dict[str, Any] = {"id": f"w{number}", "kind": kind}
    raw |= {"targets": draw(TARGETS), "data": draw(DATA), "code": draw(CODE), "utilisation": draw(maybe(0.01, 0.6, 1))}
    how = draw(one_of("model", "measured", "neither"))
    if kind == "managed_api":
        managed = {"acceptable": draw(st.lists(FAMILIES, min_size=1, max_size=3))}
        raw |= {"traffic": draw(TRAFFIC), "model": managed if how == "model" else None}
    elif how == "measured" or kind == "cpu_serving":
        hours, rate = draw(one_of((0, None), (7300, None), (None, 1e-3), (None, 5000), (700, 40)))
        rate = None if kind in TRAINING else rate
        on = draw(st.sampled_from(known().skus))
        hours = 100 if hours is None and rate is None else hours
        raw["measured"] = {"on": on, "work_unit": "unit", "hours_per_month": hours, "units_per_s": rate}
        raw["traffic"] = draw(TRAFFIC)
    elif how == "model":
        raw |= {"model": draw(MODELS), "traffic": draw(TRAFFIC)}
        raw |= {"training": draw(RUNS)} if kind in TRAINING else {}
    return raw


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(1, 3))
    here = draw(st.one_of(st.none(), LOCATIONS))
    provider, region = here.split(":") if here else (draw(maybe("other")), None)
    raw: dict[str, Any] = {"decision": "Any", "workloads": [draw(workloads(number)) for number in range(count)]}
    raw["current"] = {
        "provider": provider,
        "region": region,
        "stored_tb": draw(maybe(0, 50)),
        "measured": {"cost_usd_per_month": draw(maybe(0, 1e5))},
    }
    raw["team"] = {
        "ml_systems_engineers": draw(maybe(0, 8)),
        "accelerators": draw(maybe([], ["nvidia"], ["tpu", "trainium"])),
        "orchestrators": draw(maybe([], ["slurm"])),
    }
    raw["constraints"] = {
        "providers": draw(maybe(["aws"], ["azure", "gcp"])),
        "residency": draw(maybe("EU", "US", "JP")),
        "certifications": draw(maybe([], ["soc2"])),
        "budget_usd_per_month": draw(maybe(0.01, 1e4, 1e9)),
        "need_by": draw(maybe("2026-11-24", "2030-01-01")),
        "purchase": draw(st.one_of(st.none(), st.lists(one_of(*Basis.__args__), min_size=1, max_size=4, unique=True))),
    }
    raw["horizon"] = {"months": draw(maybe(1, 120)), "ramp": draw(maybe("linear"))}
    raw["organisation"] = {"seat": draw(maybe("US", "CN")), "monthly_users": draw(maybe(0, 10**9))}
    level = st.fixed_dictionaries({"weight": maybe(0, 50), "ideal": maybe(0, 3), "unacceptable": maybe(5, 1e6)})
    raw["preferences"] = {"cost": draw(level), "time": draw(level), "latency": draw(level)}
    if draw(st.booleans()):
        raw["commercial"] = {
            "discounts": [{"provider": "aws", "applies_to": draw(one_of("*", "p5*")), "fraction": 0.3}],
            "commitments": [{"provider": "azure", "usd_per_month": 1e5, "ends": draw(maybe("2027-06-30"))}],
        }
    if count > 1:
        raw["flows"] = [{"from": "w0", "to": "w1", "gb_per_month": draw(one_of(0, 500, 1e6))}]
    return raw


@pytest.mark.slow
@settings(
    max_examples=20,
    derandomize=True,
    phases=(Phase.generate,),  # a report takes a second: what fails is shown as found
    suppress_health_check=list(HealthCheck),
)
@given(raw=documents())
def test_any_checked_document_gets_a_whole_report(raw: dict[str, Any]) -> None:
    try:
        document = check(raw, complete=True, known=known(), moment=MOMENT)
    except DocumentError as error:  # all aims at weight 0, a width that the heads do not divide
        assert all(item["path"].split(".")[0] in ("preferences",) or ".model." in item["path"] for item in error.items)
        return

    report = advise(document=document, catalog=catalog(), coefficients=coefficients.load(), moment=MOMENT)

    assert report.to_bytes() and markdown(report.data)
    there = {entry["id"] for entry in report.data["evidence"]}
    for path, part in parts({key: value for key, value in report.data.items() if key != "evidence"}):
        assert set(part.get("evidence", ())) <= there, path
        if {"value", "low", "high", "unit", "reason"} <= set(part):
            assert part["reason"] if part["value"] is None else part["evidence"], path
            assert part["value"] is None or part["low"] <= part["value"] <= part["high"], path
