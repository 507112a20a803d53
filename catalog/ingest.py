"""The write door of the catalog: files become a fact set, their prices are appended, a release is published."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max

from catalog import files, queries
from catalog.models import CatalogRelease, FactSet, Price

BATCH_ROWS = 2_000


class ReleaseMoved(Exception):
    """Another release was published while this one was being written: start again from the new one."""


def publish_files(*, actor: str, moment: dt.datetime, directory: Path | None = None) -> int:
    """Publish the data files and return the release number; the same files again publish nothing new.

    Reading, checking and comparing happen outside any transaction; price rows are written in batches under an
    unpublished release that no reader sees; one short transaction publishes it.
    """
    texts = files.read(directory)
    base = queries.latest()
    if base is not None and base.fact_set_id == files.sha256(texts):
        return base.number
    facts = files.parse(texts)
    wanted = dict(_prices(facts))
    standing = queries.standing_prices(release=base.number) if base is not None else {}
    FactSet.objects.get_or_create(sha256=facts.sha256, defaults={"content": FactSet.pack(texts)})
    release = _begin(fact_set=facts.sha256, actor=actor, moment=moment)
    _append(release=release, rows=_changes(wanted=wanted, standing=standing))
    _publish(release=release, base=base, moment=moment)
    return release.number


Key = tuple[str, str, str]  # subject, key, meter


def _prices(facts: files.Facts) -> Iterable[tuple[Key, dict[str, Any]]]:
    for offer in facts.offers:
        yield (
            (Price.Subject.OFFER.value, offer.id, queries.HOUR_PRICE),
            {
                "amount": offer.price_usd_per_hour,
                "no_price_reason": offer.no_price_reason or "",
                "effective_from": offer.effective_from,
                "note": offer.note or "",
                **_provenance(offer),
            },
        )
    for model in facts.model_offers:
        for meter in queries.TOKEN_PRICES:
            amount = getattr(model, meter)
            if amount is not None:
                yield (
                    (Price.Subject.MODEL_OFFER.value, model.id, meter),
                    {
                        "amount": amount,
                        "no_price_reason": "",
                        "effective_from": None,
                        "note": "",
                        **_provenance(model),
                    },
                )


def _provenance(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in queries.PROVENANCE}


def _changes(*, wanted: Mapping[Key, dict[str, Any]], standing: Mapping[Key, dict[str, Any]]) -> Iterable[Price]:
    """Yield the rows that differ from what stands, and a withdrawal for each that is gone."""
    for key, row in wanted.items():
        before = standing.get(key)
        if before is None or before["withdrawn"] or any(before[name] != value for name, value in row.items()):
            yield _row(key=key, **row)
    for key, before in standing.items():
        if key not in wanted and not before["withdrawn"]:
            gone = {name: before[name] for name in queries.PROVENANCE}
            yield _row(key=key, amount=None, withdrawn=True, **gone)


def _row(*, key: Key, **columns: Any) -> Price:
    subject, name, meter = key
    return Price(subject=subject, key=name, meter=meter, **columns)


def _begin(*, fact_set: str, actor: str, moment: dt.datetime) -> CatalogRelease:
    with transaction.atomic():
        highest = CatalogRelease.objects.aggregate(highest=Max("number"))["highest"] or 0
        return CatalogRelease.objects.create(number=highest + 1, fact_set_id=fact_set, actor=actor, begun_at=moment)


def _append(*, release: CatalogRelease, rows: Iterable[Price]) -> None:
    batch: list[Price] = []
    for row in rows:
        row.release = release
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            Price.objects.bulk_create(batch)
            batch = []
    Price.objects.bulk_create(batch)


def _publish(*, release: CatalogRelease, base: CatalogRelease | None, moment: dt.datetime) -> None:
    with transaction.atomic():
        newest = (
            CatalogRelease.objects.select_for_update().filter(published_at__isnull=False).order_by("-number").first()
        )
        if newest != base:
            raise ReleaseMoved(
                f"release {newest and newest.number} was published while {release.number} was being written"
            )
        release.published_at = moment
        release.save(update_fields=["published_at"])
