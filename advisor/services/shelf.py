"""The catalog for people: the release that stands, how it came to be, how a price moved."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from advisor.core.shelf.changes import Changes, changes
from catalog import queries
from catalog.frame import Catalog
from catalog.queries import PriceStep, ReleaseLine


def current(*, moment: dt.datetime) -> Catalog:
    """Return the newest release as it stands today. Raises catalog.queries.NoRelease while there is none."""
    return queries.current(moment.date())


def at(*, release: int | None, day: dt.date) -> Catalog:
    """Return a release, the newest if none is named, as it stood on a day. Raises catalog.queries.NoRelease."""
    return queries.current(day) if release is None else queries.at(release=release, moment=day)


def releases() -> tuple[ReleaseLine, ...]:
    """Return every published release, newest first."""
    return queries.releases()


@dataclass(frozen=True)
class ReleaseChanges:
    """One release, the one before it, and what changed; both blank for the first release of an installation."""

    release: ReleaseLine
    before: ReleaseLine | None
    changes: Changes | None


def release_changes(*, number: int, moment: dt.date) -> ReleaseChanges:
    """Return what a release changed. Raises catalog.queries.NoRelease where there is no such release."""
    lines = queries.releases()
    position = next((place for place, line in enumerate(lines) if line.number == number), None)
    if position is None:
        raise queries.NoRelease(f"catalog release {number} is not published")
    before = lines[position + 1] if position + 1 < len(lines) else None
    if before is None:
        return ReleaseChanges(release=lines[position], before=None, changes=None)
    found = changes(queries.at(release=before.number, moment=moment), queries.at(release=number, moment=moment))
    return ReleaseChanges(release=lines[position], before=before, changes=found)


def price_history(*, subject: str, keys: list[str]) -> dict[str, dict[str, tuple[PriceStep, ...]]]:
    """Return every published price of these offers ("offer") or model offers ("model_offer"), oldest first."""
    return queries.history(subject=subject, keys=keys)


@lru_cache(maxsize=1)
def code() -> str:
    """Return the hash of the templates and modules that make the answers: after an upgrade nobody keeps old ones."""
    digest = hashlib.sha256()
    for folder, pattern in (("templates", "*.html"), ("advisor", "*.py"), ("catalog", "*.py")):
        for path in sorted((settings.BASE_DIR / folder).rglob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()
