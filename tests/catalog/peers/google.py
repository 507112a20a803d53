"""Google's Cloud Billing catalog on this machine: services, SKUs, pages as documented. Every price is invented."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.catalog.peers.server import Answer, Request, as_json

KEY = "a-key-that-must-not-be-seen"
COMPUTE, TPU = "6F81-5844-456A", "E000-3F24-B8AA"
SERVICES = {"Compute Engine": COMPUTE, "Cloud TPU": TPU, "Cloud Storage": "95FF-2EF5-5EA1"}
_numbers = itertools.count(1)


def sku(
    description: str,
    price: str,
    *,
    usage: str = "OnDemand",
    unit: str = "h",
    regions: Sequence[str] = ("us-central1",),
    currency: str = "USD",
    **said: Any,
) -> dict[str, Any]:
    """Return one SKU as the catalog shapes it: whole units as text, the rest in billionths."""
    number = next(_numbers)
    whole = int(Decimal(price))
    return {
        "name": f"services/{COMPUTE}/skus/TEST-{number:04d}",
        "skuId": f"TEST-{number:04d}",
        "description": description,
        "category": {
            "serviceDisplayName": "Compute Engine",
            "resourceFamily": "Compute",
            "resourceGroup": "GPU",
            "usageType": usage,
        },
        "serviceRegions": list(regions),
        "pricingInfo": [
            {
                "summary": "",
                "pricingExpression": {
                    "usageUnit": unit,
                    "displayQuantity": 1,
                    "tieredRates": [
                        {
                            "startUsageAmount": 0,
                            "unitPrice": {
                                "currencyCode": currency,
                                "units": str(whole),
                                "nanos": int((Decimal(price) - whole) * 1_000_000_000),
                            },
                        }
                    ],
                    "baseUnit": "s",
                    "baseUnitConversionFactor": 3600,
                },
                "currencyConversionRate": 1,
                "effectiveTime": "2026-11-20T08:00:00.000Z",
            }
        ],
        "serviceProviderName": "Google",
        "geoTaxonomy": {"type": "MULTI_REGIONAL", "regions": list(regions)},
    } | said


def a2(**more: Any) -> list[dict[str, Any]]:
    """Return what an A2 machine consists of besides its GPUs, paid by the hour."""
    return [
        sku("A2 Instance Core running in Americas", "0.03", **more),
        sku("A2 Instance Ram running in Americas", "0.004", unit="GiBy.h", **more),
    ]


V4 = sku("Tpu-v4 Pod Accelerator USA", "12.8", regions=["us-central2"])


@dataclass
class BillingCatalog:
    """What the catalog holds and how it answers; `token` and `page` make it lie."""

    skus: Sequence[dict[str, Any]]
    tpu: Sequence[dict[str, Any]] = (V4,)
    services: Mapping[str, str] = field(default_factory=lambda: SERVICES)
    page_rows: int = 5000
    token: Callable[[str], str] = lambda token: token
    page: Callable[[dict[str, Any]], Any] = lambda page: page

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("x-goog-api-key") != KEY or "key" in request.query:
            return as_json({"error": {"code": 403, "status": "PERMISSION_DENIED"}}, status=403)
        if request.path == "/v1/services":
            rows = [
                {"name": f"services/{number}", "serviceId": number, "displayName": name}
                for name, number in self.services.items()
            ]
            return as_json({"services": rows, "nextPageToken": ""})
        match = re.fullmatch(r"/v1/services/([0-9A-F-]+)/skus", request.path)
        if match is None or request.query.get("currencyCode") != "USD":
            return as_json({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, status=400)
        held = {COMPUTE: self.skus, TPU: self.tpu}.get(match[1], ())  # an unknown service has no SKUs, and is no error
        begin = int(request.query.get("pageToken", "page-0").removeprefix("page-"))
        rows_here = min(self.page_rows, int(request.query.get("pageSize", 5000)))
        end = begin + rows_here
        return as_json(
            self.page(
                {
                    "skus": list(held[begin:end]),
                    "nextPageToken": self.token(f"page-{end}") if end < len(held) else "",
                }
            )
        )
