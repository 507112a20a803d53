"""A small source of our own: two regions of one price list in JSON, asked for over a real socket."""

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from catalog.files import Facts
from catalog.sources.http import Asker
from catalog.sources.source import Found, Keep, NotConfigured, Observed, Outside, Page, Part, Retirement, Shape
from tests.catalog.peers.server import Answer, Request, as_json

PRICE_LIST = "aws-ec2-price-list"


@dataclass
class Shelf:
    """What the peer holds: region → offer key → price, or what else stands in its place."""

    prices: dict[str, dict[str, object]] = field(default_factory=dict)
    more: dict[str, list[dict[str, object]]] = field(default_factory=dict)  # region → rows of another sort

    def answer(self, request: Request) -> Answer:
        region = request.path.rpartition("/")[2]
        rows = [{"key": key, "price": price} for key, price in self.prices.get(region, {}).items()]
        return as_json({"rows": rows, "more": self.more.get(region, [])})


@dataclass
class Shop:
    """The source that reads the peer."""

    url: str
    regions: tuple[str, ...] = ("us-east-1", "us-west-2")
    dataset: str = PRICE_LIST
    key_is_missing: bool = False

    @property
    def DATASET(self) -> str:  # noqa: N802 - as in catalog.sources
        return self.dataset

    def parts(self, *, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
        if self.key_is_missing:
            raise NotConfigured("SHOP_KEY is not set.")
        return [
            Part(source="aws", dataset=self.dataset, region=region)
            for region in self.regions
            if regions is None or region in regions
        ]

    def fetch(self, part: Part, *, keep: Keep) -> None:
        with Asker(base=self.url, pace_name="aws-prices") as ask:
            keep(url=f"{self.url}/{part.region}", pieces=[ask.get(part.region)])

    def read(self, part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
        value = json.loads(pages[0].path.read_bytes(), parse_float=str)
        for row in value["rows"]:
            price = row["price"]
            good = isinstance(price, str) and Decimal(price) > 0
            yield Observed(
                subject="offer",
                key=row["key"],
                meter="price_usd_per_hour",
                amount=Decimal(price) if good else None,
                stated=str(price),
                problem="" if good else f"{price} is no price",
                locator=f"row {row['key']}",
            )
        for row in value["more"]:
            if row["sort"] == "price":
                yield Observed(
                    subject=row["subject"],
                    key=row["key"],
                    meter=row["meter"],
                    amount=Decimal(row["price"]),
                    locator=f"row {row['key']} {row['price']}",
                    as_of=dt.date.fromisoformat(row["as_of"]) if "as_of" in row else None,
                )
            elif row["sort"] == "retirement":
                yield Retirement(key=row["key"], on=dt.date.fromisoformat(row["on"]), locator="list")
            elif row["sort"] == "shape":
                yield Shape(
                    provider="aws", sku=row["sku"], vcpus_count=row["vcpus"], memory_gib=None, accelerators_count=None,
                    locator="types",
                )  # fmt: skip
            else:
                yield Outside(count=row["count"], what="machines")
