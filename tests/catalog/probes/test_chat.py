"""Models that stream over real sockets, in the four shapes, with the faults that such streams have."""

import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalog.probes.chat import Chat, Wording, ask
from catalog.probes.converse import Converse
from catalog.probes.streaming import Failed, Sample
from tests.catalog.peers.chat import KEY, WORDS, Models, Says, corrupted
from tests.catalog.peers.server import Answer, Fault, Peer, Request, as_json, running

KINDS = ("openai", "azure_openai", "gemini")
EVERY_KIND = (*KINDS, "bedrock")


@dataclass
class Plain:
    """An answer of a peer of these tests, read as it comes."""

    answer: http.client.HTTPResponse
    sent_s: float
    headers_s: float

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        return {name.lower(): value for name, value in self.answer.getheaders()}

    def pieces(self) -> Iterator[tuple[float, bytes]]:
        try:
            while piece := self.answer.read1(65536):
                yield time.perf_counter(), piece
        except (OSError, http.client.HTTPException) as error:
            raise Failed("cut") from error


@contextmanager
def plainly(url: str, body: bytes, headers: Mapping[str, str]) -> Iterator[Plain]:
    """A way out without a guard: these tests reach this machine only."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    try:
        connection.request("POST", f"{parts.path}?{parts.query}", body=body, headers=dict(headers))
        sent_s = time.perf_counter()
        yield Plain(answer=connection.getresponse(), sent_s=sent_s, headers_s=time.perf_counter())
    finally:
        connection.close()


@dataclass
class Provider:
    """A running provider and how its model is asked."""

    peer: Peer
    models: Models

    def ask(self, kind: str, *, key: str = KEY, wording: Wording | None = None, max_tokens: int = 64) -> Sample:
        if kind == "bedrock":
            one = Converse(region="eu-west-1", model="a.model-v1:0", key_id="AKIATEST", key=key, connections=1)
            return one.ask(prompt="Count.", max_tokens=max_tokens, total_s=30)
        base = {"openai": "/v1", "azure_openai": "", "gemini": "/v1beta"}[kind]
        chat = Chat(address=self.peer.url + base, model="a model", key=key, api_version="2025-04-01-preview")
        return ask(
            kind=kind, chat=chat, prompt="Count.", max_tokens=max_tokens, opener=plainly, wording=wording or Wording()
        )


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    models = Models()
    with running(models.answer) as peer:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", peer.url)
        yield Provider(peer=peer, models=models)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_whole_answer_is_timed_and_counted(kind: str, provider: Provider) -> None:
    provider.models.says = [Says(reasoning_tokens=0, drip_s=0.002)]

    found = provider.ask(kind)

    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens) == (40, 12)
    assert found.tokens_per_s is not None
    assert found.tokens_per_s_reason == ""
    assert len(found.gaps_ms) == len(WORDS) - 1
    assert 0 < found.headers_ms < found.ttft_ms < found.total_ms
    assert found.server_ms == (321 if kind == "bedrock" else None)


@pytest.mark.parametrize(
    ("kind", "path", "header"),
    [
        ("openai", "/v1/chat/completions", "authorization"),
        ("azure_openai", "/openai/deployments/a%20model/chat/completions", "api-key"),
        ("gemini", "/v1beta/models/a%20model:streamGenerateContent", "x-goog-api-key"),
        ("bedrock", "/model/a.model-v1%3A0/converse-stream", "authorization"),
    ],
)
def test_each_kind_is_asked_in_its_own_way(kind: str, path: str, header: str, provider: Provider) -> None:
    provider.ask(kind)

    (asked,) = provider.peer.asked
    assert (asked.method, asked.path) == ("POST", path)
    assert header in asked.headers
    assert asked.query.get("api-version") == ("2025-04-01-preview" if kind == "azure_openai" else None)
    assert b"Count." in asked.body
    assert (b'"include_usage": true' in asked.body) == (kind in ("openai", "azure_openai"))
    assert (b'"model"' in asked.body) == (kind == "openai")


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_reasoning_comes_before_the_first_token(kind: str, provider: Provider) -> None:
    provider.models.says = [Says(thoughts=("let me ", "see"), reasoning_tokens=5, output_tokens=17, drip_s=0.002)]

    found = provider.ask(kind)

    assert found.notes
    if kind == "bedrock":  # it counts both together
        assert found.tokens_per_s_reason == "the server does not tell reasoning tokens apart from those of the answer"
    else:
        assert found.usage is not None
        assert (found.usage.reasoning_tokens, found.tokens_per_s is not None) == (5, True)


FAILURES: dict[str, tuple[Says | None, Fault | None, str]] = {
    "too many requests": (None, Fault(status=429, retry_after="7"), "rate_limited"),
    "an error of the server": (None, Fault(status=503, body=b"<html>busy</html>"), "server_error"),
    "a redirect": (None, Fault(status=302, body=b""), "redirected"),
    "cut in the middle": (Says(cut_after=4), None, "cut"),
    "an end that never comes": (Says(ends=False), None, "cut"),
    "no text at all": (Says(words=()), None, "no_content"),
    "an error among the events": (Says(error_after=2), None, "error_event"),
}


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_answer_has_its_class(kind: str, name: str, provider: Provider) -> None:
    says, fault, expected = FAILURES[name]
    if kind == "gemini" and name == "no text at all":
        says = Says(words=("",))  # a candidate without text
    if says:
        provider.models.says = [says]
    if fault:
        provider.peer.faults = [fault]

    with pytest.raises(Failed) as caught:
        provider.ask(kind)

    assert caught.value.failure == expected
    assert KEY not in str(caught.value)
    assert caught.value.retry_after_s == (7.0 if expected == "rate_limited" else None)
    assert len(provider.peer.asked) == 1, "a probe repeats nothing"


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_no_count_and_a_count_that_lies_leave_the_rate_unknown(kind: str, provider: Provider) -> None:
    provider.models.says = [Says(has_usage=False), Says(output_tokens=90_000, reasoning_tokens=0)]

    without, lying = provider.ask(kind), provider.ask(kind)

    assert (without.tokens_per_s, without.tokens_per_s_reason) == (None, "the server sent no count of tokens")
    assert lying.usage_doubt == "the server counts more output tokens than it was allowed to write"
    assert (lying.tokens_per_s, lying.tokens_per_s_reason) == (None, lying.usage_doubt)


def test_a_wrong_key_is_told_by_its_code_alone(provider: Provider) -> None:
    with pytest.raises(Failed) as caught:
        provider.ask("openai", key="sk-another")

    assert (caught.value.failure, caught.value.code) == ("refused", "invalid_api_key")


def test_a_parameter_that_a_newer_model_refuses_is_left_out_from_then_on(provider: Provider) -> None:
    def answer(request: Request) -> Answer:
        for name in ("max_tokens", "temperature"):
            if f'"{name}"'.encode() in request.body:
                error = {"message": f"Unsupported parameter: '{name}'", "param": name, "code": "unsupported_parameter"}
                return as_json({"error": error}, status=400)
        return provider.models.answer(request)

    provider.peer.answer = answer
    wording = Wording()

    provider.ask("openai", wording=wording)
    provider.ask("openai", wording=wording)

    bodies = [request.body for request in provider.peer.asked]
    assert [b'"max_completion_tokens"' in body for body in bodies] == [False, True, True, True]
    assert [b'"temperature"' in body for body in bodies] == [True, True, False, False]


def test_what_another_request_has_learned_meanwhile_is_used_too(provider: Provider) -> None:
    wording = Wording()

    def answer(request: Request) -> Answer:
        if b'"max_tokens"' in request.body:
            wording.learn("max_tokens")  # as a request that was sent beside this one would have
            return as_json({"error": {"param": "max_tokens", "code": "unsupported_parameter"}}, status=400)
        return provider.models.answer(request)

    provider.peer.answer = answer

    assert provider.ask("openai", wording=wording).usage is not None


def test_a_parameter_refused_again_under_its_new_name_ends_the_asking(provider: Provider) -> None:
    refused = as_json({"error": {"param": "max_tokens", "code": "unsupported_parameter"}}, status=400)
    provider.peer.answer = lambda request: refused

    with pytest.raises(Failed, match="refused unsupported_parameter"):
        provider.ask("openai")

    assert len(provider.peer.asked) == 2


@pytest.mark.parametrize(
    "body", [b"data: not json\n\n", b"data: [1, 2]\n\n", b"data: " + b"x" * 300_000], ids=["text", "list", "endless"]
)
def test_a_stream_of_something_else_is_none(body: bytes, provider: Provider) -> None:
    provider.peer.answer = lambda request: Answer(body=body, headers={"Content-Type": "text/event-stream"})

    with pytest.raises(Failed, match="not_a_stream"):
        provider.ask("openai")


def test_events_may_be_torn_anywhere(provider: Provider) -> None:
    whole = b"".join(provider.models.answer(_request()).pieces or ())
    torn = [bytes([byte]) for byte in whole]
    provider.peer.answer = lambda request: Answer(pieces=iter(torn), headers={"Content-Type": "text/event-stream"})

    found = provider.ask("openai")

    assert len(found.gaps_ms) == len(WORDS) - 1
    assert found.usage is not None


def test_an_event_stream_that_breaks_its_checksum_is_cut(provider: Provider) -> None:
    provider.peer.answer = lambda request: Answer(
        pieces=corrupted(Says()), headers={"Content-Type": "application/vnd.amazon.eventstream"}
    )

    with pytest.raises(Failed, match="cut ChecksumMismatch"):
        provider.ask("bedrock")


def test_a_stream_that_drips_on_ends_at_its_deadline(provider: Provider) -> None:
    provider.models.says = [Says(words=("word ",) * 1000, drip_s=0.02)]
    one = Converse(region="eu-west-1", model="m", key_id="AKIATEST", key=KEY, connections=1)

    with pytest.raises(Failed, match="timeout"):
        one.ask(prompt="Count.", max_tokens=64, total_s=0.2)


def test_bedrock_takes_no_credentials_of_this_machine(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMACHINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the machine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of the machine too")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bearer of the machine")

    provider.ask("bedrock")

    (asked,) = provider.peer.asked
    assert "Credential=AKIATEST/" in asked.headers["authorization"]
    assert "/eu-west-1/bedrock/" in asked.headers["authorization"]
    assert "x-amz-security-token" not in asked.headers


def test_one_client_serves_several_threads(provider: Provider) -> None:
    provider.models.says = [Says(drip_s=0.005)]
    one = Converse(region="eu-west-1", model="m", key_id="AKIATEST", key=KEY, connections=4)
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(partial(one.ask, prompt="Count.", max_tokens=64, total_s=30)()))
        for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(sample.gaps_ms) for sample in found] == [len(WORDS) - 1] * 4


def _request() -> Request:
    return Request(
        method="POST", path="/v1/chat/completions", query={}, headers={"authorization": f"Bearer {KEY}"}, body=b""
    )
