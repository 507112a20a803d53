"""Pages of the catalog: for the signed-in, read only, and kept by the browser until the release or the day moves."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_safe

from advisor.services import probing, shelf
from catalog.frame import Catalog
from catalog.queries import NoRelease

View = Callable[..., HttpResponseBase]


def catalog_page(view: View) -> View:
    """Return a view that is handed the current catalog, and that answers 304 to a browser that has this state of it."""
    return _page(view, is_kept=True)


def fresh_catalog_page(view: View) -> View:
    """Return such a view whose page also depends on what is not in the catalog, so that it is made each time."""
    return _page(view, is_kept=False)


def _page(view: View, *, is_kept: bool) -> View:
    @login_required
    @require_safe
    @wraps(view)
    def page(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
        try:
            catalog = shelf.current(moment=timezone.now())
        except NoRelease:
            return render(request, "web/catalog_none.html", status=503)
        # Only the pages of regions show what probes have seen.
        seen = probing.state() if named.get("name") == "regions" and "row_id" in named else 0
        etag = _etag(request, catalog, seen=seen)
        known = get_conditional_response(request, etag=etag) if is_kept else None
        response = known or view(request, catalog, *args, **named)
        if response.status_code == 200 and is_kept:
            response.headers["ETag"] = etag
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Cookie"])
        return response

    return page


def _etag(request: HttpRequest, catalog: Catalog, *, seen: int) -> str:
    """Name what a page depends on: release, day (ages), newest probe, reader and session (header), and our code."""
    reader = (request.user.pk, request.user, request.META.get("CSRF_COOKIE", ""), sorted(request.session.items()))
    parts = (catalog.release, catalog.fact_set, catalog.moment, seen, *reader, shelf.code())
    return f'"{hashlib.sha256(repr(tuple(map(str, parts))).encode()).hexdigest()[:32]}"'
