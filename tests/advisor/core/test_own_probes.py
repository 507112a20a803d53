"""What a team measured on endpoints of its own, in its reports: met or missed where it was not known before."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from advisor.core.advise import advise
from advisor.core.document import check, known_from
from advisor.core.own_probes import OwnProbe
from advisor.core.report import Report
from catalog.frame import Catalog
from estimator import coefficients
from estimator.uncertainty import Range

MOMENT = dt.date(2026, 11, 23)
OFFER = "aws/claude-fable-5-1/global"
PROBE = OwnProbe(
    number=17,
    endpoint="our account",
    model_offer_id=OFFER,
    taken_on=dt.date(2026, 11, 1),
    vantage="Frankfurt",
    concurrency=4,
    answered_count=20,
    failed_count=1,
    input_tokens=900.0,
    output_tokens=128.0,
    ttft_ms=Range(380.0, 420.0, 510.0),
    tpot_ms=Range(18.0, 20.0, 25.0),
)
Advised = Callable[..., Report]


@pytest.fixture(scope="module")
def advised(shipped: Catalog) -> Advised:
    """Return a function that advises a managed workload with latency targets and these probes."""
    known = coefficients.load()

    def run(*probes: OwnProbe, ttft: float = 500.0, tpot: float = 15.0) -> Report:
        raw = {
            "version": 1,
            "decision": "Support assistant",
            "constraints": {"providers": ["aws"]},
            "workloads": [
                {
                    "id": "chat",
                    "kind": "managed_api",
                    "model": {"acceptable": [{"family": family_of(shipped)}]},
                    "traffic": {"requests_per_s_mean": 1, "input_tokens": 1000, "output_tokens": 200},
                    "targets": {"ttft_p95_ms": ttft, "tpot_p95_ms": tpot},
                }
            ],
        }
        document = check(raw, complete=True, known=known_from(shipped))
        return advise(document=document, catalog=shipped, coefficients=known, moment=MOMENT, probes=probes)

    return run


def family_of(catalog: Catalog) -> str:
    offers = catalog.model_offers
    return str(offers[offers["model_offer_id"] == OFFER]["family"].iloc[0])


def stacks(part: Any) -> Iterator[dict[str, Any]]:
    """Every stack of a report that stands for the probed offer."""
    if isinstance(part, dict):
        if OFFER in str(part.get("id", "")) and "numbers" in part:
            yield part
        for value in part.values():
            yield from stacks(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from stacks(value)


def said(report: Report) -> str:
    return str(report.data)


def test_without_a_probe_a_managed_latency_is_not_known_and_nothing_is_hashed(advised: Advised) -> None:
    report = advised()

    assert "own_probes" not in report.data["hashes"]
    assert "not estimated for" in said(report)
    assert all("ttft_ms" not in stack["numbers"] for stack in stacks(report.data))


def test_a_probe_meets_a_target_and_is_named_as_evidence(advised: Advised) -> None:
    report = advised(PROBE, tpot=30.0)

    found = next(stacks(report.data))
    assert found["numbers"]["ttft_ms"] == {
        "value": 420.0,
        "low": 380.0,
        "high": 510.0,
        "unit": "ms",
        "kind": "probe",
        "evidence": ["own_probe:17.ttft"],
        "reason": None,
    }
    entries = {entry["id"]: entry for entry in report.data["evidence"]}
    entry = entries["own_probe:17.ttft"]
    assert (entry["kind"], entry["value"], entry["as_of"]) == ("probe", 420.0, "2026-11-01")
    assert entry["source"] == "your own probe of our account"
    assert entry["locator"] == (
        "probe 17: n = 20, 4 at a time, 1 failed; prompts of 900 tokens; answers of 128 tokens; measured from "
        "Frankfurt, not from where your users are"
    )
    assert entries["own_probe:17.tpot"]["value"] == 20.0
    assert len(report.data["hashes"]["own_probes"]) == 64


def test_a_target_that_a_probe_misses_excludes_the_offer(advised: Advised) -> None:
    without, within, over = advised(tpot=30.0), advised(PROBE, tpot=30.0), advised(PROBE, ttft=400.0, tpot=30.0)

    def ranked(report: Report) -> int:
        counted: int = report.data["workloads"][0]["candidates"]["excluded"]
        return counted

    assert ranked(over) == ranked(within) + 1
    assert ranked(within) == ranked(without)
    assert "within your limit of 500 ms" in said(within) or "by your own probe" in said(within)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"taken_on": dt.date(2026, 8, 1)}, "the probe is 114 days old: measure again"),
        ({"input_tokens": 120.0}, "prompts of 120 tokens are much shorter than yours of 1,000"),
        ({"input_tokens": None}, "the server did not say how long the probe's prompts were"),
    ],
)
def test_a_probe_that_is_old_or_too_short_is_shown_and_decides_nothing(
    change: dict[str, Any], says: str, advised: Advised
) -> None:
    doubtful = replace(PROBE, **change)

    over, without = advised(doubtful, ttft=400.0, tpot=15.0), advised(ttft=400.0, tpot=15.0)

    counts = [report.data["workloads"][0]["candidates"] for report in (over, without)]
    assert counts[0] == counts[1]
    numbers = next(stacks(over.data))["numbers"]
    assert numbers["ttft_ms"]["value"] == 420.0
    assert says in numbers["ttft_ms"]["reason"]


def test_the_same_probes_give_the_same_bytes_and_others_another_hash(advised: Advised) -> None:
    other = replace(PROBE, number=18, ttft_ms=Range(380.0, 421.0, 510.0))

    assert advised(PROBE).to_bytes() == advised(PROBE).to_bytes()
    assert advised(PROBE).data["hashes"]["own_probes"] != advised(other).data["hashes"]["own_probes"]


def test_of_two_probes_of_an_offer_the_newer_speaks(advised: Advised) -> None:
    newer = replace(PROBE, number=18, taken_on=dt.date(2026, 11, 20), ttft_ms=Range(1.0, 2.0, 3.0))

    report = advised(newer, PROBE, tpot=30.0)

    assert next(stacks(report.data))["numbers"]["ttft_ms"]["value"] == 2.0


def test_a_server_without_a_count_leaves_the_time_per_token_unknown(advised: Advised) -> None:
    report = advised(replace(PROBE, tpot_ms=None), tpot=30.0)

    numbers = next(stacks(report.data))["numbers"]
    assert ("ttft_ms" in numbers, "tpot_ms" in numbers) == (True, False)


def test_a_probe_of_another_offer_changes_nothing_but_the_hash(advised: Advised) -> None:
    report = advised(replace(PROBE, model_offer_id="aws/another/global"))

    assert all("ttft_ms" not in stack["numbers"] for stack in stacks(report.data))
    assert not any(entry["id"].startswith("own_probe:") for entry in report.data["evidence"])
