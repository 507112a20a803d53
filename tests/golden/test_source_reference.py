"""docs/sources_of_files.md says what the files say, and docs/sources.md names every dataset that is read live."""

import os
from pathlib import Path

from catalog import files
from catalog.sources.registry import SOURCES
from tests.golden.source_reference import markdown

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "sources_of_files.md"


def test_the_reference_is_what_the_files_say() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        REFERENCE.write_text(markdown())

    assert REFERENCE.read_text() == markdown(), "docs/sources_of_files.md is stale: make golden"


def test_every_dataset_that_is_read_live_is_documented_and_is_a_source() -> None:
    text = (DOCS / "sources.md").read_text()
    sources = {row.id for row in files.load().sources}
    read = {module.DATASET for modules in SOURCES.values() for module in modules}

    assert {dataset for dataset in read if f"`{dataset}`" not in text} == set()
    assert read <= sources
