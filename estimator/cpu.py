"""CPU instances: which core a SKU's vCPU is, how two of them compare, and how a fleet is sized from one measurement.

Nothing here predicts how fast a program runs. One measured rate on one instance is carried to other instances by the
number of vCPUs and by a sourced ratio between cores; where no such ratio is held, the cost stays unknown.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from estimator import uncertainty
from estimator.coefficients import Coefficients
from estimator.uncertainty import Range

Number = Any  # a float or a numpy array; formulas take either

# --- names ------------------------------------------------------------------------------------------------------------

_AWS = re.compile(r"^(?P<family>[a-z]+)(?P<generation>\d)(?P<letters>[a-z]*)(?:-flex)?\.(?P<size>[a-z0-9-]+)$")
_AZURE = re.compile(r"^Standard_(?P<family>[A-Z]+)(?P<vcpus>\d+)(?:-\d+)?(?P<letters>[a-z]*)_v(?P<generation>\d+)$")
_GCP = re.compile(r"^(?P<series>[a-z]\d+[a-z]*)-(?P<shape>[a-z]+)-(?P<vcpus>\d+)(?:-[a-z]+)*$")

# A vCPU's core by generation: Intel, AMD and Arm in turn. "smt" is one of two threads, "core" a whole core.
_AWS_CORES = {
    "5": ("cascadelake-smt", "", ""),
    "6": ("icelake-smt", "milan-smt", "graviton2"),
    "7": ("sapphirerapids-smt", "genoa-core", "graviton3"),
    "8": ("graniterapids-smt", "turin-core", "graviton4"),
    "9": ("", "", "graviton5"),
}
_AWS_FAMILIES = ("c", "m", "r", "x", "i", "hpc")  # burstable t and accelerated families sell no steady vCPU
_AZURE_CORES = {
    "5": ("icelake-smt", "milan-smt", "altra"),
    "6": ("emeraldrapids-smt", "genoa-smt", "cobalt100"),
    "7": ("graniterapids-smt", "turin-smt", "cobalt200"),
}
_AZURE_FAMILIES = ("D", "E", "F")
_AZURE_WHOLE_CORES = {("F", "genoa-smt"): "genoa-core", ("F", "turin-smt"): "turin-core"}  # Fasv6 runs without threads
_GCP_CORES = {
    "c3": "sapphirerapids-smt",
    "n4": "emeraldrapids-smt",
    "c4": "emeraldrapids-smt",
    "c3d": "genoa-smt",
    "c4d": "turin-smt",
    "n4d": "turin-smt",
    "t2d": "milan-core",
    "t2a": "altra",
    "c4a": "axion-v2",
    "n4a": "axion-n3",
}


@dataclass(frozen=True, slots=True)
class Cpu:
    """What a SKU's name says: the core behind one vCPU ("" = no ratio is held for it), its series and its vCPUs."""

    core: str
    series: str
    vcpus_count: float


def read_sku(sku: str) -> Cpu:
    """Return what the naming rules of the three clouds say about a CPU SKU. [vCPUs]

    Burstable, accelerated and unknown series give an empty core. Valid for the series listed in this file; GCP's C4
    has both Emerald and Granite Rapids and is taken as the slower. Source: the providers' instance naming pages.
    """
    if match := _AWS.match(sku):
        vcpus = _aws_vcpus(match["size"])
        letters = match["letters"]
        column = 2 if letters.startswith("g") else 1 if letters.startswith("a") else 0
        known = match["family"] in _AWS_FAMILIES
        core = _AWS_CORES.get(match["generation"], ("", "", ""))[column] if known else ""
        return Cpu(core=core, series=sku.split(".")[0], vcpus_count=vcpus)
    if match := _AZURE.match(sku):
        letters, family = match["letters"], match["family"]
        column = 2 if "p" in letters else 1 if "a" in letters else 0
        core = _AZURE_CORES.get(match["generation"], ("", "", ""))[column] if family in _AZURE_FAMILIES else ""
        core = _AZURE_WHOLE_CORES.get((family, core), core)
        return Cpu(core=core, series=f"{family}{letters}_v{match['generation']}", vcpus_count=float(match["vcpus"]))
    if match := _GCP.match(sku):
        series = f"{match['series']}-{match['shape']}"
        return Cpu(core=_GCP_CORES.get(match["series"], ""), series=series, vcpus_count=float(match["vcpus"]))
    return Cpu(core="", series="", vcpus_count=math.nan)


def _aws_vcpus(size: str) -> float:
    fixed = {"medium": 1.0, "large": 2.0, "xlarge": 4.0}
    if size in fixed:
        return fixed[size]
    times = re.match(r"^(\d+)xlarge$", size) or re.match(r"^metal-(\d+)xl$", size)
    return 4.0 * int(times[1]) if times else math.nan


# --- ratios -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ratio:
    """Work of one vCPU over that of another, and the coefficients that say so."""

    range: Range
    evidence: tuple[str, ...]


def ratios_from(*, core: str, coefficients: Coefficients) -> Mapping[str, Ratio]:
    """Return for every core that a chain of sourced gains reaches the work of its vCPU over that of ``core``. [ratio]

    The gains ``cpu.gain.<newer>_over_<older>`` form a tree. Along the path the factors multiply, their errors are
    taken as independent. ``core`` itself is exactly 1. Vendors' claims are in the ranges, and named in the evidence.
    Source: ``cpu-ratio`` in docs/estimates.md.
    """
    steps: dict[str, list[tuple[str, Range, str]]] = {}
    for name, gain in coefficients.group("cpu.gain").items():
        newer, older = name.split("_over_")
        factor = uncertainty.of(gain)
        steps.setdefault(older, []).append((newer, factor, gain.id))
        steps.setdefault(newer, []).append((older, uncertainty.inverse(factor), gain.id))
    found: dict[str, tuple[tuple[Range, ...], tuple[str, ...]]] = {core: ((), ())} if core else {}
    frontier = list(found)
    while frontier:
        here = frontier.pop()
        factors, evidence = found[here]
        for there, factor, id in steps.get(here, []):
            if there not in found:
                found[there] = ((*factors, factor), (*evidence, id))
                frontier.append(there)
    return {name: Ratio(uncertainty.independent(*factors), evidence) for name, (factors, evidence) in found.items()}


# --- one measurement, carried to every SKU ---------------------------------------------------------------------------


def rates(
    *, skus: Sequence[str], vcpus_count: Any, on: str, units_per_s: float, coefficients: Coefficients
) -> pd.DataFrame:
    """Return for each SKU the work one instance does: units_per_s_low, _typical, _high, kind, reason, evidence. [s⁻¹]

    The measured SKU itself keeps its rate (kind ``answer``). Any other is scaled by its vCPUs × the ratio of the cores,
    widened for another series and for each doubling of the size (kind ``assumption``). ``vcpus_count`` is the catalog's
    figure; NaN falls back on the name. No ratio held: NaN and the reason. Source: ``cpu-rate`` in docs/estimates.md.
    """
    reference = read_sku(on)
    table = ratios_from(core=reference.core, coefficients=coefficients)
    size, series = (
        uncertainty.of(coefficients.get("cpu.size_spread")),
        uncertainty.of(coefficients.get("cpu.series_spread")),
    )
    stated = np.asarray(vcpus_count, dtype=float)
    same = [place for place, sku in enumerate(skus) if sku == on]
    reference_vcpus = stated[same[0]] if same and np.isfinite(stated[same[0]]) else reference.vcpus_count
    rows: list[tuple[Any, ...]] = []
    for sku, count in zip(skus, stated, strict=True):
        if sku == on:
            rows.append((units_per_s, units_per_s, units_per_s, "answer", "", ()))
            continue
        cpu = read_sku(sku)
        count = count if math.isfinite(count) else cpu.vcpus_count
        same_series = bool(cpu.series) and cpu.series == reference.series
        ratio = Ratio(uncertainty.exactly(1.0), ()) if same_series else table.get(cpu.core)
        if ratio is None or not math.isfinite(count) or not math.isfinite(reference_vcpus):
            rows.append((math.nan, math.nan, math.nan, "assumption", _no_ratio(sku=sku, on=on, cpu=cpu), ()))
            continue
        factors, evidence = (
            [uncertainty.exactly(units_per_s * count / reference_vcpus), ratio.range],
            list(ratio.evidence),
        )
        if not same_series:
            factors.append(series)
            evidence.append("coefficient:cpu.series_spread")
        doublings = abs(math.log2(count / reference_vcpus))
        if doublings > 0:
            # The spread is that of a larger instance over a smaller one: going down, its ends change places.
            wider = Range(*(end**doublings for end in size))
            factors.append(wider if count > reference_vcpus else uncertainty.inverse(wider))
            evidence.append("coefficient:cpu.size_spread")
        scaled = uncertainty.independent(*factors)
        rows.append((*scaled, "assumption", "", tuple(evidence)))
    names = ["units_per_s_low", "units_per_s_typical", "units_per_s_high", "kind", "reason", "evidence"]
    return pd.DataFrame(rows, columns=names)


def _no_ratio(*, sku: str, on: str, cpu: Cpu) -> str:
    if not cpu.core:
        return f"no ratio between {sku} and the measured {on} is held: measure one {sku}"
    return f"the measured {on} is of a series for which no ratio is held: measure one {sku}"


# --- the fleet --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many instances a load needs, in whole units, and the instance-hours that carry it."""

    instances_count: Range  # standing at the peak, the spare included
    spare_instances: Range  # those of them that the planned load does not need
    useful_hours_per_month: Range  # what the mean load alone fills
    needed_hours_per_month: Range  # that and the spare: what always stays up


def fleet(
    *,
    units_per_s_mean: Number,
    peak_factor: Range,
    active_fraction: Number,
    units_per_s: Range,
    peak_load_fraction: Range,
    spare_count: Number,
    zones_count: int,
    hours_per_month: float,
) -> Fleet:
    """Return the fleet for a load. [instances; hours month⁻¹]

    Working instances = ⌈mean × peak factor ÷ (rate of one × planned load)⌉; an instance is never divided.
    ``spare_count`` is the N+1: one instance, or as many as the loss of one rack of ``spare_count`` takes; the high end
    stands in whole racks. Over several zones they stand in equal parts, and when one zone is lost the others carry the
    peak at their full rate; with the planned load at 0.65 they do so anyway. The useful hours are those of the mean
    load over the active part of the month. Rate, peak and planned load err independently. Source: ``cpu-fleet``
    and ``spare`` in docs/estimates.md.
    """
    at_full_rate = uncertainty.independent(uncertainty.inverse(units_per_s), peak_factor)
    unit = uncertainty.inverse(uncertainty.independent(units_per_s, peak_load_fraction))
    peak = uncertainty.independent(unit, peak_factor)
    working = Range(*(_whole(end * units_per_s_mean) for end in peak))
    racked = (np.minimum(spare_count, working.low), np.minimum(spare_count, working.typical), spare_count)
    count = Range(*(end + more for end, more in zip(working, racked, strict=True)))
    if zones_count > 1:
        left = Range(*(_whole(end * units_per_s_mean / (zones_count - 1)) for end in at_full_rate))
        count = Range(
            *(
                zones_count * _whole(np.maximum(_whole(end / zones_count), least) / unit_count) * unit_count
                for end, least, unit_count in zip(count, left, (1.0, 1.0, spare_count), strict=True)
            )
        )
    spare = Range(*(top - end for top, end in zip(count, working, strict=True)))
    hours = Range(*(end * units_per_s_mean * active_fraction * hours_per_month for end in unit))
    # The load cannot fill more hours than the fleet has.
    needed = Range(
        *(
            np.minimum(end + by * hours_per_month, top * hours_per_month)
            for end, by, top in zip(hours, spare, count, strict=True)
        )
    )
    return Fleet(
        instances_count=count,
        spare_instances=uncertainty.spanned(*spare),
        useful_hours_per_month=Range(*(np.minimum(end, top) for end, top in zip(hours, needed, strict=True))),
        needed_hours_per_month=needed,
    )


def _whole(count: Number) -> Number:
    # 1e-9: three instances that carry the load exactly are three, whatever the last bit of the division says.
    return np.ceil(np.asarray(count, dtype=float) - 1e-9)
