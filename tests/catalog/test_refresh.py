"""Prices read from a source over real sockets: what is believed, what waits, what failed, and what stands after all."""

import datetime as dt
import gzip
import hashlib
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog import ingest, intake, published, queries, refresh, snapshots
from catalog.files import Facts
from catalog.models import CatalogRelease, Price, QuarantinedRow, RefreshPart, RefreshRun, Snapshot
from catalog.part_lease import Lease
from catalog.sources import registry
from catalog.sources.source import Found, Page, Part
from tests.catalog.peers.server import Answer, Fault, Peer, as_json, running
from tests.catalog.peers.shop import Shelf, Shop

pytestmark = pytest.mark.django_db

EAST = "aws/us-east-1/p5.48xlarge/on_demand"
SMALL = "aws/us-east-1/m8g.4xlarge/on_demand"
WEST = "aws/us-west-2/p5.48xlarge/on_demand"
METER = "price_usd_per_hour"


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(prices={"us-east-1": {EAST: "54.00", SMALL: "0.70"}, "us-west-2": {WEST: "56.00"}})


@pytest.fixture
def peer(shelf: Shelf) -> Iterator[Peer]:
    with running(shelf.answer) as peer:
        yield peer


@pytest.fixture
def shop(published: int, peer: Peer, monkeypatch: pytest.MonkeyPatch, settings, tmp_path) -> Shop:
    settings.DATA_DIR = tmp_path
    settings.CELERY_BROKER_URL = "memory://"
    found = Shop(url=peer.url)
    monkeypatch.setattr(registry, "SOURCES", {"aws": (found,), "azure": (), "google": (), "models": ()})
    monkeypatch.setattr(refresh, "SOURCES", registry.SOURCES)
    return found


def read_all(*, days_ago: int = 0, regions: list[str] | None = None) -> RefreshRun:
    """Do one whole run, as if some days ago."""
    now = timezone.now() - dt.timedelta(days=days_ago)
    run = refresh.begin(sources=["aws"], regions=regions, actor="test", moment=timezone.now(), inline=True)
    for part_id in refresh.open_parts(run_id=run.pk):
        refresh.work(part_id=part_id)
    if days_ago:  # what a run of that day would have left
        release = RefreshRun.objects.get(pk=run.pk).release
        if release is not None:
            release.confirmations.update(observed_at=now.date())
            release.prices.update(observed_at=now.date())
    run.refresh_from_db()
    return run


def price(key: str) -> tuple[Decimal | None, dt.date | None]:
    row = published.standing_prices(release=published.latest().number)[("offer", key, METER)]
    return row["amount"], row["observed_at"]


def total(run: RefreshRun) -> dict[str, int]:
    return {name: count for name, count in refresh.run_line(run_id=run.pk).counts.items() if count}


def test_what_a_source_states_becomes_one_release(shop: Shop) -> None:
    run = read_all()

    assert (run.state, run.release_id, total(run)["read"]) == ("succeeded", 2, 3)
    assert price(EAST) == (Decimal("54"), timezone.now().date())
    frame = queries.current().offers.set_index("offer_id")
    assert frame.loc[EAST, "price_usd_per_hour"] == 54.0
    assert frame.loc[EAST, "price_as_of_basis"] == "fetched"
    first = queries.at(release=1, moment=timezone.now().date()).offers.set_index("offer_id")
    assert first.loc[EAST, "price_usd_per_hour"] == 55.04  # the past does not change


def test_raw_answers_are_kept_before_they_are_read(shop: Shop, peer: Peer) -> None:
    run = read_all()

    kept = Snapshot.objects.filter(part__run=run).order_by("part_id")
    assert [row.url for row in kept] == [f"{peer.url}/us-east-1", f"{peer.url}/us-west-2"]
    assert all(snapshots._place(row.sha256).exists() and row.size_bytes > 20 for row in kept)


def test_reading_the_same_again_moves_only_the_date(shop: Shop) -> None:
    read_all(days_ago=1)
    yesterday = price(EAST)[1]
    rows_count = Price.objects.count()

    run = read_all()

    assert total(run) == {"read": 3, "unchanged": 3}
    assert Price.objects.count() == rows_count
    assert (yesterday, price(EAST)[1]) == (timezone.now().date() - dt.timedelta(days=1), timezone.now().date())
    before = published.standing_prices(release=run.release_id - 1)[("offer", EAST, METER)]
    assert before["observed_at"] == yesterday  # as of an older release it is as old as it was then


def test_a_moved_price_has_a_history(shop: Shop, shelf: Shelf) -> None:
    read_all()
    shelf.prices["us-east-1"][EAST] = "50.00"

    run = read_all()

    assert total(run) == {"read": 3, "changed": 1, "unchanged": 2}
    steps = queries.history(subject="offer", keys=[EAST])[EAST][METER]
    assert [step.amount for step in steps] == [Decimal("55.04"), Decimal(54), Decimal(50)]


@pytest.mark.parametrize(
    ("stated", "code"),
    [("216.0", "moved"), ("5.0", "moved"), (0, "problem"), ("0.0000001", "range")],
)
def test_what_looks_wrong_changes_nothing_and_is_seen(shop: Shop, shelf: Shelf, stated: object, code: str) -> None:
    read_all(days_ago=3)
    shelf.prices["us-east-1"][EAST] = stated

    run = read_all()

    assert total(run)["quarantined"] == 1
    assert price(EAST) == (Decimal(54), timezone.now().date() - dt.timedelta(days=3))  # old, and looks old
    assert price(SMALL)[1] == timezone.now().date()
    row = QuarantinedRow.objects.get()
    assert (row.reason, row.key, row.before, row.state) == (code, EAST, Decimal(54), "pending")


def test_a_price_beside_its_family_waits_even_if_it_is_new(shop: Shop, shelf: Shelf) -> None:
    key = "aws/us-east-1/p5.48xlarge/capacity_block"
    Price.objects.filter(key=key).delete()
    shelf.prices["us-east-1"] = {key: "4.0"}  # half a dollar for an H100

    read_all(regions=["us-east-1"])

    assert QuarantinedRow.objects.get().reason == "family"


def test_what_should_be_cheaper_than_on_demand_waits_if_it_is_not(shop: Shop, shelf: Shelf) -> None:
    shelf.prices["us-east-1"]["aws/us-east-1/p5.48xlarge/savings_plan_1y"] = "60.00"

    read_all(regions=["us-east-1"])

    assert QuarantinedRow.objects.get().reason == "above_on_demand"


def test_an_operator_accepts_into_a_later_release(shop: Shop, shelf: Shelf) -> None:
    read_all()
    shelf.prices["us-east-1"][EAST] = "162.50"
    read_all()
    before = published.latest().number
    row = QuarantinedRow.objects.get()

    number = intake.accept(row_ids=[row.pk], actor="ops", moment=timezone.now(), note="announced on 20 November")

    assert number == before + 1
    assert price(EAST)[0] == Decimal("162.5")
    assert published.standing_prices(release=before)[("offer", EAST, METER)]["amount"] == Decimal(54)
    assert total(read_all()) == {"read": 3, "unchanged": 3}  # believed from now on
    with pytest.raises(intake.NotDecidable, match="decided already"):
        intake.accept(row_ids=[row.pk], actor="ops", moment=timezone.now(), note="")


def test_a_refused_price_is_only_counted_when_it_is_stated_again(shop: Shop, shelf: Shelf) -> None:
    read_all()
    shelf.prices["us-east-1"][EAST] = "162.50"
    read_all()
    intake.reject(row_ids=[QuarantinedRow.objects.get().pk], actor="ops", moment=timezone.now(), note="")

    run = read_all()

    assert total(run) == {"read": 3, "unchanged": 2, "refused": 1}
    assert QuarantinedRow.objects.get().state == "rejected"


def test_one_of_several_prices_that_was_accepted_is_not_asked_about_again(shop: Shop, shelf: Shelf) -> None:
    read_all()
    other = {"sort": "price", "subject": "offer", "key": EAST, "meter": METER, "price": "50.00"}
    shelf.more["us-east-1"] = [other]
    read_all()
    row = QuarantinedRow.objects.get()
    assert (row.reason, row.amount) == ("twice", Decimal(54))
    intake.accept(row_ids=[row.pk], actor="ops", moment=timezone.now(), note="")
    shelf.prices["us-east-1"], shelf.more["us-east-1"] = {}, [other, other | {"price": "54.00"}]  # in another order

    run = read_all()

    row.refresh_from_db()
    assert (total(run).get("quarantined"), row.state, row.decided_by) == (None, "accepted", "ops")
    assert price(EAST) == (Decimal(54), timezone.now().date())


def test_a_price_that_the_source_took_back_cannot_be_accepted_any_more(shop: Shop, shelf: Shelf) -> None:
    read_all()
    shelf.prices["us-east-1"][EAST] = "162.50"
    read_all()
    shelf.prices["us-east-1"][EAST] = "54.00"
    read_all()

    with pytest.raises(intake.NotDecidable, match="read again since"):
        intake.accept(row_ids=[QuarantinedRow.objects.get().pk], actor="ops", moment=timezone.now(), note="")

    assert price(EAST)[0] == Decimal(54)
    assert not CatalogRelease.objects.filter(published_at=None).exists()


def test_a_repeated_price_cannot_be_accepted_once_its_provider_has_spoken(shop: Shop, shelf: Shelf) -> None:
    key = "aws/us-east-1/p5.48xlarge/spot"
    Price.objects.filter(key=key).delete()
    own, shop.dataset = shop.dataset, "genai-prices-library"
    row = {"sort": "price", "subject": "offer", "key": key, "meter": METER, "price": "56", "as_of": "2026-11-01"}
    shelf.prices, shelf.more = {}, {"us-east-1": [row]}
    read_all(regions=["us-east-1"])
    (waits,) = QuarantinedRow.objects.filter(key=key)
    shop.dataset, shelf.more = own, {}
    shelf.prices["us-east-1"] = {key: "30"}
    read_all(regions=["us-east-1"])

    with pytest.raises(intake.NotDecidable, match="only repeats"):
        intake.accept(row_ids=[waits.pk], actor="ops", moment=timezone.now(), note="")

    assert price(key)[0] == Decimal(30)


@pytest.mark.parametrize("stated", ["1e30", "100000000000", "0.0000000001", "NaN"])
def test_a_price_that_cannot_be_kept_spoils_no_other(shop: Shop, shelf: Shelf, stated: str) -> None:
    shelf.more["us-east-1"] = [{"sort": "price", "subject": "offer", "key": EAST, "meter": METER, "price": stated}]
    del shelf.prices["us-east-1"][EAST]

    run = read_all()

    assert (run.state, total(run)["quarantined"], price(SMALL)[0]) == ("succeeded", 1, Decimal("0.7"))
    assert QuarantinedRow.objects.get().amount is None  # so it cannot be accepted


def test_one_doubted_meter_leaves_the_others_of_its_key_confirmed(shop: Shop, shelf: Shelf) -> None:
    key = next(
        row.id for row in published.facts(moment=timezone.now().date()).model_offers
        if row.input_usd_per_mtok and row.output_usd_per_mtok
    )  # fmt: skip
    meters = ("input_usd_per_mtok", "output_usd_per_mtok")
    standing = published.standing_prices(release=published.latest().number)
    rows = [
        {"sort": "price", "subject": "model_offer", "key": key, "meter": meter,
         "price": str(standing[("model_offer", key, meter)]["amount"])}
        for meter in meters
    ]  # fmt: skip
    shelf.more["us-east-1"] = rows
    read_all(days_ago=9)
    shelf.more["us-east-1"] = [rows[0], rows[1] | {"price": "900"}]

    read_all()

    standing = published.standing_prices(release=published.latest().number)
    ages = [(timezone.now().date() - standing[("model_offer", key, meter)]["observed_at"]).days for meter in meters]
    assert ages == [0, 9]


def test_what_repeats_others_keeps_its_own_date_until_it_has_a_newer_one(shop: Shop, shelf: Shelf) -> None:
    key = "aws/us-east-1/p5.48xlarge/spot"
    Price.objects.filter(key=key).delete()
    shop.dataset = "genai-prices-library"
    row = {"sort": "price", "subject": "offer", "key": key, "meter": METER, "price": "30", "as_of": "2026-11-01"}
    shelf.prices, shelf.more = {}, {"us-east-1": [row]}
    read_all(regions=["us-east-1"])

    again = read_all(regions=["us-east-1"])

    assert total(again) == {"read": 1, "unchanged": 1}  # nothing is missing
    assert price(key) == (Decimal(30), dt.date(2026, 11, 1))  # that we read it today makes it no younger
    shelf.more["us-east-1"] = [row | {"as_of": "2026-11-20"}]
    read_all(regions=["us-east-1"])
    assert price(key) == (Decimal(30), dt.date(2026, 11, 20))


def test_what_is_no_price_can_only_be_refused(shop: Shop, shelf: Shelf) -> None:
    shelf.prices["us-east-1"][EAST] = 0
    read_all()

    with pytest.raises(intake.NotDecidable, match="can only be rejected"):
        intake.accept(row_ids=[QuarantinedRow.objects.get().pk], actor="ops", moment=timezone.now(), note="")


def test_a_price_that_is_not_stated_any_more_stays_and_ages(shop: Shop, shelf: Shelf) -> None:
    read_all(days_ago=5)
    del shelf.prices["us-east-1"][SMALL]

    run = read_all()

    assert total(run) == {"read": 2, "unchanged": 2, "missing": 1}
    assert price(SMALL) == (Decimal("0.7"), timezone.now().date() - dt.timedelta(days=5))


def test_one_region_that_fails_leaves_the_others_and_its_own_old_prices(shop: Shop, shelf: Shelf, peer: Peer) -> None:
    read_all(days_ago=2)
    shelf.prices = {"us-east-1": {EAST: "53.00"}, "us-west-2": {WEST: "55.00"}}
    peer.always = Fault(status=403, on=lambda request: request.path == "/us-west-2")

    run = read_all()

    assert run.state == "partly"
    assert price(EAST)[0] == Decimal(53)
    assert price(WEST) == (Decimal(56), timezone.now().date() - dt.timedelta(days=2))
    assert "403" in RefreshPart.objects.get(run=run, region="us-west-2").problem


def test_a_changed_shape_of_the_answer_fails_with_the_old_data_intact(shop: Shop, peer: Peer) -> None:
    read_all()
    peer.answer = lambda request: as_json({"items": []})

    run = read_all()

    assert run.state == "failed"
    assert run.release is None
    assert price(EAST)[0] == Decimal(54)
    assert published.latest().number == 2


def test_an_empty_answer_is_a_failure_not_news(shop: Shop, shelf: Shelf) -> None:
    read_all()
    shelf.prices = {}

    assert read_all().state == "failed"
    assert price(EAST)[0] == Decimal(54)


def test_nobody_at_the_address_fails_every_part_at_once(shop: Shop) -> None:
    shop.url = "http://127.0.0.1:9"

    run = read_all()

    problems = [part.problem for part in RefreshPart.objects.filter(run=run).order_by("pk")]
    assert run.state == "failed"
    assert "cannot be reached" in problems[0]
    assert problems[1].startswith("Not asked")


def test_a_throttled_part_is_asked_again_later_and_given_up_after_three_tries(shop: Shop, peer: Peer) -> None:
    peer.always = Fault(status=429, retry_after="120", on=lambda request: request.path == "/us-west-2")
    run = read_all()
    part = RefreshPart.objects.get(run=run, region="us-west-2")
    assert (run.state, part.state, part.attempt) == ("running", "queued", 1)
    assert part.not_before > timezone.now() + dt.timedelta(seconds=100)
    assert refresh.tend(moment=timezone.now()) == []

    for _ in range(2):
        later = timezone.now() + dt.timedelta(hours=1)
        assert refresh.tend(moment=later) == [part.pk]
        refresh.work(part_id=part.pk)

    part.refresh_from_db()
    run.refresh_from_db()
    assert (part.state, part.attempt, run.state) == ("failed", 3, "partly")
    assert price(EAST)[0] == Decimal(54)


def test_a_server_that_sends_us_away_for_ages_is_asked_again_today(shop: Shop, peer: Peer) -> None:
    peer.always = Fault(status=503, retry_after="9" * 30)

    read_all(regions=["us-east-1"])

    part = RefreshPart.objects.get()
    assert (part.state, part.lease_until) == ("queued", None)
    assert part.not_before < timezone.now() + 2 * refresh.LONGEST_PAUSE


def test_the_message_of_a_lost_part_is_sent_once_until_it_is_overdue(shop: Shop) -> None:
    run = refresh.begin(sources=["aws"], regions=["us-east-1"], actor="test", moment=timezone.now())
    (part_id,) = refresh.open_parts(run_id=run.pk)
    refresh._claimed(part_id, moment=timezone.now())
    later = timezone.now() + refresh.LEASE

    sent = [refresh.tend(moment=later + dt.timedelta(seconds=seconds)) for seconds in (0, 15, 30)]

    assert sent == [[part_id], [], []]


def test_a_run_whose_last_worker_was_killed_before_it_closed_the_run_is_closed(shop: Shop) -> None:
    run = refresh.begin(sources=["aws"], regions=["us-east-1"], actor="test", moment=timezone.now(), inline=True)
    RefreshPart.objects.filter(run=run).update(state="failed", problem="no answer", ended_at=timezone.now())

    refresh.tend(moment=timezone.now())

    run.refresh_from_db()
    assert run.state == "failed"


def test_a_part_whose_worker_was_killed_is_done_again_without_leftovers(shop: Shop) -> None:
    run = refresh.begin(sources=["aws"], regions=["us-east-1"], actor="test", moment=timezone.now())
    part = refresh._claimed(refresh.open_parts(run_id=run.pk)[0], moment=timezone.now())
    release = refresh._release(run.pk)  # the worker had written a row when it was killed
    Price.objects.create(
        release=release, subject="offer", key=EAST, meter=METER, amount=1, source_id="x", locator="x",
        as_of_basis="undated", kind="list price", dataset=f"{part.dataset}/{part.region}",
    )  # fmt: skip
    later = timezone.now() + refresh.LEASE

    assert refresh.tend(moment=later) == [part.pk]
    refresh.work(part_id=part.pk)

    run.refresh_from_db()
    assert run.state == "succeeded"
    assert price(EAST)[0] == Decimal(54)


def test_a_part_that_kills_its_workers_is_not_tried_for_ever(shop: Shop) -> None:
    run = refresh.begin(sources=["aws"], regions=["us-east-1"], actor="test", moment=timezone.now())
    part_id = refresh.open_parts(run_id=run.pk)[0]

    for _ in range(refresh.MAX_ATTEMPTS):
        refresh._claimed(part_id, moment=timezone.now())
        due = refresh.tend(moment=timezone.now() + refresh.LEASE)

    run.refresh_from_db()
    assert (due, run.state) == ([], "failed")
    assert "lost 3 times" in RefreshPart.objects.get(pk=part_id).problem


def test_a_run_past_its_deadline_is_closed(shop: Shop) -> None:
    run = refresh.begin(sources=["aws"], regions=None, actor="test", moment=timezone.now())
    first = refresh.open_parts(run_id=run.pk)[0]
    refresh.work(part_id=first)

    refresh.tend(moment=timezone.now() + refresh.DEADLINE)

    run.refresh_from_db()
    assert run.state == "partly"  # what was read before is published
    assert price(EAST)[0] == Decimal(54)
    refresh.begin(sources=["aws"], regions=None, actor="test", moment=timezone.now())  # and the next can begin


@pytest.mark.parametrize("region", ["us-esat-1", "eu-central-1"])
def test_a_region_that_nothing_is_read_in_is_no_success(shop: Shop, region: str) -> None:
    with pytest.raises(CommandError, match=region):
        call_command("refresh", "aws", "--region", region)

    assert not RefreshRun.objects.exists()


def test_a_source_that_is_named_twice_is_read_once(shop: Shop) -> None:
    run = refresh.begin(sources=["aws", "aws"], regions=None, actor="test", moment=timezone.now())

    assert (run.sources, len(refresh.open_parts(run_id=run.pk))) == (["aws"], 2)


def test_the_same_source_is_not_read_twice_at_once(shop: Shop) -> None:
    refresh.begin(sources=["aws"], regions=None, actor="test", moment=timezone.now())

    with pytest.raises(refresh.AlreadyRunning):
        refresh.begin(sources=["aws"], regions=["us-west-2"], actor="test", moment=timezone.now())

    assert RefreshRun.objects.count() == 1


def test_a_release_that_came_between_keeps_its_meaning(shop: Shop) -> None:
    run = refresh.begin(sources=["aws"], regions=["us-east-1"], actor="test", moment=timezone.now(), inline=True)
    release = refresh._release(run.pk)
    between = ingest.begin(actor="other", moment=timezone.now())
    ingest.publish_appended(release=between, moment=timezone.now())
    refresh.work(part_id=refresh.open_parts(run_id=run.pk)[0])

    run.refresh_from_db()
    assert (release.number, between.number, run.release_id) == (2, 3, 4)
    assert published.standing_prices(release=3)[("offer", EAST, METER)]["amount"] == Decimal("55.04")
    assert not CatalogRelease.objects.filter(number=2).exists()


def test_the_files_do_not_displace_what_a_source_stated_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    read_all()
    texts = dict(ingest.files.read())
    texts["regions.csv"] = texts["regions.csv"].replace("US East (N. Virginia)", "Northern Virginia")
    monkeypatch.setattr(ingest.files, "read", lambda directory=None: texts)

    number = ingest.publish_files(actor="test", moment=timezone.now())

    assert number == 3
    assert price(EAST)[0] == Decimal(54)


def test_a_retirement_is_a_dated_event(shop: Shop, shelf: Shelf) -> None:
    key = next(row.id for row in published.facts(moment=timezone.now().date()).model_offers if not row.retirement_date)
    shelf.more["us-east-1"] = [{"sort": "retirement", "key": key, "on": "2027-06-30"}]

    run = read_all()

    models = queries.current().model_offers.set_index("model_offer_id")
    assert total(run)["retirements"] == 1
    assert str(models.loc[key, "retirement_date"]).startswith("2027-06-30")


def test_of_several_regions_the_earliest_end_holds_until_that_region_takes_it_back(shop: Shop, shelf: Shelf) -> None:
    key = next(row.id for row in published.facts(moment=timezone.now().date()).model_offers if not row.retirement_date)

    def ends(east: str, west: str) -> str:
        for region, day in (("us-east-1", east), ("us-west-2", west)):
            shelf.more[region] = [{"sort": "retirement", "key": key, "on": day}]
        read_all()
        return str(published.standing_retirements()[key])

    assert ends("2027-09-30", "2027-06-30") == "2027-06-30"
    assert ends("2027-09-30", "2027-06-30") == "2027-06-30"  # said again, it is no news, and nothing flips
    assert ends("2027-05-31", "2027-06-30") == "2027-05-31"
    assert ends("2027-09-30", "2027-12-31") == "2027-09-30"


def test_a_region_that_fails_keeps_its_word_on_when_a_model_ends(shop: Shop, shelf: Shelf, peer: Peer) -> None:
    key = next(row.id for row in published.facts(moment=timezone.now().date()).model_offers if not row.retirement_date)
    for region, day in (("us-east-1", "2027-09-30"), ("us-west-2", "2027-06-30")):
        shelf.more[region] = [{"sort": "retirement", "key": key, "on": day}]
    read_all()
    peer.always = Fault(status=403, on=lambda request: request.path == "/us-west-2")

    assert read_all().state == "partly"

    assert published.standing_retirements()[key] == dt.date(2027, 6, 30)


def test_a_machine_described_otherwise_is_shown_to_the_operator(shop: Shop, shelf: Shelf) -> None:
    shelf.more["us-east-1"] = [{"sort": "shape", "sku": "p5.48xlarge", "vcpus": 96}]

    read_all()

    row = QuarantinedRow.objects.get()
    assert (row.subject, row.meter, row.stated, row.before) == ("shape", "vcpus_count", "96", Decimal(192))


def test_a_source_without_its_key_is_named_and_is_no_failure(shop: Shop, capsys) -> None:
    shop.key_is_missing = True

    call_command("refresh", "aws")

    assert "not configured. SHOP_KEY is not set." in capsys.readouterr().out


def test_the_command_fails_when_a_source_fails(shop: Shop, peer: Peer, capsys) -> None:
    peer.always = Fault(status=403)

    with pytest.raises(CommandError, match="older prices stand") as failure:
        call_command("refresh", "aws")

    assert failure.value.returncode == 1
    assert "answered 403" in capsys.readouterr().out


def test_a_schedule_is_off_until_it_is_switched_on(shop: Shop) -> None:
    now = timezone.now()
    assert not any(line.is_on for line in refresh.schedules())
    assert refresh.take_due(moment=now + dt.timedelta(days=30)) == []

    refresh.set_schedule(source="aws", every_hours=6, is_on=True, actor="ops", moment=now)
    due = refresh.take_due(moment=now + dt.timedelta(minutes=6))

    assert due == ["aws"]
    assert refresh.take_due(moment=now + dt.timedelta(minutes=7)) == []
    assert next(line for line in refresh.schedules() if line.source == "aws").next_at == now + dt.timedelta(
        hours=6, minutes=6
    )


def test_old_bytes_go_and_their_hashes_stay(shop: Shop, shelf: Shelf) -> None:
    runs = []
    for amount in ("54.00", "53.00", "52.00"):
        shelf.prices["us-east-1"][EAST] = amount
        runs.append(read_all(regions=["us-east-1"]))

    oldest, newest = (Snapshot.objects.get(part__run=run) for run in (runs[0], runs[-1]))
    assert oldest.pruned_at is not None
    assert not snapshots._place(oldest.sha256).exists()
    assert snapshots._place(newest.sha256).exists()


def test_bytes_that_cannot_be_deleted_hold_up_no_run(shop: Shop, shelf: Shelf) -> None:
    read_all(regions=["us-east-1"])
    place = snapshots._place(Snapshot.objects.get().sha256)
    place.unlink()
    place.mkdir()
    for amount in ("53.00", "52.00"):
        shelf.prices["us-east-1"][EAST] = amount

        assert read_all(regions=["us-east-1"]).state == "succeeded"


@pytest.mark.parametrize("loss", ["none", "gone", "cut", "another"])
def test_bytes_are_taken_over_only_if_they_are_the_ones_that_were_kept(shop: Shop, peer: Peer, loss: str) -> None:
    read_all(regions=["us-east-1"])
    kept = Snapshot.objects.get()
    place = snapshots._place(kept.sha256)
    if loss == "gone":
        place.unlink()
    elif loss == "cut":
        place.write_bytes(place.read_bytes()[:-9])
    elif loss == "another":
        place.write_bytes(gzip.compress(b"{}"))
    run = refresh.begin(sources=["aws"], regions=["us-east-1"], actor="test", moment=timezone.now(), inline=True)
    part = refresh._claimed(refresh.open_parts(run_id=run.pk)[0], moment=timezone.now())

    with snapshots.keeper(lease=Lease(part)) as keep:
        page = keep.again(url=kept.url)

        assert (page is not None) == (loss == "none")
        assert page is None or hashlib.sha256(page.path.read_bytes()).hexdigest() == kept.sha256


def test_bytes_that_could_not_be_read_are_asked_for_again(shop: Shop, peer: Peer) -> None:
    run = refresh.begin(sources=["aws"], regions=None, actor="test", moment=timezone.now(), inline=True)
    first, second = refresh.open_parts(run_id=run.pk)
    peer.answer = lambda request: Answer(body=b"<html>")
    refresh.work(part_id=first)

    with snapshots.keeper(lease=Lease(refresh._claimed(second, moment=timezone.now()))) as keep:
        assert keep.again(url=Snapshot.objects.get().url) is None


def test_answers_can_be_exported_without_what_is_private(shop: Shop, shelf: Shelf, tmp_path) -> None:
    shelf.prices["us-east-1"][EAST] = "54.00"
    shelf.more["us-east-1"] = [{"sort": "note", "count": 1, "what": "arn:aws:iam::210987654321:role/x"}]
    read_all(regions=["us-east-1"])

    call_command("export_snapshots", str(tmp_path / "out"))

    text = (tmp_path / "out" / "aws-ec2-price-list" / "us-east-1" / "0000.txt").read_text()
    assert EAST in text
    assert "210987654321" not in text


def meanwhile(shop: Shop, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something happen once, after the next part has been read and before its rows are written."""
    read = shop.read

    def interrupted(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
        yield from read(part, pages=pages, facts=facts)
        monkeypatch.setattr(shop, "read", read)
        act()

    monkeypatch.setattr(shop, "read", interrupted)


def test_a_part_that_is_cancelled_while_it_is_read_writes_nothing_any_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = refresh.begin(sources=["aws"], regions=None, actor="test", moment=timezone.now(), inline=True)
    east, west = refresh.open_parts(run_id=run.pk)
    refresh.work(part_id=east)
    meanwhile(shop, monkeypatch, lambda: refresh.cancel(run_id=run.pk, moment=timezone.now()))

    refresh.work(part_id=west)

    run.refresh_from_db()
    assert (run.state, run.release.published_at is not None) == ("partly", True)
    assert price(EAST)[0] == Decimal(54)
    assert not Price.objects.filter(release=run.release, key=WEST).exists()  # a published release does not change


def test_a_worker_that_lost_its_part_adds_nothing_to_what_the_next_one_reads(
    shop: Shop, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = refresh.begin(sources=["aws"], regions=["us-east-1"], actor="test", moment=timezone.now(), inline=True)
    (part_id,) = refresh.open_parts(run_id=run.pk)

    def taken_over() -> None:
        refresh.tend(moment=timezone.now() + refresh.LEASE)
        shelf.prices["us-east-1"] = {EAST: "53.00"}
        refresh.work(part_id=part_id)

    meanwhile(shop, monkeypatch, taken_over)

    refresh.work(part_id=part_id)

    run.refresh_from_db()
    assert run.state == "succeeded"
    assert {row.key: row.amount for row in Price.objects.filter(release=run.release)} == {EAST: Decimal(53)}
    assert Snapshot.objects.filter(part_id=part_id).count() == 1


def test_what_a_lost_try_left_behind_is_not_published_when_its_part_fails(shop: Shop) -> None:
    shop.regions = ("us-east-1", "us-east-2", "us-west-2")
    run = refresh.begin(sources=["aws"], regions=None, actor="test", moment=timezone.now(), inline=True)
    good, lost, last = refresh.open_parts(run_id=run.pk)
    refresh.work(part_id=good)
    part = refresh._claimed(lost, moment=timezone.now())
    Price.objects.create(
        release=refresh._release(run.pk), subject="offer", key=WEST, meter=METER, amount=1, source_id="x", locator="x",
        as_of_basis="undated", kind="list price", dataset=f"{part.dataset}/{part.region}",
    )  # fmt: skip
    refresh.tend(moment=timezone.now() + refresh.LEASE)
    shop.url = "http://127.0.0.1:9"

    refresh.work(part_id=last)  # nobody is there: the lost one is not asked for again

    run.refresh_from_db()
    assert (run.state, RefreshPart.objects.get(pk=lost).state) == ("partly", "failed")
    assert not Price.objects.filter(release=run.release, key=WEST).exists()


def test_a_run_that_has_ended_gets_no_release(shop: Shop) -> None:
    run = refresh.begin(sources=["aws"], regions=None, actor="test", moment=timezone.now(), inline=True)
    refresh.cancel(run_id=run.pk, moment=timezone.now())

    with pytest.raises(refresh.LeaseLost):
        refresh._release(run.pk)

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert CatalogRelease.objects.filter(published_at=None).count() == 0
