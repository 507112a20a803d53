"""Keeps what a fetch was answered in a directory of the test, as the catalog's own keeper does."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from catalog.files import Facts
from catalog.sources.source import Found, Observed, Outside, Page, Part, Source


@dataclass
class Kept:
    """A :class:`catalog.sources.source.Keep` on disk."""

    folder: Path
    pages: list[Page] = field(default_factory=list)
    earlier: dict[str, Page] = field(default_factory=dict)  # of a fetch before, by address

    def __call__(self, *, url: str, pieces: Iterable[bytes], version: str = "") -> Page:
        path = self.folder / f"page-{len(list(self.folder.iterdir()))}"
        path.write_bytes(b"".join(pieces))
        self.pages.append(Page(url=url, path=path, version=version))
        return self.pages[-1]

    def again(self, *, url: str) -> Page | None:
        page = self.earlier.get(url)
        if page is not None:
            self.pages.append(page)
        return page


def found(source: Source, *, part: Part, kept: Kept, facts: Facts) -> list[Found]:
    """Fetch a part from its peer and read what was kept."""
    source.fetch(part, keep=kept)
    return list(source.read(part, pages=kept.pages, facts=facts))


def prices(rows: Iterable[Found]) -> dict[tuple[str, str], set[str]]:
    """Return what was read, by offer and column: amounts as text, without trailing zeros; problems as they are."""
    read: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if isinstance(row, Observed):
            said = row.problem if row.amount is None else f"{row.amount.normalize():f}"
            read.setdefault((row.key, row.meter), set()).add(said)
    return read


def outside(rows: Iterable[Found]) -> dict[str, int]:
    """Return what was only counted."""
    return {row.what: row.count for row in rows if isinstance(row, Outside)}
