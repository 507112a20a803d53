"""The document: what is refused, at which path, in which words; what is the same document."""

import copy
import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.core.document import (
    Document,
    DocumentError,
    InlineModel,
    Known,
    ManagedModel,
    canonical,
    check,
    json_schema,
    known_from,
    parse,
)
from catalog import files
from catalog.frame import build

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
KNOWN = Known(
    regions={
        "aws": ("eu-west-1", "us-east-1", "us-west-2"),
        "azure": ("eastus", "westeurope"),
        "gcp": ("europe-west4", "us-central1"),
    },
    countries=("DE", "IE", "NL", "US"),
    architectures=("llama-3.1-70b", "llama-3.1-8b", "qwen3-32b"),
    skus=("aws/c7g.4xlarge", "aws/c7i.4xlarge", "aws/p5.48xlarge", "gcp/a3-highgpu-8g"),
    model_families=("claude-haiku-5-5", "gpt-oss-120b"),
)
MINIMAL: dict[str, Any] = {
    "version": 1,
    "decision": "Serve a model",
    "workloads": [
        {
            "id": "chat",
            "kind": "online_inference",
            "model": "llama-3.1-70b",
            "traffic": {"requests_per_s_mean": 3, "input_tokens": 900, "output_tokens": 200},
        }
    ],
}
SHAPE = {"layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "ffn_hidden": 14336, "vocab": 128256}


def changed(path: str, value: Any, base: dict[str, Any] = MINIMAL) -> dict[str, Any]:
    """Return the document with another value at ``a.b[0].c``; parts on the way are made."""
    raw = copy.deepcopy(base)
    steps: list[Any] = [
        int(step) if step.isdigit() else step for step in path.replace("]", "").replace("[", ".").split(".")
    ]
    at: Any = raw
    for step, following in itertools.pairwise(steps):
        if isinstance(step, int):
            at = at[step]
        elif at.get(step) is None:
            at[step] = [] if isinstance(following, int) else {}
            at = at[step]
        else:
            at = at[step]
    at[steps[-1]] = value
    return raw


def faults(raw: Any, **options: Any) -> list[dict[str, Any]]:
    with pytest.raises(DocumentError) as caught:
        check(raw, **options)
    return caught.value.items


def test_a_minimal_document_is_complete() -> None:
    document = check(MINIMAL, complete=True, known=KNOWN, moment=dt.date(2026, 11, 23))

    assert document.workloads[0].traffic.input_tokens == 900
    assert document.constraints.budget_usd_per_month is None


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("workloads[0].traffic.input_tokens", -5, "input_tokens must be 0 or more; you gave -5."),
        (
            "workloads[0].traffic.cached_fraction",
            75,
            "cached_fraction must be 1 or less; you gave 75. It is a fraction from 0 to 1: write 0.75 for 75 %.",
        ),
        ("workloads[0].traffic.calls_per_request", 0.5, "calls_per_request must be 1 or more; you gave 0.5."),
        ("workloads[0].traffic.cache_ttl_minutes", 0, "cache_ttl_minutes must be more than 0; you gave 0."),
        (
            "workloads[0].traffic.language",
            "English",
            "language must be a language code of two small letters, such as en or de; you gave 'English'.",
        ),
        ("workloads[0].traffic.hours_per_day", 25, "hours_per_day must be 24 or less; you gave 25."),
        ("workloads[0].traffic.hours_per_day", 0, "hours_per_day must be more than 0; you gave 0."),
        ("workloads[0].traffic.peak_factor", 0.5, "peak_factor must be 1 or more; you gave 0.5."),
        ("workloads[0].traffic.output_tokens", "many", "output_tokens must be a number; you gave 'many'."),
        (
            "workloads[0].traffic.output_tokens",
            True,
            "output_tokens must be a number, not true or false; you gave true.",
        ),
        (
            "workloads[0].traffic.requests_per_s_mean",
            float("inf"),
            "requests_per_s_mean must be a finite number; you gave inf.",
        ),
        ("workloads[0].targets.availability", 100, "availability must be less than 100; you gave 100."),
        ("workloads[0].targets.availability", 0.999, "availability must be 50 or more; you gave 0.999."),
        ("workloads[0].utilisation", 0, "utilisation must be more than 0; you gave 0."),
        ("workloads[0].code.custom_kernels", 1.5, "custom_kernels must be a whole number; you gave 1.5."),
        (
            "workloads[0].data.located_in",
            "us-east-1",
            "located_in must be provider:region, such as aws:us-east-1; you gave 'us-east-1'.",
        ),
        (
            "workloads[0].id",
            "Trip Serving",
            "id must begin with a letter and hold only a–z, 0–9, - and _; you gave 'Trip Serving'.",
        ),
        ("workloads[0].model", {"layers": 0}, None),
        ("constraints.need_by", "next spring", "need_by must be a date like 2027-03-01; you gave 'next spring'."),
        ("constraints.need_by", 20270301, "need_by must be a date like 2027-03-01; you gave 20270301."),
        ("constraints.need_by", "2027-02-30", "need_by must be a date like 2027-03-01; you gave '2027-02-30'."),
        (
            "constraints.residency",
            "Europe",
            "residency must be EU or a country code of two capital letters; you gave 'Europe'.",
        ),
        ("constraints.providers", "aws", "providers must be a list; you gave 'aws'."),
        ("constraints.providers", [], "providers must not be empty; you gave an empty list."),
        ("horizon.months", 0, "months must be 1 or more; you gave 0."),
        ("team", 12, "team must be a mapping of keys to values; you gave 12."),
        (
            "organisation.seat",
            "USA",
            "seat must be a country code of two capital letters, such as US or DE; you gave 'USA'.",
        ),
        ("commercial.discounts", [{"provider": "aws", "fraction": 1}], None),
        (
            "decision",
            "two\nlines",
            "decision must be one line of plain text; you gave 'two\N{REPLACEMENT CHARACTER}lines'.",
        ),
        ("version", 2, "version must be 1; you gave 2."),
    ],
)
def test_the_impossible_is_refused_at_its_path(path: str, value: Any, message: str | None) -> None:
    items = faults(changed(path, value))

    assert len(items) == 1
    assert items[0]["path"].startswith(path)
    if message is not None:
        assert items[0]["message"] == message
        assert items[0]["path"] == path


def test_a_path_leads_into_lists_and_shapes() -> None:
    raw = changed("workloads[0].model", {**SHAPE, "layers": -1})
    raw["workloads"].append({**raw["workloads"][0], "id": "other"})

    assert [item["path"] for item in faults(raw)] == ["workloads[0].model.layers", "workloads[1].model.layers"]


def test_a_word_that_is_not_on_offer_names_those_that_are() -> None:
    [item] = faults(changed("constraints.purchase", ["on_demand", "capacity_blocks"]))

    assert item["path"] == "constraints.purchase[1]"
    assert item["value"] == "capacity_blocks"
    assert item["accepted"][0] == "capacity_block"
    assert set(item["accepted"]) >= {"on_demand", "spot", "flex_start"}


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("horizn", "horizon"),
        ("workloads[0].trafic", "traffic"),
        ("workloads[0].traffic.input_token", "input_tokens"),
        ("constraints.budget_per_month", "budget_usd_per_month"),
    ],
)
def test_an_unknown_key_names_the_key_that_was_meant(path: str, meant: str) -> None:
    items = faults(changed(path, 1))

    assert items[0]["path"] == path
    assert f"Did you mean {meant!r}?" in items[0]["message"]
    assert items[0]["accepted"][0] == meant
    assert len(items[0]["accepted"]) <= 10


def test_an_unknown_key_inside_a_shape_or_a_family_is_placed_there() -> None:
    [shape] = faults(changed("workloads[0].model", {**SHAPE, "hiden": 4096}))
    [family] = faults(changed("workloads[0].model", {"acceptable": [{"family": "x", "sample": 3}]}))

    assert (shape["path"], shape["accepted"][0]) == ("workloads[0].model.hiden", "hidden")
    assert family["path"] == "workloads[0].model.acceptable[0].sample"
    assert family["accepted"][0] == "sample_size"


@pytest.mark.parametrize("raw", [None, [], "text", 3, True])
def test_a_document_that_is_no_mapping_is_refused(raw: Any) -> None:
    [item] = faults(raw)

    assert item["path"] == ""
    assert "mapping" in item["message"]


def test_many_faults_are_counted_and_cut() -> None:
    with pytest.raises(DocumentError) as caught:
        check({**MINIMAL, **{f"key{number}": 1 for number in range(500)}})

    assert len(caught.value.items) == 51
    assert caught.value.items[-1]["message"] == "450 more problems are not shown."
    assert caught.value.message == "The document has 500 problems."


def test_the_error_has_the_shared_shape() -> None:
    with pytest.raises(DocumentError) as caught:
        check(changed("horizon.months", 0))

    body = json.loads(json.dumps(caught.value.as_dict()))
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "items"}
    assert [set(item) for item in body["error"]["items"]] == [{"path", "value", "message", "accepted"}]


def test_null_sections_are_sections_without_answers() -> None:
    raw = {**MINIMAL, "team": None, "constraints": None, "flows": None, "preferences": {"cost": None}}

    document = check(raw, complete=True)

    assert document.team.size is None
    assert document.flows == ()
    assert document.preferences.cost.weight is None


def test_unknown_and_none_are_two_answers() -> None:
    unknown = check(changed("workloads[0].code.unsupported_ops", None))
    none = check(changed("workloads[0].code.unsupported_ops", []))

    assert unknown.workloads[0].code.unsupported_ops is None
    assert none.workloads[0].code.unsupported_ops == ()
    assert canonical(unknown) != canonical(none)


# --- names of the catalog --------------------------------------------------------------------------------------------


def test_an_unknown_model_names_the_nearest_ones() -> None:
    [item] = faults(changed("workloads[0].model", "llama-3.1-71b"), known=KNOWN)

    assert item["path"] == "workloads[0].model"
    assert item["value"] == "llama-3.1-71b"
    assert item["accepted"][:1] == ["llama-3.1-70b"]


def test_an_impossible_region_says_whose_it_is() -> None:
    raw = {**MINIMAL, "current": {"provider": "aws", "region": "europe-west4"}}

    [item] = faults(raw, known=KNOWN)

    assert item["path"] == "current.region"
    assert "It is a region of gcp." in item["message"]
    assert item["accepted"][0] == "eu-west-1"


def test_a_region_elsewhere_than_the_three_clouds_is_not_ours_to_judge() -> None:
    raw = {**MINIMAL, "current": {"provider": "other", "region": "our-cellar"}}

    assert check(raw, complete=True, known=KNOWN).current.region == "our-cellar"


@pytest.mark.parametrize(
    ("path", "value", "accepted"),
    [
        ("workloads[0].data.located_in", "aws:us-east-9", "aws:us-east-1"),
        ("workloads[0].measured", {"on": "c7i.4xlrge"}, "c7i.4xlarge"),
        ("workloads[0].measured", {"on": "aws/c7i.4xlrge"}, "aws/c7i.4xlarge"),
        ("workloads[0].model", {"acceptable": [{"family": "claude-haiku-55"}]}, "claude-haiku-5-5"),
        ("constraints.residency", "ZZ", "EU"),
    ],
)
def test_each_name_is_looked_up(path: str, value: Any, accepted: str) -> None:
    [item] = faults(changed(path, value), known=KNOWN)

    assert item["path"].startswith(path)
    assert item["accepted"][0] == accepted


@pytest.mark.parametrize("on", ["c7i.4xlarge", "aws/c7i.4xlarge"])
def test_an_instance_may_be_named_with_or_without_its_provider(on: str) -> None:
    check(changed("workloads[0].measured", {"on": on}), known=KNOWN)


# --- drafts and advice -----------------------------------------------------------------------------------------------


def test_a_draft_may_lack_what_advice_needs() -> None:
    assert check({}).workloads == ()
    assert [item["path"] for item in faults({}, complete=True)] == ["decision", "workloads"]


@pytest.mark.parametrize(
    ("workload", "missing"),
    [
        ({"kind": "managed_api"}, ["requests_per_s_mean", "input_tokens", "output_tokens"]),
        ({"kind": "online_inference", "model": "m"}, ["requests_per_s_mean", "input_tokens", "output_tokens"]),
        (
            {"kind": "batch_inference", "model": "m", "traffic": {"input_tokens": 1, "output_tokens": 1}},
            ["requests_per_s_mean"],
        ),
        ({"kind": "managed_api", "traffic": {"requests_per_s_mean": 1, "input_characters": 1}}, ["output_tokens"]),
        (
            {
                "kind": "online_inference",
                "model": "m",
                "traffic": {"requests_per_s_mean": 1, "input_characters": 1, "output_characters": 1},
            },
            [],
        ),
        ({"kind": "pretraining", "model": "m"}, ["tokens"]),
        ({"kind": "finetuning", "model": "m", "training": {"method": "lora"}}, ["tokens"]),
        ({"kind": "pretraining"}, []),
        ({"kind": "online_inference"}, []),
        ({"kind": "cpu_serving"}, []),
        (
            {"kind": "cpu_serving", "measured": {"on": "c7i.4xlarge", "work_unit": "request", "units_per_s": 5}},
            ["requests_per_s_mean"],
        ),
        ({"kind": "cpu_serving", "measured": {"work_unit": "request", "hours_per_month": 5}}, ["on"]),
        ({"kind": "pretraining", "measured": {"on": "x", "work_unit": "run", "units_per_s": 5}}, ["hours_per_month"]),
        (
            {"kind": "pretraining", "model": {"layers": 2}, "training": {"tokens": 1e9}},
            ["hidden", "heads", "ffn_hidden", "vocab"],
        ),
        (
            {"kind": "pretraining", "model": {**SHAPE, "experts_count": 8}, "training": {"tokens": 1e9}},
            ["experts_active", "expert_hidden"],
        ),
    ],
)
def test_advice_asks_for_what_the_kind_of_work_needs(workload: dict[str, Any], missing: list[str]) -> None:
    raw = {"decision": "d", "workloads": [{"id": "w", **workload}]}
    check(raw)

    if not missing:
        check(raw, complete=True)
        return
    items = faults(raw, complete=True)
    assert [item["path"].rsplit(".", 1)[1] for item in items] == missing
    assert all(item["message"].endswith(".") and "is required" in item["message"] for item in items)


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        ("workloads[0].training", {"tokens": 1e9}, "workloads[0].training"),
        ("workloads[0].model", {"acceptable": [{"family": "f"}]}, "workloads[0].model.acceptable"),
        ("workloads[0].model", {**SHAPE, "kv_heads": 5}, "workloads[0].model.kv_heads"),
        ("workloads[0].model", {**SHAPE, "heads": 33, "kv_heads": 33}, "workloads[0].model.heads"),
        ("workloads[0].model", {**SHAPE, "experts_active": 2}, "workloads[0].model.experts_active"),
        (
            "workloads[0].model",
            {**SHAPE, "params_total": 7e9, "params_active": 8e9},
            "workloads[0].model.params_active",
        ),
        ("workloads[0].model", {**SHAPE, "attention": "mla"}, "workloads[0].model.kv_lora_rank"),
        ("preferences", {"cost": {"ideal": 5, "unacceptable": 5}}, "preferences.cost.ideal"),
        ("flows", [{"from": "chat", "to": "nowhere", "gb_per_month": 1}], "flows[0].to"),
        ("flows", [{"from": "chat", "to": "chat", "gb_per_month": 1}], "flows[0].to"),
        (
            "preferences",
            {name: {"weight": 0} for name in ("cost", "time", "latency", "portability", "operations")},
            "preferences",
        ),
    ],
)
def test_what_cannot_hold_together_is_refused(path: str, value: Any, at: str) -> None:
    raw = changed(path, value)
    check(raw)

    assert [item["path"] for item in faults(raw, complete=True)] == [at]


def test_measured_work_is_not_for_managed_models() -> None:
    raw = changed("workloads[0].kind", "managed_api")
    raw["workloads"][0]["measured"] = {"on": "c7i.4xlarge", "work_unit": "request", "units_per_s": 5}
    raw["workloads"][0]["model"] = None

    assert [item["path"] for item in faults(raw, complete=True)] == ["workloads[0].measured"]


@pytest.mark.parametrize("kind", ["batch_inference", "online_inference", "cpu_serving", "managed_api"])
def test_no_load_is_nothing_to_plan_for(kind: str) -> None:
    model = {"acceptable": [{"family": "haiku-4.5"}]} if kind == "managed_api" else None
    traffic = {"requests_per_s_mean": 0, "input_tokens": 1, "output_tokens": 1}
    raw = {"decision": "d", "workloads": [{"id": "w", "kind": kind, "model": model, "traffic": traffic}]}
    check(raw)

    (item,) = faults(raw, complete=True)

    assert item["path"] == "workloads[0].traffic.requests_per_s_mean"
    assert item["message"] == "requests_per_s_mean must be more than 0: there is no load to plan for."


def test_two_workloads_do_not_share_an_id() -> None:
    raw = changed("workloads", [MINIMAL["workloads"][0]] * 2)

    assert [item["path"] for item in faults(raw)] == ["workloads[1].id"]


def test_a_need_by_day_that_has_passed_is_refused() -> None:
    raw = changed("constraints.need_by", "2026-11-23")

    assert check(raw, complete=True, moment=dt.date(2026, 11, 22)).constraints.need_by == dt.date(2026, 11, 23)
    [item] = faults(raw, complete=True, moment=dt.date(2026, 11, 23))
    assert item["path"] == "constraints.need_by"
    assert "after the day of the advice, 2026-11-23" in item["message"]


# --- the same document -----------------------------------------------------------------------------------------------


def test_the_three_forms_of_a_model() -> None:
    assert check(MINIMAL).workloads[0].model == "llama-3.1-70b"
    assert isinstance(check(changed("workloads[0].model", SHAPE)).workloads[0].model, InlineModel)
    managed = check(changed("workloads[0].model", {"acceptable": [{"family": "gpt-oss-120b"}]})).workloads[0].model
    assert isinstance(managed, ManagedModel)


def test_canonical_values_are_the_same_for_the_same_statements() -> None:
    spelled = {**MINIMAL, "team": None, "constraints": {"residency": None}, "flows": []}
    floats = changed("workloads[0].traffic.input_tokens", 900.0)
    texts = changed("workloads[0].traffic.input_tokens", "900")

    expected = json.dumps(canonical(check(MINIMAL)), sort_keys=True)

    for raw in (floats, texts, {**spelled}):
        found = canonical(check(raw))
        found.pop("flows", None)
        plain = json.loads(expected)
        plain.pop("flows", None)
        assert found == plain


def test_canonical_reads_back_as_the_same_document() -> None:
    for path in EXAMPLES:
        document = check(parse(path.read_bytes()), complete=True)

        again = check(json.loads(json.dumps(canonical(document))), complete=True)

        assert canonical(again) == canonical(document)


def test_a_checked_document_can_be_checked_again() -> None:
    draft = check({"workloads": []})

    assert check(draft) is draft
    assert [item["path"] for item in faults(draft, complete=True)] == ["decision", "workloads"]


def test_every_quantity_says_its_unit() -> None:
    bare = []
    for name, part in json_schema()["$defs"].items():
        for key, field in part.get("properties", {}).items():
            kinds = {choice.get("type") for choice in field.get("anyOf", [field])}
            is_choice = any("enum" in choice or "const" in choice for choice in field.get("anyOf", [field]))
            if kinds & {"number", "integer"} and not is_choice and "[" not in field.get("description", ""):
                bare.append(f"{name}.{key}")

    assert bare == ["Preference.ideal", "Preference.unacceptable"]  # in the unit of their aim


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_is_complete_and_introduces_itself(path: Path) -> None:
    text = path.read_text()

    document = check(parse(text.encode()), complete=True, moment=dt.date(2026, 11, 23))

    assert document.decision is not None
    assert text.startswith("# ") and 20 < len(text.splitlines()[0]) <= 120
    assert "illustrative" in document.decision
    assert "ILLUSTRATIVE" in text


def test_every_quantity_says_its_range_in_the_json_schema() -> None:
    schema = json_schema()
    traffic = schema["$defs"]["Traffic"]["properties"]

    assert (traffic["hours_per_day"]["exclusiveMinimum"], traffic["hours_per_day"]["maximum"]) == (0, 24)
    unbounded = [
        f"{name}.{key}"
        for name, part in schema["$defs"].items()
        for key, field in part.get("properties", {}).items()
        if {choice.get("type") for choice in field.get("anyOf", [field])} & {"number", "integer"}
        and not ({"minimum", "exclusiveMinimum"} & set(field) and {"maximum", "exclusiveMaximum"} & set(field))
    ]
    assert unbounded == []


# --- nothing but DocumentError ---------------------------------------------------------------------------------------

KEYS = sorted(
    {"from", "acceptable", "family", ""}
    | {name for part in json_schema()["$defs"].values() for name in part.get("properties", {})}
    | set(Document.model_fields)
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=12),
    st.sampled_from(["aws", "cpu_serving", "2027-03-01", "aws:us-east-1", "llama-3.1-8b", "EU", "1e400", "nan"]),
    st.dates(),
    st.binary(max_size=3),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=4)), inner, max_size=5),
        st.dictionaries(st.integers(), inner, max_size=1),
    ),
    max_leaves=20,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(raw=VALUES, complete=st.booleans())
def test_whatever_is_checked_only_a_document_error_is_raised(raw: Any, complete: bool) -> None:
    try:
        document = check(raw, complete=complete, known=KNOWN, moment=dt.date(2026, 11, 23))
    except DocumentError as error:
        json.dumps(error.as_dict(), ensure_ascii=False, allow_nan=False).encode()
        assert all(item["message"].strip() for item in error.items)
    else:
        json.dumps(canonical(document), allow_nan=False)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_good_document_with_one_odd_value_raises_nothing_else(data: st.DataObject) -> None:
    raw = copy.deepcopy(EXAMPLE)
    at: Any = raw
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if isinstance(at[key], (dict, list)) and at[key] and data.draw(st.integers(0, 3)):
            at = at[key]
            continue
        at[key] = data.draw(VALUES)
        break

    try:
        check(raw, complete=True, known=KNOWN)
    except DocumentError as error:
        json.dumps(error.as_dict(), ensure_ascii=False, allow_nan=False).encode()


EXAMPLE = parse((Path(__file__).parents[3] / "examples" / "uber.yaml").read_bytes())


def test_the_known_names_are_those_of_the_shipped_catalog() -> None:
    catalog = build(facts=files.load(), moment=dt.date(2026, 11, 23), release=1)

    known = known_from(catalog)

    assert {"llama-3.1-70b", "meta-llama/Llama-3.1-70B-Instruct"} <= set(known.architectures)
    assert all(len(name) > 2 for name in known.architectures)
    assert "us-east-1" in known.regions["aws"] and "westeurope" in known.regions["azure"]
    assert "aws/p5.48xlarge" in known.skus
    assert "claude-haiku-5-5" in known.model_families
    assert "text-embedding-ada-002" not in known.model_families
    assert "DE" in known.countries
    for path in EXAMPLES:
        check(parse(path.read_bytes()), complete=True, known=known, moment=dt.date(2026, 11, 23))
