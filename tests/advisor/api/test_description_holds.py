"""Schemathesis asks every route odd questions: each answer is one that the description names, in its shape."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given
from schemathesis.checks import CHECKS
from schemathesis.generation.modes import GenerationMode

from advisor.api.docs import description
from advisor.models import User
from advisor.services import webhooks
from advisor.wsgi import application
from tests.advisor.factories import MOMENT, a_probe, a_reported_run, a_token

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

REPORT = Path(__file__).parents[2] / "golden" / "reports" / "small_team.json"
HELD = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = 25


@cache
def operations() -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(json.loads(description()))
    schema.app = application
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


ROUTES = [
    f"{method.upper()} {path}" for path, methods in json.loads(description())["paths"].items() for method in methods
]


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """A request would close the connection at its end, and the test's transaction with it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def known(owner: User, published: int, settings: Any) -> dict[str, Any]:
    """Ids that lead somewhere, and nobody who counts requests."""
    settings.API_READS_PER_MINUTE = settings.API_WRITES_PER_MINUTE = settings.API_ANONYMOUS_PER_MINUTE = 10**8
    run = a_reported_run(owner=owner, content=REPORT.read_bytes())
    workspace = owner.workspaces.get()
    webhooks.set_webhook(workspace=workspace, user=owner, url="https://hooks.example.org/", moment=MOMENT)
    probe = a_probe(user=owner)
    return {
        "decision_id": run.revision.decision_id,
        "number": 1,
        "run_id": run.pk,
        "endpoint_id": probe.endpoint_id,
        "probe_id": probe.pk,
        "workspace_id": workspace.pk,
        "table": "accelerators",
        "source": "azure",
    }


@pytest.mark.parametrize("who", ["owner", "reader", "nobody"])
@pytest.mark.parametrize("route", ROUTES)
def test_every_answer_of_a_route_is_described(route: str, who: str, known: dict[str, Any], owner: User) -> None:
    workspace = owner.workspaces.get()
    cap = "write" if who == "owner" else "read"
    secret = "advisor_wrong" if who == "nobody" else a_token(user=owner, workspace=workspace, cap=cap, moment=MOMENT)
    operation = operations()[route]
    checks = [CHECKS.get_one(name) for name in HELD]

    @hypothesis.settings(
        max_examples=EXAMPLES if who == "owner" else 2,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(pair=_cases(operation))
    def ask(pair: tuple[Any, bool]) -> None:
        case, is_known = pair
        if is_known:
            case.path_parameters |= {name: value for name, value in known.items() if name in case.path_parameters}
        case.headers["Authorization"] = f"Bearer {secret}"
        case.headers["Accept-Encoding"] = "identity"  # whoever asks through WSGI unpacks nothing
        case.call_and_validate(checks=checks)

    ask()


def _cases(operation: Any) -> Any:
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = hypothesis.strategies.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
    return hypothesis.strategies.tuples(cases, hypothesis.strategies.booleans())
