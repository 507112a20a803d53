"""AWS's public price files: fetched from a peer over real sockets, kept, read. Every price is made up."""

import dataclasses
import datetime as dt
import json
import os
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from advisor.management import stopwatch
from advisor.management.offer_file import product, reservations, term, write_offer_file
from catalog.files import Facts
from catalog.sources import aws_offer_file, aws_price_list, aws_savings_plans, aws_terms
from catalog.sources.source import Observed, Outside, Part, SourceBusy, SourceFailed, SourceUnreachable
from tests.catalog.peers.aws import OFFERS_INDEX, PLANS_INDEX, Aws, aws_running, without_credentials
from tests.catalog.peers.kept import Kept
from tests.catalog.peers.server import Fault, Peer

FILE = "/offers/v1.0/aws/AmazonEC2/20261101000000/us-east-1/index.json"
PLANS = "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20261102000000/us-east-1/index.json"
PART = Part(source="aws", dataset="aws-ec2-offer-file", region="us-east-1")
PLANS_PART = Part(source="aws", dataset="aws-savings-plans", region="us-east-1")
H100, A100 = "p5.48xlarge", "p4d.24xlarge"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    without_credentials(monkeypatch)


@pytest.fixture
def aws() -> Aws:
    index = {"regions": {"us-east-1": {"regionCode": "us-east-1", "currentVersionUrl": FILE}}}
    plans = {"regions": [{"regionCode": "us-east-1", "versionUrl": PLANS}]}
    return Aws(files={OFFERS_INDEX: json.dumps(index).encode(), PLANS_INDEX: json.dumps(plans).encode()})


@pytest.fixture
def peer(aws: Aws, settings: Any) -> Iterator[Peer]:
    with aws_running(aws) as running:
        settings.AWS_BULK_PRICING_URL = running.url
        yield running


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    directory = tmp_path / "kept"
    directory.mkdir()
    return Kept(directory)


def offers(*entries: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> bytes:
    """Return an offer file of products, each with its on-demand and reserved terms."""
    return json.dumps(
        {
            "formatVersion": "v1.0",
            "offerCode": "AmazonEC2",
            "products": {made["sku"]: made for made, _, _ in entries},
            "terms": {
                "OnDemand": {made["sku"]: hour for made, hour, _ in entries if hour},
                "Reserved": {made["sku"]: leases for made, _, leases in entries if leases},
            },
        }
    ).encode()


def a_machine(sku: str, machine: str = H100, *, price: str = "55.0400000000", **attributes: str) -> Any:
    made = product(sku, machine=machine, region="us-east-1", **attributes)
    return made, term(sku, "JRTCKXETXF", ("Hrs", price)), {}


def found(aws: Aws, kept: Kept, facts: Facts, *entries: Any) -> dict[str, Observed]:
    """Serve, fetch, keep and read an offer file of these products."""
    aws.files[FILE] = offers(*entries)
    aws_offer_file.fetch(PART, keep=kept)
    rows = list(aws_offer_file.read(PART, pages=kept.pages, facts=facts))
    observed = [row for row in rows if isinstance(row, Observed)]
    assert len({row.key for row in observed}) == len(observed)
    return {row.key.removeprefix("aws/us-east-1/"): row for row in observed}


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_without_credentials_every_open_region_of_the_catalog_is_a_file(facts: Facts) -> None:
    regions = [part.region for part in aws_offer_file.parts(facts=facts, regions=None)]

    assert {"us-east-1", "eu-central-1", "us-gov-west-1"} <= set(regions)
    assert not {"cn-north-1", "me-west-1", "us-east-1-atl-2a"} & set(regions)  # China's own, announced, a Local Zone
    assert aws_price_list.parts(facts=facts, regions=None) == ()


def test_only_the_regions_asked_for_are_read(facts: Facts) -> None:
    parts = aws_offer_file.parts(facts=facts, regions=["eu-west-1", "westeurope"])

    assert parts == [Part(source="aws", dataset="aws-ec2-offer-file", region="eu-west-1")]


def test_the_version_of_a_file_stands_in_its_address(aws: Aws, peer: Peer, kept: Kept) -> None:
    aws.files[FILE] = offers(a_machine("A"))

    aws_offer_file.fetch(PART, keep=kept)

    assert [page.url for page in kept.pages] == [peer.url + OFFERS_INDEX, peer.url + FILE]
    assert kept.pages[1].version == "20261101000000"
    assert kept.pages[1].path.read_bytes() == aws.files[FILE]


# --- what is read ----------------------------------------------------------------------------------------------------


def test_a_plain_linux_hour_becomes_the_on_demand_price(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    rows = found(aws, kept, facts, a_machine("A"))

    assert rows == {
        f"{H100}/on_demand": Observed(
            subject="offer",
            key=f"aws/us-east-1/{H100}/on_demand",
            meter="price_usd_per_hour",
            amount=Decimal("55.04"),
            locator="A.JRTCKXETXF",
            stated="55.0400000000 USD per Hrs",
            effective_from=dt.date(2026, 11, 1),
        )
    }


def test_the_capacity_block_row_at_zero_dollars_is_no_price_of_the_machine(
    aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    trap = a_machine("B", price="0.0000000000", marketoption="CapacityBlock", operation="RunInstances:CB")

    rows = found(aws, kept, facts, a_machine("A"), trap)

    assert rows[f"{H100}/on_demand"].amount == Decimal("55.04")


@pytest.mark.parametrize(
    "attributes",
    [
        {"operatingSystem": "Windows"},
        {"tenancy": "Dedicated"},
        {"tenancy": "Host"},
        {"capacitystatus": "UnusedCapacityReservation"},
        {"capacitystatus": "AllocatedCapacityReservation"},
        {"preInstalledSw": "SQL Std"},
        {"licenseModel": "Bring your own license"},
        {"locationType": "AWS Local Zone"},
        {"locationType": "AWS Outposts"},
        {"regionCode": "us-east-1-nyc-1"},
    ],
)
def test_another_product_on_the_same_machine_is_left_out(
    attributes: dict[str, str], aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    rows = found(aws, kept, facts, a_machine("A", price="99.0", **attributes), a_machine("B"))

    assert [row.amount for row in rows.values()] == [Decimal("55.04")]
    assert rows[f"{H100}/on_demand"].problem == ""


def test_a_reservation_without_upfront_payment_is_preferred(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    made, hour, _ = a_machine("A")

    rows = found(aws, kept, facts, (made, hour, reservations("A", hour=50.0)))

    one, three = rows[f"{H100}/commitment_1y"], rows[f"{H100}/commitment_3y"]
    assert (one.amount, three.amount) == (Decimal("30"), Decimal("20"))
    assert one.note == three.note == "standard reserved instance, No Upfront"


@pytest.mark.parametrize(("lease", "hours", "basis"), [("1yr", 8760, "commitment_1y"), ("3yr", 26280, "commitment_3y")])
def test_an_upfront_fee_is_spread_over_its_term(
    lease: str, hours: int, basis: str, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    made, hour, _ = a_machine("A")
    leases = term(
        "A", "PART", ("Quantity", str(10 * hours)), ("Hrs", "12.5000000000"),
        LeaseContractLength=lease, OfferingClass="standard", PurchaseOption="Partial Upfront",
    ) | term(
        "A", "FULL", ("Quantity", str(20 * hours)), ("Hrs", "0.0000000000"),
        LeaseContractLength=lease, OfferingClass="standard", PurchaseOption="All Upfront",
    )  # fmt: skip

    rows = found(aws, kept, facts, (made, hour, leases))

    assert rows[f"{H100}/{basis}"].amount == Decimal("22.5")
    assert rows[f"{H100}/{basis}"].note == "standard reserved instance, Partial Upfront"


def test_a_reservation_paid_all_upfront_has_an_hourly_rate_of_zero_and_still_a_price(
    aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    made, hour, _ = a_machine("A")
    leases = term(
        "A", "FULL", ("Quantity", "100000"), ("Hrs", "0.0000000000"),
        LeaseContractLength="1yr", OfferingClass="standard", PurchaseOption="All Upfront",
    )  # fmt: skip

    rows = found(aws, kept, facts, (made, hour, leases))

    assert rows[f"{H100}/commitment_1y"].amount == Decimal("11.415525114")  # 100000 / 8760, to what is stored


def test_convertible_reservations_are_not_the_commitment(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    made, hour, _ = a_machine("A")
    leases = term(
        "A", "CONV", ("Hrs", "33.0"),
        LeaseContractLength="1yr", OfferingClass="convertible", PurchaseOption="No Upfront",
    )  # fmt: skip

    assert set(found(aws, kept, facts, (made, hour, leases))) == {f"{H100}/on_demand"}


@pytest.mark.parametrize(
    ("hour", "problem", "stated"),
    [
        (("Hrs", "0.0000000000"), "the price is zero", "0.0000000000 USD per Hrs"),
        (("Quantity", "55.04"), "unknown unit 'Quantity'", "55.04 USD per Quantity"),
        (("GB-Mo", "55.04"), "unknown unit 'GB-Mo'", "55.04 USD per GB-Mo"),
        (("Hrs", "-1"), "'-1' is no price", "-1 USD per Hrs"),
        (("Hrs", "NaN"), "'NaN' is no price", "NaN USD per Hrs"),
        (("Hrs", "ask us"), "'ask us' is no price", "ask us USD per Hrs"),
    ],
)
def test_a_price_that_cannot_be_taken_is_a_problem_not_a_gap(
    hour: tuple[str, str], problem: str, stated: str, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    made, _, _ = a_machine("A")

    row = found(aws, kept, facts, (made, term("A", "JRTCKXETXF", hour), {}))[f"{H100}/on_demand"]

    assert (row.amount, row.problem, row.stated) == (None, problem, stated)


def test_a_price_in_yuan_is_a_problem(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    made, _, _ = a_machine("A")

    rows = found(aws, kept, facts, (made, term("A", "JRTCKXETXF", ("Hrs", "400.0"), currency="CNY"), {}))

    assert rows[f"{H100}/on_demand"].amount is None
    assert rows[f"{H100}/on_demand"].problem == "the currency is CNY, not USD"


def test_two_prices_for_one_offer_are_a_problem_never_a_choice(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    rows = found(aws, kept, facts, a_machine("A"), a_machine("B", price="44.0"), a_machine("C", A100, price="1.0"))

    assert rows[f"{H100}/on_demand"].amount is None
    assert rows[f"{H100}/on_demand"].problem == "2 different prices are stated for it"
    assert "44.0 USD per Hrs (B.JRTCKXETXF)" in rows[f"{H100}/on_demand"].stated
    assert rows[f"{A100}/on_demand"].amount == Decimal("1.0")


def test_the_same_price_stated_twice_is_one(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    rows = found(aws, kept, facts, a_machine("A"), a_machine("B", price="55.04"))

    assert rows[f"{H100}/on_demand"].amount == Decimal("55.04")


def test_two_hourly_rates_in_one_term_are_a_problem(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    made, _, _ = a_machine("A")

    rows = found(aws, kept, facts, (made, term("A", "JRTCKXETXF", ("Hrs", "5.0"), ("Hrs", "4.0")), {}))

    assert rows[f"{H100}/on_demand"].problem == "several hourly rates in one term"


def test_machines_the_catalog_does_not_hold_are_counted(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.files[FILE] = offers(a_machine("A"), a_machine("B", "x1.32xlarge"), a_machine("C", "t2.nano"))
    aws_offer_file.fetch(PART, keep=kept)

    rows = list(aws_offer_file.read(PART, pages=kept.pages, facts=facts))

    assert [row.count for row in rows if isinstance(row, Outside)] == [2]


def test_the_same_pages_give_the_same_rows(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.files[FILE] = offers(a_machine("A"), a_machine("B", A100, price="11.0"))
    aws_offer_file.fetch(PART, keep=kept)

    first, second = (list(aws_offer_file.read(PART, pages=kept.pages, facts=facts)) for _ in range(2))

    assert first == second


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file: file | {"products": {}}, "none of 0 products"),
        (lambda file: {name: value for name, value in file.items() if name != "products"}, "none of 0 products"),
        (lambda file: file | {"products": {"A": {"sku": "A", "traits": {}}}}, "none of 1 products"),
        (lambda file: {name: value for name, value in file.items() if name != "terms"}, "no on-demand term"),
        (lambda file: file | {"terms": {"OnDemand": {}, "Reserved": {}}}, "no on-demand term"),
        (lambda file: file | {"terms": {"OnDemand": {"A": {"A.B": {"rates": []}}}}}, "no priceDimensions"),
        (lambda file: file | {"terms": {"OnDemand": {"A": {"A.B": {"priceDimensions": {}}}}}}, "no priceDimensions"),
        (lambda file: file | {"terms": {"OnDemand": {"A": {"A.B": []}}}}, "no priceDimensions"),
        (lambda file: file | {"terms": {"OnDemand": {"A": [55.04]}}}, "is no object"),
        (lambda file: file | {"products": {"A": "55.04"}}, "is no object"),
        (
            lambda file: file | {"terms": {"OnDemand": {"A": {"A.B": {"priceDimensions": {"A.B.C": {"price": 1}}}}}}},
            "no pricePerUnit",
        ),
    ],
)
def test_a_file_of_another_shape_fails(spoil: Any, told: str, aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.files[FILE] = json.dumps(spoil(json.loads(offers(a_machine("A"))))).encode()
    aws_offer_file.fetch(PART, keep=kept)

    with pytest.raises(SourceFailed, match=told):
        list(aws_offer_file.read(PART, pages=kept.pages, facts=facts))


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>We'll be right back</html>", b'{"products": {"A": {"sku"'])
def test_a_file_that_is_empty_or_broken_fails(body: bytes, aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.files[FILE] = body
    aws_offer_file.fetch(PART, keep=kept)

    with pytest.raises(SourceFailed):
        list(aws_offer_file.read(PART, pages=kept.pages, facts=facts))


@pytest.mark.parametrize(
    "index", [b"{}", b'{"regions": []}', b'{"regions": {"us-east-1": {"versionUrl": "/x"}}}', b"<html>", b""]
)
def test_an_index_without_the_region_fails(index: bytes, aws: Aws, peer: Peer, kept: Kept) -> None:
    aws.files[OFFERS_INDEX] = index

    with pytest.raises(SourceFailed):
        aws_offer_file.fetch(PART, keep=kept)


def test_an_index_that_points_to_another_host_is_not_followed(aws: Aws, peer: Peer, kept: Kept) -> None:
    entry = {"us-east-1": {"regionCode": "us-east-1", "currentVersionUrl": "https://elsewhere.example/offers.json"}}
    aws.files[OFFERS_INDEX] = json.dumps({"regions": entry}).encode()

    with pytest.raises(SourceFailed):
        aws_offer_file.fetch(PART, keep=kept)


def test_a_cut_file_is_taken_up_where_it_broke(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    aws.files[FILE] = offers(*(a_machine(f"A{number}", price="55.04") for number in range(60)))
    aws.breaks_after = [30_000, 20_000]

    aws_offer_file.fetch(PART, keep=kept)

    asked = [request.headers.get("range") for request in peer.asked if request.path == FILE]
    assert asked == [None, "bytes=30000-", "bytes=50000-"]
    assert kept.pages[1].path.read_bytes() == aws.files[FILE]


def test_a_reset_in_the_middle_of_a_file_is_taken_up_too(aws: Aws, peer: Peer, kept: Kept) -> None:
    aws.files[FILE] = offers(*(a_machine(f"A{number}") for number in range(60)))
    peer.faults.append(Fault(cut_after=30_000, on=lambda request: request.path == FILE))

    aws_offer_file.fetch(PART, keep=kept)

    assert kept.pages[1].path.read_bytes() == aws.files[FILE]


def test_a_cut_file_that_cannot_be_taken_up_is_asked_later(aws: Aws, peer: Peer, kept: Kept) -> None:
    aws.files[FILE], aws.takes_ranges = offers(*(a_machine(f"A{number}") for number in range(60))), False
    aws.breaks_after = [30_000]

    with pytest.raises(SourceBusy, match="cannot be taken up in the middle"):
        aws_offer_file.fetch(PART, keep=kept)


def test_files_are_asked_as_they_are_so_that_a_range_counts_their_bytes(aws: Aws, peer: Peer, kept: Kept) -> None:
    aws.files[FILE] = offers(a_machine("A"))

    aws_offer_file.fetch(PART, keep=kept)

    asked = [request.headers["accept-encoding"] for request in peer.asked if request.path == FILE]
    assert asked == ["identity"]


def test_a_stumbling_server_is_asked_again(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    peer.faults += [Fault(status=503), Fault(status=429, retry_after="0")]

    rows = found(aws, kept, facts, a_machine("A"))

    assert rows[f"{H100}/on_demand"].amount == Decimal("55.04")
    assert len(peer.asked) == 4


def test_nobody_at_the_address_is_told_as_such(kept: Kept, settings: Any) -> None:
    settings.AWS_BULK_PRICING_URL = "http://127.0.0.1:9"

    with pytest.raises(SourceUnreachable):
        aws_offer_file.fetch(PART, keep=kept)


# --- a large file ----------------------------------------------------------------------------------------------------

_IN_A_PROCESS_OF_ITS_OWN = """
import json, os, sys
from pathlib import Path
os.environ["DJANGO_SETTINGS_MODULE"] = "advisor.settings"
from catalog import files
from catalog.sources import aws_offer_file
from catalog.sources.source import Observed, Part
from tests.catalog.peers.kept import Kept

kept, part = Kept(Path(sys.argv[1])), Part(source="aws", dataset="aws-ec2-offer-file", region="us-east-1")
aws_offer_file.fetch(part, keep=kept)
rows = [row for row in aws_offer_file.read(part, pages=kept.pages, facts=files.load()) if isinstance(row, Observed)]
problems = sum(bool(row.problem) for row in rows)
print(json.dumps({"prices": len(rows), "problems": problems}))
"""


@pytest.mark.slow
def test_a_file_of_40_mb_is_fetched_and_read_within_200_mb(aws: Aws, peer: Peer, kept: Kept, facts: Facts) -> None:
    path = kept.directory.parent / "offers.json"
    machines = sorted(aws_terms.machines(facts))
    write_offer_file(path, region="us-east-1", size_bytes=40_000_000, machines=machines)
    aws.files[FILE] = path.read_bytes()

    said, peak_mb = stopwatch.from_outside(
        [sys.executable, "-c", _IN_A_PROCESS_OF_ITS_OWN, str(kept.directory)],
        env=os.environ | {"AWS_BULK_PRICING_URL": peer.url},
        cwd=ROOT,
    )

    told = json.loads(said)
    assert 35_000_000 < path.stat().st_size < 45_000_000
    assert (told["prices"], told["problems"]) == (3 * len(machines), 0)  # an hour, one year, three years
    assert peak_mb < 200


# --- savings plans ---------------------------------------------------------------------------------------------------


def a_rate(usage_type: str, price: str, **more: Any) -> dict[str, Any]:
    return {
        "discountedSku": "A",
        "discountedUsageType": usage_type,
        "discountedOperation": "RunInstances",
        "discountedServiceCode": "AmazonEC2",
        "rateCode": f"PLAN.{usage_type}",
        "unit": "Hrs",
        "discountedRate": {"price": price, "currency": "USD"},
        "discountedRegionCode": "us-east-1",
        **more,
    }


def plans(*terms: dict[str, Any]) -> bytes:
    return json.dumps({"version": "1", "products": [{"sku": "P"}], "terms": {"savingsPlan": list(terms)}}).encode()


def a_plan(*rates: dict[str, Any], years: int = 1, purchase: str = "No Upfront") -> dict[str, Any]:
    return {
        "sku": f"P{years}",
        "description": f"{years} year {purchase} Compute Savings Plan",
        "effectiveDate": "2026-11-02T00:00:00Z",
        "leaseContractLength": {"duration": years, "unit": "year"},
        "rates": list(rates),
    }


def planned(aws: Aws, kept: Kept, facts: Facts, *terms: dict[str, Any]) -> dict[str, Observed]:
    aws.files[PLANS] = plans(*terms)
    aws_savings_plans.fetch(PLANS_PART, keep=kept)
    rows = aws_savings_plans.read(PLANS_PART, pages=kept.pages, facts=facts)
    return {row.key.removeprefix("aws/us-east-1/"): row for row in rows if isinstance(row, Observed)}


def test_a_savings_plan_without_upfront_payment_is_read_for_both_terms(
    aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    rows = planned(
        aws,
        kept,
        facts,
        a_plan(a_rate(f"BoxUsage:{H100}", "40.1")),
        a_plan(a_rate(f"BoxUsage:{H100}", "30.2"), years=3),
        a_plan(a_rate(f"BoxUsage:{H100}", "1.0"), purchase="All Upfront"),
    )

    assert {key: row.amount for key, row in rows.items()} == {
        f"{H100}/savings_plan_1y": Decimal("40.1"),
        f"{H100}/savings_plan_3y": Decimal("30.2"),
    }
    assert rows[f"{H100}/savings_plan_1y"].note == "Compute Savings Plan, No Upfront"
    assert rows[f"{H100}/savings_plan_1y"].effective_from == dt.date(2026, 11, 2)
    assert kept.pages[1].version == "20261102000000"


def test_the_regions_of_plans_are_a_list_and_usage_types_carry_the_region(
    aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    rows = planned(aws, kept, facts, a_plan(a_rate(f"USE2-BoxUsage:{H100}", "40.1")))

    assert rows[f"{H100}/savings_plan_1y"].amount == Decimal("40.1")


@pytest.mark.parametrize(
    "other",
    [
        a_rate(f"DedicatedUsage:{H100}", "1.0"),
        a_rate(f"UnusedBox:{H100}", "1.0"),
        a_rate(f"BoxUsage:{H100}", "1.0", discountedOperation="RunInstances:0002"),
        a_rate(f"BoxUsage:{H100}", "1.0", discountedServiceCode="AmazonSageMaker"),
        a_rate(f"BoxUsage:{H100}", "1.0", discountedRegionCode="us-west-2"),
    ],
)
def test_what_a_plan_says_of_other_products_is_left_out(
    other: dict[str, Any], aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    rows = planned(aws, kept, facts, a_plan(other, a_rate(f"BoxUsage:{H100}", "40.1")))

    assert [row.amount for row in rows.values()] == [Decimal("40.1")]


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        ({"discountedRate": {"price": "0.0", "currency": "USD"}}, "the price is zero"),
        ({"discountedRate": {"price": "9.0", "currency": "CNY"}}, "the currency is CNY, not USD"),
        ({"unit": "Lambda-GB-Second"}, "unknown unit 'Lambda-GB-Second'"),
    ],
)
def test_a_rate_that_cannot_be_taken_is_a_problem(
    spoilt: dict[str, Any], problem: str, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    rows = planned(aws, kept, facts, a_plan(a_rate(f"BoxUsage:{H100}", "40.1", **spoilt)))

    assert (rows[f"{H100}/savings_plan_1y"].amount, rows[f"{H100}/savings_plan_1y"].problem) == (None, problem)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"terms": {"savingsPlan": [{"description": "1 year No Upf',
        plans(),
        plans(a_plan()),
        plans({"rates": [a_rate(f"BoxUsage:{H100}", "1.0")]}),
    ],
)
def test_a_file_of_plans_without_rates_or_of_another_shape_fails(
    body: bytes, aws: Aws, peer: Peer, kept: Kept, facts: Facts
) -> None:
    aws.files[PLANS] = body
    aws_savings_plans.fetch(PLANS_PART, keep=kept)

    with pytest.raises(SourceFailed):
        list(aws_savings_plans.read(PLANS_PART, pages=kept.pages, facts=facts))


def test_an_index_of_plans_in_the_shape_of_offers_fails(aws: Aws, peer: Peer, kept: Kept) -> None:
    aws.files[PLANS_INDEX] = json.dumps({"regions": {"us-east-1": {"versionUrl": PLANS}}}).encode()

    with pytest.raises(SourceFailed, match="no file of the region us-east-1"):
        aws_savings_plans.fetch(PLANS_PART, keep=kept)


def test_a_part_of_a_region_nobody_publishes_fails(peer: Peer, kept: Kept) -> None:
    with pytest.raises(SourceFailed, match="no file of the region mars-1"):
        aws_offer_file.fetch(dataclasses.replace(PART, region="mars-1"), keep=kept)
