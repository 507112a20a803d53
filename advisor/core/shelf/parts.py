"""What a page about one row is made of: its facts, what they mean, the rows behind and around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import pandas as pd

from advisor.core.shelf.browse import record, row_of, shelf
from advisor.core.shelf.facts import Fact, Origin, facts, origin
from advisor.core.shelf.order import narrowed, ordered
from advisor.core.shelf.tables import TABLES, Column, Table
from catalog.frame import Catalog

ORDER_OF_PRICES = (
    "Dated prices come first, then stale ones, then undated or doubtful ones, then offers without a price; "
    "within each the cheapest first. Ways to buy differ in what they promise: compare within one."
)
ROWS_OF_A_SECTION = 20
OFFERS_OF_AN_INSTANCE = 100  # they are what its page is about


@dataclass(frozen=True)
class Part:
    """The facts of one row with where they come from."""

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
    """Other rows that belong to this one; ``wanted`` narrows their list to all ``count`` of them."""

    title: str
    lead: str
    table: Table
    rows: pd.DataFrame
    count: int
    wanted: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()


Found = tuple[list[Passage], list[Part], list[Section]]


def part(catalog: Catalog, name: str, row_id: str, *, title: str) -> Part:
    """Return the facts of one row. Raises KeyError where the table has no such row."""
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


def behind(catalog: Catalog, *wanted: tuple[str, str, str]) -> list[Part]:
    """Return the parts of the rows behind one, given as title, table and id; a blank or unknown id gives none."""
    return [
        part(catalog, name, row_id, title=title)
        for title, name, row_id in wanted
        if row_id and row_id in shelf(catalog, name).index
    ]


def section(
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
    """Return rows of a table under a title: those given, or those that the filters want, in the order of a column."""
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


def matching(rows: pd.DataFrame, column: str, row_id: str) -> pd.DataFrame:
    """Return the rows of which a list of ids or globs holds one id."""
    return rows[[is_among(row_id, globs) for globs in rows[column]]]


def is_among(row_id: str, globs: str) -> bool:
    """Say whether a list of ids and globs (``a;b*``) holds an id."""
    return any(fnmatchcase(row_id, glob) for glob in globs.split(";") if glob)
