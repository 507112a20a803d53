"""When Bedrock's models end, from a control plane that wants signed questions. Days are invented."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.files import Facts
from catalog.sources import bedrock_models, pace
from catalog.sources.source import (
    Found,
    NotConfigured,
    Outside,
    Part,
    Retirement,
    SourceBusy,
    SourceFailed,
    SourceUnreachable,
)
from tests.catalog.peers.aws import ACCESS_KEY, SECRET_KEY
from tests.catalog.peers.models_bedrock import control, model, profile
from tests.catalog.peers.models_found import Kept, found
from tests.catalog.peers.server import Fault, Peer, running

MODELS = [
    model("anthropic.claude-sonnet-4-20250514-v1:0", ends="2027-03-01T00:00:00Z"),
    model("amazon.nova-lite-v1:0", ends="2027-09-30T23:59:59+00:00"),
    model("amazon.nova-lite-v1:0:24k", ends="2026-12-31T00:00:00Z"),  # a context length of its own: not ours
    model("amazon.nova-pro-v1:0"),
    model("amazon.nova-canvas-v1:0", ends="2027-01-01T00:00:00Z"),
]
PROFILES = [
    [profile("us.anthropic.claude-sonnet-4-20250514-v1:0", "anthropic.claude-sonnet-4-20250514-v1:0")],
    [profile("global.anthropic.claude-sonnet-4-20250514-v1:0", "anthropic.claude-sonnet-4-20250514-v1:0")],
]


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Peer]:
    monkeypatch.setattr(pace, "PACES", {"aws-bedrock": "1000 per second"})
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    with running(control(MODELS, profiles=PROFILES)) as started:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", started.url)
        yield started


def _part(region: str = "us-east-1") -> Part:
    return Part(source="models", dataset=bedrock_models.DATASET, region=region)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    folder = tmp_path / "kept"
    folder.mkdir()
    return Kept(folder)


def _ends(rows: list[Found]) -> dict[str, dt.date]:
    return {row.key: row.on for row in rows if isinstance(row, Retirement)}


def test_every_offer_of_a_model_ends_with_it(peer: Peer, kept: Kept, facts: Facts) -> None:
    rows = found(bedrock_models, part=_part(), kept=kept, facts=facts)

    assert _ends(rows) == {
        "aws/claude-sonnet-4/global": dt.date(2027, 3, 1),
        "aws/claude-sonnet-4/us": dt.date(2027, 3, 1),
        "aws/nova-lite/unstated": dt.date(2027, 9, 30),
        "aws/nova-lite/us": dt.date(2027, 9, 30),
    }
    assert [row.count for row in rows if isinstance(row, Outside)] == [2]  # the 24k one, and a model of images


def test_each_scope_is_spoken_for_by_its_region(peer: Peer, kept: Kept, facts: Facts) -> None:
    rows = found(bedrock_models, part=_part("eu-central-1"), kept=kept, facts=facts)

    assert set(_ends(rows)) == {"aws/claude-sonnet-4/eu", "aws/nova-lite/eu"}


def test_the_day_says_where_it_stands(peer: Peer, kept: Kept, facts: Facts) -> None:
    rows = found(bedrock_models, part=_part(), kept=kept, facts=facts)

    assert {row.locator for row in rows if isinstance(row, Retirement)} == {
        "us-east-1 foundation-models anthropic.claude-sonnet-4-20250514-v1:0 modelLifecycle.endOfLifeTime",
        "us-east-1 foundation-models amazon.nova-lite-v1:0 modelLifecycle.endOfLifeTime",
    }


def test_every_question_is_signed_and_every_answer_kept(peer: Peer, kept: Kept) -> None:
    bedrock_models.fetch(_part(), keep=kept)

    assert [page.url.removeprefix(peer.url) for page in kept.pages] == [
        "/ListFoundationModels?#page=1",
        "/ListInferenceProfiles?typeEquals=SYSTEM_DEFINED&maxResults=1000#page=1",
        "/ListInferenceProfiles?typeEquals=SYSTEM_DEFINED&maxResults=1000#page=2",
    ]


def test_a_wrong_secret_is_told(peer: Peer, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")

    with pytest.raises(SourceFailed, match="token included in the request is invalid"):
        bedrock_models.fetch(_part(), keep=kept)


def test_regions_are_those_of_the_credentials_partition(peer: Peer, facts: Facts) -> None:
    regions = [part.region for part in bedrock_models.parts(facts=facts, regions=None)]

    assert {"us-east-1", "eu-central-1", "ap-northeast-1"} <= set(regions)
    assert "us-gov-west-1" not in regions


def test_without_credentials_nobody_is_asked(peer: Peer, facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(NotConfigured, match="AWS_ACCESS_KEY_ID"):
        bedrock_models.parts(facts=facts, regions=None)
    assert peer.asked == []


def test_a_page_that_comes_twice_ends_the_fetch(peer: Peer, kept: Kept) -> None:
    peer.answer = control(MODELS, profiles=PROFILES, same_token=True)

    with pytest.raises(SourceFailed, match="page token again"):
        bedrock_models.fetch(_part(), keep=kept)
    assert len(peer.asked) == 3


def test_a_throttled_question_is_asked_again(peer: Peer, kept: Kept, facts: Facts) -> None:
    peer.faults.append(Fault(status=429, body=b'{"message": "Too many requests"}'))

    assert _ends(found(bedrock_models, part=_part(), kept=kept, facts=facts))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=403, body=b'{"message": "User is not authorized"}'), SourceFailed),
        (Fault(status=503, body=b""), SourceBusy),
    ],
)
def test_what_bedrock_refuses_is_told(fault: Fault, error: type[Exception], peer: Peer, kept: Kept) -> None:
    peer.always = fault

    with pytest.raises(error) as raised:
        bedrock_models.fetch(_part(), keep=kept)
    assert type(raised.value) is error


def test_nobody_there_is_told(peer: Peer, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", "http://127.0.0.1:9")

    with pytest.raises(SourceUnreachable):
        bedrock_models.fetch(_part(), keep=kept)


@pytest.mark.parametrize("answer", [[], [{"modelId": "x", "modelLifecycle": {"endOfLifeTime": "soon"}}]])
def test_an_empty_or_unknown_answer_fails(answer: list[dict[str, Any]], peer: Peer, kept: Kept, facts: Facts) -> None:
    kept(url="x/foundation-models", pieces=[b'{"modelSummaries": ' + repr(answer).replace("'", '"').encode() + b"}"])

    with pytest.raises(SourceFailed):
        list(bedrock_models.read(_part(), pages=kept.pages, facts=facts))
