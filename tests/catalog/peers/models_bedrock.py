"""AWS as far as Bedrock's models go: its three price offers as bulk files, and its control plane, which wants SigV4.

Shapes are those that AWS documents; prices are invented, near what is charged.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.catalog.peers.aws import is_signed_rightly
from tests.catalog.peers.server import Answer, Request, as_json

VERSION = "20261120103045"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>bedrock)/aws4_request, "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product of an offer, with its one price dimension."""

    usage: str
    usd: str
    unit: str = "1K tokens"
    model: str = ""
    inference: str = ""
    feature: str = "On-demand Inference"
    service: str = ""
    tier: str = ""
    begins: str = "0"
    currency: str = "USD"


@dataclass
class Offers:
    """The bulk files: offer → region → products. `bodies` stands in for a file where it is set."""

    products: Mapping[str, Mapping[str, Sequence[Product]]]
    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)
    address: str = "/offers/v1.0/aws/{offer}/{version}/{region}/index.json"

    def __call__(self, request: Request) -> Answer:
        if found := re.fullmatch(r"/offers/v1\.0/aws/(\w+)/current/region_index\.json", request.path):
            offer = found[1]
            regions = {
                region: {
                    "regionCode": region,
                    "currentVersionUrl": self.address.format(offer=offer, version=VERSION, region=region),
                }
                for region in ("il-central-1", *self.products.get(offer, {}))  # a region that nobody asks for
            }
            return as_json({"formatVersion": "v1.0", "publicationDate": "2026-11-20T10:30:45Z", "regions": regions})
        if found := re.fullmatch(rf"/offers/v1\.0/aws/(\w+)/{VERSION}/([\w-]+)/index\.json", request.path):
            name = (found[1], found[2])
            body = self.bodies.get(name) or json.dumps(_file(*name, self.products[name[0]][name[1]])).encode()
            start = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
            if start is None:
                return Answer(body=body)
            first = int(start[1])
            told = {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"}
            return Answer(body=body[first:], status=206, headers=told)
        return as_json({"message": "not here"}, status=404)


def _file(offer: str, region: str, products: Sequence[Product]) -> dict[str, Any]:
    skus = {f"SKU{place:04d}": product for place, product in enumerate(products)}
    return {
        "formatVersion": "v1.0",
        "disclaimer": "This pricing list is for informational purposes only.",
        "offerCode": offer,
        "version": VERSION,
        "publicationDate": "2026-11-20T10:30:45Z",
        "products": {
            sku: {
                "sku": sku,
                "productFamily": "Amazon Bedrock",
                "attributes": {
                    "servicecode": offer,
                    "servicename": product.service or "Amazon Bedrock",
                    "regionCode": region,
                    "usagetype": product.usage,
                    "operation": "",
                    **({"model": product.model} if product.model else {}),
                    **({"inferenceType": product.inference} if product.inference else {}),
                    **({"feature": product.feature} if not product.service else {}),
                    **({"service_tier": product.tier} if product.tier else {}),
                },
            }
            for sku, product in skus.items()
        },
        "terms": {
            "OnDemand": {
                sku: {
                    f"{sku}.JRTCKXETXF": {
                        "offerTermCode": "JRTCKXETXF",
                        "sku": sku,
                        "effectiveDate": "2026-11-01T00:00:00Z",
                        "priceDimensions": {
                            f"{sku}.JRTCKXETXF.6YS6EN2CT7": {
                                "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
                                "description": "",
                                "beginRange": product.begins,
                                "endRange": "Inf",
                                "unit": product.unit,
                                "pricePerUnit": {product.currency: product.usd},
                                "appliesTo": [],
                            }
                        },
                        "termAttributes": {},
                    }
                }
                for sku, product in skus.items()
            }
        },
        "attributesList": {},
    }


def claude(
    kind: str, usd: str, *, name: str = "Claude Sonnet 5", place: str = "USE1", unit: str = "1M tokens"
) -> Product:
    """Return a product of the marketplace's offer, which names its model in the service's name only."""
    service = f"{name} (Amazon Bedrock Edition)"
    return Product(usage=f"{place}-MP:{place}_{kind}-Units", usd=usd, unit=unit, service=service)


def control(
    models: Sequence[Mapping[str, Any]],
    *,
    profiles: Sequence[Sequence[Mapping[str, Any]]] = ((),),
    same_token: bool = False,
) -> Callable[[Request], Answer]:
    """Return a control plane with models and pages of profiles."""

    def answer(request: Request) -> Answer:
        signed = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        query = urlencode(request.query, quote_via=quote)
        whole = dataclasses.replace(request, path=f"{request.path}?{query}" if query else request.path)
        if signed is None or not is_signed_rightly(whole, signed):
            return as_json({"message": "The security token included in the request is invalid"}, status=403)
        if request.path == "/foundation-models":
            return as_json({"modelSummaries": list(models)})
        if request.path == "/inference-profiles" and request.query.get("type") == "SYSTEM_DEFINED":
            place = int(request.query.get("nextToken", "0"))
            more = (
                {"nextToken": "1"} if same_token else {"nextToken": str(place + 1)} if place + 1 < len(profiles) else {}
            )
            return as_json({"inferenceProfileSummaries": list(profiles[min(place, len(profiles) - 1)])} | more)
        return as_json({"message": "no such operation"}, status=404)

    return answer


def model(model_id: str, *, ends: str | None = None, region: str = "us-east-1") -> dict[str, Any]:
    """Return a model as the control plane lists it."""
    lifecycle = {"status": "LEGACY" if ends else "ACTIVE", "startOfLifeTime": "2025-01-01T00:00:00Z"}
    return {
        "modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model_id}",
        "modelId": model_id,
        "modelName": model_id,
        "providerName": "Somebody",
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": lifecycle | ({"endOfLifeTime": ends} if ends else {}),
    }


def profile(profile_id: str, *model_ids: str) -> dict[str, Any]:
    """Return an inference profile over the models of some regions."""
    return {
        "inferenceProfileName": profile_id,
        "inferenceProfileId": profile_id,
        "inferenceProfileArn": f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{profile_id}",
        "models": [{"modelArn": f"arn:aws:bedrock:us-east-2::foundation-model/{name}"} for name in model_ids],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }
