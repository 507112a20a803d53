"""AWS's Compute Savings Plans without upfront payment: what a machine's Linux hour costs under one of 1 or 3 years.

With credentials by the service's own interface, without them from the public file of a region. Which of the two a kept
answer is, is seen from its address.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import ijson
from django.conf import settings

from catalog.files import Facts
from catalog.sources import aws_session, aws_terms
from catalog.sources.aws_offer_file import keep_version
from catalog.sources.http import Asker
from catalog.sources.source import Found, Keep, Observed, Outside, Page, Part, SourceFailed

NAME = "aws"
DATASET = "aws-savings-plans"
INDEX = "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json"
YEAR_S = 365 * 24 * 3600
TERMS_S: Mapping[int, int] = {YEAR_S: 1, 3 * YEAR_S: 3}
NOTE = "Compute Savings Plan, No Upfront"
_LINUX_HOUR = re.compile(r"(?:[A-Z0-9]+-)?BoxUsage:([a-z0-9][a-z0-9.-]*)")  # none of DedicatedUsage, HostBoxUsage, …


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part a region."""
    found = aws_session.regions(facts, regions, partitions=aws_session.PUBLIC_PARTITIONS)
    return [Part(source=NAME, dataset=DATASET, region=region) for region in found]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep the rates of a region. Raises SourceBusy and SourceFailed."""
    if aws_session.asks_interfaces():
        aws_session.keep_pages(
            aws_session.client("savingsplans", region="us-east-1", pace_name="aws-savingsplans"),
            "describe_savings_plans_offering_rates",
            keep=keep,
            token="nextToken",  # noqa: S106 - the name of a field; the last page's is an empty text
            savingsPlanTypes=["Compute"],
            savingsPlanPaymentOptions=["No Upfront"],
            products=["EC2"],
            serviceCodes=["AmazonEC2"],
            operations=["RunInstances"],
            filters=[
                {"name": "region", "values": [part.region]},
                {"name": "productDescription", "values": ["Linux/UNIX"]},
                {"name": "tenancy", "values": ["shared"]},
            ],
            maxResults=1000,
        )
        return
    with Asker(base=settings.AWS_BULK_PRICING_URL, pace_name="aws-bulk") as asker:
        index = asker.get(INDEX)
        address = _address(keep(url=f"{asker.base}{INDEX}", pieces=[index]), region=part.region)
        keep_version(asker, address, keep=keep)


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read rates per hour, from whichever of the two was asked. Raises SourceFailed."""
    known, outside = aws_terms.machines(facts), set()
    rates = _from_file(part, pages) if pages and INDEX in pages[0].url else _from_service(part, pages)
    found: list[Observed] = []
    for machine, row in rates:
        if machine in known:
            found.append(row)
        else:
            outside.add(machine)
    if not found:
        raise SourceFailed(f"{pages[-1].url if pages else part.dataset}: no rate of a machine we know.")
    yield from aws_terms.settled(found)
    if outside:
        yield Outside(count=len(outside), what="EC2 machines without a row in instances.csv")


def _from_service(part: Part, pages: Sequence[Page]) -> Iterator[tuple[str, Observed]]:
    for page, row in aws_session.rows(pages, "searchResults"):
        plan = row.get("savingsPlanOffering")
        if not isinstance(plan, Mapping) or "rate" not in row:
            raise SourceFailed(f"{page.url}: a rate without its plan: its interface may have changed.")
        said = {one.get("name"): one.get("value") for one in row.get("properties") or ()}
        years = TERMS_S.get(plan.get("durationSeconds", 0))
        machine = _LINUX_HOUR.fullmatch(str(row.get("usageType")))
        if (
            years is None
            or machine is None
            or (plan.get("planType"), plan.get("paymentOption")) != ("Compute", "No Upfront")
            or row.get("operation") != "RunInstances"
            or said.get("region", part.region) != part.region
        ):
            continue
        found = aws_terms.rate(row["rate"], currency=plan.get("currency"), unit=row.get("unit"))
        locator = f"{plan.get('offeringId')}, {row.get('usageType')}"
        yield machine[1], _row(found, part=part, machine=machine[1], years=years, locator=locator)


def _from_file(part: Part, pages: Sequence[Page]) -> Iterator[tuple[str, Observed]]:
    if len(pages) != 2:
        raise SourceFailed(f"{part.dataset}/{part.region}: {len(pages)} pages were kept; an index and a file make two.")
    for plan, rate in _rates(pages[1]):
        years = _years(plan)
        machine = _LINUX_HOUR.fullmatch(str(rate.get("discountedUsageType")))
        if (
            years is None
            or machine is None
            or "No Upfront" not in str(plan.get("description"))
            or rate.get("discountedServiceCode") != "AmazonEC2"
            or rate.get("discountedOperation") != "RunInstances"
            or rate.get("discountedRegionCode", part.region) != part.region
        ):
            continue
        found = aws_terms.rate(
            rate.get("discountedRate.price"), currency=rate.get("discountedRate.currency"), unit=rate.get("unit")
        )
        yield (
            machine[1],
            _row(
                found,
                part=part,
                machine=machine[1],
                years=years,
                locator=str(rate.get("rateCode")),
                since=plan.get("effectiveDate"),
            ),
        )


def _rates(file: Page) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each rate with what stands before it of its plan, in little memory: a plan holds all rates of a region."""
    inside = "terms.savingsPlan.item"
    plan: dict[str, Any] = {}
    rate: dict[str, Any] = {}
    with file.path.open("rb") as stream:
        try:
            for prefix, event, value in ijson.parse(stream):
                if not prefix.startswith(inside):
                    continue
                path = prefix[len(inside) + 1 :]
                if path == "" and event == "start_map":
                    plan = {}
                elif path == "rates.item" and event == "start_map":
                    rate = {}
                elif path == "rates.item" and event == "end_map":
                    yield plan, rate
                elif event in ("string", "number"):
                    kept, name = (rate, path[11:]) if path.startswith("rates.item.") else (plan, path)
                    kept[name] = value
        except ijson.JSONError as error:
            raise SourceFailed(f"{file.url}: not whole JSON: {error}.") from error


def _years(plan: Mapping[str, Any]) -> int | None:
    """Return the years of a plan. Raises SourceFailed where its length is not told before its rates."""
    length, unit = plan.get("leaseContractLength.duration"), plan.get("leaseContractLength.unit")
    if length is None or "description" not in plan:
        raise SourceFailed("AWS Savings Plans file: a plan without length or description before its rates.")
    return {"1": 1, "3": 3}.get(str(length)) if str(unit).startswith("year") else None


def _row(found: aws_terms.Rate, *, part: Part, machine: str, years: int, locator: str, since: Any = None) -> Observed:
    basis = f"savings_plan_{years}y"
    return aws_terms.observed(
        found, region=part.region, machine=machine, basis=basis, locator=locator, since=since, note=NOTE
    )


def _address(index: Page, *, region: str) -> str:
    """Return the address of a region's file; the regions are a list here, unlike in the offers' index."""
    with index.path.open("rb") as stream:
        try:
            for entry in ijson.items(stream, "regions.item"):
                if entry.get("regionCode") == region and str(entry.get("versionUrl")).startswith("/"):
                    return str(entry["versionUrl"])
        except (ijson.JSONError, AttributeError) as error:
            raise SourceFailed(f"{index.url}: not the index we know: {error}.") from error
    raise SourceFailed(f"{index.url}: no file of the region {region}.")
