"""Two revisions of a decision, or two stacks of one workload, side by side."""

import copy
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from advisor.models import Decision, Report, Revision, Run
from advisor.web.figures import amount
from tests.advisor.factories import DOCUMENT, MOMENT, a_member, a_number, a_reported_run, golden_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def first() -> Run:
    return a_reported_run(content=json.dumps(golden_report("uber")).encode())


@pytest.fixture
def client(first: Run) -> Client:
    client = Client()
    client.force_login(first.requested_by)
    return client


def a_second_revision(first: Run, report: dict[str, Any]) -> None:
    document = copy.deepcopy(DOCUMENT) | {"team": {"size": 40}}
    fields = {"decision": first.revision.decision, "number": 2, "created_by": first.requested_by}
    revision = Revision.objects.create(document=document, created_at=MOMENT, **fields)
    run = Run.objects.create(
        revision=revision,
        state=Run.State.SUCCEEDED,
        attempt=1,
        moment=MOMENT.date(),
        created_at=MOMENT,
        enqueued_at=MOMENT,
        finished_at=MOMENT,
        requested_by=first.requested_by,
    )
    Report.objects.create(
        run=run,
        content=json.dumps(report).encode(),
        sha256="1" * 64,
        schema_version=1,
        feasible=True,
        created_at=MOMENT,
    )


def address_of(run: Run, **query: str) -> str:
    return f"/decisions/{run.revision.decision_id}/compare?{urlencode(query)}"


def test_two_revisions_show_what_was_answered_advised_and_warned_differently(first: Run, client: Client) -> None:
    changed = golden_report("uber")
    changed["plan"]["totals"]["monthly_usd"] = a_number(1234.0, low=1000.0, high=1500.0, evidence=["answer:team.size"])
    changed["warnings"].append({"code": "old_price", "text": "The price is <old>.", "evidence": []})
    a_second_revision(first, changed)

    page = client.get(address_of(first, left="1", right="2")).content.decode()

    assert "<code>team.size</code>" in page
    assert "$1,230 per month" in page
    assert escape(amount(golden_report("uber")["plan"]["totals"]["monthly_usd"])) in page
    assert "lower on the right, beyond both ranges" in page
    assert "The price is &lt;old&gt;." in page


def test_each_figure_leads_to_the_evidence_of_its_own_side(first: Run, client: Client) -> None:
    a_second_revision(first, golden_report("uber"))

    page = client.get(address_of(first, left="1", right="2")).content.decode()

    links = re.findall(r'href="([^"]+/report/evidence/\d+)" data-card', page)
    assert {link.split("/")[4] for link in links} == {"1", "2"}
    assert all(client.get(f"{link}/card").status_code == 200 for link in links[:4])


def test_two_stacks_show_their_layers_and_figures(first: Run, client: Client) -> None:
    workload = golden_report("uber")["workloads"][0]
    left, right = workload["recommended"], workload["best_by_provider"][1]

    page = client.get(address_of(first, revision="1", left=left["id"], right=right["id"])).content.decode()

    for stack in (left, right):
        assert escape(stack["label"]) in page
        assert escape(stack["layers"]["networking"]["name"]) in page
        assert escape(amount(stack["numbers"]["monthly_usd"])) in page


@pytest.mark.parametrize(
    "query",
    [
        {"left": "1", "right": "9"},
        {"left": "one", "right": "1"},
        {"left": "1"},
        {"revision": "1", "left": "nothing", "right": "nothing"},
    ],
)
def test_what_is_not_there_cannot_be_compared(query: dict[str, str], first: Run, client: Client) -> None:
    assert client.get(address_of(first, **query)).status_code == 404


def test_stacks_of_two_workloads_are_not_compared(first: Run, client: Client) -> None:
    stacks = [workload["recommended"]["id"] for workload in golden_report("uber")["workloads"]]

    assert client.get(address_of(first, revision="1", left=stacks[0], right=stacks[1])).status_code == 404


def test_without_a_report_there_is_nothing_to_compare(client: Client, first: Run) -> None:
    decision = Decision.objects.create(
        workspace=first.revision.decision.workspace, title="x", created_by=first.requested_by, created_at=MOMENT
    )

    assert "no report yet" in client.get(f"/decisions/{decision.pk}/compare").content.decode()


def test_a_stranger_does_not_find_it_and_a_viewer_reads_it(first: Run) -> None:
    stranger, viewer = Client(), Client()
    stranger.force_login(a_member())
    viewer.force_login(a_member(role="viewer", workspace=first.revision.decision.workspace))

    assert stranger.get(address_of(first)).status_code == 404
    assert viewer.get(address_of(first)).status_code == 200


def test_a_comparison_takes_as_many_queries_however_long_the_reports(
    first: Run, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    a_second_revision(first, golden_report("small_team"))

    # session, user; decision, permission; the revisions; for each of three reports itself and the permission
    with django_assert_num_queries(11):
        assert client.get(address_of(first, left="1", right="2")).status_code == 200


def test_the_forms_stand_on_what_is_compared_and_else_on_two_different_things(first: Run, client: Client) -> None:
    a_second_revision(first, golden_report("uber"))
    stacks = [stack["id"] for stack in golden_report("uber")["workloads"][0]["best_by_provider"]]

    page = client.get(address_of(first, revision="1", left=stacks[2], right=stacks[1])).content.decode()

    chosen = re.findall(r'<option value="([^"]+)" selected>', page)
    assert chosen[:4] == ["1", "2", stacks[2], stacks[1]]
    assert all(left != right for left, right in zip(chosen[::2], chosen[1::2], strict=True))
