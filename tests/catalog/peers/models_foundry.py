"""Azure's Retail Prices as far as Foundry's meters go. The shapes are documented ones, prices are invented."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.catalog.peers.server import Answer, Request, as_json

PAGE = 3  # items; Azure's own have 1,000


def meter(
    name: str, price: float, *, product: str = "Azure OpenAI", region: str = "eastus2", unit: str = "1M", **more: Any
) -> dict[str, Any]:
    """Return one item, as the price of a meter in a region."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "location": "US East 2",
        "effectiveStartDate": "2026-03-01T00:00:00Z",
        "meterId": f"meter of {name} in {region}",
        "meterName": name,
        "productId": "DZH318Z0D1L7",
        "skuId": f"sku of {name}",
        "productName": product,
        "skuName": name.removesuffix(" Tokens"),
        "serviceName": "Foundry Models",
        "serviceId": "DZH3180HX10K",
        "serviceFamily": "AI + Machine Learning",
        "unitOfMeasure": unit,
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": "",
    } | more


def retail(
    items: Sequence[Mapping[str, Any]], *, link: Callable[[str, int], str] | None = None
) -> Callable[[Request], Answer]:
    """Return Azure with these items. It knows the filter that we send, and gives no item where it names others."""

    def answer(request: Request) -> Answer:
        if request.path != "/api/retail/prices" or request.query.get("currencyCode") != "'USD'":
            return as_json({"Error": {"Code": "BadRequest"}}, status=400)
        wanted = dict(part.replace("'", "").split(" eq ") for part in request.query.get("$filter", "").split(" and "))
        names = {"serviceName": "serviceName", "armRegionName": "armRegionName", "priceType": "type"}
        held = [item for item in items if all(item[names[name]] == value for name, value in wanted.items())]
        start = int(request.query.get("$skip", "0"))
        base = f"http://{request.headers['host']}"
        query = f"currencyCode={quote(chr(39) + 'USD' + chr(39))}&$filter={quote(request.query['$filter'])}"
        following = f"{base}/api/retail/prices?{query}&$skip={start + PAGE}" if start + PAGE < len(held) else None
        if link is not None:
            following = link(base, start)
        return as_json(
            {
                "BillingCurrency": "USD",
                "CustomerEntityId": "Default",
                "CustomerEntityType": "Retail",
                "Items": held[start : start + PAGE],
                "NextPageLink": following,
                "Count": len(held[start : start + PAGE]),
            }
        )

    return answer
