"""AWS's public price list of EC2, one file of several hundred MB a region: on-demand hours and reservations.

Read where no AWS credentials are at hand; with them the query interface says the same in a few pages (aws_price_list).
The file's own version stands in its address, which never changes its content.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import ijson
from django.conf import settings

from catalog.files import Facts
from catalog.sources import aws_session, aws_terms
from catalog.sources.http import Asker
from catalog.sources.source import Found, Keep, Observed, Outside, Page, Part, SourceFailed

NAME = "aws"
DATASET = "aws-ec2-offer-file"
INDEX = "/offers/v1.0/aws/AmazonEC2/current/region_index.json"
_VERSION = re.compile(r"/(\d{14})/")


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part a region, or none where the query interface is asked instead. Raises NotConfigured."""
    if aws_session.asks_interfaces():
        return ()
    found = aws_session.regions(facts, regions, partitions=aws_session.PUBLIC_PARTITIONS)
    return [Part(source=NAME, dataset=DATASET, region=region) for region in found]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep the index of regions, then this region's file, straight to disk. Raises SourceBusy and SourceFailed."""
    with Asker(base=settings.AWS_BULK_PRICING_URL, pace_name="aws-bulk") as asker:
        index = asker.get(INDEX)
        address = _address(keep(url=f"{asker.base}{INDEX}", pieces=[index]), region=part.region)
        keep_version(asker, address, keep=keep)


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read the file three times, products then terms, one product in memory at a time. Raises SourceFailed."""
    if len(pages) != 2:
        raise SourceFailed(f"{part.dataset}/{part.region}: {len(pages)} pages were kept; an index and a file make two.")
    file, known = pages[1], aws_terms.machines(facts)
    wanted: dict[str, str] = {}
    outside, products = set(), 0
    for sku, product in entries(file, "products"):
        products += 1
        attributes = product.get("attributes") or {}
        if aws_terms.is_plain_linux(attributes, region=part.region):
            machine = str(attributes.get("instanceType"))
            if machine in known:
                wanted[sku] = machine
            else:
                outside.add(machine)
    if not wanted:
        raise SourceFailed(f"{file.url}: none of {products:,} products is a plain Linux hour of a machine we know.")
    found = [row for sku, terms in entries(file, "terms.OnDemand") for row in _on_demand(sku, terms, wanted, part)]
    if not found:
        raise SourceFailed(f"{file.url}: no on-demand term for any of {len(wanted):,} machines.")
    found += [row for sku, terms in entries(file, "terms.Reserved") for row in _reserved(sku, terms, wanted, part)]
    yield from aws_terms.settled(found)
    if outside:
        yield Outside(count=len(outside), what="EC2 machines without a row in instances.csv")


def entries(file: Page, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the members of one object of a file, one in memory at a time. Raises SourceFailed for a broken file."""
    with file.path.open("rb") as stream:
        try:
            for key, value in ijson.kvitems(stream, prefix):
                if not isinstance(value, dict):
                    raise SourceFailed(f"{file.url}: {prefix}.{key} is no object. Its shape may have changed.")
                yield key, value
        except ijson.JSONError as error:
            raise SourceFailed(f"{file.url}: not whole JSON: {error}.") from error


def keep_version(asker: Asker, address: str, *, keep: Keep) -> None:
    """Keep a file in whose address its version stands; one that is kept is not asked for again: it never changes."""
    url, version = str(asker.base).rstrip("/") + address, _VERSION.search(address)
    if keep.again(url=url) is None:
        keep(url=url, pieces=asker.pieces(address), version=version[1] if version else "")


def _address(index: Page, *, region: str) -> str:
    entry = dict(entries(index, "regions")).get(region)
    address = entry.get("currentVersionUrl") if isinstance(entry, Mapping) else None
    if not isinstance(address, str) or not address.startswith("/"):
        raise SourceFailed(f"{index.url}: no file of the region {region}.")
    return address


def _on_demand(sku: str, terms: Any, wanted: Mapping[str, str], part: Part) -> Iterator[Observed]:
    if sku in wanted:
        yield from aws_terms.on_demand(terms, region=part.region, machine=wanted[sku])


def _reserved(sku: str, terms: Any, wanted: Mapping[str, str], part: Part) -> Iterator[Observed]:
    if sku in wanted:
        yield from aws_terms.reserved(terms, region=part.region, machine=wanted[sku])
