"""Names of models: what is one, and what only looks like it."""

import pytest

from catalog.files import Facts
from catalog.sources import bedrock
from catalog.sources.model_names import families, spelled, untuned


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Claude Sonnet 4.6", "claude-sonnet-4-6"),
        ("NovaLite", "nova-lite"),
        ("MiniMax M2", "minimax-m2"),
        ("Nova 2.0 Lite", "nova-2-lite"),
        ("Llama3-3-70B", "Llama 3.3 70B"),
    ],
)
def test_spellings_of_one_name_are_one(one: str, other: str) -> None:
    assert spelled(one) == spelled(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Llama 3.1 8B", "Llama 31 8B"),
        ("Llama 3.1 8B", "Llama 3 18B"),
        ("Claude Opus 5", "Claude Opus 5.5"),
        ("gpt 5.4", "gpt 5.4 mini"),
        ("Nova 2.0 Lite", "Nova 20 Lite"),
        ("Claude Opus 4.6", "Claude 4.6 Opus"),
    ],
)
def test_other_numbers_and_words_are_other_names(one: str, other: str) -> None:
    assert spelled(one) != spelled(other)


def test_how_a_model_was_tuned_may_go_unsaid() -> None:
    assert untuned("qwen3-next-80b-a3b-instruct") == "qwen3-next-80b-a3b"
    assert untuned("Gemma 3 4B IT") == "Gemma-3-4B"
    assert untuned("instruct") == "instruct"


def test_a_name_of_two_families_is_none_of_either(facts: Facts) -> None:
    offers = [offer for offer in facts.model_offers if offer.id in ("aws/nova-lite/us", "aws/nova-pro/us")]

    known = families(offers, names=lambda offer: ("Nova",))

    assert known == {"novalite": "nova-lite", "novapro": "nova-pro"}


def test_every_family_of_bedrock_is_known_by_its_own_name(facts: Facts) -> None:
    offers = bedrock.offers(facts)
    known = families(offers, names=bedrock.names)

    assert {offer.family for offer in offers if known[spelled(offer.family)] != offer.family} == set()


@pytest.mark.parametrize(
    ("model_id", "foundation"),
    [
        ("eu.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("us-gov.anthropic.claude-opus-5", "anthropic.claude-opus-5"),
        ("us-gov-west-1/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("bedrock_mantle/us-gov-west-1/xai.grok-4.3", "xai.grok-4.3"),
        ("deepseek.v3.2", "deepseek.v3.2"),
    ],
)
def test_an_id_without_its_profile_is_the_models(model_id: str, foundation: str) -> None:
    assert bedrock.foundation_id(model_id) == foundation


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("anthropic.claude-opus-4-5-20251101-v1:0", "anthropic.claude-opus-4-5-v1:0", True),
        ("nvidia.nemotron-nano-3-30b", "nvidia.nemotron-nano-3-30b:0", True),
        ("amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0", False),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0", False),
        ("x.model-20250101-v1:0", "x.model-20260101-v1:0", False),
    ],
)
def test_versions_and_dates_may_be_left_out_but_not_differ(one: str, other: str, same: bool) -> None:
    assert bedrock.same_model(one, other) is same


def test_no_scope_is_spoken_for_twice() -> None:
    scopes = [scope for region in bedrock.SPEAKS_FOR for scope in bedrock.scopes(region)]

    assert len(scopes) == len(set(scopes))
