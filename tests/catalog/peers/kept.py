"""Raw answers kept in a directory, as the product keeps them."""

from collections.abc import Iterable
from pathlib import Path

from catalog.sources.source import Keep, Page


class Kept:
    """A Keep; `pages` are what was kept, in order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pages: list[Page] = []

    def __call__(self, *, url: str, pieces: Iterable[bytes], version: str = "") -> Page:
        """Write the pieces to a file of their own."""
        path = self.directory / f"{len(self.pages):03d}"
        with path.open("wb") as file:
            file.writelines(pieces)
        page = Page(url=url, path=path, version=version)
        self.pages.append(page)
        return page


def _is_a_keep(kept: Kept) -> Keep:
    return kept
