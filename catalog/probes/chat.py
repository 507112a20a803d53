"""Chat APIs that stream server-sent events: how each is asked, and how its events are read."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from catalog.probes.streaming import Failed, Heard, Sample, Usage, listen

LINE_MAX_BYTES = 256 * 1024
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}\Z")
_REFUSED_BODY_BYTES = 8 * 1024


class Reply(Protocol):
    """An answer as it comes. `sent_s` and `headers_s` are moments of ``time.perf_counter``."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers, names in lower case."""
        ...

    @property
    def sent_s(self) -> float:
        """Return when the last byte of the request was written."""
        ...

    @property
    def headers_s(self) -> float:
        """Return when the headers had come."""
        ...

    def pieces(self) -> Iterator[tuple[float, bytes]]:
        """Yield the body as it arrives, each piece with its moment. Raises Failed where it breaks off."""
        ...


# The caller's guarded way out: it decides which addresses may be reached at all. Raises Failed.
Opener = Callable[[str, bytes, Mapping[str, str]], AbstractContextManager[Reply]]
Event = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Chat:
    """One model behind one address."""

    address: str
    model: str
    key: str = field(repr=False)
    api_version: str = ""  # Azure only


@dataclass
class Wording:
    """What a server understands: newer models refuse the older name of a limit, or a temperature."""

    limit: str = "max_tokens"
    has_temperature: bool = True
    refused: set[str] = field(default_factory=set)

    def learn(self, parameter: str) -> bool:
        """Drop a parameter that was refused; False where that is no help."""
        if parameter in self.refused or parameter not in ("max_tokens", "temperature"):
            return False
        self.refused.add(parameter)
        if parameter == "max_tokens":
            self.limit = "max_completion_tokens"
        else:
            self.has_temperature = False
        return True


def address_of(kind: str, chat: Chat) -> str:
    """Return where requests of a kind go."""
    base = chat.address.rstrip("/")
    if kind == "azure_openai":
        deployment = quote(chat.model, safe="")
        return f"{base}/openai/deployments/{deployment}/chat/completions?api-version={quote(chat.api_version, safe='')}"
    if kind == "gemini":
        return f"{base}/models/{quote(chat.model, safe='')}:streamGenerateContent?alt=sse"
    return base if urlsplit(base).path.endswith("/chat/completions") else f"{base}/chat/completions"


def headers_of(kind: str, chat: Chat) -> dict[str, str]:
    """Return the headers of a request, the key among them."""
    name, value = {
        "azure_openai": ("api-key", chat.key),
        "gemini": ("x-goog-api-key", chat.key),
    }.get(kind, ("Authorization", f"Bearer {chat.key}"))
    return {"Content-Type": "application/json", "Accept": "text/event-stream", name: value}


def body_of(kind: str, chat: Chat, *, prompt: str, max_tokens: int, wording: Wording) -> bytes:
    """Return the body of a request."""
    if kind == "gemini":
        told: dict[str, Any] = {
            "contents": [{"role": "user", "parts": [{"text": prompt}]}],
            "generationConfig": {"temperature": 0, "maxOutputTokens": max_tokens},
        }
        return json.dumps(told).encode()
    told = {
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
        wording.limit: max_tokens,
    }
    if wording.has_temperature:
        told["temperature"] = 0
    if kind != "azure_openai":  # there the address names the deployment
        told["model"] = chat.model
    return json.dumps(told).encode()


def ask(*, kind: str, chat: Chat, prompt: str, max_tokens: int, opener: Opener, wording: Wording) -> Sample:
    """Send one request and time its answer. Raises Failed.

    A parameter that the server refuses by its name is left out from then on, and the request sent once more: a refused
    request writes no token.
    """
    refused_before = len(wording.refused)
    body = body_of(kind, chat, prompt=prompt, max_tokens=max_tokens, wording=wording)
    with opener(address_of(kind, chat), body, headers_of(kind, chat)) as reply:
        if reply.status == 200:
            if reply.headers.get("content-type", "").startswith("application/json"):
                raise Failed("not_a_stream")
            heard = _READERS[kind](_events(reply.pieces()))
            return listen(sent_s=reply.sent_s, headers_s=reply.headers_s, heard=heard, most_output_tokens=max_tokens)
        refused = _refusal(reply)
        parameter = refused.parameter
    # Another request on its way at the same time may have learned it first.
    if reply.status == 400 and kind != "gemini" and (wording.learn(parameter) or len(wording.refused) > refused_before):
        return ask(kind=kind, chat=chat, prompt=prompt, max_tokens=max_tokens, opener=opener, wording=wording)
    raise refused.failed


@dataclass(frozen=True)
class _Refusal:
    failed: Failed
    parameter: str


def _refusal(reply: Reply) -> _Refusal:
    """Return the class of an answer that is no stream. Of its body only a short code is kept: it is a stranger's."""
    held = b""
    for _, piece in reply.pieces():
        held += piece
        if len(held) > _REFUSED_BODY_BYTES:
            break
    try:
        error = _error(json.loads(held))
    except ValueError:
        error = {}
    code = _code(error)
    if reply.status == 429:
        return _Refusal(Failed("rate_limited", code=code, retry_after_s=_seconds(reply.headers)), "")
    failure = "server_error" if reply.status >= 500 else "redirected" if 300 <= reply.status < 400 else "refused"
    return _Refusal(Failed(failure, code=code or str(reply.status)), str(error.get("param") or ""))


def _seconds(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "").strip()
    return float(text) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) else None


def _error(told: Any) -> Event:
    if isinstance(told, list) and told:  # Google wraps a refusal in a list
        told = told[0]
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) else {}


def _code(error: Event) -> str:
    """Return the provider's short name of an error. Its message is not kept: it may repeat the key."""
    for name in ("code", "status", "type"):
        if _CODE.match(str(error.get(name) or "")):
            return str(error[name])
    return ""


# --- server-sent events ---------------------------------------------------------------------------------------------


def _events(pieces: Iterable[tuple[float, bytes]]) -> Iterator[tuple[float, str]]:
    """Yield the data of each event with the moment its end arrived: an empty line closes it. Comments are no event."""
    data: list[str] = []
    for at_s, line in _lines(pieces):
        if not line:
            if data:
                yield at_s, "\n".join(data)
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))


def _lines(pieces: Iterable[tuple[float, bytes]]) -> Iterator[tuple[float, str]]:
    held = b""
    for at_s, piece in pieces:
        held += piece
        *whole, held = held.split(b"\n")
        if len(held) > LINE_MAX_BYTES:
            raise Failed("not_a_stream")
        for line in whole:
            yield at_s, line.removesuffix(b"\r").decode(errors="replace")


def _read(data: str) -> Event:
    try:
        told = json.loads(data)
    except ValueError as error:
        raise Failed("not_a_stream") from error
    if not isinstance(told, dict):
        raise Failed("not_a_stream")
    if "error" in told:
        raise Failed("error_event", code=_code(_error(told)))
    return told


def _openai(events: Iterable[tuple[float, str]]) -> Iterator[Heard]:
    """Read chat completion chunks: a first one that may only name the role, the usage last, then `[DONE]`."""
    for at_s, data in events:
        if data.strip() == "[DONE]":
            yield Heard(at_s=at_s, ended=True)
            return
        told = _read(data)
        choices = _list(told.get("choices"))
        delta = _dict(choices[0].get("delta")) if choices else {}
        yield Heard(
            at_s=at_s,
            text=_text(delta.get("content")),
            # Not of OpenAI's own API, but what most servers of open reasoning models send.
            thought=bool(_text(delta.get("reasoning_content")) or _text(delta.get("reasoning"))),
            usage=_openai_usage(told.get("usage")),
            ended=bool(choices and choices[0].get("finish_reason")),
        )


def _openai_usage(told: Any) -> Usage | None:
    counts = _dict(told)
    read, written = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    if read is None or written is None:
        return None
    details = _dict(counts.get("completion_tokens_details"))
    return Usage(input_tokens=read, output_tokens=written, reasoning_tokens=_count(details.get("reasoning_tokens")))


def _gemini(events: Iterable[tuple[float, str]]) -> Iterator[Heard]:
    """Read the answers of streamGenerateContent; counts grow from event to event, the last ones hold."""
    for at_s, data in events:
        told = _read(data)
        candidates = _list(told.get("candidates"))
        first = candidates[0] if candidates else {}
        parts = _list(_dict(first.get("content")).get("parts"))
        if _dict(told.get("promptFeedback")).get("blockReason"):
            raise Failed("refused", code="blocked")
        yield Heard(
            at_s=at_s,
            text="".join(_text(part.get("text")) for part in parts if part.get("thought") is not True),
            thought=any(part.get("thought") is True for part in parts),
            usage=_gemini_usage(told.get("usageMetadata")),
            ended=bool(first.get("finishReason")),
        )


def _gemini_usage(told: Any) -> Usage | None:
    counts = _dict(told)
    read, written = _count(counts.get("promptTokenCount")), _count(counts.get("candidatesTokenCount"))
    if read is None or written is None:
        return None
    thoughts = _count(counts.get("thoughtsTokenCount")) or 0  # beside the candidates' tokens, not among them
    return Usage(input_tokens=read, output_tokens=written + thoughts, reasoning_tokens=thoughts)


_READERS: dict[str, Callable[[Iterable[tuple[float, str]]], Iterator[Heard]]] = {
    "openai": _openai,
    "azure_openai": _openai,
    "gemini": _gemini,
}
KINDS = tuple(_READERS)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
