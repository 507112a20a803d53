"""Lines of a stack's monthly bill that depend on the place, not on the machine: stored data and data that leave."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from advisor.core.quantity import Number, number, unknown
from catalog.frame import Catalog
from estimator.network import egress_cost

CATEGORIES = {
    "pretraining": ("parallel_file", "object"),
    "finetuning": ("object", "parallel_file"),
    "batch_inference": ("object",),
    "online_inference": ("object",),
    "cpu_serving": ("block", "object"),
    "managed_api": ("object",),
}
_OTHER_REGION_SPREAD = 0.25
_GB_PER_TB = 1000.0


@dataclass
class Money:
    """Prices by place, looked up once per provider and region."""

    catalog: Catalog
    _egress: dict[tuple[str, str, str, float, str], Number] = field(default_factory=dict)

    def storage_options(self, *, provider: str, category: str) -> list[dict[str, Any]]:
        """Return the storage options of a provider in one category, in the order of the file."""
        frame = self.catalog.storage
        wanted = frame[(frame["provider"] == provider) & (frame["category"] == category)]
        return [{str(key): value for key, value in row.items()} for row in wanted.to_dict("records")]

    def stored(self, *, provider: str, region: str, option_id: str, stored_tb: float, answer: str) -> Number:
        """Return the monthly price of keeping ``stored_tb`` decimal TB in a storage option. [USD/month]

        Where the region has no price on file, the provider's priced regions stand in, as an assumption with their
        range and a further 25 %; where no region has one, the line is unknown.
        """
        if stored_tb == 0:
            return number(0.0, unit="USD/month", kind="answer", evidence=(answer,))
        prices = self._prices(provider=provider, option_id=option_id)
        here = prices[prices["region"] == region]
        unit = "USD/month"
        if len(here):
            row = here.sort_values("price_usd_per_gb_month").iloc[0]
            evidence = (f"storage_price:{row['id']}", answer)
            return number(
                row["price_usd_per_gb_month"] * stored_tb * _GB_PER_TB, unit=unit, kind="list price", evidence=evidence
            )
        if not len(prices):
            return unknown(unit=unit, reason="no public storage price is on file", evidence=(answer,))
        amounts = prices["price_usd_per_gb_month"] * stored_tb * _GB_PER_TB
        return number(
            amounts.median(),
            amounts.min() * (1 - _OTHER_REGION_SPREAD),
            amounts.max() * (1 + _OTHER_REGION_SPREAD),
            unit=unit,
            kind="assumption",
            evidence=(*(f"storage_price:{id}" for id in prices["id"]), answer),
            reason=f"no price on file for {region}: the provider's priced regions, ±25 %",
        )

    def choices(
        self, *, provider: str, region: str, kind: str, stored_tb: float, answer: str
    ) -> list[tuple[str, Number]]:
        """Return the storage options fit for a kind of work with their monthly price, the cheapest known first."""
        found = [
            (
                option["id"],
                self.stored(
                    provider=provider, region=region, option_id=option["id"], stored_tb=stored_tb, answer=answer
                ),
            )
            for category in CATEGORIES[kind]
            for option in self.storage_options(provider=provider, category=category)
        ]
        return sorted(found, key=lambda pair: (pair[1]["value"] is None, pair[1]["value"] or 0.0))

    def cheapest(
        self, *, provider: str, region: str, kind: str, stored_tb: float, egress_gb: float
    ) -> tuple[float, float, float]:
        """Return low, typical and high of storage plus egress at a place; NaN where a part has no price. [USD/month]"""
        lines = [self.leaving(provider=provider, region=region, gb=egress_gb, purpose="ordinary_transfer", answer="-")]
        if stored_tb:
            options = self.choices(provider=provider, region=region, kind=kind, stored_tb=stored_tb, answer="-")
            lines.append(options[0][1] if options else unknown(unit="USD/month", reason="no storage option"))
        sums = [sum(math.nan if line[end] is None else line[end] for line in lines) for end in ("low", "value", "high")]
        return (sums[0], sums[1], sums[2])

    def _prices(self, *, provider: str, option_id: str) -> pd.DataFrame:
        """Return the standing tier of an option per region: the first listed (standard) tier that has a price."""
        frame = self.catalog.storage_prices
        mine = frame[
            (frame["provider"] == provider)
            & (frame["option_id"] == option_id)
            & frame["price_usd_per_gb_month"].notna()
        ]
        standard = mine["tier"].fillna("").str.contains("standard|hot|125|gp3|balanced|premium", case=False)
        chosen = mine[standard] if standard.any() else mine
        return chosen.drop_duplicates("region")

    def leaving(self, *, provider: str, region: str, gb: float, purpose: str, answer: str) -> Number:
        """Return the price of ``gb`` decimal GB leaving the provider for a purpose. [USD/month]"""
        if gb == 0:
            return number(0.0, unit="USD/month", kind="answer", evidence=(answer,))
        key = (provider, region, purpose, gb, answer)
        if key not in self._egress:
            self._egress[key] = self._leaving(provider=provider, region=region, gb=gb, purpose=purpose, answer=answer)
        return self._egress[key]

    def _leaving(self, *, provider: str, region: str, gb: float, purpose: str, answer: str) -> Number:
        frame = self.catalog.egress
        mine = frame[
            (frame["provider"] == provider) & (frame["purpose"] == purpose) & frame["price_usd_per_gb"].notna()
        ]
        for place in (region, "*"):
            tiers = mine[mine["region"] == place]
            if len(tiers):
                return number(
                    _price(tiers, gb),
                    unit="USD/month",
                    kind="list price",
                    evidence=(*(f"egress:{id}" for id in tiers["id"]), answer),
                )
        amounts = [_price(tiers, gb) for _, tiers in mine.groupby("region", sort=True)]
        if not amounts:
            return unknown(unit="USD/month", reason="no public egress price is on file", evidence=(answer,))
        return number(
            _median(amounts),
            min(amounts) * (1 - _OTHER_REGION_SPREAD),
            max(amounts) * (1 + _OTHER_REGION_SPREAD),
            unit="USD/month",
            kind="assumption",
            evidence=(*(f"egress:{id}" for id in mine["id"]), answer),
            reason=f"no price on file for {region}: the provider's priced regions, ±25 %",
        )


def _price(tiers: pd.DataFrame, gb: float) -> float:
    return float(egress_cost(gb=gb, tiers=tiers))


def _median(amounts: Sequence[float]) -> float:
    ordered = sorted(amounts)
    middle = math.floor(len(ordered) / 2)
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
