"""Which modules stand behind each word of `manage.py refresh`."""

from collections.abc import Mapping

from catalog.sources import (
    bedrock_models,
    bedrock_prices,
    foundry_prices,
    genai_library,
    vertex_models,
    vertex_prices,
)
from catalog.sources.source import Source

SOURCES: Mapping[str, tuple[Source, ...]] = {
    "aws": (),
    "azure": (),
    "google": (),
    "models": (bedrock_prices, bedrock_models, foundry_prices, vertex_prices, vertex_models, genai_library),
}
