"""The evidence of a report: line by line, and behind one number or sentence."""

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Paginator

from advisor.core.readout import Readout
from advisor.core.statements import is_number

Data = Mapping[str, Any]

_LINES_OF_EVIDENCE = 25


def evidence_entries(readout: Readout) -> list[dict[str, Any]]:
    """Return every entry of the evidence with its number, from 1 on, and how it is dated."""
    return [
        {
            **entry,
            "number": number,
            "anchor": f"evidence-{number}",
            "dated": _dated(entry),
            "is_link": str(entry.get("url") or "").startswith("https://"),
        }
        for number, entry in enumerate(readout.data.get("evidence", []), start=1)
    ]


def evidence(readout: Readout, *, kind: str, source: str, page: str) -> dict[str, Any]:
    """Return a page of the evidence, of one kind and one source where they are named."""
    entries = evidence_entries(readout)
    found = [one for one in entries if kind in ("", one["kind"]) and source in ("", one["source"])]
    return {
        "kinds": sorted({one["kind"] for one in entries}),
        "sources": sorted({one["source"] for one in entries}, key=str.casefold),
        "kind": kind,
        "source": source,
        "lines": Paginator(found, _LINES_OF_EVIDENCE).get_page(page),
        "entries_count": len(entries),
    }


def statement(readout: Readout, number: int) -> dict[str, Any] | None:
    """Return a statement of a report with its evidence; None where the report makes no such one."""
    listed = readout.statements.listed
    if not 1 <= number <= len(listed):
        return None
    part = listed[number - 1]
    entries = evidence_entries(readout)
    known = [readout.evidence_number.get(id) for id in part.get("evidence") or ()]
    return {
        "statement": part,
        "statement_number": number,
        "is_number": is_number(part),
        "said": part.get("text") or part.get("name"),
        "lines": sorted((entries[place - 1] for place in known if place), key=_own_last),
        "missing": [id for id in part.get("evidence") or () if id not in readout.evidence_number],
    }


def _own_last(entry: Data) -> int:
    """Order what others say before what the document says: the reader knows the document."""
    return ("default", "answer").index(entry["kind"]) + 1 if entry["kind"] in ("default", "answer") else 0


def _dated(entry: Data) -> str:
    """Say as of when an entry holds. What the document itself says needs no date."""
    if entry.get("kind") in ("answer", "default"):
        return ""
    as_of = entry.get("as_of")
    return f"as of {as_of} ({entry.get('as_of_basis')})" if as_of else "undated"
