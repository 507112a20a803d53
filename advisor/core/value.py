"""How much a stack is worth to this team: additive, with anchors fixed by a named reference, never by the candidates.

A criterion's value runs from 1 at its ideal level to 0 at its unacceptable one. Because both levels come from the
document or from the workload's reference stack, adding or removing an option never changes the order of the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

CRITERIA = ("cost", "time", "latency", "portability", "operations")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Anchor:
    """The two fixed levels of a criterion, in its unit, and in words where they come from."""

    criterion: str
    ideal: float
    unacceptable: float
    unit: str
    basis: str
    evidence: tuple[str, ...] = ()


def level(*, x: Any, anchor: Anchor) -> Floats:
    """Return the value in [0, 1] of levels ``x`` (scalar or array) in the anchor's unit; NaN stays NaN."""
    x = np.asarray(x, dtype=np.float64)
    return np.asarray(np.clip((anchor.unacceptable - x) / (anchor.unacceptable - anchor.ideal), 0.0, 1.0))


def normal(weights: Mapping[str, float]) -> dict[str, float]:
    """Return criteria weights scaled to a sum of 1; equal where every weight is zero."""
    raw = {name: max(0.0, float(weights.get(name) or 0.0)) for name in CRITERIA}
    total = sum(raw.values())
    return {name: (weight / total if total else 1 / len(CRITERIA)) for name, weight in raw.items()}


def total(*, levels: Mapping[str, Any], weights: Mapping[str, float]) -> Floats:
    """Return the weighted value of a set of stacks, shape of the levels.

    A criterion nobody could compute (NaN for all) drops out, its weight shared by the others; one that is unknown for
    some stacks counts as 0 for them: what was not shown never wins by silence.
    """
    arrays = {name: np.atleast_1d(np.asarray(values, dtype=np.float64)) for name, values in levels.items()}
    used = {name: values for name, values in arrays.items() if not np.all(np.isnan(values)) and weights.get(name)}
    share = sum(weights[name] for name in used)
    if not used or not share:
        size = max((values.size for values in arrays.values()), default=0)
        return np.zeros(size)
    parts = [weights[name] / share * np.nan_to_num(values, nan=0.0) for name, values in used.items()]
    return np.asarray(np.sum(parts, axis=0))
