"""What EC2's price list says of a machine: which product is a plain Linux hour, and what its terms cost an hour.

Shared by the bulk offer files and the query interface, which state the same products and terms.
"""

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from catalog.files import Facts
from catalog.sources.source import Observed, SourceFailed

# `marketoption` is what keeps Capacity Blocks out: their rows match all else and cost $0.00.
PLAIN_LINUX: Mapping[str, str] = {
    "locationType": "AWS Region",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "preInstalledSw": "NA",
    "licenseModel": "No License required",
    "marketoption": "OnDemand",
}
HOURS_A_YEAR = 8760
LEASES: Mapping[str, int] = {"1yr": 1, "3yr": 3}
PURCHASES = ("No Upfront", "Partial Upfront", "All Upfront")  # the first that is sold is taken
ZERO = "the price is zero"
_SMALLEST = Decimal("0.000000001")  # USD: what the catalog stores


def machines(facts: Facts) -> Collection[str]:
    """Return the EC2 machines that the catalog holds."""
    return {machine.sku for machine in facts.instances if machine.provider == "aws"}


def is_plain_linux(attributes: Mapping[str, Any], *, region: str) -> bool:
    """Say whether a product is the plain Linux hour of a shared machine in this region."""
    return attributes.get("regionCode") == region and all(
        attributes.get(name) == value for name, value in PLAIN_LINUX.items()
    )


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What something costs an hour, or why that cannot be said. ``stated`` is what the source wrote."""

    amount: Decimal | None  # USD an hour
    stated: str
    problem: str = ""


def rate(text: Any, *, currency: Any, unit: Any, hours: int | None = None) -> Rate:
    """Return the USD an hour of one stated price; with ``hours``, of a total for so many hours.

    ``unit`` must be Hrs, unless ``hours`` says what the total is for.
    """
    stated = f"{text} {currency} per {unit}"
    amount = _number(text)
    if currency != "USD":
        return Rate(amount=None, stated=stated, problem=f"the currency is {currency}, not USD")
    if unit != "Hrs" and hours is None:
        return Rate(amount=None, stated=stated, problem=f"unknown unit {unit!r}")
    if amount is None or amount < 0:
        return Rate(amount=None, stated=stated, problem=f"{text!r} is no price")
    if amount == 0:
        return Rate(amount=None, stated=stated, problem=ZERO)
    return Rate(amount=amount if hours is None else _per(amount, hours), stated=stated)


def observed(
    found: Rate, *, region: str, machine: str, basis: str, locator: str, since: Any = None, note: str = ""
) -> Observed:
    """Return a rate as a row of the catalog. ``since`` is a time as AWS writes it, or nothing."""
    return Observed(
        subject="offer",
        key=f"aws/{region}/{machine}/{basis}",
        meter="price_usd_per_hour",
        amount=found.amount,
        locator=locator,
        problem=found.problem,
        stated=found.stated,
        effective_from=_day(since),
        note=note,
    )


def on_demand(terms: Mapping[str, Any], *, region: str, machine: str) -> Iterator[Observed]:
    """Yield what the on-demand terms of one product cost. Raises SourceFailed for a shape we do not know."""
    for code, term in terms.items():
        found = _hourly(_dimensions(code, term), years=None)
        yield observed(
            found, region=region, machine=machine, basis="on_demand", locator=code, since=term.get("effectiveDate")
        )


def reserved(terms: Mapping[str, Any], *, region: str, machine: str) -> Iterator[Observed]:
    """Yield what standard reservations of one and three years cost an hour, upfront fees spread over their term.

    Of the ways to pay, the one with the least upfront is taken; the note names it. Raises SourceFailed.
    """
    sold: dict[int, list[tuple[int, str, Any]]] = defaultdict(list)
    for code, term in terms.items():
        said = _object(code, term, "termAttributes")
        years, purchase = LEASES.get(str(said.get("LeaseContractLength"))), said.get("PurchaseOption")
        if years and said.get("OfferingClass") == "standard" and purchase in PURCHASES:
            sold[years].append((PURCHASES.index(purchase), code, term))
    for years, found in sorted(sold.items()):
        least = min(place for place, _, _ in found)
        for place, code, term in found:
            if place == least:
                yield observed(
                    _hourly(_dimensions(code, term), years=years),
                    region=region,
                    machine=machine,
                    basis=f"commitment_{years}y",
                    locator=code,
                    since=term.get("effectiveDate"),
                    note=f"standard reserved instance, {PURCHASES[place]}",
                )


def settled(candidates: Iterable[Observed]) -> Iterator[Observed]:
    """Yield one row a key, sorted. Candidates that agree are one; those that do not are a problem, never a choice."""
    by_key: dict[str, list[Observed]] = defaultdict(list)
    for row in candidates:
        by_key[row.key].append(row)
    for _, rows in sorted(by_key.items()):
        first = rows[0]
        if all(row.amount == first.amount for row in rows):
            yield first
            continue
        stated = "; ".join(sorted(f"{row.stated} ({row.locator})" for row in rows))
        yield dataclasses.replace(
            first, amount=None, stated=stated[:200], problem=f"{len(rows)} different prices are stated for it"
        )


def _dimensions(code: str, term: Any) -> Sequence[Mapping[str, Any]]:
    dimensions = _object(code, term, "priceDimensions")
    if not dimensions:
        raise SourceFailed(f"AWS price list, term {code}: no priceDimensions. Its shape may have changed.")
    return [
        {**dimension, "pricePerUnit": _object(key, dimension, "pricePerUnit")} for key, dimension in dimensions.items()
    ]


def _object(key: str, holder: Any, name: str) -> Mapping[str, Any]:
    found = holder.get(name) if isinstance(holder, Mapping) else None
    if not isinstance(found, Mapping):
        raise SourceFailed(f"AWS price list, {key}: no {name}. Its shape may have changed.")
    return found


def _hourly(dimensions: Sequence[Mapping[str, Any]], *, years: int | None) -> Rate:
    """Return hourly rate + upfront fee / hours of the term; paid all upfront, the hourly rate itself is zero."""
    words, total, hourly_count = [], Decimal(0), 0
    for dimension in dimensions:
        prices, unit = dimension["pricePerUnit"], dimension.get("unit")
        currency = "USD" if "USD" in prices else next(iter(prices), None)
        hours = HOURS_A_YEAR * years if years and unit == "Quantity" else None
        found = rate(prices.get(currency), currency=currency, unit=unit, hours=hours)
        words.append(found.stated)
        if found.problem and not (years and found.problem == ZERO):
            return Rate(amount=None, stated=" + ".join(words), problem=found.problem)
        hourly_count += hours is None
        total += found.amount or 0
    stated = " + ".join(words)
    if hourly_count > 1:
        return Rate(amount=None, stated=stated, problem="several hourly rates in one term")
    return Rate(amount=total or None, stated=stated, problem="" if total else ZERO)


def _number(text: Any) -> Decimal | None:
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _per(total: Decimal, hours: int) -> Decimal:
    return (total / hours).quantize(_SMALLEST, rounding=ROUND_HALF_EVEN)


def _day(since: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(since)[:10]) if since else None
    except ValueError:
        return None
