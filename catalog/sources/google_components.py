"""What Google sells: cores, memory, accelerators and disks by the hour, under names made for people. Pure.

A machine has no price of its own: it is the sum of its components. Names are compared whole, never by how they begin:
"Nvidia Tesla A100 GPU" begins "Nvidia Tesla A100 80GB GPU", and "N4 Instance Core" is not "N4 Custom Instance Core".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from catalog.records import Basis, Instance
from catalog.units import HOURS_PER_MONTH

Resource = Literal["core", "ram", "gpu", "slice", "chip", "local_ssd"]

# The hours that one unit of a SKU pays for. A unit that is not here is a problem.
UNITS: Mapping[Resource, Mapping[str, Decimal]] = {
    "core": {"h": Decimal(1)},
    "ram": {"GiBy.h": Decimal(1)},
    "gpu": {"h": Decimal(1)},
    "slice": {"h": Decimal(1)},
    "chip": {"h": Decimal(1)},
    "local_ssd": {"GiBy.h": Decimal(1), "GiBy.mo": Decimal(HOURS_PER_MONTH)},
}


@dataclass(frozen=True)
class Component:
    """One thing that is billed: a family's core or GiB, a GPU, a slice of a whole machine, a chip, a GiB of disk."""

    resource: Resource
    of: str = ""


@dataclass(frozen=True)
class Named:
    """What a SKU's description says that it sells."""

    basis: Basis
    component: Component
    count: int = 1  # how many of it one unit of the SKU holds


LOCAL_SSD = Component("local_ssd")
_GPUS: Mapping[str, str] = {  # as descriptions name them, without maker → the accelerator of instances.csv
    "a100": "a100-40gb",
    "a100 80gb": "a100-80gb",
    "h100 80gb": "h100-sxm-80gb",
    "h100 80gb mega": "h100-mega",
    "h100 mega 80gb": "h100-mega",
    "h100 80gb plus": "h100-mega",  # the ordinary on-demand SKU of A3 Mega, dearer than the H100 of A3 High
    "h200 141gb": "h200-sxm-141gb",
    "l4": "l4-24gb",
    "rtx 6000 96gb": "rtx-pro-6000-96gb",
    "rtx pro 6000": "rtx-pro-6000-96gb",
}
_SLICES: Mapping[str, str] = {"a4 nvidia b200 (1 gpu slice)": "a4"}  # a GPU with its share of cores and memory
_CHIPS: Mapping[str, str] = {"v5e": "tpu-v5e", "v5p": "tpu-v5p", "v6e": "tpu-v6e", "7x": "tpu-v7-ironwood"}
_V4_POD_CHIPS = 4  # the v4 SKU is priced for eight TensorCores
_FAMILIES = {"a3mega": "a3plus"}  # another name of the same family

_COMMITMENT = re.compile(r"Commitment v\d+: (.+) for ([13]) Years?")
_SPOT = re.compile(r"\b(?:attached to )?(?:Spot )?Preemptible\b(?: VMs?\b)?", re.IGNORECASE)
_FLEX_START = re.compile(r"\b(?:attached to )?DWS Defined Duration\b(?: VMs?\b)?")
_CALENDAR = re.compile(r"\b(?:attached to )?DWS Calendar Mode\b(?: VMs?\b)?")
_RESERVED_IN_CALENDAR = re.compile(r"Reserved (.+?) in Calendar Mode")
_PLACE = re.compile(r"(?: running)? in .*$", re.IGNORECASE)
_FILLERS = re.compile(r"\b(?:instance|predefined|amd|arm)\b ?")


def named(*, description: str, usage_type: str) -> Named | None:
    """Return what a SKU sells and on which purchase basis; None where it is something else.

    The description is believed before the usage type: spot SKUs of TPUs, slices and disks, and all DWS SKUs, are typed
    OnDemand. "Reserved" outside calendar mode is a placeholder at a price of zero. Source: the Cloud Billing catalog's
    descriptions as of 2026.
    """
    basis, what = _basis(description.strip(), usage_type=usage_type)
    if basis is None:
        return None
    name = " ".join(_PLACE.sub("", " ".join(what.split())).lower().split())
    if name.startswith("tpu-v4 pod"):
        return Named(basis, Component("chip", "tpu-v4"), _V4_POD_CHIPS)
    component = _component(name)
    return None if component is None else Named(basis, component)


def _basis(text: str, *, usage_type: str) -> tuple[Basis | None, str]:
    if usage_type.startswith("Commit") or text.startswith("Commitment"):
        match = _COMMITMENT.fullmatch(text)
        if match is None or usage_type != f"Commit{match[2]}Yr":
            return None, ""
        return ("commitment_1y" if match[2] == "1" else "commitment_3y"), match[1]
    if usage_type not in ("OnDemand", "Preemptible"):
        return None, ""
    if match := _RESERVED_IN_CALENDAR.fullmatch(text):
        return "calendar_reservation", match[1]
    if text.startswith("Reserved"):
        return None, ""
    modes: tuple[tuple[Basis, re.Pattern[str]], ...] = (
        ("flex_start", _FLEX_START), ("calendar_reservation", _CALENDAR), ("spot", _SPOT),
    )  # fmt: skip
    for basis, pattern in modes:
        if pattern.search(text):
            return basis, pattern.sub("", text)
    return ("spot" if usage_type == "Preemptible" else "on_demand"), text


def _component(name: str) -> Component | None:
    if name in _SLICES:
        return Component("slice", _SLICES[name])
    if name in ("ssd backed local storage", "local ssd"):
        return LOCAL_SSD
    if match := re.fullmatch(r"(?:tpu ?)?(v5e|v5p|v6e)(?: tpu)?|tpu(7x)", name):
        return Component("chip", _CHIPS[match[1] or match[2]])
    gpu = name.removeprefix("nvidia ").removeprefix("tesla ").removesuffix(" gpu")
    if gpu in _GPUS:
        return Component("gpu", _GPUS[gpu])
    if match := re.fullmatch(r"([a-z]\d+[a-z]*(?: (?:mega|plus|ultra))?) (core|cpu|ram)", _FILLERS.sub("", name)):
        family = match[1].replace(" ", "")
        return Component("ram" if match[2] == "ram" else "core", _FAMILIES.get(family, family))
    return None


_FAMILY_OF = {"a3-megagpu": "a3plus", "a3-ultragpu": "a3ultra"}  # else what stands before the first hyphen
_GPU_OF = {"a3-megagpu": "h100-mega"}  # else the accelerator
_SOLD_IN_SLICES = {"a4-highgpu": "a4"}
_SOLD_IN_NO_KNOWN_WAY = ("a4x-",)  # no SKU of theirs is documented
_BUNDLED_LOCAL_SSD_GIB = {  # for each GPU
    "a2-ultragpu": 375,
    "a3-highgpu": 750,
    "a3-megagpu": 750,
    "a3-ultragpu": 1500,
}
_WITHOUT_LOCAL_SSD = "-nolssd"


def components(machine: Instance) -> Mapping[Component, Decimal] | None:
    """Return what a machine consists of, and how much of it; None where that is not known. [pieces and GiB]

    Shapes are those of instances.csv. A bundled disk is part of the price: with it a3-highgpu-8g comes to what Google
    publishes. TPU slices count chips there, also where the name counts TensorCores (tpu-v5p-8 has four chips).
    Source: Google's page on accelerator-optimized machines.
    """
    if machine.self_serve == "no" or machine.sku.startswith(_SOLD_IN_NO_KNOWN_WAY):
        return None
    count = _exact(machine.accelerators_count)
    if machine.accelerator and machine.accelerator.startswith("tpu-"):
        return None if count is None else {Component("chip", machine.accelerator): count}
    line = "-".join(machine.sku.split("-")[:2])
    if line in _SOLD_IN_SLICES:
        return None if count is None else {Component("slice", _SOLD_IN_SLICES[line]): count}
    vcpus, memory_gib = _exact(machine.vcpus_count), _exact(machine.memory_gib)
    if vcpus is None or memory_gib is None:
        return None
    family = _FAMILY_OF.get(line, machine.sku.partition("-")[0])
    parts = {Component("core", family): vcpus, Component("ram", family): memory_gib}
    if machine.accelerator is not None:
        if count is None:
            return None
        parts[Component("gpu", _GPU_OF.get(line, machine.accelerator))] = count
        if line in _BUNDLED_LOCAL_SSD_GIB and not machine.sku.endswith(_WITHOUT_LOCAL_SSD):
            parts[LOCAL_SSD] = count * _BUNDLED_LOCAL_SSD_GIB[line]
    return parts


def can_be_bought(*, sku: str, basis: Basis) -> bool:
    """Say whether Google sells a machine so; SKUs exist for more than that.

    A4, A4X and A3 Ultra are sold for a commitment, a reservation, a start that waits, or as spot; A3 High with fewer
    than eight GPUs only as spot or for a start that waits. Source: Google's page on accelerator-optimized machines,
    "Consumption option availability by machine type".
    """
    if sku in ("a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g"):
        return basis in ("spot", "flex_start")
    return basis != "on_demand" or not sku.startswith(("a4-", "a4x-", "a3-ultragpu-"))


def _exact(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))
