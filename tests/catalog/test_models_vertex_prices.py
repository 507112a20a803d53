"""Vertex AI's token prices from SKUs of the billing catalog. Prices are the catalog's or invented."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.files import Facts
from catalog.sources import pace, vertex_prices
from catalog.sources.source import Found, NotConfigured, Observed, Part, SourceFailed, SourceUnreachable
from tests.catalog.peers.models_found import Kept, found, outside, prices
from tests.catalog.peers.models_vertex import KEY, billing, sku
from tests.catalog.peers.server import Fault, Peer, running

INPUT, OUTPUT, CACHED = "input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok"
PART = Part(source="models", dataset=vertex_prices.DATASET, region="global")


@pytest.fixture
def peer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setattr(pace, "PACES", {"google-billing": "1000 per second"})
    settings.GOOGLE_API_KEY = KEY
    with running(billing([])) as started:
        settings.GOOGLE_BILLING_URL = started.url
        yield started


Read = Callable[..., list[Found]]


@pytest.fixture
def read(peer: Peer, facts: Facts, tmp_path: Path) -> Read:
    def through(*skus: dict[str, Any]) -> list[Found]:
        peer.answer = billing(skus)
        return found(vertex_prices, part=PART, kept=Kept(tmp_path), facts=facts)

    return through


@pytest.mark.parametrize(
    ("description", "offer", "column"),
    [
        ("Gemini 2.5 Pro Text Input - Predictions", "gemini-2-5-pro", INPUT),
        ("Gemini 2.5 Pro Text Output (Long) - Predictions", "gemini-2-5-pro", "long_context_output_usd_per_mtok"),
        ("Gemini 2.5 Pro Input Text Caching", "gemini-2-5-pro", CACHED),
        ("Gemini 2.5 Flash GA Batch Text Input - Predictions", "gemini-2-5-flash", "batch_input_usd_per_mtok"),
        ("Gemini 3.0 Pro Text Input - Predictions", "gemini-3-pro", INPUT),
        ("Gemini 3.8 Flash Global Text Output - Predictions", "gemini-3-8-flash", OUTPUT),
        ("Gemini 3.1 Flash Image Text Input - Predictions", "gemini-3-1-flash-image", INPUT),
        ("Cloud Vertex AI Model Garden Model as a Service Llama 4 Scout Input Token", "llama-4-scout", INPUT),
        ("Cloud Vertex AI Model Garden Model as a Service gpt-oss-120b Batch Output Token", "gpt-oss-120b",
         "batch_output_usd_per_mtok"),
    ],
)  # fmt: skip
def test_a_sku_is_read_by_the_words_of_its_description(description: str, offer: str, column: str, read: Read) -> None:
    assert prices(read(sku(description, "1.25"))) == {(f"gcp/{offer}/unstated", column): {"1.25"}}


def test_prices_agree_with_the_shipped_ones(read: Read, facts: Facts) -> None:
    rows = read(
        sku("Gemini 2.5 Pro Text Input - Predictions", "1.25"),
        sku("Gemini 2.5 Pro Text Input (Long) - Predictions", "2.5"),
        sku("Gemini 2.5 Flash GA Text Output - Predictions", "2.5"),
        sku("Gemini 3.8 Flash Global Text Input - Predictions", "0.75"),
        sku("Gemini 3.5 Flash Global Text Output - Predictions", "9"),
    )

    shipped = {offer.id: offer for offer in facts.model_offers}
    amounts = {(row.key, row.meter): row.amount for row in rows if isinstance(row, Observed)}
    assert len(amounts) == 5
    assert {key: getattr(shipped[key[0]], key[1]) for key in amounts} == amounts


@pytest.mark.parametrize(
    "description",
    [
        "Gemini 3.5 Flash Regional Text Input - Predictions",  # a tenth dearer than the global one
        "Gemini 2.5 Flash Image Output - Predictions",  # an image, of the model of that name
        "Gemini 2.5 Flash Audio Input - Predictions",
        "Gemini 2.5 Pro Thinking Text Output - Predictions",
        "Gemini 3.8 Flash Priority Global Text Input - Predictions",
        "Gemini 3.8 Flash Flex Global Text Input - Predictions",
        "Gemini 2.5 Flash Live Text Input - Predictions",
        "Gemini 2.5 Pro Input Text Caching (Long)",
        "Gemini 2.5 Pro Text Input Caching Storage",
        "Gemini 2.5 Flash Tuning Text Input - Predictions",
        "Vertex AI: Provisioned Throughput 1 month",
    ],
)
def test_a_sku_of_another_kind_or_place_is_only_counted(description: str, read: Read) -> None:
    rows = read(sku(description, "1"))

    assert prices(rows) == {}
    assert sum(outside(rows).values()) == 1


def test_a_preview_is_not_the_price_of_the_model(read: Read) -> None:
    rows = read(
        sku("Gemini 2.5 Flash Text Input - Predictions", "0.15"),
        sku("Gemini 2.5 Flash GA Text Input - Predictions", "0.3"),
    )

    assert prices(rows) == {("gcp/gemini-2-5-flash/unstated", INPUT): {"0.3"}}


def test_small_prices_are_exact(read: Read) -> None:
    """Units and billionths of a token's price; one billionth is a tenth of a cent per million."""
    rows = read(sku("Gemini 2.5 Pro Input Text Caching", "0.125"), sku("Gemini 2.5 Pro Text Output", "0.001"))

    assert prices(rows) == {
        ("gcp/gemini-2-5-pro/unstated", CACHED): {"0.125"},
        ("gcp/gemini-2-5-pro/unstated", OUTPUT): {"0.001"},
    }


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"unit": "h"}, "The unit 'h' is unknown: not a count of tokens."),
        ({"currency": "EUR"}, "The price is not in USD."),
        ({"tiers": [{"startUsageAmount": 1000, "unitPrice": {"currencyCode": "USD", "nanos": 1}}]},
         "The price depends on the volume."),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_says_why(more: dict[str, Any], problem: str, read: Read) -> None:
    rows = read(sku("Gemini 2.5 Pro Text Input - Predictions", "1.25", **more))

    assert prices(rows) == {("gcp/gemini-2-5-pro/unstated", INPUT): {problem}}


def test_a_price_of_zero_is_a_problem(read: Read) -> None:
    rows = read(sku("Gemini 2.5 Pro Text Input - Predictions", "0"))

    assert prices(rows) == {("gcp/gemini-2-5-pro/unstated", INPUT): {"The price is zero."}}


def test_pages_are_followed_to_the_empty_token(read: Read, peer: Peer) -> None:
    rows = read(*(sku(f"Gemini {version} Pro Text Input - Predictions", "2") for version in ("2.5", "3.0", "3.1")))

    assert len(prices(rows)) == 3
    assert [request.query.get("pageToken") for request in peer.asked] == [None, None, "2"]


def test_the_key_is_in_no_address(peer: Peer, tmp_path: Path) -> None:
    peer.answer = billing([sku("Gemini 2.5 Pro Text Input - Predictions", "1.25")])
    kept = Kept(tmp_path)

    vertex_prices.fetch(PART, keep=kept)

    assert KEY not in repr([page.url for page in kept.pages]) + repr([request.query for request in peer.asked])


def test_without_a_key_it_is_not_configured(settings: Any, facts: Facts) -> None:
    settings.GOOGLE_API_KEY = ""

    with pytest.raises(NotConfigured, match="GOOGLE_API_KEY"):
        vertex_prices.parts(facts=facts, regions=None)


def test_its_offers_name_no_region(peer: Peer, facts: Facts) -> None:
    assert list(vertex_prices.parts(facts=facts, regions=None)) == [PART]
    assert list(vertex_prices.parts(facts=facts, regions=["us-central1"])) == []


@pytest.mark.parametrize(
    ("services", "error"),
    [
        ([("6F81-5844-456A", "Compute Engine")], "names no service 'Vertex AI'"),
        ([("FFFF-0000-0000", "Vertex AI")], "states no SKU of 'Vertex AI'"),
        ([("../../elsewhere", "Vertex AI")], "names no service 'Vertex AI'"),
    ],
)
def test_a_wrong_service_is_a_failure_and_not_an_empty_catalog(
    services: list[tuple[str, str]], error: str, peer: Peer, tmp_path: Path
) -> None:
    peer.answer = billing([sku("Gemini 2.5 Pro Text Input - Predictions", "1.25")], services=services)

    with pytest.raises(SourceFailed, match=error):
        vertex_prices.fetch(PART, keep=Kept(tmp_path))


def test_a_page_that_comes_twice_ends_the_fetch(peer: Peer, tmp_path: Path) -> None:
    skus = [sku(f"Gemini 2.5 Pro Text Input {place}", "1.25") for place in range(4)]
    peer.answer = billing(skus, following=lambda _: "2")

    with pytest.raises(SourceFailed, match="same next page twice"):
        vertex_prices.fetch(PART, keep=Kept(tmp_path))


def test_pages_without_an_end_are_capped(peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vertex_prices, "PAGES_MOST", 4)
    peer.answer = billing([], following=lambda start: str(start + 1))

    with pytest.raises(SourceFailed, match="more than 4 pages"):
        vertex_prices.fetch(PART, keep=Kept(tmp_path))


def test_throttling_is_waited_out_and_a_refusal_is_not(peer: Peer, facts: Facts, tmp_path: Path) -> None:
    peer.answer = billing([sku("Gemini 2.5 Pro Text Input - Predictions", "1.25")])
    peer.faults.append(Fault(status=429, retry_after="0"))
    assert prices(found(vertex_prices, part=PART, kept=Kept(tmp_path), facts=facts))

    peer.always = Fault(status=403)
    with pytest.raises(SourceFailed, match="403"):
        vertex_prices.fetch(PART, keep=Kept(tmp_path))


def test_nobody_there_is_told(peer: Peer, settings: Any, tmp_path: Path) -> None:
    settings.GOOGLE_BILLING_URL = "http://127.0.0.1:9"

    with pytest.raises(SourceUnreachable):
        vertex_prices.fetch(PART, keep=Kept(tmp_path))


@pytest.mark.parametrize("body", [b"[]", b'{"skus": [{}]}', b'{"skus": [{"descr', b'{"skus": ["a"]}'])
def test_an_answer_of_another_shape_fails(body: bytes, facts: Facts, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept(url="x", pieces=[body])

    with pytest.raises(SourceFailed):
        list(vertex_prices.read(PART, pages=kept.pages, facts=facts))
