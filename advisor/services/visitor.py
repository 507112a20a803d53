"""Where a request comes from."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings


def address(meta: Mapping[str, Any]) -> str:
    """Return the visitor's address: what the proxy appended where one is trusted, else the other end of the socket."""
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUST_PROXY else ""
    return str(forwarded.rsplit(",", 1)[-1].strip() or meta.get("REMOTE_ADDR", ""))
