"""Prices out of the installed genai-prices, by exact ids; hand-made entries where the library's own may move."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog.files import Facts
from catalog.sources import genai_library
from catalog.sources.source import SECOND_HAND, Found, Observed, Part, SourceFailed
from tests.catalog.peers.models_found import Kept, found, outside, prices

INPUT, OUTPUT, CACHED = "input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok"
PART = Part(source="models", dataset=genai_library.DATASET, region="global")

Read = Callable[..., list[Found]]


@pytest.fixture
def read(facts: Facts, tmp_path: Path) -> Read:
    def through(provider: str, *models: dict[str, Any]) -> list[Found]:
        kept = Kept(tmp_path)
        taken = {"as_of": "2026-10-15", "providers": {provider: models}}
        kept(url="python:genai-prices/0", pieces=[json.dumps(taken).encode()])
        return list(genai_library.read(PART, pages=kept.pages, facts=facts))

    return through


def entry(
    model_id: str, *, named: tuple[str, ...] = (), variants: tuple[Any, ...] = (), **price: Any
) -> dict[str, Any]:
    return {"id": model_id, "named": list(named), "prices": [dated(None, **price)], "variants": list(variants)}


def dated(begins: str | None, *, other: str | None = None, **price: Any) -> dict[str, Any]:
    return {"begins": begins, "else": other, "prices": price}


def test_the_installed_library_agrees_with_the_shipped_catalog(facts: Facts, tmp_path: Path) -> None:
    """The catalog was made of two other sources for the most part; a match to the wrong model would show here."""
    rows = found(genai_library, part=PART, kept=Kept(tmp_path), facts=facts)

    shipped = {offer.id: offer for offer in facts.model_offers}
    amounts = [(row.key, row.meter, row.amount) for row in rows if isinstance(row, Observed)]
    apart = [(key, meter) for key, meter, amount in amounts if getattr(shipped[key], meter) not in (None, amount)]
    assert len({key for key, _, _ in amounts}) > 120
    assert len(amounts) == len({(key, meter) for key, meter, _ in amounts})
    assert len(apart) <= len(amounts) // 20, apart


@pytest.mark.parametrize(
    ("offer", "column", "amount"),
    [
        ("aws/claude-sonnet-4-5/global", INPUT, "3"),
        ("aws/claude-sonnet-4-5/us", INPUT, "3.3"),
        ("aws/nova-lite/unstated", OUTPUT, "0.24"),
        ("azure/o4-mini/global", CACHED, "0.275"),
        ("gcp/gemini-2-5-pro/unstated", "long_context_input_usd_per_mtok", "2.5"),
        ("gcp/gemini-2-5-pro/unstated", "batch_input_usd_per_mtok", "0.625"),
    ],
)
def test_prices_that_were_read_by_hand(offer: str, column: str, amount: str, facts: Facts, tmp_path: Path) -> None:
    rows = found(genai_library, part=PART, kept=Kept(tmp_path), facts=facts)

    assert prices(rows)[offer, column] == {amount}


def test_the_same_library_gives_the_same_bytes(tmp_path: Path) -> None:
    kept = Kept(tmp_path)

    genai_library.fetch(PART, keep=kept)
    genai_library.fetch(PART, keep=kept)

    assert kept.pages[0].path.read_bytes() == kept.pages[1].path.read_bytes()
    assert kept.pages[0].version in kept.pages[0].url


def test_it_repeats_others_and_knows_no_region(facts: Facts) -> None:
    assert genai_library.DATASET in SECOND_HAND
    assert list(genai_library.parts(facts=facts, regions=None)) == [PART]
    assert list(genai_library.parts(facts=facts, regions=["us-east-1"])) == []


def test_a_model_is_matched_by_its_id_and_not_by_a_part_of_it(read: Read) -> None:
    """The library's own rule, contains('amazon.nova-lite'), would give Europe the price of America."""
    rows = read("aws", entry("amazon.nova-lite-v1:0", named=("amazon.nova-lite",), input_mtok="0.06"))

    assert prices(rows) == {("aws/nova-lite/unstated", INPUT): {"0.06"}}


def test_another_version_is_another_model(read: Read) -> None:
    rows = read(
        "aws",
        entry("amazon.titan-embed-text-v1", input_mtok="0.1"),
        entry("amazon.titan-embed-text-v2:0", input_mtok="0.02"),
    )

    assert prices(rows) == {("aws/titan-embed-text-v2/unstated", INPUT): {"0.02"}}
    assert sum(outside(rows).values()) == 1


def test_regional_is_what_america_pays(read: Read) -> None:
    named = ("us.anthropic.claude-sonnet-5", "eu.anthropic.claude-sonnet-5")

    rows = read("aws", entry("regional.anthropic.claude-sonnet-5", named=named, input_mtok="2.2"))

    assert prices(rows) == {("aws/claude-sonnet-5/us", INPUT): {"2.2"}}


def test_a_faster_model_is_another_model(read: Read) -> None:
    rows = read("azure", entry("claude-opus-5-5", input_mtok="4"), entry("claude-opus-5-5-fast", input_mtok="8"))

    assert prices(rows) == {("azure/claude-opus-5-5/global", INPUT): {"4"}}


def test_of_two_offers_of_one_model_the_global_one_is_meant(read: Read) -> None:
    rows = read("azure", entry("text-embedding-3-large", input_mtok="0.13"))

    assert prices(rows) == {("azure/text-embedding-3-large/global", INPUT): {"0.13"}}


def test_tiers_are_long_prompts_where_they_begin_where_ours_do(read: Read) -> None:
    tiers = {"input_mtok": {"base": "1.25", "tiers": [[200000, "2.5"]]}}
    elsewhere = {"input_mtok": {"base": "0.1", "tiers": [[128000, "0.2"]]}}

    rows = read("google", entry("gemini-2.5-pro", **tiers), entry("gemini-3.8-flash", **elsewhere))

    assert prices(rows) == {
        ("gcp/gemini-2-5-pro/unstated", INPUT): {"1.25"},
        ("gcp/gemini-2-5-pro/unstated", "long_context_input_usd_per_mtok"): {"2.5"},
        ("gcp/gemini-3-8-flash/unstated", INPUT): {"0.1"},
    }


def test_a_price_that_has_not_begun_is_not_in_force(read: Read) -> None:
    model = entry(
        "gemini-3.8-flash",
        variants=(
            dated("2027-01-01", input_mtok="0.75") | {"when": {"processing": "batch"}},
            dated("2026-10-14", input_mtok="0.375", cache_read_mtok="0.03") | {"when": {"processing": "batch"}},
            dated("2026-10-14", input_mtok="1.35") | {"when": {"service_tier": "priority"}},
        ),
        input_mtok="0.5",
    )
    model["prices"] += [
        dated("2026-09-01", input_mtok="0.75"),
        dated(None, other="TimeOfDateConstraint", input_mtok="0.1"),
        dated("2027-01-01", input_mtok="1.5"),
    ]

    rows = read("google", model)

    assert prices(rows) == {
        ("gcp/gemini-3-8-flash/unstated", INPUT): {"0.75"},
        ("gcp/gemini-3-8-flash/unstated", "batch_input_usd_per_mtok"): {"0.375"},
    }
    assert {row.effective_from for row in rows if isinstance(row, Observed)} == {
        dt.date(2026, 9, 1),
        dt.date(2026, 10, 14),
    }
    assert {row.as_of for row in rows if isinstance(row, Observed)} == {dt.date(2026, 10, 15)}


def test_a_price_of_zero_is_a_problem(read: Read) -> None:
    rows = read("google", entry("gemini-2.5-pro", input_mtok="0", web_searches_kcount="14"))

    assert prices(rows) == {("gcp/gemini-2-5-pro/unstated", INPUT): {"The price is zero."}}


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"as_of": "2026-10-15", "providers": {"aws": [{}]}}'])
def test_another_shape_fails(body: bytes, facts: Facts, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept(url="x", pieces=[body])

    with pytest.raises(SourceFailed):
        list(genai_library.read(PART, pages=kept.pages, facts=facts))
