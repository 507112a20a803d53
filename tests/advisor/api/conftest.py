"""A program with a token, as the tests of the API use it."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from advisor.models import User
from tests.advisor.factories import a_member, a_token


class Program:
    """Sends JSON with a token, and reads JSON."""

    def __init__(self, secret: str | None) -> None:
        told = {"authorization": f"Bearer {secret}"} if secret else {}
        self._client = Client(headers=told, raise_request_exception=False)

    def send(self, method: str, address: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a request to an address below /api/v1; bytes go as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = named.pop("content-type", "application/json")
        return self._client.generic(method, f"/api/v1{address}", content, content_type=kind, headers=named)

    def get(self, address: str, **headers: str) -> HttpResponse:
        return self.send("GET", address, **headers)

    def post(self, address: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("POST", address, body, **headers)


def program(user: User, *, cap: str = "write") -> Program:
    """A program that acts for a user in their first workspace."""
    workspace = user.workspaces.order_by("pk").first()
    assert workspace is not None
    return Program(a_token(user=user, workspace=workspace, cap=cap, moment=timezone.now()))


@pytest.fixture
def owner(db: None) -> User:
    return a_member(role="owner")


@pytest.fixture
def ours(owner: User) -> Program:
    """A program of the owner that may write."""
    return program(owner)


def fault(answer: HttpResponse) -> dict[str, Any]:
    """Return the error of a refusal, in the one shape."""
    body = answer.json()  # type: ignore[attr-defined]
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "items"}
    for item in body["error"]["items"]:
        assert {"path", "value", "message", "accepted"} <= set(item)
    return body["error"]
