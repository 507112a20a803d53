"""The catalog as people browse it: each table with its sources, its ages, and prices that can be compared."""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
import pandas as pd

from advisor.core import age, coupling
from advisor.core.labels import LAYER_LABELS
from advisor.core.shelf.labels import in_words
from advisor.core.shelf.tables import TABLES, Table
from catalog.frame import Catalog, table
from catalog.records import Record
from catalog.units import gib_from_gb
from estimator import architecture

# Names that this module adds to the catalog's own; docs/glossary.md explains each.
PRICE_COLUMNS = (
    "price_usd_per_accelerator_hour",
    "price_usd_per_accelerator_gib_hour",
    "price_usd_per_memory_gib_hour",
)
COMPUTED = (*PRICE_COLUMNS, "kv_cache_bytes_per_token", "coupling_score", "coupling_band", "retired")
ADDED_COLUMNS = (*COMPUTED, "memory_gib", "accelerator_memory_gib", "age_days", "freshness")
PROVENANCE = (
    "kind",
    "source",
    "source_url",
    "source_licence",
    "locator",
    "as_of",
    "as_of_basis",
    "age_days",
    "freshness",
)
_WITHHELD = ("source_id", "observed_at", "price_as_of", "price_as_of_basis")  # told by the columns of PROVENANCE


@lru_cache(maxsize=64)  # three releases' worth of tables; a catalog is read-only and stands for itself
def shelf(catalog: Catalog, name: str) -> pd.DataFrame:
    """Return one table with its provenance, ages and derived columns, indexed by row id. [the unit ends each name]

    Frames of the catalog are copied, never edited. Source: each row's own provenance columns.
    """
    wanted = TABLES[name]
    rows = _BUILD[name](catalog)
    rows = rows.set_index(rows["id"].rename(None), drop=False)
    told = rows.drop(columns=[column for column in (*_WITHHELD, "kind", "locator", "as_of_basis") if column in rows])
    return pd.concat([told, _provenance(catalog=catalog, table=wanted, ids=rows["id"])], axis=1)


def _provenance(*, catalog: Catalog, table: Table, ids: pd.Series) -> pd.DataFrame:
    rows = [catalog.rows[table.id_of(id)] for id in ids]
    sources = [catalog.source(row.source_id) for row in rows]
    said = pd.DataFrame(
        {
            "kind": [row.kind for row in rows],
            "source": [f"{source.publisher}: {source.title}" for source in sources],
            "source_url": [source.url_or_repo for source in sources],
            "source_licence": [source.licence for source in sources],
            "locator": [row.locator for row in rows],
            "as_of": [row.observed_at.isoformat() if row.observed_at else "" for row in rows],
            "as_of_basis": [row.as_of_basis for row in rows],
        },
        index=ids.to_numpy(),
        dtype="str",
    )
    prefix = table.prefix.partition(":")[0]
    bases = [getattr(row, "basis", "") for row in rows]
    sorts = [
        age.sort_of(prefix=prefix, kind=kind, basis=basis) for kind, basis in zip(said["kind"], bases, strict=True)
    ]
    days = age.age_days(as_of=said["as_of"], moment=catalog.moment)
    return said.assign(
        age_days=days, freshness=age.freshness(days=days, sort=pd.Series(sorts, index=said.index, dtype="str"))
    )


# --- what each table is made of --------------------------------------------------------------------------------------


def unit_prices(offers: pd.DataFrame) -> pd.DataFrame:
    """Return what an hour of each offer costs per accelerator, per GiB of accelerator memory and of main memory.

    [USD hour⁻¹ accelerator⁻¹, USD hour⁻¹ GiB⁻¹] NaN where the price, the count or the memory is unknown, and per
    accelerator where there is none. The whole instance's price is divided, its processors and network included: it is
    a means to compare shapes, not a price that anybody quotes. Source: the offers' own columns.
    """
    price = offers["price_usd_per_hour"]
    count = offers["accelerators_count"].where(offers["accelerators_count"] > 0)
    per_accelerator = price / count
    return pd.DataFrame(
        {
            "price_usd_per_accelerator_hour": per_accelerator,
            "price_usd_per_accelerator_gib_hour": per_accelerator / gib_from_gb(offers["accelerator_memory_gb"]),  # type: ignore[arg-type]
            "price_usd_per_memory_gib_hour": price / gib_from_gb(offers["memory_gb"]),  # type: ignore[arg-type]
        }
    )


def _offers(catalog: Catalog) -> pd.DataFrame:
    rows = _with_gib(
        pd.concat([catalog.offers, unit_prices(catalog.offers)], axis=1).rename(columns={"offer_id": "id"})
    )
    notes = [catalog.rows[f"offer:{id}"].note or "" for id in rows["id"]]
    priced = np.where(
        rows["price_usd_per_hour"].isna(), "unknown", np.where(rows["price_doubt"] == "", "known", "doubtful")
    )
    return rows.assign(priced=pd.Series(priced, dtype="str"), note=pd.Series(notes, dtype="str"))


def _model_offers(catalog: Catalog) -> pd.DataFrame:
    rows = catalog.model_offers.rename(columns={"model_offer_id": "id"})
    day = rows["retirement_date"]
    retired = np.where(day == "", "", np.where(day <= catalog.moment.isoformat(), "yes", "no"))
    return rows.assign(retired=pd.Series(retired, dtype="str"))


def _with_gib(rows: pd.DataFrame) -> pd.DataFrame:
    """Give memory in the unit that makers and clouds quote."""
    found = rows.copy()
    for name in ("memory_gb", "accelerator_memory_gb"):
        if name in rows:
            position = found.columns.get_loc(name)
            found.insert(position, name.replace("_gb", "_gib"), gib_from_gb(found.pop(name)))  # type: ignore[arg-type]
    return found


def _architectures(catalog: Catalog) -> pd.DataFrame:
    shapes = [architecture.from_row(cast("dict[str, Any]", row)) for row in catalog.architectures.to_dict("records")]
    cached = [shape.kv_bytes_per_token() for shape in shapes]
    return catalog.architectures.assign(kv_cache_bytes_per_token=cached)


def _sightings(catalog: Catalog) -> pd.DataFrame:
    rows = catalog.accelerator_regions.rename(columns={"basis": "seen"})
    names = [name_of(catalog=catalog, table="accelerators", row_id=id) for id in rows["accelerator"]]
    labels = [f"{name} in {region}" for name, region in zip(names, rows["region"], strict=True)]
    return rows.assign(label=pd.Series(labels, dtype="str"))


def _transfers(catalog: Catalog) -> pd.DataFrame:
    rows = catalog.egress
    labels = [_transfer_label(row) for row in rows.to_dict("records")]
    return rows.assign(label=pd.Series(labels, dtype="str"))


def _transfer_label(row: Mapping[Hashable, Any]) -> str:
    provider, purpose, region = (in_words(name, row[name]) for name in ("provider", "purpose", "region"))
    tier = f", from {row['from_gb']:,.0f} GB" if row["from_gb"] else ""
    return f"{provider} {purpose}, {region}{tier}"


def _terms(catalog: Catalog) -> pd.DataFrame:
    rows = table(catalog.terms)
    labels = [
        " ".join([in_words("provider", provider), *id.removeprefix(provider).split("-")[1:]])
        for id, provider in zip(rows["id"], rows["provider"], strict=True)
    ]
    return rows.assign(label=pd.Series(labels, dtype="str"))


def _flat(rows: Sequence[Record]) -> pd.DataFrame:
    """Return records with parts inside as a frame of texts and truths; a part becomes its JSON."""
    return pd.DataFrame(
        [{name: _flat_cell(value) for name, value in row.model_dump(mode="json").items()} for row in rows],
        dtype="object",
    )


def _flat_cell(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ";".join(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return "" if value is None else value


def _coupling(catalog: Catalog) -> pd.DataFrame:
    rows = catalog.coupling
    steps = [tuple(step for step in text.split(";") if step.strip()) for text in rows["migration_steps"]]
    bits = [[bit for bit in coupling.BITS if row[bit]] for row in rows.to_dict("records")]
    pairs = list(zip(bits, steps, strict=True))
    return rows.assign(
        label=rows["option_a"].replace("(hidden)", "Hidden hardware") + " and " + rows["option_b"],
        pair=rows["layer_a"].map(LAYER_LABELS) + " and " + rows["layer_b"].map(LAYER_LABELS).str.lower(),
        both_layers=rows["layer_a"] + ";" + rows["layer_b"],
        coupling_score=[coupling.score(bits=own, steps=len(steps), weights=coupling.BITS) for own, steps in pairs],
        coupling_band=pd.Series(
            [coupling.stable_band(bits=own, steps=len(steps), weights=coupling.BITS) for own, steps in pairs],
            dtype="str",
        ),
    )


_BUILD: Mapping[str, Callable[[Catalog], pd.DataFrame]] = {
    "offers": _offers,
    "instances": lambda catalog: _with_gib(catalog.instances),
    "cpu-families": lambda catalog: catalog.cpu_families,
    "terms": _terms,
    "accelerators": lambda catalog: _with_gib(catalog.accelerators),
    "accelerator-regions": _sightings,
    "networking": lambda catalog: catalog.networking,
    "egress": _transfers,
    "storage": lambda catalog: catalog.storage,
    "storage-prices": lambda catalog: catalog.storage_prices,
    "orchestration": lambda catalog: catalog.orchestration,
    "model-offers": _model_offers,
    "architectures": _architectures,
    "model-vendors": lambda catalog: catalog.model_vendors,
    "licences": lambda catalog: _flat(catalog.licences),
    "regions": lambda catalog: catalog.regions,
    "rules": lambda catalog: _flat(catalog.rules),
    "coupling": _coupling,
}


def record(*, catalog: Catalog, name: str, row_id: str) -> Any:
    """Return one row as its file states it. Raises KeyError where the table has no such row."""
    return catalog.rows[TABLES[name].id_of(row_id)]


def name_of(*, catalog: Catalog, table: str, row_id: str) -> str:
    """Return the name of a row that another one names by its id; the id itself where the table has no such row."""
    found = catalog.rows.get(TABLES[table].id_of(row_id))
    return row_id if found is None else str(getattr(found, TABLES[table].label, row_id))


def row_of(*, catalog: Catalog, name: str, row_id: str) -> pd.Series:
    """Return one row of a table. Raises KeyError where the table has no such row."""
    rows = shelf(catalog, name)
    return cast("pd.Series", rows.loc[row_id])
