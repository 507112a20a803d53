"""Foundry's token meters. The names are of the kinds that Azure uses; prices are the catalog's or invented."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog.files import Facts
from catalog.sources import foundry_prices, pace
from catalog.sources.source import Found, Observed, Part, SourceBusy, SourceFailed
from tests.catalog.peers.models_found import Kept, found, outside, prices
from tests.catalog.peers.models_foundry import meter, retail
from tests.catalog.peers.server import Fault, Peer, running

INPUT, OUTPUT = "input_usd_per_mtok", "output_usd_per_mtok"
CACHED, WRITE = "cached_input_usd_per_mtok", "cache_write_usd_per_mtok"
GPT5, GROK, KIMI = "Azure OpenAI GPT5", "Azure Grok Models", "Azure Kimi"
MISTRAL, DEEPSEEK, FIREWORKS = "Azure Mistral Models", "Azure Deepseek Models", "Azure Fireworks Models"


@pytest.fixture
def peer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setattr(pace, "PACES", {"azure-prices": "1000 per second"})
    with running(retail([])) as started:
        settings.AZURE_PRICES_URL = started.url
        yield started


Read = Callable[..., list[Found]]


@pytest.fixture
def read(peer: Peer, facts: Facts, tmp_path: Path) -> Read:
    def through(*items: dict[str, Any], region: str = "eastus2") -> list[Found]:
        peer.answer = retail(items)
        return found(foundry_prices, part=_part(region), kept=Kept(tmp_path), facts=facts)

    return through


def _part(region: str = "eastus2") -> Part:
    return Part(source="models", dataset=foundry_prices.DATASET, region=region)


def test_parts_are_the_regions_that_speak_for_a_scope(facts: Facts) -> None:
    assert list(foundry_prices.parts(facts=facts, regions=None)) == [_part("eastus2"), _part("swedencentral")]
    assert list(foundry_prices.parts(facts=facts, regions=["swedencentral", "eu-west-1"])) == [_part("swedencentral")]


@pytest.mark.parametrize(
    ("item", "offer", "column", "amount"),
    [
        # Each abbreviation that Azure uses for the same thing, in both units.
        (meter("GPT 5 Inpt Glbl 1M Tokens", 1.25, product=GPT5), "gpt-5/global", INPUT, "1.25"),
        (meter("5.4 opt Gl 1M Tokens", 15, product=GPT5), "gpt-5-4/global", OUTPUT, "15"),
        (meter("5.4 mini cd Inp Dz 1M Tokens", 0.0825, product=GPT5), "gpt-5-4-mini/us", CACHED, "0.0825"),
        (meter("GPT 5 Mini outpt DZone 1M Tokens", 2.2, product=GPT5), "gpt-5-mini/us", OUTPUT, "2.2"),
        (meter("gpt 4.1 cached Inp Data Zone Tokens", 0.00055, unit="1K"), "gpt-4-1/us", CACHED, "0.55"),
        (
            meter("gpt-5-codex-ccchd-inp-glbl Tokens", 0.000125, product=GPT5, unit="1K"),
            "gpt-5-codex/global",
            CACHED,
            "0.125",
        ),
        (meter("o4-mini 0416 cached Inp DataZone Tokens", 0.0003025, unit="1K"), "o4-mini/us", CACHED, "0.3025"),
        (
            meter("GPT 5.1 Batch inp Gl 1M Tokens", 0.625, product=GPT5),
            "gpt-5-1/global",
            "batch_input_usd_per_mtok",
            "0.625",
        ),
        (
            meter("5.4 longco inp Dz 1M Tokens", 5.5, product=GPT5),
            "gpt-5-4/us",
            "long_context_input_usd_per_mtok",
            "5.5",
        ),
        (
            meter("4.3 Inp Glbl L Tokens", 0.0025, product=GROK, unit="1K"),
            "grok-4-3/global",
            "long_context_input_usd_per_mtok",
            "2.5",
        ),
        (meter("5.6 sol ShortCo Inp Std Gl 1M Tokens", 4, product=GPT5), "gpt-5-6-sol/global", INPUT, "4"),
        (meter("5.6 sol ShortCo Cd Wr Std DZ 1M Tokens", 5.5, product=GPT5), "gpt-5-6-sol/us", WRITE, "5.5"),
        (meter("K2.5 Thinking Inp DZ Tokens", 0.00066, product=KIMI, unit="1K"), "kimi-k2-5/us", INPUT, "0.66"),
        (
            meter("MM3.5 Outp glbl Tokens", 0.0075, product=MISTRAL, unit="1K"),
            "mistral-medium-3-5/global",
            OUTPUT,
            "7.5",
        ),
        (
            meter("V3.2 SP Inp DZ Tokens", 0.00064, product=DEEPSEEK, unit="1K"),
            "deepseek-v3-2-speciale/us",
            INPUT,
            "0.64",
        ),
        (
            meter("text embedding 3 large DZ Tokens", 0.000143, product="Azure OpenAI Embedding", unit="1K"),
            "text-embedding-3-large/us",
            INPUT,
            "0.143",
        ),
    ],
)
def test_a_meter_is_read_by_the_words_of_its_name(
    item: dict[str, Any], offer: str, column: str, amount: str, read: Read
) -> None:
    assert prices(read(item)) == {(f"azure/{offer}", column): {amount}}


def test_prices_agree_with_the_shipped_ones(read: Read, facts: Facts) -> None:
    rows = read(
        meter("GPT 5.1 inp Dz 1M Tokens", 1.375, product=GPT5, region="swedencentral"),
        meter("5.5 ShortCo opt Dz 1M Tokens", 33, product=GPT5, region="swedencentral"),
        meter("4.3 Cached Inp DZ Tokens", 0.00022, product=GROK, region="swedencentral", unit="1K"),
        meter("Large 3 Outp Dzone Tokens", 0.00165, product=MISTRAL, region="swedencentral", unit="1K"),
        meter("V4 Pro cached DZ Tokens", 0.00016, product=DEEPSEEK, region="swedencentral", unit="1K"),
        meter("Embed v4 Txt DZ Tokens", 0.000132, product="Cohere Models", region="swedencentral", unit="1K"),
        region="swedencentral",
    )

    shipped = {offer.id: offer for offer in facts.model_offers}
    amounts = {(row.key, row.meter): row.amount for row in rows if isinstance(row, Observed)}
    assert len(amounts) == 6
    assert {key.rpartition("/")[2] for key, _ in amounts} == {"eu"}
    assert {key: getattr(shipped[key[0]], key[1]) for key in amounts} == amounts


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("5.4 pp inp Gl 1M Tokens", GPT5),  # priority processing
        ("4.1 ft inp Dz Tokens", "Azure OpenAI PP FT GPT4s"),
        ("gpt 4.1 dev ft training glbl Tokens", "Azure OpenAI"),
        ("gpt 4o 0513 Inp glbl Tokens", "Azure OpenAI"),  # an older version, at twice the price
        ("GPT 5.1 chat inp Gl 1M Tokens", GPT5),
        ("gpt aud 1.5 txt inp Gl 1M Tokens", "Azure OpenAI Media"),
        ("Embed v4 Img Glbl Tokens", "Cohere Models"),
        ("Grok4 Fast Inp glbl Tokens", GROK),
        ("Priority 5.4 inp Gl 1M Tokens", GPT5),
    ],
)
def test_a_meter_with_a_word_too_many_is_no_price_of_ours(name: str, product: str, read: Read) -> None:
    rows = read(meter(name, 1, product=product))

    assert prices(rows) == {}
    assert sum(outside(rows).values()) == 1


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("5.4 inp regnl 1M Tokens", GPT5),
        ("5.4 inp 1M Tokens", GPT5),  # it does not say where
        ("5.4 inp Gl Dz 1M Tokens", GPT5),
        ("5.4 Batch cd inp Gl 1M Tokens", GPT5),
        ("5.4 longco batch inp Gl 1M Tokens", GPT5),
        ("5.4 Gl 1M Tokens", GPT5),
        ("V3-0324 Inp glbl Tokens", DEEPSEEK),  # our offer of it does not say where it holds
    ],
)
def test_a_meter_of_another_kind_or_place_is_only_counted(name: str, product: str, read: Read) -> None:
    rows = read(meter(name, 1, product=product))

    assert prices(rows) == {}
    assert sum(outside(rows).values()) == 1


def test_hours_and_months_of_provisioned_throughput_are_another_product(read: Read) -> None:
    rows = read(
        meter("Provisioned Managed Global Unit", 1, unit="1/Hour"),
        meter("Provisioned Managed Data Zone Unit", 260, unit="1/Month"),
        meter("Rerank v4 Pro Glbl Search", 2, product="Cohere Models", unit="1K"),
    )

    assert rows == []


def test_the_world_is_told_by_one_region_only(read: Read) -> None:
    items = [
        meter("GPT 5.1 inp Gl 1M Tokens", 1.25, product=GPT5, region="swedencentral"),
        meter("GPT 5.1 inp Dz 1M Tokens", 1.375, product=GPT5, region="swedencentral"),
    ]

    rows = read(*items, region="swedencentral")

    assert prices(rows) == {("azure/gpt-5-1/eu", INPUT): {"1.375"}}
    assert sum(outside(rows).values()) == 1


def test_fireworks_is_read_from_the_zone_it_is_sold_in(read: Read) -> None:
    items = [
        meter("FW GLM 5.1 Outp DZ Tokens", 0.00484, product=FIREWORKS, unit="1K"),
        meter("FW DeepSeek-V4-Pro Ch Inp DZ Tokens", 0.000165, product=FIREWORKS, unit="1K"),
        meter("FW MiniMax 3 Inp DZ Tokens", 0.00033, product=FIREWORKS, unit="1K"),
        # The same models under the other platform's name are no offer of Fireworks.
        meter("FW GLM 5 Inp DZ Tokens", 0.0011, product="Azure OpenAI", unit="1K"),
    ]

    rows = read(*items)

    assert prices(rows) == {
        ("azure-fireworks/glm-5-1/unstated", OUTPUT): {"4.84"},
        ("azure-fireworks/deepseek-v4-pro/unstated", CACHED): {"0.165"},
        ("azure-fireworks/minimax-m3/unstated", INPUT): {"0.33"},
    }
    assert {row.note for row in rows if isinstance(row, Observed)} == {"Data zone of the US."}


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"unit": "1/Hour"}, "The unit '1/Hour' is unknown: neither thousands nor millions of tokens."),
        ({"currencyCode": "EUR"}, "The price is not in USD."),
        ({"retailPrice": 0.0}, "The price is zero."),
    ],
)
def test_what_cannot_be_taken_says_why(more: dict[str, Any], problem: str, read: Read) -> None:
    rows = read(meter("5.4 inp Gl 1M Tokens", 2.5, product=GPT5, **more))

    assert prices(rows) == {("azure/gpt-5-4/global", INPUT): {problem}}


def test_volume_tiers_and_other_types_are_no_list_price(read: Read) -> None:
    rows = read(
        meter("5.4 inp Gl 1M Tokens", 2.5, product=GPT5),
        meter("5.4 inp Gl 1M Tokens", 2, product=GPT5, tierMinimumUnits=1000.0),
        meter("5.4 opt Gl 1M Tokens", 1, product=GPT5, type="DevTestConsumption"),
    )

    assert prices(rows) == {("azure/gpt-5-4/global", INPUT): {"2.5"}}


def test_pages_are_followed_and_a_row_on_two_of_them_counts_once(read: Read, peer: Peer) -> None:
    first = meter("5.4 inp Gl 1M Tokens", 2.5, product=GPT5)
    others = [meter(f"{version} inp Gl 1M Tokens", 1, product=GPT5) for version in ("5.1", "5.2", "5.4 mini")]

    rows = read(first, *others, first)

    assert len([row for row in rows if isinstance(row, Observed)]) == 4
    assert [request.query.get("$skip") for request in peer.asked] == [None, "3"]


def test_a_row_says_where_it_stands_and_since_when(read: Read) -> None:
    row = next(row for row in read(meter("5.4 inp Gl 1M Tokens", 2.5, product=GPT5)) if isinstance(row, Observed))

    assert row.locator == "eastus2 meterId=meter of 5.4 inp Gl 1M Tokens in eastus2 '5.4 inp Gl 1M Tokens'"
    assert (row.amount, str(row.effective_from)) == (Decimal("2.5"), "2026-03-01")


def test_no_row_at_all_is_a_failure(peer: Peer, tmp_path: Path) -> None:
    """The service was called 'Cognitive Services' once; that name still answers 200, with nothing."""
    peer.answer = retail([meter("5.4 inp Gl 1M Tokens", 2.5, serviceName="Foundry Inference")])

    with pytest.raises(SourceFailed, match="no price of 'Foundry Models' in eastus2: is it called otherwise now"):
        foundry_prices.fetch(_part(), keep=Kept(tmp_path))


def test_a_page_that_comes_twice_ends_the_fetch(peer: Peer, tmp_path: Path) -> None:
    items = [meter(f"{place} inp Gl 1M Tokens", 1) for place in range(9)]
    peer.answer = retail(items, link=lambda base, _: f"{base}/api/retail/prices?currencyCode='USD'&$filter=type eq x")
    peer.answer = retail(
        items,
        link=lambda base, _: (
            f"{base}/api/retail/prices?currencyCode=%27USD%27&$filter=priceType eq Consumption&$skip=3"
        ),
    )

    with pytest.raises(SourceFailed, match="same next page twice"):
        foundry_prices.fetch(_part(), keep=Kept(tmp_path))
    assert len(peer.asked) == 2


def test_pages_without_an_end_are_capped(peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foundry_prices, "PAGES_MOST", 5)
    items = [meter("5.4 inp Gl 1M Tokens", 1)]
    query = "currencyCode=%27USD%27&$filter=priceType eq Consumption"
    peer.answer = retail(items, link=lambda base, start: f"{base}/api/retail/prices?{query}&$skip={start + 1}")

    with pytest.raises(SourceFailed, match="more than 5 pages"):
        foundry_prices.fetch(_part(), keep=Kept(tmp_path))
    assert len(peer.asked) == 5


def test_a_next_page_on_another_host_is_not_followed(peer: Peer, tmp_path: Path) -> None:
    items = [meter("5.4 inp Gl 1M Tokens", 1)]
    peer.answer = retail(items, link=lambda base, _: "http://169.254.169.254/api/retail/prices?$skip=3")

    with pytest.raises(SourceFailed, match="another host"):
        foundry_prices.fetch(_part(), keep=Kept(tmp_path))


def test_throttling_and_a_cut_are_waited_out(peer: Peer, read: Read) -> None:
    peer.faults += [Fault(status=429, retry_after="0"), Fault(cut_after=60)]

    assert prices(read(meter("5.4 inp Gl 1M Tokens", 2.5, product=GPT5)))


def test_a_provider_that_stays_busy_is_told(peer: Peer, tmp_path: Path) -> None:
    peer.always = Fault(status=429, retry_after="600")

    with pytest.raises(SourceBusy) as raised:
        foundry_prices.fetch(_part(), keep=Kept(tmp_path))
    assert raised.value.retry_after_s == 600


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"Items": null}', b'{"Items": [{"type": "Consumption"}]}', b'{"Items": [']
)
def test_an_answer_of_another_shape_fails(body: bytes, facts: Facts, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept(url="x", pieces=[body])

    with pytest.raises(SourceFailed):
        list(foundry_prices.read(_part(), pages=kept.pages, facts=facts))
