"""The read door of the catalog: the published release as frames, and the history of a price."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from django.db.models import Count
from django.utils import timezone

from catalog.frame import Catalog, build
from catalog.models import CatalogRelease, Price
from catalog.published import NoRelease, facts_of, latest


def current(moment: dt.date | None = None) -> Catalog:
    """Return the newest published release at a moment (today by default). A release once built is kept in memory."""
    release = latest()
    if release is None:
        raise NoRelease("no catalog release is published; run: manage.py load_data")
    day = moment or timezone.now().date()
    return _built(release.number, release.fact_set_id, release.published_at, day)


def at(*, release: int, moment: dt.date) -> Catalog:
    """Return one published release as it stood at a moment."""
    found = CatalogRelease.objects.filter(number=release, published_at__isnull=False).first()
    if found is None:
        raise NoRelease(f"catalog release {release} is not published")
    return _built(found.number, found.fact_set_id, found.published_at, moment)


@dataclass(frozen=True, kw_only=True)
class ReleaseLine:
    """One published release: when, by whom, from which facts, and how many price rows it appended."""

    number: int
    published_at: dt.datetime
    actor: str
    fact_set: str
    price_rows_count: int


def releases() -> tuple[ReleaseLine, ...]:
    """Return every published release, newest first."""
    rows = CatalogRelease.objects.filter(published_at__isnull=False).annotate(rows=Count("prices")).order_by("-number")
    return tuple(
        ReleaseLine(
            number=row.number,
            published_at=row.published_at,  # type: ignore[arg-type]  # the filter leaves no empty one
            actor=row.actor,
            fact_set=row.fact_set_id,
            price_rows_count=row.rows,
        )
        for row in rows
    )


@dataclass(frozen=True, kw_only=True)
class PriceStep:
    """One price as a release stated it; amount is None where there was no public price or it was withdrawn."""

    release: int
    published_at: dt.datetime | None
    amount: Decimal | None
    reason: str
    effective_from: dt.date | None
    observed_at: dt.date | None
    as_of_basis: str
    source_id: str
    locator: str


Steps = dict[str, dict[str, tuple[PriceStep, ...]]]  # key → meter → its prices, oldest first


def history(*, subject: str, keys: Collection[str]) -> Steps:
    """Return every published price of these offers (subject "offer") or model offers ("model_offer") in one query."""
    rows = (
        Price.objects.filter(subject=subject, key__in=keys, release__published_at__isnull=False)
        .select_related("release")
        .order_by("release_id", "id")
    )
    found: dict[str, dict[str, list[PriceStep]]] = {}
    for row in rows:
        step = PriceStep(
            release=row.release_id,
            published_at=row.release.published_at,
            amount=row.amount,
            reason="withdrawn" if row.withdrawn else row.no_price_reason,
            effective_from=row.effective_from,
            observed_at=row.observed_at,
            as_of_basis=row.as_of_basis,
            source_id=row.source_id,
            locator=row.locator,
        )
        found.setdefault(row.key, {}).setdefault(row.meter, []).append(step)
    return {key: {meter: tuple(steps) for meter, steps in meters.items()} for key, meters in found.items()}


def held(steps: Sequence[PriceStep], *, release: int, moment: dt.date) -> PriceStep | None:
    """Return the price that stood in a release at a moment, or None: one that begins later does not hold yet."""
    begun = (step for step in steps if step.effective_from is None or step.effective_from <= moment)
    return next((step for step in reversed(list(begun)) if step.release <= release), None)


@lru_cache(maxsize=4)
def _built(number: int, fact_set: str, published_at: dt.datetime, moment: dt.date) -> Catalog:
    """Build a release's frames; what is in the key is said at ``facts_of``."""
    return build(facts=facts_of(number, fact_set, published_at, moment), moment=moment, release=number)
