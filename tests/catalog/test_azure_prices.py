"""Azure's machine prices: over real sockets from a peer, through kept pages, to offers. Prices are invented."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from catalog.files import Facts
from catalog.sources import azure_prices
from catalog.sources.http import Patience
from catalog.sources.source import Part, SourceBusy, SourceFailed
from tests.catalog.peers.azure import RetailPrices, row
from tests.catalog.peers.kept import Kept, Reading, reading
from tests.catalog.peers.server import Fault, Peer, running

EASTUS = Part(source="azure", dataset="azure-retail-prices", region="eastus")
H100 = "azure/eastus/Standard_ND96isr_H100_v5"
QUICK = Patience(first_pause_s=0.01)

Fetched = Callable[..., Reading]


@contextmanager
def service(settings: Settings, *rows: dict[str, Any], **lies: Any) -> Iterator[Peer]:
    with running(RetailPrices(rows=rows, **lies)) as peer:
        settings.AZURE_PRICES_URL = peer.url
        yield peer


@pytest.fixture
def fetched(settings: Settings, tmp_path: Path, facts: Facts) -> Fetched:
    """Fetch rows from a peer that holds them, keep the pages, read them."""

    def fetch(*rows: dict[str, Any], faults: tuple[Fault, ...] = (), **lies: Any) -> Reading:
        kept = Kept(tmp_path / "kept")
        with service(settings, *rows, **lies) as peer:
            peer.faults.extend(faults)
            azure_prices.fetch(EASTUS, keep=kept, patience=QUICK)
        return reading(azure_prices, EASTUS, kept=kept, facts=facts)

    return fetch


def test_each_kind_of_price_becomes_an_offer_per_hour(fetched: Fetched) -> None:
    plans = [{"term": "1 Year", "retailPrice": 62.5, "unitPrice": 62.5}, {"term": "3 Years", "retailPrice": 41.125}]

    found = fetched(
        row(savingsPlan=plans),
        row(retailPrice=18.169536, meterName="ND96isrH100v5 Spot", skuName="ND96isrH100v5 Spot"),
        row(retailPrice=569400.0, type="Reservation", reservationTerm="1 Year"),
        row(retailPrice=1024920.0, type="Reservation", reservationTerm="3 Years"),
    )

    assert found.prices() == {
        f"{H100}/on_demand": "90.25",
        f"{H100}/savings_plan_1y": "62.5",  # of an hour, in the same answer as
        f"{H100}/savings_plan_3y": "41.125",
        f"{H100}/spot": "18.169536",
        f"{H100}/commitment_1y": "65",  # 569,400 for 8,760 hours, whatever its unit says
        f"{H100}/commitment_3y": "39",  # 1,024,920 for 26,280
    }
    assert found.problems() == {} and found.outside() == {}


def test_a_price_says_since_when_it_holds_and_where_it_stands(fetched: Fetched) -> None:
    found = fetched(row(meterId="meter-7", skuId="sku/9", effectiveStartDate="2025-02-01T00:00:00Z"))

    price = found.one(f"{H100}/on_demand")
    assert price.effective_from is not None and price.effective_from.isoformat() == "2025-02-01"
    assert price.locator == "meter meter-7, SKU sku/9"
    assert price.meter == "price_usd_per_hour" and price.subject == "offer"


def test_a_reservation_is_spread_over_its_term_to_the_ninth_place(fetched: Fetched) -> None:
    found = fetched(row("Standard_D2as_v7", retailPrice=416.0, type="Reservation", reservationTerm="1 Year"))

    price = found.one("azure/eastus/Standard_D2as_v7/commitment_1y")
    assert str(price.amount) == "0.047488584"
    assert price.stated == "416.0 USD per 1 Year"


@pytest.mark.parametrize(
    "other",
    [
        # Windows shares the machine's name, its meter's name and its unit; only the product's name tells.
        {"productName": "Virtual Machines Test Series Windows", "retailPrice": 94.5},
        {"productName": "Test Series Cloud Services"},
        {"productName": "Test Series CloudServices"},
        {"meterName": "ND96isrH100v5 Low Priority", "skuName": "ND96isrH100v5 Low Priority"},
        {"meterName": "ND96isrH100v5 Low Priority"},
        {"type": "DevTestConsumption"},
        {"tierMinimumUnits": 1000.0, "retailPrice": 80.0},
        {"armRegionName": "westus"},
        {"serviceName": "Virtual Machines Licenses"},
    ],
)
def test_what_shares_a_machines_name_but_is_another_product_is_left_out(
    fetched: Fetched, other: dict[str, Any]
) -> None:
    found = fetched(row(**other), row())

    assert found.prices() == {f"{H100}/on_demand": "90.25"}
    assert found.problems() == {} and found.outside() == {}


def test_spot_is_told_by_either_name(fetched: Fetched) -> None:
    found = fetched(row(meterName="x Spot"), row("Standard_D2as_v7", skuName="D2as v7 Spot"))

    assert set(found.prices()) == {f"{H100}/spot", "azure/eastus/Standard_D2as_v7/spot"}


def test_a_slice_of_a_gpu_is_the_machine_of_its_name(fetched: Fetched) -> None:
    found = fetched(row("Standard_NV6ads_A10_v5", retailPrice=0.454), row("Standard_NV36ads_A10_v5", retailPrice=3.2))

    assert found.prices()["azure/eastus/Standard_NV6ads_A10_v5/on_demand"] == "0.454"


@pytest.mark.parametrize(
    ("lie", "problem", "stated"),
    [
        ({"retailPrice": 0.0}, "zero", "0.0 USD per 1 Hour"),
        ({"currencyCode": "EUR"}, "EUR", "90.25 EUR per 1 Hour"),
        ({"unitOfMeasure": "1 Month"}, "1 Month", "90.25 USD per 1 Month"),
        ({"unitOfMeasure": "100 Hours"}, "100 Hours", "90.25 USD per 100 Hours"),
    ],
)
def test_a_row_that_is_ours_but_cannot_be_taken_comes_with_its_problem(
    fetched: Fetched, lie: dict[str, Any], problem: str, stated: str
) -> None:
    found = fetched(row(**lie))

    price = found.one(f"{H100}/on_demand")
    assert price.amount is None and problem in price.problem and price.stated == stated


def test_a_savings_plan_for_nothing_is_a_problem_of_its_own(fetched: Fetched) -> None:
    found = fetched(row(savingsPlan=[{"term": "1 Year", "retailPrice": 0}]))

    assert found.prices() == {f"{H100}/on_demand": "90.25"}
    assert "zero" in found.problems()[f"{H100}/savings_plan_1y"]


def test_a_price_that_does_not_hold_today_is_not_taken(fetched: Fetched) -> None:
    found = fetched(
        row(retailPrice=70.0, effectiveStartDate="2999-01-01T00:00:00Z"),
        row(retailPrice=99.0, effectiveEndDate="2025-01-01T00:00:00Z"),
        row(effectiveEndDate="2999-01-01T00:00:00Z"),
    )

    assert found.prices() == {f"{H100}/on_demand": "90.25"}
    assert found.outside() == {"Azure: prices of another day": 2}


def test_a_row_that_moved_to_the_next_page_is_taken_once(fetched: Fetched) -> None:
    same = row()

    found = fetched(same, row("Standard_D2as_v7"), same, page_rows=2)

    assert [price.key for price in found.found] == [f"{H100}/on_demand", "azure/eastus/Standard_D2as_v7/on_demand"]


def test_a_machine_stated_at_two_prices_comes_twice_for_the_intake_to_doubt(fetched: Fetched) -> None:
    found = fetched(row(), row(retailPrice=91.0))

    amounts = [str(price.amount) for price in found.found if getattr(price, "key", "") == f"{H100}/on_demand"]
    assert sorted(amounts) == ["90.250000000", "91.000000000"]


def test_what_the_catalog_does_not_hold_is_counted(fetched: Fetched) -> None:
    found = fetched(
        row(),
        row("Standard_B16als_v2"),
        row("Standard_M416ms_v2"),
        row(retailPrice=9.0, type="Reservation", reservationTerm="5 Years"),
        row(type="SomethingNew"),
    )

    assert found.prices() == {f"{H100}/on_demand": "90.25"}
    assert found.outside() == {
        "Azure: machines without a row in instances.csv": 2,
        "Azure: terms or kinds of price": 2,
    }


def test_every_page_is_fetched_and_kept_raw_with_its_day(settings: Settings, tmp_path: Path, facts: Facts) -> None:
    rows = [row(sku.sku) for sku in facts.instances if sku.provider == "azure" and sku.sku.startswith("Standard_N")]
    kept = Kept(tmp_path)

    with service(settings, *rows, page_rows=20) as peer:
        azure_prices.fetch(EASTUS, keep=kept)

    found = reading(azure_prices, EASTUS, kept=kept, facts=facts)
    assert len(kept.pages) == len(peer.asked) == -(-len(rows) // 20)
    assert len(found.prices()) == len(rows)
    assert all(request.query["api-version"] == "2023-01-01-preview" for request in peer.asked)
    assert all(request.query["currencyCode"] == "'USD'" for request in peer.asked)
    assert all(page.version.startswith("20") for page in kept.pages)


def test_an_empty_page_among_others_is_no_end(fetched: Fetched) -> None:
    pages = iter([[row()], [], [row("Standard_D2as_v7")]])

    found = fetched(
        row(), row(), row(), page_rows=1, envelope=lambda page: page | {"Items": next(pages), "Count": None}
    )

    assert len(found.prices()) == 2


@pytest.mark.parametrize(
    ("lies", "told"),
    [
        ({"link": lambda link: link.replace("$skip=1", "$skip=0")}, "no end"),
        ({"link": lambda link: link.replace("127.0.0.1", "localhost")}, "another host"),
        ({"link": lambda link: link.replace("http://", "http://127.0.0.1@")}, "not followed"),
        ({"link": lambda link: link.replace("http:", "https:")}, "another host"),
        ({"link": lambda link: link.replace("/retail/", "/elsewhere/")}, "not followed"),
        ({"link": lambda link: "file:///etc/hostname"}, "not followed"),
        ({"link": lambda link: "http://[::"}, "not followed"),
        ({"envelope": lambda page: page | {"Items": [], "NextPageLink": None, "Count": 0}}, "no prices at all"),
        ({"envelope": lambda page: page | {"Count": 1000}}, "counts 1000 rows on a page of 1"),
        ({"envelope": lambda page: {"items" if key == "Items" else key: page[key] for key in page}}, "shape"),
        ({"envelope": lambda page: {key: page[key] for key in page if key != "NextPageLink"}}, "shape"),
        ({"envelope": lambda page: [page]}, "shape"),
    ],
)
def test_a_service_that_lies_about_its_pages_fails_the_part(
    settings: Settings, tmp_path: Path, lies: dict[str, Any], told: str
) -> None:
    with service(settings, row(), row(), row(), page_rows=1, **lies) as peer:
        with pytest.raises(SourceFailed, match=told):
            azure_prices.fetch(EASTUS, keep=Kept(tmp_path), patience=QUICK)

        assert len(peer.asked) <= 2


def test_pages_without_end_are_given_up(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_prices, "PAGES_MAX", 3)

    with (
        service(settings, *(row() for _ in range(6)), page_rows=1) as peer,
        pytest.raises(SourceFailed, match="more than 3 pages"),
    ):
        azure_prices.fetch(EASTUS, keep=Kept(tmp_path))

    assert len(peer.asked) == 3


@pytest.mark.parametrize("name", ["retailPrice", "unitOfMeasure", "type", "productName", "skuName", "currencyCode"])
def test_a_field_that_is_gone_fails_the_reading(fetched: Fetched, name: str) -> None:
    renamed = {f"{key}V2" if key == name else key: value for key, value in row().items()}

    with pytest.raises(SourceFailed, match=name):
        fetched(renamed)


def test_rows_that_name_no_machine_any_more_fail_the_reading(fetched: Fetched) -> None:
    renamed = {"armSku" if key == "armSkuName" else key: value for key, value in row().items()}

    with pytest.raises(SourceFailed, match="name no machine"):
        fetched(renamed)


def test_a_page_that_was_kept_in_part_or_without_its_day_fails_the_reading(
    settings: Settings, tmp_path: Path, facts: Facts
) -> None:
    kept = Kept(tmp_path)
    with service(settings, row()):
        azure_prices.fetch(EASTUS, keep=kept)
    (page,) = kept.pages

    with pytest.raises(SourceFailed, match="day"):
        list(azure_prices.read(EASTUS, pages=[replace(page, version="")], facts=facts))
    page.path.write_bytes(page.path.read_bytes()[:-50])
    with pytest.raises(SourceFailed, match="shape"):
        list(azure_prices.read(EASTUS, pages=[page], facts=facts))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, retry_after="0"),
        Fault(status=429, retry_after="Thu, 01 Jan 2015 00:00:00 GMT"),
        Fault(status=503),
        Fault(status=500),
        Fault(cut_after=40),
    ],
)
def test_a_stumble_is_asked_again_and_changes_nothing(fetched: Fetched, fault: Fault) -> None:
    found = fetched(row(), row("Standard_D2as_v7"), page_rows=1, faults=(fault,))

    assert len(found.prices()) == 2


def test_a_service_that_stays_busy_is_left_for_later(settings: Settings, tmp_path: Path) -> None:
    with service(settings, row()) as peer:
        peer.always = Fault(status=429, retry_after="3600")

        with pytest.raises(SourceBusy) as told:
            azure_prices.fetch(EASTUS, keep=Kept(tmp_path))

    assert told.value.retry_after_s == 3600
    assert len(peer.asked) == 1


def test_a_service_that_drips_is_given_up(settings: Settings, tmp_path: Path) -> None:
    with service(settings, row()) as peer:
        peer.always = Fault(drip_s=0.05)

        with pytest.raises(SourceBusy, match="too slowly"):
            azure_prices.fetch(
                EASTUS, keep=Kept(tmp_path), patience=Patience(tries=2, first_pause_s=0.01, answer_within_s=0.2)
            )


def test_a_part_is_a_region_that_the_service_knows(facts: Facts) -> None:
    everywhere = {part.region for part in azure_prices.parts(facts=facts, regions=None)}
    few = azure_prices.parts(facts=facts, regions=["eastus", "us-east-1"])

    assert {"eastus", "usgovvirginia"} <= everywhere
    assert not any(region.startswith("china") for region in everywhere)  # priced elsewhere, and not in dollars
    assert few == [EASTUS]
