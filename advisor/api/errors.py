"""Every refusal in the one shape: {"error": {"code", "message", "items": […]}}, as `core.problems` makes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from advisor.core.problems import DocumentError, error, problem
from advisor.services import endpoint_probes, idempotency, outbound, throttle, tokens, usage
from advisor.services.drafts import Conflict, Settled
from advisor.services.lifecycle import NotNow
from catalog.queries import NoRelease
from catalog.refresh import AlreadyRunning

PREFIX = "/api/"
_NO_CATALOG = "There is no catalog yet. It is loaded with `manage.py load_data`."


class BadRequest(Exception):
    """A request that says something else than its description allows."""

    def __init__(self, items: Sequence[Mapping[str, Any]]) -> None:
        self.items = items
        self.message = "The request has one problem." if len(items) == 1 else f"The request has {len(items)} problems."
        super().__init__(self.message)


def answer(raised: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the answer to what was raised in a view; None leaves it to Django, which logs it."""
    found = _told(raised)
    if found is None:
        return None
    status, body, headers = found
    return Response(body, status=status, headers=headers)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that nothing has: the API in its shape, the pages with theirs."""
    if request.path.startswith(PREFIX):
        return JsonResponse(error("not_found", "There is nothing at this address."), status=404)
    return defaults.page_not_found(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer after an error of ours, which Django has logged by now."""
    if request.path.startswith(PREFIX):
        return JsonResponse(error("internal", "This is an error of ours; the log of the server holds it."), status=500)
    return defaults.server_error(request)


Told = tuple[int, dict[str, Any], dict[str, str]]


def _told(raised: Exception) -> Told | None:
    if isinstance(raised, DocumentError):
        return 400, raised.as_dict(), {}
    if isinstance(raised, BadRequest):
        return 400, error("invalid_request", raised.message, raised.items), {}
    if isinstance(raised, Conflict):
        return 409, error("conflict", str(raised), [_difference(one) for one in raised.differences]), {}
    if isinstance(raised, throttle.TooManyTries | usage.TooManyRequests | endpoint_probes.TooManyProbes):
        return 429, error("too_many_requests", str(raised)), {"Retry-After": str(raised.retry_after_s)}
    for kind, status, code in _PLAIN:
        if isinstance(raised, kind):
            return status, error(code, _NO_CATALOG if kind is NoRelease else str(raised)), {}
    return _of_the_framework(raised) if isinstance(raised, exceptions.APIException) else None


_PLAIN: tuple[tuple[type[Exception], int, str], ...] = (
    (Http404, 404, "not_found"),
    (PermissionDenied, 403, "forbidden"),
    (tokens.CannotIssue, 400, "cannot_issue"),
    (outbound.Refused, 400, "address_refused"),
    (idempotency.KeyReused, 422, "key_reused"),
    (Settled, 409, "settled"),
    (AlreadyRunning, 409, "already_running"),
    (NotNow, 409, "not_now"),
    (endpoint_probes.AlreadyProbed, 409, "already_probed"),
    (RequestDataTooBig, 413, "too_large"),
    (NoRelease, 503, "no_catalog"),
)


def _difference(one: Any) -> dict[str, Any]:
    """Return one place that somebody else changed: the value that was sent, and the one that stands there now."""
    message = f"{one.who} changed this since you read it." if one.place else f"{one.who} changed the document."
    return {**problem(one.place, one.mine, message), "theirs": one.theirs}


def _of_the_framework(raised: exceptions.APIException) -> Told:
    code = str(raised.default_code)
    headers = {}
    if isinstance(raised, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        code = "not_authenticated"
        headers["WWW-Authenticate"] = 'Bearer realm="advisor"'
    return raised.status_code, error(code, str(raised.detail)), headers
