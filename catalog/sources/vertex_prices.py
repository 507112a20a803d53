"""Token prices of the models on Vertex AI: the SKUs of Google's Cloud Billing catalog. Needs an API key."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings

from catalog.files import Facts
from catalog.sources import google_pages
from catalog.sources.http import Asker
from catalog.sources.model_names import families, of_platform, spelled, untuned
from catalog.sources.source import Found, Keep, NotConfigured, Observed, Outside, Page, Part, SourceFailed

NAME = "models"
DATASET = "google-vertex-prices"
SERVICE = "Vertex AI"  # found by its name: ids of services are published nowhere
PAGES_MOST = 100
TOKENS = Decimal(1_000_000)  # a SKU's unit is one token

_MEANS: Mapping[str, str] = {
    "input": "input",
    "output": "output",
    "caching": "cached",
    "cached": "cached",
    "batch": "batch",
    "long": "long",
    "text": "text",
    "global": "global",
    "regional": "regional",
    "ga": "ga",
    "token": "",
    "tokens": "",
    "predictions": "",
}
_METERS: Mapping[frozenset[str], str] = {
    frozenset({"input"}): "input_usd_per_mtok",
    frozenset({"output"}): "output_usd_per_mtok",
    frozenset({"input", "cached"}): "cached_input_usd_per_mtok",
    frozenset({"input", "batch"}): "batch_input_usd_per_mtok",
    frozenset({"output", "batch"}): "batch_output_usd_per_mtok",
    frozenset({"input", "long"}): "long_context_input_usd_per_mtok",
    frozenset({"output", "long"}): "long_context_output_usd_per_mtok",
}
_GARDEN = "Cloud Vertex AI Model Garden Model as a Service "


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return its one part, unless regions are wanted: its offers name none. Raises NotConfigured without a key."""
    if not settings.GOOGLE_API_KEY:
        raise NotConfigured("GOOGLE_API_KEY is not set: Google's Cloud Billing catalog asks for a key.")
    return [Part(source=NAME, dataset=DATASET, region="global")] if regions is None else []


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep the list of services until Vertex AI is found, and all of its SKUs. Raises SourceBusy and SourceFailed."""
    key = {"X-Goog-Api-Key": settings.GOOGLE_API_KEY}
    with Asker(base=settings.GOOGLE_BILLING_URL, pace_name="google-billing", headers=key) as asker:
        service = next(
            (
                str(row["name"])
                for page in _paged(asker, "/v1/services", keep=keep)
                for row in page.get("services", ())
                if row.get("displayName") == SERVICE
            ),
            None,
        )
        if service is None or not re.fullmatch(r"services/[\w-]+", service):
            raise SourceFailed(f"Google's billing catalog names no service {SERVICE!r}: is it called otherwise now?")
        found = sum(
            len(page.get("skus", ())) for page in _paged(asker, f"/v1/{service}/skus", keep=keep, currencyCode="USD")
        )
        if not found:
            raise SourceFailed(f"Google states no SKU of {SERVICE!r}: a wrong id answers so too.")


def _paged(asker: Asker, path: str, *, keep: Keep, **question: str) -> Iterator[dict[str, Any]]:
    return map(_page, google_pages.pages(asker, path, keep=keep, most=PAGES_MOST, pageSize="5000", **question))


def _page(body: bytes) -> dict[str, Any]:
    try:
        page = json.loads(body)
    except ValueError as error:
        raise SourceFailed(f"Google's answer is cut or no JSON: {error}.") from error
    if not isinstance(page, dict):
        raise SourceFailed("Google's answer has changed its shape.")
    return page


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read kept SKUs: token prices of models that we hold, per million tokens. Pure. Raises SourceFailed.

    Our offers of Vertex AI name no place: they are read as its global endpoint, so regional SKUs are only counted.
    """
    offers = of_platform(facts, "Vertex AI")
    ids = {offer.family: offer.id for offer in offers}
    known = families(offers, names=lambda offer: (re.sub(r"-maas$", "", offer.model_id.rpartition("/")[2]),))
    outside: Counter[str] = Counter()
    rows: dict[tuple[str, str], list[tuple[bool, Observed]]] = {}
    try:
        for page in pages:
            for sku in _page(page.path.read_bytes()).get("skus", ()):
                name, words = _split(str(sku["description"]))
                family = known.get(spelled(name)) or known.get(spelled(untuned(name)))
                if family is None:
                    outside["SKUs of Vertex AI of models or kinds without a row in model_offers.csv"] += 1
                elif (meter := _meter(name, words)) is None:
                    outside["SKUs of Vertex AI of models that we hold, of another kind or place"] += 1
                else:
                    observed = _observed(sku, key=ids[family], meter=meter)
                    rows.setdefault((observed.key, meter), []).append(("ga" in words, observed))
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, ArithmeticError) as error:
        raise SourceFailed(f"A SKU of {SERVICE} has changed its shape: {error!r}.") from error
    for found in rows.values():
        general = any(ga for ga, _ in found)  # a preview keeps its own SKU, at its own price, beside the one of GA
        yield from (observed for ga, observed in found if ga or not general)
    for what, count in sorted(outside.items()):
        yield Outside(count=count, what=what)


def _split(description: str) -> tuple[str, set[str]]:
    name, words = [], set[str]()
    for word in re.sub(r"[()]|(?<=\s)-(?=\s)", " ", description.removeprefix(_GARDEN)).split():
        means = _MEANS.get(word.lower())
        if means is None:
            name.append(word)
        else:
            words.add(means)
    return " ".join(name), words - {""}


def _meter(name: str, words: Collection[str]) -> str | None:
    """Return the column of a SKU; none where it is regional, or where a Gemini does not say that it is text.

    Without that word 'Gemini 2.5 Flash Image Output' is an image, of a model that is named so too.
    """
    if "regional" in words or (name.lower().startswith("gemini") and "text" not in words):
        return None
    return _METERS.get(frozenset(words) - {"text", "global", "ga"})


def _observed(sku: Mapping[str, Any], *, key: str, meter: str) -> Observed:
    info = sku["pricingInfo"][-1]
    expression = info["pricingExpression"]
    rates, unit = expression["tieredRates"], str(expression["usageUnit"])
    price = rates[0]["unitPrice"]
    amount = Decimal(int(price.get("units") or 0)) + Decimal(int(price.get("nanos") or 0)) / Decimal(10**9)
    problem = ""
    if price["currencyCode"] != "USD":
        problem = "The price is not in USD."
    elif unit != "count":
        problem = f"The unit {unit!r} is unknown: not a count of tokens."
    elif len(rates) != 1 or rates[0].get("startUsageAmount"):
        problem = "The price depends on the volume."
    elif amount <= 0:
        problem = "The price is zero."
    return Observed(
        subject="model_offer",
        key=key,
        meter=meter,
        amount=None if problem else amount * TOKENS,
        locator=f"skuId={sku['skuId']} {str(sku['description'])!r}",
        problem=problem,
        stated=f"{amount:f} {price['currencyCode']} per {unit}",
        effective_from=dt.date.fromisoformat(info["effectiveTime"][:10]) if info.get("effectiveTime") else None,
    )
