"""Which modules stand behind each word of `manage.py refresh`."""

from collections.abc import Mapping

from catalog.sources import (
    aws_capacity_blocks,
    aws_instance_types,
    aws_offer_file,
    aws_price_list,
    aws_savings_plans,
    aws_spot,
    azure_prices,
    bedrock_models,
    bedrock_prices,
    foundry_prices,
    genai_library,
    google_billing,
    vertex_models,
    vertex_prices,
)
from catalog.sources.source import Source

SOURCES: Mapping[str, tuple[Source, ...]] = {
    "aws": (
        aws_offer_file,
        aws_price_list,
        aws_spot,
        aws_savings_plans,
        aws_capacity_blocks,
        aws_instance_types,
    ),
    "azure": (azure_prices,),
    "google": (google_billing,),
    "models": (bedrock_prices, bedrock_models, foundry_prices, vertex_prices, vertex_models, genai_library),
}
