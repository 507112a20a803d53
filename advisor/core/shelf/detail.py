"""One row of the catalog in full: its facts, the rows behind it, what it means, and what stands around it."""

from dataclasses import dataclass

import pandas as pd

from advisor.core.shelf import across, hardware, models
from advisor.core.shelf.browse import row_of
from advisor.core.shelf.labels import in_words
from advisor.core.shelf.parts import (
    Part,
    Passage,
    Section,
    part,
)
from advisor.core.shelf.tables import TABLES, Table
from catalog.frame import Catalog

_AROUND = {**hardware.AROUND, **models.AROUND, **across.AROUND}


@dataclass(frozen=True)
class Detail:
    """Everything that a page about one row shows."""

    table: Table
    row_id: str
    title: str
    passages: tuple[Passage, ...]
    parts: tuple[Part, ...]
    sections: tuple[Section, ...]


def _title(*, table: Table, row: pd.Series) -> str:
    name = str(row[table.label])
    return f"{name} in {row['region']}, {in_words('basis', row['basis'])}" if table.name == "offers" else name


def detail(*, catalog: Catalog, name: str, row_id: str) -> Detail:
    """Return one row in full. Raises KeyError for a table or row that there is not."""
    table = TABLES[name]
    own = part(catalog, name, row_id, title="What the source says")
    around = _AROUND.get(name)
    row = row_of(catalog=catalog, name=name, row_id=row_id)
    passages, behind, sections = around(catalog, row) if around else ([], [], [])
    return Detail(
        table=table,
        row_id=row_id,
        title=_title(table=table, row=row),
        passages=tuple(passages),
        parts=(own, *behind),
        sections=tuple(section for section in sections if section.count),
    )
