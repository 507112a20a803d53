"""The description of the API, for programs and for people. Nothing in it is confidential: no token is asked for."""

import hashlib
import json
from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from advisor.api.views import JSON, View, is_known


@lru_cache(maxsize=1)
def description() -> bytes:
    """Return the API's OpenAPI 3.1 description, made once a process."""
    found = SchemaGenerator().get_schema(request=None, public=True)
    return json.dumps(found, ensure_ascii=False, default=str).encode()


class Public(View):
    """An address for everybody."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []


@extend_schema(exclude=True)
class Description(Public):
    def get(self, request: Request) -> HttpResponse:
        etag = f'"{hashlib.sha256(description()).hexdigest()[:32]}"'
        told = {"ETag": etag, "Cache-Control": "no-cache"}
        if is_known(request, etag):
            return HttpResponse(status=304, headers=told)
        return HttpResponse(description(), content_type=JSON, headers=told)


@extend_schema(exclude=True)
class Page(Public):
    """The page on which people read the description and try it."""

    produces = ("text/html",)

    def get(self, request: Request) -> HttpResponse:
        return render(request._request, "api/docs.html")
