"""What one release of the catalog changed against the one before, row by row and field by field."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from catalog.files import file_of
from catalog.frame import Catalog

_ORIGIN = ("source_id", "locator", "observed_at", "as_of_basis", "kind", "note")
FILE_OF_PREFIX: Mapping[str, str] = {
    "offer": "offers",
    "accelerator": "accelerators",
    "instance": "instances",
    "region": "regions",
    "accelerator_region": "accelerator_regions",
    "architecture": "architectures",
    "model_offer": "model_offers",
    "egress": "egress",
    "storage_price": "storage_prices",
    "rule": "rules",
    "coupling": "coupling",
    "terms": "terms",
    "cpu_family": "cpu_families",
    "model_vendor": "model_vendors",
    "licence": "licences",
    "option:networking": "networking",
    "option:storage": "storage",
    "option:orchestration": "orchestration",
}


@dataclass(frozen=True)
class Move:
    """A price that moved. ``fraction`` is the change over the price before; None where one of the two is unknown."""

    id: str
    label: str
    meter: str
    before: Decimal | None
    after: Decimal | None
    fraction: float | None
    reason: str


@dataclass(frozen=True)
class Change:
    """A fact that changed, by its file and key."""

    id: str
    label: str
    file: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Changes:
    """All of it; each list is sorted by id. ``redated_count`` counts rows of which only source, date or note moved."""

    added: tuple[tuple[str, str], ...]  # id and label
    removed: tuple[tuple[str, str], ...]
    moves: tuple[Move, ...]
    facts: tuple[Change, ...]
    redated_count: int

    @property
    def is_empty(self) -> bool:
        """Say whether the two releases hold the same rows."""
        return not (self.added or self.removed or self.moves or self.facts or self.redated_count)

    def ids(self) -> frozenset[str]:
        """Return the evidence ids of the rows that were removed or got another price or fact."""
        return frozenset(
            {one.id for one in self.moves} | {one.id for one in self.facts} | {id for id, _ in self.removed}
        )

    def by_file(self) -> list[tuple[str, int, int, int]]:
        """Return how many rows were added, removed and changed in each file that has any."""
        counts = [
            Counter(_file(id) for id, _ in self.added),
            Counter(_file(id) for id, _ in self.removed),
            Counter(map(_file, {one.id for one in self.moves} | {one.id for one in self.facts})),
        ]
        return [(name, *(count[name] for count in counts)) for name in sorted(set().union(*counts))]  # type: ignore[misc]


@lru_cache(maxsize=8)
def changes(before: Catalog, after: Catalog) -> Changes:
    """Return what the later release changed. Both stand at one moment, so that only the release makes a difference."""
    old, new = before.rows, after.rows
    moves: list[Move] = []
    facts: list[Change] = []
    redated = 0
    for id in sorted(old.keys() & new.keys()):
        differing = [name for name, value in vars(new[id]).items() if value != vars(old[id]).get(name)]
        if not differing:
            continue
        told = [name for name in differing if name not in _ORIGIN]
        redated += not told
        label = after.evidence(id)["label"]
        for name in told:
            was, is_now = getattr(old[id], name), getattr(new[id], name)
            if _is_price(name):
                moves.append(_move(id=id, label=label, meter=name, was=was, is_now=is_now, row=new[id]))
            elif name != "no_price_reason" or not any(map(_is_price, told)):  # else it is told beside the price
                facts.append(Change(id=id, label=label, file=_file(id), field=name, before=was, after=is_now))
    return Changes(
        added=tuple((id, after.evidence(id)["label"]) for id in sorted(new.keys() - old.keys())),
        removed=tuple((id, before.evidence(id)["label"]) for id in sorted(old.keys() - new.keys())),
        moves=tuple(moves),
        facts=tuple(facts),
        redated_count=redated,
    )


def _is_price(name: str) -> bool:
    return "usd_per_" in name


def _move(*, id: str, label: str, meter: str, was: Decimal | None, is_now: Decimal | None, row: Any) -> Move:
    fraction = float(is_now / was - 1) if was and is_now is not None else None
    reason = "" if is_now is not None else (getattr(row, "no_price_reason", None) or "no longer stated")
    return Move(id=id, label=label, meter=meter, before=was, after=is_now, fraction=fraction, reason=reason)


def _file(id: str) -> str:
    prefix = id.partition("/")[0] if id.startswith("option:") else id.partition(":")[0]
    return file_of(FILE_OF_PREFIX[prefix])
