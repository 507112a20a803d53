"""What a source read from its peer, in a form that is easily compared."""

from collections.abc import Iterable

from catalog.files import Facts
from catalog.sources.source import Found, Observed, Outside, Part, Source
from tests.catalog.peers.kept import Kept


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
