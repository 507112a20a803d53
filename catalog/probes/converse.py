"""Amazon Bedrock's ConverseStream through boto3, with a key of the user's own and nothing of this machine's."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.eventstream import ParserError
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from urllib3.exceptions import HTTPError, TimeoutError

from catalog.probes.streaming import Failed, Heard, Sample, Usage, listen

CONNECT_S, READ_S = 10, 60
_THROTTLED = ("ThrottlingException", "ServiceQuotaExceededException", "TooManyRequestsException")


class Converse:
    """One model in one region. The address follows from the region's name alone; safe for several threads."""

    def __init__(self, *, region: str, model: str, key_id: str, key: str, connections: int) -> None:
        self._model = model
        self._sent = threading.local()
        # A session of its own: neither profiles, nor metadata, nor environment variables lend it other credentials.
        session = boto3.session.Session(aws_access_key_id=key_id, aws_secret_access_key=key, region_name=region)
        self._client = session.client(
            "bedrock-runtime",
            config=Config(
                signature_version="v4",  # else AWS_BEARER_TOKEN_BEDROCK of this machine would go before the user's key
                connect_timeout=CONNECT_S,
                read_timeout=READ_S,
                retries={"total_max_attempts": 1},
                max_pool_connections=connections,
                proxies={},
            ),
        )
        self._client.meta.events.register("before-send.bedrock-runtime.ConverseStream", self._note_sending)

    def ask(self, *, prompt: str, max_tokens: int, total_s: float) -> Sample:
        """Send one request and time its answer. Raises Failed.

        The clock starts when the signed request is handed to the connection: where none is open yet, opening it is
        part of the time to first token, which is then a little too long.
        """
        try:
            reply = self._client.converse_stream(
                modelId=self._model,
                messages=[{"role": "user", "content": [{"text": prompt}]}],
                inferenceConfig={"maxTokens": max_tokens, "temperature": 0},
            )
            headers_s = time.perf_counter()
            sent_s: float = self._sent.at_s
            stream = reply["stream"]
            try:
                return listen(
                    sent_s=sent_s,
                    headers_s=headers_s,
                    heard=_heard(_until(stream, until_s=sent_s + total_s)),
                    most_output_tokens=max_tokens,
                )
            finally:
                stream.close()
        except ClientError as error:
            raise _failed(error) from error
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            raise Failed("timeout") from error
        except (BotoCoreError, OSError) as error:
            raise Failed("unreachable") from error

    def _note_sending(self, **told: Any) -> None:
        self._sent.at_s = time.perf_counter()


def _until(events: Iterable[Mapping[str, Any]], *, until_s: float) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """Yield each event with its moment. Raises Failed: `timeout` for a stream that drips on, `cut` for a broken one."""
    try:
        for event in events:
            at_s = time.perf_counter()
            if at_s > until_s:
                raise Failed("timeout")
            yield at_s, event
    except (HTTPError, ParserError) as error:  # the line broke, or a checksum of the event stream does not hold
        failure = "timeout" if isinstance(error, TimeoutError) else "cut"
        raise Failed(failure, code=type(error).__name__) from error


def _heard(events: Iterable[tuple[float, Mapping[str, Any]]]) -> Iterator[Heard]:
    for at_s, event in events:
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        metadata = event.get("metadata", {})
        yield Heard(
            at_s=at_s,
            text=delta.get("text", ""),
            thought="reasoningContent" in delta,
            usage=_usage(metadata.get("usage")),
            ended="messageStop" in event,
            server_ms=metadata.get("metrics", {}).get("latencyMs"),
        )


def _usage(told: Mapping[str, Any] | None) -> Usage | None:
    if not told or "inputTokens" not in told or "outputTokens" not in told:
        return None
    return Usage(input_tokens=told["inputTokens"], output_tokens=told["outputTokens"])


def _failed(error: ClientError) -> Failed:
    """Return the class of a refusal or of an exception event in the stream, by its code."""
    told: Mapping[str, Any] = error.response
    code = str(told.get("Error", {}).get("Code", ""))
    about = told.get("ResponseMetadata", {})
    status = about.get("HTTPStatusCode", 0)
    if code.lower() in {name.lower() for name in _THROTTLED} or status == 429:
        after = str(about.get("HTTPHeaders", {}).get("retry-after", ""))
        return Failed("rate_limited", code=code, retry_after_s=float(after) if after.isdigit() else None)
    if status >= 500:
        return Failed("server_error", code=code)
    if 300 <= status < 400:
        return Failed("redirected", code=code)
    return Failed("refused" if status >= 400 else "error_event", code=code)
