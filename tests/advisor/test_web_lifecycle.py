"""The pages on which a decision is proposed, accepted, sent back, and told."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from advisor.models import Approval, Decision, Rendering, User
from advisor.services import lifecycle, renderings
from tests.advisor.factories import MOMENT, a_member, a_reported_revision, a_reported_run
from tests.advisor.test_services_lifecycle import CONTENT, a_decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return a_member(email="ann@example.org")


@pytest.fixture
def decision(owner: User) -> Decision:
    return a_reported_run(owner=owner, content=CONTENT).revision.decision


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member(decision: Decision, role: str) -> Client:
    return signed_in(a_member(role=role, workspace=decision.workspace))


def page(client: Client, decision: Decision) -> str:
    answer = client.get(f"/decisions/{decision.pk}")
    assert answer.status_code == 200
    return answer.content.decode()


def post(client: Client, decision: Decision, step: str, **data: object) -> tuple[int, str]:
    """The status of the answer to a step's form, and the page that it ends on."""
    place = "propose" if step == "propose" else f"revisions/1/{step}"
    answer = client.post(f"/decisions/{decision.pk}/{place}", data)
    shown = client.get(answer.headers["Location"]) if answer.status_code == 302 else answer
    return answer.status_code, shown.content.decode()


def test_an_editor_proposes_and_an_owner_accepts(owner: User, decision: Decision) -> None:
    status, shown = post(member(decision, "editor"), decision, "propose", number=1, comment="Cheapest that fits.")
    assert status == 302
    assert "Revision 1 is proposed" in shown

    tomorrow = timezone.now().date() + dt.timedelta(days=1)
    status, shown = post(signed_in(owner), decision, "accept", comment="Agreed.", review_by=tomorrow.isoformat())

    assert status == 302
    assert "was accepted by ann@example.org" in shown
    assert f"To be looked at again by {tomorrow.isoformat()}" in shown
    assert "Cheapest that fits." in shown
    decision.refresh_from_db()
    assert decision.status == "accepted"


def test_each_role_is_offered_what_it_may_do(owner: User, decision: Decision) -> None:
    offers = ("Propose …", "Accept …", "Send back …", "Withdraw …")

    def offered(client: Client) -> list[str]:
        shown = page(client, decision)
        return [offer for offer in offers if offer in shown]

    viewer, editor = member(decision, "viewer"), member(decision, "editor")
    assert (offered(viewer), offered(editor), offered(signed_in(owner))) == ([], ["Propose …"], ["Propose …"])

    lifecycle.propose(revision=decision.revisions.get(), user=owner, moment=MOMENT)
    assert offered(viewer) == []
    assert offered(editor) == ["Withdraw …"]
    assert offered(signed_in(owner)) == ["Accept …", "Send back …", "Withdraw …"]

    lifecycle.accept(revision=decision.revisions.get(), user=owner, moment=MOMENT)
    assert offered(signed_in(owner)) == []


@pytest.mark.parametrize("step", ["reject", "withdraw"])
def test_a_proposal_sent_back_without_a_reason_stays_and_the_field_says_so(
    step: str, owner: User, decision: Decision
) -> None:
    lifecycle.propose(revision=decision.revisions.get(), user=owner, moment=MOMENT)

    status, shown = post(signed_in(owner), decision, step, comment="  ")

    assert status == 400
    assert "This field is required." in shown
    decision.refresh_from_db()
    assert decision.status == "proposed"


def test_a_reason_is_kept_and_shown_as_text(owner: User, decision: Decision) -> None:
    lifecycle.propose(revision=decision.revisions.get(), user=owner, moment=MOMENT)

    _, shown = post(signed_in(owner), decision, "reject", comment="<b>Too dear</b>")

    assert "&lt;b&gt;Too dear&lt;/b&gt;" in shown
    assert "<b>Too dear" not in shown


def test_a_day_that_is_over_is_no_day_to_review(owner: User, decision: Decision) -> None:
    lifecycle.propose(revision=decision.revisions.get(), user=owner, moment=MOMENT)

    status, shown = post(
        signed_in(owner), decision, "accept", comment="Agreed.", review_by=timezone.now().date().isoformat()
    )

    assert status == 400
    assert "Choose a day after today." in shown
    assert "Agreed." in shown  # what was typed is still there
    assert Approval.objects.filter(transition="accepted").count() == 0


def test_whoever_is_too_late_is_told(owner: User, decision: Decision) -> None:
    lifecycle.propose(revision=decision.revisions.get(), user=owner, moment=MOMENT)
    lifecycle.withdraw(revision=decision.revisions.get(), user=owner, comment="No.", moment=MOMENT)

    status, shown = post(signed_in(owner), decision, "accept")

    assert status == 302
    assert "somebody was faster" in shown


def test_a_proposal_that_was_made_anew_is_not_accepted_unseen(owner: User, decision: Decision) -> None:
    older, revision = a_decision(owner, "accepted", title="Older"), decision.revisions.get()
    lifecycle.propose(revision=revision, user=owner, moment=MOMENT)
    seen = Approval.objects.latest("pk").pk
    assert f'name="proposal" value="{seen}"' in page(signed_in(owner), decision)
    lifecycle.withdraw(revision=revision, user=owner, comment="No.", moment=MOMENT)
    lifecycle.propose(revision=revision, user=owner, supersedes=older, moment=MOMENT)

    _, shown = post(signed_in(owner), decision, "accept", proposal=seen)

    assert "made anew meanwhile" in shown
    older.refresh_from_db()
    assert older.status == "accepted"


def test_which_revision_and_whose_place_can_be_chosen(owner: User, decision: Decision) -> None:
    older = a_decision(owner, "accepted", title="Older")
    a_reported_revision(decision=decision, content=CONTENT)

    assert f"Decision {older.pk}: Older" in page(signed_in(owner), decision)
    post(signed_in(owner), decision, "propose", number=1, supersedes=older.pk)
    _, shown = post(signed_in(owner), decision, "accept")

    assert f'Takes the place of <a href="/decisions/{older.pk}">' in shown
    assert f'<a href="/decisions/{decision.pk}">Decision {decision.pk}' in page(signed_in(owner), older)


def test_a_decision_of_strangers_cannot_be_named(owner: User, decision: Decision) -> None:
    of_others = a_decision(a_member(), "accepted", title="Secret")

    assert "Secret" not in page(signed_in(owner), decision)
    status, _ = post(signed_in(owner), decision, "propose", number=1, supersedes=of_others.pk)

    assert status == 404
    assert Approval.objects.filter(decision=decision).count() == 0


def test_the_status_stands_in_the_list_and_on_the_report(owner: User, decision: Decision) -> None:
    lifecycle.propose(revision=decision.revisions.get(), user=owner, moment=MOMENT)
    client = signed_in(owner)
    report = f"/decisions/{decision.pk}/revisions/1/report"

    assert '<span class="tag tag-accent">Proposed</span>' in client.get("/").content.decode()
    assert '<span class="tag tag-accent">Proposed</span>' in client.get(report).content.decode()
    lifecycle.accept(revision=decision.revisions.get(), user=owner, moment=MOMENT)
    assert '<span class="tag tag-good">Accepted</span>' in client.get("/").content.decode()
    assert "by ann@example.org on 2026-11-23" in client.get(report).content.decode()


def test_a_superseded_report_says_by_what(owner: User) -> None:
    older = a_decision(owner, "superseded")
    newer = Decision.objects.get(supersedes=older)

    shown = signed_in(owner).get(f"/decisions/{older.pk}/revisions/1/report").content.decode()

    assert f'<span class="tag tag-caution">Superseded</span>\n by decision {newer.pk}: Newer' in shown


def test_every_record_that_was_issued_can_be_fetched_as_it_was(owner: User, decision: Decision) -> None:
    revision = decision.revisions.get()
    lifecycle.propose(revision=revision, user=owner, moment=MOMENT)
    (run_id,) = lifecycle.accept(revision=revision, user=owner, moment=MOMENT)
    renderings.render_pdf(run_id=run_id, moment=MOMENT)
    client = signed_in(owner)
    shown = page(client, decision)

    for row in Rendering.objects.all():
        address = f"/decisions/{decision.pk}/issued/{row.pk}.pdf"
        assert f'href="{address}"' in shown
        assert client.get(address).content == bytes(row.content)
    newest = client.get(f"/decisions/{decision.pk}/revisions/1/report.pdf")
    assert newest.content == bytes(Rendering.objects.latest("pk").content)
    assert signed_in(a_member()).get(address).status_code == 404
    assert client.get(f"/decisions/{decision.pk + 1}/issued/{row.pk}.pdf").status_code == 404


def test_a_run_of_what_was_proposed_is_not_retried(owner: User, decision: Decision) -> None:
    revision = decision.revisions.get()
    lifecycle.propose(revision=revision, user=owner, moment=MOMENT)
    client = signed_in(owner)

    answer = client.post(f"/runs/{revision.runs.get().pk}/retry")

    assert answer.headers["Location"] == f"/decisions/{decision.pk}"
    assert "Ask again in a new revision" in page(client, decision)
    assert revision.runs.count() == 1


def test_the_page_asks_the_database_as_often_for_a_long_life_as_for_a_short_one(
    owner: User, decision: Decision, django_assert_max_num_queries: object
) -> None:
    client, revision = signed_in(owner), decision.revisions.get()

    def asked() -> int:
        with django_assert_max_num_queries(40) as captured:
            page(client, decision)
        return len(captured)

    lifecycle.propose(revision=revision, user=owner, moment=MOMENT)
    short = asked()
    for _ in range(4):
        lifecycle.reject(revision=revision, user=owner, comment="No.", moment=MOMENT)
        lifecycle.propose(revision=revision, user=owner, moment=MOMENT)

    assert asked() == short


def test_a_proposal_sent_back_is_told_with_its_revision(owner: User, decision: Decision) -> None:
    revision = decision.revisions.get()
    lifecycle.propose(revision=revision, user=owner, moment=MOMENT)
    lifecycle.reject(revision=revision, user=owner, comment="Too dear.", moment=MOMENT)

    shown = page(signed_in(owner), decision)

    assert "Nothing is proposed now. Revision 1 was rejected by ann@example.org" in shown
    assert "Nobody has proposed an answer yet" not in shown


def test_two_reports_of_a_decision_lead_to_their_comparison(owner: User, decision: Decision) -> None:
    assert "Compare revision" not in page(signed_in(owner), decision)

    a_reported_revision(decision=decision, content=CONTENT)

    assert f'href="/decisions/{decision.pk}/compare?left=1&amp;right=2"' in page(signed_in(owner), decision)
