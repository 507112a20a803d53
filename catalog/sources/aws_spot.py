"""EC2's spot prices: the current one of each zone of a region, of which the catalog keeps the median.

Zones are told by their id: their names differ from account to account.
"""

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils import timezone

from catalog.files import Facts
from catalog.sources import aws_session, aws_terms
from catalog.sources.source import Found, Keep, Observed, Outside, Page, Part, SourceFailed

NAME = "aws"
DATASET = "aws-ec2-spot-history"
PRODUCT = "Linux/UNIX"
LINUX = (PRODUCT, f"{PRODUCT} (Amazon VPC)")  # the same since EC2-Classic is gone
FRESH_FOR = dt.timedelta(days=90)  # what EC2 keeps of its history


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part a region. Raises NotConfigured without credentials."""
    aws_session.need_credentials("Spot prices of EC2")
    found = aws_session.regions(facts, regions, partitions=[aws_session.own_partition()])
    return [Part(source=NAME, dataset=DATASET, region=region) for region in found]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep what holds now in every zone: a history that starts now is the current price. Its version is that time.

    Raises SourceBusy, SourceFailed, and NotConfigured where the region is not enabled for this account.
    """
    now = timezone.now()
    aws_session.keep_pages(
        aws_session.client("ec2", region=part.region, pace_name="aws-ec2"),
        "describe_spot_price_history",
        keep=keep,
        version=now.isoformat(),
        ProductDescriptions=[PRODUCT],
        StartTime=now,
        MaxResults=1000,
    )


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read one price a machine, the median over its zones. Raises SourceFailed."""
    known, outside = aws_terms.machines(facts), set()
    by_machine: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for page, row in aws_session.rows(pages, "SpotPriceHistory"):
        machine, zone = row.get("InstanceType"), row.get("AvailabilityZoneId") or row.get("AvailabilityZone")
        if not machine or not zone or "Timestamp" not in row:
            raise SourceFailed(f"{page.url}: a price without machine, zone or time: its interface may have changed.")
        if row.get("ProductDescription") not in LINUX:
            continue
        if machine not in known:
            outside.add(machine)
            continue
        before = by_machine[machine].get(zone)
        if before is None or _time(before) < _time(row):
            by_machine[machine][zone] = row
    if not by_machine:
        raise SourceFailed(f"{pages[0].url}: no Linux price of a machine we know.")
    asked_at = dt.datetime.fromisoformat(pages[0].version)
    for machine, zones in sorted(by_machine.items()):
        yield _median(machine, zones, region=part.region, asked_at=asked_at)
    if outside:
        yield Outside(count=len(outside), what="EC2 machines without a row in instances.csv")


def _median(machine: str, zones: Mapping[str, Mapping[str, Any]], *, region: str, asked_at: dt.datetime) -> Observed:
    fresh = {zone: row for zone, row in zones.items() if asked_at - _time(row) <= FRESH_FOR}
    newest = max(_time(row) for row in zones.values())
    rates = {
        zone: aws_terms.rate(row.get("SpotPrice"), currency="USD", unit="Hrs")
        for zone, row in sorted((fresh or zones).items())
    }
    wrong = next(((zone, found) for zone, found in rates.items() if found.problem), None)
    if not fresh:
        stated = "; ".join(sorted({found.stated for found in rates.values()}))
        whole = aws_terms.Rate(amount=None, stated=stated[:200], problem=f"stale: of {newest:%Y-%m-%d}")
    elif wrong:
        whole = aws_terms.Rate(amount=None, stated=wrong[1].stated, problem=f"{wrong[1].problem} in zone {wrong[0]}")
    else:
        whole = aws_terms.Rate(amount=statistics.median(_amounts(rates)), stated="")
    return aws_terms.observed(
        whole,
        region=region,
        machine=machine,
        basis="spot",
        locator=f"{PRODUCT}, {', '.join(rates)}",
        since=newest.date(),
        note="" if whole.problem else _spread(rates, stale_count=len(zones) - len(fresh)),
    )


def _amounts(rates: Mapping[str, aws_terms.Rate]) -> list[Decimal]:
    return [found.amount for found in rates.values() if found.amount is not None]


def _spread(rates: Mapping[str, aws_terms.Rate], *, stale_count: int) -> str:
    """Say the cheapest and the dearest zone, by their ids."""
    ordered = sorted((found.amount or Decimal(0), zone) for zone, found in rates.items())
    left_out = f"; {stale_count} with a price older than {FRESH_FOR.days} days left out" if stale_count else ""
    (low, cheapest), (high, dearest) = ordered[0], ordered[-1]
    if len(ordered) == 1:
        return f"one zone, {cheapest}{left_out}"
    return (
        f"median of {len(ordered)} zones: lowest {low.normalize():f} in {cheapest}, "
        f"highest {high.normalize():f} in {dearest}{left_out}"
    )


def _time(row: Mapping[str, Any]) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(str(row["Timestamp"]))
    except ValueError as error:
        raise SourceFailed(f"a spot price of an unreadable time, {row['Timestamp']!r}.") from error
