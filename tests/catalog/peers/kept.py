"""Raw answers kept in a directory, as the product keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from catalog.sources.source import Page


@dataclass
class Kept:
    """A :class:`catalog.sources.source.Keep`; `pages` are what was kept, in order."""

    directory: Path
    pages: list[Page] = field(default_factory=list)
    earlier: dict[str, Page] = field(default_factory=dict)  # of a fetch before, by address

    def __call__(self, *, url: str, pieces: Iterable[bytes], version: str = "") -> Page:
        """Write the pieces to a file of their own."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{len(list(self.directory.iterdir())):04d}"
        with path.open("wb") as file:
            file.writelines(pieces)
        self.pages.append(Page(url=url, path=path, version=version))
        return self.pages[-1]

    def again(self, *, url: str) -> Page | None:
        """Take over an answer of an earlier fetch."""
        page = self.earlier.get(url)
        if page is not None:
            self.pages.append(page)
        return page
