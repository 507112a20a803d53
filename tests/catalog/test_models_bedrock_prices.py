"""Bedrock's prices from the bulk files of its three offers. Amounts are the catalog's, worked by hand, or invented."""

import dataclasses
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog.files import Facts
from catalog.sources import bedrock_prices, pace
from catalog.sources.source import Found, Observed, Part, SourceBusy, SourceFailed, SourceUnreachable
from tests.catalog.peers.models_bedrock import Offers, Product, claude
from tests.catalog.peers.models_found import Kept, found, outside, prices
from tests.catalog.peers.server import Fault, Peer, running

UNKNOWN_UNIT = "The unit 'Units' is unknown: neither thousands nor millions of tokens."
INPUT, OUTPUT = "input_usd_per_mtok", "output_usd_per_mtok"
CACHED, WRITE = "cached_input_usd_per_mtok", "cache_write_usd_per_mtok"
NOVA = Product(usage="USE1-NovaLite-input-tokens", usd="0.0000600000", model="Nova Lite", inference="Input tokens")


def nova(usage: str, usd: str = "0.0000300000", **more: str) -> Product:
    return dataclasses.replace(NOVA, usage=usage, usd=usd, **more)


@pytest.fixture
def peer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setattr(pace, "PACES", {"aws-bulk": "1000 per second"})
    offers = Offers({"AmazonBedrock": {"us-east-1": [NOVA]}})
    with running(offers) as started:
        settings.AWS_BULK_PRICING_URL = started.url
        yield started


Read = Callable[..., list[Found]]


@pytest.fixture
def read(peer: Peer, facts: Facts, tmp_path: Path) -> Read:
    """Read products of a region's files, through the peer: read(AmazonBedrock=[…], region="us-east-1")."""

    def through(*, region: str = "us-east-1", **products: list[Product]) -> list[Found]:
        peer.answer = Offers({offer: {region: rows} for offer, rows in products.items()})
        return found(bedrock_prices, part=_part(region), kept=Kept(tmp_path), facts=facts)

    return through


def _part(region: str = "us-east-1") -> Part:
    return Part(source="models", dataset=bedrock_prices.DATASET, region=region)


def test_parts_are_the_regions_that_speak_for_an_offer(facts: Facts) -> None:
    regions = [part.region for part in bedrock_prices.parts(facts=facts, regions=None)]

    assert {"us-east-1", "eu-central-1", "ap-southeast-1", "us-gov-west-1", "sa-east-1"} <= set(regions)
    assert len(regions) == len(set(regions))
    assert bedrock_prices.parts(facts=facts, regions=["eu-central-1", "westeurope"]) == [_part("eu-central-1")]


def test_the_three_offers_are_read_as_one(read: Read) -> None:
    rows = read(
        AmazonBedrock=[NOVA],
        AmazonBedrockService=[
            Product(
                usage="USE1-Claude4Sonnet-input-tokens-cross-region-global",
                usd="0.0030000000",
                model="Claude Sonnet 4",
                inference="Input tokens",
            )
        ],
        AmazonBedrockFoundationModels=[claude("InputTokenCount", "2.2000000000")],
    )

    assert prices(rows) == {
        ("aws/nova-lite/unstated", INPUT): {"0.06"},  # 0.00006 a thousand
        ("aws/nova-lite/us", INPUT): {"0.06"},
        ("aws/claude-sonnet-4/global", INPUT): {"3"},  # 0.003 a thousand
        ("aws/claude-sonnet-5/us", INPUT): {"2.2"},  # a million already
    }


def test_prices_agree_with_the_shipped_ones(read: Read, facts: Facts) -> None:
    rows = read(
        AmazonBedrock=[
            NOVA,
            nova("USE1-NovaLite-output-tokens", "0.0002400000", inference="Output tokens"),
            nova("USE1-NovaLite-cache-read-input-token-count", "0.0000150000", inference="Cache read input tokens"),
            nova("USE1-NovaLite-input-tokens-batch", inference="Input tokens batch"),
        ],
        AmazonBedrockFoundationModels=[
            claude("InputTokenCount", "2.2"),
            claude("OutputTokenCount", "11"),
            claude("input_tokens_global_standard", "2"),
            claude("OutputTokenCount_Global", "10"),
            claude("cache_read_tokens_standard", "0.22"),
            claude("CacheWriteInputTokenCount_Global", "2.5"),
        ],
    )

    shipped = {offer.id: offer for offer in facts.model_offers}
    amounts = {(row.key, row.meter): row.amount for row in rows if isinstance(row, Observed)}
    assert len(amounts) == 14
    assert {key: getattr(shipped[key[0]], key[1]) for key in amounts} == amounts


def test_a_price_of_europe_is_not_one_of_the_world(read: Read) -> None:
    rows = read(
        region="eu-central-1",
        AmazonBedrock=[nova("EUC1-NovaLite-input-tokens", "0.0000780000")],
        AmazonBedrockFoundationModels=[
            claude("InputTokenCount", "2.2", place="EUC1"),
            claude("InputTokenCount_Global", "2", place="EUC1"),
        ],
    )

    assert prices(rows) == {("aws/nova-lite/eu", INPUT): {"0.078"}, ("aws/claude-sonnet-5/eu", INPUT): {"2.2"}}
    assert {row.note for row in rows if isinstance(row, Observed)} == {"As eu-central-1 charges it."}
    assert outside(rows) == {"Bedrock prices of models that we hold, for places that we do not": 1}  # us-east-1 says it


def test_a_region_speaks_for_its_own_offer(read: Read) -> None:
    usage = "APN1-moonshotai.kimi-k2.5-mantle-input-tokens-standard"

    rows = read(region="ap-northeast-1", AmazonBedrock=[Product(usage=usage, usd="0.0007200000", tier="standard")])

    assert prices(rows) == {("aws/kimi-k2-5/ap-northeast-1", INPUT): {"0.72"}}
    assert {row.note for row in rows if isinstance(row, Observed)} == {""}


@pytest.mark.parametrize(
    ("product", "column"),
    [
        (claude("InputTokenCount_Batch", "1.1"), "batch_input_usd_per_mtok"),
        (claude("output_tokens_batch", "1.1"), "batch_output_usd_per_mtok"),
        (claude("InputTokenCount_LCtx", "1.1"), "long_context_input_usd_per_mtok"),
        (claude("output_tokens_standard_long_ctx", "1.1"), "long_context_output_usd_per_mtok"),
        (claude("CacheReadInputTokenCount", "1.1"), CACHED),
        (claude("cache_write_tokens_standard", "1.1"), WRITE),
    ],
)
def test_each_kind_has_its_own_column(product: Product, column: str, read: Read) -> None:
    rows = read(AmazonBedrockFoundationModels=[product])

    assert prices(rows) == {("aws/claude-sonnet-5/us", column): {"1.1"}}


@pytest.mark.parametrize(
    "product",
    [
        nova("USE1-NovaLite-input-tokens-batch", inference="Input tokens"),  # as AWS states it for some models
        nova("USE1-NovaLite-input-tokens", inference="Input tokens batch"),
        nova("USE1-NovaLite-input-tokens", feature="Batch Inference"),
        nova("USE1-NovaLite-input-tokens", tier="batch"),
    ],
)
def test_a_batch_is_told_by_any_of_four_attributes(product: Product, read: Read) -> None:
    rows = read(AmazonBedrock=[product])

    assert prices(rows) == {
        ("aws/nova-lite/unstated", "batch_input_usd_per_mtok"): {"0.03"},
        ("aws/nova-lite/us", "batch_input_usd_per_mtok"): {"0.03"},
    }


@pytest.mark.parametrize(
    "product",
    [
        nova("USE1-NovaLite-input-tokens-flex", tier="flex"),
        nova("USE1-NovaLite-input-tokens-priority"),
        nova("USE1-NovaLite-input-tokens", tier="priority"),  # the attribute says it, the usage type does not
        nova("USE1-NovaLite-input-tokens", feature="Model Customization"),
        nova("USE1-NovaLite-input-tokens-custom-model"),
        nova("USE1-NovaLite-latency-optimized-input-tokens"),
        nova("USE1-NovaLite-ProvisionedThroughput-NoCommit-ModelUnits", unit="hour"),
        nova("USE1-NovaLite-input-image-token-count", inference="Input Image Token Count"),
        nova("USE1-NovaLite-input-tokens-cross-region-geo"),
        nova("USE1-NovaLite-cache-read-input-token-count-batch"),
        Product(usage="USE1-amazon.nova-lite-fast-mantle-input-tokens-standard", usd="0.1", model="Nova Lite"),
        claude("CacheWrite1hInputTokenCount", "4"),
        claude("cache_write_tokens_30m_standard", "4"),
        claude("InputTokenCount_Batch_LCtx", "4"),
        claude("InputTokenCount_LatencyOptimized", "4"),
        claude("Reserved_1Month_InputTPM_Geo", "4"),
        claude("MillionBatchInputTokens", "4"),
    ],
)
def test_another_kind_of_rate_is_no_price_of_ours(product: Product, read: Read) -> None:
    rows = read(AmazonBedrock=[product, nova("USE1-NovaLite-output-tokens", "0.00024", inference="Output tokens")])

    assert {meter for _, meter in prices(rows)} == {OUTPUT}


@pytest.mark.parametrize("name", ["Claude Sonnet 5.1", "Claude Sonnet 5 Fast", "Llama 38 B", "Claude"])
def test_a_model_that_is_not_held_is_counted(name: str, read: Read) -> None:
    rows = read(AmazonBedrockFoundationModels=[claude("InputTokenCount", "2", name=name)])

    assert prices(rows) == {}
    assert outside(rows) == {"Bedrock models without a row in model_offers.csv": 1}


@pytest.mark.parametrize(
    ("product", "problem"),
    [
        (claude("InputTokenCount", "2", unit="Units"), UNKNOWN_UNIT),
        (claude("InputTokenCount", "0.0000000000"), "The price is zero."),
        (dataclasses.replace(claude("InputTokenCount", "16"), currency="CNY"), "The price is not in USD."),
        (
            dataclasses.replace(claude("InputTokenCount", "1"), begins="1000000"),
            "The price holds beyond a volume only.",
        ),
        (claude("InputTokenCount", "two"), "The price is no number."),
    ],
)
def test_what_cannot_be_taken_says_why(product: Product, problem: str, read: Read) -> None:
    rows = read(AmazonBedrockFoundationModels=[product])

    assert prices(rows) == {("aws/claude-sonnet-5/us", INPUT): {problem}}
    assert [row.stated for row in rows if isinstance(row, Observed)] == [
        f"{product.usd} {product.currency} per {product.unit}"
    ]


def test_two_prices_of_one_thing_are_both_told(read: Read) -> None:
    rows = read(AmazonBedrockFoundationModels=[claude("InputTokenCount", "2"), claude("input_tokens_standard", "3")])

    assert prices(rows) == {("aws/claude-sonnet-5/us", INPUT): {"2", "3"}}


def test_a_row_says_where_it_stands_and_since_when(read: Read) -> None:
    rows = read(AmazonBedrockFoundationModels=[claude("InputTokenCount", "2.2")])

    row = next(row for row in rows if isinstance(row, Observed))
    assert row.locator == (
        "AmazonBedrockFoundationModels/20261120103045/us-east-1/index.json SKU0000.JRTCKXETXF.6YS6EN2CT7"
    )
    assert str(row.effective_from) == "2026-11-01"
    assert row.amount == Decimal("2.2")


def test_a_file_of_the_same_version_is_not_fetched_again(peer: Peer, facts: Facts, tmp_path: Path) -> None:
    first = Kept(tmp_path)
    bedrock_prices.fetch(_part(), keep=first)
    second = Kept(tmp_path, earlier={page.url: page for page in first.pages})
    peer.asked.clear()

    bedrock_prices.fetch(_part(), keep=second)

    assert second.pages == first.pages
    assert all(request.path.endswith("/region_index.json") for request in peer.asked)


def test_throttling_is_waited_out(peer: Peer, facts: Facts, tmp_path: Path) -> None:
    peer.faults += [Fault(status=429, retry_after="0"), Fault(status=503, retry_after="0")]

    rows = found(bedrock_prices, part=_part(), kept=Kept(tmp_path), facts=facts)

    assert ("aws/nova-lite/us", INPUT) in prices(rows)


def test_a_cut_file_is_asked_for_again(peer: Peer, facts: Facts, tmp_path: Path) -> None:
    peer.faults.append(Fault(cut_after=700, on=lambda request: request.path.endswith("/us-east-1/index.json")))

    rows = found(bedrock_prices, part=_part(), kept=Kept(tmp_path), facts=facts)

    assert ("aws/nova-lite/us", INPUT) in prices(rows)


def test_a_refusal_and_an_absent_provider_differ(peer: Peer, settings: Any, facts: Facts, tmp_path: Path) -> None:
    peer.always = Fault(status=403)
    with pytest.raises(SourceFailed, match="403") as refused:
        bedrock_prices.fetch(_part(), keep=Kept(tmp_path))
    assert not isinstance(refused.value, SourceBusy)

    settings.AWS_BULK_PRICING_URL = "http://127.0.0.1:9"
    with pytest.raises(SourceUnreachable):
        bedrock_prices.fetch(_part(), keep=Kept(tmp_path))


def test_a_region_without_any_file_fails(peer: Peer, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"None of AmazonBedrock, .* has a file of sa-east-1"):
        peer.answer = Offers({offer: {"us-east-1": [NOVA]} for offer in bedrock_prices.OFFERS})
        bedrock_prices.fetch(_part("sa-east-1"), keep=Kept(tmp_path))


def test_an_index_may_not_lead_elsewhere(peer: Peer, tmp_path: Path) -> None:
    peer.answer = Offers({"AmazonBedrock": {"us-east-1": [NOVA]}}, address="https://prices.example/{offer}/{region}")

    with pytest.raises(SourceFailed, match="names no versioned file"):
        bedrock_prices.fetch(_part(), keep=Kept(tmp_path))


@pytest.mark.parametrize("body", [b"{}", b'{"products": {}', b'{"products": {"A": {"sku": "A"}}}', b"<html>", b""])
def test_a_file_of_another_shape_fails(body: bytes, peer: Peer, facts: Facts, tmp_path: Path) -> None:
    peer.answer = Offers(
        {offer: {"us-east-1": [NOVA]} for offer in bedrock_prices.OFFERS},
        bodies={("AmazonBedrock", "us-east-1"): body or b" "},
    )

    with pytest.raises(SourceFailed, match=r"index\.json"):
        found(bedrock_prices, part=_part(), kept=Kept(tmp_path), facts=facts)
