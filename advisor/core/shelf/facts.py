"""What a row of the catalog says, fact by fact, and where it says it from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from advisor.core.age import age_text
from advisor.core.coupling import BITS
from advisor.core.shelf.browse import COMPUTED, PROVENANCE
from advisor.core.shelf.labels import in_words, label_of, unit_of
from advisor.core.shelf.tables import Table

# Told elsewhere on a row's page: its name, its source, its note, what has a section of its own.
_TOLD_ELSEWHERE = {
    *PROVENANCE,
    *BITS,
    *("note", "label", "pair", "both_layers", "priced", "price_doubt", "when", "require", "examples", "message"),
    *("title", "evidence", "migration_steps", "effort_weeks"),
}
_PARTS = {("licences", "conditions"), ("licences", "url")}
# An offer's row is joined from five; only these are its own, the others have sources of their own.
_OF_AN_OFFER = {
    *("id", "provider", "region", "sku", "basis", "price_usd_per_hour", "price_reason"),
    *("price_usd_per_accelerator_hour", "price_usd_per_accelerator_gib_hour", "price_usd_per_memory_gib_hour"),
}


def _own(table: Table, name: str) -> bool:
    return table.name != "offers" or name in _OF_AN_OFFER


@dataclass(frozen=True)
class Fact:
    """One fact of a row: ``value`` is a number with a unit, a truth, or text in words; None is unknown."""

    name: str
    label: str
    value: Any
    unit: str = ""


def facts(*, table: Table, row: pd.Series, record: Any) -> tuple[list[Fact], list[str]]:
    """Return the known facts of a row in the order of its file, and the labels of what is not known."""
    known, unknown = [], []
    for name in row.index:
        if name in _TOLD_ELSEWHERE or (table.name, name) in _PARTS or not _own(table, name):
            continue
        stated = getattr(record, name, None)
        value = in_words(name, stated if isinstance(stated, tuple) else row[name])
        if value is None and not name.endswith("price_reason"):  # blank beside a price
            unknown.append(label_of(name))
        elif value is not None:
            known.append(Fact(name=name, label=label_of(name), value=value, unit=unit_of(name)))
    known.sort(key=lambda fact: fact.name in COMPUTED)
    return known, unknown


@dataclass(frozen=True)
class Origin:
    """Who says a row's facts, where, and as of when."""

    kind: str
    source: str
    url: str
    licence: str
    locator: str
    as_of: str
    basis: str
    age: str
    state: str


def origin(row: pd.Series) -> Origin:
    """Return where a row comes from."""
    return Origin(
        kind=row["kind"],
        source=row["source"],
        url=row["source_url"],
        licence=row["source_licence"],
        locator=row["locator"],
        as_of=row["as_of"],
        basis=row["as_of_basis"],
        age=age_text(row["age_days"]),
        state=row["freshness"],
    )


def conditions_text(conditions: Mapping[str, Any]) -> list[str]:
    """Return the conditions of a rule in words, one a line: `accelerator is trainium1 or trainium2`."""
    return [f"{_name(name)} {_wanted(wanted)}" for name, wanted in conditions.items()]


_OPERATORS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most", "ne": "anything but"}


def _name(name: str) -> str:
    return name.replace("_", " ")


def _wanted(wanted: Any) -> str:
    if isinstance(wanted, Mapping):
        return "is " + " and ".join(f"{_OPERATORS[operator]} {_either(bound)}" for operator, bound in wanted.items())
    return f"is {_either(wanted)}"


def _either(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " or ".join(_either(part) for part in value)
    return str(value).replace("_", " ") if isinstance(value, str) else f"{value:g}"
