"""One streamed answer: what counts as its first token, its gaps, its rate, and when a rate is not known."""

import math

import pytest

from catalog.probes.streaming import Failed, Heard, Sample, Usage, listen, p95_interval, quantile, spread


def heard(*, texts: list[str], usage: Usage | None = None, first_s: float = 10.5, step_s: float = 0.1) -> list[Heard]:
    """A role event, then texts at even steps, then the end with its count."""
    events = [Heard(at_s=10.2)]
    events += [Heard(at_s=first_s + place * step_s, text=text) for place, text in enumerate(texts)]
    return [*events, Heard(at_s=99.0, usage=usage, ended=True)]


def sample(events: list[Heard], most: int = 64) -> Sample:
    return listen(sent_s=10.0, headers_s=10.1, heard=events, most_output_tokens=most)


def test_the_first_token_is_the_first_text_not_the_role_nor_the_headers() -> None:
    found = sample(heard(texts=["one", "two", "three"], usage=Usage(input_tokens=9, output_tokens=5)))

    assert found.ttft_ms == pytest.approx(500)
    assert found.headers_ms == pytest.approx(100)
    assert found.total_ms == pytest.approx(700), "the usage that follows is no token"
    assert found.gaps_ms == pytest.approx((100, 100))


def test_the_rate_is_of_the_tokens_after_the_first_by_the_servers_count() -> None:
    found = sample(heard(texts=["one two ", "three ", "four"], usage=Usage(input_tokens=9, output_tokens=5)))

    assert found.tokens_per_s == pytest.approx(4 / 0.2)
    assert found.tpot_ms == pytest.approx(50)


def test_reasoning_is_no_first_token_and_not_part_of_the_rate() -> None:
    events = heard(texts=["one ", "two"], usage=Usage(input_tokens=9, output_tokens=33, reasoning_tokens=30))
    events.insert(1, Heard(at_s=10.3, thought=True))

    found = sample(events)

    assert found.ttft_ms == pytest.approx(500)
    assert found.tokens_per_s == pytest.approx(2 / 0.1)
    assert found.notes == ("it reasons before it answers: the time to first token holds that",)


@pytest.mark.parametrize(
    ("texts", "usage", "reason"),
    [
        (["one ", "two"], None, "the server sent no count of tokens"),
        (["one two"], Usage(input_tokens=9, output_tokens=3), "the answer came in one piece"),
        (
            ["one ", "two"],
            Usage(input_tokens=9, output_tokens=5000),
            "the server counts more output tokens than it was allowed to write",
        ),
        (
            ["one ", "two"],
            Usage(input_tokens=9, output_tokens=60, reasoning_tokens=0),
            "the server counts more output tokens than the answer has bytes",
        ),
        (
            ["x" * 400, "y" * 400],
            Usage(input_tokens=9, output_tokens=1),
            "the server counts far fewer output tokens than the answer can hold",
        ),
        (
            ["one ", "two"],
            Usage(input_tokens=9, output_tokens=60),
            "the server does not tell reasoning tokens apart from those of the answer",
        ),
    ],
)
def test_a_rate_that_cannot_be_known_says_why(texts: list[str], usage: Usage | None, reason: str) -> None:
    found = sample(heard(texts=texts, usage=usage))

    assert (found.tokens_per_s, found.tokens_per_s_reason) == (None, reason)
    assert found.ttft_ms == pytest.approx(500), "the time to first token needs no count"


def test_an_answer_without_its_end_is_cut_and_one_without_text_says_nothing() -> None:
    whole = heard(texts=["one"])

    with pytest.raises(Failed, match="cut"):
        sample(whole[:-1])
    with pytest.raises(Failed, match=r"no_content$"):
        sample([whole[0], whole[-1]])
    with pytest.raises(Failed, match="no_content only_reasoning"):
        sample([Heard(at_s=10.3, thought=True), whole[-1]])


def test_quantiles_are_values_that_were_seen() -> None:
    values = [float(value) for value in range(1, 21)]

    assert [quantile(values, share) for share in (0.5, 0.9, 0.95, 1.0)] == [10, 18, 19, 20]
    assert quantile([7.0], 0.95) == 7


def test_the_interval_of_the_95th_percentile_follows_from_the_order_of_the_values() -> None:
    values = [float(value) for value in range(1, 101)]

    low, high = p95_interval(values)

    # By hand, Bin(100, 0.95): P(<= 91) = 0.063, P(<= 92) = 0.128; P(>= 98) = 0.118, P(>= 99) = 0.037.
    assert (low, high) == (92, 99)
    assert math.comb(100, 99) * 0.95**99 * 0.05 + 0.95**100 == pytest.approx(0.0371, abs=1e-4)
    assert p95_interval(values[:20])[1] == 20, "too few for an upper end: the slowest one"


def test_few_values_have_no_95th_percentile() -> None:
    assert spread([])["n"] == 0
    assert spread(float(value) for value in range(19))["p95"] is None
    assert spread(float(value) for value in range(20))["p95"] == 18
