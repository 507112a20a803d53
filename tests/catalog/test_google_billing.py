"""Google's machine prices: over real sockets from a peer, through kept pages, to offers. Prices are invented."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from catalog.files import Facts
from catalog.sources import google_billing
from catalog.sources.http import Patience
from catalog.sources.source import NotConfigured, Part, SourceBusy, SourceFailed
from tests.catalog.peers.google import COMPUTE, KEY, SERVICES, TPU, BillingCatalog, a2, sku
from tests.catalog.peers.kept import Kept, Reading, reading
from tests.catalog.peers.server import Fault, Peer, running

EVERYWHERE = Part(source="google", dataset="google-billing-catalog", region="global")
QUICK = Patience(first_pause_s=0.01)
A2 = "gcp/us-central1/a2-highgpu-1g"
A100 = "Nvidia Tesla A100 GPU running in Americas"

Fetched = Callable[..., Reading]


@contextmanager
def catalog(settings: Settings, skus: Sequence[dict[str, Any]], **lies: Any) -> Iterator[Peer]:
    with running(BillingCatalog(skus=skus, **lies)) as peer:
        settings.GOOGLE_BILLING_URL = peer.url
        settings.GOOGLE_API_KEY = KEY
        yield peer


@pytest.fixture
def fetched(settings: Settings, tmp_path: Path, facts: Facts) -> Fetched:
    """Fetch SKUs from a peer that holds them, keep the pages, read them."""

    def fetch(*skus: dict[str, Any], faults: Sequence[Fault] = (), **lies: Any) -> Reading:
        kept = Kept(tmp_path / "kept")
        with catalog(settings, skus, **lies) as peer:
            peer.faults.extend(faults)
            google_billing.fetch(EVERYWHERE, keep=kept, patience=QUICK)
        return reading(google_billing, EVERYWHERE, kept=kept, facts=facts)

    return fetch


def a3(price: str, *, core: str = "0.0255", ram: str = "0.00222", mode: str = "") -> list[dict[str, Any]]:
    """Return an A3 High machine by the hour; `mode` stands before or after each name."""
    attached = f" attached to {mode} VMs" if mode else ""
    before = f"{mode} " if mode else ""
    return [
        sku(f"{before}A3 Instance Core running in Americas", core),
        sku(f"{before}A3 Instance Ram running in Americas", ram, unit="GiBy.h"),
        sku(f"Nvidia H100 80GB GPU{attached} running in Americas", price),
        sku(f"SSD backed Local Storage{attached}", "0.08", unit="GiBy.mo"),
    ]


def test_a_machine_costs_what_its_components_cost(fetched: Fetched) -> None:
    core, ram = a2()
    gpu = sku(A100, "2.9")

    found = fetched(core, ram, gpu)

    price = found.one(f"{A2}/on_demand")
    assert str(price.amount) == "3.600000000"  # 12 × 0.03 + 85 × 0.004 + 2.9
    assert price.locator == f"SKUs 12 × {core['skuId']} + 85 × {ram['skuId']} + 1 × {gpu['skuId']}"
    assert price.effective_from is None  # the catalog's effectiveTime is the time of its answer
    assert found.prices()["gcp/us-central1/a2-megagpu-16g/on_demand"] == "54.72"  # 96 × 0.03 + 1360 × 0.004 + 16 × 2.9


def test_units_and_billionths_are_added_exactly(fetched: Fetched) -> None:
    found = fetched(*a2(), sku(A100, "2.933908001"))

    assert found.prices()[f"{A2}/on_demand"] == "3.633908001"


def test_a_bundled_disk_is_part_of_the_price_that_is_on_file(fetched: Fetched, facts: Facts) -> None:
    """The shipped price of the whole machine comes from another source: assembled from about these rates, it agrees."""
    (shipped,) = [row for row in facts.offers if row.id == "gcp/us-central1/a3-highgpu-8g/on_demand"]

    found = fetched(*a3("9.8"))

    amount = found.one(shipped.id).amount
    assert amount is not None and shipped.price_usd_per_hour is not None
    assert f"{amount:f}" == "88.517374247"  # 208 × 0.0255 + 1872 × 0.00222 + 8 × 9.8 + 6000 × 0.08 / 730
    assert abs(amount / shipped.price_usd_per_hour - 1) < Decimal("0.002")  # without the disk it were 0.007


def test_each_purchase_basis_adds_up_its_own_skus(fetched: Fetched) -> None:
    found = fetched(
        *a3("9.8"),
        *a3("4.4", core="0.012", ram="0.001", mode="Spot Preemptible"),
        *a3("4.2", core="0.0109", ram="0.00095", mode="DWS Defined Duration"),
        *a2(usage="Preemptible"),
        sku("Nvidia Tesla A100 GPU attached to Spot Preemptible VMs running in Americas", "1.1", usage="Preemptible"),
        sku("Commitment v1: A2 Cpu in Americas for 1 Year", "0.019", usage="Commit1Yr"),
        sku("Commitment v1: A2 Ram in Americas for 1 Year", "0.0025", usage="Commit1Yr", unit="GiBy.h"),
        sku("Commitment v1: Nvidia Tesla A100 GPU running in Americas for 1 Year", "1.84", usage="Commit1Yr"),
        sku("Commitment v1: A2 Cpu in Americas for 3 Years", "0.011", usage="Commit3Yr"),
        sku("Commitment v1: A2 Ram in Americas for 3 Years", "0.0015", usage="Commit3Yr", unit="GiBy.h"),
        sku("Commitment v1: Nvidia Tesla A100 GPU running in Americas for 3 Years", "1", usage="Commit3Yr"),
        sku("DWS Calendar Mode A4 Nvidia B200 (1 gpu slice) in Iowa", "11.25"),
        sku("Reserved TpuV5p in Iowa in Calendar Mode", "2.94"),
    )

    prices = found.prices()
    a3_high = "gcp/us-central1/a3-highgpu-8g"
    assert prices[f"{a3_high}/on_demand"] == "88.517374247"
    assert prices[f"{a3_high}/spot"] == "40.225534247"
    assert prices[f"{a3_high}/flex_start"] == "38.303134247"
    assert f"{a3_high}/calendar_reservation" not in prices
    assert prices[f"{A2}/spot"] == "1.8"
    assert prices[f"{A2}/commitment_1y"] == "2.2805"
    assert prices[f"{A2}/commitment_3y"] == "1.2595"
    assert f"{A2}/on_demand" not in prices
    assert prices["gcp/us-central1/a4-highgpu-8g/calendar_reservation"] == "90"
    assert prices["gcp/us-central1/tpu-v5p-8/calendar_reservation"] == "11.76"


def test_a_chip_hour_is_paid_for_each_chip(fetched: Fetched) -> None:
    found = fetched(
        sku("TpuV5e running in Americas", "1.2", regions=["us-central1", "us-west4"]),
        sku("TpuV5p running in Americas", "4.2"),
        sku("TpuV6e running in Americas", "2.7"),
        sku("TpuV6e attached to Spot Preemptible VMs running in Americas", "1.35"),  # typed OnDemand
        tpu=[
            sku("Tpu-v4 Pod Accelerator USA", "12.8", regions=["us-central2"]),
            sku("Preemptible Tpu-v4 Pod Accelerator USA", "3.84", regions=["us-central2"]),
        ],
    )

    prices = found.prices()
    assert prices["gcp/us-central1/tpu-v5litepod-8/on_demand"] == "9.6"
    assert prices["gcp/us-west4/ct5lp-hightpu-4t/on_demand"] == "4.8"
    assert prices["gcp/us-central1/tpu-v5p-8/on_demand"] == "16.8"
    assert prices["gcp/us-central1/tpu-v6e-256/on_demand"] == "691.2"
    assert prices["gcp/us-central1/tpu-v6e-4/spot"] == "5.4"
    assert prices["gcp/us-central2/tpu-v4-8/on_demand"] == "12.8"
    assert prices["gcp/us-central2/tpu-v4-8/spot"] == "3.84"


def test_a_sku_holds_in_all_the_regions_that_it_lists(fetched: Fetched) -> None:
    regions = ["us-central1", "us-east1", "europe-west4", "mars-north1", "global"]

    found = fetched(*a2(regions=regions), sku(A100, "2.9", regions=["us-central1", "europe-west4"]))

    machines = {key for key in found.prices() if "/a2-highgpu-1g/" in key}
    assert machines == {f"{A2}/on_demand", "gcp/europe-west4/a2-highgpu-1g/on_demand"}
    assert found.outside()["Google: prices in regions without a row in regions.csv"] == 4


def test_a_machine_with_a_component_without_a_price_has_none(fetched: Fetched) -> None:
    found = fetched(*a2(), *a3("9.8")[:3], sku("TpuV5e running in Americas", "1.2"))

    assert {key.split("/")[2].split("-")[0] for key in found.prices()} == {"ct5lp", "tpu"}
    # Nine machines with A100s, and A3 High with eight H100s; fewer are not sold on demand.
    assert found.outside()["Google: machines of which a region prices only a part"] == 10


@pytest.mark.parametrize(
    "other",
    [
        sku("Reserved Nvidia Tesla A100 GPU in Americas", "0"),
        sku("Nvidia Tesla A100 GPU attached to DWS Defined Duration VMs running in Americas", "1.7"),
        sku("Nvidia Tesla A100 80GB GPU running in Americas", "3.9"),
        sku("A2 Sole Tenancy Instance Core running in Americas", "0.033"),
        sku("Sole Tenancy Premium for A2 Instance Core running in Americas", "0.003"),
        sku("A2 Custom Instance Core running in Americas", "0.04"),
        sku("Commitment v1: Nvidia Tesla A100 GPU running in Americas for 5 Years", "1", usage="Commit"),
    ],
    ids=lambda other: other["description"],
)
def test_what_looks_like_a_component_does_not_change_the_price(fetched: Fetched, other: dict[str, Any]) -> None:
    found = fetched(other, *a2(), sku(A100, "2.9"), other)

    assert found.prices()[f"{A2}/on_demand"] == "3.6"
    assert found.problems() == {}


def test_what_cannot_be_bought_on_demand_gets_no_price_for_it(fetched: Fetched) -> None:
    found = fetched(
        *a3("9.8"),
        *a3("4.4", mode="Spot Preemptible"),
        sku("A4 Nvidia B200 (1 gpu slice) running in Americas", "16.1"),
        sku("Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in Americas", "4.95"),
    )

    prices = found.prices()
    assert "gcp/us-central1/a4-highgpu-8g/on_demand" not in prices
    assert prices["gcp/us-central1/a4-highgpu-8g/spot"] == "39.6"
    assert "gcp/us-central1/a3-highgpu-1g/on_demand" not in prices
    assert "gcp/us-central1/a3-highgpu-1g/spot" in prices
    assert "gcp/us-central1/a3-highgpu-8g/on_demand" in prices


@pytest.mark.parametrize(
    ("gpu", "problem"),
    [
        (sku(A100, "0"), "zero"),
        (sku(A100, "2.9", currency="IDR"), "IDR"),
        (sku(A100, "2117", unit="mo"), "'mo'"),
        (sku(A100, "2.9", unit="min"), "'min'"),
        (sku(A100, "2.9", pricingInfo=[]), "no price"),
    ],
)
def test_a_component_that_cannot_be_taken_is_a_problem_of_its_machines(
    fetched: Fetched, gpu: dict[str, Any], problem: str
) -> None:
    found = fetched(*a2(), gpu)

    assert found.prices() == {"gcp/us-central2/tpu-v4-8/on_demand": "12.8"}
    price = found.one(f"{A2}/on_demand")
    assert price.amount is None and problem in price.problem and gpu["skuId"] in price.problem and price.stated
    assert len(found.problems()) == 5


def test_a_price_in_tiers_is_a_problem(fetched: Fetched) -> None:
    gpu = sku(A100, "2.9")
    tiers = gpu["pricingInfo"][0]["pricingExpression"]["tieredRates"]
    tiers.append({"startUsageAmount": 100, "unitPrice": {"currencyCode": "USD", "units": "1", "nanos": 0}})

    assert "tiers" in fetched(*a2(), gpu).problems()[f"{A2}/on_demand"]


def test_skus_that_disagree_about_a_component_are_a_problem(fetched: Fetched) -> None:
    same, other = sku(A100, "2.9"), sku(A100, "3.1")

    assert fetched(*a2(), same, sku(A100, "2.9")).prices()[f"{A2}/on_demand"] == "3.6"
    problem = fetched(*a2(), same, other).one(f"{A2}/on_demand")
    assert "disagree" in problem.problem
    assert problem.stated == f"2.9 USD per h ({same['skuId']}), 3.1 USD per h ({other['skuId']})"


def test_every_page_is_kept_and_the_key_stands_in_none(settings: Settings, tmp_path: Path, facts: Facts) -> None:
    kept = Kept(tmp_path)

    with catalog(settings, [*a2(), sku(A100, "2.9")], page_rows=2) as peer:
        google_billing.fetch(EVERYWHERE, keep=kept)

    assert [request.path for request in peer.asked] == [
        "/v1/services",
        f"/v1/services/{COMPUTE}/skus",
        f"/v1/services/{COMPUTE}/skus",
        f"/v1/services/{TPU}/skus",
    ]
    assert all(request.headers["x-goog-api-key"] == KEY for request in peer.asked)
    assert len(kept.pages) == 4
    assert not any(KEY in page.url or KEY.encode() in page.path.read_bytes() for page in kept.pages)
    assert reading(google_billing, EVERYWHERE, kept=kept, facts=facts).prices()[f"{A2}/on_demand"] == "3.6"


@pytest.mark.parametrize(
    ("lies", "told"),
    [
        ({"page_rows": 1, "token": lambda token: "page-1"}, "no end"),
        ({"skus": []}, "no SKUs at all"),
        ({"tpu": []}, "Cloud TPU has no SKUs"),
        ({"page": lambda page: {}}, "skus: Field required"),
        ({"page": lambda page: {"SKUs": page["skus"], "nextPageToken": ""}}, "shape"),
        ({"page": lambda page: {"skus": page["skus"]}}, "shape"),
        ({"services": {name: number for name, number in SERVICES.items() if name != "Cloud TPU"}}, "no service"),
        ({"services": SERVICES | {"Compute Engine": "0000-0000-0000"}}, "expected 6F81-5844-456A"),
    ],
)
def test_a_catalog_that_lies_about_its_pages_fails_the_part(
    settings: Settings, tmp_path: Path, lies: dict[str, Any], told: str
) -> None:
    with (
        catalog(settings, **({"skus": [*a2(), sku(A100, "2.9")]} | lies)) as peer,
        pytest.raises(SourceFailed, match=told),
    ):
        google_billing.fetch(EVERYWHERE, keep=Kept(tmp_path), patience=QUICK)

    assert len(peer.asked) <= 4


def test_pages_without_end_are_given_up(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_billing, "PAGES_MAX", 2)

    with (
        catalog(settings, [*a2(), *a2()], page_rows=1) as peer,
        pytest.raises(SourceFailed, match="more than 2 pages"),
    ):
        google_billing.fetch(EVERYWHERE, keep=Kept(tmp_path))

    assert len(peer.asked) == 3


@pytest.mark.parametrize("name", ["skuId", "description", "serviceRegions", "category", "pricingInfo"])
def test_a_field_that_is_gone_fails_the_reading(fetched: Fetched, name: str) -> None:
    renamed = {f"{key}V2" if key == name else key: value for key, value in sku(A100, "2.9").items()}

    with pytest.raises(SourceFailed, match=name):
        fetched(renamed)


def test_a_price_of_another_shape_fails_the_reading(fetched: Fetched) -> None:
    gpu = sku(A100, "2.9")
    gpu["pricingInfo"] = json.loads(json.dumps(gpu["pricingInfo"]).replace("unitPrice", "money"))

    with pytest.raises(SourceFailed, match="unitPrice"):
        fetched(*a2(), gpu)


def test_a_page_that_was_kept_in_part_fails_the_reading(settings: Settings, tmp_path: Path, facts: Facts) -> None:
    kept = Kept(tmp_path)
    with catalog(settings, [*a2(), sku(A100, "2.9")]):
        google_billing.fetch(EVERYWHERE, keep=kept)
    page = kept.pages[1].path
    page.write_bytes(page.read_bytes()[:-300])

    with pytest.raises(SourceFailed, match="shape"):
        list(google_billing.read(EVERYWHERE, pages=kept.pages, facts=facts))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, retry_after="0"),
        Fault(status=429, retry_after="Thu, 01 Jan 2015 00:00:00 GMT"),
        Fault(status=502),
        Fault(cut_after=60),
    ],
)
def test_a_stumble_is_asked_again_and_changes_nothing(fetched: Fetched, fault: Fault) -> None:
    found = fetched(*a2(), sku(A100, "2.9"), faults=(fault,))

    assert found.prices()[f"{A2}/on_demand"] == "3.6"


def test_a_catalog_that_drips_is_given_up(settings: Settings, tmp_path: Path) -> None:
    with catalog(settings, a2()) as peer:
        peer.always = Fault(drip_s=0.05)

        with pytest.raises(SourceBusy, match="too slowly"):
            google_billing.fetch(
                EVERYWHERE, keep=Kept(tmp_path), patience=Patience(tries=2, first_pause_s=0.01, answer_within_s=0.2)
            )


def test_a_wrong_key_is_told_without_the_key(settings: Settings, tmp_path: Path) -> None:
    with catalog(settings, a2()) as peer:
        settings.GOOGLE_API_KEY = "another-secret-key"

        with pytest.raises(SourceFailed) as told:
            google_billing.fetch(EVERYWHERE, keep=Kept(tmp_path))

    assert "403" in str(told.value) and "another-secret-key" not in str(told.value)
    assert len(peer.asked) == 1


def test_without_a_key_it_is_not_configured(settings: Settings, facts: Facts) -> None:
    settings.GOOGLE_API_KEY = ""

    with pytest.raises(NotConfigured, match="GOOGLE_API_KEY"):
        google_billing.parts(facts=facts, regions=None)


def test_one_part_holds_all_regions(settings: Settings, facts: Facts) -> None:
    settings.GOOGLE_API_KEY = KEY

    assert google_billing.parts(facts=facts, regions=None) == [EVERYWHERE]
    assert google_billing.parts(facts=facts, regions=["us-central1", "eastus"]) == [EVERYWHERE]
    assert google_billing.parts(facts=facts, regions=["eastus"]) == []
