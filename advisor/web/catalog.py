"""The pages of the catalog. It is shared: whoever is signed in reads it, nobody changes it here."""

import math

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render

from advisor.core.age import LIMITS
from advisor.core.csv_export import first_line, lines
from advisor.core.shelf.browse import shelf
from advisor.core.shelf.compare import NotComparable, compare
from advisor.core.shelf.detail import detail
from advisor.core.shelf.freshness import by, every_row, overall
from advisor.core.shelf.labels import in_words
from advisor.core.shelf.search import search
from advisor.core.shelf.tables import LAYERS, TABLES, Table
from advisor.services import moved
from advisor.services import shelf as service
from advisor.web.latency import region_lines
from advisor.web.release_cache import catalog_page, fresh_catalog_page
from advisor.web.shelf_cells import shown_rows
from advisor.web.shelf_lists import list_page, read_query, rows_of
from advisor.web.shelf_pages import compare_page, detail_page, price_lines, release_page
from catalog.frame import Catalog
from catalog.queries import NoRelease

_SUBJECTS = {"offers": "offer", "model-offers": "model_offer"}


@catalog_page
def overview(request: HttpRequest, catalog: Catalog) -> HttpResponseBase:
    rows = every_row(catalog)
    release = next(line for line in service.releases() if line.number == catalog.release)
    layers = [
        {
            "label": label,
            "tables": [(table, len(shelf(catalog, table.name))) for table in TABLES.values() if table.layer == layer],
        }
        for layer, label in LAYERS.items()
    ]
    context = {
        "catalog": catalog,
        "release": release,
        "whole": overall(rows),
        "layers": layers,
        "counts": _counts(catalog),
        "comparable": [table for table in TABLES.values() if table.compares],
        "sources_count": len(catalog.sources),
    }
    return render(request, "web/catalog.html", context)


def _counts(catalog: Catalog) -> dict[str, object]:
    """Count the rows by layer and provider; rows of no one provider stand in the column of all."""
    rows = every_row(catalog)
    table = rows.groupby(["layer", "provider"]).size().unstack(fill_value=0)
    providers = [name for name in table.columns if name]
    ages = {line.names[0]: line for line in by(rows=rows, columns=["layer"])}
    return {
        "providers": [in_words("provider", name) for name in providers],
        "lines": [
            {
                "label": label,
                "cells": [(in_words("provider", name), int(table.at[layer, name])) for name in providers],
                "rest": int(table.at[layer, ""]) if "" in table else 0,
                "age": ages[layer],
            }
            for layer, label in LAYERS.items()
        ],
    }


@catalog_page
def search_page(request: HttpRequest, catalog: Catalog) -> HttpResponseBase:
    text = request.GET.get("q", "")[:200].strip()
    found = search(catalog=catalog, query=text) if text else []
    groups = [
        {
            "group": group,
            "rows": shown_rows(catalog=catalog, table=group.table, rows=group.rows, columns=group.table.columns[:3]),
            "columns": group.table.columns[:3],
        }
        for group in found
    ]
    context = {"catalog": catalog, "text": text, "groups": groups, "total": sum(group.count for group in found)}
    return render(request, "web/catalog_search.html", context)


@catalog_page
def table_list(request: HttpRequest, catalog: Catalog, name: str) -> HttpResponseBase:
    query = read_query(table=_table(name), parameters=request.GET)
    return render(request, "web/catalog_list.html", list_page(catalog=catalog, query=query))


@catalog_page
def table_csv(request: HttpRequest, catalog: Catalog, name: str) -> HttpResponseBase:
    query = read_query(table=_table(name), parameters=request.GET)
    rows = rows_of(catalog=catalog, query=query).assign(catalog_release=catalog.release)
    first = first_line(
        title=query.table.title, release=catalog.release, moment=catalog.moment, count=len(rows), said=query.pairs
    )
    response = StreamingHttpResponse(lines(rows=rows, first_line=first), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="catalog-{name}-release-{catalog.release}.csv"'
    return response


@catalog_page
def row(request: HttpRequest, catalog: Catalog, name: str, row_id: str) -> HttpResponseBase:
    table = _table(name)
    if table.id_of(row_id) not in catalog.rows:
        raise Http404(f"The catalog has no {table.one} of this id.")
    context = detail_page(detail=detail(catalog=catalog, name=name, row_id=row_id), catalog=catalog)
    return render(request, "web/catalog_row.html", context | _history(catalog, table, row_id) | _latency(name, row_id))


def _latency(name: str, row_id: str) -> dict[str, object]:
    """Return what was measured of a region; of other rows nothing is."""
    if name != "regions":
        return {}
    provider, region = row_id.split("/", 1)
    return {"has_latency": True, "latency": region_lines(provider=provider, region=region)}


def _history(catalog: Catalog, table: Table, row_id: str) -> dict[str, object]:
    if table.name in _SUBJECTS:
        keys, moved_only = [row_id], False
    elif table.name == "instances":
        rows = shelf(catalog, "offers")
        keys, moved_only = list(rows.loc[rows["provider"] + "/" + rows["sku"] == row_id, "id"]), True
    else:
        return {"history": None}
    steps = service.price_history(subject=_SUBJECTS.get(table.name, "offer"), keys=keys) if keys else {}
    lines = price_lines(steps=steps, catalog=catalog, moved_only=moved_only)
    return {
        "history": lines,
        "history_of_many": moved_only,
        "has_picture": any(line["picture"] for line in lines),
    }


@catalog_page
def comparison(request: HttpRequest, catalog: Catalog) -> HttpResponseBase:
    name, ids = request.GET.get("of", ""), request.GET.getlist("id")[:20]
    try:
        found = compare(catalog=catalog, name=name, ids=ids)
    except NotComparable as error:
        tables = [one for one in TABLES.values() if one.compares]
        context = {"catalog": catalog, "problem": str(error), "tables": tables, "of": name}
        return render(request, "web/catalog_compare.html", context, status=400 if ids else 200)
    return render(request, "web/catalog_compare.html", compare_page(comparison=found, catalog=catalog))


@catalog_page
def releases(request: HttpRequest, catalog: Catalog) -> HttpResponseBase:
    return render(request, "web/catalog_releases.html", {"catalog": catalog, "releases": service.releases()})


@fresh_catalog_page
def release(request: HttpRequest, catalog: Catalog, number: int) -> HttpResponseBase:
    try:
        found = service.release_changes(number=number, moment=catalog.moment)
    except NoRelease as error:
        raise Http404(str(error)) from error
    touched = moved.accepted_on(user=request.user, ids=found.changes.ids()) if found.changes else []
    context = release_page(found=found, touched=touched, catalog=catalog)
    return render(request, "web/catalog_release.html", context)


@catalog_page
def freshness(request: HttpRequest, catalog: Catalog) -> HttpResponseBase:
    rows = every_row(catalog)
    titles = {name: table.title for name, table in TABLES.items()}
    placed = rows[rows["region"].ne("") & rows["provider"].ne("")]
    groups = [
        ("By table", "table", [(titles[line.names[0]], line) for line in by(rows=rows, columns=["table"])]),
        (
            "By provider",
            "provider",
            [
                (in_words("provider", line.names[0]) or "no one provider", line)
                for line in by(rows=rows, columns=["provider"])
            ],
        ),
        ("By publisher", "publisher", [(line.names[0], line) for line in by(rows=rows, columns=["publisher"])]),
        ("By source", "source", [(line.names[0], line) for line in by(rows=rows, columns=["source"])]),
        (
            "By region",
            "region",
            [
                (f"{in_words('provider', line.names[0])}, {in_words('region', line.names[1])}", line)
                for line in by(rows=placed, columns=["provider", "region"])
            ],
        ),
    ]
    context = {"catalog": catalog, "whole": overall(rows), "groups": groups, "limits": _limits()}
    return render(request, "web/catalog_freshness.html", context)


def _limits() -> list[tuple[str, str, str]]:
    return [
        (sort, "never" if math.isinf(limit.days) else f"{limit.days:g} days", limit.why)
        for sort, limit in LIMITS.items()
    ]


def _table(name: str) -> Table:
    if name not in TABLES:
        raise Http404("The catalog has no such table.")
    return TABLES[name]
