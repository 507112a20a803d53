"""Telling a workspace's own program that a run has ended: signed, repeated until it is heard, written down."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from advisor.models import Delivery, Run, User, Webhook, Workspace
from advisor.services import audit, credentials, outbound, secret_text

MARK = "advisor_hook_"
# The waits before the second, third … try; after the last one the message is given up.
WAITS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
LOOK_BACK = timedelta(days=3)
LOG_ROWS_COUNT = 50
_ENDED = (Run.State.SUCCEEDED, Run.State.FAILED, Run.State.CANCELLED)


@dataclass(frozen=True)
class WebhookRow:
    """A workspace's webhook, without its secret."""

    url: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True)
class DeliveryRow:
    """One message and what became of it."""

    delivery_id: int
    run_id: int
    state: str
    attempts: int
    status_code: int | None
    problem: str | None
    created_at: datetime
    due_at: datetime | None
    delivered_at: datetime | None


# --- it is set ------------------------------------------------------------------------------------------------------


def set_webhook(*, workspace: Workspace, user: User, url: str, moment: datetime) -> str:
    """Send messages to this address from now on; return the fresh secret that signs them, shown only here.

    Raises outbound.Refused for an address that its text already rules out. Messages of an earlier address end.
    """
    goal = outbound.target(url)
    secret = MARK + secret_text.fresh()
    with transaction.atomic():
        Webhook.objects.filter(workspace=workspace).delete()
        Webhook.objects.create(
            workspace=workspace, url=url, secret=credentials.encrypt(secret), set_by=user, set_at=moment
        )
        audit.record(user=user, workspace=workspace, action="webhook.set", subject=goal.host, moment=moment)
    return secret


def remove_webhook(*, workspace: Workspace, user: User, moment: datetime) -> bool:
    """Send no more messages. False if none were sent."""
    with transaction.atomic():
        removed, _ = Webhook.objects.filter(workspace=workspace).delete()
        if removed:
            audit.record(user=user, workspace=workspace, action="webhook.removed", subject="", moment=moment)
    return bool(removed)


def webhook_row(*, workspace: Workspace) -> WebhookRow | None:
    """Return the workspace's webhook, if it has one."""
    row = Webhook.objects.select_related("set_by").filter(workspace=workspace).first()
    return None if row is None else WebhookRow(url=row.url, set_by=row.set_by.email, set_at=row.set_at)


def delivery_rows(*, workspace: Workspace, limit: int = LOG_ROWS_COUNT) -> list[DeliveryRow]:
    """Return the newest messages of the workspace's webhook, newest first."""
    rows = Delivery.objects.filter(webhook__workspace=workspace).order_by("-pk")[:limit]
    return [
        DeliveryRow(
            delivery_id=row.pk,
            run_id=row.run_id,
            state=row.state,
            attempts=row.attempt,
            status_code=row.status_code,
            problem=row.problem or None,
            created_at=row.created_at,
            due_at=row.due_at if row.state == Delivery.State.PENDING else None,
            delivered_at=row.delivered_at,
        )
        for row in rows
    ]


# --- it is sent -----------------------------------------------------------------------------------------------------


def due(*, moment: datetime) -> list[int]:
    """Write down a message for each run that has ended since, and return the messages that are to be tried now.

    Runs end in several ways (finished, cancelled, given up after a lost worker); the rows tell of all of them.
    """
    if not Webhook.objects.exists():
        return []
    ended = Run.objects.filter(
        state__in=_ENDED,
        finished_at__gt=moment - LOOK_BACK,
        finished_at__gte=F("revision__decision__workspace__webhook__set_at"),
        deliveries=None,
    ).values_list("pk", "revision__decision__workspace__webhook")
    Delivery.objects.bulk_create(
        [Delivery(run_id=run, webhook_id=webhook, due_at=moment, created_at=moment) for run, webhook in ended],
        ignore_conflicts=True,
    )
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lte=moment)
    return list(waiting.order_by("due_at", "pk").values_list("pk", flat=True)[:200])


def deliver(*, delivery_id: int, moment: datetime) -> bool:
    """Try one message that is due, and write down what came of it. False where there was nothing to do."""
    row = Delivery.objects.select_related("webhook", "run__revision").filter(pk=delivery_id).first()
    if row is None or not _claim(row, moment=moment):
        return False
    body = message(run=row.run, delivery_id=row.pk)
    try:
        headers = signed(secret=credentials.decrypt(row.webhook.secret), body=body, moment=moment)
        status = outbound.post(url=row.webhook.url, body=body, headers={**headers, "Advisor-Delivery": str(row.pk)})
    except (outbound.Refused, outbound.Unreachable, credentials.Unreadable) as error:
        _note(row, status=None, problem=str(error), moment=moment)
    else:
        _note(row, status=status, problem="" if 200 <= status < 300 else f"It answered {status}.", moment=moment)
    return True


def message(*, run: Run, delivery_id: int) -> bytes:
    """Return what is sent about a run: enough to ask for the rest, nothing confidential."""
    decision, number = run.revision.decision_id, run.revision.number
    report = f"/api/v1/decisions/{decision}/revisions/{number}/report"
    told = {
        "event": "run.ended",
        "delivery": delivery_id,
        "run": {
            "id": run.pk,
            "state": run.state,
            "decision_id": decision,
            "revision": number,
            "finished_at": run.finished_at.isoformat() if run.finished_at else None,
            "address": f"/api/v1/runs/{run.pk}",
            "report": report if run.state == Run.State.SUCCEEDED else None,
        },
    }
    return json.dumps(told).encode()


def signed(*, secret: str, body: bytes, moment: datetime) -> dict[str, str]:
    """Return the headers that prove a message: HMAC-SHA256 over the time, a full stop and the body."""
    at = str(int(moment.timestamp()))
    proof = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "AI-Stack-Advisor",
        "Advisor-Timestamp": at,
        "Advisor-Signature": f"v1={proof}",
    }


def _claim(row: Delivery, *, moment: datetime) -> bool:
    """Take one try, before it is made: a worker that is killed in it has used it up, and two never make the same."""
    wait = WAITS[min(row.attempt, len(WAITS) - 1)]
    free = Delivery.objects.filter(pk=row.pk, state=Delivery.State.PENDING, attempt=row.attempt, due_at__lte=moment)
    return bool(free.update(attempt=row.attempt + 1, due_at=moment + wait))


def _note(row: Delivery, *, status: int | None, problem: str, moment: datetime) -> None:
    state = Delivery.State.PENDING
    if not problem:
        state = Delivery.State.DELIVERED
    elif row.attempt >= len(WAITS):
        state = Delivery.State.FAILED
    Delivery.objects.filter(pk=row.pk).update(
        state=state,
        status_code=status,
        problem=problem[:200],
        delivered_at=moment if state == Delivery.State.DELIVERED else None,
    )
