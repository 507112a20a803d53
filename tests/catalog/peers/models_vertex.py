"""Google's billing catalog and its list of models. The shapes are documented ones, prices are invented."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.catalog.peers.server import Answer, Request, as_json

KEY, TOKEN = "a key of the tests", "a token of the tests"
SERVICES = (
    ("6F81-5844-456A", "Compute Engine"),
    ("0000-1111-2222", "Vertex AI Search"),
    ("ABCD-0123-4567", "Vertex AI"),
)
PAGE = 2  # SKUs; Google's own have 5,000


def sku(
    description: str, usd_per_mtok: str, *, unit: str = "count", currency: str = "USD", **more: Any
) -> dict[str, Any]:
    """Return a SKU of one token, priced in units and billionths."""
    billionths = Decimal(usd_per_mtok) * 1000
    return {
        "name": f"services/ABCD-0123-4567/skus/{description}",
        "skuId": f"SKU of {description}",
        "description": description,
        "category": {"serviceDisplayName": "Vertex AI", "usageType": "OnDemand"},
        "serviceRegions": ["global"],
        "pricingInfo": [
            {
                "summary": "",
                "effectiveTime": "2026-11-20T08:00:00Z",
                "currencyConversionRate": 1,
                "pricingExpression": {
                    "usageUnit": unit,
                    "displayQuantity": 1000000,
                    "baseUnit": unit,
                    "baseUnitConversionFactor": 1,
                    "tieredRates": [
                        {
                            "startUsageAmount": 0,
                            "unitPrice": {"currencyCode": currency, "units": "0", "nanos": int(billionths)},
                        },
                        *more.get("tiers", ()),
                    ],
                },
            }
        ],
    }  # fmt: skip


def billing(
    skus: Sequence[Mapping[str, Any]],
    *,
    services: Sequence[tuple[str, str]] = SERVICES,
    following: Callable[[int], str] | None = None,
) -> Callable[[Request], Answer]:
    """Return the billing catalog of some services, of which Vertex AI has these SKUs."""

    def answer(request: Request) -> Answer:
        if request.headers.get("x-goog-api-key") != KEY:
            return as_json({"error": {"code": 403, "status": "PERMISSION_DENIED"}}, status=403)
        if request.path == "/v1/services":
            rows = [
                {"name": f"services/{name}", "serviceId": name, "displayName": called, "businessEntityName": "x"}
                for name, called in services
            ]
            return as_json({"services": rows, "nextPageToken": ""})
        if not re.fullmatch(r"/v1/services/[\w-]+/skus", request.path) or request.query.get("currencyCode") != "USD":
            return as_json({"error": {"code": 404}}, status=404)
        held = skus if "ABCD-0123-4567" in request.path else []
        start = int(request.query.get("pageToken", "0"))
        last = start + PAGE >= len(held)
        token = following(start) if following is not None else "" if last else str(start + PAGE)
        return as_json({"skus": held[start : start + PAGE], "nextPageToken": token})

    return answer


def listed(models: Mapping[str, Sequence[str]], *, following: str = "") -> Callable[[Request], Answer]:
    """Return Vertex AI's list of models: publisher → models."""

    def answer(request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return as_json({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, status=401)
        found = re.fullmatch(r"/v1beta1/publishers/([\w-]+)/models", request.path)
        if found is None:
            return as_json({"error": {"code": 404}}, status=404)
        held = list(models.get(found[1], ()))
        start = int(request.query.get("pageToken", "0"))
        more = {"nextPageToken": following or str(start + 1)} if following or start + 1 < len(held) else {}
        rows = [
            {"name": f"publishers/{found[1]}/models/{name}", "versionId": "default", "launchStage": "GA"}
            for name in held[start : start + 1]
        ]
        return as_json({"publisherModels": rows} | more if rows else more)

    return answer
