"""The shipped facts, read once, and a copy of the data directory to spoil."""

import csv
import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog import files, frame

MOMENT = dt.date(2026, 11, 23)


@pytest.fixture(scope="session")
def facts() -> files.Facts:
    return files.load()


@pytest.fixture(scope="session")
def catalog(facts: files.Facts) -> frame.Catalog:
    return frame.build(facts=facts, moment=MOMENT, release=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(files.DIRECTORY, tmp_path / "data"))


Spoil = Callable[..., None]


@pytest.fixture
def spoil(data: Path) -> Spoil:
    """Change cells of one row of a CSV in the copied directory: spoil("offers.csv", "id", column="value")."""

    def change(file: str, row_id: str, **cells: str) -> None:
        with (data / file).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        row = next(row for row in rows if row["id"] == row_id)
        row.update(cells)
        with (data / file).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    return change
