"""What the report's template is given: the report's own content, arranged but not added to."""

import json
from typing import Any

from advisor.core import document
from advisor.core.labels import BILL_NOTE, LAYER_LABELS, NUMBER_LABELS
from advisor.core.problems import DocumentError
from advisor.models import Report

_PLAN_LAYERS = ("compute", "accelerator", "networking", "storage", "orchestration", "model_layer")
_ORDER = {name: position for position, name in enumerate(NUMBER_LABELS)}
STATE_TAGS = {"missed": "tag-bad", "cannot be confirmed": "tag-caution", "met": "tag-good"}


def report_page(*, report: Report) -> dict[str, Any]:
    """Return the context of the report page."""
    data = json.loads(bytes(report.content))
    revision = report.run.revision
    evidence = [_numbered(entry, number) for number, entry in enumerate(data.get("evidence", []), start=1)]
    assignments = data.get("plan", {}).get("assignments", [])
    names = {workload["id"]: workload["name"] for workload in data.get("workloads", [])}
    return {
        "data": data,
        "report": report,
        "revision": revision,
        "decision": revision.decision,
        "cards": {},
        "evidence": evidence,
        "evidence_by_id": {entry["id"]: entry for entry in evidence},
        "bill": _bill(data.get("plan", {}).get("totals", {})),
        "bill_note": BILL_NOTE,
        "plan_rows": [_plan_row(row) for row in assignments],
        "plan_layers": [(LAYER_LABELS[layer], [_option(row, layer) for row in assignments]) for layer in _PLAN_LAYERS],
        "workloads": [_workload(workload) for workload in data.get("workloads", [])],
        "workload_names": names,
        "coupling": [_coupling(stack, names) for stack in data.get("coupling", {}).get("stacks", [])],
        "checks": _checks(data.get("constraints", {}).get("checks", []), names),
    }


def problem_items(*, error: DocumentError, content: bytes) -> list[dict[str, Any]]:
    """Return the faults of a document, each with the line of its path where the text has one."""
    try:
        lines = document.read(content).lines
    except DocumentError:
        lines = {}
    return [{**item, "line": lines.get(item["path"])} for item in error.items]


def labelled(numbers: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the numbers of a stack with their labels, in reading order; unknown names keep their own."""
    ordered = sorted(numbers, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
    return [(NUMBER_LABELS.get(name, name.replace("_", " ")), numbers[name]) for name in ordered]


def _numbered(entry: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        **entry,
        "number": number,
        "anchor": f"evidence-{number}",
        "dated": _dated(entry),
        "is_link": str(entry.get("url") or "").startswith("https://"),
    }


def _dated(entry: dict[str, Any]) -> str:
    """Say as of when an entry holds. What the document itself says needs no date."""
    if entry.get("kind") in ("answer", "default"):
        return ""
    as_of = entry.get("as_of")
    return f"as of {as_of} ({entry.get('as_of_basis')})" if as_of else "undated"


def _plan_row(assignment: dict[str, Any]) -> dict[str, Any]:
    return {**assignment, "labelled_numbers": labelled(assignment.get("numbers") or {})}


def _option(assignment: dict[str, Any], layer: str) -> dict[str, Any] | None:
    return ((assignment.get("stack") or {}).get("layers") or {}).get(layer)


def _workload(workload: dict[str, Any]) -> dict[str, Any]:
    recommended = workload.get("recommended")
    numbers = labelled(recommended["numbers"]) if recommended else []
    stay = workload.get("stay")
    bill = _bill(workload.get("bill") or {})
    return {**workload, "labelled_numbers": numbers, "stay_row": [stay] if stay else [], "bill": bill}


def _bill(told: dict[str, Any]) -> dict[str, Any]:
    """Return the lines and months of a bill; a report made before bills had lines has its months alone."""
    months = told.get("months", [])
    return {
        "lines": told.get("lines", []),
        "months": months,
        "has_totals": bool(months) and "cumulative_usd" in months[0],
    }


def _coupling(stack: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Arrange a stack's cells as a matrix: one row and column for each layer that has any."""
    present = {layer for cell in stack["cells"] for layer in (cell["layer_a"], cell["layer_b"])}
    layers = [layer for layer in LAYER_LABELS if layer in present] + sorted(present - set(LAYER_LABELS))
    cells: dict[frozenset[str], list[dict[str, Any]]] = {}
    for number, cell in enumerate(stack["cells"], start=1):
        cell["anchor"] = f"coupling-{stack['workload_id']}-{stack['role']}-{number}"
        cell["tag"] = {"loose": "tag-good", "tight": "tag-bad"}.get(cell["band"], "tag-caution")
        cells.setdefault(frozenset((cell["layer_a"], cell["layer_b"])), []).append(cell)
    rows = [
        {
            "label": LAYER_LABELS.get(layer, layer),
            "cells": [cells.get(frozenset((layer, other)), []) for other in layers[:position]],
        }
        for position, layer in enumerate(layers)
    ]
    return {
        **stack,
        "workload_name": names.get(stack["workload_id"], stack["workload_id"]),
        "columns": [LAYER_LABELS.get(layer, layer) for layer in layers[:-1]],
        "rows": rows[1:],
    }


def _checks(checks: list[dict[str, Any]], names: dict[str, str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the constraints by what they are of, those first that need a look."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for check in checks:
        tagged = {**check, "tag": STATE_TAGS.get(check["state"], "")}
        groups.setdefault("the whole decision" if check["scope"] == "decision" else check["scope"], []).append(tagged)
    order = {state: position for position, state in enumerate(STATE_TAGS)}
    return [
        (names.get(scope, scope), sorted(group, key=lambda check: order.get(check["state"], 0)))
        for scope, group in groups.items()
    ]
