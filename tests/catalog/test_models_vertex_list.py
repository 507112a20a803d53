"""Vertex AI's list of models: it tells of models that the catalog lacks, and of no end of any."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.files import Facts
from catalog.sources import pace, vertex_models
from catalog.sources.source import NotConfigured, Outside, Part, SourceFailed
from tests.catalog.peers.models_found import Kept, found
from tests.catalog.peers.models_vertex import TOKEN, listed
from tests.catalog.peers.server import Fault, Peer, running

PART = Part(source="models", dataset=vertex_models.DATASET, region="us-central1")
MODELS = {
    "google": ["gemini-2.5-pro", "gemini-99"],
    "meta": ["llama-3.3-70b-instruct-maas"],
    "anthropic": ["claude-opus-5"],
}


@pytest.fixture
def peer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setattr(pace, "PACES", {"google-vertex": "1000 per second"})
    settings.GOOGLE_ACCESS_TOKEN = TOKEN
    with running(listed(MODELS)) as started:
        settings.GOOGLE_VERTEX_URL = started.url
        yield started


def test_models_that_are_not_held_are_counted(peer: Peer, facts: Facts, tmp_path: Path) -> None:
    rows = found(vertex_models, part=PART, kept=Kept(tmp_path), facts=facts)

    assert rows == [Outside(count=1, what="Models of Vertex AI without a row in model_offers.csv")]
    assert {request.path.split("/")[3] for request in peer.asked} == set(vertex_models.PUBLISHERS)


def test_the_region_stands_in_the_address(peer: Peer, settings: Any, tmp_path: Path) -> None:
    settings.GOOGLE_VERTEX_URL = peer.url + "/{region}"

    with pytest.raises(SourceFailed, match="/us-central1/v1beta1/publishers/google/models answered 404"):
        vertex_models.fetch(PART, keep=Kept(tmp_path))


def test_without_a_token_it_is_not_configured(settings: Any, facts: Facts) -> None:
    settings.GOOGLE_ACCESS_TOKEN = ""

    with pytest.raises(NotConfigured, match="GOOGLE_ACCESS_TOKEN"):
        vertex_models.parts(facts=facts, regions=None)


def test_an_old_token_is_told(peer: Peer, settings: Any, tmp_path: Path) -> None:
    settings.GOOGLE_ACCESS_TOKEN = "of yesterday"

    with pytest.raises(SourceFailed, match="401"):
        vertex_models.fetch(PART, keep=Kept(tmp_path))


def test_a_page_that_comes_twice_ends_the_fetch(peer: Peer, tmp_path: Path) -> None:
    peer.answer = listed(MODELS, following="0")

    with pytest.raises(SourceFailed, match="same next page twice"):
        vertex_models.fetch(PART, keep=Kept(tmp_path))


def test_no_model_at_all_is_a_failure(peer: Peer, facts: Facts, tmp_path: Path) -> None:
    peer.answer = listed({})

    with pytest.raises(SourceFailed, match="no model at all"):
        found(vertex_models, part=PART, kept=Kept(tmp_path), facts=facts)


def test_throttling_is_waited_out(peer: Peer, facts: Facts, tmp_path: Path) -> None:
    peer.faults.append(Fault(status=503, retry_after="0"))

    assert found(vertex_models, part=PART, kept=Kept(tmp_path), facts=facts)
