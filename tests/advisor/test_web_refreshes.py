"""The pages of how the catalog is kept true: who may start and decide, what is shown, what a moved price touches."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advisor.models import AuditEvent, User
from catalog import published, refresh
from catalog.models import QuarantinedRow, RefreshRun
from tests.advisor.factories import a_user
from tests.catalog.peers.shop import Shelf, Shop

pytestmark = pytest.mark.django_db

KEY = "aws/us-east-1/p5.48xlarge/on_demand"


@pytest.fixture
def operator() -> Client:
    person = a_user()
    User.objects.filter(pk=person.pk).update(is_operator=True)
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    return client


@pytest.fixture
def reader() -> Client:
    client = Client()
    client.force_login(a_user())
    return client


def refreshed(operator: Client) -> RefreshRun:
    answer = operator.post(reverse("web:start_refresh"), {"sources": ["aws"]})
    run = RefreshRun.objects.latest("pk")
    assert answer.headers["Location"] == reverse("web:refresh_run", args=[run.pk])
    for part_id in refresh.open_parts(run_id=run.pk):
        refresh.work(part_id=part_id)
    run.refresh_from_db()
    return run


def test_before_any_refresh_the_page_says_how_to_begin(shop: Shop, operator: Client, reader: Client) -> None:
    assert "manage.py refresh" in operator.get(reverse("web:refresh_runs")).content.decode()
    page = reader.get(reverse("web:refresh_runs")).content.decode()
    assert "An operator can start a refresh" in page
    assert "Refresh now" not in page


def test_an_operator_reads_the_sources_and_sees_what_came_of_it(shop: Shop, operator: Client) -> None:
    run = refreshed(operator)

    page = operator.get(reverse("web:refresh_run", args=[run.pk])).content.decode()
    assert "1 of 1 parts done" in page
    assert f"catalog release {run.release_id}" in page
    board = operator.get(reverse("web:refresh_runs")).content.decode()
    assert "Price List Query API" in board
    assert AuditEvent.objects.filter(action="refresh.started", subject="aws").exists()


def test_a_second_run_of_the_same_source_is_refused_with_a_reason(shop: Shop, operator: Client) -> None:
    operator.post(reverse("web:start_refresh"), {"sources": ["aws"]})

    answer = operator.post(reverse("web:start_refresh"), {"sources": ["aws"]})

    assert answer.status_code == 409
    assert "still going on" in answer.content.decode()


def test_a_run_in_progress_is_followed_and_can_be_cancelled(shop: Shop, operator: Client) -> None:
    operator.post(reverse("web:start_refresh"), {"sources": ["aws"]})
    run = RefreshRun.objects.latest("pk")

    progress = operator.get(reverse("web:refresh_progress", args=[run.pk]))
    assert "0 of 1 parts done" in progress.content.decode()
    assert "HX-Redirect" not in progress.headers
    operator.post(reverse("web:cancel_refresh", args=[run.pk]))

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "HX-Redirect" in operator.get(reverse("web:refresh_progress", args=[run.pk])).headers


def test_what_is_quarantined_is_seen_by_all_and_decided_by_operators(
    shop: Shop, shelf: Shelf, operator: Client, reader: Client
) -> None:
    refreshed(operator)
    shelf.prices["us-east-1"][KEY] = "170.00"
    refreshed(operator)
    row = QuarantinedRow.objects.get()

    page = reader.get(reverse("web:quarantine")).content.decode()
    assert "It moved from 54 to 170" in page
    assert "Accept what is ticked" not in page
    answer = operator.post(
        reverse("web:decide_quarantined"), {"row": row.pk, "decision": "accept", "note": "price list of 20 November"}
    )

    assert answer.headers["Location"] == reverse("web:quarantine")
    standing = published.standing_prices(release=published.latest().number)[("offer", KEY, "price_usd_per_hour")]
    assert standing["amount"] == Decimal(170)
    accepted = operator.get(reverse("web:quarantine"), {"state": "accepted"}).content.decode()
    assert "price list of 20 November" in accepted


def test_deciding_about_nothing_says_so(shop: Shop, operator: Client) -> None:
    answer = operator.post(reverse("web:decide_quarantined"), {"decision": "accept"})

    assert answer.status_code == 400
    assert "Tick at least one row" in answer.content.decode()


def test_an_operator_sets_a_schedule(shop: Shop, operator: Client) -> None:
    operator.post(reverse("web:schedule_refresh"), {"source": "aws", "every_hours": "6", "is_on": "on"})

    line = next(line for line in refresh.schedules() if line.source == "aws")
    assert (line.every_hours, line.is_on) == (6, True)
    assert "every 6 h" in operator.get(reverse("web:refresh_runs")).content.decode()
    wrong = operator.post(reverse("web:schedule_refresh"), {"source": "aws", "every_hours": "0"}, follow=True)
    assert "Nothing was changed" in wrong.content.decode()


def test_a_price_that_moved_has_a_picture_and_a_table(shop: Shop, shelf: Shelf, operator: Client) -> None:
    refreshed(operator)
    shelf.prices["us-east-1"][KEY] = "50.00"
    refreshed(operator)

    page = operator.get(reverse("web:catalog_row", args=["offers", KEY])).content.decode()

    assert 'data-figure="' in page
    assert "charts.js" in page
    assert "between 50 and 55.04" in page


def test_the_day_of_a_confirmed_price_is_the_day_of_the_confirmation(shop: Shop, operator: Client) -> None:
    run = refreshed(operator)
    past = timezone.now().date() - dt.timedelta(days=9)
    run.release.prices.update(observed_at=past)
    run.release.confirmations.update(observed_at=past)
    refreshed(operator)

    page = operator.get(reverse("web:catalog_row", args=["offers", KEY])).content.decode()

    assert timezone.now().date().isoformat() in page


def test_queries_do_not_grow_with_the_parts(shop: Shop, operator: Client, django_assert_max_num_queries) -> None:
    shop.regions = tuple(f"region-{number}" for number in range(30))
    operator.post(reverse("web:start_refresh"), {"sources": ["aws"]})
    run = RefreshRun.objects.latest("pk")

    with django_assert_max_num_queries(12):
        operator.get(reverse("web:refresh_run", args=[run.pk]))
    with django_assert_max_num_queries(14):
        operator.get(reverse("web:refresh_runs"))
