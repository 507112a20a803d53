"""What every route shares: a token, its limits, JSON or YAML in, JSON out, and answers that may be asked for twice."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from django.conf import settings
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.utils.mediatypes import media_type_matches, order_by_precedence
from rest_framework.views import APIView

from advisor.api.errors import BadRequest
from advisor.core import reading
from advisor.core.problems import problem
from advisor.services import idempotency, tokens, usage, visitor
from advisor.services.idempotency import KEY_MAX_LETTERS, Answer
from advisor.services.tokens import Bearer

JSON, YAML, CSV, MARKDOWN = "application/json", "application/yaml", "text/csv", "text/markdown"
PARQUET = "application/vnd.apache.parquet"
PDF, ZIP = "application/pdf", "application/zip"
_SAFE = ("GET", "HEAD")


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer advisor_…`; no session, so no page of another site can use one."""

    def authenticate(self, request: Request) -> tuple[Any, Bearer] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        address = visitor.address(request.META)
        try:
            bearer = tokens.authenticate(secret=secret.strip(), address=address, moment=timezone.now())
        except tokens.TokenRefused as error:
            count(subject=f"address {address}", limit=settings.API_ANONYMOUS_PER_MINUTE)
            raise exceptions.AuthenticationFailed(str(error)) from error
        return bearer.user, bearer

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="advisor"'


class NeedsToken(BasePermission):
    """Whoever shows no token gets 401."""

    message = "Send a token: `Authorization: Bearer advisor_…`. You make one on your account's page."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.auth is None:
            raise exceptions.NotAuthenticated(self.message)
        return True


class PerMinute(BaseThrottle):
    """So many requests a minute by token; by address for whoever shows none."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        bearer = _bearer(request)
        if bearer is None:
            subject, limit = f"address {visitor.address(request.META)}", settings.API_ANONYMOUS_PER_MINUTE
        elif request.method in _SAFE and not getattr(view, "is_costly", lambda request: False)(request):
            subject, limit = f"token {bearer.token_id} reads", settings.API_READS_PER_MINUTE
        else:
            subject, limit = f"token {bearer.token_id} writes", settings.API_WRITES_PER_MINUTE
        count(subject=subject, limit=limit)
        return True


def _bearer(request: Request) -> Bearer | None:
    return cast("Bearer | None", request.auth)


def count(*, subject: str, limit: int) -> None:
    """Count a request. Raises TooManyRequests."""
    usage.count(subject=subject[:100], limit=limit, moment=timezone.now())


class Negotiation(BaseContentNegotiation):
    """Chooses among what the view produces. Refusals are JSON whatever was asked for."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next((one for one in parsers if media_type_matches(one.media_type, request.content_type)), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        view = request.parser_context["view"]
        accepted = [part.strip() for part in request.headers.get("Accept", "").split(",") if part.strip()] or ["*/*"]
        wanted = [part for part in accepted if not re.search(r";\s*q=0(\.0*)?\s*(;|$)", part)]
        for group in order_by_precedence(wanted):
            for produced in view.produces:
                if any(media_type_matches(produced, part.split(";")[0]) for part in group):
                    return next(iter(renderers)), produced
        raise exceptions.NotAcceptable(f"This address answers with {' or '.join(view.produces)}.")


class Body(BaseParser):
    """Hands on the bytes: the document is kept as it was written, other bodies are read where they are checked."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return parser_context["request"].body


class JsonBody(Body):
    media_type = JSON


class YamlBody(Body):
    media_type = YAML


class OldYamlBody(Body):
    media_type = "application/x-yaml"


class TextYamlBody(Body):
    media_type = "text/yaml"


class View(APIView):
    """One address of the API."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [NeedsToken]
    throttle_classes = [PerMinute]
    parser_classes = [JsonBody, YamlBody, OldYamlBody, TextYamlBody]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = Negotiation
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    produces: tuple[str, ...] = (JSON,)

    def initial(self, request: Request, *args: Any, **named: Any) -> None:
        """Count before refusing: whoever has no token is counted too."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.perform_authentication(request)
        self.check_throttles(request)
        self.check_permissions(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **named: Any) -> Any:
        """Say what an answer depends on: nobody between us and the program may hand it to another."""
        done = super().finalize_response(request, response, *args, **named)
        done.headers["Vary"] = "Authorization, Accept"
        return done

    @property
    def bearer(self) -> Bearer:
        """Return whom the request speaks for."""
        found = _bearer(self.request)
        if found is None:  # only a view that asks for no token gets here, and those do not ask who it is
            raise exceptions.NotAuthenticated(NeedsToken.message)
        return found

    def who(self) -> dict[str, Any]:
        """Return what the look-ups of `access` hold the request to."""
        return {"user": self.bearer.user, "scope": self.bearer.scope}

    def once(self, work: Callable[[], Answer]) -> Response:
        """Do the work, once for all requests with this Idempotency-Key, and return its answer."""
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return _response(work())
        if not re.fullmatch(rf"[\x21-\x7e]{{1,{KEY_MAX_LETTERS}}}", key):
            message = f"An Idempotency-Key has 1 to {KEY_MAX_LETTERS} letters, digits and signs, and no spaces."
            raise BadRequest([problem("Idempotency-Key", key, message)])
        request = self.request
        parts = [str(request.method), request.get_full_path(), request.content_type or ""]
        digest = hashlib.sha256("\n".join(parts).encode() + b"\n" + request.body).hexdigest()
        answer, is_repeated = idempotency.once(
            token_id=self.bearer.token_id, key=key, request_sha256=digest, moment=timezone.now(), work=work
        )
        return _response(answer, **({"Idempotency-Replayed": "true"} if is_repeated else {}))


def _response(answer: Answer, **headers: str) -> Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if answer.location:
        told["Location"] = answer.location
    return Response(answer.body, status=answer.status, headers=told)


# --- what came in ---------------------------------------------------------------------------------------------------


class Input(serializers.Serializer):
    """The parts of a request that are checked here; a part it does not know is refused."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            known = list(self.fields)
            raise BadRequest([problem(name, data[name], f"{name!r} is not known here.", known) for name in unknown])
        found: dict[str, Any] = super().to_internal_value(data)
        return found


def content(request: Request) -> bytes:
    """Return the bytes of a body that must be there."""
    found = request.data
    if not isinstance(found, bytes) or not found.strip():
        raise BadRequest([problem("", None, "The request needs a body.")])
    return found


def is_known(request: Request, etag: str) -> bool:
    """Return whether the program has this state already. Compression on the way makes an ETag weak: `W/"…"`."""
    told = [part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")]
    return etag in told or "*" in told


def mapping(request: Request) -> dict[str, Any]:
    """Return a JSON or YAML body as a mapping. Raises DocumentError for whatever is none."""
    return reading.parse(content(request))


def checked(shape: type[Input], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked parts of a request. Raises BadRequest that names each fault."""
    form = shape(data=dict(data))
    if form.is_valid():
        return dict(form.validated_data)
    raise BadRequest(list(_items(form, form.errors, data)))


def parameters(shape: type[Input], request: Request) -> dict[str, Any]:
    """Return the checked parameters of an address."""
    return checked(shape, request.query_params.dict())


def _items(form: serializers.Serializer, errors: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    for name, messages in errors.items():
        field = form.fields.get(name)
        choices = list(getattr(field, "choices", None) or ())
        yield problem(name, data.get(name), " ".join(map(str, _flat(messages))), choices)


def _flat(messages: Any) -> list[Any]:
    if isinstance(messages, Mapping):
        return [text for part in messages.values() for text in _flat(part)]
    return list(messages) if isinstance(messages, list) else [messages]
