"""What several tests of the product share: the shipped catalog, published once a file; a peer to talk to over TLS."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from catalog import files, ingest
from catalog.frame import Catalog, build
from tests.advisor.factories import MOMENT
from tests.advisor.peers import Peer, certificate, serve


@pytest.fixture(scope="module")
def published(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    """The shipped facts, published once for this file: reading them takes seconds."""
    with django_db_blocker.unblock():
        yield ingest.publish_files(actor="tests", moment=MOMENT)
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Peer]:
    """A program on this machine that we may reach, under a certificate that we trust."""
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    settings.OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    peer = Peer()
    server = serve(peer, pem=pem)
    yield peer
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    """The shipped facts as frames, without a database."""
    return build(facts=files.load(), moment=MOMENT.date(), release=1)
