"""What several tests of the product share: a peer to talk to over TLS."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog import files
from catalog.frame import Catalog, build
from tests.advisor.factories import MOMENT
from tests.advisor.peers import Peer, certificate, serve


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
