"""Azure Retail Prices on this machine: filters, pages and envelope as documented. Every price is invented."""

import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.catalog.peers.server import Answer, Request, as_json

PATH = "/api/retail/prices"
_numbers = itertools.count(1)


def row(sku: str = "Standard_ND96isr_H100_v5", **said: Any) -> dict[str, Any]:
    """Return one meter of a Linux machine paid by the hour, as the service shapes it; `said` changes or adds fields."""
    size = sku.removeprefix("Standard_").replace("_", "")
    number = next(_numbers)
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": 90.25,
        "unitPrice": said.get("retailPrice", 90.25),
        "armRegionName": "eastus",
        "location": "US East",
        "effectiveStartDate": "2024-03-01T00:00:00Z",
        "meterId": f"00000000-0000-4000-8000-{number:012d}",
        "meterName": size,
        "productId": "DZH318Z0TEST",
        "skuId": f"DZH318Z0TEST/{number:04d}",
        "productName": "Virtual Machines Test Series",
        "skuName": size,
        "serviceName": "Virtual Machines",
        "serviceId": "DZH313Z7MMC8",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": sku,
    } | said


@dataclass
class RetailPrices:
    """What the service holds and how it answers; `link` and `envelope` make it lie."""

    rows: Sequence[dict[str, Any]]
    page_rows: int = 1000
    link: Callable[[str], str | None] = lambda link: link  # of a next-page link as it should be
    envelope: Callable[[dict[str, Any]], dict[str, Any]] = field(default=lambda page: page)

    def __call__(self, request: Request) -> Answer:
        if request.path != PATH:
            return as_json({"error": "no such page"}, status=404)
        wanted = re.fullmatch(
            r"serviceName eq '([^']*)' and armRegionName eq '([^']*)'", request.query.get("$filter", "")
        )
        if wanted is None or "|" in request.query["$filter"]:
            return as_json({"error": "the filter is not understood"}, status=400)
        with_plans = request.query.get("api-version") == "2023-01-01-preview"
        held = [
            item if with_plans else {name: value for name, value in item.items() if name != "savingsPlan"}
            for item in self.rows
            if (item["serviceName"], item["armRegionName"]) == wanted.groups()  # letter by letter, as in this version
        ]
        begin = int(request.query.get("$skip", 0))
        page = held[begin : begin + self.page_rows]
        link = None
        if begin + self.page_rows < len(held):
            base = f"http://{request.headers['host']}{PATH}"
            named = {name: value for name, value in request.query.items() if name != "$skip"}
            link = (
                f"{base}?{'&'.join(f'{name}={value}' for name, value in named.items())}&$skip={begin + self.page_rows}"
            )
        body = self.envelope(
            {
                "BillingCurrency": "USD",
                "CustomerEntityId": "Default",
                "CustomerEntityType": "Retail",
                "Items": page,
                "NextPageLink": self.link(link) if link else None,
                "Count": len(page),
            }
        )
        return Answer(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
