"""The audit trail: appended, never rewritten, read a page at a time."""

import pytest
from django.db import IntegrityError, transaction

from advisor.models import AuditEvent
from advisor.services import audit, decisions, drafts, runs
from tests.advisor.factories import DOCUMENT, MOMENT, a_member, a_run

pytestmark = pytest.mark.django_db


def some_events(number: int) -> list[int]:
    workspace = a_member().workspaces.get()
    for subject in range(number):
        audit.record(user=None, workspace=workspace, action="test.done", subject=str(subject), moment=MOMENT)
    return sorted(AuditEvent.objects.values_list("pk", flat=True))


def test_the_database_refuses_to_rewrite_an_event() -> None:
    some_events(1)

    with pytest.raises(IntegrityError, match="never rewritten"), transaction.atomic():
        AuditEvent.objects.update(subject="something else")


def test_the_trail_comes_in_pages_newest_first_without_gap_or_repetition() -> None:
    events = some_events(2 * audit.PAGE + 1)
    workspace = AuditEvent.objects.earliest("pk").workspace
    audit.record(user=None, workspace=a_member().workspaces.get(), action="test.done", subject="other", moment=MOMENT)

    pages, before = [], None
    while True:
        page = audit.trail(workspace=workspace, before=before)
        pages.append([row.event_id for row in page.rows])
        before = page.older
        if before is None:
            break

    assert [len(page) for page in pages] == [audit.PAGE, audit.PAGE, 1]
    assert [event for page in pages for event in page] == events[::-1]


def test_a_page_that_is_just_full_has_no_older_one() -> None:
    some_events(audit.PAGE)

    assert audit.trail(workspace=AuditEvent.objects.earliest("pk").workspace).older is None


def test_an_event_reads_as_words() -> None:
    owner = a_member(email="ann@example.org")
    audit.record(
        user=owner,
        workspace=owner.workspaces.get(),
        action="member.role_changed",
        subject="bob@example.org",
        moment=MOMENT,
        detail={"to": "editor", "from": "viewer"},
    )

    (row,) = audit.trail(workspace=owner.workspaces.get()).rows

    assert (row.actor, row.action) == ("ann@example.org", "Member role changed")
    assert row.detail == "from: viewer, to: editor"


def test_runs_that_are_cancelled_or_tried_again_are_recorded_once() -> None:
    run = a_run()
    owner = run.requested_by

    runs.cancel_run(run=run, user=owner, moment=MOMENT)
    runs.cancel_run(run=run, user=owner, moment=MOMENT)  # had ended: nothing happens
    runs.retry_run(run=run, user=owner, moment=MOMENT)

    events = AuditEvent.objects.filter(workspace=run.revision.decision.workspace).order_by("pk")
    assert [(event.action, event.subject) for event in events] == [
        ("run.cancelled", "Support assistant"),
        ("run.retried", "Support assistant"),
    ]


def test_a_decision_that_is_asked_for_is_recorded(published: int) -> None:
    owner = a_member()

    decisions.start_decision(
        workspace=owner.workspaces.get(), user=owner, document_bytes=str(DOCUMENT).encode(), moment=MOMENT
    )

    events = AuditEvent.objects.filter(workspace=owner.workspaces.get()).order_by("pk")
    assert [(event.user, event.action, event.subject) for event in events] == [
        (owner, "decision.started", "Support assistant"),
        (owner, "advice.asked", "Support assistant"),
    ]


def test_the_life_of_a_draft_is_recorded(published: int) -> None:
    owner = a_member()
    first = drafts.begin_from_file(
        workspace=owner.workspaces.get(), user=owner, content=str(DOCUMENT).encode(), moment=MOMENT
    )

    drafts.rename(decision=first.decision, user=owner, title="Assistant", moment=MOMENT)
    second = drafts.begin_next(revision=first, user=owner, moment=MOMENT)
    drafts.replace(revision=second, user=owner, version=second.version, content=str(DOCUMENT).encode(), moment=MOMENT)

    events = AuditEvent.objects.filter(workspace=owner.workspaces.get()).order_by("pk")
    assert [event.action for event in events] == [
        "decision.started",
        "decision.renamed",
        "revision.begun",
        "document.replaced",
    ]
