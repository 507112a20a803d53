"""When Bedrock's models end: what its control plane lists in each region. Needs credentials of AWS."""

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from catalog.files import Facts
from catalog.sources import bedrock, pace
from catalog.sources.source import (
    Found,
    Keep,
    NotConfigured,
    Outside,
    Page,
    Part,
    Retirement,
    SourceBusy,
    SourceFailed,
    SourceUnreachable,
)

NAME = "models"
DATASET = "aws-bedrock-models"
PAGES_MOST = 50
_BUSY = ("ThrottlingException", "TooManyRequestsException", "InternalServerException", "ServiceUnavailableException")
_CONFIG = Config(
    connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4}, parameter_validation=True
)


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part for each region that speaks for model offers. Raises NotConfigured without credentials."""
    session = botocore.session.get_session()
    session.set_config_variable("metadata_service_num_attempts", 1)
    session.set_config_variable("metadata_service_timeout", 1)
    if session.get_credentials() is None:
        raise NotConfigured("No credentials of AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.")
    return [Part(source=NAME, dataset=DATASET, region=name) for name in bedrock.regions(facts, wanted=regions)]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep the region's list of models and of the profiles that AWS defines. Raises SourceBusy and SourceFailed."""
    client = boto3.session.Session().client("bedrock", region_name=part.region, config=_CONFIG)
    bodies: list[bytes] = []
    client.meta.events.register(
        "after-call.bedrock", lambda http_response, **_: bodies.append(http_response.content)
    )  # as it came: boto3 itself hands over what it made of it
    base = client.meta.endpoint_url
    _ask(client.list_foundation_models)
    keep(url=f"{base}/foundation-models", pieces=[bodies[-1]])
    token, seen = "", set[str]()
    for _ in range(PAGES_MOST):
        more = {"nextToken": token} if token else {}
        answer = _ask(client.list_inference_profiles, typeEquals="SYSTEM_DEFINED", maxResults=1000, **more)
        keep(url=f"{base}/inference-profiles", pieces=[bodies[-1]], version=str(len(seen)))
        token = str(answer.get("nextToken") or "")
        if not token:
            return
        if token in seen:
            raise SourceFailed("Bedrock's list of profiles gives the same next page twice.")
        seen.add(token)
    raise SourceFailed(f"Bedrock's list of profiles has more than {PAGES_MOST} pages.")


def _ask(call: Any, **arguments: Any) -> dict[str, Any]:
    try:
        pace.wait("aws-bedrock")
        answer: dict[str, Any] = call(**arguments)
    except pace.TooBusy as error:
        raise SourceBusy(str(error)) from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise SourceUnreachable(f"Bedrock cannot be reached: {error}") from error
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _BUSY or status == 429 or status >= 500:
            raise SourceBusy(f"Bedrock answered {status} {code}.") from error
        raise SourceFailed(f"Bedrock answered {status} {code}: {error.response['Error'].get('Message', '')}") from error
    except BotoCoreError as error:
        raise SourceBusy(f"Bedrock: {type(error).__name__}: {error}") from error
    except ValueError as error:
        raise SourceFailed(f"Bedrock's answer cannot be read: {error}") from error
    return answer


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read when models that we hold end. Pure. Raises SourceFailed where no model is listed."""
    models: dict[str, dict[str, Any]] = {}
    profiles: dict[str, str] = {}
    try:
        for page in pages:
            body = json.loads(page.path.read_bytes())
            for model in body.get("modelSummaries", ()):
                models[str(model["modelId"])] = model
            for profile in body.get("inferenceProfileSummaries", ()):
                routed = {str(model["modelArn"]).rpartition("/")[2] for model in profile["models"]}
                if len(routed) == 1:
                    profiles[str(profile["inferenceProfileId"])] = routed.pop()
        ends = {name: _day(model.get("modelLifecycle", {}).get("endOfLifeTime")) for name, model in models.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceFailed(f"Bedrock's list of models has changed its shape: {error!r}.") from error
    if not models:
        raise SourceFailed(f"Bedrock lists no model in {part.region}.")
    held: set[str] = set()
    scopes = bedrock.scopes(part.region)
    for offer in bedrock.offers(facts):
        model_id = profiles.get(offer.model_id) or bedrock.foundation_id(offer.model_id)
        held.add(model_id)
        on = ends.get(model_id)
        if on is not None and offer.scope in scopes:
            locator = f"{part.region} foundation-models {model_id} modelLifecycle.endOfLifeTime"
            yield Retirement(key=offer.id, on=on, locator=locator)
    yield Outside(count=len(models.keys() - held), what="Bedrock models without a row in model_offers.csv")


def _day(text: object) -> dt.date | None:
    return None if text in (None, "") else dt.datetime.fromisoformat(str(text)).date()
