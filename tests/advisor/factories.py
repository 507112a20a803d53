"""People, workspaces, decisions and runs for tests, each with only what the test doesn't care about filled in."""

import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

from advisor.models import Decision, Endpoint, EndpointProbe, Membership, Report, Revision, Run, User, Workspace
from advisor.services import credentials, invites, tokens

MOMENT = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
PASSWORD = "a long enough passphrase"
_FINISHED = {"state": Run.State.SUCCEEDED, "attempt": 1, "progress_fraction": 1.0, "finished_at": MOMENT}
_numbers = itertools.count(1)

DOCUMENT: dict[str, Any] = {
    "version": 1,
    "decision": "Support assistant",
    "team": {"size": 12},
    "workloads": [
        {
            "id": "chat",
            "name": "Support chat",
            "kind": "managed_api",
            "traffic": {"requests_per_s_mean": 1, "input_tokens": 1000, "output_tokens": 200},
        }
    ],
}


def a_user(*, email: str | None = None, password: str | None = None) -> User:
    user = User(email=email or f"person{next(_numbers)}@example.org", joined_at=MOMENT)
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    user.save()
    return user


def a_member(*, role: str = "owner", workspace: Workspace | None = None, **user: Any) -> User:
    member = a_user(**user)
    workspace = workspace or Workspace.objects.create(name=f"Team {next(_numbers)}", created_at=MOMENT)
    Membership.objects.create(user=member, workspace=workspace, role=role, created_at=MOMENT)
    return member


def a_run(*, owner: User | None = None, title: str = "Support assistant", **fields: Any) -> Run:
    """A run in the first workspace of its owner, queued unless told otherwise."""
    owner = owner or a_member()
    decision = Decision.objects.create(
        workspace=owner.workspaces.get(), title=title, created_by=owner, created_at=fields.get("created_at", MOMENT)
    )
    revision = Revision.objects.create(
        decision=decision, number=1, document=DOCUMENT, created_by=owner, created_at=MOMENT
    )
    defaults = {"moment": MOMENT.date(), "created_at": MOMENT, "enqueued_at": MOMENT, "requested_by": owner}
    return Run.objects.create(revision=revision, **(defaults | fields))


def a_running_run(*, attempt: int = 1, lease_until: dt.datetime, **fields: Any) -> Run:
    return a_run(state=Run.State.RUNNING, attempt=attempt, lease_until=lease_until, started_at=MOMENT, **fields)


def a_reported_run(*, content: bytes, feasible: bool = True, **fields: Any) -> Run:
    return reported(a_run(**_FINISHED, **fields), content=content, feasible=feasible)


def a_reported_revision(*, decision: Decision, content: bytes = b"{}", feasible: bool = True) -> Revision:
    """The next revision of a decision, with a report."""
    by, number = decision.created_by, decision.revisions.count() + 1
    revision = Revision.objects.create(
        decision=decision, number=number, document=DOCUMENT, created_by=by, created_at=MOMENT
    )
    run = Run.objects.create(
        revision=revision, moment=MOMENT.date(), created_at=MOMENT, enqueued_at=MOMENT, requested_by=by, **_FINISHED
    )
    reported(run, content=content, feasible=feasible)
    return revision


def reported(run: Run, *, content: bytes, feasible: bool) -> Run:
    Report.objects.create(
        run=run, content=content, sha256="0" * 64, schema_version=1, feasible=feasible, created_at=MOMENT
    )
    return run


def an_endpoint(*, user: User, moment: dt.datetime = MOMENT, **fields: Any) -> Endpoint:
    """An endpoint of the user's first workspace that costs nothing."""
    defaults = {
        "name": "Our model",
        "kind": Endpoint.Kind.OPENAI,
        "address": "https://models.example.org/v1",
        "model": "m",
        "key": credentials.encrypt("sk-0123456789abcdef"),
        "key_ending": "cdef",
        "input_usd_per_mtok": 0,
        "output_usd_per_mtok": 0,
    }
    return Endpoint.objects.create(workspace=user.workspaces.get(), made_by=user, made_at=moment, **(defaults | fields))


def a_probe(*, user: User, moment: dt.datetime = MOMENT, endpoint: Endpoint | None = None) -> EndpointProbe:
    """A probe that waits."""
    plan = {"steps": [1], "requests_per_step": 2, "max_tokens": 8, "prompt_words": 30, "most_tokens": 9000}
    prices = {"most_usd": "1.00", "input_usd_per_mtok": "0", "output_usd_per_mtok": "0", "price_source": "stated"}
    return EndpointProbe.objects.create(
        endpoint=endpoint or an_endpoint(user=user, moment=moment),
        requested_by=user,
        plan=plan | prices,
        created_at=moment,
        enqueued_at=moment,
    )


def an_invite(*, workspace: Workspace, by: User, role: str = "viewer", moment: dt.datetime = MOMENT) -> str:
    """An open invite; the value is its secret."""
    return invites.issue(workspace=workspace, user=by, role=role, moment=moment)


def a_token(*, user: User, workspace: Workspace, cap: str = "read", moment: dt.datetime = MOMENT) -> str:
    """A token of a month; the value is its secret."""
    return tokens.issue(
        user=user, workspace=workspace, name="tests", cap=cap, lifetime=dt.timedelta(days=30), moment=moment
    )


def golden_report(name: str = "uber") -> dict[str, Any]:
    """A whole report of a shipped example, as it was last read by a person."""
    path = Path(__file__).parents[1] / "golden" / "reports" / f"{name}.json"
    report: dict[str, Any] = json.loads(path.read_bytes())
    return report


def a_number(value: float | None, **fields: Any) -> dict[str, Any]:
    """A number of a report, a point estimate in USD a month unless told otherwise."""
    defaults = {"low": value, "high": value, "unit": "USD/month", "kind": "estimate", "evidence": [], "reason": None}
    return {"value": value, **(defaults | fields)}
