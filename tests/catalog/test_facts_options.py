"""Options of the network, storage and orchestration layers, and what storage and leaving cost."""

from collections import defaultdict
from decimal import Decimal
from fnmatch import fnmatchcase

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import files, frame
from estimator.network import egress_cost

PROVIDERS = {"aws", "azure", "gcp"}
PURPOSES = {"ordinary_transfer", "parallel_use", "full_exit", "eu_switch", "inter_region", "cross_zone"}
NAMED = {
    "networking": {
        "aws-efa",
        "aws-ena",
        "aws-neuronlink",
        "aws-ec2-ultracluster",
        "aws-nvlink",
        "azure-infiniband",
        "azure-accelerated-networking",
        "azure-nvlink",
        "gcp-ici",
        "gcp-dcn",
        "gcp-gpudirect-tcpx",
        "gcp-gpudirect-tcpxo",
        "gcp-gpudirect-rdma",
        "gcp-nvlink",
    },
    "storage": {
        "aws-s3",
        "aws-s3-express",
        "aws-fsx-lustre",
        "aws-efs",
        "aws-ebs",
        "azure-blob",
        "azure-managed-lustre",
        "azure-netapp-files",
        "azure-premium-ssd-v2",
        "azure-ultra-disk",
        "gcp-gcs",
        "gcp-hyperdisk",
        "gcp-managed-lustre",
        "gcp-filestore",
    },
    "orchestration": {
        "aws-hyperpod",
        "aws-sagemaker",
        "aws-eks",
        "aws-parallelcluster",
        "aws-pcs",
        "aws-batch",
        "aws-slurm",
        "aws-neuron-nxd",
        "azure-aks",
        "azure-ml",
        "azure-cyclecloud",
        "gcp-gke",
        "gcp-vertex",
        "gcp-xpk",
        "gcp-cluster-toolkit",
        "gcp-maxtext",
        "gcp-pathways",
        *(f"{provider}-{tool}" for provider in PROVIDERS for tool in ("vllm", "ray", "slurm", "nvidia-dynamo")),
    },
}


@pytest.mark.parametrize("layer", NAMED)
def test_the_options_the_issue_names_stand_one_row_a_provider(facts: files.Facts, layer: str) -> None:
    rows = {row.id: row for row in getattr(facts, layer)}

    assert NAMED[layer] - set(rows) == set()
    assert {row.provider for row in rows.values()} == PROVIDERS
    assert {row.id: row.provider for row in rows.values() if not row.id.startswith(row.provider)} == {}


def test_accelerator_globs_of_options_match_chips_of_their_provider(facts: files.Facts) -> None:
    chips = {provider: [row.id for row in facts.accelerators if provider in row.providers] for provider in PROVIDERS}
    for row in facts.networking:
        for glob in row.accelerators:
            assert any(fnmatchcase(chip, glob) for chip in chips[row.provider]), (row.id, glob)
    for option in facts.orchestration:
        assert option.supported_accelerators, option.id
        for glob in option.supported_accelerators:
            assert any(fnmatchcase(chip, glob) for chip in chips[option.provider]), (option.id, glob)


def test_every_self_serve_accelerator_can_be_orchestrated(facts: files.Facts) -> None:
    offered = {
        (row.provider, row.accelerator) for row in facts.instances if row.accelerator and row.self_serve == "yes"
    }
    for provider, chip in sorted(offered):
        found = [
            option.id
            for option in facts.orchestration
            if option.provider == provider and any(fnmatchcase(chip, glob) for glob in option.supported_accelerators)
        ]
        assert found, (provider, chip)


def test_sku_globs_match_a_shape_of_the_provider(facts: files.Facts) -> None:
    missing = {
        (row.id, glob)
        for row in facts.networking
        for glob in row.sku_globs
        if not any(fnmatchcase(shape.sku, glob) for shape in facts.instances if shape.provider == row.provider)
    }

    # CPU and HPC sizes with a fabric are not among the shapes of this catalog.
    assert {glob for _, glob in missing} <= {
        "hpc*",
        "c7gn.*",
        "c8gn.*",
        "Standard_HB*",
        "Standard_HC*",
        "a3-edgegpu-8g",
    }


def test_trainium3_stands_in_no_sagemaker_option_and_maia_in_none(facts: files.Facts) -> None:
    for option in facts.orchestration:
        matches = [
            chip
            for chip in ("trainium3", "maia-100", "maia-200")
            if any(fnmatchcase(chip, glob) for glob in option.supported_accelerators)
        ]
        if option.id in ("aws-sagemaker", "aws-hyperpod"):
            assert matches == []
        assert not {"maia-100", "maia-200"} & set(matches), option.id


def test_orchestrators_state_a_price_or_why_there_is_none(facts: files.Facts) -> None:
    for option in facts.orchestration:
        assert option.price_usd_per_cluster_hour is not None or option.price_reason, option.id
        assert option.price_usd_per_cluster_hour != 0, option.id
        assert option.workload_kinds, option.id
        if option.category == "library":
            assert option.operations_burden == "high", option.id


def test_each_provider_has_an_orchestrator_for_every_kind_of_own_capacity(facts: files.Facts) -> None:
    kinds = ("pretraining", "finetuning", "batch_inference", "online_inference", "cpu_serving")
    for provider in PROVIDERS:
        for kind in kinds:
            found = [
                row.id
                for row in facts.orchestration
                if row.provider == provider and row.category != "library" and kind in row.workload_kinds
            ]
            assert found, (provider, kind)


def test_each_provider_prices_object_block_and_parallel_storage_or_says_why_not(facts: files.Facts) -> None:
    by_category = defaultdict(list)
    for row in facts.storage_prices:
        by_category[row.provider, row.category].append(row)
        assert (row.price_usd_per_gb_month is None) == (row.no_price_reason is not None), row.id
        assert row.id.startswith(f"{row.provider}/{row.region}/{row.option_id}/"), row.id
    for provider in PROVIDERS:
        for category in ("object", "block"):
            assert any(row.price_usd_per_gb_month for row in by_category[provider, category]), (provider, category)
        assert by_category[provider, "parallel_file"]


def test_hand_rounded_prices_are_estimates_of_low_confidence(facts: files.Facts) -> None:
    rounded = [row for row in facts.storage_prices if row.option_id == "azure-managed-lustre"]

    assert rounded
    assert {(row.kind, row.confidence) for row in rounded} == {("estimate", "low")}


@pytest.mark.parametrize(
    ("product", "warmer", "colder"),
    [
        ("S3", "Standard", "Standard-IA"),
        ("Cloud Storage", "Standard", "Nearline"),
        ("Blob Storage", "Hot LRS", "Cool LRS"),
    ],
)
def test_colder_object_tiers_cost_less(facts: files.Facts, product: str, warmer: str, colder: str) -> None:
    prices = {
        (row.tier, row.region): row.price_usd_per_gb_month for row in facts.storage_prices if row.product == product
    }
    both = [region for tier, region in prices if tier == colder]

    assert both
    assert all(prices[warmer, region] > prices[colder, region] for region in both)


def test_egress_has_every_purpose_for_every_provider(facts: files.Facts) -> None:
    assert {(row.provider, row.purpose) for row in facts.egress} == {(p, u) for p in PROVIDERS for u in PURPOSES}
    for row in facts.egress:
        assert (row.price_usd_per_gb is None) == (row.no_price_reason is not None), row.id


def test_free_egress_is_only_what_a_source_calls_free_and_on_conditions(facts: files.Facts) -> None:
    free = {(row.provider, row.purpose) for row in facts.egress if row.price_usd_per_gb == 0}

    assert free == {(p, u) for p in PROVIDERS for u in ("full_exit", "eu_switch")} | {("gcp", "parallel_use")}
    for row in facts.egress:
        if row.price_usd_per_gb == 0:
            assert row.conditions, row.id
        if row.purpose == "eu_switch":
            assert row.effective_from and row.effective_from.isoformat() == "2027-01-12", row.id


def _ladder(catalog: frame.Catalog, provider: str, region: str) -> pd.DataFrame:
    table = catalog.egress
    return table[
        (table["provider"] == provider) & (table["region"] == region) & (table["purpose"] == "ordinary_transfer")
    ]


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_the_first_100_gb_of_a_month_are_free_in_every_region(catalog: frame.Catalog, provider: str) -> None:
    table = catalog.egress
    first = table[(table["provider"] == provider) & (table["purpose"] == "ordinary_transfer") & (table["from_gb"] == 0)]

    assert len(first) >= 1
    assert first["free_gb"].tolist() == [100] * len(first)
    for region in first["region"]:
        assert egress_cost(gb=5, tiers=_ladder(catalog, provider, region)) == 0


LADDERS = [("aws", "us-east-1"), ("aws", "sa-east-1"), ("azure", "eastus"), ("gcp", "us-east1"), ("gcp", "*")]


@pytest.mark.parametrize(("provider", "region"), LADDERS)
def test_egress_tiers_are_marginal(catalog: frame.Catalog, provider: str, region: str) -> None:
    tiers = _ladder(catalog, provider, region)
    edges = [float(edge) for edge in tiers["from_gb"] if edge > 0]

    assert len(tiers) >= 3
    for edge in edges:
        # A cliff would make the GB after an edge cheaper than nothing: the cost must go on from where it was.
        assert egress_cost(gb=edge + 1, tiers=tiers) > egress_cost(gb=edge, tiers=tiers)
        before, at, after = (egress_cost(gb=edge + more, tiers=tiers) for more in (-1, 0, 1))
        assert after - at <= at - before + 1e-9


@settings(max_examples=60)
@given(first=st.floats(0, 1e7), more=st.floats(0, 1e7), place=st.sampled_from(LADDERS))
def test_more_egress_never_costs_less(
    catalog: frame.Catalog, first: float, more: float, place: tuple[str, str]
) -> None:
    tiers = _ladder(catalog, *place)

    assert egress_cost(gb=first + more, tiers=tiers) >= egress_cost(gb=first, tiers=tiers) - 1e-6


def test_a_month_of_egress_worked_by_hand(catalog: frame.Catalog) -> None:
    # 60,000 GB from us-east-1: (10,240 − 100 free) × 0.09 + 40,960 × 0.085 + 8,800 × 0.07
    tiers = _ladder(catalog, "aws", "us-east-1")

    assert egress_cost(gb=60_000, tiers=tiers) == pytest.approx(912.6 + 3481.6 + 616.0)


def test_prices_are_decimal_in_the_records(facts: files.Facts) -> None:
    assert all(isinstance(row.price_usd_per_gb, Decimal) for row in facts.egress if row.price_usd_per_gb is not None)
