"""Lines of a stack's monthly bill that depend on the place, not on the machine: stored data and data that leave."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from advisor.core.quantity import Number, digits, number, unknown
from catalog.frame import Catalog
from catalog.units import GB_PER_TB
from estimator.network import egress_cost
from estimator.uncertainty import Range, independent

CATEGORIES = {
    "pretraining": ("parallel_file", "object"),
    "finetuning": ("object", "parallel_file"),
    "batch_inference": ("object",),
    "online_inference": ("object",),
    "cpu_serving": ("block", "object"),
    "managed_api": ("object",),
}
_OTHER_REGION_SPREAD = 0.25
_EVERYWHERE = "*"
_STANDING_TIERS = ("gp3", "hot lrs", "premium 125", " 125 ", "pd-balanced", "balanced", "standard")
_ARCHIVES = ("archive", "cold", "cool", "glacier", "nearline", "-ia")
_UNIT = "USD/month"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Money:
    """Prices by place, indexed once per advice."""

    options: Mapping[tuple[str, str], Sequence[Row]]  # (provider, category) → storage options in the file's order
    prices: Mapping[tuple[str, str], Mapping[str, Row]]  # (provider, option) → region → price row
    tiers: Mapping[tuple[str, str], Mapping[str, pd.DataFrame]]  # (provider, purpose) → region → egress tiers
    _leaving: dict[tuple[str, str, str, float, str], Number] = field(default_factory=dict)

    @classmethod
    def of(cls, catalog: Catalog) -> "Money":
        """Return the lines of a catalog release."""
        options: dict[tuple[str, str], list[Row]] = {}
        for row in catalog.storage.to_dict("records"):
            options.setdefault((row["provider"], row["category"]), []).append(_plain(row))
        prices: dict[tuple[str, str], dict[str, Row]] = {}
        priced = catalog.storage_prices[catalog.storage_prices["price_usd_per_gb_month"].notna()]
        for row in sorted(priced.to_dict("records"), key=_standing_tier_first):
            prices.setdefault((row["provider"], row["option_id"]), {}).setdefault(row["region"], _plain(row))
        now = (catalog.egress["effective_from"] <= catalog.moment.isoformat()) | (
            catalog.egress["effective_from"] == ""
        )
        known = catalog.egress[catalog.egress["price_usd_per_gb"].notna() & now]
        tiers: dict[tuple[str, str], dict[str, pd.DataFrame]] = {}
        for (provider, purpose, region), rows in known.groupby(["provider", "purpose", "region"], sort=False):
            tiers.setdefault((str(provider), str(purpose)), {})[str(region)] = rows
        return cls(options=options, prices=prices, tiers=tiers)

    def stored(self, *, provider: str, region: str, option_id: str, stored_tb: float, answer: str) -> Number:
        """Return the monthly price of keeping ``stored_tb`` decimal TB in a storage option. [USD/month]

        Where the region has no price on file, the provider's priced regions stand in, as an assumption with their
        range and a further 25 %; where no region has one, the line is unknown.
        """
        if stored_tb == 0:
            return number(0.0, unit=_UNIT, kind="answer", evidence=(answer,))
        by_region = self.prices.get((provider, option_id), {})
        gb = stored_tb * GB_PER_TB
        if region in by_region:
            row = by_region[region]
            return number(
                row["price_usd_per_gb_month"] * gb,
                unit=_UNIT,
                kind="list price",
                evidence=(f"storage_price:{row['id']}", answer),
            )
        return _stand_in(
            amounts=[row["price_usd_per_gb_month"] * gb for row in by_region.values()],
            evidence=(*(f"storage_price:{row['id']}" for row in by_region.values()), answer),
            region=region,
            what="storage",
        )

    def kept(self, *, provider: str, region: str, option_id: str, kept_tb: Range, evidence: Sequence[str]) -> Number:
        """Return the monthly price of a volume that is itself a range (checkpoints), as stored data. [USD/month]"""
        price = self.stored(
            provider=provider, region=region, option_id=option_id, stored_tb=kept_tb.typical, answer=evidence[0]
        )
        sources = (*price["evidence"], *evidence)
        factor, unit = (1.0, "TB") if kept_tb.typical >= 1 else (GB_PER_TB, "GB")
        low_end, typical_end, high_end = (f"{digits(end * factor)}" for end in kept_tb)
        volume = f"{typical_end} {unit} of checkpoints ({low_end} to {high_end}), beside the stored data"
        if price["value"] is None:
            return unknown(unit=_UNIT, reason=str(price["reason"]), evidence=sources)
        each = Range(price["low"], price["value"], price["high"])
        low, typical, high = independent(each, Range(*(end / kept_tb.typical for end in kept_tb)))
        return number(
            typical,
            low,
            high,
            unit=_UNIT,
            kind="assumption",
            evidence=sources,
            reason="; ".join(text for text in (volume, price["reason"]) if text),
        )

    def choices(
        self, *, provider: str, region: str, kind: str, stored_tb: float, answer: str
    ) -> list[tuple[Row, Number]]:
        """Return the storage options fit for a kind of work with their monthly price, the cheapest known first."""
        found = [
            (
                option,
                self.stored(
                    provider=provider, region=region, option_id=option["id"], stored_tb=stored_tb, answer=answer
                ),
            )
            for category in CATEGORIES[kind]
            for option in self.options.get((provider, category), ())
        ]
        return sorted(found, key=lambda pair: (pair[1]["value"] is None, pair[1]["value"] or 0.0))

    def cheapest(
        self, *, provider: str, region: str, kind: str, stored_tb: float, egress_gb: float
    ) -> tuple[float, float, float]:
        """Return low, typical and high of storage plus egress at a place; NaN where a part has no price. [USD/month]"""
        lines = [self.leaving(provider=provider, region=region, gb=egress_gb, purpose="ordinary_transfer", answer="-")]
        if stored_tb:
            options = self.choices(provider=provider, region=region, kind=kind, stored_tb=stored_tb, answer="-")
            lines.append(options[0][1] if options else unknown(unit=_UNIT, reason="no storage option"))
        sums = [sum(math.nan if line[end] is None else line[end] for line in lines) for end in ("low", "value", "high")]
        return (sums[0], sums[1], sums[2])

    def leaving(self, *, provider: str, region: str, gb: float, purpose: str, answer: str) -> Number:
        """Return the price of ``gb`` decimal GB leaving the provider in a month for a purpose. [USD/month]"""
        if gb == 0:
            return number(0.0, unit=_UNIT, kind="answer", evidence=(answer,))
        key = (provider, region, purpose, gb, answer)
        if key not in self._leaving:
            self._leaving[key] = self._priced(provider=provider, region=region, gb=gb, purpose=purpose, answer=answer)
        return self._leaving[key]

    def _priced(self, *, provider: str, region: str, gb: float, purpose: str, answer: str) -> Number:
        by_region = self.tiers.get((provider, purpose), {})
        for place in (region, _EVERYWHERE):
            if place in by_region:
                rows = by_region[place]
                return number(
                    float(egress_cost(gb=gb, tiers=rows)),
                    unit=_UNIT,
                    kind="list price",
                    evidence=(*(f"egress:{id}" for id in rows["id"]), answer),
                    reason="; ".join(sorted({text for text in rows["conditions"] if text})),
                )
        ids = [id for rows in by_region.values() for id in rows["id"]]
        return _stand_in(
            amounts=[float(egress_cost(gb=gb, tiers=rows)) for rows in by_region.values()],
            evidence=(*(f"egress:{id}" for id in ids), answer),
            region=region,
            what=purpose.replace("_", " "),
        )


def _plain(row: Mapping[Any, Any]) -> Row:
    return {str(name): value for name, value in row.items()}


def _standing_tier_first(row: Mapping[Any, Any]) -> tuple[bool, int, str]:
    """Order the tiers of an option so that the one in which data stand by default comes first, archives last."""
    tier = str(row["tier"]).lower()
    place = next((place for place, word in enumerate(_STANDING_TIERS) if word in tier), len(_STANDING_TIERS))
    return (any(word in tier for word in _ARCHIVES), place, str(row["id"]))


def _stand_in(*, amounts: Sequence[float], evidence: Sequence[str], region: str, what: str) -> Number:
    if not amounts:
        return unknown(unit=_UNIT, reason=f"no public price for {what} is on file", evidence=evidence)
    return number(
        statistics.median(amounts),
        min(amounts) * (1 - _OTHER_REGION_SPREAD),
        max(amounts) * (1 + _OTHER_REGION_SPREAD),
        unit=_UNIT,
        kind="assumption",
        evidence=evidence,
        reason=f"no price on file for {region}: the provider's priced regions, ±{_OTHER_REGION_SPREAD:.0%}",
    )
