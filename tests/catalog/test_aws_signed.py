"""AWS's signed services through boto3, against a peer that checks each signature. Every price is made up."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.utils import timezone

from advisor.management.offer_file import product, reservations, term
from catalog.files import Facts
from catalog.sources import (
    aws_capacity_blocks,
    aws_instance_types,
    aws_offer_file,
    aws_price_list,
    aws_savings_plans,
    aws_session,
    aws_spot,
    pace,
)
from catalog.sources.source import (
    Found,
    NotConfigured,
    Observed,
    Outside,
    Part,
    Shape,
    SourceBusy,
    SourceFailed,
    SourceUnreachable,
)
from tests.catalog.peers.aws import (
    ACCESS_KEY,
    SECRET_KEY,
    Aws,
    aws_running,
    block,
    plan_rate,
    signed_action,
    spot_price,
    without_credentials,
)
from tests.catalog.peers.kept import Kept
from tests.catalog.peers.server import Fault, Peer

H100, A100, TRAINIUM = "p5.48xlarge", "p4d.24xlarge", "trn2.48xlarge"
REGION = "us-east-1"
NOW = timezone.now()
TODAY = NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z")
MODULES = [aws_price_list, aws_spot, aws_savings_plans, aws_capacity_blocks, aws_instance_types]


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    without_credentials(monkeypatch)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def peer(aws: Aws, credentials: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    with aws_running(aws) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield running


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    directory = tmp_path / "kept"
    directory.mkdir()
    return Kept(directory)


def part_of(module: ModuleType, region: str = REGION) -> Part:
    return Part(source="aws", dataset=module.DATASET, region=region)


def rows_of(module: ModuleType, kept: Kept, facts: Facts, region: str = REGION) -> list[Found]:
    """Fetch from the peer, keep, read."""
    part = part_of(module, region)
    module.fetch(part, keep=kept)
    return list(module.read(part, pages=kept.pages, facts=facts))


def prices(rows: list[Found]) -> dict[str, Observed]:
    observed = [row for row in rows if isinstance(row, Observed)]
    assert len({row.key for row in observed}) == len(observed)
    return {row.key.removeprefix("aws/"): row for row in observed}


def outside(rows: list[Found]) -> int:
    return sum(row.count for row in rows if isinstance(row, Outside))


def listed(sku: str, machine: str = H100, *, price: str = "55.04", **attributes: str) -> dict[str, Any]:
    made = product(sku, machine=machine, region=attributes.pop("regionCode", REGION), **attributes)
    terms = {"OnDemand": term(sku, "JRTCKXETXF", ("Hrs", price)), "Reserved": reservations(sku, hour=50.0)}
    return {"product": made, "serviceCode": "AmazonEC2", "terms": terms, "version": "20261101000000"}


def a_type(machine: str, *, classes: tuple[str, ...] = ("on-demand", "spot"), **more: Any) -> dict[str, Any]:
    return {
        "instanceType": machine,
        "supportedUsageClasses": list(classes),
        "vCpuInfo": {"defaultVCpus": 192},
        "memoryInfo": {"sizeInMiB": 2097152},
        **more,
    }


def filled(aws: Aws) -> None:
    """Give every service something to say."""
    aws.products = [listed("A"), listed("B", A100, price="11.0")]
    aws.spot[REGION] = [spot_price(H100, zone="use1-az1", price="20.0", at=TODAY)]
    aws.plan_rates = [plan_rate(H100, region=REGION, usage_type=f"BoxUsage:{H100}", rate="40.1", years=1)]
    aws.instance_types[REGION] = [a_type(H100, classes=("on-demand", "capacity-block"))]
    aws.offerings[REGION] = [block(H100, fee="1000.00", zone="us-east-1a")]


# --- who is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [aws_spot, aws_capacity_blocks, aws_instance_types])
def test_without_credentials_a_signed_source_is_not_configured(module: Any, facts: Facts) -> None:
    with pytest.raises(NotConfigured, match="AWS_ACCESS_KEY_ID"):
        module.parts(facts=facts, regions=None)


def test_with_credentials_the_query_interface_is_asked_in_place_of_the_files(credentials: None, facts: Facts) -> None:
    assert aws_offer_file.parts(facts=facts, regions=[REGION]) == ()
    assert aws_price_list.parts(facts=facts, regions=[REGION]) == [part_of(aws_price_list)]


def test_credentials_of_another_partition_leave_the_public_files(
    credentials: None, monkeypatch: pytest.MonkeyPatch, facts: Facts
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")

    assert aws_price_list.parts(facts=facts, regions=None) == ()
    assert [part.region for part in aws_offer_file.parts(facts=facts, regions=[REGION])] == [REGION]
    assert {part.region for part in aws_spot.parts(facts=facts, regions=None)} == {"us-gov-east-1", "us-gov-west-1"}


def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, facts: Facts) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(NotConfigured, match="nobody"):
        aws_spot.parts(facts=facts, regions=None)


def test_a_containers_role_counts_without_being_asked(
    monkeypatch: pytest.MonkeyPatch, settings: Any, facts: Facts
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/credentials")
    settings.AWS_CONTAINER_ROLE = True

    assert aws_spot.parts(facts=facts, regions=[REGION]) == [part_of(aws_spot)]


def test_blocks_are_asked_where_the_catalog_knows_them_and_zones_under_their_region(
    credentials: None, facts: Facts
) -> None:
    every = [part.region for part in aws_capacity_blocks.parts(facts=facts, regions=None)]
    zone = [part.region for part in aws_capacity_blocks.parts(facts=facts, regions=["us-east-1-dfw-2a"])]

    assert "us-east-1" in every
    assert not {"us-east-1-dfw-2a", "af-south-1", "us-gov-east-1"} & set(every)
    assert zone == ["us-east-1"]


@pytest.mark.parametrize("module", MODULES)
def test_every_request_is_signed_with_the_secret(module: Any, aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    filled(aws)

    assert rows_of(module, kept, facts)
    assert aws.actions


@pytest.mark.parametrize("module", MODULES)
def test_a_wrong_secret_is_refused_and_told(
    module: Any, aws: Aws, peer: Peer, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(aws)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")

    with pytest.raises(SourceFailed, match="SignatureDoesNotMatch"):
        module.fetch(part_of(module), keep=kept)
    assert kept.pages == []
    assert aws.actions == []


@pytest.mark.parametrize("module", MODULES)
def test_no_key_stands_in_an_address_that_is_kept(module: Any, aws: Aws, peer: Peer, kept: Kept) -> None:
    filled(aws)

    module.fetch(part_of(module), keep=kept)

    assert kept.pages
    for page in kept.pages:
        assert page.url.startswith(peer.url)
        assert ACCESS_KEY not in page.url
        assert b"ResponseMetadata" not in page.path.read_bytes()


# --- the price list --------------------------------------------------------------------------------------------------


def test_the_price_list_gives_hours_and_reservations(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.products = [
        listed("A"),
        listed("B", A100, price="11.0"),
        listed("C", price="0.0", marketoption="CapacityBlock"),
        listed("D", "x1.32xlarge"),
        listed("E", price="1.0", regionCode="us-west-2"),
    ]

    rows = rows_of(aws_price_list, kept, facts)

    assert {key: row.amount for key, row in prices(rows).items()} == {
        f"{REGION}/{H100}/on_demand": Decimal("55.04"),
        f"{REGION}/{H100}/commitment_1y": Decimal("30"),
        f"{REGION}/{H100}/commitment_3y": Decimal("20"),
        f"{REGION}/{A100}/on_demand": Decimal("11"),
        f"{REGION}/{A100}/commitment_1y": Decimal("30"),
        f"{REGION}/{A100}/commitment_3y": Decimal("20"),
    }
    assert outside(rows) == 1


def test_a_price_list_that_ignores_the_filters_does_not_make_machines_free(
    aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    aws.products = [listed("A"), listed("C", price="0.0", marketoption="CapacityBlock")]
    aws.ignores_filters = True

    rows = rows_of(aws_price_list, kept, facts)

    assert prices(rows)[f"{REGION}/{H100}/on_demand"].amount == Decimal("55.04")


def test_all_pages_of_the_price_list_are_read(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    machines = sorted({one.sku for one in facts.instances if one.provider == "aws"})[:7]
    aws.products, aws.page_size = [listed(f"S{sku}", sku) for sku in machines], 3

    rows = prices(rows_of(aws_price_list, kept, facts))

    assert len(kept.pages) == 3
    assert {key for key in rows if key.endswith("/on_demand")} == {f"{REGION}/{sku}/on_demand" for sku in machines}


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        ({"product": {}}, "no on-demand term"),
        ({"product": None}, "without product"),
        ({"terms": None}, "without terms"),
        ({"terms": {}}, "no on-demand term"),
        ({"terms": {"OnDemand": {"A.B": {"rates": []}}}}, "no priceDimensions"),
    ],
)
def test_a_price_list_of_another_shape_fails(
    spoilt: Mapping[str, Any], told: str, peer: Peer, kept: Kept, facts: Facts
) -> None:
    page = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(listed("A") | spoilt)]}
    peer.always = Fault(status=200, body=json.dumps(page).encode())

    with pytest.raises(SourceFailed, match=told):
        rows_of(aws_price_list, kept, facts)


# --- spot ------------------------------------------------------------------------------------------------------------


def test_the_spot_price_is_the_median_over_zones_told_by_their_ids(
    aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    aws.spot[REGION] = [
        spot_price(H100, zone="use1-az6", price="30.000000", at=TODAY),
        spot_price(H100, zone="use1-az4", price="20.500000", at=TODAY),
        spot_price(H100, zone="use1-az2", price="21.000000", at=TODAY),
        spot_price("x1.32xlarge", zone="use1-az2", price="3.0", at=TODAY),
    ]

    rows = rows_of(aws_spot, kept, facts)

    row = prices(rows)[f"{REGION}/{H100}/spot"]
    assert row.amount == Decimal("21")
    assert row.note == "median of 3 zones: lowest 20.5 in use1-az4, highest 30 in use1-az6"
    assert row.effective_from == NOW.date()
    assert outside(rows) == 1


def test_an_even_number_of_zones_meets_in_the_middle_exactly(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.spot[REGION] = [
        spot_price(H100, zone="use1-az1", price="20.100001", at=TODAY),
        spot_price(H100, zone="use1-az2", price="20.100004", at=TODAY),
    ]

    assert prices(rows_of(aws_spot, kept, facts))[f"{REGION}/{H100}/spot"].amount == Decimal("20.1000025")


def test_the_newest_price_of_a_zone_counts(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.spot[REGION] = [
        spot_price(H100, zone="use1-az1", price="20.0", at=TODAY),
        spot_price(H100, zone="use1-az1", price="90.0", at=f"{NOW - dt.timedelta(days=1):%Y-%m-%dT%H:%M:%S.000Z}"),
    ]

    row = prices(rows_of(aws_spot, kept, facts))[f"{REGION}/{H100}/spot"]

    assert (row.amount, row.note) == (Decimal("20.0"), "one zone, use1-az1")


def test_a_history_that_starts_now_asks_for_linux_only(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.spot[REGION] = [
        spot_price(H100, zone="use1-az1", price="20.0", at=TODAY),
        spot_price(H100, zone="use1-az2", price="60.0", at=TODAY, product="Windows"),
    ]

    row = prices(rows_of(aws_spot, kept, facts))[f"{REGION}/{H100}/spot"]

    asked = peer.asked[0].body.decode()
    assert "ProductDescription.1=Linux%2FUNIX" in asked
    assert f"StartTime={NOW.year}" in asked
    assert row.amount == Decimal("20.0")


def test_a_price_older_than_the_history_is_stale(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    old = f"{NOW - dt.timedelta(days=91):%Y-%m-%dT%H:%M:%S.000Z}"
    aws.spot[REGION] = [
        spot_price(H100, zone="use1-az1", price="1.0", at=old),
        spot_price(A100, zone="use1-az1", price="1.0", at=old),
        spot_price(A100, zone="use1-az2", price="7.0", at=TODAY),
    ]

    rows = prices(rows_of(aws_spot, kept, facts))

    assert rows[f"{REGION}/{H100}/spot"].amount is None
    assert rows[f"{REGION}/{H100}/spot"].problem.startswith("stale: of ")
    assert rows[f"{REGION}/{A100}/spot"].amount == Decimal("7.0")
    assert "1 with a price older than 90 days left out" in rows[f"{REGION}/{A100}/spot"].note


def test_a_spot_price_of_zero_is_a_problem(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.spot[REGION] = [
        spot_price(H100, zone="use1-az1", price="0.000000", at=TODAY),
        spot_price(H100, zone="use1-az2", price="20.0", at=TODAY),
    ]

    row = prices(rows_of(aws_spot, kept, facts))[f"{REGION}/{H100}/spot"]

    assert (row.amount, row.problem) == (None, "the price is zero in zone use1-az1")


@pytest.mark.parametrize("module", [aws_spot, aws_capacity_blocks, aws_instance_types])
def test_a_region_that_is_not_enabled_is_told_as_such(module: Any, aws: Aws, peer: Peer, kept: Kept) -> None:
    aws.disabled = {"ap-east-1"}

    with pytest.raises(NotConfigured, match=r"ap-east-1: AuthFailure: the region is not enabled for this account"):
        module.fetch(part_of(module, "ap-east-1"), keep=kept)


def test_refused_credentials_in_a_region_that_is_always_enabled_are_a_failure(aws: Aws, peer: Peer, kept: Kept) -> None:
    aws.disabled = {REGION}

    with pytest.raises(SourceFailed, match="AuthFailure"):
        aws_spot.fetch(part_of(aws_spot), keep=kept)


# --- savings plans ---------------------------------------------------------------------------------------------------


def test_plans_of_one_and_three_years_are_read_to_the_last_page(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.page_size = 2
    usage = f"BoxUsage:{H100}"
    aws.plan_rates = [
        plan_rate(H100, region=REGION, usage_type=usage, rate="40.1", years=1),
        plan_rate(H100, region=REGION, usage_type=usage, rate="30.2", years=3),
        plan_rate(A100, region=REGION, usage_type=f"BoxUsage:{A100}", rate="9.5", years=1),
        plan_rate(H100, region=REGION, usage_type=f"DedicatedUsage:{H100}", rate="1.0", years=1),
        plan_rate(H100, region=REGION, usage_type=usage, rate="1.0", years=1, plan={"paymentOption": "All Upfront"}),
        plan_rate(H100, region=REGION, usage_type=usage, rate="1.0", years=1, plan={"planType": "EC2Instance"}),
        plan_rate(H100, region=REGION, usage_type=usage, rate="1.0", years=1, operation="RunInstances:0002"),
        plan_rate("x1.32xlarge", region=REGION, usage_type="BoxUsage:x1.32xlarge", rate="2.0", years=1),
        plan_rate(H100, region="us-west-2", usage_type=f"USW2-{usage}", rate="2.0", years=1),
    ]

    rows = rows_of(aws_savings_plans, kept, facts)

    assert {key: row.amount for key, row in prices(rows).items()} == {
        f"{REGION}/{H100}/savings_plan_1y": Decimal("40.1"),
        f"{REGION}/{H100}/savings_plan_3y": Decimal("30.2"),
        f"{REGION}/{A100}/savings_plan_1y": Decimal("9.5"),
    }
    assert outside(rows) == 1
    assert len(kept.pages) == 4  # the last one's token is an empty text


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        ({"rate": "0"}, "the price is zero"),
        ({"unit": "Request"}, "unknown unit 'Request'"),
        ({"plan": {"currency": "CNY"}}, "the currency is CNY, not USD"),
    ],
)
def test_a_plan_rate_that_cannot_be_taken_is_a_problem(
    spoilt: dict[str, Any], problem: str, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    told = {"region": REGION, "usage_type": f"BoxUsage:{H100}", "rate": "40.1", "years": 1} | spoilt
    aws.plan_rates = [plan_rate(H100, **told)]

    row = prices(rows_of(aws_savings_plans, kept, facts))[f"{REGION}/{H100}/savings_plan_1y"]

    assert (row.amount, row.problem) == (None, problem)


# --- capacity blocks -------------------------------------------------------------------------------------------------


def test_the_cheapest_block_of_each_machine_becomes_its_hour(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.instance_types[REGION] = [
        a_type(H100, classes=("on-demand", "capacity-block")),
        a_type(TRAINIUM, classes=("capacity-block",)),
        a_type("m7i.large"),
    ]
    aws.offerings[REGION] = [
        block(H100, fee="1200.00", zone="us-east-1a"),
        block(H100, fee="1000.00", zone="us-east-1b"),
        block(H100, fee="1100.00", zone="us-east-1-atl-2a"),
        block(TRAINIUM, fee="2400.00", zone="us-east-1b", hours=48, count=2),
    ]

    rows = prices(rows_of(aws_capacity_blocks, kept, facts))

    assert {key: row.amount for key, row in rows.items()} == {
        f"{REGION}/{H100}/capacity_block": Decimal("41.666666667"),
        f"us-east-1-atl-2a/{H100}/capacity_block": Decimal("45.833333333"),
        f"{REGION}/{TRAINIUM}/capacity_block": Decimal("25"),
    }
    assert (
        rows[f"{REGION}/{H100}/capacity_block"].note == "cheapest block of 24 h on offer: from 2026-12-01 in us-east-1b"
    )
    assert [action for action, _ in aws.actions] == ["DescribeInstanceTypes", *["DescribeCapacityBlockOfferings"] * 2]


def test_an_ultraserver_is_asked_by_its_own_name(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.instance_types[REGION] = [a_type("p6e-gb200.36xlarge", classes=("capacity-block",))]
    aws.offerings[REGION] = [
        block(
            "p6e-gb200.36xlarge", fee="12000.00", count=9, zone="us-east-1-dfw-2a",
            ultraserverType="u-p6e-gb200x36", ultraserverCount=1,
        )
    ]  # fmt: skip

    rows = prices(rows_of(aws_capacity_blocks, kept, facts))

    assert rows["us-east-1-dfw-2a/u-p6e-gb200x36/capacity_block"].amount == Decimal("500")


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        ({"fee": "0.00"}, "the price is zero"),
        ({"currencyCode": "EUR"}, "the currency is EUR, not USD"),
        ({"hours": 0}, "unknown unit '1 for 0 h'"),
    ],
)
def test_a_block_that_cannot_be_taken_is_a_problem(
    spoilt: dict[str, Any], problem: str, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    filled(aws)
    aws.offerings[REGION] = [
        block(H100, fee="1000.00", zone="us-east-1a"),
        block(H100, **({"fee": "900.00", "zone": "us-east-1a"} | spoilt)),
    ]

    row = prices(rows_of(aws_capacity_blocks, kept, facts))[f"{REGION}/{H100}/capacity_block"]

    assert (row.amount, row.problem) == (None, problem)


# --- shapes ----------------------------------------------------------------------------------------------------------


def shapes(rows: list[Found]) -> dict[str, Shape]:
    return {row.sku: row for row in rows if isinstance(row, Shape)}


def gpu(name: str, count: int, mib: int, **more: Any) -> dict[str, Any]:
    device = {"name": name, "manufacturer": "NVIDIA", "count": count, "memoryInfo": {"sizeInMiB": mib}, **more}
    return {"gpuInfo": {"gpus": [device]}}


def test_a_machine_is_described_in_the_catalogs_units(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.instance_types[REGION] = [
        a_type(H100, **gpu("H100", 8, 81920, logicalGpuCount=8, gpuPartitionSize=1.0)),
        a_type("m7i.large"),
        a_type("x1.32xlarge"),
    ]

    rows = rows_of(aws_instance_types, kept, facts)

    assert shapes(rows)[H100] == Shape(
        provider="aws",
        sku=H100,
        vcpus_count=192,
        memory_gib=2048,
        accelerators_count=8,
        accelerator_memory_gib=80,
        locator=H100,
    )
    assert shapes(rows)["m7i.large"].accelerators_count is None
    assert outside(rows) == 1


def test_a_slice_of_a_gpu_counts_as_its_part(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.instance_types[REGION] = [a_type("g6f.xlarge", **gpu("L4", 0, 2861, logicalGpuCount=1, gpuPartitionSize=0.125))]

    shape = shapes(rows_of(aws_instance_types, kept, facts))["g6f.xlarge"]

    assert (shape.accelerators_count, shape.accelerator_memory_gib) == (0.125, None)


def test_memory_that_ec2_is_known_to_misstate_is_not_told(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.instance_types[REGION] = [a_type("g6.xlarge", **gpu("L4", 1, 22888))]

    shape = shapes(rows_of(aws_instance_types, kept, facts))["g6.xlarge"]

    assert (shape.accelerators_count, shape.accelerator_memory_gib) == (1, None)


def test_inferentia_is_not_counted_twice(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    device = {"count": 12, "name": "Inferentia2", "memoryInfo": {"sizeInMiB": 32768}}
    aws.instance_types[REGION] = [
        a_type(
            "inf2.48xlarge",
            neuronInfo={"neuronDevices": [device]},
            inferenceAcceleratorInfo={"accelerators": [device]},
        )
    ]

    shape = shapes(rows_of(aws_instance_types, kept, facts))["inf2.48xlarge"]

    assert (shape.accelerators_count, shape.accelerator_memory_gib) == (12, 32)


# --- what goes wrong -------------------------------------------------------------------------------------------------

ACTIONS = {
    aws_price_list: "GetProducts",
    aws_spot: "DescribeSpotPriceHistory",
    aws_savings_plans: "DescribeSavingsPlansOfferingRates",
    aws_capacity_blocks: "DescribeInstanceTypes",
    aws_instance_types: "DescribeInstanceTypes",
}
THROTTLED = {
    aws_price_list: (400, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'),
    aws_spot: (503, b"<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"),
    aws_savings_plans: (429, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'),
}


@pytest.mark.parametrize("module", list(THROTTLED))
def test_a_throttled_call_is_made_again_and_succeeds(
    module: Any, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    filled(aws)
    status, body = THROTTLED[module]
    peer.faults.append(Fault(status=status, body=body, on=signed_action(ACTIONS[module])))

    assert prices(rows_of(module, kept, facts))
    assert len(peer.asked) == 2


def test_a_service_that_throttles_on_is_busy(aws: Aws, peer: Peer, kept: Kept) -> None:
    status, body = THROTTLED[aws_price_list]
    peer.always = Fault(status=status, body=body)

    with pytest.raises(SourceBusy, match="ThrottlingException after several tries"):
        aws_price_list.fetch(part_of(aws_price_list), keep=kept)
    assert len(peer.asked) == 4
    assert kept.pages == []


def test_every_request_waits_for_its_turn_retries_too(
    aws: Aws, peer: Peer, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pace.PACES, "aws-ec2", "1 per hour")  # type: ignore[arg-type]
    monkeypatch.setattr(pace, "LONGEST_WAIT_S", 0.1)
    pace._limiter.cache_clear()
    filled(aws)
    peer.faults.append(Fault(status=503, body=THROTTLED[aws_spot][1]))

    with pytest.raises(SourceBusy, match="no turn"):
        aws_spot.fetch(part_of(aws_spot), keep=kept)
    assert len(peer.asked) == 1


def test_a_service_that_stumbles_is_busy(aws: Aws, peer: Peer, kept: Kept) -> None:
    peer.always = Fault(status=500, body=b"<html>Internal Server Error</html>")

    with pytest.raises(SourceBusy, match="500"):
        aws_spot.fetch(part_of(aws_spot), keep=kept)


def test_a_cut_answer_is_asked_again(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    filled(aws)
    peer.faults.append(Fault(cut_after=40))

    assert prices(rows_of(aws_price_list, kept, facts))


def test_a_page_of_something_in_between_is_asked_again_later(peer: Peer, kept: Kept) -> None:
    peer.always = Fault(status=503, body=b"upstream connect error")

    with pytest.raises(SourceBusy, match="Unable to parse response"):
        aws_spot.fetch(part_of(aws_spot), keep=kept)


def test_a_right_that_is_missing_is_named(aws: Aws, peer: Peer, kept: Kept) -> None:
    peer.always = Fault(
        status=403,
        body=b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform "
        b"this operation.</Message></Error></Errors></Response>",
    )

    with pytest.raises(SourceFailed, match="DescribeSpotPriceHistory in us-east-1: UnauthorizedOperation: You are not"):
        aws_spot.fetch(part_of(aws_spot), keep=kept)
    assert len(peer.asked) == 1


def test_an_answer_that_is_no_json_fails(peer: Peer, kept: Kept, facts: Facts) -> None:
    peer.always = Fault(status=200, body=b"<html>We'll be right back</html>")

    with pytest.raises(SourceFailed, match="no list PriceList"):
        rows_of(aws_price_list, kept, facts)


def test_nobody_at_the_address_is_told_as_such(credentials: None, monkeypatch: pytest.MonkeyPatch, kept: Kept) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(SourceUnreachable, match="DescribeSpotPriceHistory"):
        aws_spot.fetch(part_of(aws_spot), keep=kept)


def test_an_answer_that_drips_ends_at_its_deadline(
    aws: Aws, peer: Peer, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(aws)
    monkeypatch.setattr(aws_session, "CALL_WITHIN_S", 1.0)
    peer.always = Fault(drip_s=0.05)

    with pytest.raises(SourceBusy, match="no whole answer within 1 s"):
        aws_price_list.fetch(part_of(aws_price_list), keep=kept)


@pytest.mark.parametrize("module", MODULES)
def test_a_page_token_that_comes_again_ends_the_fetch(module: Any, aws: Aws, peer: Peer, kept: Kept) -> None:
    filled(aws)
    aws.repeats_tokens = True

    with pytest.raises(SourceFailed, match="sends a page token again"):
        module.fetch(part_of(module), keep=kept)
    assert len(peer.asked) == 2


def test_pages_without_end_are_given_up(aws: Aws, peer: Peer, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.products, aws.page_size = [listed(f"S{number}") for number in range(5)], 1
    monkeypatch.setattr(aws_session, "PAGES_MAX", 3)

    with pytest.raises(SourceFailed, match="more than 3 pages"):
        aws_price_list.fetch(part_of(aws_price_list), keep=kept)


@pytest.mark.parametrize("module", MODULES)
def test_an_empty_answer_is_a_failure_not_an_absence_of_prices(
    module: Any, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    with pytest.raises(SourceFailed, match="without a single row"):
        rows_of(module, kept, facts)


@pytest.mark.parametrize("module", MODULES)
def test_an_answer_about_machines_we_do_not_know_is_a_failure(
    module: Any, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    other = "x1.32xlarge"
    aws.products = [listed("A", other)]
    aws.spot[REGION] = [spot_price(other, zone="use1-az1", price="20.0", at=TODAY)]
    aws.plan_rates = [plan_rate(other, region=REGION, usage_type=f"BoxUsage:{other}", rate="40.1", years=1)]
    aws.instance_types[REGION] = [a_type(other, classes=("on-demand", "capacity-block"))]
    aws.offerings[REGION] = [block(other, fee="1000.00", zone="us-east-1a")]

    with pytest.raises(SourceFailed, match="we know"):
        rows_of(module, kept, facts)


def test_an_empty_page_in_the_middle_is_no_end(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    filled(aws)
    empty = (
        b'<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>'
        b"<spotPriceHistorySet/><nextToken>0</nextToken></DescribeSpotPriceHistoryResponse>"
    )
    peer.faults.append(Fault(status=200, body=empty))

    assert prices(rows_of(aws_spot, kept, facts))[f"{REGION}/{H100}/spot"].amount == Decimal("20.0")
    assert len(kept.pages) == 2


@pytest.mark.parametrize("module", MODULES)
def test_kept_pages_of_another_shape_fail(module: Any, kept: Kept, facts: Facts) -> None:
    url = "https://aws/DescribeCapacityBlockOfferings?#page=1"
    lists = ("PriceList", "SpotPriceHistory", "searchResults", "CapacityBlockOfferings", "InstanceTypes")
    bodies = [json.dumps(dict.fromkeys(lists, rows)).encode() for rows in ([1], [{}], [None], {})]
    for body in (b'{"Items": []}', b"[]", b"not JSON", *bodies):
        page = kept(url=url, pieces=[body], version=NOW.isoformat())
        with pytest.raises(SourceFailed):
            list(module.read(part_of(module), pages=[page], facts=facts))
