"""The picture of the answer: each production stack as six layers, and beside it which of them are bound together."""

from collections.abc import Mapping
from typing import Any

from advisor.core.coupling import LAYERS
from advisor.core.labels import LAYER_LABELS, ROLE_LABELS

Data = Mapping[str, Any]

# The drawing's own units: a layer is 100 high, an arc starts at the middle of its layer and bulges with its reach.
_ROW, _REACH, _LEAST_BULGE = 100, 18, 14
_THINNEST, _WIDEST = 1.25, 6.0


def pictured(data: Data) -> list[dict[str, Any]]:
    """Return each production stack with its layers and the arcs between the layers that are bound."""
    cells = {
        (stack["workload_id"], stack["role"]): stack["cells"] for stack in data.get("coupling", {}).get("stacks", [])
    }
    return [
        {
            "name": row["workload_name"],
            "role_label": ROLE_LABELS.get(row["role"], row["role"]),
            "stack": row["stack"],
            "layers": [
                {"label": LAYER_LABELS[layer], "option": ((row.get("stack") or {}).get("layers") or {}).get(layer)}
                for layer in LAYERS
            ],
            "arcs": [_arc(cell) for cell in cells.get((row["workload_id"], row["role"]), []) if _is_drawn(cell)],
            "height": _ROW * len(LAYERS),
        }
        for row in data["plan"]["assignments"]
        if row["role"] in ("production", "baseline", "none")
    ]


def _is_drawn(cell: Data) -> bool:
    return cell["layer_a"] in LAYERS and cell["layer_b"] in LAYERS and cell["score"]["value"] is not None


def _arc(cell: Data) -> dict[str, Any]:
    start, end = sorted((LAYERS.index(cell["layer_a"]), LAYERS.index(cell["layer_b"])))
    top, bottom = start * _ROW + _ROW // 2, end * _ROW + _ROW // 2
    bulge = _LEAST_BULGE + _REACH * (end - start)
    return {
        "path": f"M0 {top} C{bulge} {top} {bulge} {bottom} 0 {bottom}",
        "width": f"{_THINNEST + (_WIDEST - _THINNEST) * cell['score']['value']:.2f}",
        "band": cell["band"].split(" ")[-1],
        "text": f"{cell['pair_text']}: {cell['band']}",
    }
