"""Who may do what: every address × method × actor, walked from the URL configuration, against a stated rule.

A new route fails here by its name until it has a line in RULES. A line says what each method needs (`reads`, `writes`),
how to fill its address (`at`), and where an actor is an exception (`but`). Sample objects come from `World`.

Pages know sessions only: a bearer token is nobody there and is sent to sign in. For routes of the namespace `api` a
token is its user, no more than a viewer when it may read and no more than an editor when it may write, and whoever
shows none gets 401.
"""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from advisor.models import Invite, Run, Token, User, Workspace
from advisor.services import accounts, drafts, lifecycle, renderings, resets
from catalog import refresh
from tests.advisor.factories import (
    DOCUMENT,
    a_member,
    a_probe,
    a_reported_revision,
    a_reported_run,
    a_token,
    a_user,
    an_invite,
)

pytestmark = pytest.mark.django_db

REPORT = Path(__file__).parents[1] / "golden" / "reports" / "small_team.json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

NEW_ENDPOINT = {
    "name": "Another",
    "kind": "openai",
    "address": "https://models.example.org/v1",
    "model": "m",
    "key": "sk-0123456789abcdef",
}

# What a method may need, from nothing to most.
PUBLIC, SIGNED_IN, VIEWER, EDITOR, OWNER, OPERATOR = "public", "signed in", "viewer", "editor", "owner", "operator"
LADDER = (VIEWER, EDITOR, OWNER)
STRANGER, ANONYMOUS = "stranger", "anonymous"
ACTORS = (ANONYMOUS, STRANGER, VIEWER, EDITOR, OWNER, OPERATOR, "read token", "write token")


class World:
    """One workspace with everything in it, and everybody who might ask for it."""

    def __init__(self, *, release: int) -> None:
        moment = timezone.now()
        self.owner = a_member(role="owner")
        self.workspace: Workspace = self.owner.workspaces.get()
        self.editor = a_member(role="editor", workspace=self.workspace)
        self.viewer = a_member(role="viewer", workspace=self.workspace)
        self.stranger = a_member(role="owner")
        self.operator = a_user()
        User.objects.filter(pk=self.operator.pk).update(is_operator=True)
        self.run: Run = a_reported_run(owner=self.owner, content=REPORT.read_bytes())
        self.draft = drafts.begin(
            workspace=self.workspace, user=self.owner, title="Next", kind="cpu_serving", moment=moment
        )
        a_reported_revision(decision=self.run.revision.decision, content=REPORT.read_bytes())
        lifecycle.propose(revision=self.run.revision, user=self.owner, moment=moment)
        renderings.render_pdf(run_id=self.run.pk, moment=moment)
        self.release = release
        self.probe = a_probe(user=self.owner, moment=moment)
        self.invite_secret = an_invite(workspace=self.workspace, by=self.owner, moment=moment)
        self.reset_secret = resets.issue(user=self.viewer, by=self.owner, moment=moment)
        self.link = urlsplit(accounts.issue_sign_in_link(base_url="http://localhost", moment=moment)).path
        self.secrets = {
            f"{cap} token": a_token(user=self.editor, workspace=self.workspace, cap=cap, moment=moment)
            for cap in ("read", "write")
        }

    @cached_property
    def _clients(self) -> dict[str, Client]:
        # The one-time link of this machine works under a name of this machine only.
        clients = {ANONYMOUS: Client(headers={"host": "localhost"})}
        for name in (STRANGER, VIEWER, EDITOR, OWNER, OPERATOR):
            clients[name] = Client(headers={"host": "localhost"})
            clients[name].force_login(getattr(self, name))
        for name, secret in self.secrets.items():
            clients[name] = Client(headers={"host": "localhost", "authorization": f"Bearer {secret}"})
        return clients

    def ask(self, *, actor: str, method: str, address: str, data: dict[str, Any]) -> HttpResponse:
        """Return the answer to one request, and leave everything as it was before."""
        client = copy.copy(self._clients[actor])
        client.cookies = copy.deepcopy(client.cookies)
        with transaction.atomic():
            if address.startswith("/api/"):
                body = json.dumps(data) if method in ("POST", "PUT", "PATCH") else ""
                answer: HttpResponse = client.generic(method, address, body, content_type="application/json")
            else:
                answer = getattr(client, method.lower())(address, data if method == "POST" else None)
            transaction.set_rollback(True)
        return answer


# --- how an address is filled ---------------------------------------------------------------------------------------

Fill = Callable[[World], dict[str, Any]]


def nothing(world: World) -> dict[str, Any]:
    return {}


def workspace(world: World) -> dict[str, Any]:
    return {"workspace_id": world.workspace.pk}


def membership(world: World) -> dict[str, Any]:
    return workspace(world) | {"membership_id": world.viewer.memberships.get().pk}


def invite_row(world: World) -> dict[str, Any]:
    return workspace(world) | {"invite_id": Invite.objects.get(workspace=world.workspace).pk}


def token_row(world: World) -> dict[str, Any]:
    return workspace(world) | own_token(world)


def own_token(world: World) -> dict[str, Any]:
    return {"token_id": Token.objects.filter(user=world.editor).earliest("pk").pk}


def run(world: World) -> dict[str, Any]:
    return {"run_id": world.run.pk}


def refresh_run(world: World) -> dict[str, Any]:
    """A run that has ended."""
    begun = refresh.begin(sources=["azure"], regions=["eastus"], actor="test", moment=timezone.now())
    refresh.cancel(run_id=begun.pk, moment=timezone.now())
    return {"run_id": begun.pk}


def decision(world: World) -> dict[str, Any]:
    return {"decision_id": world.run.revision.decision_id}


def revision(world: World) -> dict[str, Any]:
    return decision(world) | {"number": 1}


def issued(world: World) -> dict[str, Any]:
    return decision(world) | {"rendering_id": world.run.report.renderings.get().pk}


def endpoint(world: World) -> dict[str, Any]:
    return {"endpoint_id": world.probe.endpoint_id}


def probe(world: World) -> dict[str, Any]:
    return {"probe_id": world.probe.pk}


def statement(world: World) -> dict[str, Any]:
    return revision(world) | {"statement_number": 1}


def target(world: World) -> dict[str, Any]:
    return {"target_id": "aws/eu-west-1/dynamodb"}


def draft(world: World) -> dict[str, Any]:
    return {"decision_id": world.draft.decision_id, "number": world.draft.number}


# --- what a form brings ---------------------------------------------------------------------------------------------


def version(world: World) -> dict[str, Any]:
    return {"version": world.draft.version}


def in_workspace(world: World) -> dict[str, Any]:
    return {"workspace": world.workspace.pk}


def reason(world: World) -> dict[str, Any]:
    return {"comment": "The price moved."}


def new_decision(world: World) -> dict[str, Any]:
    return in_workspace(world) | {"title": "New", "kind": "cpu_serving"}


# --- the rules ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """What each allowed method needs. `but` gives the status of single cells: (method, actor) → status."""

    needs: dict[str, str]
    at: Fill = nothing
    data: Fill = nothing
    but: dict[tuple[str, str], int] = field(default_factory=dict)


def reads(level: str, **more: Any) -> Rule:
    return Rule(needs={"GET": level}, **more)


def writes(level: str, **more: Any) -> Rule:
    return Rule(needs={"POST": level}, **more)


def both(read: str, write: str, **more: Any) -> Rule:
    return Rule(needs={"GET": read, "POST": write}, **more)


# Somebody who may write nowhere starts no decision.
NO_SHELF = {("POST", VIEWER): 403, ("POST", OPERATOR): 403}
NOT_HERE = {("POST", VIEWER): 403, ("POST", STRANGER): 404, ("POST", OPERATOR): 404}
OWN_TOKEN = {("POST", actor): 404 for actor in (STRANGER, VIEWER, OWNER, OPERATOR)}

RULES: dict[str, Rule] = {
    "web:start": both(SIGNED_IN, SIGNED_IN, but=NO_SHELF),
    "web:begin": writes(SIGNED_IN, data=new_decision, but=NO_SHELF),
    "web:begin_from_example": writes(SIGNED_IN, at=lambda world: {"name": "uber"}, data=in_workspace, but=NOT_HERE),
    # decisions and their drafts
    "web:decision": reads(VIEWER, at=decision),
    "web:rename_decision": writes(EDITOR, at=decision, data=lambda world: {"title": "New"}),
    "web:propose": writes(EDITOR, at=decision, data=lambda world: {"number": 2}),
    "web:withdraw": writes(EDITOR, at=revision, data=reason),
    "web:accept": writes(OWNER, at=revision),
    "web:reject": writes(OWNER, at=revision, data=reason),
    "web:issued_pdf": reads(VIEWER, at=issued),
    "web:copy_revision": writes(EDITOR, at=revision),
    "web:next_revision": writes(EDITOR, at=revision),
    "web:questions": both(VIEWER, EDITOR, at=lambda world: draft(world) | {"page": "first"}, data=version),
    "web:workloads": both(VIEWER, EDITOR, at=draft, data=lambda world: {"action": "add", "kind": "cpu_serving"}),
    "web:review": both(VIEWER, EDITOR, at=draft),
    "web:take_back": writes(EDITOR, at=draft, data=version),
    "web:document": both(VIEWER, EDITOR, at=draft, data=version),
    "web:document_yaml": reads(VIEWER, at=revision),
    "web:document_json": reads(VIEWER, at=revision),
    "web:compare": reads(VIEWER, at=decision),
    # ways in
    "web:sign_in": both(PUBLIC, PUBLIC),
    "web:sign_in_by_link": both(PUBLIC, PUBLIC, at=lambda world: {"token": world.link.rsplit("/", 1)[-1]}),
    "web:sign_out": writes(PUBLIC),
    "web:invite": both(PUBLIC, PUBLIC, at=lambda world: {"token": world.invite_secret}),
    "web:reset": both(PUBLIC, PUBLIC, at=lambda world: {"token": world.reset_secret}),
    # one's own account
    "web:account": reads(SIGNED_IN),
    "web:rename_account": writes(SIGNED_IN, data=lambda world: {"name": "New"}),
    "web:change_password": writes(SIGNED_IN),
    "web:end_sessions": writes(SIGNED_IN),
    "web:create_token": writes(SIGNED_IN),
    "web:revoke_own_token": writes(SIGNED_IN, at=own_token, but=OWN_TOKEN),
    "web:operator_resets": both(OPERATOR, OPERATOR),
    # workspaces
    "web:workspaces": both(SIGNED_IN, SIGNED_IN),
    "web:workspace": reads(VIEWER, at=workspace),
    "web:rename_workspace": writes(OWNER, at=workspace),
    "web:leave_workspace": writes(VIEWER, at=workspace),
    "web:trail": reads(OWNER, at=workspace),
    "web:create_invite": writes(OWNER, at=workspace, data=lambda world: {"role": "viewer"}),
    "web:revoke_invite": writes(OWNER, at=invite_row),
    "web:change_role": writes(OWNER, at=membership, data=lambda world: {"role": "editor"}),
    "web:remove_member": writes(OWNER, at=membership),
    "web:reset_member": writes(OWNER, at=membership),
    "web:set_webhook": writes(OWNER, at=workspace, data=lambda world: {"url": "https://hooks.example.org/"}),
    "web:remove_webhook": writes(OWNER, at=workspace),
    "web:revoke_token": writes(OWNER, at=token_row),
    # how the catalog is kept true
    "web:refresh_runs": reads(SIGNED_IN),
    "web:start_refresh": writes(OPERATOR),
    "web:schedule_refresh": writes(OPERATOR),
    "web:refresh_run": reads(SIGNED_IN, at=refresh_run),
    "web:refresh_progress": reads(SIGNED_IN, at=refresh_run, but={("GET", ANONYMOUS): 200}),
    "web:cancel_refresh": writes(OPERATOR, at=refresh_run),
    "web:quarantine": reads(SIGNED_IN),
    "web:decide_quarantined": writes(OPERATOR),
    # its own model endpoints
    "web:endpoints": both(VIEWER, EDITOR, at=workspace, data=lambda world: NEW_ENDPOINT),
    "web:endpoint": both(VIEWER, EDITOR, at=endpoint),
    "web:remove_endpoint": writes(EDITOR, at=endpoint),
    "web:start_probe": writes(EDITOR, at=endpoint),
    "web:probe": reads(VIEWER, at=probe),
    "web:probe_progress": reads(VIEWER, at=probe, but={("GET", ANONYMOUS): 200}),
    "web:cancel_probe": writes(EDITOR, at=probe),
    # runs and reports
    "web:run": reads(VIEWER, at=run),
    "web:run_progress": reads(
        VIEWER, at=run, but={("GET", ANONYMOUS): 200}
    ),  # an empty answer that leads to signing in
    "web:cancel_run": writes(EDITOR, at=run),
    "web:retry_run": writes(EDITOR, at=run),
    "web:report": reads(VIEWER, at=revision),
    "web:report_cost": reads(VIEWER, at=revision),
    "web:report_workload": reads(VIEWER, at=lambda world: revision(world) | {"workload_id": "assistant"}),
    "web:report_coupling": reads(VIEWER, at=revision),
    "web:report_checks": reads(VIEWER, at=revision),
    "web:report_evidence": reads(VIEWER, at=revision),
    "web:report_statement": reads(VIEWER, at=statement),
    "web:report_statement_card": reads(VIEWER, at=statement),
    "web:report_print": reads(VIEWER, at=revision),
    "web:report_json": reads(VIEWER, at=revision),
    "web:report_markdown": reads(VIEWER, at=revision),
    "web:report_pdf": reads(VIEWER, at=revision),
    "web:report_bundle": reads(VIEWER, at=revision),
    "web:retry_pdf": writes(EDITOR, at=revision),
    # the catalog belongs to nobody in particular
    "web:catalog": reads(SIGNED_IN),
    "web:catalog_search": reads(SIGNED_IN),
    "web:catalog_compare": reads(SIGNED_IN),
    "web:catalog_freshness": reads(SIGNED_IN),
    "web:catalog_releases": reads(SIGNED_IN),
    "web:catalog_release": reads(SIGNED_IN, at=lambda world: {"number": world.release}),
    "web:catalog_latency": reads(SIGNED_IN),
    "web:catalog_latency_target": reads(SIGNED_IN, at=target),
    "web:probe_now": writes(OPERATOR, data=lambda world: {"what": "aws/eu-west-1"}),
    "web:add_probe_target": writes(
        OPERATOR, data=lambda world: {"region": "aws/eu-west-1", "url": "https://one.example.org/"}
    ),
    "web:switch_probe_target": writes(OPERATOR, at=target, data=lambda world: {"is_on": "no"}),
    "web:catalog_csv": reads(SIGNED_IN, at=lambda world: {"name": "accelerators"}),
    "web:catalog_list": reads(SIGNED_IN, at=lambda world: {"name": "accelerators"}),
    "web:catalog_row": reads(SIGNED_IN, at=lambda world: {"name": "accelerators", "row_id": "h100-sxm-80gb"}),
    # the REST API; what is for owners is for their tokens, and tests/advisor/api tells of those
    "api:schema": reads(PUBLIC),
    "api:docs": reads(PUBLIC),
    "api:me": reads(VIEWER),
    "api:tokens": both(VIEWER, EDITOR, data=lambda world: {"name": "nightly"}),
    "api:token": Rule(needs={"DELETE": EDITOR}, at=own_token),
    "api:workspaces": reads(VIEWER),
    "api:workspace": reads(VIEWER, at=workspace),
    "api:members": reads(OWNER, at=workspace),
    "api:webhook": Rule(needs={"GET": OWNER, "PUT": OWNER, "DELETE": OWNER}, at=workspace),
    "api:decisions": both(VIEWER, EDITOR, data=lambda world: DOCUMENT),
    "api:decision": reads(VIEWER, at=decision),
    "api:document": Rule(
        needs={"GET": VIEWER, "PUT": EDITOR, "PATCH": EDITOR},
        at=decision,
        data=lambda world: {"revision": 2, "version": 1, "changes": {"team.size": 3}},
    ),
    "api:decision_runs": writes(EDITOR, at=decision),
    "api:steps": reads(VIEWER, at=decision),
    "api:propose": writes(EDITOR, at=revision),
    "api:withdraw": writes(EDITOR, at=revision, data=reason),
    "api:reject": writes(OWNER, at=revision, data=reason),
    "api:accept": writes(OWNER, at=revision, data=lambda world: {"proposal": 1}),
    "api:comparison": reads(VIEWER, at=decision),
    "api:report": reads(VIEWER, at=revision),
    "api:report_json": reads(VIEWER, at=revision),
    "api:report_markdown": reads(VIEWER, at=revision),
    "api:report_pdf": reads(VIEWER, at=revision),
    "api:report_bundle": reads(VIEWER, at=revision),
    "api:runs": reads(VIEWER),
    "api:run": reads(VIEWER, at=run),
    "api:cancel_run": writes(EDITOR, at=run),
    "api:endpoints": both(VIEWER, EDITOR, data=lambda world: NEW_ENDPOINT),
    "api:endpoint": Rule(needs={"GET": VIEWER, "DELETE": EDITOR}, at=endpoint),
    "api:endpoint_probes": both(VIEWER, EDITOR, at=endpoint, data=lambda world: {"send": False}),
    "api:endpoint_probe": reads(VIEWER, at=probe),
    "api:cancel_endpoint_probe": writes(EDITOR, at=probe),
    "api:catalog": reads(VIEWER),
    "api:releases": reads(VIEWER),
    "api:probes": reads(VIEWER),
    "api:freshness": reads(VIEWER),
    "api:catalog_rows": reads(VIEWER, at=lambda world: {"table": "accelerators"}),
    "api:catalog_csv": reads(VIEWER, at=lambda world: {"table": "accelerators"}),
    "api:catalog_parquet": reads(VIEWER, at=lambda world: {"table": "accelerators"}),
    "api:catalog_row": reads(VIEWER, at=lambda world: {"table": "accelerators"}),
    "api:refreshes": both(VIEWER, OPERATOR, data=lambda world: {"sources": ["azure"]}),
    "api:refresh": reads(VIEWER, at=refresh_run),
    "api:cancel_refresh": writes(OPERATOR, at=refresh_run),
    "api:refresh_standings": reads(VIEWER),
    "api:schedule": Rule(
        needs={"PUT": OPERATOR},
        at=lambda world: {"source": "aws"},
        data=lambda world: {"every_hours": 6, "is_on": True},
    ),
    "api:quarantine": both(VIEWER, OPERATOR, data=lambda world: {"rows": [1], "verdict": "reject"}),
    "api:estimates": writes(VIEWER),
}


# --- the walk -------------------------------------------------------------------------------------------------------


def routes(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[str]:
    """Every route's full name; one without a name shows as its pattern, and so has no rule."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from routes(pattern.url_patterns, inner)
        else:
            yield f"{space}{pattern.name or pattern.pattern}"


ROUTES = sorted(routes(get_resolver().url_patterns))


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    assert set(ROUTES) - set(RULES) == set(), "routes without a rule in RULES"
    assert set(RULES) - set(ROUTES) == set(), "rules without a route"
    assert len(ROUTES) == len(set(ROUTES)), "a name is used twice"


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_keeps_its_rule(name: str, published: int) -> None:
    rule, world = RULES[name], World(release=published)
    address, data = reverse(name, kwargs=rule.at(world)), rule.data(world)
    is_api = name.startswith("api:")

    wrong = {}
    for actor in ACTORS:
        for method in METHODS:
            answer = world.ask(actor=actor, method=method, address=address, data=data)
            expected = _expected(rule=rule, actor=actor, method=method, is_api=is_api)
            if not _is(answer, expected):
                wrong[f"{method} by {actor}"] = f"{answer.status_code}, expected {expected}"

    assert wrong == {}


def _expected(*, rule: Rule, actor: str, method: str, is_api: bool) -> str | int:
    """Return a status, or one of the words "sign in" and "done"."""
    if is_api:
        actor = {"read token": VIEWER, "write token": EDITOR}.get(actor, ANONYMOUS)
    elif actor.endswith("token"):
        actor = ANONYMOUS
    level = rule.needs.get(method)
    if (method, actor) in rule.but:
        return rule.but[method, actor]
    if level == PUBLIC:
        return "done"
    if actor == ANONYMOUS and level:
        return 401 if is_api else "sign in"
    if level is None:
        return "no such method"
    if level == SIGNED_IN:
        return "done"
    if level == OPERATOR:
        return "done" if actor == OPERATOR else 403
    if actor not in LADDER:
        return 404
    return "done" if LADDER.index(actor) >= LADDER.index(level) else 403


def _is(answer: HttpResponse, expected: str | int) -> bool:
    to_sign_in = answer.status_code == 302 and urlsplit(answer.headers["Location"]).query.startswith("next=")
    if expected == "sign in":
        return to_sign_in
    if expected == "no such method":  # whoever is not signed in may be sent there first
        return answer.status_code in (401, 405) or to_sign_in
    if expected == "done":  # 400: it was let in, and only what it typed was refused
        return answer.status_code in (200, 201, 202, 204, 302, 303, 400, 409) and not to_sign_in
    return answer.status_code == expected


def test_the_matrix_covers_every_method_and_actor() -> None:
    assert len(ROUTES) * len(METHODS) * len(ACTORS) >= 1000


def test_an_operator_sees_no_workspace_by_being_one(published: int) -> None:
    world = World(release=published)

    for name, rule in RULES.items():
        for method, level in rule.needs.items():
            if level in LADDER:
                address = reverse(name, kwargs=rule.at(world))
                answer = world.ask(actor=OPERATOR, method=method, address=address, data=rule.data(world))
                expected = 401 if name.startswith("api:") else 404  # the API knows no sessions
                assert answer.status_code == expected, f"{method} {name}"
