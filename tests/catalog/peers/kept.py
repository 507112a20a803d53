"""Raw answers kept in a directory of the test, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catalog.files import Facts
from catalog.sources.source import Found, Observed, Outside, Page, Part, Source


@dataclass
class Kept:
    """A Keep as a connector wants it; what it kept is in `pages`."""

    directory: Path
    pages: list[Page] = field(default_factory=list)

    def __call__(self, *, url: str, pieces: Iterable[bytes], version: str = "") -> Page:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{len(self.pages):04d}"
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        page = Page(url=url, path=path, version=version)
        self.pages.append(page)
        return page

    def again(self, *, url: str) -> Page | None:
        """Take over an answer of an earlier fetch: there was none."""
        return None


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
