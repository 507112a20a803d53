"""When Bedrock's models end: what its control plane lists in each region. Needs credentials of AWS."""

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from catalog.files import Facts
from catalog.sources import aws_session, bedrock
from catalog.sources.source import Found, Keep, Outside, Page, Part, Retirement, SourceFailed

NAME = "models"
DATASET = "aws-bedrock-models"
_NEXT_PAGE = "nextToken"


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part for each region that speaks for model offers. Raises NotConfigured without credentials."""
    aws_session.need_credentials("The list of Bedrock's models")
    open_ = aws_session.regions(facts, regions, partitions=[aws_session.own_partition()])
    return [Part(source=NAME, dataset=DATASET, region=name) for name in bedrock.regions(facts, wanted=open_)]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep the region's list of models and of the profiles that AWS defines.

    Raises SourceBusy, SourceFailed, and NotConfigured where the region is not enabled for this account.
    """
    client = aws_session.client("bedrock", region=part.region, pace_name="aws-bedrock")
    aws_session.keep_pages(client, "list_foundation_models", keep=keep)
    aws_session.keep_pages(
        client, "list_inference_profiles", keep=keep, token=_NEXT_PAGE, typeEquals="SYSTEM_DEFINED", maxResults=1000
    )


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
