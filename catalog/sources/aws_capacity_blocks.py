"""EC2's Capacity Blocks: machines reserved for some days ahead, paid upfront; the catalog keeps the cheapest hour."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from catalog.files import Facts
from catalog.sources import aws_session, aws_terms
from catalog.sources.source import Found, Keep, Outside, Page, Part, SourceFailed

NAME = "aws"
DATASET = "aws-capacity-block-offerings"
HOURS = 24  # the shortest block sold: every machine is sold for a day
ULTRASERVERS: Mapping[str, Sequence[str]] = {
    "p6e-gb200.36xlarge": ("u-p6e-gb200x36", "u-p6e-gb200x72"),
    "trn2u.48xlarge": ("u-trn2x4",),
}  # sold whole, under names that no operation lists


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part a region where the catalog knows Capacity Blocks, Local Zones under their region.

    Raises NotConfigured without credentials.
    """
    aws_session.need_credentials("Prices of EC2 Capacity Blocks")
    sold_in = {offer.region for offer in facts.offers if offer.provider == "aws" and offer.basis == "capacity_block"}
    asked = sold_in if regions is None else sold_in & set(regions)
    found = aws_session.regions(facts, None, partitions=[aws_session.own_partition()])
    return [
        Part(source=NAME, dataset=DATASET, region=region)
        for region in found
        if any(zone == region or zone.startswith(f"{region}-") for zone in asked)
    ]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep which machines the region sells in blocks, then the offerings of each for one day of one machine.

    Raises SourceBusy, SourceFailed, and NotConfigured where the region is not enabled for this account.
    """
    made = aws_session.client("ec2", region=part.region, pace_name="aws-ec2")
    sold = aws_session.keep_pages(
        made,
        "describe_instance_types",
        keep=keep,
        Filters=[{"Name": "supported-usage-class", "Values": ["capacity-block"]}],
    )
    machines = {str(machine.get("InstanceType")) for _, machine in aws_session.rows(sold, "InstanceTypes")}
    for machine in sorted(machines):
        for asked in _questions(machine):
            aws_session.keep_pages(
                made, "describe_capacity_block_offerings", keep=keep, CapacityDurationHours=HOURS, **asked
            )


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read the cheapest offering of each machine in the region and in each of its Local Zones. Raises SourceFailed."""
    known, outside = aws_terms.machines(facts), set()
    zones = {region.region for region in facts.regions if region.provider == "aws"}
    best: dict[tuple[str, str], tuple[float, Mapping[str, Any], aws_terms.Rate]] = {}
    asked = [page for page in pages if "DescribeCapacityBlockOfferings" in page.url]
    for page, offering in aws_session.rows(asked, "CapacityBlockOfferings"):
        machine = offering.get("UltraserverType") or offering.get("InstanceType")
        zone = str(offering.get("AvailabilityZone"))
        if not machine or "UpfrontFee" not in offering:
            raise SourceFailed(f"{page.url}: an offering without machine or fee: its interface may have changed.")
        if machine not in known:
            outside.add(machine)
            continue
        found = _rate(offering)
        place = (machine, zone if zone in zones else part.region)
        price = -1.0 if found.amount is None else float(found.amount)  # what cannot be taken is told first
        if place not in best or price < best[place][0]:
            best[place] = (price, offering, found)
    if not best:
        raise SourceFailed(f"{asked[0].url}: no block of a machine we know.")
    for (machine, region), (_, offering, found) in sorted(best.items()):
        yield aws_terms.observed(
            found,
            region=region,
            machine=machine,
            basis="capacity_block",
            locator=str(offering.get("CapacityBlockOfferingId")),
            note=f"cheapest block of {HOURS} h on offer: from {str(offering.get('StartDate'))[:10]} "
            f"in {offering.get('AvailabilityZone')}",
        )
    if outside:
        yield Outside(count=len(outside), what="EC2 machines without a row in instances.csv")


def _questions(machine: str) -> Iterator[Mapping[str, Any]]:
    ultraservers = ULTRASERVERS.get(machine, ())
    for name in ultraservers:
        yield {"UltraserverType": name, "UltraserverCount": 1}
    if not ultraservers:
        yield {"InstanceType": machine, "InstanceCount": 1}


def _rate(offering: Mapping[str, Any]) -> aws_terms.Rate:
    """Return the fee over hours and machines, in USD an hour of one machine or one UltraServer."""
    count = offering.get("UltraserverCount") if offering.get("UltraserverType") else offering.get("InstanceCount")
    hours = offering.get("CapacityBlockDurationHours")
    unit = f"{count} for {hours} h"
    if not isinstance(hours, int) or not isinstance(count, int) or hours <= 0 or count <= 0:
        stated = f"{offering.get('UpfrontFee')} {offering.get('CurrencyCode')} per {unit}"
        return aws_terms.Rate(amount=None, stated=stated, problem=f"unknown unit {unit!r}")
    return aws_terms.rate(offering["UpfrontFee"], currency=offering.get("CurrencyCode"), unit=unit, hours=hours * count)
