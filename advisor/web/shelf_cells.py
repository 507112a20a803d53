"""The cells of the catalog's pages: figures with their units, links between rows, ages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from django.urls import reverse

from advisor.core.age import FRESH, STALE, UNDATED, age_text
from advisor.core.shelf.browse import COMPUTED, name_of
from advisor.core.shelf.facts import Fact
from advisor.core.shelf.labels import in_words
from advisor.core.shelf.order import is_price
from advisor.core.shelf.tables import TABLES, Column, Table
from advisor.web.figures import amount, plain
from catalog.frame import Catalog

STATE_TAGS = {FRESH: "", STALE: "tag-caution", UNDATED: "tag-caution"}
_BLANKS = {  # what a blank means where it is not "unknown": see catalog/records.py
    "retirement_date": "none stated",
    "min_duration_days": "none stated",
    "max_duration_days": "none stated",
    "to_gb": "no end",
    "spdx": "none",
}
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


def shown_rows(
    *, catalog: Catalog, table: Table, rows: pd.DataFrame, columns: Iterable[Column]
) -> list[dict[str, Any]]:
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
            "cells": [(column, cell(catalog=catalog, row=row, column=column, table=table)) for column in columns],
            "age": age(row),
        }
        for row in rows.to_dict("records")
    ]


def cell(*, catalog: Catalog, row: Mapping[str, Any], column: Column, table: Table) -> Shown:
    """Return one cell of a list; an unknown one says why where the row tells."""
    name = column.name
    value = in_words(name, row[name])
    if value is None:
        text = _BLANKS.get(name) or ("none" if _has_none(row, name) else "unknown")
        return Shown(text=text, note=_why_unknown(row, name), is_unknown=True)
    if name == "licence_id" or (name == "accelerator" and table.name != "offers"):
        target, row_id = _LINKS[name], str(row[name])
        return Shown(text=name_of(catalog=catalog, table=target, row_id=row_id), href=address(target, row_id))
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
    return {
        "text": age_text(row["age_days"]),
        "state": state,
        "tag": STATE_TAGS[state],
        "kind": row["kind"],
        "as_of": row["as_of"],
        "basis": row["as_of_basis"],
    }


def address(name: str, row_id: str) -> str:
    """Return the address of a row's page."""
    return reverse("web:catalog_row", args=[name, row_id])


def fact_cell(fact: Fact, catalog: Catalog) -> Shown:
    """Return one fact of a row's page with its unit; one that names another row leads to it."""
    value = fact.value
    if isinstance(value, float) and "USD" in fact.unit:
        return Shown(text=money(value, unit=fact.unit, is_computed=fact.name in COMPUTED))
    if fact.name == "coupling_score":
        return Shown(text=f"{value:.2f}")
    text = plain(value) + (
        f" {'day' if value == 1 and fact.unit == 'days' else fact.unit}"
        if fact.unit and isinstance(value, float)
        else ""
    )
    target = _LINKS.get(fact.name)
    if target and TABLES[target].id_of(str(value)) in catalog.rows:
        return Shown(text=name_of(catalog=catalog, table=target, row_id=str(value)), href=address(target, str(value)))
    return Shown(text=text)
