"""An offer file of EC2 in AWS's layout, of any size, with made-up prices."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.files import Facts
from catalog.sources import aws_offer_file, aws_terms
from catalog.sources.source import Observed, Page, Part

VERSION = "20261101000000"
_BYTES_A_PRODUCT = 7020  # with its terms, as written here
_OTHERS: Sequence[Mapping[str, str]] = (
    {"operatingSystem": "Windows", "licenseModel": "No License required", "operation": "RunInstances:0002"},
    {"operatingSystem": "RHEL", "operation": "RunInstances:0010"},
    {"operatingSystem": "SUSE", "operation": "RunInstances:000g"},
    {"preInstalledSw": "SQL Std", "operation": "RunInstances:0004"},
    {"operatingSystem": "Windows", "licenseModel": "Bring your own license", "operation": "RunInstances:0800"},
    {"tenancy": "Dedicated"},
    {"tenancy": "Host"},
    {"capacitystatus": "AllocatedCapacityReservation"},
    {"capacitystatus": "UnusedCapacityReservation"},
    {"locationType": "AWS Local Zone", "regionCode": "us-east-1-nyc-1"},
)


def product(sku: str, *, machine: str, region: str, **attributes: str) -> dict[str, Any]:
    """Return a product as the price list states it: a plain Linux hour but for the given attributes."""
    plain = {
        "servicecode": "AmazonEC2",
        "location": "US East (N. Virginia)",
        **aws_terms.PLAIN_LINUX,
        "instanceType": machine,
        "currentGeneration": "Yes",
        "instanceFamily": "GPU instance",
        "vcpu": "96",
        "physicalProcessor": "Intel Xeon Platinum 8275L",
        "clockSpeed": "3 GHz",
        "memory": "1152 GiB",
        "storage": "8 x 1000 SSD",
        "networkPerformance": "400 Gigabit",
        "processorArchitecture": "64-bit",
        "usagetype": f"BoxUsage:{machine}",
        "operation": "RunInstances",
        "availabilityzone": "NA",
        "classicnetworkingsupport": "false",
        "dedicatedEbsThroughput": "19000 Mbps",
        "ecu": "345",
        "enhancedNetworkingSupported": "No",
        "gpu": "8",
        "gpuMemory": "NA",
        "intelAvxAvailable": "Yes",
        "intelTurboAvailable": "Yes",
        "normalizationSizeFactor": "192",
        "processorFeatures": "Intel AVX; Intel AVX2; Intel AVX512; Intel Turbo",
        "regionCode": region,
        "servicename": "Amazon Elastic Compute Cloud",
        "vpcnetworkingsupport": "true",
    }
    return {"sku": sku, "productFamily": "Compute Instance", "attributes": plain | attributes}


def term(sku: str, code: str, *rates: tuple[str, str], currency: str = "USD", **attributes: str) -> dict[str, Any]:
    """Return one term by its key; each rate is a unit and a price. Attributes make it a reservation."""
    dimensions = {
        f"{sku}.{code}.{place}": {
            "rateCode": f"{sku}.{code}.{place}",
            "unit": unit,
            **({} if unit == "Quantity" else {"beginRange": "0", "endRange": "Inf"}),
            "description": "Upfront Fee" if unit == "Quantity" else f"{price} per hour",
            "appliesTo": [],
            "pricePerUnit": {currency: price},
        }
        for place, (unit, price) in enumerate(rates)
    }
    whole = {
        "offerTermCode": code,
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "priceDimensions": dimensions,
        "termAttributes": attributes,
    }
    return {f"{sku}.{code}": whole}


def reservations(sku: str, *, hour: float) -> dict[str, Any]:
    """Return the eight reservations of a product: one and three years, standard and convertible, upfront or not."""
    found: dict[str, Any] = {}
    for number, (lease, kind, purchase) in enumerate(
        itertools.product(("1yr", "3yr"), ("standard", "convertible"), ("No Upfront", "All Upfront"))
    ):
        share, hours = (0.6, 8760) if lease == "1yr" else (0.4, 26280)
        rates = [("Hrs", f"{hour * share:.10f}")]
        if purchase == "All Upfront":
            rates = [("Quantity", f"{hour * share * hours * 0.97:.0f}"), ("Hrs", "0.0000000000")]
        attributes = {"LeaseContractLength": lease, "OfferingClass": kind, "PurchaseOption": purchase}
        found |= term(sku, f"RSVD{number:06d}", *rates, **attributes)
    return found


def write_offer_file(path: Path, *, region: str, size_bytes: int, machines: Sequence[str]) -> int:
    """Write an offer file of about this size; return its products and terms. Every machine has one plain Linux hour.

    Beside it stands its Capacity Block at $0.00, and as many other products as the size takes.
    """
    number = max(size_bytes // _BYTES_A_PRODUCT, 2 * len(machines))
    with path.open("w", encoding="utf-8") as file:
        head = {
            "formatVersion": "v1.0",
            "disclaimer": "Made up for measuring: no price here was ever asked.",
            "offerCode": "AmazonEC2",
            "version": VERSION,
            "publicationDate": "2026-11-01T00:00:00Z",
        }
        file.write(json.dumps(head, indent=1)[:-2] + ',\n "products": ')
        _write_object(file, ((sku, made) for sku, made, _ in _products(number, region=region, machines=machines)))
        file.write(',\n "terms": {"OnDemand": ')
        hours = [(sku, hour) for sku, _, hour in _products(number, region=region, machines=machines)]
        _write_object(file, ((sku, term(sku, "JRTCKXETXF", ("Hrs", f"{hour:.10f}"))) for sku, hour in hours))
        file.write(',\n "Reserved": ')
        _write_object(file, ((sku, reservations(sku, hour=hour)) for sku, hour in hours if hour))
        file.write('},\n "attributesList": {}\n}\n')
    return number + number + 8 * sum(1 for _, hour in hours if hour)


def _products(number: int, *, region: str, machines: Sequence[str]) -> Iterator[tuple[str, dict[str, Any], float]]:
    for place in range(number):
        machine, sku, hour = machines[place % len(machines)], f"SKU{place:013d}", 0.25 * (1 + place % len(machines))
        if place < len(machines):
            yield sku, product(sku, machine=machine, region=region), hour
        elif place < 2 * len(machines):
            other = {"marketoption": "CapacityBlock", "operation": "RunInstances:CB"}
            yield sku, product(sku, machine=machine, region=region, **other), 0.0
        else:
            yield sku, product(sku, machine=machine, region=region, **_OTHERS[place % len(_OTHERS)]), hour


def _write_object(file: Any, members: Iterator[tuple[str, Any]]) -> None:
    file.write("{")
    for place, (key, value) in enumerate(members):
        file.write(f"{',' if place else ''}\n{json.dumps(key)}: {json.dumps(value, indent=1)}")
    file.write("}")


def read_offer_file(path: Path, *, region: str, facts: Facts) -> int:
    """Read a file as the catalog does; return how many prices it holds for the machines of the facts."""
    part = Part(source=aws_offer_file.NAME, dataset=aws_offer_file.DATASET, region=region)
    pages = [Page(url="index", path=path), Page(url="file", path=path, version=VERSION)]
    return sum(isinstance(row, Observed) for row in aws_offer_file.read(part, pages=pages, facts=facts))
