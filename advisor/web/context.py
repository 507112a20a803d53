"""What the report's template is given: the report's own content, its evidence numbered so that figures can point at it."""

import json
from typing import Any

from advisor.models import Report


def report_page(*, report: Report) -> dict[str, Any]:
    """Return the context of the report page."""
    data = json.loads(bytes(report.content))
    revision = report.run.revision
    evidence = [_numbered(entry, number) for number, entry in enumerate(data.get("evidence", []), start=1)]
    return {
        "data": data,
        "report": report,
        "revision": revision,
        "decision": revision.decision,
        "evidence": evidence,
        "evidence_by_id": {entry["id"]: entry for entry in evidence},
    }


def _numbered(entry: dict[str, Any], number: int) -> dict[str, Any]:
    as_of = entry.get("as_of")
    return {
        **entry,
        "number": number,
        "anchor": f"evidence-{number}",
        "dated": f"as of {as_of} ({entry.get('as_of_basis')})" if as_of else "undated",
    }
