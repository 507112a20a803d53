"""docs/sources_of_files.md: who published what stands in the catalog's files."""

from catalog import files
from catalog.records import Source

HEAD = """<!-- Generated from catalog/data/sources*.yaml: `make golden` rewrites it. -->
# Sources of the catalog's files

Each row of a file under `catalog/data/` names one of these, and its place in it.
Only facts and figures were taken, in a format of our own.

| id | publisher and title | licence | dated | read |
|---|---|---|---|---|
"""


def markdown() -> str:
    """Return the page: one line a source, by id."""
    return HEAD + "".join(map(_line, files.load().sources))


def _line(row: Source) -> str:
    named = f"{row.publisher}: {row.title}"
    if row.url_or_repo.startswith("http"):
        named = f"[{named}]({row.url_or_repo})"
    return f"| `{row.id}` | {named} | {row.licence} | {row.dated or ''} | {row.retrieved} |\n"
