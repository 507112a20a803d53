"""A price that a provider changes becomes history, and the reason why a decision asked again is answered otherwise."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from advisor.models import Report, Revision, User
from advisor.services import drafts, moved, reports, runs
from catalog import queries, refresh
from tests.advisor.factories import a_member
from tests.catalog.peers.shop import Shelf, Shop

pytestmark = pytest.mark.django_db

DOCUMENT: dict[str, Any] = {
    "version": 1,
    "decision": "Serving on CPUs",
    "current": {"provider": "aws", "region": "us-east-1"},
    "constraints": {"providers": ["aws"], "purchase": ["on_demand"]},
    "preferences": {"cost": {"weight": 100}},
    "workloads": [
        {
            "id": "serving",
            "name": "Serving",
            "kind": "cpu_serving",
            "traffic": {"requests_per_s_mean": 20000, "peak_factor": 2},
            "data": {"stored_tb": 1, "egress_gb_per_month": 0},
            "code": {"image_arch": ["amd64", "arm64"]},
            "measured": {"on": "c7i.4xlarge", "work_unit": "request", "units_per_s": 5200},
        }
    ],
}


def refreshed() -> None:
    run = refresh.begin(sources=["aws"], regions=None, actor="test", moment=timezone.now(), inline=True)
    for part_id in refresh.open_parts(run_id=run.pk):
        refresh.work(part_id=part_id)
    run.refresh_from_db()
    assert run.state == "succeeded"


def advised(revision: Revision, *, by: User) -> Report:
    run = runs.queue_run(revision=revision, user=by, moment=timezone.now())
    runs.execute_run(run_id=run.pk, moment=timezone.now())
    return Report.objects.get(run=run)


def offer_of(report: Report) -> str:
    """The offer that the plan runs on in production."""
    (workload,) = reports.opened(report=report).data["workloads"]
    (price,) = [id for id in workload["recommended"]["numbers"]["monthly_usd"]["evidence"] if id.startswith("offer:")]
    return price.removeprefix("offer:")


def test_a_changed_price_is_history_and_the_reason_of_another_answer(shop: Shop, shelf: Shelf) -> None:
    owner = a_member()
    first = drafts.begin_from_file(
        workspace=owner.workspaces.get(), user=owner, content=json.dumps(DOCUMENT).encode(), moment=timezone.now()
    )
    before = advised(first, by=owner)
    key = offer_of(before)
    was = queries.history(subject="offer", keys=[key])[key]["price_usd_per_hour"][-1].amount
    assert was is not None

    shelf.prices["us-east-1"] = {key: f"{was * 2}"}
    refreshed()
    after = advised(drafts.begin_next(revision=first, user=owner, moment=timezone.now()), by=owner)

    steps = queries.history(subject="offer", keys=[key])[key]["price_usd_per_hour"]
    assert [step.amount for step in steps] == [was, was * 2]
    assert offer_of(after) != key
    told = moved.compared(left=before, right=after).moved
    (reason,) = [one for one in told if key.split("/")[2] in one.label]
    assert (reason.left, reason.right, reason.is_behind_plan) == (
        pytest.approx(float(was)), pytest.approx(float(was * 2)), True,
    )  # fmt: skip
    (behind,) = [one for one in moved.since(report=before, moment=timezone.now().date()) if one.id == f"offer:{key}"]
    assert (behind.before, behind.after) == (was, Decimal(was * 2))
