"""Finding, narrowing and ordering the rows of a table."""

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from advisor.core import age
from advisor.core.shelf.browse import shelf
from advisor.core.shelf.labels import text_of
from advisor.core.shelf.tables import TABLES
from catalog.frame import Catalog


def squashed(text: str) -> str:
    """Return a text as the search sees it: small letters and digits, nothing between them."""
    return re.sub(r"[\W_]+", "", text.casefold())


@lru_cache(maxsize=64)
def haystacks(catalog: Catalog, name: str) -> tuple[str, ...]:
    """Return what each row of a table is found by, squashed, one text a row; a bar stands around each column's."""
    rows = shelf(catalog, name)
    columns = [[squashed(text) for text in rows[column]] for column in TABLES[name].searched if column in rows]
    return tuple(f"|{'|'.join(texts)}|" for texts in zip(*columns, strict=True))


@lru_cache(maxsize=64)
def places(catalog: Catalog, name: str) -> tuple[int, ...]:
    """Return each row's place in the natural order of the names of its table, 0 the first."""
    keys = [natural(text_of(label)) for label in shelf(catalog, name)[TABLES[name].label]]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return tuple(np.argsort(order, kind="stable").tolist())


def found_by(*, catalog: Catalog, name: str, query: str) -> np.ndarray:
    """Return which rows hold every word of a query; case, spaces and dashes do not matter. [truth values]

    A row that holds the whole query in one piece counts too: `H100 SXM` finds `h100-sxm-80gb`. Source: the rows' texts.
    """
    whole = squashed(query)
    words = [word for word in map(squashed, query.split()) if word]
    return np.array(
        [bool(whole) and (whole in text or all(word in text for word in words)) for text in haystacks(catalog, name)],
        dtype=bool,
    )


@lru_cache(maxsize=64)
def choices(catalog: Catalog, name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the values that each filter of a table can take, sorted, by the filter's name."""
    rows = shelf(catalog, name)
    found = {}
    for one in TABLES[name].filters:
        texts = {text_of(value) for value in rows[one.column].unique()}
        parts = {part for text in texts for part in text.split(";")} if one.among else texts
        found[one.name] = tuple(sorted(parts - {""}))
    return found


def narrowed(*, catalog: Catalog, name: str, wanted: Mapping[str, str], query: str = "") -> pd.DataFrame:
    """Return the rows of a table that meet every filter and the query. [the table's own units]

    ``wanted`` holds filter names with their values; other names are not looked at. Source: the table's own rows.
    """
    return shelf(catalog, name)[_kept(catalog=catalog, name=name, wanted=wanted, query=query)]


def listed(
    *, catalog: Catalog, name: str, wanted: Mapping[str, str], query: str, by: str, descending: bool
) -> np.ndarray:
    """Return where in a table the rows stand that meet every filter and the query, in the order of a column. [places]

    The same as ``ordered`` of ``narrowed``; what the catalog alone decides is remembered. Source: the table's rows.
    """
    order = _order(catalog, name, by, descending)
    found: np.ndarray = order[_kept(catalog=catalog, name=name, wanted=wanted, query=query)[order]]
    return found


def _kept(*, catalog: Catalog, name: str, wanted: Mapping[str, str], query: str) -> np.ndarray:
    keep = np.ones(len(shelf(catalog, name)), dtype=bool)
    for one in TABLES[name].filters:
        value = wanted.get(one.name, "")
        if value:
            texts = _texts(catalog, name, one.column)
            keep &= np.array([value in text.split(";") for text in texts]) if one.among else texts == value
    if squashed(query):
        keep &= found_by(catalog=catalog, name=name, query=query)
    return keep


@lru_cache(maxsize=256)
def _texts(catalog: Catalog, name: str, column: str) -> np.ndarray:
    return np.array([text_of(cell) for cell in shelf(catalog, name)[column]], dtype=object)


@lru_cache(maxsize=256)
def _order(catalog: Catalog, name: str, by: str, descending: bool) -> np.ndarray:
    return np.array(_places(shelf(catalog, name), by=by, descending=descending), dtype=int)


def rank_of_price(rows: pd.DataFrame) -> pd.Series:
    """Return how far a price can be relied on: 0 dated, 1 stale, 2 undated or doubtful. [rank]

    Prices are ordered by it first, so that no old, undated or doubtful figure looks like the cheapest.
    Source: the rows' dates, and ``catalog.frame.price_doubt``.
    """
    doubtful = rows["price_doubt"] != "" if "price_doubt" in rows else pd.Series(False, index=rows.index)
    unsure = doubtful | (rows["freshness"] == age.UNDATED)
    rank = np.select([unsure, rows["freshness"] == age.STALE], [2, 1], default=0)
    return pd.Series(rank, index=rows.index)


def is_price(name: str) -> bool:
    """Say whether a column holds an amount of money."""
    return "usd_per_" in name


def ordered(*, rows: pd.DataFrame, by: str, descending: bool = False) -> pd.DataFrame:
    """Return rows in the order of a column, unknown cells last whichever way. [the rows' own units]

    Amounts of money come dated first, then stale, then undated or doubtful ones. Equal rows keep their order.
    """
    return rows.iloc[_places(rows, by=by, descending=descending)]


def _places(rows: pd.DataFrame, *, by: str, descending: bool) -> list[int]:
    column = rows[by]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        keys, unknown = column.to_list(), column.isna().to_numpy()
    else:
        texts = [text_of(value) for value in column]
        keys, unknown = [natural(text) for text in texts], np.array([text == "" for text in texts], dtype=bool)
    known = sorted(np.flatnonzero(~unknown).tolist(), key=keys.__getitem__, reverse=descending)
    if is_price(by):
        known.sort(key=rank_of_price(rows).to_list().__getitem__)
    return [*known, *np.flatnonzero(unknown).tolist()]


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """Return a key that orders texts as people count: `g2` before `g10`."""
    parts = re.findall(r"\d+|\D+", text.casefold())
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
