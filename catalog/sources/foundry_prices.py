"""Token prices of the models on Microsoft Foundry: the meters of Azure's Retail Prices. Anonymous."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings

from catalog.files import Facts
from catalog.records import ModelOffer
from catalog.sources.http import Asker
from catalog.sources.model_names import families, of_platform, spelled, untuned
from catalog.sources.source import Found, Keep, Observed, Outside, Page, Part, SourceFailed

NAME = "models"
DATASET = "azure-foundry-prices"
SERVICE = "Foundry Models"  # once 'Cognitive Services', which still answers 200, with nothing
PAGES_MOST = 200
# A data zone is one price in most of its regions, not in all. One region speaks for each scope. The zone of Asia has
# no meter yet of a model that we hold there.
SPEAKS_FOR: Mapping[str, Mapping[str, str]] = {
    "eastus2": {"global": "global", "data zone": "us"},
    "swedencentral": {"data zone": "eu"},
}
USD_PER_MTOK: Mapping[str, Decimal] = {"1k": Decimal(1000), "1m": Decimal(1)}  # by unitOfMeasure
FOUNDRY, FIREWORKS = "Microsoft Foundry", "Fireworks on Microsoft Foundry"

_MEANS: Mapping[str, str] = {
    "inp": "input",
    "inpt": "input",
    "input": "input",
    "outp": "output",
    "outpt": "output",
    "output": "output",
    "out": "output",
    "opt": "output",
    "cached": "cached",
    "cchd": "cached",
    "ccchd": "cached",
    "cache": "cached",
    "cd": "cached",
    "ch": "cached",
    "wr": "write",
    "batch": "batch",
    "longco": "long",
    "l": "long",
    "glbl": "global",
    "global": "global",
    "gl": "global",
    "dzone": "data zone",
    "datazone": "data zone",
    "dzn": "data zone",
    "dz": "data zone",
    "regnl": "regional",
    "rgnl": "regional",
    "regional": "regional",
    "regn": "regional",
    "shortco": "",
    "std": "",
    "1m": "",
    "1k": "",
    "tokens": "",
}
_SCOPES = frozenset({"global", "data zone", "regional"})
_METERS: Mapping[frozenset[str], str] = {
    frozenset({"input"}): "input_usd_per_mtok",
    frozenset({"output"}): "output_usd_per_mtok",
    frozenset({"cached"}): "cached_input_usd_per_mtok",
    frozenset({"cached", "input"}): "cached_input_usd_per_mtok",
    frozenset({"cached", "write"}): "cache_write_usd_per_mtok",
    frozenset({"batch", "input"}): "batch_input_usd_per_mtok",
    frozenset({"batch", "output"}): "batch_output_usd_per_mtok",
    frozenset({"long", "input"}): "long_context_input_usd_per_mtok",
    frozenset({"long", "output"}): "long_context_output_usd_per_mtok",
}
# What stands before a model's name where the product says it already.
_FIRST = {
    "Azure OpenAI GPT5": "gpt",
    "Azure Grok Models": "grok",
    "Azure Kimi": "kimi",
    "Azure Mistral Models": "mistral",
    "Azure Deepseek Models": "deepseek",
}
# Names of meters that no rule of spelling gives; the dates are those of the versions that Foundry deploys by default.
_CALLED = {
    "gpt 4o 1120": "gpt-4o",
    "gpt 4o mini 0718": "gpt-4o-mini",
    "o1 1217": "o1",
    "o3 0416": "o3",
    "o3 mini 0131": "o3-mini",
    "o4-mini 0416": "o4-mini",
    "o3-deep research 0626": "o3-deep-research",
    "deepseek V3.2 SP": "deepseek-v3-2-speciale",
    "kimi K2.5 Thinking": "kimi-k2-5",
    "kimi K2.6 Thinking": "kimi-k2-6",
    "mistral MM3.5": "mistral-medium-3-5",
    "Llama 4 Maverick 17B": "llama-4-maverick",
    "Embed v4 Txt": "embed-v4",
    "FW MiniMax 3": "minimax-m3",
}


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part for each region that speaks for a scope of model offers."""
    wanted = [region for region in SPEAKS_FOR if regions is None or region in regions]
    return [Part(source=NAME, dataset=DATASET, region=region) for region in wanted]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep all pages of the region's meters. Raises SourceBusy and SourceFailed."""
    wanted = f"serviceName eq '{SERVICE}' and armRegionName eq '{part.region}' and priceType eq 'Consumption'"
    params = {"api-version": "2023-01-01-preview", "currencyCode": "'USD'", "$filter": wanted}
    address, query = "/api/retail/prices", f"?$filter={wanted}"
    seen: set[str] = set()
    with Asker(base=settings.AZURE_PRICES_URL, pace_name="azure-prices") as asker:
        for count in range(PAGES_MOST):
            body = asker.get(address, params=params if not count else None)
            keep(url=str(asker.base).rstrip("/") + address + query if not count else address, pieces=[body])
            page = _page(body)
            if not page["Items"] and not count:
                raise SourceFailed(
                    f"Azure states no price of '{SERVICE}' in {part.region}: is it called otherwise now?"
                )
            address = page.get("NextPageLink") or ""
            if not address:
                return
            if address in seen:
                raise SourceFailed("Azure's prices give the same next page twice.")
            seen.add(address)
    raise SourceFailed(f"Azure's prices of '{SERVICE}' have more than {PAGES_MOST} pages.")


def _page(body: bytes) -> dict[str, Any]:
    try:
        page: dict[str, Any] = json.loads(body, parse_float=Decimal)
        page["Items"] = list(page["Items"])
    except (ValueError, KeyError, TypeError) as error:
        raise SourceFailed(f"Azure's answer has changed its shape: {error!r}.") from error
    return page


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read kept meters: token prices of models that we hold, per million tokens. Pure. Raises SourceFailed."""
    names = _Names(facts)
    outside: Counter[str] = Counter()
    seen: set[tuple[str, ...]] = set()
    for page in pages:
        for item in _page(page.path.read_bytes())["Items"]:
            try:
                row = tuple(str(item.get(name)) for name in ("skuId", "meterId", "type", "tierMinimumUnits"))
                if row in seen:  # pages over a moving set repeat rows
                    continue
                seen.add(row)
                yield from _observed(item, part=part, names=names, outside=outside)
            except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
                raise SourceFailed(f"An item of Azure's prices has changed its shape: {error!r}.") from error
    if not seen:
        raise SourceFailed(f"Azure states no price of '{SERVICE}' in {part.region}.")
    for what, count in sorted(outside.items()):
        yield Outside(count=count, what=what)


class _Names:
    """The families of both platforms by what meters call them, and the offers by family and scope."""

    def __init__(self, facts: Facts) -> None:
        foundry, fireworks = of_platform(facts, FOUNDRY), of_platform(facts, FIREWORKS)
        self.offers: dict[tuple[str, str, str], ModelOffer] = {
            (offer.platform, offer.family, offer.scope): offer for offer in (*foundry, *fireworks)
        }
        self._known = {
            FOUNDRY: families(foundry, names=lambda offer: (offer.model_id.rpartition("/")[2],)),
            FIREWORKS: families(fireworks, names=lambda offer: (offer.model_id, offer.model_id.removeprefix("FW-"))),
        }
        self._called = {spelled(name): family for name, family in _CALLED.items()}

    def family(self, name: str, *, product: str) -> tuple[str, str | None]:
        platform = FIREWORKS if product == "Azure Fireworks Models" else FOUNDRY
        known = self._known[platform]
        for said in (name, f"{_FIRST.get(product, '')} {name}"):
            for tried in (spelled(said), spelled(untuned(said))):
                if (family := self._called.get(tried) or known.get(tried)) is not None:
                    return platform, family
        return platform, None

    def embeds(self, *, platform: str, family: str) -> bool:
        return any(offer.mode == "embedding" for key, offer in self.offers.items() if key[:2] == (platform, family))


def _observed(item: Mapping[str, Any], *, part: Part, names: _Names, outside: Counter[str]) -> Iterator[Observed]:
    if item["type"] != "Consumption" or item["armRegionName"] != part.region or item["serviceName"] != SERVICE:
        return
    meter_name, product = str(item["meterName"]), str(item["productName"])
    if not meter_name.endswith("Tokens"):
        return  # hours of provisioned throughput, searches, pages, hosting, storage
    name, words = _split(meter_name)
    platform, family = names.family(name, product=product)
    if family is None:
        outside["Foundry meters of models, versions or kinds without a row in model_offers.csv"] += 1
        return
    said = words & _SCOPES
    kind = words - _SCOPES
    if not kind and names.embeds(platform=platform, family=family):
        kind = {"input"}  # a meter of an embedding model does not say so
    meter = _METERS.get(frozenset(kind))
    if meter is None or len(said) != 1:
        outside["Foundry meters of models that we hold, of another kind"] += 1
        return
    scope = SPEAKS_FOR[part.region].get(next(iter(said)))
    note = ""
    if platform == FIREWORKS and scope == "us":  # Fireworks sells in data zones only, and its offers name no scope
        scope, note = "unstated", "Data zone of the US."
    offer = names.offers.get((platform, family, scope or ""))
    if offer is None or Decimal(item.get("tierMinimumUnits") or 0) > 0:
        outside["Foundry prices of models that we hold, for scopes that another region or nobody speaks for"] += 1
        return
    amount, problem, stated = _amount(item)
    yield Observed(
        subject="model_offer",
        key=offer.id,
        meter=meter,
        amount=amount,
        locator=f"{part.region} meterId={item.get('meterId')} {meter_name!r}",
        problem=problem,
        stated=stated,
        effective_from=_day(item.get("effectiveStartDate")),
        note=note,
    )


def _split(meter_name: str) -> tuple[str, set[str]]:
    """Return what is left of a meter's name, which must be a model's, and what its known words mean."""
    name, words = [], set[str]()
    for word in re.split(r"[\s_-]+", re.sub(r"data[\s-]zone", "DataZone", meter_name, flags=re.IGNORECASE)):
        means = _MEANS.get(word.lower())
        if means is None or (word.lower() == "l" and word != "L"):
            name.append(word)
        else:
            words.add(means)
    return " ".join(name), words - {""}


def _amount(item: Mapping[str, Any]) -> tuple[Decimal | None, str, str]:
    price, currency, unit = Decimal(item["retailPrice"]), item.get("currencyCode"), str(item["unitOfMeasure"])
    stated = f"{price:f} {currency} per {unit}"
    if currency != "USD":
        return None, "The price is not in USD.", stated
    if (factor := USD_PER_MTOK.get(unit.lower().removesuffix(" tokens"))) is None:
        return None, f"The unit {unit!r} is unknown: neither thousands nor millions of tokens.", stated
    return (price * factor, "", stated) if price > 0 else (None, "The price is zero.", stated)


def _day(text: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
