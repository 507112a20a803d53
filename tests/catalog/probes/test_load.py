"""Steps of growing concurrency: what is sent, what it may take, and what ends it."""

import threading
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from catalog.probes.load import NOBODY, Plan, Purse, checked, prompt, run
from catalog.probes.streaming import Failed, Sample, Usage

PLAN = Plan(
    steps=(1, 2, 4),
    requests_per_step=8,
    max_tokens=100,
    prompt_words=40,
    most_tokens=1_000_000,
    most_usd=Decimal(5),
    input_usd_per_mtok=Decimal("2.5"),
    output_usd_per_mtok=Decimal(10),
)
SAMPLE = Sample(
    headers_ms=90.0,
    ttft_ms=100.0,
    total_ms=900.0,
    gaps_ms=(10.0, 20.0),
    usage=Usage(input_tokens=50, output_tokens=80),
    usage_doubt="",
    tokens_per_s=50.0,
    tokens_per_s_reason="",
    server_ms=None,
    notes=(),
)


def quiet(done: int, of: int, purse: Purse) -> None:
    return


def test_every_step_sends_its_requests_and_no_more_at_a_time_than_it_says() -> None:
    lock, under_way, most = threading.Lock(), [0], [0]

    def ask(text: str) -> Sample:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.002)
        with lock:
            under_way[0] -= 1
        return SAMPLE

    told: list[tuple[int, int]] = []
    outcome = run(plan=PLAN, ask=ask, tell=lambda done, of, purse: told.append((done, of)))

    assert [(step.concurrency, step.asked, len(step.samples)) for step in outcome.steps] == [
        (1, 8, 8),
        (2, 8, 8),
        (4, 8, 8),
    ]
    assert most[0] <= 4
    assert told == [(done, 24) for done in range(1, 25)]
    assert outcome.stopped_by == ""
    assert outcome.as_json()["tokens_counted"] == 24 * 130


def test_no_two_prompts_begin_alike() -> None:
    seen: list[str] = []

    def ask(text: str) -> Sample:
        seen.append(text)
        return SAMPLE

    run(plan=replace(PLAN, steps=(1,)), ask=ask, tell=quiet)

    assert len({text[:22] for text in seen}) == 8
    assert len({text[23:] for text in seen}) == 1, "only the nonce differs"
    assert 35 <= len(prompt(words=40, nonce="0" * 16).split()) <= 45


def test_a_cap_holds_before_a_request_is_sent_whatever_the_server_counts() -> None:
    bound = PLAN.bound()
    plan = replace(PLAN, most_tokens=3 * bound.tokens + 1)
    asked: list[str] = []

    def ask(text: str) -> Sample:
        asked.append(text)
        return replace(SAMPLE, usage=None)

    outcome = run(plan=plan, ask=ask, tell=quiet)

    assert (len(asked), outcome.stopped_by) == (3, "the token cap")
    assert outcome.purse.tokens_at_most <= plan.most_tokens
    assert plan.most().requests_count == 3


def test_a_cap_on_money_holds_for_requests_that_are_under_way_too() -> None:
    plan = replace(PLAN, steps=(8,), most_usd=PLAN.bound().usd * 2)

    def ask(text: str) -> Sample:
        time.sleep(0.01)
        return replace(SAMPLE, usage=None)

    outcome = run(plan=plan, ask=ask, tell=quiet)

    assert (outcome.steps[0].asked, outcome.stopped_by) == (2, "the money cap")
    assert Decimal(outcome.as_json()["usd_at_most"]) <= plan.most_usd + Decimal("0.0001")


def test_the_servers_count_frees_what_was_set_aside_but_a_lie_does_not() -> None:
    plan = replace(PLAN, steps=(1,), most_tokens=PLAN.bound().tokens * 2)

    honest = run(plan=plan, ask=lambda text: SAMPLE, tell=quiet)
    lying = run(
        plan=plan,
        ask=lambda text: replace(SAMPLE, usage=Usage(input_tokens=0, output_tokens=0), usage_doubt="far fewer"),
        tell=quiet,
    )

    assert honest.steps[0].asked > 2
    assert (lying.steps[0].asked, lying.stopped_by) == (2, "the token cap")


def test_the_bound_of_a_request_is_above_what_any_tokenizer_makes_of_it() -> None:
    bound, text = PLAN.bound(), prompt(words=40, nonce="0" * 16)

    assert bound.tokens >= len(text.encode()) + PLAN.max_tokens
    assert bound.usd == (Decimal("2.5") * (bound.tokens - 100) + 10 * 100) / 1_000_000
    assert PLAN.most().requests_count == 24


def test_failures_are_counted_by_class_and_refused_requests_cost_nothing() -> None:
    turns = iter([Failed("rate_limited", code="slow_down", retry_after_s=0.01), Failed("cut"), *[SAMPLE] * 6])

    def ask(text: str) -> Sample:
        turn = next(turns)
        if isinstance(turn, Failed):
            raise turn
        return turn

    outcome = run(plan=replace(PLAN, steps=(1,)), ask=ask, tell=quiet)

    kept: dict[str, Any] = outcome.as_json()["steps"][0]
    assert (kept["failures"], kept["codes"]) == ({"cut": 1, "rate_limited": 1}, {"slow_down": 1})
    assert (kept["asked"], kept["answered"], kept["ttft_ms"]["n"]) == (8, 6, 6)
    assert outcome.purse.tokens_at_most == 6 * 130 + PLAN.bound().tokens, "what broke off may have been billed"


def test_who_listens_can_end_it_and_nothing_more_is_sent() -> None:
    asked: list[str] = []

    def ask(text: str) -> Sample:
        asked.append(text)
        return SAMPLE

    class Cancelled(Exception):
        """As a worker raises whose lease is gone."""

    def tell(done: int, of: int, purse: Purse) -> None:
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(plan=replace(PLAN, steps=(1,)), ask=ask, tell=tell)

    assert len(asked) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": ()}, "from 1 to 32"),
        ({"steps": (64,)}, "from 1 to 32"),
        ({"steps": (4, 2)}, "must grow"),
        ({"requests_per_step": 200}, "600 requests are more than"),
        ({"steps": (16,)}, "at least as many requests"),
        ({"input_usd_per_mtok": None}, "No price is known"),
        ({"most_tokens": 10}, "do not pay for one request"),
        ({"most_usd": Decimal("0.000001")}, "do not pay for one request"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_says_why(change: dict[str, Any], says: str) -> None:
    wrong = checked(replace(PLAN, **change), longest=300, widest=32)

    assert any(says in text for text in wrong)
    assert checked(PLAN, longest=300, widest=32) == []


def test_a_server_of_ones_own_may_cost_nothing() -> None:
    plan = replace(PLAN, input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0), most_usd=Decimal(0))

    assert checked(plan, longest=300, widest=32) == []
    assert run(plan=plan, ask=lambda text: SAMPLE, tell=quiet).stopped_by == ""


def test_a_probe_that_nobody_answers_ends_early() -> None:
    asked: list[str] = []

    def ask(text: str) -> Sample:
        asked.append(text)
        raise Failed("refused", code="invalid_api_key")

    outcome = run(plan=PLAN, ask=ask, tell=quiet)

    assert (len(asked), outcome.stopped_by, outcome.answered) == (3, NOBODY, 0)
    assert outcome.purse.tokens_at_most == 0


def test_nothing_is_sent_once_the_time_is_over() -> None:
    outcome = run(plan=PLAN, ask=lambda text: SAMPLE, tell=quiet, within_s=0.0)

    assert (outcome.steps[0].asked, outcome.stopped_by) == (0, "the time of one probe")
