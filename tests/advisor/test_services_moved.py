"""What a release of the catalog means for decisions that stand: whose plan's prices moved, from what to what."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from advisor.core import comparison
from advisor.core.report import canonical
from advisor.models import Decision, User
from advisor.services import moved
from catalog import ingest, queries
from catalog.models import Price
from tests.advisor.factories import a_member, a_reported_run, golden_report

pytestmark = pytest.mark.django_db

KEY = "aws/claude-haiku-5-5/global"
METER = "input_usd_per_mtok"
TODAY = timezone.now().date()


def accepted(*, owner: User, release: int) -> Decision:
    data = golden_report("small_team")
    data["hashes"]["catalog_release"] = release
    run = a_reported_run(owner=owner, content=canonical(data))
    decision = run.revision.decision
    Decision.objects.filter(pk=decision.pk).update(status="accepted", accepted=run.revision)
    decision.refresh_from_db()
    return decision


def appended(*, amount: str, key: str = KEY, effective_from: dt.date | None = None) -> int:
    release = ingest.begin(actor="test", moment=timezone.now())
    Price.objects.create(
        release=release, subject="model_offer", key=key, meter=METER, amount=Decimal(amount), source_id="litellm",
        locator="x", observed_at=timezone.now().date(), as_of_basis="fetched", kind="list price", dataset="x/global",
        effective_from=effective_from,
    )  # fmt: skip
    return ingest.publish_appended(release=release, moment=timezone.now())


def test_a_record_tells_which_of_its_prices_moved_since(published: int) -> None:
    decision = accepted(owner=a_member(), release=published)
    assert moved.of_record(decision=decision, moment=TODAY) == []
    before = queries.history(subject="model_offer", keys=[KEY])[KEY][METER][-1].amount

    number = appended(amount="0.25")

    (one,) = moved.of_record(decision=decision, moment=TODAY)
    assert (one.id, one.before, one.after, one.release) == (f"model_offer:{KEY}", before, Decimal("0.25"), number)


def test_a_price_that_begins_later_has_moved_on_that_day_and_not_before(published: int) -> None:
    decision = accepted(owner=a_member(), release=published)
    begins = TODAY + dt.timedelta(days=30)

    number = appended(amount="0.25", effective_from=begins)

    assert moved.of_record(decision=decision, moment=begins - dt.timedelta(days=1)) == []
    (one,) = moved.of_record(decision=decision, moment=begins)
    assert (one.after, one.release) == (Decimal("0.25"), number)


def test_a_price_announced_before_the_report_moves_when_it_begins(published: int) -> None:
    begins = TODAY + dt.timedelta(days=30)
    decision = accepted(owner=a_member(), release=appended(amount="0.25", effective_from=begins))

    assert moved.of_record(decision=decision, moment=TODAY) == []
    assert [one.after for one in moved.of_record(decision=decision, moment=begins)] == [Decimal("0.25")]


def test_a_release_names_the_accepted_decisions_it_touches_to_their_members_only(published: int) -> None:
    owner, stranger = a_member(), a_member()
    decision = accepted(owner=owner, release=published)

    (one,) = moved.accepted_on(user=owner, ids={f"model_offer:{KEY}", "offer:another"})

    assert (one.decision_id, one.count) == (decision.pk, 1)
    assert moved.accepted_on(user=stranger, ids={f"model_offer:{KEY}"}) == []
    assert moved.accepted_on(user=owner, ids={"offer:another"}) == []


def test_of_a_record_that_was_advised_on_again_the_newest_report_counts(published: int) -> None:
    owner = a_member()
    decision = accepted(owner=owner, release=published)
    data = golden_report("small_team")
    data["plan"]["totals"]["monthly_usd"]["evidence"] = ["offer:another"]
    again = a_reported_run(owner=owner, content=canonical(data))
    type(again).objects.filter(pk=again.pk).update(revision=decision.accepted)

    assert moved.accepted_on(user=owner, ids={f"model_offer:{KEY}"}) == []
    assert len(moved.accepted_on(user=owner, ids={"offer:another"})) == 1


def test_a_comparison_names_the_price_behind_a_changed_bill() -> None:
    left, right = golden_report("small_team"), golden_report("small_team")
    entry = next(one for one in right["evidence"] if one["id"] == f"model_offer:{KEY}")
    entry["value"] = entry["value"] * 2

    (one,) = comparison.moved(left=left, right=right)

    assert one.is_behind_plan
    assert one.fraction == pytest.approx(1.0)
