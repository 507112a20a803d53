"""Releases: the files in the database give the same frames, prices are appended, the past does not change."""

import dataclasses
import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from catalog import files, frame, ingest, published, queries
from catalog.models import CatalogRelease, FactSet, Price
from tests.catalog.conftest import MOMENT, Spoil

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
OFFER = "aws/us-east-1/p5.48xlarge/on_demand"

pytestmark = pytest.mark.django_db


def publish(directory: Path | None = None) -> int:
    return ingest.publish_files(actor="test", moment=NOON, directory=directory)


def price(catalog: frame.Catalog, offer_id: str) -> float:
    return float(catalog.offers.set_index("offer_id").loc[offer_id, "price_usd_per_hour"])


def hour_prices() -> tuple[queries.PriceStep, ...]:
    return queries.history(subject="offer", keys=[OFFER])[OFFER][published.HOUR_PRICE]


def test_without_a_release_there_is_no_catalog() -> None:
    with pytest.raises(queries.NoRelease):
        queries.current()


def test_the_published_release_equals_the_files(catalog: frame.Catalog) -> None:
    number = publish()

    published = queries.current(MOMENT)

    assert published.release == number == 1
    assert published.fact_set == catalog.fact_set
    for field in dataclasses.fields(catalog):
        expected, found = getattr(catalog, field.name), getattr(published, field.name)
        if isinstance(expected, pd.DataFrame):
            pd.testing.assert_frame_equal(found, expected, obj=field.name)
        else:
            assert found == expected, field.name


def test_the_same_files_make_no_new_release_and_no_new_row() -> None:
    publish()
    rows = Price.objects.count()

    assert publish() == 1
    assert (CatalogRelease.objects.count(), FactSet.objects.count(), Price.objects.count()) == (1, 1, rows)


def test_a_changed_price_appends_one_row_and_leaves_the_past(data: Path, spoil: Spoil) -> None:
    publish()
    rows = Price.objects.count()
    spoil("offers.csv", OFFER, price_usd_per_hour="50")

    assert publish(data) == 2

    assert Price.objects.count() == rows + 1
    assert price(queries.current(MOMENT), OFFER) == 50
    assert price(queries.at(release=1, moment=MOMENT), OFFER) == 55.04
    assert [(step.release, step.amount) for step in hour_prices()] == [
        (1, Decimal("55.04")), (2, Decimal(50)),
    ]  # fmt: skip


def test_an_offer_that_left_the_files_is_withdrawn_and_may_return(data: Path) -> None:
    publish()
    path = data / "offers.csv"
    shipped = path.read_text(encoding="utf-8")
    kept = [line for line in shipped.splitlines() if not line.startswith(OFFER + ",")]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")

    assert publish(data) == 2
    assert OFFER not in set(queries.current(MOMENT).offers["offer_id"])
    assert price(queries.at(release=1, moment=MOMENT), OFFER) == 55.04
    assert hour_prices()[-1].reason == "withdrawn"

    path.write_text(shipped, encoding="utf-8")
    assert publish(data) == 3
    assert price(queries.current(MOMENT), OFFER) == 55.04
    assert FactSet.objects.count() == 2


def test_a_price_that_takes_effect_later_holds_from_its_day(data: Path, spoil: Spoil) -> None:
    publish()
    spoil("offers.csv", OFFER, price_usd_per_hour="50", effective_from="2027-01-01")
    publish(data)

    assert price(queries.current(dt.date(2026, 12, 31)), OFFER) == 55.04
    assert price(queries.current(dt.date(2027, 1, 1)), OFFER) == 50


def test_a_later_token_price_replaces_that_of_the_files_with_its_own_source() -> None:
    publish()
    standing = Price.objects.filter(subject="model_offer", meter="input_usd_per_mtok").order_by("key")[0]
    refreshed = CatalogRelease.objects.create(
        number=2, fact_set=standing.release.fact_set, begun_at=NOON, actor="refresh"
    )
    Price.objects.create(
        release=refreshed, subject="model_offer", key=standing.key, meter=standing.meter, amount=Decimal("7.5"),
        source_id="botocore", locator="here", observed_at=dt.date(2026, 11, 22), as_of_basis="stated",
        kind="list price",
    )  # fmt: skip

    unpublished = queries.current(MOMENT).model_offers.set_index("model_offer_id").loc[standing.key]
    refreshed.published_at = NOON
    refreshed.save(update_fields=["published_at"])
    published = queries.current(MOMENT)

    assert unpublished["input_usd_per_mtok"] == float(standing.amount or 0)
    row = published.model_offers.set_index("model_offer_id").loc[standing.key]
    assert (row["input_usd_per_mtok"], row["price_as_of"]) == (7.5, "2026-11-22")
    assert published.evidence(f"model_offer:{standing.key}")["locator"] == "here"


def test_releases_are_listed_newest_first_with_the_prices_each_appended(data: Path, spoil: Spoil) -> None:
    publish()
    whole = Price.objects.count()
    spoil("offers.csv", OFFER, price_usd_per_hour="50")
    publish(data)
    CatalogRelease.objects.create(number=3, fact_set_id=files.sha256(files.read()), begun_at=NOON, actor="unfinished")

    found = queries.releases()

    assert [(line.number, line.price_rows_count, line.actor) for line in found] == [(2, 1, "test"), (1, whole, "test")]


def test_the_history_of_many_prices_takes_one_query(django_assert_num_queries) -> None:
    publish()
    keys = [OFFER, "aws/us-east-1/p5en.48xlarge/on_demand"]
    with django_assert_num_queries(1):
        offers = queries.history(subject="offer", keys=keys)
    models = queries.history(subject="model_offer", keys=["aws/claude-fable-5-1/eu"])

    assert set(offers) == set(keys)
    assert models["aws/claude-fable-5-1/eu"]["output_usd_per_mtok"][0].amount == 55


def test_a_release_is_built_once_and_then_kept() -> None:
    publish()

    assert queries.current(MOMENT) is queries.current(MOMENT)


def test_a_release_whose_writing_broke_off_is_never_read_and_leaves_nothing_behind(
    data: Path, spoil: Spoil, monkeypatch
) -> None:
    publish()
    spoil("offers.csv", OFFER, price_usd_per_hour="50")
    spoil("offers.csv", "aws/us-east-1/p5en.48xlarge/on_demand", price_usd_per_hour="60")

    class Stopped(Exception):
        pass

    def stop(**_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "_publish", stop)
        with pytest.raises(Stopped):
            publish(data)
    spoil("offers.csv", OFFER, price_usd_per_hour="55.04")

    assert price(queries.current(MOMENT), OFFER) == 55.04
    assert list(CatalogRelease.objects.values_list("number", flat=True)) == [1]
    assert Price.objects.exclude(release_id=1).count() == 0
    assert publish(data) == 2
    assert price(queries.current(MOMENT), OFFER) == 55.04
    assert price(queries.current(MOMENT), "aws/us-east-1/p5en.48xlarge/on_demand") == 60


def test_a_release_that_was_overtaken_is_not_published(data: Path, spoil: Spoil, monkeypatch) -> None:
    publish()
    spoil("offers.csv", OFFER, price_usd_per_hour="50")
    begin = ingest._begin

    def overtaken(**arguments):
        release = begin(**arguments)
        CatalogRelease.objects.create(
            number=release.number + 1,
            fact_set_id=files.sha256(files.read()),
            begun_at=NOON,
            published_at=NOON,
            actor="x",
        )
        return release

    monkeypatch.setattr(ingest, "_begin", overtaken)

    with pytest.raises(ingest.ReleaseMoved):
        publish(data)
    assert price(queries.current(MOMENT), OFFER) == 55.04
    assert list(CatalogRelease.objects.order_by("number").values_list("number", flat=True)) == [1, 3]


def test_files_that_do_not_hold_change_nothing(data: Path, spoil: Spoil) -> None:
    publish()
    spoil("offers.csv", OFFER, price_usd_per_hour="0")

    with pytest.raises(files.DataError):
        publish(data)

    assert CatalogRelease.objects.count() == FactSet.objects.count() == 1


def test_publishing_writes_in_batches_and_reading_takes_few_queries(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(200):  # about six thousand price rows; SQLite takes a few hundred a statement
        publish()
    with django_assert_max_num_queries(5):
        queries.at(release=1, moment=dt.date(2026, 11, 1))
    with django_assert_max_num_queries(1):
        queries.current(dt.date(2026, 11, 1))


@pytest.mark.parametrize(
    "cells",
    [
        {"amount": Decimal(0)},
        {"amount": Decimal(-1)},
        {"amount": None},
        {"source_id": ""},
        {"observed_at": None},
        {"as_of_basis": "undated"},
    ],
)
def test_the_database_itself_refuses_a_price_that_cannot_be_trusted(cells: dict[str, object]) -> None:
    fact_set = FactSet.objects.create(sha256="0" * 64, content=FactSet.pack({}))
    release = CatalogRelease.objects.create(number=1, fact_set=fact_set, begun_at=NOON, actor="test")
    good = {
        "release": release, "subject": "offer", "key": OFFER, "meter": "price_usd_per_hour", "amount": Decimal(1),
        "source_id": "s", "locator": "l", "observed_at": MOMENT, "as_of_basis": "stated", "kind": "list price",
    }  # fmt: skip

    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(**good | cells)
    Price.objects.create(**good)


def test_load_data_says_what_it_did() -> None:
    said = io.StringIO()

    call_command("load_data", stdout=said)
    call_command("load_data", stdout=said)

    assert said.getvalue().splitlines() == [
        "catalog release 1 is published",
        "catalog release 1 stands already: the files are the same",
    ]


def test_load_data_names_the_row_that_does_not_hold(data: Path, spoil: Spoil, monkeypatch) -> None:
    spoil("offers.csv", OFFER, price_usd_per_hour="0")
    monkeypatch.setattr(files, "DIRECTORY", data)

    with pytest.raises(CommandError, match=f"offers.csv: {OFFER}: price_usd_per_hour"):
        call_command("load_data", verbosity=0)
