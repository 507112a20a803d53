"""The catalog's files → records. A row that cannot be trusted does not load; the error says which row and why."""

import csv
import dataclasses
import hashlib
import io
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from catalog import records

DIRECTORY = Path(__file__).parent / "data"
CHEAPER_THAN_ON_DEMAND = ("spot", "commitment_1y", "commitment_3y", "savings_plan_1y", "savings_plan_3y", "flex_start")
PRICE_SPREAD = 4  # a price per accelerator beyond its family's median / 4 … × 4 is a unit mistake until excepted


class DataError(Exception):
    """A data file that does not hold: which file, which row, why, and how to mend it."""

    def __init__(self, *, file: str, row: str, reason: str, mend: str) -> None:
        super().__init__(f"{file}: {row}: {reason}. {mend}")
        self.file, self.row, self.reason, self.mend = file, row, reason, mend


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Every table of the catalog as records, sorted by id, with the hash of the bytes they were read from."""

    sources: tuple[records.Source, ...]
    accelerators: tuple[records.Accelerator, ...]
    cpu_families: tuple[records.CpuFamily, ...]
    instances: tuple[records.Instance, ...]
    offers: tuple[records.Offer, ...]
    terms: tuple[records.Terms, ...]
    regions: tuple[records.Region, ...]
    accelerator_regions: tuple[records.AcceleratorRegion, ...]
    architectures: tuple[records.Architecture, ...]
    model_offers: tuple[records.ModelOffer, ...]
    model_vendors: tuple[records.ModelVendor, ...]
    licences: tuple[records.Licence, ...]
    networking: tuple[records.NetworkingOption, ...]
    storage: tuple[records.StorageOption, ...]
    orchestration: tuple[records.OrchestrationOption, ...]
    storage_prices: tuple[records.StoragePrice, ...]
    egress: tuple[records.EgressPrice, ...]
    rules: tuple[records.Rule, ...]
    coupling: tuple[records.Coupling, ...]
    price_exceptions: tuple[records.PriceException, ...]
    sha256: str = field(compare=False)


FILES: dict[str, tuple[str, type[records.Record]]] = {
    "sources": ("sources*.yaml", records.Source),
    "accelerators": ("accelerators.csv", records.Accelerator),
    "cpu_families": ("cpu_families.csv", records.CpuFamily),
    "instances": ("instances.csv", records.Instance),
    "offers": ("offers.csv", records.Offer),
    "terms": ("terms.yaml", records.Terms),
    "regions": ("regions.csv", records.Region),
    "accelerator_regions": ("accelerator_regions.csv", records.AcceleratorRegion),
    "architectures": ("architectures.csv", records.Architecture),
    "model_offers": ("model_offers.csv", records.ModelOffer),
    "model_vendors": ("model_vendors.csv", records.ModelVendor),
    "licences": ("licences.yaml", records.Licence),
    "networking": ("networking.yaml", records.NetworkingOption),
    "storage": ("storage.yaml", records.StorageOption),
    "orchestration": ("orchestration.yaml", records.OrchestrationOption),
    "storage_prices": ("storage_prices.csv", records.StoragePrice),
    "egress": ("egress.csv", records.EgressPrice),
    "rules": ("rules.yaml", records.Rule),
    "coupling": ("coupling.csv", records.Coupling),
    "price_exceptions": ("price_exceptions.yaml", records.PriceException),
}


def load(directory: Path | None = None) -> Facts:
    """Return every fact of a directory of data files, checked row by row and against each other. [records]

    Assumes UTF-8 files as named in ``FILES``. Valid for the shipped directory (the default) or a copy of it.
    Source: each row's own ``source_id``. Raises :class:`DataError`.
    """
    return parse(read(directory))


def read(directory: Path | None = None) -> dict[str, str]:
    """Return the text of every data file by its name; unparsed, so that it can be stored and hashed. [text]

    A file that is no table of the catalog is refused, so that a misnamed file is not silently ignored.
    Source: the directory, by default the one shipped with this package.
    """
    directory = directory or DIRECTORY
    texts = {}
    for path in sorted(directory.iterdir()):
        if not path.is_file() or path.name.startswith("."):
            continue
        if not any(fnmatchcase(path.name, pattern) for pattern, _ in FILES.values()):
            raise DataError(file=path.name, row="file", reason="no table has this name", mend="Rename or remove it.")
        try:
            texts[path.name] = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(file=path.name, row="file", reason=str(error), mend="Save it as UTF-8.") from error
    return texts


def parse(texts: Mapping[str, str]) -> Facts:
    """Return the records of the given files, checked row by row and against each other. [records]

    Assumes the names of ``FILES``; the same texts give the same ``sha256``. Source: each row's own ``source_id``.
    """
    facts = Facts(sha256=sha256(texts), **{name: _table(name=name, texts=texts) for name in FILES})
    check(facts)
    return facts


def accepted(texts: Mapping[str, str], *, offers: tuple[records.Offer, ...]) -> Facts:
    """Return the records of files that were published, with the offers of a release in the place of the file's.

    Files were checked before they were published, and each price before it was appended: a price that was believed
    then is not refused now because others have moved since. Source: each row's own ``source_id``.
    """
    tables: dict[str, Any] = {name: offers if name == "offers" else _table(name=name, texts=texts) for name in FILES}
    return Facts(sha256=sha256(texts), **tables)


def replace(facts: Facts, **tables: Any) -> Facts:
    """Return the facts with some tables exchanged, unchecked. [records]

    For rows that come from accepted ones, such as model offers with a later price. Source: the given rows.
    """
    return dataclasses.replace(facts, **tables)


def sha256(texts: Mapping[str, str]) -> str:
    """Return the content address of a set of data files: the hash of their names and bytes. [hexadecimal]

    Independent of the order of the mapping. Source: FIPS 180-4.
    """
    digest = hashlib.sha256()
    for name in sorted(texts):
        content = texts[name].encode("utf-8")
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def rows(*, file: str, text: str, record: type[records.Record]) -> tuple[Any, ...]:
    """Return the records of one file, which must stand sorted by id. [records]

    Raises DataError for a row that does not fit. Source: the text.
    """
    found: list[Any] = []
    previous = ""
    for raw in (_csv_rows if file.endswith(".csv") else _yaml_rows)(file=file, text=text, record=record):
        row = _record(file=file, raw=raw, record=record)
        if found and row.id == previous:
            raise DataError(file=file, row=row.id, reason="the id stands twice", mend="Keep one row of this id.")
        if row.id < previous:
            raise DataError(file=file, row=row.id, reason=f"it stands after {previous!r}", mend="Sort the rows by id.")
        found.append(row)
        previous = row.id
    return tuple(found)


def file_of(table: str) -> str:
    """Return the file name (or pattern) that holds a table. [name]

    Source: ``FILES``.
    """
    return FILES[table][0]


def _table(*, name: str, texts: Mapping[str, str]) -> tuple[Any, ...]:
    pattern, record = FILES[name]
    found: dict[str, Any] = {}
    names = sorted(file for file in texts if fnmatchcase(file, pattern))
    if not names:
        raise DataError(file=pattern, row="file", reason="the file is missing", mend="Restore it from the repository.")
    for file in names:
        for row in rows(file=file, text=texts[file], record=record):
            if row.id in found:
                raise DataError(file=file, row=row.id, reason="the id stands twice", mend="Keep one row of this id.")
            found[row.id] = row
    return tuple(found[key] for key in sorted(found))


def _csv_rows(*, file: str, text: str, record: type[records.Record]) -> Iterable[dict[str, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, [])
    known = record.model_fields
    for column in header:
        if column not in known:
            raise DataError(
                file=file, row="header", reason=f"unknown column {column!r}", mend=f"Known are {', '.join(known)}."
            )
    for column, info in known.items():
        if info.is_required() and column not in header:
            raise DataError(file=file, row="header", reason=f"no column {column!r}", mend="Add it; every row needs it.")
    for values in reader:
        if len(values) != len(header):
            raise DataError(
                file=file,
                row=values[0] if values else f"line {reader.line_num}",
                reason=f"{len(values)} cells under {len(header)} columns (line {reader.line_num})",
                mend="Quote commas, remove stray ones.",
            )
        yield {column: value or None for column, value in zip(header, values, strict=True)}


def _yaml_rows(*, file: str, text: str, record: type[records.Record]) -> Iterable[dict[str, Any]]:
    try:
        rows = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise DataError(file=file, row="file", reason=f"not YAML: {error}", mend="Mend the line it names.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(file=file, row="file", reason="not a list of mappings", mend="Write `- id: …` entries.")
    yield from rows


def _record(*, file: str, raw: dict[str, Any], record: type[records.Record]) -> Any:
    try:
        return record.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            reason, mend = "unknown key", f"Known are {', '.join(record.model_fields)}."
        elif first["input"] is None or first["type"] == "missing":
            reason, mend = "it is blank", "Every row needs it."
        else:
            reason = f"{reason} (is {str(first['input'])[:60]!r})" if path else reason
            mend = "Correct the value."
        raise DataError(
            file=file, row=str(raw.get("id", "?")), reason=f"{path}: {reason}" if path else reason, mend=mend
        ) from error


# --- rows against each other ---------------------------------------------------------------------------------------


def check(facts: Facts) -> None:
    """Raise :class:`DataError` for the first row that contradicts another or leaves its plausible range.

    Ranges are wide on purpose: they catch a wrong unit (TB for GB, sparse for dense, cents for dollars), no bad deal.
    Source: the spread of the shipped figures; exceptions stand, with their reason, in ``price_exceptions.yaml``.
    """
    _check_references(facts)
    _check_ids(facts)
    _check_hardware(facts)
    _check_offers(facts)
    _check_egress(facts)


def _fail(*, table: str, row: str, reason: str, mend: str) -> DataError:
    return DataError(file=file_of(table), row=row, reason=reason, mend=mend)


def _check_references(facts: Facts) -> None:
    ids = {table.name: {row.id for row in getattr(facts, table.name)} for table in fields(facts) if table.name in FILES}
    references: Sequence[tuple[str, str, str, Callable[[Any], str | None]]] = [
        *((table, "source_id", "sources", lambda row: row.source_id) for table in FILES if table != "sources"),
        ("instances", "accelerator", "accelerators", lambda row: row.accelerator),
        ("instances", "cpu_family", "cpu_families", lambda row: row.cpu_family),
        ("offers", "provider/sku", "instances", lambda row: f"{row.provider}/{row.sku}"),
        ("offers", "provider/region", "regions", lambda row: f"{row.provider}/{row.region}"),
        ("accelerator_regions", "accelerator", "accelerators", lambda row: row.accelerator),
        ("accelerator_regions", "provider/region", "regions", lambda row: f"{row.provider}/{row.region}"),
        ("architectures", "licence_id", "licences", lambda row: row.licence_id),
        ("model_offers", "licence_id", "licences", lambda row: row.licence_id),
        ("model_offers", "architecture_id", "architectures", lambda row: row.architecture_id),
        ("storage_prices", "option_id", "storage", lambda row: row.option_id),
        ("price_exceptions", "id", "offers", lambda row: row.id),
    ]
    for table, column, target, reference in references:
        known = ids[target]
        for row in getattr(facts, table):
            wanted = reference(row)
            if wanted is not None and wanted not in known:
                raise _fail(
                    table=table,
                    row=row.id,
                    reason=f"{column} {wanted!r} is not in {file_of(target)}",
                    mend="Add it there or correct the reference.",
                )


def _check_ids(facts: Facts) -> None:
    expected: dict[str, Callable[[Any], str]] = {
        "instances": lambda row: f"{row.provider}/{row.sku}",
        "offers": lambda row: f"{row.provider}/{row.region}/{row.sku}/{row.basis}",
        "regions": lambda row: f"{row.provider}/{row.region}",
        "accelerator_regions": lambda row: f"{row.provider}/{row.region}/{row.accelerator}",
    }
    for table, make in expected.items():
        for row in getattr(facts, table):
            if row.id != make(row):
                raise _fail(table=table, row=row.id, reason=f"its columns say {make(row)!r}", mend="Correct the id.")


RANGES: dict[str, dict[str, tuple[float, float, str]]] = {
    "accelerators": {
        "memory_gib": (4, 1000, "Is it in TB?"),
        "memory_bandwidth_gb_per_s": (20, 40_000, "Is it in TB/s?"),
        "bf16_tflops": (10, 10_000, "Is it in PFLOP/s?"),
        "fp16_tflops": (10, 10_000, "Is it in PFLOP/s?"),
        "fp8_tflops": (50, 30_000, "Is it in PFLOP/s, or sparse?"),
        "fp4_tflops": (100, 60_000, "Is it in PFLOP/s, or sparse?"),
        "int8_tops": (50, 30_000, "Is it in POP/s, or sparse?"),
        "scaleup_gb_per_s": (10, 10_000, "Is it in TB/s or Gbit/s?"),
        "tdp_w": (20, 5_000, "Is it in kW?"),
    },
    "instances": {
        "vcpus_count": (0.25, 4_000, "Is it the number of vCPUs?"),
        "memory_gib": (0.5, 50_000, "Is it in TB or MB?"),
        "accelerators_count": (0.1, 10_000, "Is it per instance?"),
        "network_gbps": (0.1, 40_000, "Is it in Mbit/s?"),
        "fabric_gbps": (10, 40_000, "Is it in Mbit/s?"),
        "local_nvme_tb": (0, 600, "Is it in GB?"),
    },
    "offers": {"price_usd_per_hour": (0.001, 20_000, "Is it in cents, per month, or per term?")},
    "regions": {"grid_gco2e_per_kwh": (0, 1_500, "Is it in kg?")},
    "storage_prices": {"price_usd_per_gb_month": (0.0005, 10, "Is it per TB or per GB?")},
    "egress": {"price_usd_per_gb": (0, 1, "Is it per TB?")},
    "model_offers": dict.fromkeys(
        ("input_usd_per_mtok", "output_usd_per_mtok", "batch_input_usd_per_mtok", "batch_output_usd_per_mtok"),
        (0.001, 1_000, "Is it per thousand tokens?"),
    ),
}
DENSE_RATIOS = {
    "fp8_tflops": (0.9, 4.5),
    "fp4_tflops": (0.9, 7.0),
}  # to bf16, dense: 2517/671 of Trainium3 is the widest


def _check_hardware(facts: Facts) -> None:
    for table, ranges in RANGES.items():
        for row in getattr(facts, table):
            for column, (low, high, question) in ranges.items():
                value = getattr(row, column)
                if value is not None and not low <= value <= high:
                    raise _fail(
                        table=table,
                        row=row.id,
                        reason=f"{column} is {value}, expected {low:g}-{high:g}",
                        mend=question,
                    )
    for chip in facts.accelerators:
        for column, (low, high) in DENSE_RATIOS.items():
            value = getattr(chip, column)
            if value is not None and chip.bf16_tflops is not None and not low <= value / chip.bf16_tflops <= high:
                raise _fail(
                    table="accelerators",
                    row=chip.id,
                    reason=f"{column} is {value / chip.bf16_tflops:.1f} times bf16_tflops, expected {low:g}-{high:g}",
                    mend="Is one of them a sparse figure? Only dense peaks are kept.",
                )


def _check_offers(facts: Facts) -> None:
    terms_by_offer(terms=facts.terms, offers=facts.offers)
    excepted = {row.id for row in facts.price_exceptions}
    prices = {row.id: row.price_usd_per_hour for row in facts.offers if row.price_usd_per_hour is not None}
    for row in facts.offers:
        if row.basis in CHEAPER_THAN_ON_DEMAND and row.id in prices:
            on_demand = prices.get(f"{row.provider}/{row.region}/{row.sku}/on_demand")
            if on_demand is not None and prices[row.id] > on_demand:
                raise _fail(
                    table="offers",
                    row=row.id,
                    reason=f"{row.basis} {prices[row.id]} is above on-demand {on_demand}",
                    mend="Are the two columns exchanged, or are they of different dates?",
                )
    shapes = {row.id: row for row in facts.instances}
    families: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in facts.offers:
        shape = shapes[f"{row.provider}/{row.sku}"]
        if row.id in prices and shape.accelerator and shape.accelerators_count:
            per_accelerator = float(prices[row.id]) / shape.accelerators_count
            families[(shape.accelerator, row.basis)][row.id] = per_accelerator
    for (accelerator, basis), members in families.items():
        median = statistics.median(members.values())
        for offer_id, price in members.items():
            if not median / PRICE_SPREAD <= price <= median * PRICE_SPREAD and offer_id not in excepted:
                raise _fail(
                    table="offers",
                    row=offer_id,
                    reason=f"{price:.4g} USD per {accelerator} and hour, but the median of {basis} is {median:.4g}",
                    mend="Check the unit and the number of accelerators, or state why in price_exceptions.yaml.",
                )


def _check_egress(facts: Facts) -> None:
    ladders: dict[tuple[str, str, str], list[records.EgressPrice]] = defaultdict(list)
    for row in facts.egress:
        ladders[(row.provider, row.region, row.purpose)].append(row)
    for tiers in ladders.values():
        tiers.sort(key=lambda row: row.from_gb)
        for lower, upper in pairwise(tiers):
            if lower.to_gb != upper.from_gb:
                raise _fail(
                    table="egress",
                    row=upper.id,
                    reason=f"it starts at {upper.from_gb:g} GB, but {lower.id} ends at {lower.to_gb or 'no end'}",
                    mend="Tiers of one purpose follow each other without gap or overlap.",
                )
            known = lower.price_usd_per_gb is not None and upper.price_usd_per_gb is not None
            if known and upper.price_usd_per_gb > lower.price_usd_per_gb:  # type: ignore[operator]
                raise _fail(
                    table="egress",
                    row=upper.id,
                    reason=f"{upper.price_usd_per_gb} USD/GB is above the tier before, {lower.price_usd_per_gb}",
                    mend="Marginal prices do not rise with volume.",
                )


def terms_by_offer(*, terms: Iterable[records.Terms], offers: Iterable[records.Offer]) -> dict[str, records.Terms]:
    """Return the terms of each offer by its id: of those that match, the ones with the longest SKU glob. [records]

    Raises :class:`DataError` where none match: a price without terms cannot be judged. Source: ``terms.yaml``.
    """
    rows = sorted(terms, key=lambda row: len(row.sku_glob), reverse=True)
    by_kind: dict[tuple[str, str, str], records.Terms] = {}
    found = {}
    for offer in offers:
        key = (offer.provider, offer.basis, offer.sku)
        if key not in by_kind:
            matching = (
                row for row in rows if (row.provider, row.basis) == key[:2] and fnmatchcase(offer.sku, row.sku_glob)
            )
            match = next(matching, None)
            if match is None:
                raise _fail(
                    table="terms",
                    row=f"{offer.provider}/{offer.basis}",
                    reason=f"no terms for {offer.sku}",
                    mend="Add an entry for this provider and basis.",
                )
            by_kind[key] = match
        found[offer.id] = by_kind[key]
    return found
