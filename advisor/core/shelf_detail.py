"""One row of the catalog in full: its facts, the rows behind it, what it means, and what stands around it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, cast

import pandas as pd

from advisor.core.coupling import BIT_TEXT, BITS
from advisor.core.shelf import narrowed, ordered, record, row_of, shelf
from advisor.core.shelf_facts import Fact, Origin, conditions_text, facts, origin
from advisor.core.shelf_tables import OFFER_PRICES, TABLES, Column, Table
from catalog.frame import Catalog
from catalog.records import Licence
from catalog.units import BYTES_PER_GIB
from estimator import architecture

ROWS_OF_A_SECTION = 20
OFFERS_OF_AN_INSTANCE = 100  # they are what its page is about


@dataclass(frozen=True)
class Part:
    """The facts of one row with where they come from. ``row_id`` is blank for the row that the page is about."""

    title: str
    table: Table
    row_id: str
    facts: tuple[Fact, ...]
    unknown: tuple[str, ...]
    note: str
    origin: Origin


@dataclass(frozen=True)
class Passage:
    """What a row means, in sentences."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Other rows that belong to this one; ``wanted`` and ``query`` narrow their list to all ``count`` of them."""

    title: str
    lead: str
    table: Table
    rows: pd.DataFrame
    count: int
    wanted: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Detail:
    """Everything that a page about one row shows."""

    table: Table
    row_id: str
    title: str
    passages: tuple[Passage, ...]
    parts: tuple[Part, ...]
    sections: tuple[Section, ...]


Found = tuple[list[Passage], list[Part], list[Section]]


def detail(*, catalog: Catalog, name: str, row_id: str) -> Detail:
    """Return one row in full. Raises KeyError for a table or row that there is not."""
    table = TABLES[name]
    own = _part(catalog, name, row_id, title="What the source says")
    around = _AROUND.get(name)
    row = row_of(catalog=catalog, name=name, row_id=row_id)
    passages, behind, sections = around(catalog, row) if around else ([], [], [])
    return Detail(
        table=table,
        row_id=row_id,
        title=str(row[table.label]) if name != "offers" else catalog.evidence(table.id_of(row_id))["label"],
        passages=tuple(passages),
        parts=(own, *behind),
        sections=tuple(section for section in sections if section.count),
    )


def _part(catalog: Catalog, name: str, row_id: str, *, title: str) -> Part:
    table = TABLES[name]
    row = row_of(catalog=catalog, name=name, row_id=row_id)
    stated = record(catalog=catalog, name=name, row_id=row_id)
    known, unknown = facts(table=table, row=row, record=stated)
    return Part(
        title=title,
        table=table,
        row_id=row_id,
        facts=tuple(known),
        unknown=tuple(unknown),
        note=str(row.get("note") or ""),
        origin=origin(row),
    )


def _behind(catalog: Catalog, *wanted: tuple[str, str, str]) -> list[Part]:
    """Return the parts of the rows behind one, given as title, table and id; a blank or unknown id gives none."""
    return [
        _part(catalog, name, row_id, title=title)
        for title, name, row_id in wanted
        if row_id and row_id in shelf(catalog, name).index
    ]


def _section(
    catalog: Catalog,
    name: str,
    title: str,
    *,
    wanted: Mapping[str, str] | None = None,
    rows: pd.DataFrame | None = None,
    by: str = "",
    lead: str = "",
    columns: tuple[Column, ...] = (),
    most: int = ROWS_OF_A_SECTION,
) -> Section:
    found = narrowed(catalog=catalog, name=name, wanted=wanted or {}) if rows is None else rows
    if by:
        found = ordered(rows=found, by=by)
    return Section(
        title=title,
        lead=lead,
        table=TABLES[name],
        rows=found.iloc[:most],
        count=len(found),
        wanted=wanted or {},
        columns=columns or TABLES[name].columns,
    )


def _matching(rows: pd.DataFrame, column: str, row_id: str) -> pd.DataFrame:
    """Return the rows of which a list of ids or globs holds one id."""
    return rows[[_is_among(row_id, globs) for globs in rows[column]]]


# --- compute ---------------------------------------------------------------------------------------------------------


def _of_offer(catalog: Catalog, row: pd.Series) -> Found:
    passages = [Passage("Why to doubt this price", (f"It is {row['price_doubt']}.",))] if row["price_doubt"] else []
    parts = _behind(
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
            _section(
                catalog,
                "offers",
                "This instance in every region and way to buy",
                wanted={"provider": row["provider"], "sku": row["sku"]},
                by="price_usd_per_hour",
                lead=ORDER_OF_PRICES,
            )
        ],
    )


ORDER_OF_PRICES = (
    "Dated prices come first, then stale ones, then undated or doubtful ones, then offers without a price; "
    "within each the cheapest first. Ways to buy differ in what they promise: compare within one."
)


def _of_instance(catalog: Catalog, row: pd.Series) -> Found:
    offers = shelf(catalog, "offers")
    own = offers[(offers["provider"] == row["provider"]) & (offers["sku"] == row["sku"])]
    terms = [("Terms that decide whether it can be bought", "terms", id) for id in sorted(set(own["terms_id"]))]
    parts = _behind(
        catalog,
        ("The accelerator", "accelerators", row["accelerator"]),
        ("The processor", "cpu-families", row["cpu_family"]),
        *terms,
    )
    columns = (Column("region", "Region"), Column("basis", "Way to buy"), *OFFER_PRICES)
    section = _section(
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
    return ([] if len(own) else [none]), parts, [section]


def _of_cpu_family(catalog: Catalog, row: pd.Series) -> Found:
    return [], [], [_section(catalog, "instances", "Instances", wanted={"cpu": row["id"]}, by="sku")]


def _of_terms(catalog: Catalog, row: pd.Series) -> Found:
    return (
        [],
        [],
        [
            _section(
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
            _section(
                catalog,
                "offers",
                "Lowest price by provider and way to buy",
                rows=best,
                lead="The lowest to rely on: dated before stale, stale before undated. Doubtful ones are left out.",
            ),
            _section(catalog, "instances", "Instances that carry it", wanted={"accelerator": row["id"]}, by="sku"),
            _section(catalog, "accelerator-regions", "Regions where it was seen", wanted={"accelerator": row["id"]}),
            _section(
                catalog,
                "orchestration",
                "Orchestration that supports it",
                rows=_matching(shelf(catalog, "orchestration"), "supported_accelerators", row["id"]),
            ),
            _section(catalog, "rules", "Rules that name it", rows=shelf(catalog, "rules").loc[rules]),
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
            _section(catalog, "accelerators", "Accelerators it belongs to", rows=_chips(catalog, row["accelerators"])),
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
            _section(catalog, "storage-prices", "Prices", rows=own, by="price_usd_per_gb_month"),
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
            _section(catalog, "accelerators", "Accelerators it supports", rows=supported),
            _coupling_of(catalog, row, "orchestration"),
        ],
    )


def _chips(catalog: Catalog, globs: str) -> pd.DataFrame:
    """Return the accelerators that a list of ids and globs names."""
    rows = shelf(catalog, "accelerators")
    return rows[[_is_among(id, globs) for id in rows["id"]]]


def _is_among(row_id: str, globs: str) -> bool:
    return any(fnmatchcase(row_id, glob) for glob in globs.split(";") if glob)


def _coupling_of(catalog: Catalog, row: pd.Series, layer: str) -> Section:
    return _section(
        catalog,
        "coupling",
        "What this layer is bound to on this provider",
        wanted={"provider": row["provider"], "layer": layer},
        lead="Observations of the layer with the typical options of each path, not of this option alone.",
    )


# --- models ----------------------------------------------------------------------------------------------------------


def _of_model_offer(catalog: Catalog, row: pd.Series) -> Found:
    vendors = shelf(catalog, "model-vendors")
    vendor = vendors[(vendors["provider"] == row["provider"]) & (vendors["vendor"] == row["vendor"])]
    parts = _behind(
        catalog,
        *(("What the platform says of this maker", "model-vendors", id) for id in vendor["id"]),
        ("The licence", "licences", row["licence_id"]),
        ("The architecture", "architectures", row["architecture_id"]),
    )
    residency = (
        [] if len(vendor) else ["The catalog says nothing of this maker on this platform: residency is unknown."]
    )
    lines = [
        f"Requests may be processed in this scope: {row['scope']}."
        if row["scope"] != "unstated"
        else "The source does not state where requests may be processed: confirm it if data must stay in a place.",
        *residency,
        *_retirement(row, catalog),
    ]
    sections = [
        _section(
            catalog,
            "model-offers",
            "The family in every scope and cloud",
            wanted={"family": row["family"]},
            by="input_usd_per_mtok",
            lead=ORDER_OF_PRICES,
        )
    ]
    licence = _licence_passages(catalog, row["licence_id"], open_weights=row["open_weights"])
    return [Passage("Where it runs, and until when", tuple(lines)), *licence], parts, sections


def _retirement(row: pd.Series, catalog: Catalog) -> list[str]:
    if not row["retirement_date"]:
        return ["No retirement date is stated."]
    past = row["retirement_date"] <= catalog.moment.isoformat()
    return [f"The platform {'stopped' if past else 'stops'} serving it on {row['retirement_date']}."]


def _of_architecture(catalog: Catalog, row: pd.Series) -> Found:
    shape = architecture.from_row(cast("dict[str, Any]", row.to_dict()))
    lines = []
    if shape.context_max_tokens:
        cached = shape.kv_bytes_per_sequence(context_tokens=shape.context_max_tokens) / BYTES_PER_GIB
        lines.append(
            f"A sequence of the whole context ({shape.context_max_tokens:,} tokens) keeps {cached:,.3g} GiB of keys "
            "and values at 16 bits, sliding windows applied."
        )
    lines.append("Computed from the shape below; an engine adds its own reserve, and 8 bits a value halve it.")
    return (
        [
            Passage("Memory of a conversation", tuple(lines)),
            *_licence_passages(catalog, row["licence_id"], open_weights=row["open_weights"]),
        ],
        _behind(catalog, ("The licence", "licences", row["licence_id"])),
        [
            _section(
                catalog,
                "model-offers",
                "Managed offers of these weights",
                wanted={"architecture": row["id"]},
                by="input_usd_per_mtok",
            )
        ],
    )


def _licence_passages(catalog: Catalog, licence_id: str, *, open_weights: Any) -> list[Passage]:
    title = "What the licence allows"
    found = next((one for one in catalog.licences if one.id == licence_id), None)
    if found is None and open_weights:
        return [Passage(title, ("No licence is on file, and a model without one is not advised.",))]
    if found is None:
        return [Passage(title, ("The weights cannot be had; the platform's terms of service hold.",))]
    return [Passage(title, licence_lines(found))]


def licence_lines(licence: Licence) -> tuple[str, ...]:
    """Return what a licence allows and to whom it forbids something, in sentences."""
    use = {
        "yes": f"{licence.name}: commercial use is allowed.",
        "no": f"{licence.name}: commercial use is not allowed.",
        "conditional": f"{licence.name}: commercial use is allowed under conditions.",
    }[licence.commercial_use]
    lines = [use]
    for condition in licence.conditions:
        weight = "Binding" if condition.severity == "hard" else "To be kept in mind"
        applies = f" (when {' and '.join(conditions_text(condition.when))})" if condition.when else ""
        lines.append(f"{weight}{applies}: {condition.message}")
    return tuple(lines)


def _of_licence(catalog: Catalog, row: pd.Series) -> Found:
    return (
        _licence_passages(catalog, row["id"], open_weights=True),
        [],
        [
            _section(catalog, "architectures", "Architectures under it", wanted={"licence": row["id"]}),
            _section(catalog, "model-offers", "Managed offers under it", wanted={"licence": row["id"]}),
        ],
    )


def _of_vendor(catalog: Catalog, row: pd.Series) -> Found:
    wanted = {"provider": row["provider"], "vendor": row["vendor"]}
    return [], [], [_section(catalog, "model-offers", "Its models here", wanted=wanted, by="model_id")]


# --- across the layers -----------------------------------------------------------------------------------------------


def _of_region(catalog: Catalog, row: pd.Series) -> Found:
    here = {"provider": row["provider"], "region": row["region"]}
    egress = shelf(catalog, "egress")
    leaving = egress[(egress["provider"] == row["provider"]) & egress["region"].isin((row["region"], "*"))]
    carbon = [
        Passage(
            "Carbon",
            (
                "The figure of the grid has a source of its own, named below. The providers reckon by different "
                "methods: it is shown and never ranked across clouds.",
            )
            if row["carbon_source"]
            else ("No figure of the grid's carbon is known for this region.",),
        )
    ]
    return (
        carbon,
        [],
        [
            _section(catalog, "accelerator-regions", "Accelerators seen here", wanted=here),
            _section(catalog, "offers", "Offers here", wanted=here, by="price_usd_per_hour", lead=ORDER_OF_PRICES),
            _section(catalog, "model-offers", "Managed models listed for it", wanted=here, by="model_id"),
            _section(catalog, "storage-prices", "Storage prices here", wanted=here),
            _section(catalog, "egress", "What data costs that leaves", rows=leaving),
        ],
    )


def _of_rule(catalog: Catalog, row: pd.Series) -> Found:
    rule = record(catalog=catalog, name="rules", row_id=row["id"])
    passages = [
        Passage("What it says", (rule.message,)),
        Passage("When it applies", tuple(conditions_text(rule.when)) or ("Always.",)),
    ]
    if rule.require:
        passages.append(Passage("What it then wants", tuple(conditions_text(rule.require))))
    else:
        passages.append(Passage("What it then wants", ("An answer of the provider: no fact on file can decide it.",)))
    if rule.examples:
        passages.append(
            Passage(
                "Two examples, checked at each load",
                (
                    f"Passes: {'; '.join(conditions_text(rule.examples.passes))}.",
                    f"Fails: {'; '.join(conditions_text(rule.examples.fails))}.",
                ),
            )
        )
    if rule.effort_weeks:
        weeks = rule.effort_weeks
        line = f"{weeks.typical:g} weeks, between {weeks.low:g} and {weeks.high:g}: a judgement, not a measurement."
        passages.append(Passage("What it takes to close the gap", (line,)))
    return passages, [], []


def _of_coupling(catalog: Catalog, row: pd.Series) -> Found:
    observed = record(catalog=catalog, name="coupling", row_id=row["id"])
    stated = [
        f"It {text}: {'yes' if row[bit] else 'no'} (weight {weight:g})."
        for (bit, text), weight in zip(BIT_TEXT.items(), BITS.values(), strict=True)
    ]
    steps = tuple(observed.migration_steps) or ("No step is known to be needed.",)
    same = shelf(catalog, "coupling")
    pair = same[(same["pair"] == row["pair"]) & (same["id"] != row["id"])]
    return (
        [
            Passage("What it rests on", (row["evidence"],)),
            Passage("The seven observations", tuple(stated)),
            Passage("What a move takes", steps),
        ],
        [],
        [_section(catalog, "coupling", "The same two layers elsewhere", rows=pair, by="coupling_score")],
    )


_AROUND: Mapping[str, Callable[[Catalog, pd.Series], Found]] = {
    "offers": _of_offer,
    "instances": _of_instance,
    "cpu-families": _of_cpu_family,
    "terms": _of_terms,
    "accelerators": _of_accelerator,
    "networking": _of_networking,
    "storage": _of_storage,
    "storage-prices": _of_storage_price,
    "orchestration": _of_orchestration,
    "model-offers": _of_model_offer,
    "architectures": _of_architecture,
    "licences": _of_licence,
    "model-vendors": _of_vendor,
    "regions": _of_region,
    "rules": _of_rule,
    "coupling": _of_coupling,
}
