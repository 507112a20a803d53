"""Records → DataFrames with declared columns, dtypes and units: the value the estimator and the advisor read."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pandas as pd

from catalog import records
from catalog.files import Facts, terms_by_offer
from catalog.units import gb_from_gib, usd_per_gb_month_from_gib_month

OWN_SILICON = {("aws", "AWS"), ("gcp", "Google"), ("azure", "Microsoft")}


@dataclass(frozen=True, kw_only=True, eq=False)
class Catalog:
    """One release of the catalog at one moment, read-only: decimal GB, USD, ISO dates; unknown is NaN, None or ""."""

    release: int
    fact_set: str
    moment: dt.date
    offers: pd.DataFrame
    model_offers: pd.DataFrame
    accelerators: pd.DataFrame
    instances: pd.DataFrame
    cpu_families: pd.DataFrame
    regions: pd.DataFrame
    accelerator_regions: pd.DataFrame
    architectures: pd.DataFrame
    networking: pd.DataFrame
    storage: pd.DataFrame
    orchestration: pd.DataFrame
    storage_prices: pd.DataFrame
    egress: pd.DataFrame
    coupling: pd.DataFrame
    model_vendors: pd.DataFrame
    rules: tuple[records.Rule, ...]
    licences: tuple[records.Licence, ...]
    terms: tuple[records.Terms, ...]
    sources: tuple[records.Source, ...]
    _index: Mapping[str, Any] = field(repr=False)
    _sources: Mapping[str, records.Source] = field(repr=False)

    @property
    def rows(self) -> Mapping[str, Any]:
        """Return every row as its file states it, by its evidence id. [records; each field's unit ends its name]

        Read-only. Source: the rows' own provenance.
        """
        return MappingProxyType(self._index)

    def source(self, id: str) -> records.Source:
        """Return who stands behind the rows of a ``source_id``. [record] Source: sources*.yaml."""
        return self._sources[id]

    def evidence(self, id: str) -> dict[str, Any]:
        """Return who says what about one row: id, label, value, unit, kind, source, url, locator, as_of, as_of_basis.

        ``value`` is the row's leading figure in ``unit``, or None where the row is not one figure. ``as_of`` is an ISO
        date, or "" for an undated row. Raises KeyError for an id that no row has. Source: the row's provenance columns.
        """
        row = self._index[id]
        source = self._sources[row.source_id]
        label, value, unit = _DESCRIBE[id.split(":", 1)[0]](row)
        return {
            "id": id,
            "label": label,
            "value": float(value) if isinstance(value, Decimal) else value,
            "unit": unit,
            "kind": row.kind,
            "source": f"{source.publisher}: {source.title}",
            "url": source.url_or_repo,
            "locator": row.locator,
            "as_of": row.observed_at.isoformat() if row.observed_at else "",
            "as_of_basis": row.as_of_basis,
        }


def build(*, facts: Facts, moment: dt.date, release: int) -> Catalog:
    """Return the catalog's frames as they stand at a moment. [frames; each column's unit is the end of its name]

    Offers that take effect after the moment are left out. Valid for facts that passed ``files.check``.
    Source: the files' own provenance, kept per row and returned by :meth:`Catalog.evidence`.
    """
    current = [row for row in facts.offers if row.effective_from is None or row.effective_from <= moment]
    return Catalog(
        release=release,
        fact_set=facts.sha256,
        moment=moment,
        offers=_offers(facts=facts, offers=current),
        model_offers=_model_offers(facts.model_offers),
        accelerators=table(facts.accelerators, renamed=_MEMORY),
        instances=table(facts.instances, renamed=_MEMORY),
        cpu_families=table(facts.cpu_families),
        regions=table(facts.regions),
        accelerator_regions=table(facts.accelerator_regions, record=records.AcceleratorRegion),
        architectures=table(facts.architectures, record=records.Architecture),
        networking=table(facts.networking, record=records.NetworkingOption),
        storage=table(facts.storage, record=records.StorageOption),
        orchestration=table(facts.orchestration, record=records.OrchestrationOption),
        storage_prices=_storage_prices(facts.storage_prices),
        egress=table(facts.egress, record=records.EgressPrice),
        coupling=table(facts.coupling, record=records.Coupling),
        model_vendors=table(facts.model_vendors, record=records.ModelVendor),
        rules=facts.rules,
        licences=facts.licences,
        terms=facts.terms,
        sources=facts.sources,
        _index=_evidence_index(facts=facts, offers=current),
        _sources={row.id: row for row in facts.sources},
    )


# --- offers ----------------------------------------------------------------------------------------------------------

Row = tuple[
    records.Offer, records.Instance, records.Accelerator | None, records.Terms, records.Region
]  # an offer and what it points to
Cell = Callable[[records.Offer, records.Instance, records.Accelerator | None, records.Terms, records.Region], Any]

OFFER_COLUMNS: dict[str, tuple[str, Cell]] = {
    "offer_id": ("text", lambda o, i, a, t, r: o.id),
    "provider": ("text", lambda o, i, a, t, r: o.provider),
    "region": ("text", lambda o, i, a, t, r: o.region),
    "sku": ("text", lambda o, i, a, t, r: o.sku),
    "basis": ("text", lambda o, i, a, t, r: o.basis),
    "price_usd_per_hour": ("number", lambda o, i, a, t, r: o.price_usd_per_hour),
    "price_reason": ("text", lambda o, i, a, t, r: o.no_price_reason),
    "price_as_of": ("text", lambda o, i, a, t, r: o.observed_at and o.observed_at.isoformat()),
    "price_as_of_basis": ("text", lambda o, i, a, t, r: o.as_of_basis),
    "price_doubt": ("text", lambda o, i, a, t, r: ""),  # a row alone tells nothing: price_doubt() compares
    "min_duration_days": ("number", lambda o, i, a, t, r: t.min_duration_days),
    "max_duration_days": ("number", lambda o, i, a, t, r: t.max_duration_days),
    "increment_days": ("number", lambda o, i, a, t, r: t.increment_days),
    "lead_time_days": ("number", lambda o, i, a, t, r: t.lead_time_days),
    "max_quantity_count": ("number", lambda o, i, a, t, r: t.max_quantity),
    "prepaid": ("maybe", lambda o, i, a, t, r: t.prepaid),
    "cancellable": ("maybe", lambda o, i, a, t, r: t.cancellable),
    "capacity_guaranteed": ("maybe", lambda o, i, a, t, r: t.capacity_guaranteed),
    "interruptible": ("maybe", lambda o, i, a, t, r: t.interruptible),
    "terms_id": ("text", lambda o, i, a, t, r: t.id),
    "vcpus_count": ("number", lambda o, i, a, t, r: i.vcpus_count),
    "memory_gb": ("number", lambda o, i, a, t, r: _gb(i.memory_gib)),
    "host_isa": ("text", lambda o, i, a, t, r: i.host_isa),
    "cpu_family": ("text", lambda o, i, a, t, r: i.cpu_family),
    "local_nvme_tb": ("number", lambda o, i, a, t, r: i.local_nvme_tb),
    "network_gbps": ("number", lambda o, i, a, t, r: i.network_gbps),
    "fabric_gbps": ("number", lambda o, i, a, t, r: i.fabric_gbps),
    "fabric_type": ("text", lambda o, i, a, t, r: i.fabric_type),
    "self_serve": ("text", lambda o, i, a, t, r: i.self_serve),
    "status": ("text", lambda o, i, a, t, r: i.status),
    "accelerator": ("text", lambda o, i, a, t, r: i.accelerator),
    "accelerator_name": ("text", lambda o, i, a, t, r: a and a.name),
    "accelerator_vendor": ("text", lambda o, i, a, t, r: a and a.vendor),
    "accelerators_count": ("number", lambda o, i, a, t, r: i.accelerators_count if a else 0),
    "silicon": ("text", lambda o, i, a, t, r: _silicon(provider=o.provider, accelerator=a)),
    "software_stack": ("text", lambda o, i, a, t, r: a and a.software_stack),
    "bf16_tflops": ("number", lambda o, i, a, t, r: a and a.bf16_tflops),
    "fp16_tflops": ("number", lambda o, i, a, t, r: a and a.fp16_tflops),
    "fp8_tflops": ("number", lambda o, i, a, t, r: a and a.fp8_tflops),
    "fp4_tflops": ("number", lambda o, i, a, t, r: a and a.fp4_tflops),
    "int8_tops": ("number", lambda o, i, a, t, r: a and a.int8_tops),
    "accelerator_memory_gb": ("number", lambda o, i, a, t, r: a and _gb(a.memory_gib)),
    "memory_bandwidth_gb_per_s": ("number", lambda o, i, a, t, r: a and a.memory_bandwidth_gb_per_s),
    "scaleup_gb_per_s": ("number", lambda o, i, a, t, r: a and a.scaleup_gb_per_s),
    "scaleup_domain_accelerators": (
        "number",
        lambda o, i, a, t, r: a and (i.scaleup_domain_accelerators or a.scaleup_domain_accelerators),
    ),
    "tdp_w": ("number", lambda o, i, a, t, r: a and a.tdp_w),
    "trains": ("text", lambda o, i, a, t, r: a and a.trains),
    "serves": ("text", lambda o, i, a, t, r: a and a.serves),
    "country": ("text", lambda o, i, a, t, r: r.country),
    "geography": ("text", lambda o, i, a, t, r: r.geography),
    "in_eu": ("truth", lambda o, i, a, t, r: r.in_eu),
    "grid_gco2e_per_kwh": ("number", lambda o, i, a, t, r: r.grid_gco2e_per_kwh),
}


def _offers(*, facts: Facts, offers: Sequence[records.Offer]) -> pd.DataFrame:
    instances = {row.id: row for row in facts.instances}
    accelerators: dict[str | None, records.Accelerator] = {row.id: row for row in facts.accelerators}
    regions = {row.id: row for row in facts.regions}
    terms = terms_by_offer(terms=facts.terms, offers=offers)
    rows: list[Row] = []
    for offer in offers:
        shape = instances[f"{offer.provider}/{offer.sku}"]
        region = regions[f"{offer.provider}/{offer.region}"]
        rows.append((offer, shape, accelerators.get(shape.accelerator), terms[offer.id], region))
    found = pd.DataFrame(
        {name: _series([cell(*row) for row in rows], kind=kind) for name, (kind, cell) in OFFER_COLUMNS.items()}
    )
    return found.assign(price_doubt=price_doubt(found))


# 49 in 50 spot prices on file stand at 15.7 % of on demand or more. Lower ones are more often a fault of their source
# or a region's passing glut than a price that a run of weeks can be planned on.
DOUBTFUL_SPOT_FRACTION = 0.15


def price_doubt(offers: pd.DataFrame) -> pd.Series:
    """Return why each offer's price should be confirmed before anything stands on it, "" where nothing speaks against.

    A spot price below ``DOUBTFUL_SPOT_FRACTION`` of the on-demand price of the same SKU and region is an outlier. Where
    on demand has no price there is nothing to compare. The row stays: it may be true. Source: the offers themselves.
    """
    keys = ["provider", "region", "sku"]
    on_demand = offers[offers["basis"] == "on_demand"].set_index(keys)["price_usd_per_hour"]
    beside = on_demand.reindex(pd.MultiIndex.from_frame(offers[keys])).to_numpy()
    fraction = (offers["price_usd_per_hour"] / beside).where(offers["basis"] == "spot")
    texts = [
        f"{share:.0%} of on demand in the same region: an outlier, confirm it" if share < DOUBTFUL_SPOT_FRACTION else ""
        for share in fraction
    ]
    return _series(texts, kind="text").set_axis(offers.index)


def _silicon(*, provider: str, accelerator: records.Accelerator | None) -> str:
    if accelerator is None:
        return "none"
    return "own" if (provider, accelerator.vendor) in OWN_SILICON else "merchant"


def _gb(gib: float | None) -> float | None:
    return None if gib is None else gb_from_gib(gib)


# --- the other tables ------------------------------------------------------------------------------------------------

MODEL_OFFER_COLUMNS: dict[str, str] = {
    "model_offer_id": "text",
    "provider": "text",
    "platform": "text",
    "vendor": "text",
    "model_id": "text",
    "family": "text",
    "mode": "text",
    "scope": "text",
    "regions": "text",
    "context_window_tokens": "number",
    "max_output_tokens": "number",
    "input_usd_per_mtok": "number",
    "output_usd_per_mtok": "number",
    "cached_input_usd_per_mtok": "number",
    "cache_write_usd_per_mtok": "number",
    "batch_input_usd_per_mtok": "number",
    "batch_output_usd_per_mtok": "number",
    "long_context_input_usd_per_mtok": "number",
    "long_context_output_usd_per_mtok": "number",
    "long_context_threshold_tokens": "number",
    "price_reason": "text",
    "retirement_date": "text",
    "open_weights": "maybe",
    "licence_id": "text",
    "architecture_id": "text",
    "families_clouds": "text",
    "note": "text",
    "price_as_of": "text",
    "price_as_of_basis": "text",
}


def _model_offers(rows: Sequence[records.ModelOffer]) -> pd.DataFrame:
    clouds: dict[str, set[str]] = {}
    for row in rows:
        clouds.setdefault(row.family, set()).add(row.provider)
    named: dict[str, list[Any]] = {
        "model_offer_id": [row.id for row in rows],
        "price_reason": [row.no_price_reason for row in rows],
        "families_clouds": [";".join(sorted(clouds[row.family])) for row in rows],
        "price_as_of": [row.observed_at for row in rows],
        "price_as_of_basis": [row.as_of_basis for row in rows],
    }
    return pd.DataFrame(
        {
            name: _series(named[name] if name in named else [getattr(row, name) for row in rows], kind=kind)
            for name, kind in MODEL_OFFER_COLUMNS.items()
        }
    )


_MEMORY = {"memory_gib": ("memory_gb", _gb)}


def table(
    rows: Sequence[Any],
    *,
    record: type[records.Record] | None = None,
    renamed: Mapping[str, tuple[str, Callable[[Any], Any]]] | None = None,
) -> pd.DataFrame:
    """Return records as a frame with one column a field. [the unit ends each name]

    ``record`` names the class where there may be no row; ``renamed`` converts fields that the files state in another
    unit. Source: the records.
    """
    record = record or type(rows[0])
    columns = {}
    for name in record.model_fields:
        values = [getattr(row, name) for row in rows]
        kind = column_kind(record=record, name=name)
        if renamed and name in renamed:
            name, convert = renamed[name]
            values = [convert(value) for value in values]
        columns[name] = _series(values, kind=kind)
    return pd.DataFrame(columns)


def column_kind(*, record: type[records.Record], name: str) -> str:
    """Return how a record's field stands in a frame: "number", "maybe" (bool or None) or "text". [kind]

    Read from the field's annotation, so that an all-blank column keeps its dtype. Source: ``records.py``.
    """
    annotation = str(record.model_fields[name].annotation)
    if "tuple" in annotation or "str" in annotation or "date" in annotation or "Literal" in annotation:
        return "text"
    if "bool" in annotation:
        return "maybe"
    return "number"


def _storage_prices(rows: Sequence[records.StoragePrice]) -> pd.DataFrame:
    prices = table(rows, record=records.StoragePrice)
    binary = prices["price_unit"] == "gib_month"
    converted = usd_per_gb_month_from_gib_month(prices.loc[binary, "price_usd_per_gb_month"])  # type: ignore[arg-type]
    prices.loc[binary, "price_usd_per_gb_month"] = converted
    return prices


def _series(values: Iterable[Any], *, kind: str) -> pd.Series:
    if kind == "number":
        return pd.Series([None if value is None else float(value) for value in values], dtype="float64")
    if kind == "maybe":
        return pd.Series(list(values), dtype="object")
    if kind == "truth":
        return pd.Series(list(values), dtype="bool")
    return pd.Series([_text(value) for value in values], dtype="str")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ";".join(str(part) for part in value)
    return value.isoformat() if isinstance(value, dt.date) else str(value)


# --- evidence --------------------------------------------------------------------------------------------------------


def _evidence_index(*, facts: Facts, offers: Sequence[records.Offer]) -> dict[str, Any]:
    tables: dict[str, Sequence[Any]] = {
        "offer": offers,
        "accelerator": facts.accelerators,
        "instance": facts.instances,
        "region": facts.regions,
        "accelerator_region": facts.accelerator_regions,
        "architecture": facts.architectures,
        "model_offer": facts.model_offers,
        "egress": facts.egress,
        "storage_price": facts.storage_prices,
        "rule": facts.rules,
        "coupling": facts.coupling,
        "terms": facts.terms,
        "cpu_family": facts.cpu_families,
        "model_vendor": facts.model_vendors,
        "licence": facts.licences,
        "option:networking": facts.networking,
        "option:storage": facts.storage,
        "option:orchestration": facts.orchestration,
    }
    return {
        f"{prefix}{'/' if prefix.startswith('option:') else ':'}{row.id}": row
        for prefix, rows in tables.items()
        for row in rows
    }


Leading = tuple[str, Any, str]  # label, leading figure or None, unit


def _accelerator(row: records.Accelerator) -> Leading:
    if row.bf16_tflops is None and row.fp16_tflops is not None:
        return row.name, row.fp16_tflops, "dense FP16 TFLOP/s"
    return row.name, row.bf16_tflops, "dense BF16 TFLOP/s"


def _instance(row: records.Instance) -> Leading:
    label = f"{row.provider} {row.sku}"
    if row.accelerator:
        return f"{label} ({row.accelerator})", row.accelerators_count, "accelerators per instance"
    return label, row.vcpus_count, "vCPUs per instance"


_DESCRIBE: dict[str, Callable[[Any], Leading]] = {
    "offer": lambda row: (
        f"{row.provider} {row.sku} in {row.region}, {row.basis.replace('_', ' ')}",
        row.price_usd_per_hour,
        "USD per instance-hour",
    ),
    "accelerator": _accelerator,
    "instance": _instance,
    "region": lambda row: (f"{row.provider} {row.region} ({row.name})", row.grid_gco2e_per_kwh, "gCO2e per kWh"),
    "accelerator_region": lambda row: (f"{row.accelerator} in {row.provider} {row.region}", None, ""),
    "architecture": lambda row: (row.name, row.params_total, "parameters"),
    "model_offer": lambda row: (
        f"{row.model_id} on {row.platform} ({row.scope})",
        row.input_usd_per_mtok,
        "USD per million input tokens",
    ),
    "egress": lambda row: (
        f"{row.provider} {row.region} {row.purpose.replace('_', ' ')} from {row.from_gb:g} GB",
        row.price_usd_per_gb,
        "USD per GB",
    ),
    "storage_price": lambda row: (
        f"{row.product}{' ' + row.tier if row.tier else ''} in {row.provider} {row.region}",
        row.price_usd_per_gb_month,
        "USD per GiB-month" if row.price_unit == "gib_month" else "USD per GB-month",
    ),
    "rule": lambda row: (row.title, None, ""),
    "coupling": lambda row: (f"{row.option_a} and {row.option_b} on {row.provider}", None, ""),
    "terms": lambda row: (f"{row.provider} {row.basis.replace('_', ' ')} terms", row.max_duration_days, "days at most"),
    "cpu_family": lambda row: (row.name, None, ""),
    "model_vendor": lambda row: (f"{row.vendor} on {row.platform}", None, ""),
    "licence": lambda row: (row.name, None, ""),
    "option": lambda row: (f"{row.name} ({row.provider})", None, ""),
}
