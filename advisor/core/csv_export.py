"""A table as CSV, row by row, with nothing in it that a spreadsheet would run."""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

_ROWS_AT_A_TIME = 200
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection; the wide forms are Excel's).
_STARTS_A_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def first_line(*, title: str, release: int, moment: dt.date, count: int, said: Iterable[tuple[str, str]]) -> str:
    """Return what stands above a table of the catalog: which release and day it shows, and what it was narrowed by."""
    narrowed = ", ".join(f"{key} = {value}" for key, value in said) or "all rows"
    return (
        f"AI Stack Advisor, catalog release {release}, {title.lower()}, {count} rows ({narrowed}), "
        f"ages as of {moment}; a blank cell is unknown, never zero; columns: docs/glossary.md"
    )


def lines(*, rows: pd.DataFrame, first_line: str) -> Iterator[str]:
    """Yield a comment line, the header and the rows, some hundred at a time. Numbers stay numbers, blank is unknown."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield "# " + " ".join(first_line.split()) + "\r\n"
    yield writer.writerow(rows.columns)
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        part = rows.iloc[start : start + _ROWS_AT_A_TIME]
        yield "".join(_written(writer, part.itertuples(index=False, name=None)))


def _written(writer: Any, rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


def cell(value: Any) -> str:
    """Return one cell. A text that a spreadsheet would run begins with an apostrophe; a number never does."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, float, np.number)):
        return f"{float(value):.12g}"
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_A_FORMULA) else text
