"""What a list of the catalog is given: its rows on this page, its filters as they are set, its order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from django.http import QueryDict
from django.urls import reverse
from django.utils.text import capfirst

from advisor.core.shelf.browse import shelf
from advisor.core.shelf.labels import in_words, label_of
from advisor.core.shelf.order import choices, is_price, listed
from advisor.core.shelf.tables import LAYERS, Column, Table
from advisor.web.shelf_cells import shown_rows
from catalog.frame import Catalog

ROWS_ON_A_PAGE = 50


@dataclass(frozen=True)
class Query:
    """What the address of a list asks for; what it does not understand is left out."""

    table: Table
    wanted: Mapping[str, str]
    text: str
    sort: str
    page: int

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The parts of the address that are set, without the page."""
        said = [*self.wanted.items(), ("q", self.text), ("sort", self.sort)]
        return [(name, value) for name, value in said if value]


def read_query(*, table: Table, parameters: QueryDict) -> Query:
    """Return what a list's address asks for."""
    names = {column.name for column in table.columns} | {table.label, "age_days"}
    sort = parameters.get("sort", "")
    page = parameters.get("page", "1")
    return Query(
        table=table,
        wanted={one.name: parameters.get(one.name, "")[:200] for one in table.filters if parameters.get(one.name)},
        text=parameters.get("q", "")[:200].strip(),
        sort=sort if sort.removeprefix("-") in names else "",
        page=int(page) if page.isdecimal() and len(page) < 6 else 1,
    )


def rows_of(*, catalog: Catalog, query: Query) -> pd.DataFrame:
    """Return the rows that a list or an export shows, narrowed and in order."""
    places = listed(
        catalog=catalog,
        name=query.table.name,
        wanted=query.wanted,
        query=query.text,
        by=query.sort.removeprefix("-") or query.table.label,
        descending=query.sort.startswith("-"),
    )
    return shelf(catalog, query.table.name).iloc[places]


def list_page(*, catalog: Catalog, query: Query) -> dict[str, Any]:
    """Return the context of a list."""
    table, rows = query.table, rows_of(catalog=catalog, query=query)
    pages = max(1, -(-len(rows) // ROWS_ON_A_PAGE))
    page = min(max(query.page, 1), pages)
    shown = rows.iloc[(page - 1) * ROWS_ON_A_PAGE : page * ROWS_ON_A_PAGE]
    base = urlencode(query.pairs)
    return {
        "table": table,
        "layer_label": LAYERS[table.layer],
        "catalog": catalog,
        "query": query,
        "headings": _headings(query),
        "rows": shown_rows(catalog=catalog, table=table, rows=shown, columns=table.columns),
        "count": len(rows),
        "first": (page - 1) * ROWS_ON_A_PAGE + 1,
        "last": (page - 1) * ROWS_ON_A_PAGE + len(shown),
        "filters": _filters(catalog=catalog, query=query),
        "sorts": _sorts(query),
        "is_narrowed": bool(query.wanted or query.text),
        "has_prices": any(is_price(column.name) for column in table.columns),
        "page": page,
        "pages": pages,
        "previous": _paged(base, page - 1) if page > 1 else "",
        "next": _paged(base, page + 1) if page < pages else "",
        "csv": f"{reverse('web:catalog_csv', args=[table.name])}{'?' + base if base else ''}",
    }


def _paged(base: str, page: int) -> str:
    return f"?{base}&page={page}" if base else f"?page={page}"


def _headings(query: Query) -> list[dict[str, Any]]:
    """Return the headings, each with the address that sorts by it; a second press turns the order round."""
    first = Column(query.table.label, capfirst(query.table.one))
    headings = []
    for column in (first, *query.table.columns, Column("age_days", "Age")):
        is_up, is_down = query.sort == column.name, query.sort == f"-{column.name}"
        pairs = [pair for pair in query.pairs if pair[0] != "sort"]
        address = urlencode([*pairs, ("sort", f"-{column.name}" if is_up else column.name)])
        order = "ascending" if is_up else "descending" if is_down else ""
        headings.append({"column": column, "address": f"?{address}", "order": order, "is_number": bool(column.unit)})
    return headings


def _sorts(query: Query) -> list[dict[str, Any]]:
    ways = [("", "By name")]
    for column in query.table.columns:
        if column.unit:
            heading = f"{column.heading}, {column.unit}"
            low, high = ("cheapest first", "dearest first") if is_price(column.name) else ("least first", "most first")
            ways += [(column.name, f"{heading}: {low}"), (f"-{column.name}", f"{heading}: {high}")]
    ways += [("age_days", "Age: newest first"), ("-age_days", "Age: oldest first")]
    known = {value for value, _ in ways}
    if query.sort not in known:
        name = query.sort.removeprefix("-")
        ways.append((query.sort, f"{label_of(name)}{', backwards' if query.sort.startswith('-') else ''}"))
    return [{"value": value, "label": label, "is_set": value == query.sort} for value, label in ways]


def _filters(*, catalog: Catalog, query: Query) -> list[dict[str, Any]]:
    found = []
    for one in query.table.filters:
        values = choices(catalog, query.table.name)[one.name]
        wanted = query.wanted.get(one.name, "")
        values = tuple(value for value in values if value == wanted or not one.is_quiet)
        options = [{"value": value, "label": _choice(one.column, value), "is_set": value == wanted} for value in values]
        if wanted and wanted not in values:
            options.append({"value": wanted, "label": f"{wanted} (none)", "is_set": True})
        if len(values) > 1 or wanted:
            found.append({"name": one.name, "label": one.label, "options": options})
    return found


def _choice(column: str, value: str) -> str:
    if column in ("in_eu", "open_weights", "exclusive"):
        return value
    return str(in_words({"both_layers": "layers"}.get(column, column), value))
