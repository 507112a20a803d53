"""Estimates alone: one workload on the options that are asked for, without a decision around it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.core import candidates, stacks
from advisor.core.case import Case, evidence_ids
from advisor.core.constraints import MET, STATE_TEXT
from advisor.core.document import Document, check, known_from
from advisor.core.problems import DocumentError, problem
from advisor.core.report import SCHEMA_VERSION
from catalog.frame import Catalog
from estimator.coefficients import Coefficients

SECTIONS = ("organisation", "team", "current", "horizon", "constraints", "commercial")
_OPTION = ("id", "label", "provider", "region", "sku", "path", "basis", "standing", "layout")
_NUMBER = ("value", "low", "high", "unit", "kind", "reason", "evidence")
_ORDER = {"ranked": 0, "confirm_first": 1, "excluded": 2}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which options are asked for; None is all of them."""

    provider: str | None = None
    region: str | None = None
    sku: str | None = None
    basis: str | None = None
    rows_count: int = 20


def document_of(question: Mapping[str, Any], *, catalog: Catalog, moment: dt.date) -> Document:
    """Return the question as a decision document of one workload. Raises DocumentError by the question's own paths."""
    raw = {"version": 1, "decision": "Estimates alone", "workloads": [question.get("workload")]}
    raw |= {name: question[name] for name in SECTIONS if question.get(name) is not None}
    try:
        return check(raw, complete=True, known=known_from(catalog), moment=moment)
    except DocumentError as error:
        raise DocumentError([own_paths(item) for item in error.items]) from error


def own_paths(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fault of the document under the path that the question has for it."""
    return {**item, "path": item["path"].replace("workloads[0]", "workload", 1)}


def estimates(
    *, document: Document, wanted: Wanted, catalog: Catalog, coefficients: Coefficients, moment: dt.date
) -> dict[str, Any]:
    """Return the estimates of the document's one workload: rows in order of standing and cost, with their evidence.

    Each row is a whole stack for the workload: its numbers hold range, kind, reason and evidence like a report's.
    Raises DocumentError where nothing on file is of the wanted kind.
    """
    case = Case.of(document=document, catalog=catalog, coefficients=coefficients, moment=moment)
    field = candidates.field(index=0, case=case)
    positions = _positions(field, wanted)
    if not len(positions):
        raise DocumentError([problem("", None, "The catalog has no option of this kind with this filter.")])
    shown = stacks.build(field=field, positions=positions[: wanted.rows_count], case=case, anchors={})
    rows = [_row(stack, field) for stack in shown]
    return {
        "schema_version": SCHEMA_VERSION,
        "moment": moment.isoformat(),
        "catalog_release": catalog.release,
        "matching_count": len(positions),
        "rows": rows,
        "unanswered": [own_paths(entry) for entry in case.said.unanswered],
        "evidence": [case.evidence(id) for id in sorted(evidence_ids(rows))],
    }


def as_columns(found: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return estimates as a table, a line each number: the option, the figure, its range, unit, kind and evidence."""
    lines = [
        {
            **{name: row[name] for name in _OPTION},
            "figure": figure,
            **{name: number[name] for name in _NUMBER},
            "catalog_release": found["catalog_release"],
        }
        for row in found["rows"]
        for figure, number in row["numbers"].items()
    ]
    return {name: [line[name] for line in lines] for name in (*_OPTION, "figure", *_NUMBER, "catalog_release")}


def _positions(field: candidates.Field, wanted: Wanted) -> list[int]:
    """Return where the wanted candidates stand: admissible ones first, then by monthly cost, unknown cost last."""
    frame = field.frame
    keep = np.ones(len(frame), dtype=bool)
    for name in ("provider", "region", "sku", "basis"):
        value = getattr(wanted, name)
        if value is not None:
            keep &= (frame[name] == value).to_numpy()
    ordered = frame.assign(
        _order=frame["standing"].map(_ORDER),
        _cost=frame["monthly_usd_typical"].fillna(np.inf),
        _position=np.arange(len(frame)),
    )[keep].sort_values(["_order", "_cost", "candidate_id"], kind="stable")
    return [int(position) for position in ordered["_position"]]


def _row(stack: stacks.Stack, field: candidates.Field) -> dict[str, Any]:
    whole = stacks.as_json(stack)
    names = ("label", "provider", "region", "path", "basis", "standing", "layout", "numbers")
    return {
        "id": str(stack.row["candidate_id"]),
        "sku": str(stack.row["sku"]),
        **{name: whole[name] for name in names},
        "not_met": [
            {
                "id": check.id,
                "title": check.title,
                "state": STATE_TEXT[stack.states[check.id]],
                "text": check.say(stack.row, stack.states[check.id]),
            }
            for check in field.checks
            if stack.states[check.id] != MET
        ],
    }
