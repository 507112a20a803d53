"""Characters become tokens of the model's own tokenizer, and requests become calls."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import files
from estimator import coefficients
from estimator.architecture import Architecture
from estimator.tokens import OTHER, answers_of, evidence_of, in_calls, is_counted, tokenizer_of, tokens_of
from estimator.uncertainty import ordered
from estimator.workload import Measured, Traffic, Workload, WorkloadError

SHIPPED = coefficients.load()
LANGUAGES = sorted(SHIPPED.group("tokens.characters_per_token.o200k"))
TOKENIZERS = sorted(SHIPPED.group("tokens.version"))
LLAMA = Architecture(
    id="llama-3.1-8b", layers=32, hidden=4096, heads=32, kv_heads=8, head_dim=128, ffn_hidden=14336, vocab=128256
)


def count(characters=1000.0, language="en", *tokenizers):
    return tokens_of(
        characters=characters, language=language, tokenizers=tokenizers or ("o200k",), coefficients=SHIPPED
    )


def served(**traffic):
    return Workload(id="chat", kind="online_inference", architecture=LLAMA, traffic=Traffic(**traffic))


@pytest.mark.parametrize(
    ("name", "tokenizer"),
    [
        ("gpt-6-sol", "o200k"),
        ("gpt-oss-120b", "o200k"),
        ("o4-mini", "o200k"),
        ("gpt-3-175b", OTHER),
        ("claude-sonnet-4-6", "claude_before_4_7"),
        ("claude-haiku-4-5", "claude_before_4_7"),
        ("claude-opus-4-7", "claude"),
        ("claude-opus-4-8", "claude"),
        ("claude-haiku-5-5", "claude"),
        ("gemini-3-8-flash", "gemini"),
        ("gemma-3-27b", "gemini"),
        ("llama-3.3-70b", "llama3"),
        ("llama-3-3-70b", "llama3"),
        ("llama-4-scout", OTHER),
        ("qwen3-235b-a22b", "qwen"),
        ("qwen3.5-397b-a17b", OTHER),
        ("deepseek-v3-2", "deepseek"),
        ("mistral-large-3", OTHER),
        ("nova-pro", OTHER),
        ("llama-2-70b", OTHER),
    ],
)
def test_a_model_cuts_with_the_tokenizer_of_its_family(name, tokenizer):
    assert tokenizer_of(name) == tokenizer


def test_every_model_on_file_has_a_tokenizer_with_coefficients():
    facts = files.load()
    names = {offer.family for offer in facts.model_offers} | {model.id for model in facts.architectures}

    assert {tokenizer_of(name) for name in names} <= set(TOKENIZERS)
    assert len({tokenizer_of(name) for name in names}) == len(TOKENIZERS)


def test_english_by_hand():
    found = count(4000, "en", "o200k")

    # o200k cuts the Declaration into 5.274 characters a token, everyday text into 0.76 of that: about 4
    assert found.typical[0] == pytest.approx(4000 / (5.274 * 0.76))
    # only `register` (0.58-0.95) and `version` (0.97-1.08) are in doubt
    down = math.hypot(math.log(0.95 / 0.76), math.log(1 / 0.97))
    up = math.hypot(math.log(0.76 / 0.58), math.log(1.08))
    assert found.low[0] == pytest.approx(found.typical[0] * math.exp(-down))
    assert found.high[0] == pytest.approx(found.typical[0] * math.exp(up))


@pytest.mark.parametrize(
    ("tokenizer", "language", "characters_per_token"),
    [
        ("o200k", "en", 4.0),  # OpenAI: about 4 characters a token
        ("gemini", "en", 4.0),  # Google: about 4
        ("claude_before_4_7", "en", 3.5),  # Anthropic's glossary: about 3.5
        ("claude", "en", 2.5),  # Anthropic: 1M tokens are roughly 2.5M characters
        ("deepseek", "en", 1 / 0.3),  # DeepSeek: 1 English character is about 0.3 token
        ("deepseek", "zh", 1 / 0.6),  # DeepSeek: 1 Chinese character is about 0.6 token
    ],
)
def test_what_the_makers_say_lies_within_the_range(tokenizer, language, characters_per_token):
    found = count(1.0, language, tokenizer)

    assert found.low[0] <= 1 / characters_per_token <= found.high[0]


def test_other_languages_make_more_tokens_than_english():
    english = count(1000, "en", *TOKENIZERS).typical

    for language in set(LANGUAGES) - {"en", "unsaid"}:
        assert (count(1000, language, *TOKENIZERS).typical > english).all(), language


@pytest.mark.parametrize("language", [None, "xx"])
def test_a_language_nobody_counted_has_a_wide_range(language):
    known, unknown = count(1000, "en"), count(1000, language)

    assert unknown.high[0] / unknown.low[0] > 1.2 * known.high[0] / known.low[0]
    assert unknown.typical[0] >= known.typical[0]


def test_the_row_that_was_taken_is_named():
    for language, row in (("de", "de"), ("xx", "unlisted"), (None, "unsaid")):
        ids = evidence_of(language=language, tokenizer="qwen", coefficients=SHIPPED)
        assert ids[0] == f"coefficient:tokens.characters_per_token.qwen.{row}"
        assert all(SHIPPED.evidence(id) for id in ids)


@given(
    st.floats(min_value=0, max_value=1e8),
    st.floats(min_value=1, max_value=10),
    st.sampled_from([*LANGUAGES, None]),
    st.sampled_from(TOKENIZERS),
)
def test_tokens_are_ordered_and_proportional_to_characters(characters, factor, language, tokenizer):
    one, more = (count(size, language, tokenizer) for size in (characters, characters * factor))

    assert ordered(one)
    assert more.typical[0] == pytest.approx(one.typical[0] * factor)


def test_many_tokenizers_at_once_give_what_each_gives_alone():
    together = count(1000, "ja", *TOKENIZERS)

    for end in range(3):
        assert np.array_equal(together[end], [count(1000, "ja", name)[end][0] for name in TOKENIZERS])


def test_stated_tokens_ignore_characters():
    stated = served(input_tokens=700, output_tokens=90, input_characters=9e6, output_characters=9e6, language="hi")

    traffic = in_calls(workload=stated, end=1, coefficients=SHIPPED).traffic

    assert (traffic.input_tokens, traffic.output_tokens) == (700, 90)
    assert answers_of(stated) == ("answer:chat.traffic.input_tokens", "answer:chat.traffic.output_tokens")


def test_a_request_of_many_calls_by_hand():
    workload = served(
        requests_per_s_mean=2.0,
        input_tokens=700,
        output_tokens=90,
        calls_per_request=3,
        reasoning_tokens=400,
        retry_fraction=0.1,
    )

    traffic = in_calls(workload=workload, end=1, coefficients=SHIPPED).traffic

    assert traffic.requests_per_s_mean == pytest.approx(2.0 * 3 * 1.1)
    assert (traffic.input_tokens, traffic.output_tokens) == (700, 490)


def test_a_rate_measured_in_requests_becomes_one_in_calls():
    def counted(unit):
        workload = Workload(
            id="chat",
            kind="online_inference",
            architecture=LLAMA,
            traffic=Traffic(requests_per_s_mean=1, input_tokens=1, output_tokens=1, calls_per_request=4),
            measured=Measured(on="g5.xlarge", work_unit=unit, units_per_s=10),
        )
        return in_calls(workload=workload, end=1, coefficients=SHIPPED).measured.units_per_s

    assert counted("request") == 40
    assert counted("token") == 10


def test_nothing_said_stays_unsaid():
    traffic = in_calls(workload=served(requests_per_s_mean=1), end=1, coefficients=SHIPPED).traffic

    assert traffic == Traffic(requests_per_s_mean=1)
    assert not is_counted(traffic)
    assert not is_counted(Traffic(input_tokens=1))
    assert is_counted(Traffic(input_tokens=1, output_characters=0))


@pytest.mark.parametrize(
    "impossible",
    [
        {"calls_per_request": 0.5},
        {"retry_fraction": -0.1},
        {"cache_ttl_minutes": 0},
        {"cache_write_fraction": 1.1},
        {"input_characters": -1},
        {"reasoning_tokens": -1},
    ],
)
def test_impossible_traffic_is_refused(impossible):
    with pytest.raises(WorkloadError, match=next(iter(impossible))):
        Traffic(**impossible)
