"""Prices as sources state them, taken into an unpublished release: judged, compared, appended or quarantined."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db import transaction

from catalog import ingest, published
from catalog.files import Facts
from catalog.models import CatalogRelease, Confirmation, Price, QuarantinedRow, RefreshPart, Retirement
from catalog.part_lease import Lease
from catalog.plausible import Doubt, Key, Known, doubt, known, order
from catalog.sources.source import SECOND_HAND, Found, Observed, Outside, Shape, SourceFailed
from catalog.sources.source import Retirement as StatedRetirement

BATCH_ROWS = ingest.BATCH_ROWS
_PLACES = Decimal("1.000000000")  # nine digits, as Price.amount keeps
_BEYOND = Decimal(10) ** 11  # what it cannot keep
_MEMORY_TOLERANCE = 0.15  # providers name 24 GB 22.4 GiB, and the like


@dataclass(frozen=True, kw_only=True)
class Intake:
    """One reading of one part: what it may touch, and on whose word."""

    lease: Lease
    release: CatalogRelease
    facts: Facts
    moment: dt.datetime

    @property
    def part(self) -> RefreshPart:
        return self.lease.part

    @property
    def dataset(self) -> str:
        return self.part.name

    @property
    def day(self) -> dt.date:
        return self.moment.date()


def take_in(intake: Intake, *, found: Iterable[Found]) -> dict[str, int]:
    """Take in what a part's reading found, and return its counts. Nothing is visible before the release is published.

    Reading, judging and comparing happen outside any transaction; rows are written in batches of at most 2,000. What
    a cut-off try left behind is removed first, so that the same part can be taken in again. Raises SourceFailed where
    nothing was found, for an empty answer is no news, and LeaseLost.
    """
    with intake.lease.writing():
        clear(release=intake.release, dataset=intake.dataset)
    counts = dict.fromkeys(
        (
            "read",
            "added",
            "changed",
            "unchanged",
            "quarantined",
            "refused",
            "missing",
            "outside",
            "retirements",
            "shapes",
        ),
        0,
    )
    stated: dict[Key, list[Observed]] = {}
    retirements: dict[str, StatedRetirement] = {}
    shapes: list[Shape] = []
    is_empty = True
    for row in found:
        is_empty = False
        if isinstance(row, Observed):
            counts["read"] += 1
            stated.setdefault((row.subject, row.key, row.meter), []).append(row)
        elif isinstance(row, StatedRetirement):
            earlier = retirements.get(row.key)
            retirements[row.key] = row if earlier is None else min(earlier, row, key=lambda one: one.on)
        elif isinstance(row, Shape):
            shapes.append(row)
        elif isinstance(row, Outside):
            counts["outside"] += row.count
        intake.lease.check()
    if is_empty:
        raise SourceFailed("The answer holds nothing that we know how to read: nothing was changed.")
    counts |= _prices(intake, stated=stated)
    counts["shapes"] = len(shapes)
    with intake.lease.writing():
        counts["retirements"] = _retirements(intake, stated=retirements)
        counts["quarantined"] += _shapes(intake, shapes=shapes)
    return counts


def clear(*, release: CatalogRelease, dataset: str) -> None:
    """Remove what a dataset has written into an unpublished release."""
    if release.published_at is not None:
        raise ValueError(f"{release} is published: its rows stay")
    Price.objects.filter(release=release, dataset=dataset).delete()
    Confirmation.objects.filter(release=release, dataset=dataset).delete()
    Retirement.objects.filter(release=release, dataset=dataset).delete()


def _prices(intake: Intake, *, stated: Mapping[Key, Sequence[Observed]]) -> dict[str, int]:
    base = published.latest()
    if base is None:
        raise published.NoRelease("no catalog release is published; run: manage.py load_data")
    standing, compared = _standing(base.number, base.published_at, intake.day)
    amounts = compared.standing
    believed: dict[Key, Decimal] = {}
    appended: list[Price] = []
    doubted: list[_Doubted] = []
    counts = dict.fromkeys(("added", "changed", "unchanged"), 0)
    if intake.part.dataset in SECOND_HAND:
        stated = {
            key: rows
            for key, rows in stated.items()
            if not _is_better(standing.get(key), dataset=intake.dataset, as_of=rows[0].as_of)
        }
    settled = _settled(intake)
    for key in order(stated):
        row, why = _one(stated[key], settled=amounts.get(key) if key in settled else None)
        amount, unkept = _kept(row.amount)
        why = why or unkept or doubt(key=key, amount=amount, problem=row.problem, known=compared, beside=believed)
        if why is not None or amount is None:
            doubted.append((row, amount, why or Doubt("zero", "No price is stated.")))
            continue
        believed[key] = amount
        before = standing.get(key)
        if before is None or before["withdrawn"]:
            counts["added"] += 1
        elif before["amount"] == amount:
            counts["unchanged"] += 1
            is_newer = row.as_of is not None and (before["observed_at"] is None or before["observed_at"] < row.as_of)
            if before["dataset"] == intake.dataset and not is_newer:
                continue  # the confirmation of the dataset says as of when it holds
        else:
            counts["changed"] += 1
        appended.append(_price(intake, row=row, amount=amount))
        if len(appended) == BATCH_ROWS:
            with intake.lease.writing():
                Price.objects.bulk_create(appended)
            appended = []
            intake.lease.check()
    before_keys = {key for key, row in standing.items() if row["dataset"] == intake.dataset and not row["withdrawn"]}
    missing = before_keys - stated.keys()
    not_seen = sorted({(name, meter) for _, name, meter in (before_keys | stated.keys()) - believed.keys()})
    with intake.lease.writing():
        Price.objects.bulk_create(appended)
        quarantined, refused = _quarantine(intake, doubted=doubted, amounts=amounts)
        Confirmation.objects.create(
            release=intake.release, dataset=intake.dataset, observed_at=intake.day, not_seen=not_seen
        )
    return counts | {"quarantined": quarantined, "refused": refused, "missing": len(missing)}


@lru_cache(maxsize=1)
def _standing(release: int, published_at: dt.datetime | None, day: dt.date) -> tuple[dict[Key, dict[str, Any]], Known]:
    """Return what stands in a published release, and what new prices are compared with: the same for a run's parts."""
    standing = published.standing_prices(release=release)
    amounts = {
        key: row["amount"] for key, row in standing.items() if row["amount"] is not None and not row["withdrawn"]
    }
    return standing, known(standing=amounts, facts=published.facts(moment=day))


def _is_better(row: Mapping[str, Any] | None, *, dataset: str, as_of: dt.date | None) -> bool:
    """Say whether what stands is the word of the one who sets the price, or not older than what this one repeats."""
    if row is None or row["withdrawn"] or row["dataset"] == dataset:
        return False
    if row["dataset"] and row["dataset"].partition("/")[0] not in SECOND_HAND:
        return True
    return as_of is None or (row["observed_at"] is not None and row["observed_at"] >= as_of)


_Doubted = tuple[Observed, Decimal | None, Doubt]  # with the amount as it can be kept


def _settled(intake: Intake) -> set[Key]:
    """Return for what an operator has taken one of several prices that the source states."""
    rows = QuarantinedRow.objects.filter(
        dataset=intake.dataset, reason="twice", state=QuarantinedRow.State.ACCEPTED
    ).values_list("subject", "key", "meter")
    return set(rows)


def _one(rows: Sequence[Observed], *, settled: Decimal | None) -> tuple[Observed, Doubt | None]:
    """Return the one price that is stated, with a doubt where a source states several for the same thing.

    Of several, the one that an operator has taken is still believed.
    """
    good = [row for row in rows if not row.problem]
    prices = {row.amount for row in good}
    if len(prices) < 2:
        return next(iter(good), rows[0]), None
    for row in good:
        if settled is not None and _kept(row.amount)[0] == settled:
            return row, None
    listed = ", ".join(f"{amount:f} ({row.locator})" for row in good[:4] if (amount := row.amount) is not None)
    return good[0], Doubt("twice", f"The source states {len(prices)} prices for it: {listed}.")


def _kept(amount: Decimal | None) -> tuple[Decimal | None, Doubt | None]:
    """Return an amount with the nine digits that are kept, with a doubt instead where there is no room for it."""
    if amount is None:
        return None, None
    if not amount.is_finite() or abs(amount) >= _BEYOND:
        return None, Doubt("range", f"{amount:.4g} is no price of an hour or a million tokens.")
    return amount.quantize(_PLACES), None


def _price(intake: Intake, *, row: Observed, amount: Decimal) -> Price:
    return Price(
        release=intake.release,
        subject=row.subject,
        key=row.key,
        meter=row.meter,
        amount=amount,
        effective_from=row.effective_from,
        note=row.note,
        source_id=intake.part.dataset,
        locator=row.locator,
        observed_at=row.as_of or intake.day,
        as_of_basis="fetched" if row.as_of is None else "stated",
        kind="list price",
        dataset=intake.dataset,
    )


def _quarantine(intake: Intake, *, doubted: Sequence[_Doubted], amounts: Mapping[Key, Decimal]) -> tuple[int, int]:
    """Note what is not believed and return how much of it waits, and how much an operator has refused before.

    Within a transaction: the rows that are there are locked, so that a decision made meanwhile is not overwritten.
    """
    earlier = {
        (row.subject, row.key, row.meter, row.stated): row
        for row in QuarantinedRow.objects.select_for_update().filter(dataset=intake.dataset)
    }
    fresh: dict[tuple[str, ...], QuarantinedRow] = {}
    waiting, refused = 0, 0
    for row, amount, why in doubted:
        stated = (row.stated or (f"{row.amount:f}" if row.amount is not None else "nothing"))[:200]
        name = (row.subject, row.key, row.meter, stated)
        if name in fresh:
            continue
        if (old := earlier.get(name)) is not None and old.state == QuarantinedRow.State.REJECTED:
            refused += 1
            continue
        waiting += 1
        fresh[name] = QuarantinedRow(
            part=intake.part,
            dataset=intake.dataset,
            subject=row.subject,
            key=row.key,
            meter=row.meter,
            amount=amount if amount is not None and amount > 0 and not row.problem else None,
            stated=stated,
            before=amounts.get((row.subject, row.key, row.meter)),
            reason=why.code,
            text=why.text,
            effective_from=row.effective_from,
            note=row.note,
            locator=row.locator,
            first_seen_at=intake.moment,
            last_seen_at=intake.moment,
        )
    _note(list(fresh.values()))
    return waiting, refused


def _note(rows: Sequence[QuarantinedRow]) -> None:
    """Write rows of the quarantine; one that is there already waits again, with the day on which it was seen last."""
    for start in range(0, len(rows), BATCH_ROWS):
        QuarantinedRow.objects.bulk_create(
            rows[start : start + BATCH_ROWS],
            update_conflicts=True,
            unique_fields=["dataset", "subject", "key", "meter", "stated"],
            update_fields=[
                "part", "amount", "before", "reason", "text", "note", "locator", "last_seen_at", "state", "decided_by",
                "decided_at", "decision_note", "release",
            ],
        )  # fmt: skip


def _retirements(intake: Intake, *, stated: Mapping[str, StatedRetirement]) -> int:
    """Append the ends of model offers that this dataset states anew, and return how many of them are news to us."""
    on_file = {row.id: row.retirement_date for row in intake.facts.model_offers}
    standing = on_file | published.standing_retirements()
    ours = Retirement.objects.filter(dataset=intake.dataset, release__published_at__isnull=False)
    said = dict(ours.order_by("release_id").values_list("key", "on"))
    words = [row for row in stated.values() if row.key in on_file and said.get(row.key) != row.on]
    Retirement.objects.bulk_create(
        Retirement(
            release=intake.release,
            key=row.key,
            on=row.on,
            source_id=intake.part.dataset,
            locator=row.locator,
            observed_at=intake.day,
            dataset=intake.dataset,
        )
        for row in words
    )
    return sum(standing[row.key] != row.on for row in words)


def _shapes(intake: Intake, *, shapes: Sequence[Shape]) -> int:
    """Quarantine what a provider says of its machines that the catalog says otherwise; return how much of it."""
    instances = {row.id: row for row in intake.facts.instances}
    memory = {row.id: row.memory_gib for row in intake.facts.accelerators}
    rows = []
    for shape in shapes:
        ours = instances.get(f"{shape.provider}/{shape.sku}")
        if ours is None:
            continue
        pairs = (
            ("vcpus_count", shape.vcpus_count, ours.vcpus_count, 0.0),
            ("memory_gib", shape.memory_gib, ours.memory_gib, _MEMORY_TOLERANCE),
            ("accelerators_count", shape.accelerators_count, ours.accelerators_count, 0.0),
            (
                "accelerator_memory_gib",
                shape.accelerator_memory_gib,
                memory.get(ours.accelerator or ""),
                _MEMORY_TOLERANCE,
            ),
        )
        for name, theirs, mine, tolerance in pairs:
            if theirs is None or mine is None or abs(theirs - mine) <= tolerance * mine:
                continue
            rows.append(
                QuarantinedRow(
                    part=intake.part,
                    dataset=intake.dataset,
                    subject="shape",
                    key=ours.id,
                    meter=name,
                    amount=None,
                    stated=f"{theirs:g}",
                    before=Decimal(str(mine)),
                    reason="shape",
                    text=f"The provider says {theirs:g}, the catalog's file {mine:g}. A file is corrected by hand.",
                    locator=shape.locator,
                    first_seen_at=intake.moment,
                    last_seen_at=intake.moment,
                )
            )
    settled = {
        (row.key, row.meter, row.stated)
        for row in QuarantinedRow.objects.filter(dataset=intake.dataset, state=QuarantinedRow.State.REJECTED)
    }
    rows = [row for row in rows if (row.key, row.meter, row.stated) not in settled]
    _note(rows)
    return len(rows)


class NotDecidable(Exception):
    """This row was decided already, or holds no price that could be accepted. The text says which."""


def accept(*, row_ids: Sequence[int], actor: str, moment: dt.datetime, note: str) -> int:
    """Take rows out of the quarantine into a release of their own, and return its number. The past does not change.

    Raises NotDecidable, and then accepts none.
    """
    rows = list(QuarantinedRow.objects.filter(pk__in=row_ids).select_related("part"))
    for row in rows:
        if row.state != QuarantinedRow.State.PENDING:
            raise NotDecidable(f"{row.key} was decided already, by {row.decided_by}.")
        if row.amount is None:
            raise NotDecidable(f"{row.key}: {row.stated} is no price that could be taken. It can only be rejected.")
        if QuarantinedRow.objects.filter(
            subject=row.subject, key=row.key, meter=row.meter, state=QuarantinedRow.State.PENDING,
            last_seen_at__gt=row.last_seen_at,
        ).exists():  # fmt: skip
            raise NotDecidable(f"{row.key}: a newer price waits. Decide that one.")
        if _read_since(row):
            raise NotDecidable(f"{row.key}: its source was read again since, and states {row.stated} no more.")
    _refuse_repeated(rows)
    if len(rows) != len(set(row_ids)) or not rows:
        raise NotDecidable("A row is not there any more. Read the page again.")
    with transaction.atomic():
        return _accepted(rows, actor=actor, moment=moment, note=note)


def _refuse_repeated(rows: Sequence[QuarantinedRow]) -> None:
    """Raise NotDecidable for a row that repeats what others set, where a better price stands by now."""
    repeated = [row for row in rows if row.part.dataset in SECOND_HAND]
    base = published.latest()
    standing = published.standing_prices(release=base.number) if repeated and base is not None else {}
    for row in repeated:
        before = standing.get((row.subject, row.key, row.meter))
        if _is_better(before, dataset=row.dataset, as_of=row.last_seen_at.date()):
            raise NotDecidable(f"{row.key}: who sets this price has stated it since; {row.part.dataset} only repeats.")


def _read_since(row: QuarantinedRow) -> bool:
    """Say whether its dataset was read well after the reading that stated it last."""
    return RefreshPart.objects.filter(
        source=row.part.source,
        dataset=row.part.dataset,
        region=row.part.region,
        state=RefreshPart.State.SUCCEEDED,
        pk__gt=row.part_id,
    ).exists()


def _accepted(rows: Sequence[QuarantinedRow], *, actor: str, moment: dt.datetime, note: str) -> int:
    release = ingest.begin(actor=actor, moment=moment)
    Price.objects.bulk_create(
        Price(
            release=release,
            subject=row.subject,
            key=row.key,
            meter=row.meter,
            amount=row.amount,
            effective_from=row.effective_from,
            note=f"{row.note}{'; ' if row.note else ''}accepted by {actor}{': ' if note else ''}{note}",
            source_id=row.part.dataset,
            locator=row.locator,
            observed_at=row.last_seen_at.date(),
            as_of_basis="fetched",
            kind="list price",
            dataset=row.dataset,
        )
        for row in rows
    )
    number = ingest.publish_appended(release=release, moment=moment)
    waiting = QuarantinedRow.objects.filter(pk__in=[row.pk for row in rows], state=QuarantinedRow.State.PENDING)
    decided = waiting.update(
        state=QuarantinedRow.State.ACCEPTED,
        decided_by=actor,
        decided_at=moment,
        decision_note=note,
        release_id=number,
    )
    if decided != len(rows):
        raise NotDecidable("Somebody else decided at the same time. Read the page again.")
    return number


def reject(*, row_ids: Sequence[int], actor: str, moment: dt.datetime, note: str) -> int:
    """Refuse rows: stated again, they are only counted. Returns how many; ones decided before stay as they are."""
    return QuarantinedRow.objects.filter(pk__in=row_ids, state=QuarantinedRow.State.PENDING).update(
        state=QuarantinedRow.State.REJECTED, decided_by=actor, decided_at=moment, decision_note=note
    )


@dataclass(frozen=True, kw_only=True)
class QuarantineLine:
    """One row of the quarantine, as it stands."""

    id: int
    run_id: int
    dataset: str
    region: str
    subject: str
    key: str
    meter: str
    stated: str
    amount: Decimal | None  # none: it can only be rejected
    before: Decimal | None
    reason: str
    text: str
    note: str
    locator: str
    first_seen_at: dt.datetime
    last_seen_at: dt.datetime
    state: str
    decided_by: str
    decided_at: dt.datetime | None
    decision_note: str
    release: int | None


def quarantine(*, state: str = "pending", before: int | None = None, limit: int = 100) -> list[QuarantineLine]:
    """Return rows of the quarantine in one state, newest first, those before a cursor if one is given."""
    rows = QuarantinedRow.objects.filter(state=state).select_related("part").order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [_quarantine_line(row) for row in rows[:limit]]


def waiting_count() -> int:
    """Return how many rows wait for an operator."""
    return QuarantinedRow.objects.filter(state=QuarantinedRow.State.PENDING).count()


def _quarantine_line(row: QuarantinedRow) -> QuarantineLine:
    return QuarantineLine(
        id=row.pk,
        run_id=row.part.run_id,
        dataset=row.part.dataset,
        region=row.part.region,
        subject=row.subject,
        key=row.key,
        meter=row.meter,
        stated=row.stated,
        amount=row.amount,
        before=row.before,
        reason=row.reason,
        text=row.text,
        note=row.note,
        locator=row.locator,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        state=row.state,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_note=row.decision_note,
        release=row.release_id,
    )
