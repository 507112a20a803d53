"""A table as Parquet: every column with its type, its unit and its heading, the file with what it was made from."""

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from advisor.core.units_of_names import unit_of

NUMBER = pa.float64()
_DATES = ("as_of",)
_NUMBERS = {frozenset({int}): pa.int64(), frozenset({float}): NUMBER, frozenset({int, float}): NUMBER}


def type_of(*, name: str, cells: Sequence[Any]) -> pa.DataType:
    """Return the type of a column from all cells that it has: dates, truths, numbers, lists of texts, else texts."""
    if name in _DATES:
        return pa.date32()
    found = frozenset(type(cell) for cell in cells if cell is not None)
    if found == {list}:
        return pa.list_(pa.string())
    return pa.bool_() if found == {bool} else _NUMBERS.get(found, pa.string())


def written(
    *,
    columns: Mapping[str, Sequence[Any]],
    types: Mapping[str, pa.DataType],
    titles: Mapping[str, str],
    about: Mapping[str, str],
) -> bytes:
    """Return columns of cells as the bytes of a Parquet file; a cell that is None is null. [each column's own unit]

    A column's metadata holds its ``unit``, where its name ends in one, and its ``title``, where it has one; the
    file's hold what it is ``about``. The same cells give the same bytes. Source: the cells.
    """
    fields = [
        pa.field(name, types[name], metadata={"unit": unit_of(name), "title": titles.get(name, "")}) for name in columns
    ]
    arrays = [pa.array([_cell(cell, types[name]) for cell in cells], types[name]) for name, cells in columns.items()]
    found = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=dict(about))), found)
    return found.getvalue()


def _cell(cell: Any, kind: pa.DataType) -> Any:
    if cell is None:
        return None
    if kind == pa.date32():
        return dt.date.fromisoformat(cell)
    return str(cell) if kind == pa.string() else cell
