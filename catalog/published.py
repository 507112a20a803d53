"""What a published release holds, as rows and records: its prices, the ends of model offers, its facts.

The write doors compare with it; what only frames need is not loaded here, so that prices come in within little memory.
"""

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.db.models import Q

from catalog import files, records
from catalog.models import CatalogRelease, Confirmation, FactSet, Price, Retirement
from catalog.sources.source import SECOND_HAND

HOUR_PRICE = "price_usd_per_hour"
TOKEN_PRICES = tuple(name for name in records.ModelOffer.model_fields if name.endswith("_usd_per_mtok"))
PROVENANCE = ("source_id", "locator", "observed_at", "as_of_basis", "kind")


class NoRelease(Exception):
    """Nothing is published yet: `manage.py load_data` publishes the shipped facts."""


def latest() -> CatalogRelease | None:
    """Return the newest published release, without its contents, or None."""
    return CatalogRelease.objects.filter(published_at__isnull=False).order_by("-number").first()


def standing_prices(*, release: int, moment: dt.date | None = None) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the price row that holds for each (subject, key, meter) in a published release, withdrawn ones too.

    A price that its source confirmed later has the day of that as its ``observed_at``; one with a date of the source's
    own keeps that.
    """
    rows = Price.objects.filter(release_id__lte=release, release__published_at__isnull=False)
    if moment is not None:
        rows = rows.filter(Q(effective_from__isnull=True) | Q(effective_from__lte=moment))
    standing: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in rows.order_by("release_id", "id").values(*_COLUMNS):
        key = (row["subject"], row["key"], row["meter"])
        beside = standing.get(key)
        repeats = row["dataset"].partition("/")[0] in SECOND_HAND
        if not (repeats and beside is not None and beside["release_id"] == row["release_id"]):
            standing[key] = row
    confirmed = _confirmations(release=release)
    for row in standing.values():
        for number, day, not_seen in confirmed.get(row["dataset"], ()) if row["as_of_basis"] == "fetched" else ():
            if number <= row["release_id"]:
                break
            if (row["key"], row["meter"]) not in not_seen:
                row["observed_at"] = max(row["observed_at"], day)
                break
    return standing


def _confirmations(*, release: int) -> dict[str, list[tuple[int, dt.date, frozenset[tuple[str, str]]]]]:
    """Return when each dataset was read again, newest first: release, day, and (key, meter) of what was not seen."""
    rows = Confirmation.objects.filter(release_id__lte=release, release__published_at__isnull=False)
    found: dict[str, list[tuple[int, dt.date, frozenset[tuple[str, str]]]]] = {}
    for number, dataset, day, not_seen in rows.order_by("-release_id").values_list(
        "release_id", "dataset", "observed_at", "not_seen"
    ):
        found.setdefault(dataset, []).append((number, day, frozenset((key, meter) for key, meter in not_seen)))
    return found


def standing_retirements(*, release: int | None = None) -> dict[str, Any]:
    """Return the day on which model offers end, as sources state it: model offer id → date.

    Of each dataset and region the newest word counts; where they differ, the earliest day holds.
    """
    return {key: row["on"] for key, row in _retirements(release=release).items()}


def _retirements(*, release: int | None) -> dict[str, dict[str, Any]]:
    rows = Retirement.objects.filter(release__published_at__isnull=False)
    if release is not None:
        rows = rows.filter(release_id__lte=release)
    words: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows.order_by("release_id").values("key", "on", "source_id", "observed_at", "dataset"):
        words.setdefault(row["key"], {})[row["dataset"]] = dict(row)
    return {key: min(said.values(), key=lambda row: row["on"]) for key, said in words.items()}


_COLUMNS = (
    "release_id", "subject", "key", "meter", "amount", "withdrawn", "no_price_reason", "effective_from", "note",
    "dataset", *PROVENANCE,
)  # fmt: skip


def facts(*, moment: dt.date) -> files.Facts:
    """Return the newest published release as records: what prices can be of, and what stands. Raises NoRelease."""
    release = latest()
    if release is None:
        raise NoRelease("no catalog release is published; run: manage.py load_data")
    return facts_of(release.number, release.fact_set_id, release.published_at, moment)


@lru_cache(maxsize=2)
def facts_of(number: int, fact_set: str, published_at: dt.datetime | None, moment: dt.date) -> files.Facts:
    """Return one release as records, as they stand at a moment. The same release is kept in memory.

    The hash and the time of publication are in the key: a number alone may be reused by another database in the same
    process.
    """
    texts = FactSet.objects.get(sha256=fact_set).texts
    standing = standing_prices(release=number, moment=moment)
    found = files.accepted(texts, offers=tuple(_offers(standing)))
    ends = _retirements(release=number)
    model_offers = tuple(
        _repriced(offer=offer, standing=standing, ends=ends.get(offer.id)) for offer in found.model_offers
    )
    return files.replace(found, model_offers=model_offers)


def _offers(standing: dict[tuple[str, str, str], dict[str, Any]]) -> Iterator[records.Offer]:
    for (subject, key, _), row in sorted(standing.items()):
        if subject != Price.Subject.OFFER or row["withdrawn"]:
            continue
        provider: Any
        basis: Any
        provider, region, sku, basis = key.split("/")
        # These rows passed the record's checks before they were appended.
        yield records.Offer.model_construct(
            id=key,
            provider=provider,
            region=region,
            sku=sku,
            basis=basis,
            price_usd_per_hour=row["amount"],
            unit="instance_hour",
            no_price_reason=row["no_price_reason"] or None,
            effective_from=row["effective_from"],
            note=row["note"] or None,
            **{name: row[name] for name in PROVENANCE},
        )


def _repriced(
    *, offer: records.ModelOffer, standing: dict[tuple[str, str, str], dict[str, Any]], ends: dict[str, Any] | None
) -> records.ModelOffer:
    update: dict[str, Any] = {}
    if ends is not None and ends["on"] != offer.retirement_date:
        said = f"retirement date as {ends['source_id']} stated on {ends['observed_at']}"
        update |= {"retirement_date": ends["on"], "note": f"{offer.note}; {said}" if offer.note else said}
    for meter in TOKEN_PRICES:
        row = standing.get((Price.Subject.MODEL_OFFER, offer.id, meter))
        amount = None if row is None or row["withdrawn"] else row["amount"]
        if amount != getattr(offer, meter):
            update[meter] = amount
            if row is not None:
                update |= {name: row[name] for name in PROVENANCE}
    return offer.model_copy(update=update) if update else offer
