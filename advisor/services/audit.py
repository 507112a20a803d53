"""The audit trail: who did what in a workspace. Appended by the services that write, read by its owners."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from advisor.models import AuditEvent, User, Workspace

PAGE = 50
COMMAND_LINE = "command line"


@dataclass(frozen=True)
class EventRow:
    """One line of the trail, in words."""

    event_id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True)
class Trail:
    """One page of the trail, newest first; `older` is the cursor of the next page."""

    rows: list[EventRow]
    older: int | None


def record(
    *,
    user: User | None,
    workspace: Workspace | None,
    action: str,
    subject: str,
    moment: datetime,
    detail: Mapping[str, str | int] | None = None,
) -> None:
    """Append one event. `action` is "noun.verb in the past"; never put a secret into `subject` or `detail`."""
    AuditEvent.objects.create(
        workspace=workspace,
        user=user,
        actor=user.email if user else COMMAND_LINE,
        action=action,
        subject=subject[:254],
        detail=dict(detail or {}),
        at=moment,
    )


def trail(*, workspace: Workspace, before: int | None = None) -> Trail:
    """Return the newest events of a workspace, those before a cursor if one is given."""
    events = AuditEvent.objects.filter(workspace=workspace).order_by("-pk")
    if before is not None:
        events = events.filter(pk__lt=before)
    found = [_row(event) for event in events[: PAGE + 1]]
    return Trail(rows=found[:PAGE], older=found[PAGE - 1].event_id if len(found) > PAGE else None)


def own_events(*, user: User, limit: int = 10) -> list[EventRow]:
    """Return the newest events of somebody's own account."""
    return [_row(event) for event in AuditEvent.objects.filter(user=user, workspace=None).order_by("-pk")[:limit]]


def _row(event: AuditEvent) -> EventRow:
    return EventRow(
        event_id=event.pk,
        at=event.at,
        actor=event.actor,
        action=event.action.replace(".", " ").replace("_", " ").capitalize(),
        subject=event.subject,
        detail=", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in sorted(event.detail.items())),
    )
