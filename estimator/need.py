"""What a workload needs of each SKU before any price is known: the columns that pass between the estimator's parts.

One row a SKU. What is not known is NaN with a reason; a verdict ("does not fit") is known even without figures.
"""

from typing import Any

import numpy as np
import pandas as pd

from catalog.units import DAYS_PER_MONTH, HOURS_PER_DAY
from estimator import uncertainty
from estimator.coefficients import Coefficients
from estimator.columns import ENDS
from estimator.uncertainty import Range
from estimator.workload import INFERENCE_KINDS, TRAINING_KINDS, Workload

# Columns with three ends, and plain ones. "needed" hours do useful work; "elastic" hours are paid where time is paid
# as used, of a training split into those of its runs and those of experiments and failed runs; a span is one
# uninterrupted use of the machines, which a block of days has to hold.
RANGED = (
    "instances_count",
    "spare_instances_count",
    "needed_hours",
    "elastic_hours",
    "run_hours",
    "experiment_hours",
    "span_days",
    "run_days",
    "tuned_run_days",
    "ttft_ms",
    "tpot_ms",
    "latency_ms",
    "tokens_per_s",
    "tuned_tokens_per_s",
    "mfu_fraction",
    "goodput_fraction",
)
NUMBERS = ("memory_gb_per_accelerator", "memory_headroom_fraction")
TEXTS = ("estimate_reason", "estimate_kind", "layout", "spare_reason")
NEED = ("fits", "estimable", *TEXTS, *(f"{name}_{end}" for name in RANGED for end in ENDS), *NUMBERS, "evidence")

SERVING = ("weight_format", "cache_format", "accepted_tokens", "disaggregated")

NOT_COUNTED = "not a whole accelerator, or how many is not known"


def blank(hardware: pd.DataFrame, *, reason: str) -> pd.DataFrame:
    """Return a need without figures: everything unknown, with the reason. [NaN]

    ``fits`` stays true because nothing says otherwise; ``estimable`` is false. Source: ``unknown``, docs/estimates.md.
    """
    need = pd.DataFrame(np.nan, index=range(len(hardware)), columns=list(NEED))
    need["fits"], need["estimable"] = True, False
    for name in TEXTS:
        need[name] = pd.Series([""] * len(hardware), dtype=object)
    need["estimate_reason"] = reason
    need["evidence"] = pd.Series([()] * len(hardware), dtype=object)
    return need


def unfit(need: pd.DataFrame, *, reason: str, where: Any = True) -> pd.DataFrame:
    """Return the need with the verdict that the rows ``where`` cannot do the work: no figures, and it is known."""
    rows = np.broadcast_to(where, (len(need),))
    ranged = [f"{name}_{end}" for name in RANGED for end in ENDS]
    need.loc[rows, [*ranged, *NUMBERS]] = np.nan
    need.loc[rows, "fits"], need.loc[rows, "estimable"] = False, True
    need.loc[rows, "estimate_reason"], need.loc[rows, "layout"] = reason, ""
    need["evidence"] = pd.Series(
        [() if row else ids for row, ids in zip(rows, need["evidence"], strict=True)], index=need.index, dtype=object
    )
    return need


def put(need: pd.DataFrame, name: str, quantity: Range) -> None:
    """Write a range into the three columns of a quantity. [unit of the quantity]"""
    for end, values in zip(ENDS, quantity, strict=True):
        need[f"{name}_{end}"] = values


def taken(frame: pd.DataFrame, name: str) -> Range:
    """Return the range that stands in the three columns of a quantity. [unit of the quantity]"""
    return Range(*(frame[f"{name}_{end}"].to_numpy(dtype=float) for end in ENDS))


def joined(*parts: Any) -> Any:
    """Return texts or columns of texts joined with "; ", the empty ones left out."""
    told: Any = ""
    for part in parts:
        part = np.asarray(part, dtype=object)
        told = np.where((told != "") & (part != ""), told + "; " + part, told + part)
    return told


def answers(workload: Workload) -> tuple[str, ...]:
    """Return the evidence ids of the answers that the figures stand on, ``answer:<workload id>.<path below it>``."""
    from_model = workload.architecture is not None and workload.kind != "cpu_serving"
    traffic = ("requests_per_s_mean", "input_tokens", "output_tokens") if from_model else ("requests_per_s_mean",)
    sections = {
        "training": (workload.training, ("tokens",) if workload.kind in TRAINING_KINDS else ()),
        "measured": (workload.measured, () if from_model else ("units_per_s", "hours_per_month")),
        "traffic": (workload.traffic, () if workload.kind in TRAINING_KINDS else traffic),
        "serving": (workload.serving, SERVING if from_model and workload.kind in INFERENCE_KINDS else ()),
    }
    return tuple(
        f"answer:{workload.id}.{name}.{field}"
        for name, (section, names) in sections.items()
        for field in names
        if section is not None and getattr(section, field) is not None
    )


def peak_of(*, workload: Workload, coefficients: Coefficients) -> tuple[Range, str, tuple[str, ...]]:
    """Return peak ÷ mean load as stated, else as assumed with a note and the coefficient's id. [ratio]"""
    stated = workload.traffic.peak_factor
    if stated is not None:
        return uncertainty.exactly(stated), "", ()
    assumed = coefficients.get("cost.peak_factor")
    note = f"peak over mean not stated: {assumed.value:g} assumed ({assumed.low:g}-{assumed.high:g})"
    return uncertainty.of(assumed), note, (assumed.id,)


def target_days_of(*, workload: Workload, coefficients: Coefficients) -> tuple[float, str]:
    """Return the days in which a run has to end as stated, else as aimed at with a note. [days]"""
    if workload.targets.deadline_days is not None:
        return workload.targets.deadline_days, ""
    aimed = coefficients.get("cost.target_run_days")
    return aimed.value, f"no deadline stated: a run of at most {aimed.value:g} days aimed at"


def write_span(need: pd.DataFrame, *, count: Range, hours: Range) -> None:
    """Write into a need one uninterrupted use a month: the hours spread over the instances. [days]"""
    put(need, "span_days", Range(*(end / top / HOURS_PER_DAY for end, top in zip(hours, count, strict=True))))


def write_runs(
    need: pd.DataFrame, *, workload: Workload, coefficients: Coefficients, instances: Any, run_days: Range
) -> None:
    """Write the runs of a month into a need as hours and instances. [hours month⁻¹; instances]

    Hours = runs × instances × days × 24 × (1 + experiments) ÷ utilisation, and both parts by themselves; runs for which
    a month is too short go side by side, each on its own cluster. Source: ``runs`` in docs/estimates.md.
    """
    plan = workload.training
    stated = plan.runs_per_month if plan else None
    overhead = plan.experiment_overhead if plan else None
    # Not stated: one run a month, or, where the deadline is longer, one run every deadline. It must not depend on the
    # cluster: a slow one would look cheap for doing less work.
    target_days, _ = target_days_of(workload=workload, coefficients=coefficients)
    runs = min(1.0, DAYS_PER_MONTH / target_days) if stated is None else stated
    extra = coefficients.get("cost.experiment_overhead")
    share = uncertainty.of(extra) if overhead is None else uncertainty.exactly(overhead)
    busy = workload.utilisation or 1.0
    main = uncertainty.scaled(run_days, runs * instances * HOURS_PER_DAY)
    useful = uncertainty.independent(main, Range(*(1 + end for end in share)))
    paid = uncertainty.scaled(useful, 1.0 / busy)
    side_by_side = Range(*(np.maximum(np.ceil(end * runs / DAYS_PER_MONTH - 1e-9), 1.0) for end in run_days))
    put(need, "run_days", run_days)
    # Whole clusters for the runs; experiments are hours, not machines held beside them.
    put(need, "instances_count", Range(*(instances * clusters for clusters in side_by_side)))
    put(need, "needed_hours", useful)
    put(need, "elastic_hours", paid)
    put(need, "run_hours", uncertainty.scaled(main, 1.0 / busy))
    put(need, "experiment_hours", uncertainty.scaled(uncertainty.independent(main, share), 1.0 / busy))
    put(need, "span_days", run_days)
    ids = () if overhead is not None else (extra.id,)
    need["evidence"] = pd.Series([(*had, *ids) for had in need["evidence"]], index=need.index, dtype=object)


_UNITS = {"token": "token", "tokens": "token", "output_token": "token", "output_tokens": "token"}
_REQUESTS = ("request", "requests")


def measured_tokens_per_s(workload: Workload) -> tuple[float, str]:
    """Return the rate measured on one instance as tokens, or NaN and why it cannot be read so. [tokens s⁻¹]

    Output tokens for a service, trained tokens for a run. A rate in requests counts the stated output tokens of each.
    Source: ``correction`` in docs/estimates.md.
    """
    had = workload.measured
    if had is None or had.on is None or had.units_per_s is None:
        return np.nan, ""
    unit = (had.work_unit or "").strip().lower().replace(" ", "_")
    if unit in _UNITS:
        return had.units_per_s, ""
    if unit in _REQUESTS and workload.kind not in TRAINING_KINDS and workload.traffic.output_tokens:
        return had.units_per_s * workload.traffic.output_tokens, ""
    return np.nan, f"the rate measured in {had.work_unit or 'no stated unit'} is not used: state it in tokens"


def measured_row(*, hardware: pd.DataFrame, on: str) -> Any:
    """Return which row of ``hardware`` is the SKU that was measured, with or without its provider. [truth values]"""
    provider, _, sku = on.rpartition("/")
    same = hardware["sku"] == sku
    return (same & (hardware["provider"] == provider) if provider else same).to_numpy()
