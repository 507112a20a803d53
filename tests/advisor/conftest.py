"""What several tests of the product share: a peer to talk to over TLS."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor import price_tasks
from catalog import files, refresh
from catalog.frame import Catalog, build
from tests.advisor.factories import MOMENT
from tests.advisor.peers import Peer, certificate, serve
from tests.catalog.peers.server import running
from tests.catalog.peers.shop import Shelf, Shop


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


@pytest.fixture
def shelf() -> Shelf:
    """What the provider of `shop` holds; a test changes it."""
    return Shelf(prices={"us-east-1": {"aws/us-east-1/p5.48xlarge/on_demand": "54.00"}})


@pytest.fixture
def shop(
    published: int, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Iterator[Shop]:
    """A provider on this machine as the only source of prices. The test itself is the worker: messages go nowhere."""
    settings.DATA_DIR, settings.CELERY_BROKER_URL = tmp_path, "memory://"
    monkeypatch.setattr(price_tasks.refresh_part, "delay_on_commit", lambda **named: None)
    with running(shelf.answer) as started:
        found = Shop(url=started.url, regions=("us-east-1",))
        monkeypatch.setattr(refresh, "SOURCES", {"aws": (found,), "azure": (), "google": (), "models": ()})
        yield found
