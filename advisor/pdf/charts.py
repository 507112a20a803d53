"""The neutral chart of a record as lengths on a drawing: what the PDF's template draws without counting."""

import math
from typing import Any

from advisor.core.blocks import Chart

_LOG_FROM_RATIO = 50.0


def drawn(chart: Chart) -> dict[str, Any]:
    """Return the bars of a chart, each end as a fraction of the width; a wide spread is drawn on a log scale."""
    ends = [one[key] for one in chart.series for key in ("low", "typical", "high") if one[key] is not None]
    top, positive = max(ends, default=0.0), [end for end in ends if end > 0]
    is_log = len(positive) == len(ends) > 0 and top / min(positive) > _LOG_FROM_RATIO
    floor = 10.0 ** math.floor(math.log10(min(positive))) if is_log else 0.0

    def place(value: float) -> float:
        if top <= 0:
            return 0.0
        if not is_log:
            return max(value, 0.0) / top
        return math.log10(value / floor) / math.log10(top / floor)

    return {
        "kind": chart.kind,
        "title": chart.title,
        "summary": chart.summary,
        "is_log": is_log,
        "scale": f"Logarithmic scale, from {floor:,.6g} {chart.unit}." if is_log else "",
        "bars": [
            {
                "label": one["label"],
                "text": one["text"],
                "low": place(one["typical"] if one["low"] is None else one["low"]),
                "typical": place(one["typical"]),
                "high": place(one["typical"] if one["high"] is None else one["high"]),
            }
            for one in chart.series
        ],
    }
