"""Who may see and who may write: one look-up an object."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from advisor.models import Run, User
from advisor.services import access, decisions
from tests.advisor.factories import a_member, a_reported_run

pytestmark = pytest.mark.django_db


def look_up_everything(*, user: User, run: Run) -> list[object]:
    decision = run.revision.decision
    return [
        access.workspace(user=user, workspace_id=decision.workspace_id),
        access.decision(user=user, decision_id=decision.pk),
        access.revision(user=user, decision_id=decision.pk, number=1),
        access.run(user=user, run_id=run.pk),
        access.report(user=user, decision_id=decision.pk, number=1).run,
    ]


@pytest.mark.parametrize("role", ["owner", "editor", "viewer"])
def test_each_member_sees_what_the_workspace_holds(role: str) -> None:
    run = a_reported_run(content=b"{}")
    workspace = run.revision.decision.workspace
    member = a_member(role=role, workspace=workspace)

    assert look_up_everything(user=member, run=run) == [workspace, run.revision.decision, run.revision, run, run]


def test_a_stranger_finds_nothing_there() -> None:
    run = a_reported_run(content=b"{}")
    stranger = a_member()
    decision = run.revision.decision

    for look_up, by in [
        (access.workspace, {"workspace_id": decision.workspace_id}),
        (access.decision, {"decision_id": decision.pk}),
        (access.revision, {"decision_id": decision.pk, "number": 1}),
        (access.run, {"run_id": run.pk}),
        (access.report, {"decision_id": decision.pk, "number": 1}),
    ]:
        with pytest.raises(Http404):
            look_up(user=stranger, **by)
    assert decisions.decision_page(user=stranger).rows == []


def test_what_does_not_exist_looks_the_same_as_what_is_not_ours() -> None:
    with pytest.raises(Http404):
        access.run(user=a_member(), run_id=12345)


def test_a_viewer_reads_and_does_not_write() -> None:
    run = a_reported_run(content=b"{}")
    decision = run.revision.decision
    viewer = a_member(role="viewer", workspace=decision.workspace)

    for look_up, by in [
        (access.workspace, {"workspace_id": decision.workspace_id}),
        (access.decision, {"decision_id": decision.pk}),
        (access.revision, {"decision_id": decision.pk, "number": 1}),
        (access.run, {"run_id": run.pk}),
    ]:
        with pytest.raises(PermissionDenied, match="viewer"):
            look_up(user=viewer, write=True, **by)
    assert decisions.writable_workspaces(user=viewer) == []


def test_somebody_without_a_workspace_sees_no_decisions(django_user_model: type[User]) -> None:
    run = a_reported_run(content=b"{}")
    member = run.requested_by
    member.memberships.all().delete()

    assert decisions.decision_page(user=member).rows == []
