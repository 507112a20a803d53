"""Model prices out of the installed genai-prices: offline, and second-hand (it repeats what the platforms publish)."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from django.utils import timezone
from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from catalog.files import Facts
from catalog.records import ModelOffer
from catalog.sources import bedrock
from catalog.sources.model_names import of_platform
from catalog.sources.source import Found, Keep, Observed, Outside, Page, Part, SourceFailed

NAME = "models"
DATASET = "genai-prices-library"
PLATFORMS: Mapping[str, str] = {"aws": "Amazon Bedrock", "azure": "Microsoft Foundry", "google": "Vertex AI"}

_METERS: Mapping[str, str] = {
    "input_mtok": "input_usd_per_mtok",
    "output_mtok": "output_usd_per_mtok",
    "cache_read_mtok": "cached_input_usd_per_mtok",
    "cache_write_mtok": "cache_write_usd_per_mtok",
}
_TIERED = ("input_mtok", "output_mtok")  # those with columns for batches and for long prompts


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return its one part, unless regions are wanted: it knows of none."""
    return [Part(source=NAME, dataset=DATASET, region="global")] if regions is None else []


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep what the library holds of the three providers. Asks nobody."""
    today = timezone.now().date()
    providers = {provider.id: provider for provider in get_snapshot().providers if provider.id in PLATFORMS}
    begins = [begin for provider in providers.values() for begin in _begins(provider) if begin <= today]
    # Of the days only the last on which a price began is kept: the same library is then the same bytes until the next.
    taken = {
        "as_of": max(begins, default=dt.date.min).isoformat(),
        "providers": {name: [_plain(model) for model in provider.models] for name, provider in providers.items()},
    }
    body = json.dumps(taken, indent=1, sort_keys=True).encode()
    keep(url=f"python:genai-prices/{version('genai-prices')}", pieces=[body], version=version("genai-prices"))


def _begins(provider: types.Provider) -> Iterator[dt.date]:
    for model in provider.models:
        for row in (*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())):
            if isinstance(row.constraint, types.StartDateConstraint):
                yield row.constraint.start_date


def _plain(model: types.ModelInfo) -> dict[str, Any]:
    standard = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
    return {
        "id": model.id,
        "named": sorted(_texts(model.match)),
        "prices": [_dated(row.constraint, row.prices) for row in standard],
        "variants": [_dated(row.constraint, row.prices) | {"when": row.when} for row in model.price_variants or ()],
    }


def _texts(clause: Any) -> Iterator[str]:
    for value in vars(clause).values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for inner in value:
                yield from _texts(inner)


def _dated(constraint: object, prices: types.ModelPrice) -> dict[str, Any]:
    begins = constraint.start_date.isoformat() if isinstance(constraint, types.StartDateConstraint) else None
    return {
        "begins": begins,
        "else": None if constraint is None or begins else type(constraint).__name__,
        "prices": {key: _price(value) for key, value in vars(prices).items() if value is not None},
    }


def _price(value: Decimal | types.TieredPrices) -> Any:
    if isinstance(value, types.TieredPrices):
        return {"base": str(value.base), "tiers": [[tier.start, str(tier.price)] for tier in value.tiers]}
    return str(value)


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read the prices of models that we hold under exactly the ids the library gives. Pure. Raises SourceFailed."""
    outside: Counter[str] = Counter()
    for page in pages:
        try:
            taken = json.loads(page.path.read_bytes())
            as_of = dt.date.fromisoformat(taken["as_of"])
            for provider, models in taken["providers"].items():
                offers = of_platform(facts, PLATFORMS[provider])
                for model in models:
                    mine = _offers(model, provider=provider, offers=offers)
                    if not mine:
                        outside["Models of genai-prices without a row in model_offers.csv"] += 1
                    for offer in mine:
                        yield from _observed(model, offer=offer, as_of=as_of, locator=f"{page.url} {provider}")
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise SourceFailed(f"genai-prices has changed its shape: {error!r}.") from error
    for what, count in sorted(outside.items()):
        yield Outside(count=count, what=what)


def _offers(model: Mapping[str, Any], *, provider: str, offers: Sequence[ModelOffer]) -> list[ModelOffer]:
    """Return the offers that a model of the library is, by id. Its own rules of matching are too generous.

    They say that eu.amazon.nova-lite is priced like amazon.nova-lite, which is the price of another continent.
    """
    name = str(model["id"]).lower()
    if provider != "aws":
        same = [offer for offer in offers if offer.model_id.lower() == name]
        return [offer for offer in same if offer.scope == "global"] or [o for o in same if o.scope == "unstated"]
    scope, _, rest = name.partition(".")
    if scope not in ("global", "regional"):
        scope, rest = "unstated", name
    named = tuple(str(text).lower() for text in model["named"])
    # 'regional' is what us-east-1 charges: of profiles it speaks for us alone, even where it names others.
    us = scope == "regional" and any(text.startswith("us.") for text in named)
    return [
        offer
        for offer in offers
        if (offer.scope == scope or (us and offer.scope == "us"))
        and bedrock.same_model(bedrock.foundation_id(offer.model_id), rest)
    ]


def _observed(model: Mapping[str, Any], *, offer: ModelOffer, as_of: dt.date, locator: str) -> Iterator[Observed]:
    standard = _in_force(model["prices"], as_of=as_of)
    batch = _in_force([row for row in model["variants"] if row["when"] == {"processing": "batch"}], as_of=as_of)
    rows = [(standard, "")] + ([(batch, "batch_")] if batch else [])
    for row, before in rows:
        for key, price in (row["prices"] if row else {}).items():
            meter = _METERS.get(key)
            if meter is None or (before and key not in _TIERED):
                continue  # searches, images, sound, an hour of cache
            base, tiers = (price, []) if isinstance(price, str) else (price["base"], price["tiers"])
            stated = [(f"{before}{meter}", base)]
            if not before and key in _TIERED and [begin for begin, _ in tiers] == [offer.long_context_threshold_tokens]:
                stated.append((f"long_context_{meter}", tiers[0][1]))
            for column, text in stated:
                amount = Decimal(text)
                yield Observed(
                    subject="model_offer",
                    key=offer.id,
                    meter=column,
                    amount=amount if amount > 0 else None,
                    locator=f"{locator} {model['id']}",
                    problem="" if amount > 0 else "The price is zero.",
                    stated=f"{text} USD per million tokens",
                    effective_from=dt.date.fromisoformat(row["begins"]) if row and row["begins"] else None,
                    as_of=as_of,
                )


def _in_force(rows: Sequence[Mapping[str, Any]], *, as_of: dt.date) -> Mapping[str, Any] | None:
    """Return the last row that has begun. Rows under another condition (an hour of the day) are no list price."""
    begun = [
        (row["begins"] or "", place, row)
        for place, row in enumerate(rows)
        if row["else"] is None and (row["begins"] is None or row["begins"] <= as_of.isoformat())
    ]
    return max(begun, key=lambda row: row[:2])[2] if begun else None
