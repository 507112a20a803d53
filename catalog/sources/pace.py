"""How fast each provider is asked: one pace for all workers of an installation, kept where the broker is."""

import time
from collections.abc import Mapping
from functools import lru_cache

import limits
from django.conf import settings
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

# Requests a provider gets from us. None of them publishes a figure that is lower; docs/sources.md says what is known.
PACES: Mapping[str, str] = {
    "aws-prices": "5 per second",
    "aws-bulk": "4 per second",
    "aws-ec2": "5 per second",
    "aws-savingsplans": "2 per second",
    "aws-bedrock": "2 per second",
    "azure-prices": "4 per second",
    "google-billing": "2 per second",
    "google-vertex": "2 per second",
}
LONGEST_WAIT_S = 120.0


class TooBusy(Exception):
    """The pace of a provider was taken up by others for longer than we wait."""


def wait(name: str) -> None:
    """Return once one more request to this provider is within its pace. Raises TooBusy after LONGEST_WAIT_S."""
    until = time.monotonic() + LONGEST_WAIT_S
    while not take(name, rate=PACES[name]):
        if time.monotonic() > until:
            raise TooBusy(f"{name}: no turn within {LONGEST_WAIT_S:g} s at {PACES[name]}")
        time.sleep(0.05)


def take(name: str, *, rate: str) -> bool:
    """Take one turn at a rate ("4 per second"), if one is free for this installation. Raises TooBusy."""
    try:
        return _limiter(settings.CELERY_BROKER_URL).hit(limits.parse(rate), "pace", name)
    except StorageError as error:
        raise TooBusy(f"{name}: the broker, which counts the requests, does not answer") from error


@lru_cache(maxsize=1)
def _limiter(broker: str) -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(_storage(broker))


def _storage(broker: str) -> Storage:
    """Return the broker's own store where it is a Redis or Valkey that answers; else this process alone counts."""
    if broker.startswith(("redis://", "rediss://", "redis+socket://")):
        address = broker.replace("redis+socket://", "redis+unix://").partition("?")[0]
        shared = storage_from_string(address, wrap_exceptions=True)
        if isinstance(shared, Storage) and shared.check():
            return shared
    return MemoryStorage()
