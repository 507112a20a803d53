"""Searching the whole catalog at once, results grouped by table."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from advisor.core.shelf.browse import shelf
from advisor.core.shelf.order import found_by, haystacks, places, squashed
from advisor.core.shelf.tables import TABLES, Table
from catalog.frame import Catalog

SHOWN_OF_A_GROUP = 8
# What people look for first stands first; offers repeat the instances and come last but for prices of other things.
_ORDER = (
    *(
        "accelerators",
        "instances",
        "model-offers",
        "architectures",
        "regions",
        "networking",
        "storage",
        "orchestration",
    ),
    *("cpu-families", "model-vendors", "licences", "rules", "coupling", "terms", "offers", "accelerator-regions"),
    *("storage-prices", "egress"),
)


@dataclass(frozen=True)
class Group:
    """The rows of one table that a query finds: the best few, and how many there are."""

    table: Table
    rows: pd.DataFrame
    count: int


def search(*, catalog: Catalog, query: str) -> list[Group]:
    """Return what a query finds in every table, nearest first within each.

    A row whose name or id is the query comes before one that begins with it, that before one that only holds it.
    """
    groups = []
    for name in _ORDER:
        found = np.flatnonzero(found_by(catalog=catalog, name=name, query=query))
        if len(found):
            rows = shelf(catalog, name)
            best = _nearest(catalog=catalog, name=name, query=query, found=found)
            groups.append(Group(table=TABLES[name], rows=rows.iloc[best[:SHOWN_OF_A_GROUP]], count=len(found)))
    return groups


def _nearest(*, catalog: Catalog, name: str, query: str, found: np.ndarray) -> list[int]:
    wanted, texts, place = squashed(query), haystacks(catalog, name), places(catalog, name)

    def distance(position: int) -> tuple[int, int]:
        text = texts[position]
        nearness = 0 if f"|{wanted}|" in text else 1 if f"|{wanted}" in text else 2
        return nearness, place[position]

    return sorted(found.tolist(), key=distance)
