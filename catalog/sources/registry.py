"""Which modules stand behind each word of `manage.py refresh`."""

from collections.abc import Mapping

from catalog.sources.source import Source

SOURCES: Mapping[str, tuple[Source, ...]] = {
    "aws": (),
    "azure": (),
    "google": (),
    "models": (),
}
