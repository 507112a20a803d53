"""What is bound to what in a report: every stack in a line, and the layers of one as a matrix."""

from collections.abc import Mapping
from typing import Any

from advisor.core.labels import LAYER_LABELS, ROLE_LABELS
from advisor.core.readout import Readout
from advisor.web.report_frame import bound

Data = Mapping[str, Any]

_BAND_TAGS = {"loose": "tag-good", "tight": "tag-bad"}


def coupling(readout: Readout, position: int) -> dict[str, Any]:
    """Return what is bound to what: every stack in a line, and the matrix of the one at a position, from 1 on."""
    stacks = bound_stacks(readout)
    shown = min(max(position, 1), len(stacks))
    return {"bound": stacks, "shown": shown, "stack": stacks[shown - 1]}


def bound_stacks(readout: Readout) -> list[dict[str, Any]]:
    """Return each stack with its matrix and what its bonds buy."""
    return [
        {**_bound_stack(stack, readout.data), "benefits": benefits}
        for stack, benefits in zip(bound(readout.data), readout.benefits, strict=True)
    ]


def _bound_stack(stack: Data, data: Data) -> dict[str, Any]:
    """Arrange a stack's cells as a matrix: one row and column for each layer that has any."""
    names = {workload["id"]: workload["name"] for workload in data.get("workloads", [])}
    present = {layer for cell in stack["cells"] for layer in (cell["layer_a"], cell["layer_b"])}
    layers = [layer for layer in LAYER_LABELS if layer in present] + sorted(present - set(LAYER_LABELS))
    cells = [
        {
            **cell,
            "anchor": f"pair-{stack['workload_id']}-{stack['role']}-{number}",
            "tag": _BAND_TAGS.get(cell["band"], "tag-caution"),
        }
        for number, cell in enumerate(stack["cells"], start=1)
    ]
    by_pair: dict[frozenset[str], list[dict[str, Any]]] = {}
    for cell in cells:
        by_pair.setdefault(frozenset((cell["layer_a"], cell["layer_b"])), []).append(cell)
    rows = [
        {
            "label": LAYER_LABELS.get(layer, layer),
            "cells": [by_pair.get(frozenset((layer, other)), []) for other in layers[:position]],
        }
        for position, layer in enumerate(layers)
    ]
    return {
        **stack,
        "cells": cells,
        "heading_id": f"bound-{stack['workload_id']}-{stack['role']}",
        "workload_name": names.get(stack["workload_id"], stack["workload_id"]),
        "role_label": ROLE_LABELS.get(stack["role"], stack["role"]),
        "tightest": max(cells, key=lambda cell: cell["score"]["value"], default=None),
        "columns": [LAYER_LABELS.get(layer, layer) for layer in layers[:-1]],
        "rows": rows[1:],
    }
