"""How one request of a probe reaches a user's endpoint, and no other place."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from advisor.models import Endpoint
from advisor.services import outbound
from catalog.probes import chat, load
from catalog.probes.converse import Converse
from catalog.probes.streaming import Failed, Sample

REQUEST_S = 60.0


def chat_of(endpoint: Endpoint, *, key: str) -> chat.Chat:
    """Return the model behind an endpoint's address. The key may be left blank to show what would be sent."""
    return chat.Chat(address=endpoint.address, model=endpoint.model, key=key, api_version=endpoint.api_version)


def asking(endpoint: Endpoint, *, plan: load.Plan, key: str) -> load.Ask:
    """Return how one request is sent: Bedrock by boto3 to its region, all others through the guarded way out."""
    if endpoint.kind == Endpoint.Kind.BEDROCK:
        one = Converse(
            region=endpoint.region, model=endpoint.model, key_id=endpoint.key_id, key=key, connections=max(plan.steps)
        )
        return lambda prompt: one.ask(prompt=prompt, max_tokens=plan.max_tokens, total_s=REQUEST_S)
    told, wording = chat_of(endpoint, key=key), chat.Wording()

    def ask(prompt: str) -> Sample:
        return chat.ask(
            kind=endpoint.kind, chat=told, prompt=prompt, max_tokens=plan.max_tokens, opener=guarded, wording=wording
        )

    return ask


@dataclass(frozen=True)
class _Reply:
    """An answer through the guarded way out, as the probe reads it."""

    stream: outbound.Stream
    until_s: float  # of ``time.monotonic``

    @property
    def status(self) -> int:
        return self.stream.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.stream.headers

    @property
    def sent_s(self) -> float:
        return self.stream.sent_ns / 1e9

    @property
    def headers_s(self) -> float:
        return self.stream.headed_ns / 1e9

    def pieces(self) -> Iterator[tuple[float, bytes]]:
        try:
            for piece in self.stream.pieces:
                yield piece.at_ns / 1e9, piece.body
        except outbound.Unreachable as error:
            raise Failed("timeout" if time.monotonic() >= self.until_s else "cut") from error


@contextmanager
def guarded(url: str, body: bytes, headers: Mapping[str, str]) -> Iterator[_Reply]:
    """Open a user's address: checked, resolved once, pinned, without redirects. Raises Failed."""
    until_s = time.monotonic() + REQUEST_S
    try:
        with outbound.open_stream(url=url, body=body, headers=headers, within_s=REQUEST_S) as stream:
            yield _Reply(stream=stream, until_s=until_s)
    except outbound.Refused as error:
        raise Failed("not_allowed") from error
    except outbound.Unreachable as error:
        raise Failed("timeout" if time.monotonic() >= until_s else "unreachable") from error
