"""Asks one provider over HTTP: paced, retried, short, without redirects, and never beyond its own host."""

import email.utils
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import stamina
from django.utils import timezone

from catalog.sources import pace
from catalog.sources.source import SourceBusy, SourceFailed, SourceUnreachable

_BUSY = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long and how often a provider is asked before we give up. [seconds, bytes, tries]"""

    tries: int = 5
    tries_without_a_connection: int = 2  # nobody is there: that is told fast
    first_pause_s: float = 0.5  # then twice as long each time, with jitter
    longest_pause_s: float = 60.0  # a Retry-After beyond it ends the fetch; the part is asked again later
    connect_s: float = 5.0
    silence_s: float = 20.0  # between two pieces of an answer
    answer_max_bytes: int = 64 * 1024 * 1024
    answer_within_s: float = 60.0
    file_within_s: float = 1200.0  # with its reading, below the time limit of a task


class Asker:
    """A connection pool to one provider. Use as a context manager; not shared between threads."""

    def __init__(
        self,
        *,
        base: str,
        pace_name: str,
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.base = httpx2.URL(base)
        self._pace = pace_name
        self._patience = patience or Patience()
        self._client = httpx2.Client(
            headers={"User-Agent": "ai-stack-advisor", **(headers or {})},
            timeout=httpx2.Timeout(self._patience.silence_s, connect=self._patience.connect_s),
            follow_redirects=False,
            verify=ssl.create_default_context(),
        )

    def __enter__(self) -> "Asker":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, address: str, *, params: Mapping[str, str] | None = None) -> bytes:
        """Return one answer whole, at most 64 MB and within a minute. Raises SourceBusy and SourceFailed.

        ``address`` is relative to the base, or absolute on the same scheme, host and port (a next-page link).
        """
        url, patience = self._own(address), self._patience

        def once() -> bytes:
            until = time.monotonic() + patience.answer_within_s
            with self._answer(url, params=params, until=until) as (_, pieces):
                body = bytearray()
                for piece in pieces:
                    body += piece
                    if len(body) > patience.answer_max_bytes:
                        raise SourceFailed(f"{_shown(url)} sent more than {patience.answer_max_bytes >> 20} MB.")
                return bytes(body)

        return _tried(once, patience=patience)

    def pieces(self, address: str) -> Iterator[bytes]:
        """Yield a large file piece by piece, taken up again where a connection was cut. Raises as `get` does.

        It is asked for uncompressed, so that a byte here is a byte there; and only if it is still the same file.
        """
        url, patience = self._own(address), self._patience
        have, cuts, mark = 0, 0, ""
        until = time.monotonic() + patience.file_within_s
        while True:
            before = have
            headers = {"Accept-Encoding": "identity"}
            if have:
                headers |= {"Range": f"bytes={have}-"} | ({"If-Range": mark} if mark else {})
            try:
                with self._answer(url, headers=headers, until=until, from_byte=have) as (answer, parts):
                    mark = mark or _strong_mark(answer)
                    for piece in parts:
                        have += len(piece)
                        yield piece
                return
            except _Again as error:
                cuts = 0 if have > before else cuts + 1
                if (
                    cuts >= (patience.tries if error.connected else patience.tries_without_a_connection)
                    or time.monotonic() > until
                ):
                    raise error.told() from error
                pause_s = patience.first_pause_s * 2**cuts if error.pause_s is None else error.pause_s
                if pause_s > patience.longest_pause_s:
                    raise error.told() from error
                time.sleep(pause_s)

    def _own(self, address: str) -> httpx2.URL:
        try:
            url = httpx2.URL(
                address
                if address.startswith(("http://", "https://"))
                else str(self.base).rstrip("/") + "/" + address.lstrip("/")
            )
        except httpx2.InvalidURL as error:
            raise SourceFailed(f"{self.base.host} points to what is no address: not followed.") from error
        if (url.scheme, url.host, url.port) != (self.base.scheme, self.base.host, self.base.port) or url.userinfo:
            raise SourceFailed(f"{self.base.host} points to another host, {url.host}: not followed.")
        return url

    @contextmanager
    def _answer(
        self,
        url: httpx2.URL,
        *,
        until: float,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        from_byte: int = 0,
    ) -> Iterator[tuple[httpx2.Response, Iterator[bytes]]]:
        try:
            pace.wait(self._pace)
        except pace.TooBusy as error:
            raise SourceBusy(str(error)) from error
        try:
            with self._client.stream("GET", url, params=params, headers=headers) as answer:
                _check(answer, url=url, from_byte=from_byte)
                yield answer, _timely(answer.iter_bytes(), until=until, url=url)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            told = SourceUnreachable(f"{url.host} cannot be reached: {error or type(error).__name__}.")
            raise _Again(told, connected=False) from error
        except httpx2.LocalProtocolError:  # its text holds the header, and that the key
            raise SourceFailed(f"{_shown(url)} was not asked: a header, the key perhaps, is malformed.") from None
        except httpx2.RequestError as error:
            raise _Again(SourceBusy(f"{_shown(url)}: {type(error).__name__}: {error}.")) from error


def _check(answer: httpx2.Response, *, url: httpx2.URL, from_byte: int) -> None:
    status = answer.status_code
    if status in _BUSY:
        asked = _retry_after_s(answer.headers.get("Retry-After"))
        raise _Again(SourceBusy(f"{_shown(url)} answered {status}.", retry_after_s=asked or 60), pause_s=asked)
    if from_byte:
        begins = answer.headers.get("Content-Range", "").startswith(f"bytes {from_byte}-")
        if status == 200 or (status == 206 and not begins):
            raise SourceBusy(f"{_shown(url)} was cut and cannot be taken up in the middle.")
        if status == 206:
            return
    elif status == 200:
        return
    raise SourceFailed(f"{_shown(url)} answered {status}{_HINTS.get(status, '')}.")


_HINTS = {
    301: " (it points elsewhere, which is not followed)",
    302: " (it points elsewhere, which is not followed)",
    307: " (it points elsewhere, which is not followed)",
    308: " (it points elsewhere, which is not followed)",
    400: " (it does not understand the question: its interface may have changed)",
    401: " (the key is missing or wrong)",
    403: " (the key may not read this)",
    404: " (nothing stands at this address: its interface may have changed)",
}


class _Again(Exception):
    """One try failed in a way that another may not."""

    def __init__(self, cause: SourceBusy, *, pause_s: float | None = None, connected: bool = True) -> None:
        super().__init__(str(cause))
        self.cause, self.pause_s, self.connected = cause, pause_s, connected

    def told(self) -> SourceBusy:
        return self.cause


def _tried(once: Callable[[], bytes], *, patience: Patience) -> bytes:
    tries = 0

    def worth_another(error: Exception) -> bool | float:
        nonlocal tries
        tries += 1
        if not isinstance(error, _Again) or (not error.connected and tries >= patience.tries_without_a_connection):
            return False
        if error.pause_s is None:
            return True
        return error.pause_s if error.pause_s <= patience.longest_pause_s else False

    retried = stamina.retry(
        on=worth_another,
        attempts=patience.tries,
        wait_initial=patience.first_pause_s,
        wait_jitter=patience.first_pause_s,
        wait_max=20,
        timeout=180,
    )
    try:
        return retried(once)()
    except _Again as error:
        raise error.told() from error


def _timely(pieces: Iterator[bytes], *, until: float, url: httpx2.URL) -> Iterator[bytes]:
    for piece in pieces:
        if time.monotonic() > until:
            raise _Again(SourceBusy(f"{_shown(url)} sends too slowly."))
        yield piece


def _strong_mark(answer: httpx2.Response) -> str:
    """Return the ETag of a file if it stands for its very bytes, else nothing."""
    mark: str = answer.headers.get("ETag", "")
    return "" if mark.startswith("W/") else mark


def _retry_after_s(text: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which holds seconds or a date; None where it holds neither."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:  # "-0000": in UTC, where nobody says from where
        at = at.replace(tzinfo=timezone.now().tzinfo)
    return max((at - timezone.now()).total_seconds(), 0.0)


def _shown(url: httpx2.URL) -> str:
    return f"{url.host}{url.path}"  # never the query: it may hold a key
