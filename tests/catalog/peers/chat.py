"""Chat models on this machine, streaming in the shapes that OpenAI, Azure, Google and Amazon Bedrock document.

Written by hand to those shapes; the words and counts are invented. What is wrong with an answer is said per answer.
"""

import json
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.catalog.peers.server import Answer, Request, as_json

WORDS = ("one\n", "two\n", "three\n", "four\n", "five\n", "six\n")
KEY = "sk-test-7f3a"


@dataclass(frozen=True, kw_only=True)
class Says:
    """One answer: its pieces, what is counted, and what goes wrong."""

    words: tuple[str, ...] = WORDS
    thoughts: tuple[str, ...] = ()
    input_tokens: int = 40
    output_tokens: int = 12
    reasoning_tokens: int | None = None
    has_usage: bool = True
    cut_after: int | None = None  # events, then the connection breaks
    error_after: int | None = None  # events, then one that tells of an error
    drip_s: float = 0.0  # before each event
    ends: bool = True  # it tells that it is whole


@dataclass
class Models:
    """A provider of all four shapes under one address. `says` are used up one a request; the last one stays."""

    says: list[Says] = field(default_factory=lambda: [Says()])
    under_way: int = 0
    most_under_way: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Answer:
        """Answer one request as the provider whose path it asks for."""
        if not _knows(request):
            return as_json({"error": {"message": f"no such key: {KEY}", "code": "invalid_api_key"}}, status=401)
        says = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if request.path.endswith("/converse-stream"):
            kind, events = "application/vnd.amazon.eventstream", bedrock(says)
        elif request.path.endswith(":streamGenerateContent"):
            kind, events = "text/event-stream", gemini(says)
        elif request.path.endswith("/chat/completions"):
            kind, events = "text/event-stream", openai(says)
        else:
            return as_json({"error": {"code": "not_found"}}, status=404)
        return Answer(pieces=self._counted(_faulty(events, says)), headers={"Content-Type": kind})

    def _counted(self, events: Iterator[bytes]) -> Iterator[bytes]:
        with self.lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            yield from events
        finally:
            with self.lock:
                self.under_way -= 1


def _knows(request: Request) -> bool:
    held = request.headers
    shown = held.get("authorization", "") + held.get("api-key", "") + held.get("x-goog-api-key", "")
    return KEY in shown or shown.startswith("AWS4-HMAC-SHA256 Credential=AKIATEST/")


class Broke(Exception):
    """The provider's end of the line is gone."""


def _faulty(events: Iterator[bytes], says: Says) -> Iterator[bytes]:
    for place, event in enumerate(events):
        if place == says.cut_after:
            raise Broke
        if says.drip_s:
            time.sleep(says.drip_s)
        yield event


def openai(says: Says) -> Iterator[bytes]:
    """Yield chat completion chunks: the role first and alone, the usage last, then [DONE]."""
    shared: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return _sse({**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None})

    yield b": a comment that keeps the line open\n\n" + chunk({"role": "assistant", "content": ""})
    for thought in says.thoughts:
        yield chunk({"reasoning_content": thought})
    for place, word in enumerate(says.words):
        if place == says.error_after:
            yield _sse({"error": {"message": f"overloaded {KEY}", "type": "server_error", "code": "overloaded"}})
            return
        yield chunk({"content": word})
    if not says.ends:
        return
    yield chunk({}, "length")
    if says.has_usage:
        usage: dict[str, Any] = {"prompt_tokens": says.input_tokens, "completion_tokens": says.output_tokens}
        if says.reasoning_tokens is not None:
            usage["completion_tokens_details"] = {"reasoning_tokens": says.reasoning_tokens}
        yield _sse({**shared, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def gemini(says: Says) -> Iterator[bytes]:
    """Yield answers of streamGenerateContent, their lines ended as Google ends them."""
    parts = [{"text": thought, "thought": True} for thought in says.thoughts] + [{"text": word} for word in says.words]
    for place, part in enumerate(parts):
        if place == says.error_after:
            yield _sse({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, end="\r\n")
            return
        is_last = place == len(parts) - 1
        told: dict[str, Any] = {"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]}
        if is_last and says.ends:
            told["candidates"][0]["finishReason"] = "MAX_TOKENS"
        if says.has_usage:
            counted = says.output_tokens if is_last else place + 1
            told["usageMetadata"] = {"promptTokenCount": says.input_tokens, "candidatesTokenCount": counted}
            if says.reasoning_tokens is not None:
                told["usageMetadata"]["thoughtsTokenCount"] = says.reasoning_tokens
        yield _sse(told, end="\r\n")


def bedrock(says: Says) -> Iterator[bytes]:
    """Yield the events of ConverseStream, each a framed message with its two checksums."""
    yield _framed("messageStart", {"role": "assistant"})
    for thought in says.thoughts:
        delta: dict[str, Any] = {"reasoningContent": {"text": thought}}
        yield _framed("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
    for place, word in enumerate(says.words):
        if place == says.error_after:
            yield _framed("modelStreamErrorException", {"message": "overloaded"}, sort="exception")
            return
        yield _framed("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})
    yield _framed("contentBlockStop", {"contentBlockIndex": 0})
    if not says.ends:
        return
    yield _framed("messageStop", {"stopReason": "max_tokens"})
    metadata: dict[str, Any] = {"metrics": {"latencyMs": 321}}
    if says.has_usage:
        metadata["usage"] = {
            "inputTokens": says.input_tokens,
            "outputTokens": says.output_tokens,
            "totalTokens": says.input_tokens + says.output_tokens,
        }
    yield _framed("metadata", metadata)


def corrupted(says: Says) -> Iterator[bytes]:
    """Yield a stream of Bedrock's whose third message does not keep its checksum."""
    for place, message in enumerate(bedrock(replace(says, drip_s=0.0))):
        yield message[:-5] + bytes([message[-5] ^ 0xFF]) + message[-4:] if place == 2 else message


def _sse(told: dict[str, Any], *, end: str = "\n") -> bytes:
    return f"data: {json.dumps(told)}{end}{end}".encode()


def _framed(name: str, told: dict[str, Any], *, sort: str = "event") -> bytes:
    """Return one message of `application/vnd.amazon.eventstream`."""
    payload = json.dumps(told).encode()
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for key, value in {
            f":{sort}-type": name,
            ":content-type": "application/json",
            ":message-type": sort,
        }.items()
    )
    prelude = struct.pack(">II", 12 + len(headers) + len(payload) + 4, len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))
