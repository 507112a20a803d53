"""A team's own measurement on one accelerator, carried to others by their rooflines.

For work this project has no model of (diffusion, recommendation, anything that is not a transformer) the only honest
figure is the team's own. On the same accelerator it stands; on another it is bounded by two ratios: that of compute
and that of memory bandwidth. Which of them binds is not known, so both ends are kept.
"""

import math
from typing import Any

import numpy as np
import pandas as pd

from estimator import uncertainty
from estimator.coefficients import Coefficients
from estimator.uncertainty import Range

NAMES = ("speed_low", "speed_typical", "speed_high", "kind", "reason", "evidence", "note")


def speeds(*, hardware: pd.DataFrame, on: str, coefficients: Coefficients) -> pd.DataFrame:
    """Return for each SKU how much work one instance does, the measured instance being 1. [ratio]

    ``hardware`` has one row per distinct SKU with the offers frame's columns; ``on`` names the measured SKU, with or
    without its provider. Compute ratio = accelerators × dense 16-bit peak, bandwidth ratio = accelerators × memory
    bandwidth; the lower is the low end, the higher the high end, their geometric mean the middle, each widened for
    another software stack or another accelerator of the same one. Same accelerator: by count, within the little that
    another host makes. kind is ``answer`` on the measured SKU, ``estimate`` on the same accelerator elsewhere, else
    ``assumption``. Unknown figures give NaN and the reason.
    Source: ``measured`` in docs/estimates.md; Williams et al. 2009 (roofline).
    """
    reference = _reference(hardware=hardware, on=on)
    if reference is None:
        reason = f"measured on {on}, which is not in the catalog's offers: nothing to scale from"
        return pd.DataFrame(
            [(math.nan, math.nan, math.nan, "assumption", reason, (), "")] * len(hardware), columns=list(NAMES)
        )
    size = uncertainty.of(coefficients.get("measured.instance_size_spread"))
    spreads = {
        name: uncertainty.of(coefficients.get(f"measured.{name}"))
        for name in ("same_accelerator_spread", "same_stack_spread", "other_stack_spread")
    }
    rows = []
    for row in hardware.to_dict("records"):
        rows.append(_speed(row=row, reference=reference, size=size, spreads=spreads))
    return pd.DataFrame(rows, columns=list(NAMES))


def _reference(*, hardware: pd.DataFrame, on: str) -> dict[Any, Any] | None:
    provider, _, sku = on.rpartition("/")
    same = hardware["sku"] == sku
    if provider:
        same &= hardware["provider"] == provider
    found = hardware[same & (hardware["accelerator"] != "")].to_dict("records")
    return found[0] if found else None


def _speed(
    *, row: dict[Any, Any], reference: dict[Any, Any], size: Range, spreads: dict[str, Range]
) -> tuple[Any, ...]:
    if row["provider"] == reference["provider"] and row["sku"] == reference["sku"]:
        return (1.0, 1.0, 1.0, "answer", "", (), "")
    unknown = (math.nan, math.nan, math.nan, "assumption")
    if not row["accelerator"]:
        return (*unknown, f"no accelerator; the work was measured on {reference['sku']}", (), "")
    evidence = [f"accelerator:{row['accelerator']}"]
    count = row["accelerators_count"] / reference["accelerators_count"]
    if not math.isfinite(count):
        return (*unknown, f"the number of accelerators of {row['sku']} is not known", (), "")
    factors = [uncertainty.exactly(count)]
    if row["accelerator"] != reference["accelerator"]:
        ratios = [
            _peak_tflops(row) / _peak_tflops(reference),
            row["memory_bandwidth_gb_per_s"] / reference["memory_bandwidth_gb_per_s"],
        ]
        if not all(math.isfinite(ratio) for ratio in ratios):
            return (*unknown, f"peak compute or memory bandwidth of {row['accelerator']} is not public", (), "")
        factors.append(Range(min(ratios), math.sqrt(ratios[0] * ratios[1]), max(ratios)))
        spread = "same_stack_spread" if row["software_stack"] == reference["software_stack"] else "other_stack_spread"
        evidence.append(f"accelerator:{reference['accelerator']}")
    else:
        spread = "same_accelerator_spread"
    factors.append(spreads[spread])
    evidence.append(f"coefficient:measured.{spread}")
    if count != 1:
        wider = Range(*(end ** abs(math.log2(count)) for end in size))
        factors.append(wider if count > 1 else uncertainty.inverse(wider))
        evidence.append("coefficient:measured.instance_size_spread")
    scaled = uncertainty.independent(*factors)
    kind = "estimate" if spread == "same_accelerator_spread" else "assumption"
    return (*scaled, kind, "", tuple(evidence), _memory_note(row=row, reference=reference))


def _peak_tflops(row: dict[Any, Any]) -> float:
    """Dense 16-bit peak: BF16, or FP16 on a chip that is older than BF16."""
    return float(row["bf16_tflops"] if math.isfinite(row["bf16_tflops"]) else row["fp16_tflops"])


def _memory_note(*, row: dict[Any, Any], reference: dict[Any, Any]) -> str:
    here, there = row["accelerator_memory_gb"], reference["accelerator_memory_gb"]
    if math.isfinite(here) and math.isfinite(there) and here < there:
        return f"{here:.0f} GB per accelerator against {there:.0f} GB where it was measured: confirm that the work fits"
    return ""


def scaled_hours(*, hours_per_month: float, speed: Range) -> Range:
    """Return the instance-hours that do the measured work on another instance. [hours month⁻¹]

    Hours ÷ speed; valid while the work divides into whole instances. Source: ``measured`` in docs/estimates.md.
    """
    return Range(*(hours_per_month * np.asarray(end) for end in uncertainty.inverse(speed)))
