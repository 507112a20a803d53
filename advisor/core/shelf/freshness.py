"""How fresh the catalog is: rows, dates, and the shares that are undated or stale, by table, source and place."""

from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from advisor.core.age import STALE, UNDATED
from advisor.core.shelf.browse import shelf
from advisor.core.shelf.tables import TABLES
from catalog.frame import Catalog


@dataclass(frozen=True)
class Line:
    """One group of rows. Dates are ISO, blank where every row is undated; shares are fractions of all its rows."""

    names: tuple[str, ...]
    rows_count: int
    newest: str
    oldest: str
    undated_fraction: float
    source_commit_fraction: float
    stale_fraction: float


@lru_cache(maxsize=4)
def every_row(catalog: Catalog) -> pd.DataFrame:
    """Return the provenance of every row of every table, with its table, layer, provider, region and publisher."""
    parts = []
    for name, table in TABLES.items():
        rows = shelf(catalog, name)
        part = rows[["kind", "source", "source_url", "as_of", "as_of_basis", "age_days", "freshness"]].assign(
            table=name, layer=table.layer
        )
        for column in ("provider", "region"):
            part[column] = rows.get(column, "")
        parts.append(part)
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(publisher=whole["source"].str.partition(": ")[0])


def by(*, rows: pd.DataFrame, columns: list[str]) -> list[Line]:
    """Return one line a group, the largest groups first. [fractions of each group's rows]"""
    groups = _marked(rows).groupby(columns, sort=True)
    table = pd.concat([groups.size(), groups["date"].agg(["max", "min"]), groups[list(_SHARES)].mean()], axis=1)
    found = [
        Line(
            names if isinstance(names, tuple) else (names,),
            int(count),
            _date(newest),
            _date(oldest),
            *map(float, shares),
        )
        for names, count, newest, oldest, *shares in table.itertuples(name=None)
    ]
    return sorted(found, key=lambda line: (-line.rows_count, line.names))


def overall(rows: pd.DataFrame) -> Line:
    """Return the line of all rows together. [fractions of all rows]"""
    return by(rows=rows.assign(all="everything"), columns=["all"])[0]


_SHARES = ("undated", "by_commit", "stale")


def _marked(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        date=pd.to_datetime(rows["as_of"].where(rows["as_of"] != "")),
        undated=rows["freshness"] == UNDATED,
        by_commit=rows["as_of_basis"] == "source commit",
        stale=rows["freshness"] == STALE,
    )


def _date(end: pd.Timestamp) -> str:
    return "" if pd.isna(end) else end.date().isoformat()
