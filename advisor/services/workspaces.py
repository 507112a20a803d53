"""Workspaces: made, named, listed."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from advisor.models import Membership, User, Workspace
from advisor.services import audit


@dataclass(frozen=True)
class WorkspaceRow:
    """One workspace of a user, as their list shows it."""

    workspace_id: int
    name: str
    role: str
    role_label: str
    members: int
    decisions: int


def create_workspace(*, user: User, name: str, moment: datetime) -> Workspace:
    """Make a workspace with the user as its owner."""
    with transaction.atomic():
        workspace = Workspace.objects.create(name=name, created_at=moment)
        Membership.objects.create(workspace=workspace, user=user, role=Membership.Role.OWNER, created_at=moment)
        audit.record(user=user, workspace=workspace, action="workspace.made", subject=name, moment=moment)
    return workspace


def rename(*, workspace: Workspace, user: User, name: str, moment: datetime) -> None:
    with transaction.atomic():
        detail = {"former name": workspace.name}
        workspace.name = name
        workspace.save(update_fields=["name"])
        audit.record(
            user=user, workspace=workspace, action="workspace.renamed", subject=name, moment=moment, detail=detail
        )


def workspace_rows(*, user: User) -> list[WorkspaceRow]:
    """Return the user's workspaces, those joined first at the top."""
    memberships = (
        Membership.objects.filter(user=user)
        .select_related("workspace")
        .annotate(
            members=Count("workspace__memberships", distinct=True),
            decisions=Count("workspace__decisions", distinct=True),
        )
        .order_by("created_at", "pk")
    )
    return [
        WorkspaceRow(
            workspace_id=row.workspace_id,
            name=row.workspace.name,
            role=row.role,
            role_label=row.get_role_display(),
            members=row.members,
            decisions=row.decisions,
        )
        for row in memberships
    ]


def workspaces_of(*, user: User) -> list[Workspace]:
    """Return the workspaces a user belongs to, those joined first at the top."""
    return list(Workspace.objects.filter(memberships__user=user).order_by("memberships__created_at", "pk"))
