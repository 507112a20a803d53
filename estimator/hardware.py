"""Accelerators and their links as a struct of arrays, taken from the catalog's frames."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimator.coefficients import Coefficients

Floats = NDArray[np.float64]

PRECISIONS = ("bf16", "fp16", "fp8", "fp8-mx", "fp4", "int8")

# The rate column that a training precision runs at; MXFP8 uses the FP8 units.
_PEAK_COLUMN = {
    "bf16": "bf16_tflops",
    "fp16": "fp16_tflops",
    "fp8": "fp8_tflops",
    "fp8-mx": "fp8_tflops",
    "fp4": "fp4_tflops",
    "int8": "int8_tops",
}

# Generation of an accelerator id, longest prefix first. It selects measured ceilings; the specification comes from the
# catalog.
_FAMILIES = (
    ("a100", "ampere"),
    ("a10", "ampere-small"),
    ("t4", "turing"),
    ("l40s", "ada"),
    ("l4", "ada"),
    ("h100", "hopper"),
    ("h200", "hopper"),
    ("h800", "hopper"),
    ("h20-", "hopper"),
    ("gh200", "hopper"),
    ("b200", "blackwell"),
    ("b300", "blackwell"),
    ("gb200", "blackwell"),
    ("gb300", "blackwell"),
    ("rtx-pro", "blackwell-small"),
    ("vera-rubin", "rubin"),
    ("mi300", "cdna3"),
    ("mi325", "cdna3"),
    ("mi350", "cdna4"),
    ("mi355", "cdna4"),
    ("tpu-v4", "tpu-v4"),
    ("tpu-v5e", "tpu-v5e"),
    ("tpu-v5p", "tpu-v5p"),
    ("tpu-v6e", "tpu-v6e"),
    ("tpu-v7", "tpu-v7"),
    ("tpu-v8", "tpu-v8"),
    ("trainium1", "trainium1"),
    ("trainium2", "trainium2"),
    ("trainium3", "trainium3"),
    ("trainium4", "trainium4"),
    ("inferentia", "inferentia"),
    ("maia", "maia"),
)
_VENDOR = {"cdna3": "amd", "cdna4": "amd", "maia": "maia"}


def family(accelerator: str) -> str:
    """Return the generation of an accelerator id, e.g. ``hopper`` for ``h200-sxm-141gb``; ``other`` where none is
    known."""
    matches = [name for prefix, name in _FAMILIES if accelerator.startswith(prefix)]
    return matches[0] if matches else "other"


def vendor(family_name: str) -> str:
    """Return the vendor group of a generation: nvidia, amd, tpu, neuron, maia or other."""
    if family_name.startswith("tpu"):
        return "tpu"
    if family_name.startswith(("trainium", "inferentia")):
        return "neuron"
    if family_name == "other":
        return "other"
    return _VENDOR.get(family_name, "nvidia")


@dataclass(frozen=True)
class Hardware:
    """One entry per system. Rates in FLOP/s and bytes/s (one direction), memory in bytes."""

    accelerator: NDArray[Any]
    family: NDArray[Any]
    vendor: NDArray[Any]
    peak_flops: dict[str, Floats]
    memory_bytes: Floats
    memory_bytes_per_s: Floats
    domain_accelerators: Floats
    domain_bytes_per_s: Floats
    node_accelerators: Floats
    node_bytes_per_s: Floats
    fabric_bytes_per_s: Floats
    fabric_is_rdma: NDArray[np.bool_]
    tdp_w: Floats

    def __len__(self) -> int:
        return len(self.accelerator)

    def take(self, index: NDArray[np.int64]) -> "Hardware":
        """Return the entries at ``index``, in that order."""
        values: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                values[field.name] = {name: array[index] for name, array in value.items()}
            else:
                values[field.name] = value[index]
        return Hardware(**values)


def from_frame(frame: pd.DataFrame, *, coefficients: Coefficients) -> Hardware:
    """Return the systems of an offers-like frame, one entry a row.

    A missing scale-up link means PCIe inside the node; a missing RDMA fabric means the instance network. The fabric is
    shared
    evenly by the accelerators of an instance. Source: ``model-links`` in docs/model.md.
    """
    names = frame["accelerator"].astype(str).to_numpy(dtype=object)
    families = np.array([family(name) for name in names], dtype=object)
    vendors = np.array([vendor(name) for name in families], dtype=object)
    per_node = np.maximum(np.nan_to_num(_number(frame, "accelerators_count"), nan=1.0), 1.0)
    pcie_share = coefficients.get("training.pcie_efficiency").value
    pcie = np.full(len(frame), coefficients.get("training.pcie_gb_per_s").value * pcie_share * 1e9)
    scaleup = _number(frame, "scaleup_gb_per_s") * 1e9 / 2
    domain = np.where(np.isnan(scaleup), 1.0, np.nan_to_num(_number(frame, "scaleup_domain_accelerators"), nan=1.0))
    rdma = _number(frame, "fabric_gbps")
    ethernet = _number(frame, "network_gbps")
    fabric = np.where(np.isnan(rdma), ethernet, rdma) / 8 * 1e9 / per_node
    return Hardware(
        accelerator=names,
        family=families,
        vendor=vendors,
        peak_flops=_peaks(frame),
        memory_bytes=_number(frame, "accelerator_memory_gb") * 1e9,
        memory_bytes_per_s=_number(frame, "memory_bandwidth_gb_per_s") * 1e9,
        domain_accelerators=np.maximum(domain, 1.0),
        domain_bytes_per_s=np.where(np.isnan(scaleup), pcie, scaleup),
        node_accelerators=np.maximum(per_node, domain),
        node_bytes_per_s=pcie,
        fabric_bytes_per_s=fabric,
        fabric_is_rdma=~np.isnan(rdma),
        tdp_w=_number(frame, "tdp_w"),
    )


def reference_frame(
    accelerator_ids: Sequence[str], *, accelerators: pd.DataFrame, coefficients: Coefficients
) -> pd.DataFrame:
    """Return an offers-like frame of each accelerator in the system its maker publishes results on.

    Used where a published row names the accelerator but not the instance: node size and fabric come from
    ``training.reference_*`` of the generation.
    """
    specification = accelerators.set_index("id") if "id" in accelerators.columns else accelerators
    rows = specification.loc[list(accelerator_ids)].reset_index()
    rows = rows.rename(columns={rows.columns[0]: "accelerator"})
    rows["accelerator_memory_gb"] = _number(rows, "memory_gb")
    names = [str(name) for name in rows["accelerator"]]
    per_node = [_reference("node_accelerators", name, coefficients) for name in names]
    fabric = [_reference("fabric_gbps", name, coefficients) for name in names]
    links = _number(rows, "scaleup_gb_per_s")
    known = [f"training.reference_scaleup_gb_per_s.{family(name)}" for name in names]
    stated = [coefficients.get(key).value if key in coefficients else np.nan for key in known]
    rows["scaleup_gb_per_s"] = np.where(np.isnan(links), stated, links)
    rows["accelerators_count"] = per_node
    rows["fabric_gbps"] = np.array(fabric) * np.array(per_node)
    rows["network_gbps"] = np.nan
    return rows


def reference_peaks(accelerator_ids: Sequence[str], *, accelerators: pd.DataFrame) -> dict[str, Floats]:
    """Return the dense rates of accelerators by precision; NaN where the chip has none. [FLOP/s]"""
    specification = accelerators.set_index("id") if "id" in accelerators.columns else accelerators
    return _peaks(specification.loc[list(accelerator_ids)])


def _peaks(frame: pd.DataFrame) -> dict[str, Floats]:
    peaks = {name: _number(frame, column) * 1e12 for name, column in _PEAK_COLUMN.items()}
    peaks["fp16"] = np.where(np.isnan(peaks["fp16"]), peaks["bf16"], peaks["fp16"])
    return peaks


def _reference(what: str, accelerator: str, coefficients: Coefficients) -> float:
    for scope in (accelerator, family(accelerator), vendor(family(accelerator))):
        key = f"training.reference_{what}.{scope}"
        if key in coefficients:
            return coefficients.get(key).value
    return coefficients.get(f"training.reference_{what}.other").value


def _number(frame: pd.DataFrame, column: str) -> Floats:
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    return cast(Floats, pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float))
