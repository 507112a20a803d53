"""What every answer carries and Django does not set."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

GetResponse = Callable[[HttpRequest], HttpResponse]

# What a browser may not do here even if a page asked for it.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "microphone",
        "payment",
        "usb",
    )
)


def guard(get_response: GetResponse) -> GetResponse:
    """Return a middleware that switches devices off and lets nobody keep a page that says nothing about keeping.

    It also gives a page to Django's empty 405: whoever reloads the address of a form, or signs in again after sending
    one, gets there.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 405 and not response.content:
            response.content = render(request, "405.html").content
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware
