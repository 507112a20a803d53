"""Two to four rows of one table side by side: what differs, and what is better where that is beyond dispute."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from advisor.core.age import UNDATED
from advisor.core.shelf.browse import record, shelf
from advisor.core.shelf.facts import Origin, facts, origin
from advisor.core.shelf.labels import in_words, label_of, unit_of
from advisor.core.shelf.order import rank_of_price
from advisor.core.shelf.tables import TABLES, Table
from catalog.frame import Catalog

LEAST, MOST = 2, 4
# More (or less) of these is better for whoever reads it. A price of an instance is not among them: shapes differ, so
# less money may buy less. Parameters are not either: a larger model is not a better one.
MORE_IS_BETTER = {
    *("bf16_tflops", "fp16_tflops", "fp8_tflops", "fp4_tflops", "int8_tops", "memory_bandwidth_gb_per_s"),
    *("scaleup_gb_per_s", "context_window_tokens", "max_output_tokens", "context_max_tokens"),
}
LESS_IS_BETTER = {
    *("input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok", "cache_write_usd_per_mtok"),
    *("batch_input_usd_per_mtok", "batch_output_usd_per_mtok"),
    *("long_context_input_usd_per_mtok", "long_context_output_usd_per_mtok"),
}


class NotComparable(ValueError):
    """The choice cannot be compared; says why."""


@dataclass(frozen=True)
class Cell:
    """One value of a comparison; ``is_best`` only where the line says more (or less) is better."""

    value: Any
    is_best: bool = False
    offer_id: str = ""  # the offer that a price is taken from
    reason: str = ""  # why a price is unknown


@dataclass(frozen=True)
class Line:
    """One fact of every row compared. ``remark`` says in words whether they differ and how far that is known."""

    name: str
    label: str
    unit: str
    cells: tuple[Cell, ...]
    differs: bool
    remark: str


@dataclass(frozen=True)
class Comparison:
    """The rows compared, their lines in the order of the table, and where each comes from."""

    table: Table
    rows: pd.DataFrame
    lines: tuple[Line, ...]
    origins: tuple[Origin, ...]


def compare(*, catalog: Catalog, name: str, ids: Sequence[str]) -> Comparison:
    """Return rows of a table side by side. Raises NotComparable where there is nothing to compare."""
    table = TABLES.get(name)
    if table is None or not table.compares:
        raise NotComparable("These cannot be compared. Accelerators, instances, model offers and architectures can.")
    wanted = list(dict.fromkeys(ids))
    missing = [id for id in wanted if id not in shelf(catalog, name).index]
    if missing:
        raise NotComparable(f"The catalog has no {table.one} called {missing[0]}.")
    if not LEAST <= len(wanted) <= MOST:
        chosen = {0: "none", 1: "one"}.get(len(wanted), str(len(wanted)))
        raise NotComparable(f"Two to four can be compared; you chose {chosen}. Tick them in the list, then compare.")
    rows = shelf(catalog, name).loc[wanted]
    return Comparison(
        table=table,
        rows=rows,
        lines=(
            *_lines(catalog=catalog, table=table, rows=rows),
            *_price_lines(catalog=catalog, table=table, rows=rows),
        ),
        origins=tuple(origin(row) for _, row in rows.iterrows()),
    )


def _lines(*, catalog: Catalog, table: Table, rows: pd.DataFrame) -> list[Line]:
    records = [record(catalog=catalog, name=table.name, row_id=id) for id in rows.index]
    known: dict[str, None] = {}
    for (_, row), one in zip(rows.iterrows(), records, strict=True):
        known |= dict.fromkeys(fact.name for fact in facts(table=table, row=row, record=one)[0])
    dated = bool((rows["freshness"] != UNDATED).all())
    found = []
    for name in (name for name in rows.columns if name in known and name not in ("id", table.label)):
        stated = [getattr(one, name, None) for one in records]
        values = [
            in_words(name, own if isinstance(own, tuple) else row) for own, row in zip(stated, rows[name], strict=True)
        ]
        found.append(line(name=name, values=values, dated=dated))
    return found


def line(*, name: str, values: Sequence[Any], dated: bool) -> Line:
    """Return one line of a comparison.

    The best is marked only where every value is known, they differ, and, for prices, every row is dated.
    """
    differs = any(value != values[0] for value in values)
    better = name in MORE_IS_BETTER or name in LESS_IS_BETTER
    unknown = any(value is None for value in values)
    marks = better and differs and not unknown and (dated or name not in LESS_IS_BETTER)
    best = (max if name in MORE_IS_BETTER else min)(values) if marks else None
    if not differs:
        remark = "same"
    elif better and unknown:
        remark = "differs; no best, one is unknown"
    elif better and not marks:
        remark = "differs; no best, one is undated"
    else:
        remark = "differs"
    return Line(
        name=name,
        label=label_of(name),
        unit=unit_of(name),
        cells=tuple(Cell(value=value, is_best=marks and value == best) for value in values),
        differs=differs,
        remark=remark,
    )


def _price_lines(*, catalog: Catalog, table: Table, rows: pd.DataFrame) -> list[Line]:
    """Return the lowest on-demand price that can be relied on, in whichever region; none is marked as best."""
    if table.name not in ("accelerators", "instances"):
        return []
    offers = shelf(catalog, "offers")
    sure = offers[(offers["basis"] == "on_demand") & (rank_of_price(offers) == 0)]
    meters = {
        "accelerators": ("price_usd_per_accelerator_hour",),
        "instances": ("price_usd_per_hour", "price_usd_per_accelerator_hour", "price_usd_per_memory_gib_hour"),
    }[table.name]
    found = []
    for meter in meters:
        priced = sure[sure[meter].notna()]
        cells = tuple(_lowest(_offers_of(table=table, row=row, offers=priced), meter) for _, row in rows.iterrows())
        if any(cell.value is not None for cell in cells):
            differs = len({cell.value for cell in cells}) > 1
            remark = "differs; no best, regions and shapes differ too" if differs else "same"
            label = f"{label_of(meter)}, lowest fresh on demand"
            found.append(Line(meter, label, unit_of(meter), cells, differs, remark))
    return found


def _offers_of(*, table: Table, row: pd.Series, offers: pd.DataFrame) -> pd.DataFrame:
    if table.name == "accelerators":
        own = (offers["accelerator"] == row["id"]).to_numpy()
    else:
        own = ((offers["provider"] == row["provider"]) & (offers["sku"] == row["sku"])).to_numpy()
    return offers.iloc[np.flatnonzero(own)]


def _lowest(offers: pd.DataFrame, meter: str) -> Cell:
    if not len(offers):
        return Cell(value=None, reason="no fresh, dated on-demand price is on file")
    lowest = offers[meter].idxmin()
    return Cell(value=float(offers[meter].min()), offer_id=str(lowest))
