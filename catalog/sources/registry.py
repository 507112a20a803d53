"""Which modules stand behind each word of `manage.py refresh`."""

from collections.abc import Mapping

from catalog.sources import azure_prices, google_billing
from catalog.sources.source import Source

SOURCES: Mapping[str, tuple[Source, ...]] = {
    "aws": (),
    "azure": (azure_prices,),
    "google": (google_billing,),
    "models": (),
}
