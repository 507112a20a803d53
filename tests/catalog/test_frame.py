"""Frames: exactly the declared columns, true units, and evidence for every row."""

import dataclasses
import datetime as dt
import math
import time

import pandas as pd
import pytest

from catalog import files, frame, records
from catalog.units import GB_PER_GIB
from tests.catalog.conftest import MOMENT

OFFER_COLUMNS = """
offer_id provider region sku basis price_usd_per_hour price_reason price_as_of price_as_of_basis price_doubt
min_duration_days max_duration_days increment_days lead_time_days max_quantity_count prepaid cancellable
capacity_guaranteed interruptible
terms_id vcpus_count memory_gb host_isa cpu_family local_nvme_tb network_gbps fabric_gbps fabric_type self_serve status
accelerator accelerator_name accelerator_vendor accelerators_count silicon software_stack bf16_tflops fp16_tflops
fp8_tflops fp4_tflops int8_tops accelerator_memory_gb memory_bandwidth_gb_per_s scaleup_gb_per_s
scaleup_domain_accelerators tdp_w trains serves country geography in_eu grid_gco2e_per_kwh
"""


def offer(catalog: frame.Catalog, offer_id: str) -> pd.Series:
    return catalog.offers.set_index("offer_id").loc[offer_id]


def test_the_offers_frame_has_exactly_the_columns_that_the_estimator_reads(catalog: frame.Catalog) -> None:
    assert list(catalog.offers.columns) == OFFER_COLUMNS.split()


def test_a_number_is_float_a_text_is_str_and_a_maybe_is_true_false_or_none(catalog: frame.Catalog) -> None:
    kinds = catalog.offers.dtypes.astype(str)

    assert {kinds[name] for name in ("price_usd_per_hour", "memory_gb", "max_quantity_count", "tdp_w")} == {"float64"}
    assert {kinds[name] for name in ("sku", "accelerator", "price_as_of", "country")} == {"str"}
    assert kinds["in_eu"] == "bool"
    assert set(catalog.offers["prepaid"]) == {True, False}
    assert not catalog.offers.select_dtypes("str").isna().any().any()


def test_eight_h100_in_us_east_1_are_what_the_provider_lists(catalog: frame.Catalog) -> None:
    row = offer(catalog, "aws/us-east-1/p5.48xlarge/on_demand")

    assert row["price_usd_per_hour"] == 55.04
    assert (row["accelerators_count"], row["accelerator"], row["silicon"]) == (8, "h100-sxm-80gb", "merchant")
    assert row["accelerator_memory_gb"] == pytest.approx(80 * GB_PER_GIB)
    assert row["memory_gb"] == pytest.approx(2048 * GB_PER_GIB)
    assert (row["fabric_gbps"], row["bf16_tflops"], row["price_as_of"]) == (3200, 989, "2026-07-20")
    assert (row["country"], row["in_eu"], row["self_serve"]) == ("US", False, "yes")


def test_a_spot_price_far_below_on_demand_stays_and_is_doubted(catalog: frame.Catalog) -> None:
    outlier = offer(catalog, "gcp/europe-north1/a3-highgpu-8g/spot")
    usual = offer(catalog, "gcp/us-central1/a3-highgpu-8g/spot")

    assert outlier["price_usd_per_hour"] == pytest.approx(10.205477)
    assert outlier["price_doubt"] == "10% of on demand in the same region: an outlier, confirm it"
    assert usual["price_doubt"] == ""
    assert set(catalog.offers[catalog.offers["price_doubt"] != ""]["basis"]) == {"spot"}


def test_a_spot_price_is_doubted_by_the_on_demand_price_of_its_own_region_only() -> None:
    rows = [
        ("east", "on_demand", 100.0), ("east", "spot", 14.9), ("west", "on_demand", 20.0), ("west", "spot", 14.9),
        ("north", "spot", 1.0), ("south", "on_demand", float("nan")), ("south", "spot", 1.0),
    ]  # fmt: skip
    offers = pd.DataFrame(rows, columns=["region", "basis", "price_usd_per_hour"]).assign(provider="aws", sku="a")

    assert frame.price_doubt(offers).ne("").tolist() == [False, True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("sku", "accelerators", "network_gbps"),
    [
        ("a3-highgpu-1g", 1, 25),
        ("a3-highgpu-4g", 4, 100),
        ("a2-ultragpu-2g", 2, 32),
        ("g2-standard-48", 4, 50),
        ("g4-standard-12", 0.25, 20),
        ("Standard_NC64as_T4_v3", 4, 32),
    ],
)
def test_the_network_of_small_accelerator_shapes_is_what_the_provider_states(
    catalog: frame.Catalog, sku: str, accelerators: float, network_gbps: float
) -> None:
    row = catalog.offers[catalog.offers["sku"] == sku].iloc[0]

    assert (row["accelerators_count"], row["network_gbps"]) == (accelerators, network_gbps)
    assert pd.isna(row["fabric_gbps"])


def test_a_share_of_an_accelerator_is_told_and_an_unknown_one_stays_unknown(catalog: frame.Catalog) -> None:
    counts = catalog.instances.set_index("sku")["accelerators_count"]

    assert counts["Standard_NC36lds_xl_RTXPRO6000BSE_v6"] == 0.25
    assert counts["Standard_NC72ds_xl_RTXPRO6000BSE_v6"] == 0.5
    assert pd.isna(counts["Standard_NC132ds_xl_RTXPRO6000BSE_v6"])


def test_own_silicon_is_the_providers_own_chip(catalog: frame.Catalog) -> None:
    own = catalog.offers[catalog.offers["silicon"] == "own"]

    assert set(zip(own["provider"], own["accelerator_vendor"], strict=True)) == {
        ("aws", "AWS"), ("gcp", "Google"), ("azure", "Microsoft"),
    }  # fmt: skip


def test_a_cpu_offer_has_no_accelerator_and_no_accelerator_figures(catalog: frame.Catalog) -> None:
    row = offer(catalog, "aws/us-east-1/m8g.16xlarge/on_demand")

    assert (row["accelerator"], row["silicon"], row["accelerators_count"]) == ("", "none", 0)
    assert (row["cpu_family"], row["host_isa"], row["vcpus_count"]) == ("graviton4", "arm64", 64)
    assert math.isnan(row["bf16_tflops"])


def test_trainium3_stands_there_unpriced_with_the_reason(catalog: frame.Catalog) -> None:
    row = offer(catalog, "aws/us-east-1/trn3-gen1-ultraserver/on_demand")

    assert math.isnan(row["price_usd_per_hour"])
    assert "not self-serve" in row["price_reason"]
    assert (row["self_serve"], row["accelerators_count"]) == ("no", 64)


def test_a_price_is_a_number_or_a_reason_never_zero(catalog: frame.Catalog) -> None:
    unpriced = catalog.offers["price_usd_per_hour"].isna()

    assert (catalog.offers.loc[~unpriced, "price_usd_per_hour"] > 0).all()
    assert (catalog.offers.loc[unpriced, "price_reason"] != "").all()
    assert (catalog.offers.loc[~unpriced, "price_reason"] == "").all()


def test_an_undated_price_has_no_date(catalog: frame.Catalog) -> None:
    undated = catalog.offers["price_as_of_basis"] == "undated"

    assert undated.sum() > 0
    assert (catalog.offers.loc[undated, "price_as_of"] == "").all()
    assert (catalog.offers.loc[~undated, "price_as_of"] != "").all()


def test_evidence_resolves_for_every_row_of_every_frame(catalog: frame.Catalog) -> None:
    prefixes = {
        "offers": ("offer:", "offer_id"),
        "model_offers": ("model_offer:", "model_offer_id"),
        "accelerators": ("accelerator:", "id"),
        "instances": ("instance:", "id"),
        "cpu_families": ("cpu_family:", "id"),
        "regions": ("region:", "id"),
        "accelerator_regions": ("accelerator_region:", "id"),
        "architectures": ("architecture:", "id"),
        "networking": ("option:networking/", "id"),
        "storage": ("option:storage/", "id"),
        "orchestration": ("option:orchestration/", "id"),
        "storage_prices": ("storage_price:", "id"),
        "egress": ("egress:", "id"),
        "coupling": ("coupling:", "id"),
        "model_vendors": ("model_vendor:", "id"),
    }
    frames = {
        field.name for field in dataclasses.fields(catalog) if isinstance(getattr(catalog, field.name), pd.DataFrame)
    }
    assert set(prefixes) == frames

    ids = [prefix + id for name, (prefix, column) in prefixes.items() for id in getattr(catalog, name)[column]]
    ids += [f"rule:{row.id}" for row in catalog.rules]
    ids += [f"licence:{row.id}" for row in catalog.licences]
    ids += [f"terms:{row.id}" for row in catalog.terms]
    for id in ids:
        evidence = catalog.evidence(id)
        assert evidence["id"] == id
        assert evidence["label"] and evidence["source"] and evidence["url"] and evidence["locator"] and evidence["kind"]
        assert (evidence["as_of"] == "") == (evidence["as_of_basis"] == "undated")


def test_evidence_names_the_price_and_who_lists_it(catalog: frame.Catalog) -> None:
    evidence = catalog.evidence("offer:aws/us-east-2/trn2.48xlarge/capacity_block")

    assert evidence["value"] == 35.7608
    assert evidence["unit"] == "USD per instance-hour"
    assert evidence["as_of"] == "2026-07-22"


def test_evidence_for_an_unknown_row_raises(catalog: frame.Catalog) -> None:
    with pytest.raises(KeyError):
        catalog.evidence("offer:aws/us-east-1/p9.48xlarge/on_demand")


def test_an_offer_of_the_future_is_not_there_yet(facts: files.Facts) -> None:
    row = facts.offers[0]
    later = row.model_copy(update={"effective_from": MOMENT + dt.timedelta(days=1)})
    changed = files.replace(facts, offers=(later, *facts.offers[1:]))

    today = frame.build(facts=changed, moment=MOMENT, release=1)
    tomorrow = frame.build(facts=changed, moment=MOMENT + dt.timedelta(days=1), release=1)

    assert row.id not in set(today.offers["offer_id"])
    assert row.id in set(tomorrow.offers["offer_id"])
    with pytest.raises(KeyError):
        today.evidence(f"offer:{row.id}")


def test_a_storage_price_per_gibibyte_becomes_one_per_gigabyte(facts: files.Facts) -> None:
    known = next(row for row in facts.storage_prices if row.price_unit == "gib_month" and row.price_usd_per_gb_month)

    table = frame.build(facts=facts, moment=MOMENT, release=1).storage_prices.set_index("id")

    assert table.loc[known.id, "price_usd_per_gb_month"] == pytest.approx(
        float(known.price_usd_per_gb_month or 0) / GB_PER_GIB
    )


def test_a_family_is_listed_with_every_cloud_that_carries_it(catalog: frame.Catalog) -> None:
    clouds = catalog.model_offers.groupby("family")["provider"].agg(lambda names: ";".join(sorted(set(names))))

    stated = catalog.model_offers.drop_duplicates("family").set_index("family")["families_clouds"]

    pd.testing.assert_series_equal(clouds.sort_index(), stated.sort_index(), check_names=False)


def test_an_empty_table_keeps_its_columns_and_dtypes(facts: files.Facts, catalog: frame.Catalog) -> None:
    bare = frame.build(facts=files.replace(facts, egress=(), storage_prices=()), moment=MOMENT, release=1)

    for name in ("egress", "storage_prices"):
        empty, full = getattr(bare, name), getattr(catalog, name)
        assert len(empty) == 0
        assert dict(empty.dtypes) == dict(full.dtypes)


def test_every_record_field_has_a_kind() -> None:
    for record in (records.Accelerator, records.Architecture, records.Coupling, records.StoragePrice):
        kinds = {name: frame.column_kind(record=record, name=name) for name in record.model_fields}
        assert kinds["source_id"] == kinds["observed_at"] == "text"
    assert frame.column_kind(record=records.Accelerator, name="tdp_w") == "number"
    assert frame.column_kind(record=records.Architecture, name="tied_embeddings") == "maybe"


def test_building_takes_less_than_three_tenths_of_a_second(facts: files.Facts) -> None:
    began = time.process_time()
    frame.build(facts=facts, moment=MOMENT, release=1)
    assert time.process_time() - began < 0.3
