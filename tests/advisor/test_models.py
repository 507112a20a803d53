"""What the database itself refuses, whoever writes."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from advisor.models import Decision, Membership, Report, Revision, Run, SignInLink, User
from tests.advisor.factories import DOCUMENT, MOMENT, a_member, a_reported_run, a_run, a_running_run, a_user

pytestmark = pytest.mark.django_db

LATER = MOMENT + dt.timedelta(seconds=20)


def refused(run: Run, **fields: object) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**fields)


def test_an_address_is_kept_in_lower_case_only() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="Ann@example.org", joined_at=MOMENT)


def test_a_person_has_one_role_in_a_workspace() -> None:
    member = a_member(role="viewer")

    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=member, workspace=member.workspaces.get(), role="owner", created_at=MOMENT)


def test_a_role_is_one_of_three() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        a_member(role="emperor")


def test_a_revision_number_stands_once_in_a_decision() -> None:
    run = a_run()

    with pytest.raises(IntegrityError), transaction.atomic():
        Revision.objects.create(
            decision=run.revision.decision,
            number=1,
            document=DOCUMENT,
            created_by=run.requested_by,
            created_at=MOMENT,
        )


def test_a_decision_does_not_supersede_itself() -> None:
    decision = a_run().revision.decision

    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).update(supersedes=decision)


def test_a_running_run_has_a_lease_and_no_other_has() -> None:
    refused(a_run(), state="running", lease_until=None)
    refused(a_run(), lease_until=LATER)
    refused(a_running_run(lease_until=LATER), state="queued")


def test_a_run_ends_with_a_time_and_fails_with_a_reason() -> None:
    run = a_run()

    refused(run, state="succeeded")
    refused(run, finished_at=MOMENT)
    refused(run, state="failed", finished_at=MOMENT)
    refused(run, state="cancelled", finished_at=MOMENT, error="why?")


def test_a_run_has_at_most_three_attempts_and_a_progress_between_none_and_all() -> None:
    run = a_run()

    refused(run, attempt=4)
    refused(run, progress_fraction=1.01)
    refused(run, progress_fraction=-0.01)


def test_a_revision_has_one_open_run() -> None:
    run = a_running_run(lease_until=LATER)

    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.create(
            revision=run.revision,
            requested_by=run.requested_by,
            moment=MOMENT.date(),
            created_at=MOMENT,
            enqueued_at=MOMENT,
        )


def test_a_report_hash_is_written_as_sha256() -> None:
    run = a_reported_run(content=b"{}")

    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.filter(run=run).update(sha256="not a hash")


def test_a_sign_in_link_ends_after_it_begins() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SignInLink.objects.create(user=a_user(), token_sha256="0" * 64, created_at=MOMENT, expires_at=MOMENT)
