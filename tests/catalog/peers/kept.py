"""Raw answers kept in a directory, as the product keeps them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catalog.files import Facts
from catalog.sources.source import Found, Observed, Outside, Page, Part, Source


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


@dataclass(frozen=True)
class Reading:
    """All that a source found in what was kept."""

    found: tuple[Found, ...]

    def prices(self) -> dict[str, str]:
        """Return the amount of each offer that was taken, as text: exact, and without zeros at its end."""
        return {row.key: f"{row.amount.normalize():f}" for row in self._observed() if row.amount is not None}

    def problems(self) -> dict[str, str]:
        return {row.key: row.problem for row in self._observed() if row.problem}

    def one(self, key: str) -> Observed:
        (row,) = [row for row in self._observed() if row.key == key]
        return row

    def outside(self) -> dict[str, int]:
        return {row.what: row.count for row in self.found if isinstance(row, Outside)}

    def _observed(self) -> Iterator[Observed]:
        return (row for row in self.found if isinstance(row, Observed))


def reading(source: Source, part: Part, *, kept: Kept, facts: Facts) -> Reading:
    """Read what was kept, twice: reading is pure, so both must agree."""
    once, again = (tuple(source.read(part, pages=kept.pages, facts=facts)) for _ in range(2))
    assert once == again
    return Reading(once)
