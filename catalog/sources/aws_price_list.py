"""AWS's price list of EC2 by its query interface: on-demand hours and reservations, asked with credentials.

Used in place of the offer files (aws_offer_file) whenever boto3 finds credentials: a region is some ten pages here and
several hundred MB there. The interface stands in a few regions and answers for all.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from catalog.files import Facts
from catalog.sources import aws_session, aws_terms
from catalog.sources.source import Found, Keep, Observed, Outside, Page, Part, SourceFailed

NAME = "aws"
DATASET = "aws-ec2-price-list"
ASKED_IN = "us-east-1"
SHAPE = "aws_v1"


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part a region, or none without credentials: then the offer files are read. Raises NotConfigured."""
    if not aws_session.asks_interfaces():
        return ()
    found = aws_session.regions(facts, regions, partitions=aws_session.PUBLIC_PARTITIONS)
    return [Part(source=NAME, dataset=DATASET, region=region) for region in found]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep all pages of the plain Linux hours of a region. Raises SourceBusy and SourceFailed."""
    asked = {"regionCode": part.region, **aws_terms.PLAIN_LINUX}
    aws_session.keep_pages(
        aws_session.client("pricing", region=ASKED_IN, pace_name="aws-prices"),
        "get_products",
        keep=keep,
        ServiceCode="AmazonEC2",
        FormatVersion=SHAPE,
        MaxResults=100,
        Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in asked.items()],
    )


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read products that are texts of JSON within JSON. Raises SourceFailed."""
    known, outside = aws_terms.machines(facts), set()
    found: list[Observed] = []
    for page, text in aws_session.rows(pages, "PriceList", kind=str):
        product = _decoded(text, page=page)
        attributes, terms = product["product"].get("attributes") or {}, product["terms"]
        if not aws_terms.is_plain_linux(attributes, region=part.region):
            continue
        machine = str(attributes.get("instanceType"))
        if machine not in known:
            outside.add(machine)
            continue
        found += aws_terms.on_demand(terms.get("OnDemand") or {}, region=part.region, machine=machine)
        found += aws_terms.reserved(terms.get("Reserved") or {}, region=part.region, machine=machine)
    if not any(row.key.endswith("/on_demand") for row in found):
        raise SourceFailed(f"{pages[0].url}: no on-demand term of a machine we know.")
    yield from aws_terms.settled(found)
    if outside:
        yield Outside(count=len(outside), what="EC2 machines without a row in instances.csv")


def _decoded(text: Any, *, page: Page) -> Mapping[str, Any]:
    try:
        product = json.loads(text)
    except ValueError as error:
        raise SourceFailed(f"{page.url}: an entry of PriceList is no text of JSON: {error}.") from error
    product = product if isinstance(product, dict) else {}
    missing = [part for part in ("product", "terms") if not isinstance(product.get(part), Mapping)]
    if missing:
        raise SourceFailed(f"{page.url}: a product without {' and '.join(missing)}: its interface may have changed.")
    return {"product": product["product"], "terms": product["terms"]}
