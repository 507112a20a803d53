"""The catalog, read only: tables with their sources and ages, one row with its prices, releases, freshness."""

import base64
import binascii
import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.api import shapes
from advisor.api.bodies import Moment, Placed, RowQuery
from advisor.api.description import FILE, ROW, TEXT, described, header
from advisor.api.errors import BadRequest
from advisor.api.views import CSV, JSON, PARQUET, View, checked, is_known, parameters
from advisor.core import parquet_export
from advisor.core.csv_export import first_line, lines
from advisor.core.problems import problem
from advisor.core.shelf.browse import row_of, shelf
from advisor.core.shelf.freshness import Line, by, every_row, overall
from advisor.core.shelf.order import choices, listed
from advisor.core.shelf.tables import TABLES, Table
from advisor.services import probing
from advisor.services import shelf as service
from catalog.frame import Catalog
from catalog.queries import NoRelease

_TAG = "catalog"
_SUBJECTS = {"offers": "offer", "model-offers": "model_offer"}
_ETAG = header("ETag", "The release, the day and the question.", "200")
_TABLE = OpenApiParameter("table", str, OpenApiParameter.PATH, enum=sorted(TABLES))
_MOST_LETTERS = 200
_FILTERS = sorted({one.name for table in TABLES.values() for one in table.filters})
_LISTING = [
    _TABLE,
    Moment,
    *(
        OpenApiParameter(name, str, description="Rows with this value; /api/v1/catalog lists the values.")
        for name in _FILTERS
    ),
    OpenApiParameter("q", str, description="Rows that hold every word."),
    OpenApiParameter("sort", str, description="A column; with - before it, backwards. Unknown cells come last."),
]
_PAGE = [
    OpenApiParameter("cursor", str, description="`next` of the page before; it stays on that page's release."),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}),
]
_ROWS = {
    "type": "object",
    "required": ["release", "as_of", "count", "rows", "next"],
    "properties": {
        "release": {"type": "integer"},
        "as_of": {"type": "string", "format": "date"},
        "count": {"type": "integer", "description": "All rows that match."},
        "rows": {"type": "array", "items": ROW},
        "next": {"type": ["string", "null"]},
    },
}


class CatalogView(View):
    """A view of one state of the catalog: kept by the program until the release or the day moves."""

    def is_costly(self, request: Request) -> bool:
        """Say whether an answer needs a state of the catalog that is not in memory as a rule."""
        return bool(request.query_params.get("release") or request.query_params.get("as_of"))

    def kept(self, catalog: Catalog) -> tuple[dict[str, str], HttpResponse | None]:
        """Return the headers of an answer from this state, and the whole answer where the program has it already."""
        asked = self.request.get_full_path(), self.request.accepted_media_type or ""
        parts = (catalog.release, catalog.fact_set, catalog.moment, service.code(), *asked)
        etag = f'"{hashlib.sha256(repr(tuple(map(str, parts))).encode()).hexdigest()[:32]}"'
        told = {"ETag": etag, "Cache-Control": "private, no-cache"}
        return told, HttpResponse(status=304, headers=told) if is_known(self.request, etag) else None


class Overview(CatalogView):
    @described(
        _TAG,
        "List the tables, their columns and filters",
        {200: shapes.CatalogSerializer},
        304,
        400,
        404,
        503,
        parameters=[Moment, _ETAG],
        id="get_catalog",
    )
    def get(self, request: Request) -> Any:
        catalog = _catalog(parameters(Moment, request))
        told, same = self.kept(catalog)
        if same is not None:
            return same
        tables = [
            {
                "name": table.name,
                "title": table.title,
                "lead": table.lead,
                "layer": table.layer,
                "rows_count": len(shelf(catalog, table.name)),
                "columns": [vars(column) for column in table.columns],
                "filters": [
                    {"name": one.name, "label": one.label, "values": choices(catalog, table.name)[one.name]}
                    for one in table.filters
                ],
            }
            for table in TABLES.values()
        ]
        whole = {
            "release": catalog.release,
            "as_of": catalog.moment,
            "fact_set": catalog.fact_set,
            "tables": tables,
        }
        return Response(shapes.CatalogSerializer(whole).data, headers=told)


class Rows(CatalogView):
    produces: tuple[str, ...] = (JSON, CSV, PARQUET)

    @described(
        _TAG,
        "List the rows of a table",
        {(200, JSON): _ROWS, (200, CSV): TEXT, (200, PARQUET): FILE},
        304,
        400,
        404,
        503,
        about="JSON comes in pages. CSV holds every row that matches, with a comment line before the header; a blank "
        "cell is unknown. Parquet holds the same rows with types, and units in the metadata of its columns. Amounts of "
        "money are ordered dated before stale before undated.",
        parameters=[*_LISTING, *_PAGE, _ETAG],
        id="list_catalog_rows",
    )
    def get(self, request: Request, table: str) -> Any:
        return self._listed(request, table=_table(table), media_type=request.accepted_media_type)

    def _listed(self, request: Request, *, table: Table, media_type: str) -> Any:
        asked = _query(request, table)
        catalog = _catalog({"release": asked.release, "as_of": asked.as_of})
        told, same = self.kept(catalog)
        if same is not None:
            return same
        places = listed(
            catalog=catalog,
            name=table.name,
            wanted=asked.wanted,
            query=asked.text,
            by=asked.sort.removeprefix("-"),
            descending=asked.sort.startswith("-"),
        )
        if media_type == PARQUET:
            return _parquet(table=table, places=places, catalog=catalog, asked=asked, told=told)
        if media_type == CSV:
            rows = shelf(catalog, table.name).iloc[places]
            return _csv(table=table, rows=rows, catalog=catalog, asked=asked, told=told)
        more = asked.first + asked.limit < len(places)
        columns = _columns(catalog, table.name)
        body = {
            "release": catalog.release,
            "as_of": catalog.moment,
            "count": len(places),
            "rows": [
                {name: cells[place] for name, cells in columns.items()}
                for place in places[asked.first : asked.first + asked.limit]
            ],
            "next": _packed(asked, catalog) if more else None,
        }
        return Response(body, headers=told)


class RowsCsv(Rows):
    produces = (CSV,)

    @described(
        _TAG,
        "Get a table as CSV",
        {(200, CSV): TEXT},
        304,
        400,
        404,
        503,
        parameters=[*_LISTING, _ETAG],
        id="get_catalog_csv",
    )
    def get(self, request: Request, table: str) -> Any:
        return self._listed(request, table=_table(table), media_type=CSV)


class RowsParquet(Rows):
    produces = (PARQUET,)

    @described(
        _TAG,
        "Get a table as Parquet",
        {(200, PARQUET): FILE},
        304,
        400,
        404,
        503,
        about="Every row that matches. A column's metadata holds its `unit` and its `title`, the file's the release, "
        "the day and what it was narrowed by. Unknown is null.",
        parameters=[*_LISTING, _ETAG],
        id="get_catalog_parquet",
    )
    def get(self, request: Request, table: str) -> Any:
        return self._listed(request, table=_table(table), media_type=PARQUET)


class Row(CatalogView):
    @described(
        _TAG,
        "Read one row, with every price it ever had",
        {
            200: inline_serializer(
                "CatalogRowWithPrices",
                {
                    "release": s.IntegerField(),
                    "as_of": s.DateField(),
                    "row": s.DictField(),
                    "prices": shapes.PriceHistory(many=True),
                },
            )
        },
        304,
        400,
        404,
        503,
        parameters=[_TABLE, RowQuery, _ETAG],
        id="get_catalog_row",
    )
    def get(self, request: Request, table: str) -> Any:
        which, asked = _table(table), parameters(RowQuery, request)
        catalog = _catalog(asked)
        try:
            row = row_of(catalog=catalog, name=which.name, row_id=asked["id"])
        except KeyError as error:
            raise Http404(f"The catalog has no {which.one} of this id.") from error
        told, same = self.kept(catalog)
        if same is not None:
            return same
        subject = _SUBJECTS.get(which.name)
        steps = service.price_history(subject=subject, keys=[asked["id"]]).get(asked["id"], {}) if subject else {}
        prices = [{"meter": meter, "steps": found} for meter, found in steps.items()]
        body = {
            "release": catalog.release,
            "as_of": catalog.moment,
            "row": _cells(row.to_dict()),
            "prices": shapes.PriceHistory(prices, many=True).data,
        }
        return Response(body, headers=told)


class Releases(View):
    @described(_TAG, "List the published releases, newest first", {200: shapes.Releases}, id="list_releases")
    def get(self, request: Request) -> Response:
        return Response({"rows": shapes.Release(service.releases(), many=True).data})


class Freshness(CatalogView):
    @described(
        _TAG,
        "Tell how old the catalog's rows are",
        {200: shapes.Freshness},
        304,
        400,
        404,
        503,
        parameters=[Moment, _ETAG],
        id="get_freshness",
    )
    def get(self, request: Request) -> Any:
        catalog = _catalog(parameters(Moment, request))
        told, same = self.kept(catalog)
        if same is not None:
            return same
        rows = every_row(catalog)
        found: dict[str, Any] = {
            "release": catalog.release,
            "as_of": catalog.moment,
            "whole": _age(overall(rows)),
        }
        for name in ("table", "provider", "publisher", "source"):
            found[f"by_{name}"] = [_age(line) for line in by(rows=rows, columns=[name])]
        return Response(shapes.Freshness(found).data, headers=told)


class Probes(View):
    @described(
        _TAG,
        "List the newest measured latency of each region",
        {200: shapes.LatencyReadings},
        400,
        parameters=[Placed],
        id="list_probes",
    )
    def get(self, request: Request) -> Response:
        asked = parameters(Placed, request)
        found = probing.newest(provider=asked["provider"] or "", region=asked["region"])
        return Response({"rows": shapes.LatencyReading(found, many=True).data})


# --- what is asked for ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """A question to one table, checked."""

    wanted: Mapping[str, str]
    text: str
    sort: str
    question: str  # the hash of the three above: a cursor belongs to one list
    release: int | None
    as_of: dt.date | None
    first: int
    limit: int

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in (*self.wanted.items(), ("q", self.text)) if value]


def _query(request: Request, table: Table) -> _Asked:
    """Return what a list is asked for. Unlike on a page, what is not understood is refused."""
    said = request.query_params.dict()
    moment = checked(Moment, {name: said.pop(name) for name in ("release", "as_of") if name in said})
    filters = [one.name for one in table.filters]
    wanted = {name: said.pop(name) for name in filters if name in said}
    text, sort, cursor = said.pop("q", ""), said.pop("sort", table.label), said.pop("cursor", "")
    limit = said.pop("limit", "100")
    accepted = [*filters, "release", "as_of", "q", "sort", "cursor", "limit"]
    items = [problem(name, value, f"{name!r} is no filter of {table.name}.", accepted) for name, value in said.items()]
    items += [
        problem(name, value, f"A filter has at most {_MOST_LETTERS} letters.")
        for name, value in (*wanted.items(), ("q", text))
        if len(value) > _MOST_LETTERS
    ]
    columns = [column.name for column in table.columns] + [table.label, "age_days"]
    if sort.removeprefix("-") not in columns:
        items.append(problem("sort", sort, "Rows can be ordered by a column that lists show.", columns))
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:4]) <= 500 and len(limit) < 4):
        items.append(problem("limit", limit, "limit is a whole number from 1 to 500."))
    question = hashlib.sha256(repr((table.name, sorted(wanted.items()), text, sort)).encode()).hexdigest()[:16]
    release, as_of, first = moment["release"], moment["as_of"], 0
    if cursor:
        found = _unpacked(cursor)
        if found is None or found[3] != question:
            items.append(problem("cursor", cursor, "This is no cursor of this list: send `next` as it was given."))
        else:
            release, as_of, first = found[0], found[1], found[2]
    if items:
        raise BadRequest(items)
    return _Asked(
        wanted=wanted,
        text=text,
        sort=sort,
        question=question,
        release=release,
        as_of=as_of,
        first=first,
        limit=int(limit),
    )


def _packed(asked: _Asked, catalog: Catalog) -> str:
    """Return the cursor of the next page: the state of the catalog it stays on, and where it begins."""
    parts = [catalog.release, catalog.moment.isoformat(), asked.first + asked.limit, asked.question]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _unpacked(cursor: str) -> tuple[int, dt.date, int, str] | None:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=="))
        release, day, first, question = parts
        if not (isinstance(release, int) and isinstance(first, int) and 0 <= first < 10**7 and 0 < release < 2**31):
            return None
        return release, dt.date.fromisoformat(day), first, str(question)
    except (ValueError, TypeError, binascii.Error):
        return None


def _catalog(asked: Mapping[str, Any]) -> Catalog:
    today = timezone.now().date()
    day = asked["as_of"] or today
    if day > today or day.year < 2000:
        raise BadRequest([problem("as_of", day.isoformat(), "as_of is a day from 2000 on and not after today.")])
    try:
        return service.at(release=asked["release"], day=day)
    except NoRelease as error:
        if asked["release"] is None:
            raise
        raise Http404(f"There is no published release {asked['release']}.") from error


def _table(name: str) -> Table:
    if name not in TABLES:
        raise Http404("The catalog has no such table.")
    return TABLES[name]


# --- what is answered -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)  # as many tables as the shelf keeps
def _columns(catalog: Catalog, name: str) -> Mapping[str, list[Any]]:
    """Return the columns of a table as JSON has their cells."""
    rows = shelf(catalog, name)
    return {str(column): [_cell(value) for value in rows[column].to_list()] for column in rows.columns}


def _cells(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    """Return a cell as JSON has it; unknown is null."""
    if value is None or value is pd.NA or value is pd.NaT or value == "":
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _csv(
    *, table: Table, rows: pd.DataFrame, catalog: Catalog, asked: _Asked, told: Mapping[str, str]
) -> StreamingHttpResponse:
    first = first_line(
        title=table.title, release=catalog.release, moment=catalog.moment, count=len(rows), said=asked.said
    )
    name = f"catalog-{table.name}-release-{catalog.release}.csv"
    return StreamingHttpResponse(
        lines(rows=rows.assign(catalog_release=catalog.release), first_line=first),
        content_type=f"{CSV}; charset=utf-8",
        headers={**told, "Content-Disposition": f'attachment; filename="{name}"'},
    )


def _parquet(
    *, table: Table, places: np.ndarray, catalog: Catalog, asked: _Asked, told: Mapping[str, str]
) -> HttpResponse:
    columns = {
        **_columns(catalog, table.name),
        "catalog_release": [catalog.release] * len(shelf(catalog, table.name)),
    }
    content = parquet_export.written(
        columns={name: [cells[place] for place in places] for name, cells in columns.items()},
        types={name: parquet_export.type_of(name=name, cells=cells) for name, cells in columns.items()},
        titles={column.name: column.heading for column in table.columns},
        about={
            "title": table.title,
            "catalog_release": str(catalog.release),
            "as_of": catalog.moment.isoformat(),
            "narrowed_by": json.dumps(dict(asked.said)),
        },
    )
    name = f"catalog-{table.name}-release-{catalog.release}.parquet"
    return HttpResponse(
        content,
        content_type=PARQUET,
        headers={**told, "Content-Disposition": f'attachment; filename="{name}"'},
    )


def _age(line: Line) -> dict[str, Any]:
    return {**vars(line), "newest": line.newest or None, "oldest": line.oldest or None}
