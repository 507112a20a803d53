"""Which models Vertex AI lists. It states no day on which they end; what the catalog lacks is counted."""

import json
from collections.abc import Collection, Iterator, Sequence

from django.conf import settings

from catalog.files import Facts
from catalog.sources import google_pages
from catalog.sources.http import Asker
from catalog.sources.model_names import of_platform
from catalog.sources.source import Found, Keep, NotConfigured, Outside, Page, Part, SourceFailed

NAME = "models"
DATASET = "google-vertex-models"
REGION = "us-central1"
PAGES_MOST = 50
PUBLISHERS = (
    "google", "anthropic", "meta", "mistralai", "deepseek-ai", "qwen", "openai", "xai", "moonshotai", "minimaxai",
    "zai-org", "ai21",
)  # fmt: skip


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return its one part. Raises NotConfigured without a token."""
    if not settings.GOOGLE_ACCESS_TOKEN:
        raise NotConfigured("GOOGLE_ACCESS_TOKEN is not set: Vertex AI lists its models to whom it knows.")
    return [Part(source=NAME, dataset=DATASET, region=REGION)] if regions is None or REGION in regions else []


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep the list of each publisher. Raises SourceBusy and SourceFailed."""
    headers = {"Authorization": f"Bearer {settings.GOOGLE_ACCESS_TOKEN}"}
    base = settings.GOOGLE_VERTEX_URL.replace("{region}", part.region)
    with Asker(base=base, pace_name="google-vertex", headers=headers) as asker:
        for publisher in PUBLISHERS:
            path = f"/v1beta1/publishers/{publisher}/models"
            for _ in google_pages.pages(asker, path, keep=keep, most=PAGES_MOST, pageSize="100"):
                pass  # it is kept


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Count the listed models that the catalog does not hold. Pure. Raises SourceFailed where none is listed."""
    held = {offer.model_id.rpartition("/")[2].partition("@")[0] for offer in of_platform(facts, "Vertex AI")}
    try:
        listed = {
            str(model["name"]).rpartition("/")[2]
            for page in pages
            for model in json.loads(page.path.read_bytes()).get("publisherModels", ())
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceFailed(f"Vertex AI's list of models has changed its shape: {error!r}.") from error
    if not listed:
        raise SourceFailed("Vertex AI lists no model at all.")
    yield Outside(count=len(listed - held), what="Models of Vertex AI without a row in model_offers.csv")
