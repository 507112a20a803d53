"""What every test gets: sockets that reach this machine only, the `db` mark; on request the shipped catalog, published
once a file, and a Valkey of its own."""

import datetime as dt
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from tests.valkey import PrivateValkey

_connect = socket.socket.connect

# A slow machine is no fault of the code: how long something takes is measured by `make bench`, not by a test.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# The same hash, cheap: a password in a test is worth no second of work.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1

PUBLISHED_AT = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


class SocketLeftTheMachine(Exception):
    """A test tried to reach another machine."""


def _connect_locally(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = address[0]
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise SocketLeftTheMachine(f"a test connects to {host}: use a local fake instead")
    _connect(self, address)


@pytest.fixture(autouse=True)
def _sockets_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _connect_locally)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the database, so that `-m db` can run it again on PostgreSQL."""
    database_fixtures = {"db", "transactional_db", "live_server", "django_db_setup", "live_stack"}
    for item in items:
        if item.get_closest_marker("django_db") or database_fixtures & set(getattr(item, "fixturenames", ())):
            item.add_marker("db")


@pytest.fixture(scope="module")
def published(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    """The shipped facts, published once for this file: reading them takes seconds."""
    from catalog import ingest

    with django_db_blocker.unblock():
        yield ingest.publish_files(actor="tests", moment=PUBLISHED_AT)
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[str]:
    """A Valkey server of this test's own; the value is its Celery broker URL."""
    server = PrivateValkey(directory=tmp_path)
    server.start()
    yield server.url
    server.stop()
