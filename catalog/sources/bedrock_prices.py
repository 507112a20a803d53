"""Prices of Bedrock's models, from the three offers that hold them: anonymous bulk files, region by region."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import ijson
from django.conf import settings

from catalog.files import Facts
from catalog.sources import bedrock
from catalog.sources.aws_offer_file import keep_version
from catalog.sources.http import Asker
from catalog.sources.model_names import families, spelled, untuned
from catalog.sources.source import Found, Keep, Observed, Outside, Page, Part, SourceFailed

NAME = "models"
DATASET = "aws-bedrock-prices"
# No single one holds all models: AmazonBedrock alone misses every current Claude.
OFFERS = ("AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels")
USD_PER_MTOK: Mapping[str, Decimal] = {"1k tokens": Decimal(1000), "1m tokens": Decimal(1)}  # by a dimension's unit

_METERS: Mapping[frozenset[str], str] = {
    frozenset({"input"}): "input_usd_per_mtok",
    frozenset({"output"}): "output_usd_per_mtok",
    frozenset({"input", "batch"}): "batch_input_usd_per_mtok",
    frozenset({"output", "batch"}): "batch_output_usd_per_mtok",
    frozenset({"input", "long"}): "long_context_input_usd_per_mtok",
    frozenset({"output", "long"}): "long_context_output_usd_per_mtok",
    frozenset({"cache", "read"}): "cached_input_usd_per_mtok",
    frozenset({"cache", "write"}): "cache_write_usd_per_mtok",
}
_SAYS_NOTHING = frozenset({"tokens", "token", "count", "text", "standard", "mantle", "units", "demand", "on"})
_MEANS = {
    "l": "long",  # LCtx
    "ctx": "long",
    "context": "long",
    "cacheread": "cache read",
    "cachewrite": "cache write",
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_TAIL = re.compile(r"[-_](?=(?:text|input|output|cache)[-_])", re.IGNORECASE)
_PLACE = re.compile(r"^[A-Z]{2,4}\d{0,2}[-_](?=.)")
_ID = re.compile(r"^[a-z0-9]+\.[a-z]")  # vendor.model
_EDITION = " (Amazon Bedrock Edition)"


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part for each region that speaks for model offers."""
    return [Part(source=NAME, dataset=DATASET, region=name) for name in bedrock.regions(facts, wanted=regions)]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep the region's newest file of each offer that has one. Raises SourceBusy and SourceFailed."""
    found = 0
    with Asker(base=settings.AWS_BULK_PRICING_URL, pace_name="aws-bulk") as asker:
        for offer in OFFERS:
            index = f"/offers/v1.0/aws/{offer}/current/region_index.json"
            address = _file(asker.get(index), offer=offer, region=part.region)
            if address is None:
                continue
            found += 1
            keep_version(asker, address, keep=keep)
    if not found:
        raise SourceFailed(f"None of {', '.join(OFFERS)} has a file of {part.region}.")


def _file(body: bytes, *, offer: str, region: str) -> str | None:
    try:
        regions = json.loads(body)["regions"]
        entry = regions.get(region)
        address = None if entry is None else str(entry["currentVersionUrl"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceFailed(f"The region index of {offer} has changed its shape: {error!r}.") from error
    if not regions:
        raise SourceFailed(f"The region index of {offer} names no region.")
    if address is not None and not re.fullmatch(rf"/offers/v1\.0/aws/{offer}/[^/]+/{region}/index\.json", address):
        raise SourceFailed(f"The region index of {offer} names no versioned file of {region}: {address!r}.")
    return address


@dataclass(frozen=True)
class _Rate:
    """What one product of an offer is a price of."""

    key: str
    meter: str
    note: str


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read kept files: token prices of models that we hold, per million tokens. Pure. Raises SourceFailed."""
    offers = bedrock.offers(facts)
    ids = {(offer.family, offer.scope): offer.id for offer in offers}
    known = families(offers, names=bedrock.names)
    outside: Counter[str] = Counter()
    for page in pages:
        try:
            rates = _rates(page, part=part, ids=ids, known=known, outside=outside)
            yield from _prices(page, rates=rates)
        except (ijson.JSONError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise SourceFailed(f"{page.url} is cut or has changed its shape: {error!r}.") from error
    for what, count in sorted(outside.items()):
        yield Outside(count=count, what=what)


def _rates(
    page: Page, *, part: Part, ids: Mapping[tuple[str, str], str], known: Mapping[str, str], outside: Counter[str]
) -> dict[str, list[_Rate]]:
    rates: dict[str, list[_Rate]] = {}
    count = 0
    with page.path.open("rb") as file:
        for sku, product in ijson.kvitems(file, "products"):
            count += 1
            attributes = product["attributes"]
            if attributes.get("regionCode", part.region) != part.region:
                continue
            name, tail = _name_and_tail(attributes)
            meter, is_global = _meter(tail, attributes)
            if meter is None:
                if "token" in tail.lower():
                    outside["Bedrock token rates of another kind: flex, priority, custom models, images, sound"] += 1
                continue
            family = known.get(spelled(name)) or known.get(spelled(untuned(name)))
            if family is None:
                outside["Bedrock models without a row in model_offers.csv"] += 1
                continue
            scopes = bedrock.scopes(part.region)
            scopes = tuple(scope for scope in scopes if (scope == "global") == is_global)
            held = [scope for scope in scopes if (family, scope) in ids]
            if not held:
                outside["Bedrock prices of models that we hold, for places that we do not"] += 1
                continue
            said = f"As {part.region} charges it."  # of a geography, or of no place at all
            rates[sku] = [
                _Rate(ids[family, scope], meter, "" if scope in (part.region, "global") else said) for scope in held
            ]
    if not count:
        raise SourceFailed(f"{page.url} holds no product.")
    return rates


def _name_and_tail(attributes: Mapping[str, str]) -> tuple[str, str]:
    """Return the model of a product and what of it is priced; no name where the product contradicts itself."""
    usage = attributes.get("usagetype", "")
    if "MP:" in usage:  # sold through the marketplace: USE1-MP:USE1_InputTokenCount_Global-Units
        tail = _PLACE.sub("", usage.partition("MP:")[2]).removesuffix("-Units")
        return attributes.get("servicename", "").removesuffix(_EDITION), tail
    usage = _PLACE.sub("", usage)
    found = _TAIL.search(usage)
    if found is None:
        return "", ""
    head, tail = usage[: found.start()].removesuffix("-mantle"), usage[found.end() :]
    name = attributes.get("model") or head
    if _ID.match(head):
        return head, tail
    # A word beside the model's name (latency-optimized, custom) is another product under the same model.
    same = sorted(spelled(head).replace(" ", "")) == sorted(spelled(name).replace(" ", ""))
    return (name if same else ""), tail


def _meter(tail: str, attributes: Mapping[str, str]) -> tuple[str | None, bool]:
    """Return the column a product is a price of, and whether of the global profile; None where any word is unknown."""
    said = f"{tail} {attributes.get('inferenceType') or ''}"
    words = {
        word for raw in _WORD.findall(said) for word in _MEANS.get(raw.lower(), raw.lower()).split()
    } - _SAYS_NOTHING
    tier, feature = (attributes.get(name, "").lower() for name in ("service_tier", "feature"))
    if tier not in ("", "standard", "batch") or not re.fullmatch(r"|on-?demand.*|.*batch.*", feature):
        return None, False
    if "batch" in tier or "batch" in feature:
        words |= {"batch"}
    is_global = "global" in words
    words -= {"global", "cross", "region"} if is_global else set()
    if "cache" in words:
        words -= {"input"}  # a cached token is an input token
    return _METERS.get(frozenset(words)), is_global


def _prices(page: Page, *, rates: Mapping[str, Sequence[_Rate]]) -> Iterator[Observed]:
    with page.path.open("rb") as file:
        for sku, terms in ijson.kvitems(file, "terms.OnDemand"):
            for term in terms.values() if sku in rates else ():
                for code, dimension in term["priceDimensions"].items():
                    amount, problem, stated = _amount(dimension)
                    for rate in rates[sku]:
                        yield Observed(
                            subject="model_offer",
                            key=rate.key,
                            meter=rate.meter,
                            amount=amount,
                            locator=f"{page.url.partition('/aws/')[2]} {code}",
                            problem=problem,
                            stated=stated,
                            effective_from=_day(term.get("effectiveDate")),
                            note=rate.note,
                        )


def _amount(dimension: Mapping[str, Any]) -> tuple[Decimal | None, str, str]:
    prices, unit = dimension["pricePerUnit"], str(dimension.get("unit", ""))
    stated = ", ".join(f"{price} {currency} per {unit}" for currency, price in prices.items())
    if set(prices) != {"USD"}:
        return None, "The price is not in USD.", stated
    if (factor := USD_PER_MTOK.get(unit.lower())) is None:
        return None, f"The unit {unit!r} is unknown: neither thousands nor millions of tokens.", stated
    if str(dimension.get("beginRange", "0")) != "0":
        return None, "The price holds beyond a volume only.", stated
    try:
        amount = Decimal(prices["USD"]) * factor
    except InvalidOperation:
        return None, "The price is no number.", stated
    return (amount, "", stated) if amount > 0 else (None, "The price is zero.", stated)


def _day(text: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
