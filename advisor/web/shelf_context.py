"""What the catalog's templates are given: cells as texts, addresses of rows, filters as they are set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from django.http import QueryDict
from django.urls import reverse

from advisor.core.age import FRESH, STALE, UNDATED, age_text
from advisor.core.catalog_changes import Move
from advisor.core.shelf import COMPUTED, PRICE_COLUMNS, choices, is_price, narrowed, ordered
from advisor.core.shelf_compare import Comparison
from advisor.core.shelf_detail import Detail, Part, Section
from advisor.core.shelf_facts import Fact, in_words, label_of, unit_of
from advisor.core.shelf_tables import LAYERS, TABLES, Column, Table
from advisor.services.shelf import ReleaseChanges
from advisor.web.figures import amount, plain
from catalog.frame import Catalog
from catalog.queries import HOUR_PRICE, TOKEN_PRICES, PriceStep

ROWS_ON_A_PAGE = 50
_METERS = (HOUR_PRICE, *TOKEN_PRICES)  # the order in which a page tells prices
STATE_TAGS = {FRESH: "", STALE: "tag-caution", UNDATED: "tag-caution"}
_LINKS = {  # columns that name a row of another table
    "accelerator": "accelerators",
    "licence_id": "licences",
    "architecture_id": "architectures",
    "cpu_family": "cpu-families",
    "terms_id": "terms",
    "option_id": "storage",
}


@dataclass(frozen=True)
class Shown:
    """A value as a page shows it."""

    text: str
    href: str = ""
    note: str = ""
    is_unknown: bool = False


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
    rows = narrowed(catalog=catalog, name=query.table.name, wanted=query.wanted, query=query.text)
    by = query.sort.removeprefix("-") or query.table.label
    return ordered(rows=rows, by=by, descending=query.sort.startswith("-"))


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
        "rows": shown_rows(table=table, rows=shown, columns=table.columns),
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
    first = Column(query.table.label, query.table.one.capitalize())
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


# --- rows and cells --------------------------------------------------------------------------------------------------


def shown_rows(*, table: Table, rows: pd.DataFrame, columns: Iterable[Column]) -> list[dict[str, Any]]:
    """Return rows of a table as its lists show them."""
    columns = tuple(columns)
    return [
        {
            "id": row["id"],
            "label": row[table.label],
            "href": address(table.name, row["id"]),
            "under": ""
            if any(column.name == "provider" for column in columns)
            else in_words("provider", row.get("provider")) or "",
            "cells": [(column, cell(row=row, column=column, table=table)) for column in columns],
            "age": age(row),
        }
        for row in rows.to_dict("records")
    ]


def cell(*, row: Mapping[str, Any], column: Column, table: Table) -> Shown:
    """Return one cell of a list; an unknown one says why where the row tells."""
    name = column.name
    value = in_words(name, row[name])
    if value is None:
        text = "none stated" if name == "retirement_date" else "none" if _has_none(row, name) else "unknown"
        return Shown(text=text, note=_why_unknown(row, name), is_unknown=True)
    if name == "licence_id" or (name == "accelerator" and table.name != "offers"):
        return Shown(text=str(value), href=address(_LINKS[name], str(row[name])))
    if is_price(name):
        doubt = row.get("price_doubt") or ""
        note = f"doubtful: {doubt}" if doubt and name == "price_usd_per_hour" else ""
        is_computed = name in COMPUTED or row.get("price_unit") == "gib_month"  # converted from GiB
        return Shown(text=money(value, unit="USD", is_computed=is_computed), note=note)
    if name == "retirement_date" and row["retired"] == "yes":
        return Shown(text=str(value), note="the day has come")
    text = f"{value:.2f}" if name == "coupling_score" else plain(value)
    return Shown(text=text)


def _has_none(row: Mapping[str, Any], name: str) -> bool:
    """Say whether a blank means that there is none: a shape without accelerators, a model without a retirement date."""
    if name in ("accelerator", "accelerator_name", "accelerators_count"):
        return not row.get("accelerator")
    if name == "providers":
        return True
    return name.startswith("price_usd_per_accelerator") and not row["accelerator"]


def _why_unknown(row: Mapping[str, Any], name: str) -> str:
    if name in ("price_usd_per_hour", "input_usd_per_mtok"):
        return str(row.get("price_reason") or "")
    if name in ("price_usd_per_gb_month", "price_usd_per_gb"):
        return str(row.get("no_price_reason") or "")
    if name == "price_usd_per_cluster_hour":
        return str(row.get("price_reason") or "")
    return ""


def money(value: float, *, unit: str, is_computed: bool = False) -> str:
    """Return an amount as stated, to the last digit: `$55.04 per hour`, or `$55.04` for the bare unit.

    What is computed bears three digits, like every computed figure of a report.
    """
    kind = "estimate" if is_computed else "list price"
    whole = f"{unit}/x" if unit == "USD" else unit
    shown = amount({"value": value, "low": None, "high": None, "unit": whole, "kind": kind})
    return shown.removesuffix(" per x")


def age(row: Mapping[str, Any]) -> dict[str, str]:
    """Return how a row's age is shown: words, a tag for stale and undated, and what stands behind it."""
    state = row["freshness"]
    dated = f"as of {row['as_of']} ({row['as_of_basis']})" if row["as_of"] else "its source states no date"
    return {
        "text": age_text(row["age_days"]),
        "state": state,
        "tag": STATE_TAGS[state],
        "note": f"{row['kind']}, {dated}",
    }


def address(name: str, row_id: str) -> str:
    """Return the address of a row's page."""
    return reverse("web:catalog_row", args=[name, row_id])


# --- one row ---------------------------------------------------------------------------------------------------------


def detail_page(*, detail: Detail, catalog: Catalog) -> dict[str, Any]:
    """Return the context of a row's page."""
    return {
        "detail": detail,
        "table": detail.table,
        "layer_label": LAYERS[detail.table.layer],
        "catalog": catalog,
        "parts": [_part(part, catalog=catalog, own=position == 0) for position, part in enumerate(detail.parts)],
        "sections": [_section(section) for section in detail.sections],
    }


def _part(part: Part, *, catalog: Catalog, own: bool) -> dict[str, Any]:
    return {
        "part": part,
        "facts": [(fact.label, _fact(fact, catalog)) for fact in part.facts],
        "origin": part.origin,
        "is_link": part.origin.url.startswith("https://"),
        "tag": STATE_TAGS[part.origin.state],
        "href": "" if own else address(part.table.name, part.row_id),
        "has_divided_prices": any(fact.name in PRICE_COLUMNS for fact in part.facts),
    }


def _fact(fact: Fact, catalog: Catalog) -> Shown:
    value = fact.value
    if isinstance(value, float) and "USD" in fact.unit:
        return Shown(text=money(value, unit=fact.unit, is_computed=fact.name in COMPUTED))
    if fact.name == "coupling_score":
        return Shown(text=f"{value:.2f}")
    text = plain(value) + (f" {fact.unit}" if fact.unit and isinstance(value, float) else "")
    target = _LINKS.get(fact.name)
    if target and TABLES[target].id_of(str(value)) in catalog.rows:
        return Shown(text=text, href=address(target, str(value)))
    return Shown(text=text)


def _section(section: Section) -> dict[str, Any]:
    address_of_all = ""
    if section.count > len(section.rows) and section.wanted:
        address_of_all = f"{reverse('web:catalog_list', args=[section.table.name])}?{urlencode(section.wanted)}"
    return {
        "section": section,
        "columns": section.columns,
        "rows": shown_rows(table=section.table, rows=section.rows, columns=section.columns),
        "all": address_of_all,
    }


def price_lines(
    *, steps: Mapping[str, Mapping[str, tuple[PriceStep, ...]]], catalog: Catalog, moved_only: bool
) -> list[dict[str, Any]]:
    """Return the history of prices, one entry a price, each step with its source."""
    found = []
    for key in sorted(steps):
        for meter, prices in sorted(steps[key].items(), key=lambda item: _METERS.index(item[0])):
            if moved_only and len({(step.amount, step.reason) for step in prices}) < 2:
                continue
            found.append({"key": key, "label": label_of(meter), "steps": [_step(step, catalog) for step in prices]})
    return found


def _step(step: PriceStep, catalog: Catalog) -> dict[str, Any]:
    known = {source.id: source for source in catalog.sources}
    source = known.get(step.source_id)
    return {
        "release": step.release,
        "published": step.published_at,
        "text": money(float(step.amount), unit="USD") if step.amount is not None else "no price",
        "reason": step.reason,
        "as_of": f"{step.observed_at.isoformat()} ({step.as_of_basis})" if step.observed_at else "undated",
        "source": f"{source.publisher}: {source.title}" if source else step.source_id,
        "url": source.url_or_repo if source and source.url_or_repo.startswith("https://") else "",
        "locator": step.locator,
    }


# --- releases --------------------------------------------------------------------------------------------------------

_CHANGES_SHOWN = 200


def release_page(*, found: ReleaseChanges, catalog: Catalog) -> dict[str, Any]:
    """Return the context of what a release changed; long lists are cut and say so."""
    changes = found.changes
    context = {"catalog": catalog, "found": found, "changes": changes, "shown_at_most": _CHANGES_SHOWN}
    if changes is None:
        return context
    return {
        **context,
        "added": [(label, _address_of(id, catalog)) for id, label in changes.added[:_CHANGES_SHOWN]],
        "removed": [label for _, label in changes.removed[:_CHANGES_SHOWN]],
        "moves": [_move(move, catalog) for move in changes.moves[:_CHANGES_SHOWN]],
        "facts": [
            {
                "change": change,
                "href": _address_of(change.id, catalog),
                "before": _stated(change.before),
                "after": _stated(change.after),
            }
            for change in changes.facts[:_CHANGES_SHOWN]
        ],
        "by_file": changes.by_file(),
    }


def _move(move: Move, catalog: Catalog) -> dict[str, Any]:
    unit = unit_of(move.meter)
    percent = f"{move.fraction:+.1%}".replace("-", "−") if move.fraction is not None else "not comparable"
    return {
        "label": move.label,
        "meter": label_of(move.meter),
        "href": _address_of(move.id, catalog),
        "before": money(float(move.before), unit=unit) if move.before is not None else "no price",
        "after": money(float(move.after), unit=unit) if move.after is not None else "no price",
        "reason": move.reason,
        "percent": percent,
    }


def _stated(value: Any) -> str:
    return "blank" if value is None or value == () else plain(value)


def _address_of(evidence_id: str, catalog: Catalog) -> str:
    """Return the address of the page about an evidence id; blank where the release that stands has no such row."""
    if evidence_id not in catalog.rows:
        return ""
    table = max((one for one in TABLES.values() if evidence_id.startswith(one.prefix)), key=lambda one: len(one.prefix))
    return address(table.name, evidence_id.removeprefix(table.prefix))


# --- comparing -------------------------------------------------------------------------------------------------------


def compare_page(*, comparison: Comparison, catalog: Catalog) -> dict[str, Any]:
    """Return the context of a comparison."""
    table, ids = comparison.table, list(comparison.rows.index)
    items = [
        {
            "label": row[table.label],
            "under": in_words("provider", row.get("provider")) or row.get("vendor") or "",
            "href": address(table.name, id),
            "without": "?" + urlencode([("of", table.name), *(("id", other) for other in ids if other != id)]),
            "age": age(row),
            "origin": origin,
            "is_link": origin.url.startswith("https://"),
        }
        for (id, row), origin in zip(comparison.rows.iterrows(), comparison.origins, strict=True)
    ]
    lines = [
        {
            "line": line,
            "cells": [
                {
                    "shown": _fact(Fact(line.name, line.label, one.value, line.unit), catalog)
                    if one.value is not None
                    else None,
                    "is_best": one.is_best,
                    "offer": address("offers", one.offer_id) if one.offer_id else "",
                    "offer_id": one.offer_id,
                    "reason": one.reason,
                }
                for one in line.cells
            ],
        }
        for line in comparison.lines
    ]
    return {"table": table, "items": items, "lines": lines, "catalog": catalog, "may_remove": len(ids) > 2}
