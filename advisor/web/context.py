"""What templates are given about a document that cannot be read."""

from typing import Any

from advisor.core import document
from advisor.core.problems import DocumentError


def problem_items(*, error: DocumentError, content: bytes) -> list[dict[str, Any]]:
    """Return the faults of a document, each with the line of its path where the text has one."""
    try:
        lines = document.read(content).lines
    except DocumentError:
        lines = {}
    return [{**item, "line": lines.get(item["path"])} for item in error.items]
