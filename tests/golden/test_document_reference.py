"""docs/document.md says what the schema says."""

import os
from pathlib import Path

from advisor.core.document import json_schema
from tests.golden.document_reference import TITLES, markdown

REFERENCE = Path(__file__).parents[2] / "docs" / "document.md"


def test_the_reference_is_what_the_schema_says() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        REFERENCE.write_text(markdown())

    assert REFERENCE.read_text() == markdown(), "docs/document.md is stale: make golden"


def test_the_reference_has_every_section() -> None:
    assert {name for name, _ in TITLES.values()} >= set(json_schema()["$defs"]) - {"ManagedModel"}
