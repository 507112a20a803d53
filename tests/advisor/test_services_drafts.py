"""Drafts: filled in by several people at once without losing a word, fixed once they are advised on."""

import datetime as dt
from typing import Any

import pytest

from advisor.core.document import canonical, check, parse
from advisor.core.problems import DocumentError
from advisor.core.questionnaire import edits
from advisor.models import Decision, Edit, Revision, Run, User
from advisor.services import drafts, examples, runs
from tests.advisor.factories import DOCUMENT, MOMENT, a_member, a_reported_run

pytestmark = pytest.mark.django_db
LATER = MOMENT + dt.timedelta(minutes=3)


@pytest.fixture
def ann() -> User:
    return a_member(email="ann@example.org")


@pytest.fixture
def ben(ann: User) -> User:
    return a_member(email="ben@example.org", workspace=ann.workspaces.get())


@pytest.fixture
def draft(ann: User) -> Revision:
    return drafts.new_decision(workspace=ann.workspaces.get(), user=ann, raw=DOCUMENT, moment=MOMENT)


def edit(revision: Revision, user: User, version: int, **changes: Any) -> Revision:
    places = {name.replace("__", "."): value for name, value in changes.items()}
    return drafts.edit(revision=revision, user=user, version=version, changes=places, moment=LATER)


def text_of(name: str) -> bytes:
    return examples.example(name=name).text.encode()


# --- beginnings


def test_a_blank_draft_has_its_title_and_one_workload(ann: User) -> None:
    begun = drafts.begin(
        workspace=ann.workspaces.get(), user=ann, title="  Where to serve ", kind="online_inference", moment=MOMENT
    )

    assert begun.document == {
        "version": 1,
        "decision": "Where to serve",
        "workloads": [{"id": "online-inference", "kind": "online_inference"}],
    }
    assert (begun.decision.title, begun.number) == ("Where to serve", 1)


def test_a_file_may_be_incomplete_but_not_wrong(ann: User) -> None:
    common = {"workspace": ann.workspaces.get(), "user": ann, "moment": MOMENT}

    begun = drafts.begin_from_file(content=b"version: 1\nworkloads: [{id: w, kind: pretraining}]", **common)
    with pytest.raises(DocumentError, match="kind"):
        drafts.begin_from_file(content=b"version: 1\nworkloads: [{id: w, kind: training}]", **common)

    assert begun.decision.title == drafts.UNTITLED
    assert Decision.objects.count() == 1


def test_the_next_revision_begins_as_the_one_it_is_based_on(draft: Revision, ben: User) -> None:
    following = drafts.begin_next(revision=draft, user=ben, moment=LATER)
    third = drafts.begin_next(revision=draft, user=ben, moment=LATER)

    assert (following.number, third.number) == (2, 3)
    assert following.based_on == third.based_on == draft
    assert following.document == draft.document


def test_a_copy_is_a_decision_of_its_own(draft: Revision, ben: User) -> None:
    copy = drafts.begin_copy(revision=draft, workspace=ben.workspaces.get(), user=ben, moment=LATER)

    assert copy.decision != draft.decision
    assert copy.decision.title == copy.document["decision"] == "Support assistant (copy)"
    assert copy.document["workloads"] == DOCUMENT["workloads"]


# --- edits


def test_an_edit_makes_a_new_version_and_remembers_who_made_it(draft: Revision, ben: User) -> None:
    edited = edit(draft, ben, 1, team__size=30, constraints__budget_usd_per_month=2000)

    assert edited.version == 2
    assert edited.document["team"] == {"size": 30}
    assert edited.document["constraints"] == {"budget_usd_per_month": 2000}
    kept = Revision.objects.get(pk=draft.pk)
    assert (kept.document, kept.version) == (edited.document, 2)
    assert set(Edit.objects.values_list("place", "version", "made_by__email")) == {
        ("team.size", 2, "ben@example.org"),
        ("constraints.budget_usd_per_month", 2, "ben@example.org"),
    }


def test_saying_the_same_again_changes_nothing(draft: Revision, ann: User) -> None:
    assert edit(draft, ann, 1, team__size=12).version == 1
    assert edit(draft, ann, 1, horizon__months=None).version == 1
    assert Edit.objects.count() == 0


def test_a_stale_page_merges_where_nobody_else_was(draft: Revision, ann: User, ben: User) -> None:
    edit(draft, ann, 1, team__size=30)

    merged = edit(draft, ben, 1, horizon__months=24)

    assert merged.version == 3
    assert (merged.document["team"], merged.document["horizon"]) == ({"size": 30}, {"months": 24})


def test_a_stale_page_that_touches_the_same_place_loses_neither_value(draft: Revision, ann: User, ben: User) -> None:
    edit(draft, ann, 1, team__size=30)

    with pytest.raises(drafts.Conflict) as caught:
        edit(draft, ben, 1, team__size=40, horizon__months=24)

    (difference,) = caught.value.differences
    assert (difference.place, difference.mine, difference.theirs) == ("team.size", 40, 30)
    assert (difference.who, difference.at) == ("ann@example.org", LATER)
    kept = Revision.objects.get(pk=draft.pk)
    assert kept.document["team"] == {"size": 30}
    assert "horizon" not in kept.document  # nothing of a conflicting edit is written behind anybody's back


def test_who_decides_for_mine_with_the_new_version_is_heard(draft: Revision, ann: User, ben: User) -> None:
    edit(draft, ann, 1, team__size=30)

    assert edit(draft, ben, 2, team__size=40).document["team"] == {"size": 40}


def test_ones_own_other_window_is_named_as_such(draft: Revision, ann: User) -> None:
    edit(draft, ann, 1, team__size=30)

    with pytest.raises(drafts.Conflict) as caught:
        edit(draft, ann, 1, team__size=40)

    assert caught.value.differences[0].who == "You, in another window,"


def test_both_saying_the_same_is_no_conflict(draft: Revision, ann: User, ben: User) -> None:
    edit(draft, ann, 1, team__size=30)

    assert edit(draft, ben, 1, team__size=30).version == 2


def test_a_wrong_value_is_kept_as_typed_and_the_document_stays_valid(draft: Revision, ann: User) -> None:
    wrong = edit(draft, ann, 1, team__size="about thirty", horizon__months=24)

    assert wrong.refused == {"team.size": "about thirty"}
    assert wrong.document["team"] == {"size": 12}
    assert wrong.document["horizon"] == {"months": 24}
    shown = drafts.draft(revision=wrong, moment=LATER)
    assert shown.shown("team.size") == "about thirty"
    assert [problem.message for problem in shown.summary.problems if problem.is_refused] == [
        "size must be a whole number; you gave 'about thirty'."
    ]
    assert edit(draft, ann, 2, team__size=30).refused == {}


def test_a_wrong_value_of_another_is_not_overwritten_unseen(draft: Revision, ann: User, ben: User) -> None:
    edit(draft, ann, 1, team__size="about thirty")

    with pytest.raises(drafts.Conflict) as caught:
        edit(draft, ben, 1, team__size=40)

    assert caught.value.differences[0].theirs == "about thirty"


@pytest.mark.parametrize("place", ["version", "workloads", "workloads[chat]", "workloads[chat].id"])
def test_what_is_no_answer_is_not_edited(place: str, draft: Revision, ann: User) -> None:
    with pytest.raises(DocumentError, match="one problem"):
        drafts.edit(revision=draft, user=ann, version=1, changes={place: None}, moment=LATER)

    assert Revision.objects.get().version == 1


def test_the_title_of_the_decision_follows_its_draft(draft: Revision, ann: User) -> None:
    edit(draft, ann, 1, decision="Another question")
    assert Decision.objects.get().title == "Another question"

    drafts.rename(decision=draft.decision, user=ann, title=" Third ", moment=LATER)

    assert Decision.objects.get().title == Revision.objects.get().document["decision"] == "Third"


# --- workloads


def test_workloads_are_added_copied_moved_and_removed(draft: Revision, ann: User) -> None:
    common: dict[str, Any] = {"revision": draft, "user": ann, "moment": LATER}
    _, made = drafts.add_workload(kind="cpu_serving", name="Edge", **common)
    _, twin = drafts.copy_workload(workload_id="chat", **common)
    drafts.move_workload(workload_id=made, by=-1, **common)
    last = edit(draft, ann, 4, flows=[{"from": "chat", "to": "edge", "gb_per_month": 5}])
    assert [one["id"] for one in last.document["workloads"]] == ["chat", "edge", "chat-2"] == ["chat", made, twin]

    after, gone = drafts.remove_workload(version=last.version, workload_id="edge", **common)

    assert gone == [{"from": "chat", "to": "edge", "gb_per_month": 5}]
    assert [one["id"] for one in after.document["workloads"]] == ["chat", "chat-2"]
    assert not after.document["flows"]


def test_an_answer_finds_its_workload_though_it_was_moved(draft: Revision, ann: User, ben: User) -> None:
    _, made = drafts.add_workload(revision=draft, user=ann, kind="cpu_serving", name="Edge", moment=LATER)
    drafts.move_workload(revision=draft, user=ann, workload_id=made, by=-1, moment=LATER)

    after = drafts.edit(
        revision=draft, user=ben, version=1, changes={"workloads[chat].traffic.peak_factor": 4}, moment=LATER
    )

    assert edits.value_at(after.document, "workloads[chat].traffic.peak_factor") == 4


def test_an_answer_for_a_workload_that_was_removed_is_a_conflict(draft: Revision, ann: User, ben: User) -> None:
    drafts.remove_workload(revision=draft, user=ann, version=1, workload_id="chat", moment=LATER)

    with pytest.raises(drafts.Conflict) as caught:
        drafts.edit(revision=draft, user=ben, version=1, changes={"workloads[chat].name": "Mine"}, moment=LATER)

    (difference,) = caught.value.differences
    assert (difference.mine, difference.theirs, difference.who) == ("Mine", None, "ann@example.org")


def test_a_workload_that_somebody_just_changed_is_not_removed_unseen(draft: Revision, ann: User, ben: User) -> None:
    drafts.edit(revision=draft, user=ann, version=1, changes={"workloads[chat].name": "New"}, moment=LATER)

    with pytest.raises(drafts.Conflict):
        drafts.remove_workload(revision=draft, user=ben, version=1, workload_id="chat", moment=LATER)


def test_a_decision_holds_twenty_workloads(draft: Revision, ann: User) -> None:
    common: dict[str, Any] = {"revision": draft, "user": ann, "moment": LATER}
    for _ in range(19):
        drafts.add_workload(kind="cpu_serving", name="", **common)

    with pytest.raises(DocumentError) as caught:
        drafts.add_workload(kind="cpu_serving", name="", **common)

    assert "20 workloads at most" in caught.value.items[0]["message"]


# --- once it is asked for


def test_a_revision_with_a_report_stays_as_it_is() -> None:
    run = a_reported_run(content=b"{}")

    with pytest.raises(drafts.Settled):
        edit(run.revision, run.requested_by, run.revision.version, team__size=1)
    following = drafts.edit_next(revision=run.revision, user=run.requested_by, changes={"team.size": 1}, moment=LATER)

    assert Revision.objects.get(pk=run.revision_id).document == DOCUMENT
    assert (following.number, following.document["team"]) == (2, {"size": 1})


def test_a_revision_with_an_open_run_stays_as_it_is_until_the_run_has_failed(draft: Revision, ann: User) -> None:
    run = runs.queue_run(revision=draft, user=ann, moment=LATER)
    with pytest.raises(drafts.Settled):
        edit(draft, ann, 2, team__size=1)

    runs.cancel_run(run=run, user=ann, moment=LATER)

    assert edit(draft, ann, 2, team__size=1).document["team"] == {"size": 1}


def test_an_edit_that_read_the_draft_before_the_run_was_queued_finds_it_settled(draft: Revision, ann: User) -> None:
    """The compare-and-set fails on the new version, and the second look sees the run."""
    asked = iter([lambda: runs.queue_run(revision=draft, user=ann, moment=LATER)])

    def change(current: Revision) -> Any:
        next(asked)()  # somebody asks for advice between the look and the write
        return drafts._New({**current.document, "decision": "late"}, {}, ["decision"])

    with pytest.raises(drafts.Settled):
        drafts._changed(revision=draft, user=ann, moment=LATER, change=change)

    assert Revision.objects.get().document == DOCUMENT


def test_advice_is_asked_for_a_complete_draft_only(published: int, draft: Revision, ann: User) -> None:
    bare = drafts.begin(workspace=ann.workspaces.get(), user=ann, title="", kind="managed_api", moment=MOMENT)

    with pytest.raises(DocumentError) as caught:
        drafts.ask(revision=bare, user=ann, moment=MOMENT)
    run = drafts.ask(revision=draft, user=ann, moment=MOMENT)

    assert {item["path"] for item in caught.value.items} == {
        "decision",
        "workloads[0].traffic.requests_per_s_mean",
        "workloads[0].traffic.input_tokens",
        "workloads[0].traffic.output_tokens",
    }
    assert (run.revision, run.state) == (draft, Run.State.QUEUED)
    assert drafts.ask(revision=draft, user=ann, moment=MOMENT) == run  # asked twice, answered once


def test_advice_is_not_given_over_a_refused_entry(published: int, draft: Revision, ann: User) -> None:
    edit(draft, ann, 1, team__size="about thirty")

    with pytest.raises(DocumentError) as caught:
        drafts.ask(revision=draft, user=ann, moment=MOMENT)

    assert [item["path"] for item in caught.value.items] == ["team.size"]
    assert Run.objects.count() == 0


def test_every_fault_of_a_draft_leads_to_its_question(published: int, ann: User) -> None:
    raw = {
        "decision": "d",
        "current": {"provider": "aws", "region": "us-east-99"},
        "constraints": {"need_by": "2020-01-01"},
        "workloads": [{"id": "w", "kind": "cpu_serving", "training": {"tokens": 5}}],
        "flows": [{"from": "w", "to": "gone", "gb_per_month": 5}],
    }
    revision = drafts.new_decision(workspace=ann.workspaces.get(), user=ann, raw=raw, moment=MOMENT)

    problems = drafts.draft(revision=revision, moment=MOMENT).summary.problems

    assert {(problem.place, problem.page) for problem in problems} == {
        ("current.region", "current"),
        ("constraints.need_by", "constraints"),
        ("workloads[w].training.tokens", "w.training"),
        ("flows", "flows"),
    }


# --- files


@pytest.mark.parametrize("name", [one.name for one in examples.examples()])
def test_what_is_exported_and_imported_again_is_the_same_document(name: str, ann: User) -> None:
    common: dict[str, Any] = {"workspace": ann.workspaces.get(), "user": ann, "moment": MOMENT}
    first = drafts.begin_from_file(content=text_of(name), **common)

    by_yaml = drafts.begin_from_file(content=drafts.as_yaml(first).encode(), **common)
    by_json = drafts.begin_from_file(content=drafts.as_json(first).encode(), **common)

    expected = canonical(check(parse(text_of(name))))
    assert canonical(check(by_yaml.document)) == canonical(check(by_json.document)) == expected


def test_a_file_replaces_a_draft_unless_somebody_worked_on_it(draft: Revision, ann: User, ben: User) -> None:
    common: dict[str, Any] = {"revision": draft, "user": ann, "content": text_of("small_team"), "moment": LATER}
    edit(draft, ben, 1, team__size=30)
    with pytest.raises(drafts.Conflict) as caught:
        drafts.replace(version=1, **common)
    assert caught.value.differences[0].who == "ben@example.org"

    after = drafts.replace(version=2, **common)

    assert after.document["team"]["size"] == 12
    with pytest.raises(drafts.Conflict):  # and whoever still works on the old one is told
        edit(draft, ben, 2, team__size=31)


# --- at the same time


def test_two_edits_at_the_same_moment_are_both_kept(draft: Revision, ann: User, ben: User) -> None:
    """The one that read first and wrote last looks again, and merges."""
    between = iter([lambda: edit(draft, ben, 1, horizon__months=24), lambda: None])

    def change(current: Revision) -> Any:
        next(between)()
        raw = edits.put(current.document, "team.size", 30)
        return drafts._New(raw, current.refused, ["team.size"])

    drafts._changed(revision=draft, user=ann, moment=LATER, change=change)

    kept = Revision.objects.get()
    assert (kept.version, kept.document["team"], kept.document["horizon"]) == (3, {"size": 30}, {"months": 24})
