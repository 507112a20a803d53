"""What the pages about one row, a comparison and a release are given."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from advisor.core.shelf.browse import PRICE_COLUMNS
from advisor.core.shelf.changes import Move
from advisor.core.shelf.compare import Comparison
from advisor.core.shelf.detail import Detail
from advisor.core.shelf.facts import Fact
from advisor.core.shelf.history import Stated, history_chart
from advisor.core.shelf.labels import in_words, label_of, unit_of
from advisor.core.shelf.parts import Part, Section
from advisor.core.shelf.tables import LAYERS, TABLES
from advisor.services.moved import MovedPrice, Touched
from advisor.services.shelf import ReleaseChanges
from advisor.web.figures import plain
from advisor.web.plots import plotted
from advisor.web.shelf_cells import STATE_TAGS, address, age, fact_cell, money, shown_rows
from catalog.frame import Catalog
from catalog.published import HOUR_PRICE, TOKEN_PRICES
from catalog.queries import PriceStep

_METERS = (HOUR_PRICE, *TOKEN_PRICES)  # the order in which a page tells prices


def detail_page(*, detail: Detail, catalog: Catalog) -> dict[str, Any]:
    """Return the context of a row's page."""
    return {
        "detail": detail,
        "table": detail.table,
        "layer_label": LAYERS[detail.table.layer],
        "catalog": catalog,
        "parts": [_part(part, catalog=catalog, own=position == 0) for position, part in enumerate(detail.parts)],
        "sections": [_section(section, catalog=catalog) for section in detail.sections],
    }


def _part(part: Part, *, catalog: Catalog, own: bool) -> dict[str, Any]:
    return {
        "part": part,
        "facts": [(fact.label, fact_cell(fact, catalog)) for fact in part.facts],
        "origin": part.origin,
        "is_link": part.origin.url.startswith("https://"),
        "tag": STATE_TAGS[part.origin.state],
        "href": "" if own else address(part.table.name, part.row_id),
        "has_divided_prices": any(fact.name in PRICE_COLUMNS for fact in part.facts),
    }


def _section(section: Section, *, catalog: Catalog) -> dict[str, Any]:
    address_of_all = ""
    if section.count > len(section.rows) and section.wanted:
        address_of_all = f"{reverse('web:catalog_list', args=[section.table.name])}?{urlencode(section.wanted)}"
    return {
        "section": section,
        "columns": section.columns,
        "rows": shown_rows(catalog=catalog, table=section.table, rows=section.rows, columns=section.columns),
        "all": address_of_all,
    }


def price_lines(
    *, steps: Mapping[str, Mapping[str, tuple[PriceStep, ...]]], catalog: Catalog, moved_only: bool
) -> list[dict[str, Any]]:
    """Return the history of prices, one entry a price, each step with its source."""
    found: list[dict[str, Any]] = []
    for key in sorted(steps):
        for meter, prices in sorted(steps[key].items(), key=lambda item: _METERS.index(item[0])):
            if moved_only and len({(step.amount, step.reason) for step in prices}) < 2:
                continue
            name = row_name(f"{'offer' if meter == HOUR_PRICE else 'model_offer'}:{key}", catalog)
            found.append(
                {
                    "key": key,
                    "name": name,
                    "label": label_of(meter),
                    "steps": [_step(step, catalog) for step in prices],
                    "picture": _picture(name=name, meter=meter, prices=prices, catalog=catalog, number=len(found)),
                }
            )
    return found


def _picture(
    *, name: str, meter: str, prices: tuple[PriceStep, ...], catalog: Catalog, number: int
) -> dict[str, Any] | None:
    """Return the course of a price as a drawing, where it moved."""
    stated: list[Stated] = []
    since = dt.date.min
    for step in prices:
        if step.published_at is None:
            continue
        # a later release may state an earlier day, which it did not know of before: its price holds from its reading on
        days = (step.effective_from, step.observed_at, step.published_at.date())
        since = next((day for day in days if day is not None and day >= since), since)
        amount = None if step.amount is None else float(step.amount)
        stated.append(Stated(day=since.isoformat(), amount=amount, reason=step.reason, source=step.source_id))
    chart = history_chart(
        id=f"history-{number}",
        title=f"{label_of(meter)}, {name}",
        unit=unit_of(meter),
        stated=stated,
        today=catalog.moment.isoformat(),
    )
    return None if chart is None else plotted(chart)


def _beginning(step: PriceStep, *, today: dt.date) -> str:
    """Return from when on a price holds, where it does not hold yet."""
    is_later = step.effective_from is not None and step.effective_from > today
    return f"holds from {step.effective_from} on" if is_later else ""


def _step(step: PriceStep, catalog: Catalog) -> dict[str, Any]:
    known = {source.id: source for source in catalog.sources}
    source = known.get(step.source_id)
    return {
        "release": step.release,
        "published": step.published_at,
        "text": money(float(step.amount), unit="USD") if step.amount is not None else "no price",
        "reason": step.reason or _beginning(step, today=catalog.moment),
        "as_of": f"{step.observed_at.isoformat()} ({step.as_of_basis})" if step.observed_at else "undated",
        "source": f"{source.publisher}: {source.title}" if source else step.source_id,
        "url": source.url_or_repo if source and source.url_or_repo.startswith("https://") else "",
        "locator": step.locator,
    }


_CHANGES_SHOWN = 200


def release_page(*, found: ReleaseChanges, touched: list[Touched], catalog: Catalog) -> dict[str, Any]:
    """Return the context of what a release changed; long lists are cut and say so."""
    changes = found.changes
    context = {
        "catalog": catalog,
        "found": found,
        "changes": changes,
        "touched": touched,
        "shown_at_most": _CHANGES_SHOWN,
    }
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


def row_name(id: str, catalog: Catalog | None) -> str:
    """Return what a row is called by its evidence id: its key where this catalog does not hold it."""
    return catalog.evidence(id)["label"] if catalog is not None and id in catalog.rows else id.partition(":")[2]


def shown_move(price: MovedPrice, catalog: Catalog | None) -> dict[str, Any]:
    """Return a price that moved since a report as its decision's page tells it."""
    prefix, _, key = price.id.partition(":")
    unit = unit_of(price.meter)
    known = price.before is not None and price.after is not None
    return {
        "name": row_name(price.id, catalog),
        "href": address("offers" if prefix == "offer" else "model-offers", key),
        "meter": label_of(price.meter),
        "before": money(float(price.before), unit=unit) if price.before is not None else "no price",
        "after": money(float(price.after), unit=unit) if price.after is not None else "no price",
        "percent": f"{price.after / price.before - 1:+.1%}".replace("-", "−") if known else "",  # type: ignore[operator]
        "release": price.release,
    }


def _stated(value: Any) -> str:
    return "blank" if value is None or value == () else plain(value)


def _address_of(evidence_id: str, catalog: Catalog) -> str:
    """Return the address of the page about an evidence id; blank where the release that stands has no such row."""
    if evidence_id not in catalog.rows:
        return ""
    table = max((one for one in TABLES.values() if evidence_id.startswith(one.prefix)), key=lambda one: len(one.prefix))
    return address(table.name, evidence_id.removeprefix(table.prefix))


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
                    "shown": fact_cell(Fact(line.name, line.label, one.value, line.unit), catalog)
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
