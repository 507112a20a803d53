"""Refuses a body larger than any page takes before a byte of it is read."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from advisor.core.problems import error

GetResponse = Callable[[HttpRequest], HttpResponse]


def limit_body(get_response: GetResponse) -> GetResponse:
    """Return a middleware that answers 413 to a request whose stated length is past ``DATA_UPLOAD_MAX_MEMORY_SIZE``.

    Form parsing stores an upload on disk before any view can look at its size. A body without a stated length is read
    as empty by WSGI, so the header is enough.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            if request.path.startswith("/api/"):
                said = (
                    f"A request may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes; this one has {int(length):,}."
                )
                return JsonResponse(error("too_large", said), status=413)
            return render(request, "400.html", status=413)
        return get_response(request)

    return middleware
