"""Google's Cloud Billing catalog: SKUs of Compute Engine and Cloud TPU, and the machines and slices they add up to.

One fetch holds all regions, since each SKU lists the regions in which it holds.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO, TypeVar, get_args

import ijson
from django.conf import settings
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from catalog.files import Facts
from catalog.records import Basis
from catalog.sources import drift, google_pages
from catalog.sources.google_components import UNITS, Component, Named, can_be_bought, components, named
from catalog.sources.http import Asker, Patience
from catalog.sources.source import Found, Keep, NotConfigured, Observed, Outside, Page, Part, SourceFailed

NAME = "google"
DATASET = "google-billing-catalog"
SERVICES: Mapping[str, str] = {"Compute Engine": "6F81-5844-456A", "Cloud TPU": "E000-3F24-B8AA"}
PAGES_MAX = 60  # of 5,000 SKUs; Compute Engine has about ten
PAGE_ROWS = 5000

_CURRENCY = "USD"
_NINE_PLACES = Decimal("1e-9")
_NANOS = Decimal("1e-9")
_BASES: tuple[Basis, ...] = get_args(Basis)


class _Shape(BaseModel):
    """Part of an answer. What is not named here may come and go; what is named may not."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)


Stated = TypeVar("Stated", bound=_Shape)


class _Services(_Shape):
    class Service(_Shape):
        service_id: str
        display_name: str

    services: list[Service]
    next_page_token: str  # present and empty on the last page


class _Skus(_Shape):
    skus: list[Any]
    next_page_token: str


class _Category(_Shape):
    usage_type: str


class _Sku(_Shape):
    sku_id: str
    description: str
    category: _Category
    service_regions: list[str]
    pricing_info: list[Any]


class _UnitPrice(_Shape):
    currency_code: str
    units: int = 0  # written as text
    nanos: int = 0


class _Tier(_Shape):
    start_usage_amount: Decimal = Decimal(0)
    unit_price: _UnitPrice


class _Expression(_Shape):
    usage_unit: str
    tiered_rates: list[_Tier]


class _Pricing(_Shape):
    # Its effectiveTime is the time of the answer, not of the price: where no period is asked for, it is always recent.
    pricing_expression: _Expression


@dataclass(frozen=True)
class _Rate:
    """What one SKU states for one component, by the hour; without an amount it has a problem."""

    sku_id: str
    stated: str
    amount: Decimal | None = None
    problem: str = ""


_Rates = dict[tuple[str, Basis, Component], list[_Rate]]


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return the one part, if one of the regions is Google's. Calls nobody. Raises NotConfigured without a key."""
    if not settings.GOOGLE_API_KEY:
        raise NotConfigured("GOOGLE_API_KEY is not set; Google's Cloud Billing catalog answers nobody without a key.")
    ours = {row.region for row in facts.regions if row.provider == "gcp"}
    if regions is not None and not ours & set(regions):
        return []
    return [Part(source=NAME, dataset=DATASET, region="global")]


def fetch(part: Part, *, keep: Keep, patience: Patience | None = None) -> None:
    """Keep the list of services, then every page of the SKUs of Compute Engine and Cloud TPU.

    Raises SourceBusy and SourceFailed: also where a service is called otherwise, has no SKUs, or repeats a page.
    """
    with Asker(
        base=settings.GOOGLE_BILLING_URL,
        pace_name="google-billing",
        headers={"X-Goog-Api-Key": settings.GOOGLE_API_KEY},  # never in an address: addresses are kept
        patience=patience,
    ) as asker:
        ids: dict[str, str] = {}
        for body in _pages(asker, "/v1/services", keep=keep):
            ids |= {row.display_name: row.service_id for row in _shaped(_Services, body).services}
        for name, known_id in SERVICES.items():
            if ids.get(name) != known_id:
                raise SourceFailed(f"Google lists {name!r} as {ids.get(name, 'no service')}, expected {known_id}.")
            count = 0
            for body in _pages(asker, f"/v1/services/{known_id}/skus", keep=keep, currencyCode=_CURRENCY):
                count += len(_shaped(_Skus, body).skus)
            if not count:  # so it answers for a service that does not exist, too
                raise SourceFailed(f"Google's {name} has no SKUs at all.")


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read the SKUs and add up the machines of the catalog, region by region and basis by basis. [USD per hour]

    A machine has a price where all its components have one, never a part of it. Raises SourceFailed where SKUs have
    another shape than the documented one.
    """
    machines = {row.sku: components(row) for row in facts.instances if row.provider == "gcp"}
    wanted = {component for made_of in machines.values() for component in made_of or ()}
    regions = sorted(row.region for row in facts.regions if row.provider == "gcp")
    rates, elsewhere = _rates(pages, wanted=wanted, regions=set(regions))
    incomplete = 0
    for region in regions:
        for sku, made_of in machines.items():
            for basis in _BASES:
                if made_of is None or not can_be_bought(sku=sku, basis=basis):
                    continue
                found = {
                    component: _one(rates[region, basis, component])
                    for component in made_of
                    if (region, basis, component) in rates
                }
                if len(found) == len(made_of):
                    yield _observed(f"gcp/{region}/{sku}/{basis}", found=found, made_of=made_of)
                elif found:
                    incomplete += 1
    if incomplete:
        yield Outside(count=incomplete, what="Google: machines of which a region prices only a part")
    if elsewhere:
        yield Outside(count=elsewhere, what="Google: prices in regions without a row in regions.csv")
    without = sum(made_of is None for made_of in machines.values())
    if without:
        yield Outside(count=without, what="Google: machines of instances.csv whose components are not known")


def _pages(asker: Asker, path: str, *, keep: Keep, **question: str) -> Iterator[bytes]:
    return google_pages.pages(asker, path, keep=keep, most=PAGES_MAX, pageSize=str(PAGE_ROWS), **question)


def _shaped(model: type[Stated], body: bytes) -> Stated:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise SourceFailed(f"Google's answer has another shape than the documented one: {drift.told(error)}") from error


def _rates(pages: Sequence[Page], *, wanted: set[Component], regions: set[str]) -> tuple[_Rates, int]:
    """Return what each region states for each wanted component, and how often a region is not ours."""
    rates: _Rates = defaultdict(list)
    elsewhere = 0
    for page in pages:
        if "/skus?" not in page.url:
            continue
        with page.path.open("rb") as file:
            for sku in _skus(file):
                what = named(description=sku.description, usage_type=sku.category.usage_type)
                if what is None or what.component not in wanted:
                    continue
                rate = _rate(sku, what=what)
                for region in sku.service_regions:
                    if region in regions:
                        rates[region, what.basis, what.component].append(rate)
                    else:
                        elsewhere += 1
    return rates, elsewhere


def _skus(file: BinaryIO) -> Iterator[_Sku]:
    try:
        for item in ijson.items(file, "skus.item"):
            yield _Sku.model_validate(item)
    except (ValidationError, ijson.JSONError) as error:
        raise SourceFailed(
            f"A SKU of Google's has another shape than the documented one: {drift.told(error)}"
        ) from error


def _rate(sku: _Sku, *, what: Named) -> _Rate:
    """Return a SKU's price for one hour of one piece. Of a timeline the last stands; several tiers are a problem."""
    if not sku.pricing_info:
        return _Rate(sku.sku_id, "nothing", problem="It has no price.")
    try:
        expression = _Pricing.model_validate(sku.pricing_info[-1]).pricing_expression
    except ValidationError as error:
        raise SourceFailed(
            f"The price of Google's {sku.sku_id} has another shape than documented: {drift.told(error)}"
        ) from error
    tiers = expression.tiered_rates
    if len(tiers) != 1 or tiers[0].start_usage_amount != 0:
        return _Rate(sku.sku_id, f"{len(tiers)} tiers", problem="It is priced in tiers.")
    price = tiers[0].unit_price
    stated = price.units + price.nanos * _NANOS
    words = f"{stated.normalize():f} {price.currency_code} per {expression.usage_unit}"
    hours = UNITS[what.component.resource].get(expression.usage_unit)
    if price.currency_code != _CURRENCY:
        return _Rate(sku.sku_id, words, problem=f"It is priced in {price.currency_code}, not in US dollars.")
    if hours is None:
        return _Rate(sku.sku_id, words, problem=f"Its unit is {expression.usage_unit!r}, which is not one we know.")
    if stated <= 0:
        return _Rate(sku.sku_id, words, problem="Its price is zero; nothing that is rented is free.")
    return _Rate(sku.sku_id, words, amount=stated / hours / what.count)


def _one(rates: Sequence[_Rate]) -> _Rate:
    """Return the one price of a component; one with a problem where a SKU has one, or where SKUs disagree."""
    broken = next((rate for rate in rates if rate.amount is None), None)
    if broken is not None:
        return broken
    if len({rate.amount for rate in rates}) > 1:
        said = ", ".join(f"{rate.stated} ({rate.sku_id})" for rate in rates[:4])
        return _Rate(rates[0].sku_id, said, problem="SKUs disagree about its price.")
    return rates[0]


def _observed(key: str, *, found: Mapping[Component, _Rate], made_of: Mapping[Component, Decimal]) -> Observed:
    problems = [
        f"{component.resource} {component.of}, SKU {rate.sku_id}: {rate.problem}"
        for component, rate in found.items()
        if rate.problem
    ]
    total = sum((rate.amount * made_of[component] for component, rate in found.items() if rate.amount), Decimal(0))
    return Observed(
        subject="offer",
        key=key,
        meter="price_usd_per_hour",
        amount=None if problems else total.quantize(_NINE_PLACES),
        locator="SKUs "
        + " + ".join(f"{made_of[component].normalize():f} × {rate.sku_id}" for component, rate in found.items()),
        problem=" ".join(problems),
        stated="; ".join(rate.stated for rate in found.values() if rate.problem),
    )
