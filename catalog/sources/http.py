"""Asks one provider over HTTP: paced, retried, short, without redirects, and never beyond its own host."""

import email.utils
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx2
import stamina
from django.utils import timezone

from catalog.sources import pace
from catalog.sources.source import SourceBusy, SourceFailed, SourceUnreachable

TRIES = 5
TRIES_WITHOUT_A_CONNECTION = 2  # nobody is there: that is told fast
LONGEST_PAUSE_S = 60.0  # a Retry-After beyond it ends the fetch; the part is asked again later
ANSWER_MAX_BYTES = 64 * 1024 * 1024
ANSWER_WITHIN_S = 60.0
FILE_WITHIN_S = 1800.0
_BUSY = (408, 429, 500, 502, 503, 504)
_TIMEOUT = httpx2.Timeout(connect=5, read=20, write=20, pool=20)


class Asker:
    """A connection pool to one provider. Use as a context manager; not shared between threads."""

    def __init__(self, *, base: str, pace_name: str, headers: Mapping[str, str] | None = None) -> None:
        self.base = httpx2.URL(base)
        self._pace = pace_name
        self._client = httpx2.Client(
            headers={"User-Agent": "ai-stack-advisor", **(headers or {})},
            timeout=_TIMEOUT,
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
        url = self._own(address)

        def once() -> bytes:
            with self._answer(url, params=params, until=time.monotonic() + ANSWER_WITHIN_S) as pieces:
                body = bytearray()
                for piece in pieces:
                    body += piece
                    if len(body) > ANSWER_MAX_BYTES:
                        raise SourceFailed(f"{_shown(url)} sent more than {ANSWER_MAX_BYTES >> 20} MB.")
                return bytes(body)

        return _tried(once)

    def pieces(self, address: str) -> Iterator[bytes]:
        """Yield a large file piece by piece, taken up again where a connection was cut. Raises as `get` does."""
        url, have, cuts = self._own(address), 0, 0
        until = time.monotonic() + FILE_WITHIN_S
        while True:
            before = have
            try:
                with self._answer(url, from_byte=have, as_file=True, until=until) as parts:
                    for piece in parts:
                        have += len(piece)
                        yield piece
                return
            except _Again as error:
                cuts = 0 if have > before else cuts + 1
                if cuts >= TRIES or time.monotonic() > until:
                    raise error.told() from error
                time.sleep(min(error.pause_s if error.pause_s is not None else 2.0**cuts / 2, LONGEST_PAUSE_S))

    def _own(self, address: str) -> httpx2.URL:
        url = (
            httpx2.URL(str(self.base).rstrip("/") + "/" + address.lstrip("/"))
            if "://" not in address
            else httpx2.URL(address)
        )
        if (url.scheme, url.host, url.port) != (self.base.scheme, self.base.host, self.base.port):
            raise SourceFailed(f"{self.base.host} points to another host, {url.host}: not followed.")
        return url

    @contextmanager
    def _answer(
        self,
        url: httpx2.URL,
        *,
        until: float,
        params: Mapping[str, str] | None = None,
        from_byte: int = 0,
        as_file: bool = False,
    ) -> Iterator[Iterator[bytes]]:
        try:
            pace.wait(self._pace)
        except pace.TooBusy as error:
            raise SourceBusy(str(error)) from error
        headers = {"Range": f"bytes={from_byte}-"} if from_byte else {}
        if as_file:
            headers["Accept-Encoding"] = "identity"  # a byte of the file is a byte sent: else a range misses
        try:
            with self._client.stream("GET", url, params=params, headers=headers) as answer:
                self._check(answer, url=url, wanted=206 if from_byte else 200)
                yield _timely(answer.iter_bytes(), until=until, url=url)
        except httpx2.ConnectError as error:
            raise _Again(SourceUnreachable(f"{url.host} cannot be reached: {error}."), connected=False) from error
        except httpx2.TransportError as error:
            raise _Again(SourceBusy(f"{_shown(url)}: {type(error).__name__}: {error}.")) from error

    def _check(self, answer: httpx2.Response, *, url: httpx2.URL, wanted: int) -> None:
        status = answer.status_code
        if status == wanted:
            return
        if status in _BUSY:
            asked = _retry_after_s(answer.headers.get("Retry-After"))
            raise _Again(SourceBusy(f"{_shown(url)} answered {status}.", retry_after_s=asked or 60), pause_s=asked)
        if wanted == 206 and status == 200:
            raise SourceBusy(f"{_shown(url)} was cut and cannot be taken up in the middle.")
        raise SourceFailed(f"{_shown(url)} answered {status}{_HINTS.get(status, '')}.")


_HINTS = {
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


def _tried(once: Callable[[], bytes]) -> bytes:
    tries = 0

    def worth_another(error: Exception) -> bool | float:
        nonlocal tries
        tries += 1
        if not isinstance(error, _Again) or (not error.connected and tries >= TRIES_WITHOUT_A_CONNECTION):
            return False
        if error.pause_s is None:
            return True
        return error.pause_s if error.pause_s <= LONGEST_PAUSE_S else False

    try:
        return stamina.retry(on=worth_another, attempts=TRIES, wait_initial=0.5, wait_max=20, timeout=180)(once)()
    except _Again as error:
        raise error.told() from error


def _timely(pieces: Iterator[bytes], *, until: float, url: httpx2.URL) -> Iterator[bytes]:
    for piece in pieces:
        if time.monotonic() > until:
            raise _Again(SourceBusy(f"{_shown(url)} sends too slowly."))
        yield piece


def _retry_after_s(text: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which holds seconds or a date; None where it holds neither."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at - timezone.now()).total_seconds(), 0.0)


def _shown(url: httpx2.URL) -> str:
    return f"{url.host}{url.path}"  # never the query: it may hold a key
