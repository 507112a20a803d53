"""The life of a decision: every step in every state, who is faster, what stays, and what is issued."""

import datetime as dt
import json
import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from advisor.models import Approval, AuditEvent, Decision, Rendering, Revision, User, Workspace
from advisor.services import approvals, drafts, lifecycle, renderings, runs
from advisor.services.lifecycle import NotNow
from tests.advisor.factories import MOMENT, a_member, a_reported_revision, a_reported_run, a_run, golden_report

pytestmark = pytest.mark.django_db
LATER = MOMENT + dt.timedelta(days=1)
REASON = "The price moved."
CONTENT = json.dumps(golden_report("small_team")).encode()


@pytest.fixture
def owner() -> User:
    return a_member(email="ann@example.org")


@pytest.fixture
def editor(owner: User) -> User:
    return a_member(email="bob@example.org", role="editor", workspace=workspace_of(owner))


def workspace_of(owner: User) -> Workspace:
    return owner.workspaces.get()


def a_decision(owner: User, state: str = "draft", title: str = "Support assistant") -> Decision:
    """A decision in a state, with two reported revisions; where one counts it is the first."""
    decision = a_reported_run(owner=owner, content=CONTENT, title=title).revision.decision
    first, second = decision.revisions.get(), a_reported_revision(decision=decision, content=CONTENT)
    if state != "draft":
        lifecycle.propose(revision=first, user=owner, moment=MOMENT)
    if state in ("accepted", "accepted and proposed", "superseded"):
        lifecycle.accept(revision=first, user=owner, moment=MOMENT)
    if state == "accepted and proposed":
        lifecycle.propose(revision=second, user=owner, moment=MOMENT)
    if state == "superseded":
        newer = a_decision(owner, title="Newer")
        lifecycle.propose(revision=newer.revisions.get(number=1), user=owner, supersedes=decision, moment=MOMENT)
        lifecycle.accept(revision=newer.revisions.get(number=1), user=owner, moment=MOMENT)
    decision.refresh_from_db()
    return decision


def stands(decision: Decision) -> tuple[str, int | None, int | None]:
    """The status, and the numbers of the proposed and of the accepted revision."""
    found = Decision.objects.select_related("proposed", "accepted").get(pk=decision.pk)
    numbers = (revision.number if revision else None for revision in (found.proposed, found.accepted))
    return (found.status, *numbers)


STEPS: dict[str, Callable[[Revision, User], list[int]]] = {
    "propose": lambda revision, user: lifecycle.propose(revision=revision, user=user, moment=LATER),
    "withdraw": lambda revision, user: lifecycle.withdraw(revision=revision, user=user, comment=REASON, moment=LATER),
    "reject": lambda revision, user: lifecycle.reject(revision=revision, user=user, comment=REASON, moment=LATER),
    "accept": lambda revision, user: lifecycle.accept(revision=revision, user=user, moment=LATER),
}

# What each step on revision 1 and on revision 2 makes of each state. What is not named here is refused.
BECOMES = {
    ("draft", "propose", 1): ("proposed", 1, None),
    ("draft", "propose", 2): ("proposed", 2, None),
    ("proposed", "withdraw", 1): ("draft", None, None),
    ("proposed", "reject", 1): ("draft", None, None),
    ("proposed", "accept", 1): ("accepted", None, 1),
    ("accepted", "propose", 2): ("accepted", 2, 1),
    ("accepted and proposed", "withdraw", 2): ("accepted", None, 1),
    ("accepted and proposed", "reject", 2): ("accepted", None, 1),
    ("accepted and proposed", "accept", 2): ("accepted", None, 2),
}


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("state", ["draft", "proposed", "accepted", "accepted and proposed", "superseded"])
def test_each_step_does_what_is_stated_in_each_state_or_nothing(
    state: str, name: str, number: int, owner: User
) -> None:
    decision = a_decision(owner, state)
    before, steps = stands(decision), Approval.objects.count()
    step, revision = STEPS[name], decision.revisions.get(number=number)

    if (state, name, number) in BECOMES:
        step(revision, owner)
        assert stands(decision) == BECOMES[state, name, number]
    else:
        with pytest.raises(NotNow):
            step(revision, owner)
        assert stands(decision) == before
        assert Approval.objects.count() == steps


def test_the_log_tells_who_did_what_when_and_why(owner: User, editor: User) -> None:
    decision = a_decision(owner)
    revision = decision.revisions.get(number=1)
    lifecycle.propose(revision=revision, user=editor, comment=" Cheapest that fits. ", moment=MOMENT)
    lifecycle.reject(revision=revision, user=owner, comment=REASON, moment=MOMENT)
    lifecycle.propose(revision=revision, user=editor, moment=LATER)
    lifecycle.accept(revision=revision, user=owner, review_by=dt.date(2027, 5, 1), moment=LATER)
    decision.refresh_from_db()

    log = approvals.life(decision=decision).log

    assert [(row.label, row.actor, row.at, row.comment, row.review_by) for row in log[::-1]] == [
        ("Proposed", "bob@example.org", MOMENT, "Cheapest that fits.", ""),
        ("Rejected", "ann@example.org", MOMENT, REASON, ""),
        ("Proposed", "bob@example.org", LATER, "", ""),
        ("Accepted", "ann@example.org", LATER, "", "2027-05-01"),
    ]
    events = AuditEvent.objects.filter(workspace=workspace_of(owner), action__startswith="decision.").order_by("pk")
    assert [event.action for event in events] == [
        "decision.proposed", "decision.rejected", "decision.proposed", "decision.accepted",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["withdraw", "reject"])
def test_a_proposal_is_not_sent_back_without_a_reason(name: str, owner: User) -> None:
    decision = a_decision(owner, "proposed")

    with pytest.raises(NotNow, match="Say why"):
        getattr(lifecycle, name)(revision=decision.revisions.get(number=1), user=owner, comment=" ", moment=MOMENT)

    assert stands(decision) == ("proposed", 1, None)


def test_only_a_revision_with_a_plan_and_no_open_run_is_proposed(owner: User) -> None:
    unasked = drafts.begin(workspace=workspace_of(owner), user=owner, title="New", kind="cpu_serving", moment=MOMENT)
    waiting = a_run(owner=owner).revision
    nothing_fits = a_reported_run(owner=owner, content=CONTENT, feasible=False).revision
    asked_again = a_reported_run(owner=owner, content=CONTENT).revision
    runs.queue_run(revision=asked_again, user=owner, moment=MOMENT)

    for revision in (unasked, waiting, nothing_fits, asked_again):
        with pytest.raises(NotNow, match="once it has a report"):
            lifecycle.propose(revision=revision, user=owner, moment=MOMENT)


# --- what is accepted stays -----------------------------------------------------------------------------------------


def test_an_accepted_revision_is_neither_edited_nor_asked_again(owner: User) -> None:
    revision = a_decision(owner, "accepted").revisions.get(number=1)

    with pytest.raises(drafts.Settled):
        drafts.edit(revision=revision, user=owner, version=1, changes={"decision": "Other"}, moment=LATER)
    with pytest.raises(runs.Settled, match="new revision"):
        runs.queue_run(revision=revision, user=owner, moment=LATER)

    revision.refresh_from_db()
    assert revision.version == 1
    assert revision.runs.count() == 1


def test_a_new_draft_leaves_the_accepted_revision_the_record(owner: User) -> None:
    decision = a_decision(owner, "accepted")
    revision = decision.revisions.get(number=1)

    following = drafts.edit_next(revision=revision, user=owner, changes={"team.size": 20}, moment=LATER)

    assert following.document["team"]["size"] == 20
    assert stands(decision) == ("accepted", None, 1)
    assert approvals.standing_of(revision=revision).status == "accepted"
    assert approvals.standing_of(revision=following).status == "draft"


def test_the_revision_that_another_one_replaced_says_so(owner: User) -> None:
    decision = a_decision(owner, "accepted and proposed")
    first, second = decision.revisions.order_by("number")

    lifecycle.accept(revision=second, user=owner, moment=LATER)

    assert approvals.standing_of(revision=first).superseded_by == "revision 2 of this decision"
    assert approvals.standing_of(revision=first).status == "superseded"
    assert approvals.standing_of(revision=second).status == "accepted"


# --- one decision takes the place of another ------------------------------------------------------------------------


def test_superseding_sets_both_sides_and_closes_what_was_proposed_there(owner: User) -> None:
    older, newer = a_decision(owner, "accepted and proposed", title="Older"), a_decision(owner, title="Newer")
    revision = newer.revisions.get(number=1)
    lifecycle.propose(revision=revision, user=owner, supersedes=older, moment=MOMENT)
    assert stands(older) == ("accepted", 2, 1)  # a proposal alone changes nothing there

    lifecycle.accept(revision=revision, user=owner, moment=LATER)

    newer.refresh_from_db()
    older.refresh_from_db()
    assert newer.supersedes == older
    assert stands(older) == ("superseded", None, 1)
    assert approvals.standing_of(revision=revision).supersedes == f"decision {older.pk}: Older"
    assert approvals.standing_of(revision=older.revisions.get(number=1)).superseded_by == f"decision {newer.pk}: Newer"
    assert approvals.life(decision=older).superseded_by == newer
    assert [row.label for row in approvals.life(decision=older).log[:2]] == ["Withdrawn", "Superseded"]


def test_a_later_revision_of_the_decision_goes_on_superseding_it(owner: User) -> None:
    older, newer = a_decision(owner, "accepted", title="Older"), a_decision(owner, title="Newer")
    first, second = newer.revisions.order_by("number")
    lifecycle.propose(revision=first, user=owner, supersedes=older, moment=MOMENT)
    lifecycle.accept(revision=first, user=owner, moment=MOMENT)

    lifecycle.propose(revision=second, user=owner, moment=LATER)
    lifecycle.accept(revision=second, user=owner, moment=LATER)

    assert approvals.standing_of(revision=second).supersedes == f"decision {older.pk}: Older"
    newer.refresh_from_db()
    assert newer.supersedes == older


def test_what_cannot_be_superseded_is_refused(owner: User) -> None:
    mine = a_decision(owner, "accepted")
    revision = mine.revisions.get(number=2)
    of_others = a_decision(a_member(), "accepted")
    others = [a_decision(owner), a_decision(owner, "proposed"), a_decision(owner, "superseded"), of_others, mine]

    for other in others:
        with pytest.raises(NotNow, match="takes the place of one other"):
            lifecycle.propose(revision=revision, user=owner, supersedes=other, moment=MOMENT)


def test_two_decisions_never_supersede_each_other_nor_do_three_in_a_ring(owner: User) -> None:
    ring = [a_decision(owner, "accepted", title=f"Number {index}") for index in range(3)]
    for mine, other in zip(ring, [*ring[1:], ring[0]], strict=True):
        lifecycle.propose(revision=mine.revisions.get(number=2), user=owner, supersedes=other, moment=MOMENT)

    lifecycle.accept(revision=ring[0].revisions.get(number=2), user=owner, moment=LATER)  # closes 1, and its proposal
    with pytest.raises(NotNow):
        lifecycle.accept(revision=ring[1].revisions.get(number=2), user=owner, moment=LATER)
    lifecycle.accept(revision=ring[2].revisions.get(number=2), user=owner, moment=LATER)

    assert [stands(one)[0] for one in ring] == ["superseded", "superseded", "accepted"]
    assert list(Decision.objects.filter(supersedes__isnull=False).order_by("pk")) == [ring[0], ring[2]]


def test_of_two_decisions_that_name_the_same_one_the_second_is_refused_whole(owner: User) -> None:
    older = a_decision(owner, "accepted")
    newer = [a_decision(owner).revisions.get(number=1) for _ in range(2)]
    for revision in newer:
        lifecycle.propose(revision=revision, user=owner, supersedes=older, moment=MOMENT)
    lifecycle.accept(revision=newer[0], user=owner, moment=LATER)

    with pytest.raises(NotNow, match="not accepted any more"):
        lifecycle.accept(revision=newer[1], user=owner, moment=LATER)

    assert stands(newer[1].decision) == ("proposed", 1, None)


# --- who is faster --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slower", ["accept", "reject", "withdraw"])
def test_of_two_who_answer_a_proposal_at_once_only_the_first_does(slower: str, owner: User) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite is shared in memory; with a file its write lock does what is tested here")
    decision, refused = a_decision(owner, "proposed"), []
    revision = decision.revisions.get(number=1)

    def too_late() -> None:
        try:
            STEPS[slower](revision, owner)
        except NotNow as error:
            refused.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=too_late)
    with transaction.atomic():
        lifecycle.accept(revision=revision, user=owner, moment=LATER)
        thread.start()
        thread.join(timeout=1)  # it waits for this transaction
        assert thread.is_alive()
    thread.join()

    assert len(refused) == 1
    assert stands(decision) == ("accepted", None, 1)
    assert Approval.objects.filter(decision=decision, transition="accepted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_decisions_that_name_each_other_wait_in_order_and_one_wins(owner: User) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite is shared in memory; with a file its write lock does what is tested here")
    pair, refused = [a_decision(owner, "accepted") for _ in range(2)], []
    revisions = [one.revisions.get(number=2) for one in pair]
    for revision, other in zip(revisions, pair[::-1], strict=True):
        lifecycle.propose(revision=revision, user=owner, supersedes=other, moment=MOMENT)
    together = threading.Barrier(2)

    def accept(revision: Revision) -> None:
        try:
            together.wait(timeout=10)
            lifecycle.accept(revision=revision, user=owner, moment=LATER)
        except NotNow as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=[revision]) for revision in revisions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert sorted(stands(one)[0] for one in pair) == ["accepted", "superseded"]


# --- what the database refuses --------------------------------------------------------------------------------------


def test_the_database_refuses_to_rewrite_a_step(owner: User) -> None:
    a_decision(owner, "accepted")

    with pytest.raises(IntegrityError, match="never rewritten"), transaction.atomic():
        Approval.objects.update(actor="Somebody else")


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "accepted"},
        {"status": "proposed"},
        {"status": "superseded"},
        {"proposed_id": 1},
    ],
)
def test_the_database_refuses_a_status_without_its_revision(fields: dict[str, object], owner: User) -> None:
    decision = a_decision(owner)
    if "proposed_id" in fields:
        fields = {"proposed_id": decision.revisions.get(number=1).pk}

    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).update(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"transition": "shelved"},
        {"transition": "rejected"},
        {"transition": "withdrawn"},
        {"transition": "superseded"},
        {"transition": "proposed", "review_by": dt.date(2027, 5, 1)},
        {"transition": "accepted"},
    ],
)
def test_the_database_refuses_a_step_that_does_not_add_up(fields: dict[str, object], owner: User) -> None:
    decision = a_decision(owner, "accepted")

    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(
            decision=decision, revision=decision.accepted, user=owner, actor="Ann", at=MOMENT, **fields
        )


def test_the_database_lets_one_decision_be_superseded_once(owner: User) -> None:
    older, newer = a_decision(owner, "superseded"), a_decision(owner)

    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.filter(pk=newer.pk).update(supersedes=older)


# --- what is issued -------------------------------------------------------------------------------------------------


def test_each_step_issues_the_record_anew_and_keeps_the_older_ones_byte_for_byte(owner: User, editor: User) -> None:
    run = a_reported_run(owner=owner, content=CONTENT)
    renderings.await_pdf(report=run.report, moment=MOMENT)
    renderings.render_pdf(run_id=run.pk, moment=MOMENT)
    first = bytes(Rendering.objects.get().content)

    assert lifecycle.propose(revision=run.revision, user=editor, moment=MOMENT) == [run.pk]
    assert lifecycle.accept(revision=run.revision, user=owner, moment=LATER) == [run.pk]
    renderings.render_pdf(run_id=run.pk, moment=LATER)

    kept = list(Rendering.objects.order_by("pk"))
    assert [row.state for row in kept] == ["kept", "kept", "kept"]
    assert bytes(kept[0].content) == first
    assert len({row.sha256 for row in kept}) == 3
    assert renderings.current_pdf(report=run.report, moment=MOMENT) == (kept[2], False)
    issued = approvals.life(decision=run.revision.decision).issued
    assert [(row.status, row.on) for row in issued] == [("accepted", LATER), ("proposed", MOMENT), ("draft", MOMENT)]


def test_the_facts_of_a_record_are_those_of_its_step_whatever_came_later(owner: User, editor: User) -> None:
    older = a_decision(owner, "accepted", title="Older")
    run = a_reported_run(owner=owner, content=CONTENT)
    lifecycle.propose(revision=run.revision, user=editor, supersedes=older, moment=MOMENT)
    lifecycle.accept(revision=run.revision, user=owner, review_by=dt.date(2027, 5, 1), moment=LATER)
    User.objects.filter(pk=owner.pk).update(name="Renamed")
    draft, proposed, accepted = (
        renderings.facts(run.report, step=step) for step in (None, *Approval.objects.filter(revision=run.revision))
    )

    assert (draft.status, draft.decision_makers, draft.supersedes) == ("draft", (), "")
    assert (proposed.status, proposed.decision_makers, proposed.proposed_on) == ("proposed", (), "2026-11-23")
    assert accepted.status == "accepted"
    assert accepted.decision_makers == ("ann@example.org",)  # the name of that day
    assert (accepted.proposed_on, accepted.accepted_on) == ("2026-11-23", "2026-11-24")
    assert (accepted.issued_on, accepted.review_by) == ("2026-11-24", "2027-05-01")
    assert accepted.supersedes == f"decision {older.pk}: Older"


def test_markdown_says_who_accepted_and_when(owner: User, editor: User) -> None:
    run = a_reported_run(owner=owner, content=CONTENT)
    lifecycle.propose(revision=run.revision, user=editor, moment=MOMENT)
    lifecycle.accept(revision=run.revision, user=owner, moment=LATER)

    text = renderings.markdown_of(run.report).decode()

    assert 'status: "accepted"\n' in text
    assert 'decision-makers: ["ann@example.org"]\n' in text
    for line in ("* Status: accepted", "* Deciders: ann@example.org", "* Proposed on: 2026-11-23",
                 "* Accepted on: 2026-11-24", "* Asked for by: ann@example.org"):  # fmt: skip
        assert f"{line}\n" in text
