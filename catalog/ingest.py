"""The write door of the catalog: files become a fact set, their prices are appended, a release is published."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max

from catalog import files, published
from catalog.models import CatalogRelease, Confirmation, FactSet, Price, RefreshRun, Retirement

BATCH_ROWS = 2_000


class ReleaseMoved(Exception):
    """Another release was published while this one was being written: start again from the new one."""


def publish_files(*, actor: str, moment: dt.datetime, directory: Path | None = None) -> int:
    """Publish the data files and return the release number; the same files again publish nothing new.

    Reading, checking and comparing happen outside any transaction; price rows are written in batches under an
    unpublished release that no reader sees; one short transaction publishes it. What fails leaves no release behind.
    Raises files.DataError and ReleaseMoved.
    """
    texts = files.read(directory)
    base = published.latest()
    if base is not None and base.fact_set_id == files.sha256(texts):
        return base.number
    facts = files.parse(texts)
    wanted = dict(_prices(facts))
    standing = published.standing_prices(release=base.number) if base is not None else {}
    FactSet.objects.get_or_create(sha256=facts.sha256, defaults={"content": FactSet.pack(texts)})
    release = _begin(fact_set=facts.sha256, actor=actor, moment=moment)
    try:
        _append(release=release, rows=_changes(wanted=wanted, standing=standing, facts=facts))
        _publish(release=release, base=base, moment=moment)
    finally:  # what was not published goes with its rows: nobody else would ever publish it
        CatalogRelease.objects.filter(pk=release.pk, published_at__isnull=True).delete()
    return release.number


def begin(*, actor: str, moment: dt.datetime) -> CatalogRelease:
    """Return a new unpublished release on the newest facts, for prices to be appended to.

    Raises published.NoRelease while no files are published: prices are prices of something.
    """
    base = published.latest()
    if base is None:
        raise published.NoRelease("no catalog release is published; run: manage.py load_data")
    return _begin(fact_set=base.fact_set_id, actor=actor, moment=moment)


def publish_appended(*, release: CatalogRelease, moment: dt.datetime) -> int:
    """Publish a release of appended prices and return its number, a later one if another came between.

    A release that was published meanwhile keeps its meaning: ours gets the next number and its facts.
    """
    with _numbering():
        newest = published.latest()
        if newest is not None and newest.number > release.number:
            release = _renumbered(release)
        if newest is not None:
            release.fact_set_id = newest.fact_set_id
        release.published_at = moment
        release.save(update_fields=["fact_set", "published_at"])
    return release.number


def _renumbered(release: CatalogRelease) -> CatalogRelease:
    later = _next(fact_set_id=release.fact_set_id, actor=release.actor, begun_at=release.begun_at)
    for model in (Price, Confirmation, Retirement, RefreshRun):
        model.objects.filter(release=release).update(release=later)
    CatalogRelease.objects.filter(pk=release.pk).delete()
    return later


Key = tuple[str, str, str]  # subject, key, meter


def _prices(facts: files.Facts) -> Iterable[tuple[Key, dict[str, Any]]]:
    for offer in facts.offers:
        yield (
            (Price.Subject.OFFER.value, offer.id, published.HOUR_PRICE),
            {
                "amount": offer.price_usd_per_hour,
                "no_price_reason": offer.no_price_reason or "",
                "effective_from": offer.effective_from,
                "note": offer.note or "",
                **_provenance(offer),
            },
        )
    for model in facts.model_offers:
        for meter in published.TOKEN_PRICES:
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
    return {name: getattr(row, name) for name in published.PROVENANCE}


def _changes(
    *, wanted: Mapping[Key, dict[str, Any]], standing: Mapping[Key, dict[str, Any]], facts: files.Facts
) -> Iterable[Price]:
    """Yield the rows that differ from what stands, and a withdrawal for each that is gone.

    A price that a source stated later than the file did stands, unless the files no longer know its machine, region
    or model.
    """
    for key, row in wanted.items():
        before = standing.get(key)
        if before is not None and _is_read_later(before, than=row):
            continue
        if before is None or before["withdrawn"] or any(before[name] != value for name, value in row.items()):
            yield _row(key=key, **row)
    places = {f"{row.provider}/{row.region}" for row in facts.regions}
    machines = {row.id for row in facts.instances}
    models = {row.id for row in facts.model_offers}
    for key, before in standing.items():
        if key in wanted or before["withdrawn"]:
            continue
        if before["dataset"] and _is_known(key, places=places, machines=machines, models=models):
            continue
        gone = {name: before[name] for name in published.PROVENANCE}
        yield _row(key=key, amount=None, withdrawn=True, **gone)


def _is_read_later(before: Mapping[str, Any], *, than: Mapping[str, Any]) -> bool:
    if not before["dataset"] or before["withdrawn"]:
        return False
    return than["observed_at"] is None or than["observed_at"] <= before["observed_at"]


def _is_known(key: Key, *, places: set[str], machines: set[str], models: set[str]) -> bool:
    subject, name, _ = key
    if subject != Price.Subject.OFFER:
        return name in models
    provider, region, sku, _ = name.split("/")
    return f"{provider}/{region}" in places and f"{provider}/{sku}" in machines


def _row(*, key: Key, **columns: Any) -> Price:
    subject, name, meter = key
    return Price(subject=subject, key=name, meter=meter, **columns)


def _begin(*, fact_set: str, actor: str, moment: dt.datetime) -> CatalogRelease:
    with _numbering():
        return _next(fact_set_id=fact_set, actor=actor, begun_at=moment)


@contextmanager
def _numbering() -> Iterator[None]:
    """Give out or publish a number in one transaction, one worker at a time.

    The lock is the oldest release, which stays: who waited for the newest would not see the one that came meanwhile.
    """
    with transaction.atomic():
        oldest = CatalogRelease.objects.filter(published_at__isnull=False).order_by("number")
        oldest.select_for_update().first()
        yield


def _next(**columns: Any) -> CatalogRelease:
    highest = CatalogRelease.objects.aggregate(highest=Max("number"))["highest"] or 0
    return CatalogRelease.objects.create(number=highest + 1, **columns)


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
    with _numbering():
        newest = published.latest()
        if newest != base:
            raise ReleaseMoved(
                f"release {newest and newest.number} was published while {release.number} was being written"
            )
        release.published_at = moment
        release.save(update_fields=["published_at"])
