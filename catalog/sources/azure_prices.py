"""Azure Retail Prices: what virtual machines cost, one region at a time. Open to everybody, in US dollars.

A region is asked for by its name alone: the service pages by position over a list that moves, so the plainest question
gives the steadiest pages. Every Linux price of a machine is one row among about a dozen that share its name; the others
(Windows, Cloud Services, Low Priority, DevTest) are other products.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import httpx2
from django.conf import settings
from django.utils import timezone
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel, to_pascal

from catalog.files import Facts
from catalog.sources import drift
from catalog.sources.http import Asker, Patience
from catalog.sources.source import Found, Keep, Observed, Outside, Page, Part, SourceFailed

NAME = "azure"
DATASET = "azure-retail-prices"
PATH = "/api/retail/prices"
API_VERSION = "2023-01-01-preview"  # the only one that holds savings plans
SERVICE = "Virtual Machines"
PAGES_MAX = 200  # of 1,000 rows; a region has about 15
HOURS_PER_YEAR = 8760

_UNIT = "1 Hour"
_CURRENCY = "USD"
_NINE_PLACES = Decimal("1e-9")
_YEARS = {"1 Year": 1, "3 Years": 3}
_OTHER_CLOUDS = ("china",)  # their prices stand elsewhere, in another currency


class _Answer(BaseModel):
    """One page. What is not named here may come and go; what is named may not."""

    model_config = ConfigDict(extra="allow", alias_generator=to_pascal)

    items: list[dict[str, Any]]
    next_page_link: str | None
    count: int | None = None


class _SavingsPlan(BaseModel):
    model_config = ConfigDict(extra="allow", alias_generator=to_camel)

    term: str
    retail_price: Decimal  # of one hour, unlike that of a reservation


_Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class _Row(BaseModel):
    """One meter: the fields that decide what it is a price of."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)

    currency_code: str
    retail_price: Decimal
    unit_of_measure: str
    type: str
    meter_id: str
    sku_id: str
    meter_name: str
    sku_name: str
    product_name: str
    arm_sku_name: _Text = ""
    arm_region_name: _Text = ""
    reservation_term: _Text = ""
    tier_minimum_units: Decimal = Decimal(0)
    effective_start_date: dt.datetime
    effective_end_date: dt.datetime | None = None
    savings_plan: list[_SavingsPlan] = []


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part for each region of Azure's public and US-government clouds. Calls nobody."""
    return [
        Part(source=NAME, dataset=DATASET, region=row.region)
        for row in facts.regions
        if row.provider == "azure"
        and row.sovereignty not in _OTHER_CLOUDS
        and (regions is None or row.region in regions)
    ]


def fetch(part: Part, *, keep: Keep, patience: Patience | None = None) -> None:
    """Keep every page of one region's virtual machines, under the day on which it was asked.

    Raises SourceBusy and SourceFailed: also where a page repeats itself, points elsewhere or where there are no rows.
    """
    question = {
        "api-version": API_VERSION,
        "currencyCode": f"'{_CURRENCY}'",
        "$filter": f"serviceName eq '{SERVICE}' and armRegionName eq '{part.region}'",
    }
    day = timezone.now().date().isoformat()
    link: str | None = f"{settings.AZURE_PRICES_URL}{PATH}?{urlencode(question)}"
    seen: set[str] = set()
    rows = 0
    with Asker(base=settings.AZURE_PRICES_URL, pace_name="azure-prices", patience=patience) as asker:
        while link:
            if link in seen:
                raise SourceFailed(f"{asker.base.host} repeats a page of {part.region}: its pages have no end.")
            if len(seen) == PAGES_MAX:
                raise SourceFailed(f"{asker.base.host} has more than {PAGES_MAX} pages of {part.region}.")
            seen.add(link)
            body = asker.get(link)
            keep(url=link, pieces=[body], version=day)
            answer = _answer(body, of=part.region)
            if answer.count is not None and answer.count != len(answer.items):
                raise SourceFailed(f"{asker.base.host} counts {answer.count} rows on a page of {len(answer.items)}.")
            rows += len(answer.items)
            link = _next(answer.next_page_link, asker=asker)
    if not rows:
        raise SourceFailed(f"{asker.base.host} answers with no prices at all for {part.region}.")


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read one region's pages: each price of a machine of the catalog that holds on that day. [USD per hour]

    What a reservation costs over its term is divided by the hours of the term. A machine that is stated twice at
    different prices comes twice. Raises SourceFailed where the rows have another shape than the documented one.
    """
    ours = {row.sku for row in facts.instances if row.provider == "azure"}
    said: set[tuple[str, Decimal | None, str]] = set()
    outside = {"machines without a row in instances.csv": 0, "prices of another day": 0, "terms or kinds of price": 0}
    rows, named = 0, 0
    for row, day in _rows(pages, part=part):
        rows += 1
        named += bool(row.arm_sku_name)
        if row.arm_region_name != part.region or _is_another_product(row):
            continue
        if row.arm_sku_name not in ours:
            outside["machines without a row in instances.csv"] += 1
            continue
        if not _holds(row, on=day):
            outside["prices of another day"] += 1
            continue
        for basis, price, hours in _prices(row):
            if basis is None:
                outside["terms or kinds of price"] += 1
                continue
            found = _observed(row, part=part, basis=basis, price=price, hours=hours)
            if (found.key, found.amount, found.stated) not in said:  # a list that moves repeats rows on the next page
                said.add((found.key, found.amount, found.stated))
                yield found
    if rows and not named:
        raise SourceFailed(f"Azure's rows of {part.region} name no machine any more: their shape has changed.")
    for what, count in outside.items():
        if count:
            yield Outside(count=count, what=f"Azure: {what}")


def _answer(body: bytes, *, of: str) -> _Answer:
    try:
        return _Answer.model_validate(json.loads(body, parse_float=Decimal))
    except ValueError as error:
        raise SourceFailed(
            f"Azure's answer for {of} has another shape than the documented one: {drift.told(error)}"
        ) from error


def _next(link: str | None, *, asker: Asker) -> str | None:
    """Return the link to the next page if it is one: on the same host, which Asker sees to, and on the same path."""
    if not link:
        return None
    try:
        path = httpx2.URL(link).path
    except httpx2.InvalidURL:
        path = ""
    if path != httpx2.URL(f"{str(asker.base).rstrip('/')}{PATH}").path:
        raise SourceFailed(f"{asker.base.host} names {link[:200]} as its next page: not followed.")
    return link


def _rows(pages: Sequence[Page], *, part: Part) -> Iterator[tuple[_Row, dt.date]]:
    for page in pages:
        try:
            day = dt.date.fromisoformat(page.version)
        except ValueError as error:
            raise SourceFailed(f"{page.url} was kept without the day on which it was asked.") from error
        for item in _answer(page.path.read_bytes(), of=part.region).items:
            try:
                yield _Row.model_validate(item), day
            except ValidationError as error:
                raise SourceFailed(
                    f"A row of Azure's {part.region} has another shape than documented: {drift.told(error)}"
                ) from error


def _is_another_product(row: _Row) -> bool:
    """Say whether a row that bears a machine's name prices something else: the names are all that tells."""
    product = row.product_name.replace(" ", "")
    return (
        row.type == "DevTestConsumption"
        or product.endswith("Windows")
        or "CloudServices" in product  # a platform that takes over the machines' names
        or any(name.endswith(" Low Priority") for name in (row.sku_name, row.meter_name))  # of Batch; not spot
        or row.tier_minimum_units > 0
    )


def _holds(row: _Row, *, on: dt.date) -> bool:
    begins, ends = row.effective_start_date.date(), row.effective_end_date
    return begins <= on and (ends is None or ends.replace(tzinfo=None) > dt.datetime.combine(on, dt.time.min))


Basis = Literal["on_demand", "spot", "commitment_1y", "commitment_3y", "savings_plan_1y", "savings_plan_3y"]


def _prices(row: _Row) -> Iterator[tuple[Basis | None, Decimal, int]]:
    """Yield what one row states: the basis (None: not one of ours), a price, and the hours that it pays for."""
    years = _YEARS.get(row.reservation_term)
    if row.type == "Reservation":
        # The price of the whole term, although the unit says "1 Hour".
        yield (
            (None, row.retail_price, 1)
            if years is None
            else ("commitment_1y" if years == 1 else "commitment_3y", row.retail_price, HOURS_PER_YEAR * years)
        )
        return
    if row.type != "Consumption":
        yield None, row.retail_price, 1
        return
    spot = any(name.endswith(" Spot") for name in (row.sku_name, row.meter_name))
    yield "spot" if spot else "on_demand", row.retail_price, 1
    for plan in row.savings_plan:
        years = _YEARS.get(plan.term)
        if years is None or spot:
            yield None, plan.retail_price, 1
        else:
            yield "savings_plan_1y" if years == 1 else "savings_plan_3y", plan.retail_price, 1


def _observed(row: _Row, *, part: Part, basis: Basis, price: Decimal, hours: int) -> Observed:
    problem = ""
    if row.currency_code != _CURRENCY:
        problem = f"The price is in {row.currency_code}, not in US dollars."
    elif row.unit_of_measure != _UNIT:
        problem = f"The unit is {row.unit_of_measure!r}, not {_UNIT!r}."
    elif price <= 0:
        problem = "The price is zero; nothing that is rented is free."
    return Observed(
        subject="offer",
        key=f"azure/{part.region}/{row.arm_sku_name}/{basis}",
        meter="price_usd_per_hour",
        amount=None if problem else (price / hours).quantize(_NINE_PLACES),
        locator=f"meter {row.meter_id}, SKU {row.sku_id}",
        problem=problem,
        stated=f"{price} {row.currency_code} per {row.reservation_term if hours > 1 else row.unit_of_measure}",
        effective_from=row.effective_start_date.date(),
        note=f"{price} USD for {row.reservation_term}, paid over {hours} hours" if hours > 1 and not problem else "",
    )
