"""What stands around compute, accelerators, networking, storage and orchestration."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from advisor.core.shelf.browse import record, shelf
from advisor.core.shelf.order import narrowed, ordered
from advisor.core.shelf.parts import (
    OFFERS_OF_AN_INSTANCE,
    ORDER_OF_PRICES,
    Found,
    Passage,
    Section,
    behind,
    is_among,
    matching,
    section,
)
from advisor.core.shelf.tables import OFFER_PRICES, Column
from catalog.frame import Catalog

# --- compute ---------------------------------------------------------------------------------------------------------


def _of_offer(catalog: Catalog, row: pd.Series) -> Found:
    passages = [Passage("Why to doubt this price", (f"It is {row['price_doubt']}.",))] if row["price_doubt"] else []
    parts = behind(
        catalog,
        ("The instance", "instances", f"{row['provider']}/{row['sku']}"),
        ("The accelerator", "accelerators", row["accelerator"]),
        ("The terms of this way to buy", "terms", row["terms_id"]),
        ("The region", "regions", f"{row['provider']}/{row['region']}"),
    )
    return (
        passages,
        parts,
        [
            section(
                catalog,
                "offers",
                "This instance in every region and way to buy",
                wanted={"provider": row["provider"], "sku": row["sku"]},
                by="price_usd_per_hour",
                lead=ORDER_OF_PRICES,
            )
        ],
    )


def _of_instance(catalog: Catalog, row: pd.Series) -> Found:
    offers = shelf(catalog, "offers")
    own = offers[(offers["provider"] == row["provider"]) & (offers["sku"] == row["sku"])]
    terms = [("Terms that decide whether it can be bought", "terms", id) for id in sorted(set(own["terms_id"]))]
    parts = behind(
        catalog,
        ("The accelerator", "accelerators", row["accelerator"]),
        ("The processor", "cpu-families", row["cpu_family"]),
        *terms,
    )
    columns = (Column("region", "Region"), Column("basis", "Way to buy"), *OFFER_PRICES)
    offers_here = section(
        catalog,
        "offers",
        "Offers by region and way to buy",
        wanted={"provider": row["provider"], "sku": row["sku"]},
        by="price_usd_per_hour",
        lead=ORDER_OF_PRICES,
        columns=columns,
        most=OFFERS_OF_AN_INSTANCE,
    )
    none = Passage("Offers", ("The catalog holds no offer of this instance: it is listed, but no price or region is.",))
    return ([] if len(own) else [none]), parts, [offers_here]


def _of_cpu_family(catalog: Catalog, row: pd.Series) -> Found:
    return [], [], [section(catalog, "instances", "Instances", wanted={"cpu": row["id"]}, by="sku")]


def _of_terms(catalog: Catalog, row: pd.Series) -> Found:
    return (
        [],
        [],
        [
            section(
                catalog,
                "offers",
                "Offers under these terms",
                wanted={"terms": row["id"]},
                by="price_usd_per_hour",
                lead=ORDER_OF_PRICES,
            )
        ],
    )


# --- accelerators ----------------------------------------------------------------------------------------------------


def _of_accelerator(catalog: Catalog, row: pd.Series) -> Found:
    offers = narrowed(catalog=catalog, name="offers", wanted={"accelerator": row["id"], "priced": "known"})
    best = ordered(rows=offers, by="price_usd_per_accelerator_hour").drop_duplicates(["provider", "basis"])
    rules = [one.id for one in catalog.rules if row["id"] in _values(one.when) | _values(one.require)]
    return (
        [],
        [],
        [
            section(
                catalog,
                "offers",
                "Lowest price by provider and way to buy",
                rows=best,
                lead="The lowest to rely on: dated before stale, stale before undated. Doubtful ones are left out.",
            ),
            section(catalog, "instances", "Instances that carry it", wanted={"accelerator": row["id"]}, by="sku"),
            section(catalog, "accelerator-regions", "Regions where it was seen", wanted={"accelerator": row["id"]}),
            section(
                catalog,
                "orchestration",
                "Orchestration that supports it",
                rows=matching(shelf(catalog, "orchestration"), "supported_accelerators", row["id"]),
            ),
            section(catalog, "rules", "Rules that name it", rows=shelf(catalog, "rules").loc[rules]),
        ],
    )


def _values(conditions: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for wanted in conditions.values():
        parts = wanted.values() if isinstance(wanted, Mapping) else [wanted]
        for part in parts:
            found |= set(map(str, part)) if isinstance(part, (list, tuple)) else {str(part)}
    return found


# --- networking, storage, orchestration ------------------------------------------------------------------------------


def _of_networking(catalog: Catalog, row: pd.Series) -> Found:
    return (
        [],
        [],
        [
            section(catalog, "accelerators", "Accelerators it belongs to", rows=_chips(catalog, row["accelerators"])),
            _coupling_of(catalog, row, "networking"),
        ],
    )


def _of_storage(catalog: Catalog, row: pd.Series) -> Found:
    prices = shelf(catalog, "storage-prices")
    own = prices[prices["option_id"] == row["id"]]
    return (
        [],
        [],
        [
            section(catalog, "storage-prices", "Prices", rows=own, by="price_usd_per_gb_month"),
            _coupling_of(catalog, row, "storage"),
        ],
    )


def _of_storage_price(catalog: Catalog, row: pd.Series) -> Found:
    if row["price_unit"] != "gib_month" or pd.isna(row["price_usd_per_gb_month"]):
        return [], [], []
    stated = record(catalog=catalog, name="storage-prices", row_id=row["id"]).price_usd_per_gb_month
    line = f"The source states ${stated:f} per GiB and month; a GiB holds 1.074 GB, so a GB costs less."
    return [Passage("Converted here", (line,))], [], []


def _of_orchestration(catalog: Catalog, row: pd.Series) -> Found:
    supported = _chips(catalog, row["supported_accelerators"])
    return (
        [],
        [],
        [
            section(catalog, "accelerators", "Accelerators it supports", rows=supported),
            _coupling_of(catalog, row, "orchestration"),
        ],
    )


def _chips(catalog: Catalog, globs: str) -> pd.DataFrame:
    """Return the accelerators that a list of ids and globs names."""
    rows = shelf(catalog, "accelerators")
    return rows[[is_among(id, globs) for id in rows["id"]]]


def _coupling_of(catalog: Catalog, row: pd.Series, layer: str) -> Section:
    return section(
        catalog,
        "coupling",
        "What this layer is bound to on this provider",
        wanted={"provider": row["provider"], "layer": layer},
        lead="Observations of the layer with the typical options of each path, not of this option alone.",
    )


AROUND: Mapping[str, Callable[[Catalog, pd.Series], Found]] = {
    "offers": _of_offer,
    "instances": _of_instance,
    "cpu-families": _of_cpu_family,
    "terms": _of_terms,
    "accelerators": _of_accelerator,
    "networking": _of_networking,
    "storage": _of_storage,
    "storage-prices": _of_storage_price,
    "orchestration": _of_orchestration,
}
