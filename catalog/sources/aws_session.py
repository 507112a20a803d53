"""AWS's signed services through boto3: who asks, in which regions, at our pace, page by page, errors in our words.

Answers are kept as the decoded JSON of each page: boto3 hands over no raw bytes, and EC2 speaks XML underneath.
"""

import json
import queue
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NoReturn
from urllib.parse import urlencode

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
)
from botocore.loaders import create_loader
from botocore.parsers import ResponseParserError
from django.conf import settings

from catalog.files import Facts
from catalog.sources import pace
from catalog.sources.source import Keep, NotConfigured, Page, SourceBusy, SourceFailed, SourceUnreachable

PUBLIC_PARTITIONS = ("aws", "aws-us-gov")  # China has price lists of its own, in CNY
PAGES_MAX = 500
TOKEN = "NextToken"  # noqa: S105 - the name of a field
CALL_WITHIN_S = 150.0  # one call with all its tries
_CONFIG = Config(
    retries={"mode": "adaptive", "total_max_attempts": 4},
    connect_timeout=5,
    read_timeout=20,
    user_agent_extra="ai-stack-advisor",
)
_LOADER = create_loader()  # the descriptions of services are megabytes: read once
_BUSY = {
    "InternalError", "InternalFailure", "PriorRequestNotComplete", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "ServiceUnavailable", "SlowDown", "Throttling", "ThrottledException",
    "ThrottlingException", "TooManyRequestsException", "Unavailable",
}  # fmt: skip
_NOT_ENABLED = {"AuthFailure", "OptInRequired"}  # the same codes stand for a wrong key
_NEED_NO_OPT_IN = {
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1",
    "us-east-2", "us-west-1", "us-west-2",
}  # fmt: skip


def has_credentials() -> bool:
    """Say whether boto3 finds credentials, without asking anybody. Raises NotConfigured where they are set up wrongly.

    A container's role counts by its variables. The role of an EC2 machine is never looked for, because that asks the
    network each time: give a profile instead.
    """
    if settings.AWS_CONTAINER_ROLE:
        return True
    core = _core()
    core.get_component("credential_provider").remove("container-role")
    try:
        return core.get_credentials() is not None
    except BotoCoreError as error:
        raise NotConfigured(f"AWS credentials are not usable: {error}") from error


def asks_interfaces() -> bool:
    """Say whether prices are asked of AWS's interfaces, not read from its public files. Raises NotConfigured.

    That takes credentials of the public partition: the interfaces stand there for all.
    """
    return has_credentials() and own_partition() == "aws"


def need_credentials(what: str) -> None:
    """Return if boto3 finds credentials. Raises NotConfigured, which says what they are needed for."""
    if not has_credentials():
        raise NotConfigured(
            f"{what}: this takes AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        )


def regions(facts: Facts, asked: Collection[str] | None, *, partitions: Sequence[str]) -> list[str]:
    """Return the catalog's AWS regions that are open in these partitions, of those asked for or of all.

    Left out are announced regions and Local Zones, which have no endpoint of their own.
    """
    core = boto3.Session(botocore_session=_core())
    is_open = {name for partition in partitions for name in core.get_available_regions("ec2", partition_name=partition)}
    known = {region.region for region in facts.regions if region.provider == "aws"} & is_open
    return sorted(known if asked is None else known & set(asked))


def own_partition() -> str:
    """Return the partition that the credentials are for: that of the configured region, or the public one."""
    core = _core()
    partition: str = core.get_partition_for_region(core.get_config_variable("region") or "us-east-1")
    return partition


def client(service: str, *, region: str, pace_name: str) -> Any:
    """Return a client whose every request, retries too, waits for its turn. Raises NotConfigured.

    botocore itself reads AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>.
    """
    try:
        made = boto3.Session(botocore_session=_core()).client(service, region_name=region, config=_CONFIG)
    except BotoCoreError as error:
        raise NotConfigured(f"AWS is not usable: {error}") from error
    made.meta.events.register("before-send", lambda **_: pace.wait(pace_name))
    return made


def keep_pages(
    made: Any, operation: str, *, keep: Keep, version: str = "", token: str = TOKEN, **asked: Any
) -> list[Page]:
    """Ask an operation to its last page, keep each, and return what was kept. Raises SourceBusy and SourceFailed.

    An empty page with a token is no end: EC2 sends such. A token that comes again would never end.
    """
    named = urlencode({name: value for name, value in asked.items() if isinstance(value, str | int)})
    address = f"{made.meta.endpoint_url.rstrip('/')}/{_action(made, operation)}?{named}"
    pages: list[Page] = []
    seen: set[str] = set()
    while True:
        answer = call(made, operation, **asked)
        body = json.dumps(answer, default=str).encode()
        pages.append(keep(url=f"{address}#page={len(pages) + 1}", pieces=[body], version=version))
        following = answer.get(token)
        if not following:
            return pages
        if following in seen or len(pages) >= PAGES_MAX:
            why = "sends a page token again" if following in seen else f"has more than {PAGES_MAX} pages"
            raise SourceFailed(f"{_action(made, operation)} {why}: its pages do not end.")
        seen.add(following)
        asked[token] = following


def call(made: Any, operation: str, **asked: Any) -> Any:
    """Return one answer without its metadata. Raises SourceBusy, SourceFailed, NotConfigured (region not enabled)."""
    what = f"AWS {_action(made, operation)} in {made.meta.region_name}"
    try:
        answer = _within(CALL_WITHIN_S, lambda: getattr(made, operation)(**asked), what=what)
    except ClientError as error:
        _refused(error, what=what, region=made.meta.region_name)
    except (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError) as error:
        raise SourceUnreachable(f"{what}: {error}") from error
    except (HTTPClientError, ResponseParserError) as error:  # the latter: a page of something in between, at any status
        raise SourceBusy(f"{what}: {str(error).splitlines()[0]}") from error
    except pace.TooBusy as error:
        raise SourceBusy(str(error)) from error
    except BotoCoreError as error:
        raise SourceFailed(f"{what}: {error}") from error
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def rows(pages: Sequence[Page], name: str, *, kind: type = dict) -> Iterator[tuple[Page, Any]]:
    """Yield each row of the list of this name, with its page, one page in memory at a time.

    Raises SourceFailed for another shape, and where no page has a single row.
    """
    is_empty = True
    for page in pages:
        for row in _list(page, name):
            if not isinstance(row, kind):
                raise SourceFailed(f"{page.url}: {name} holds a {type(row).__name__}: its interface may have changed.")
            is_empty = False
            yield page, row
    if is_empty:
        raise SourceFailed(f"{pages[0].url if pages else name}: an answer without a single row of {name}.")


def _list(page: Page, name: str) -> Sequence[Any]:
    try:
        answer = json.loads(page.path.read_bytes())
    except ValueError as error:
        raise SourceFailed(f"{page.url}: not JSON: {error}.") from error
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise SourceFailed(f"{page.url}: no list {name}: its interface may have changed.")
    return found


def _core() -> botocore.session.Session:
    core = botocore.session.get_session()
    core.register_component("data_loader", _LOADER)
    try:
        core.get_component("credential_provider").remove("iam-role")
    except BotoCoreError as error:  # a profile that is named and not there
        raise NotConfigured(f"AWS credentials are not usable: {error}") from error
    return core


def _action(made: Any, operation: str) -> str:
    name: str = made.meta.method_to_api_mapping[operation]
    return name


def _refused(error: ClientError, *, what: str, region: str) -> NoReturn:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _BUSY or status >= 500 or status == 429:
        raise SourceBusy(f"{what}: {code or status} after several tries.") from error
    if code in _NOT_ENABLED and region not in _NEED_NO_OPT_IN:
        raise NotConfigured(f"{what}: {code}: the region is not enabled for this account.") from error
    raise SourceFailed(f"{what}: {code}: {error.response.get('Error', {}).get('Message', '')}") from error


def _within(seconds: float, ask: Callable[[], Any], *, what: str) -> Any:
    """Return what ``ask`` returns or raises, or give up: botocore's read timeout begins anew with each byte that comes.

    The thread of a call given up ends with its connection.
    """
    outcome: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        told: tuple[Any, Exception | None] = (None, SourceFailed(f"{what}: no answer, and no reason; see the log."))
        try:
            told = (ask(), None)
        except (BotoCoreError, ClientError, ResponseParserError, pace.TooBusy) as error:
            told = (None, error)  # raised again in the caller's thread
        finally:
            outcome.put(told)

    threading.Thread(target=run, daemon=True, name=what).start()
    try:
        answer, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise SourceBusy(f"{what}: no whole answer within {seconds:g} s.") from None
    if error is not None:
        raise error
    return answer
