"""Needs of a transformer that is trained: of the training door's answers, the smallest cluster in time."""

from typing import Any

import numpy as np
import pandas as pd

from catalog.units import HOURS_PER_DAY, SECONDS_PER_HOUR
from estimator import uncertainty
from estimator.architecture import Architecture
from estimator.coefficients import Coefficients
from estimator.columns import ENDS
from estimator.need import (
    NOT_COUNTED,
    RANGED,
    answers,
    blank,
    joined,
    measured_row,
    measured_tokens_per_s,
    put,
    taken,
    target_days_of,
    unfit,
    write_runs,
)
from estimator.training import DOES_NOT_FIT, estimate_training
from estimator.uncertainty import Range
from estimator.workload import Workload

_ENDLESS_DAYS = 3650.0  # longer than any offer and any plan: the SKU is no answer
_SYSTEM = (
    "accelerator",
    "accelerators_count",
    "accelerator_memory_gb",
    "memory_bandwidth_gb_per_s",
    "bf16_tflops",
    "fp8_tflops",
    "scaleup_gb_per_s",
    "scaleup_domain_accelerators",
    "fabric_gbps",
    "network_gbps",
)

# Instances of a cluster: doublings and their halves between.
_LADDER = tuple(sorted({2**power for power in range(15)} | {3 * 2**power for power in range(13)}))
_CANDIDATES = 6
_MOST = 16384


def trained_need(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Return what the runs need of each SKU, columns of ``need.NEED``.

    The training door answers for several cluster sizes of whole instances; the smallest that ends a run by the
    deadline is taken, else the fastest, and that it is late is said. Speed × goodput gives the days of a run.
    Source: ``training`` in docs/estimates.md.
    """
    plan = workload.training
    if workload.architecture is None or plan is None or plan.tokens is None:
        return blank(hardware, reason="cost unknown: state training.tokens, the tokens of one run")
    target_days, note = target_days_of(workload=workload, coefficients=coefficients)
    suited = (hardware["trains"] != "no").to_numpy() & (hardware["accelerator"] != "").to_numpy()
    counted = hardware["accelerators_count"].ge(1).to_numpy()
    asked = suited & counted
    if not asked.any():
        return _unasked(blank(hardware, reason=""), suited=suited, counted=counted)
    unequal, codes = _distinct(hardware[asked])
    # Rows that are not asked about borrow the first answer here and lose it at the end.
    codes = np.where(asked, codes[np.cumsum(asked) - 1], 0)
    found = estimate_training(
        architecture=workload.architecture,
        training=plan,
        hardware=unequal,
        accelerators_total=candidates(
            architecture=workload.architecture,
            tokens=plan.tokens,
            days=target_days,
            hardware=unequal,
            aimed_mfu_fraction=coefficients.get("cost.aimed_mfu_fraction").value,
        ),
        coefficients=coefficients,
    )
    days = _days(found, tokens=plan.tokens)
    chosen = _chosen(found, days=days.typical, target_days=target_days, rows=len(unequal))[codes]
    better, same_stack, unsaid = _correction(workload=workload, hardware=hardware, best=found.iloc[chosen])
    if same_stack.any():
        faster = np.isin(found["hardware_row"], codes[same_stack & asked])
        for end in ENDS:
            found.loc[faster, f"tokens_per_s_{end}"] *= better
        days = _days(found, tokens=plan.tokens)
        chosen = _chosen(found, days=days.typical, target_days=target_days, rows=len(unequal))[codes]
    best = found.iloc[chosen].reset_index(drop=True)
    need = blank(hardware, reason="")
    for name in ("layout", "memory_gb_per_accelerator", "memory_headroom_fraction"):
        need[name] = best[name]
    for name in ("tokens_per_s", "tuned_tokens_per_s", "goodput_fraction"):
        put(need, name, taken(best, name))
    usual, tuned = taken(best, "tokens_per_s"), best["tuned_tokens_per_s_typical"].to_numpy(dtype=float)
    put(need, "mfu_fraction", uncertainty.scaled(usual, best["mfu_fraction_typical"].to_numpy(dtype=float) / tuned))
    fastest = uncertainty.independent(taken(best, "tuned_tokens_per_s"), taken(best, "goodput_fraction"))
    put(need, "tuned_run_days", uncertainty.scaled(uncertainty.inverse(fastest), plan.tokens / SECONDS_PER_HOUR / 24))
    stated = answers(workload)
    if same_stack.any():
        stated = (*stated, f"answer:{workload.id}.measured.units_per_s")
    default = () if plan.global_batch_tokens else ("coefficient:training.default_global_batch_tokens",)
    need["evidence"] = pd.Series(
        [(*ids, *stated, *default) for ids in best["evidence"]], index=need.index, dtype=object
    )
    run_days = Range(*(end[chosen] for end in days))
    per_instance = hardware["accelerators_count"].where(counted, np.nan).to_numpy(dtype=float)
    count = best["accelerators_total"].to_numpy(dtype=float) / per_instance
    write_runs(need, workload=workload, coefficients=coefficients, instances=np.ceil(count), run_days=run_days)
    fits = best["fits"].astype(bool).to_numpy()
    endless = fits & ~(run_days.typical <= _ENDLESS_DAYS)
    ranged = [f"{name}_{end}" for name in RANGED for end in ENDS]
    need.loc[endless | ~fits, ranged] = np.nan
    need.loc[endless | ~fits, "layout"] = ""
    unconnected = hardware[["fabric_gbps", "network_gbps"]].isna().all(axis=1).to_numpy()
    unknown = ~fits & (unconnected | ~best["reason"].str.startswith(DOES_NOT_FIT).to_numpy())
    need["fits"] = (fits & ~endless) | unknown
    # "does not fit" is a verdict; a figure the maker does not publish leaves the question open.
    need["estimable"] = ~unknown
    late = fits & ~endless & (run_days.typical > target_days)
    slow = [f"the fastest cluster looked at takes {_long(days)}" for days in np.nan_to_num(run_days.typical)]
    told = np.where(endless, "no cluster of this SKU looked at ends a run within ten years", np.where(late, slow, ""))
    sized = fits | best["reason"].str.startswith(DOES_NOT_FIT).to_numpy()
    alone = np.where(
        unconnected & sized, "the network of this SKU is not on file: one instance alone was looked at", ""
    )
    factor = f"corrected by your own measurement: {better:.2g} times the planned rate"
    corrected = np.where(same_stack & fits & ~endless, factor, "")
    need["estimate_reason"] = joined(
        best["reason"], np.where(fits & ~endless, note, ""), told, alone, corrected, unsaid
    )
    need["estimate_kind"] = np.where(same_stack, "assumption", "estimate")
    return _unasked(need, suited=suited, counted=counted)


def _long(days: float) -> str:
    """Return a time in words: days, or hours where it is shorter than ten of them."""
    return f"{days:,.0f} days" if days >= 10 else f"{days * HOURS_PER_DAY:,.3g} hours"


def _days(found: pd.DataFrame, *, tokens: float) -> Range:
    """Days of one run on each cluster: planned speed × goodput, which err independently."""
    speed = uncertainty.independent(taken(found, "tokens_per_s"), taken(found, "goodput_fraction"))
    return uncertainty.scaled(uncertainty.inverse(speed), tokens / SECONDS_PER_HOUR / HOURS_PER_DAY)


def _correction(*, workload: Workload, hardware: pd.DataFrame, best: pd.DataFrame) -> tuple[float, Any, str]:
    """How far the team's measured rate stands from the planned one, and on which rows that is known to carry over.

    The rate of one instance is taken to hold in the cluster that was chosen; a team's own factor belongs to its
    software stack.
    """
    nowhere = np.zeros(len(hardware), dtype=bool)
    rate, unsaid = measured_tokens_per_s(workload)
    if np.isnan(rate) or workload.measured is None or workload.measured.on is None:
        return 1.0, nowhere, unsaid
    here = measured_row(hardware=hardware, on=workload.measured.on)
    per_instance = hardware["accelerators_count"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        instances = best["accelerators_total"].to_numpy(dtype=float) / per_instance
        planned = (best["tokens_per_s_typical"].to_numpy(dtype=float) / instances)[here]
    if not len(planned) or not np.isfinite(planned[0]) or planned[0] <= 0:
        return 1.0, nowhere, f"measured on {workload.measured.on}, for which there is no estimate to correct"
    stack = hardware["software_stack"].to_numpy()
    return float(rate / planned[0]), stack == stack[here][0], ""


def _unasked(need: pd.DataFrame, *, suited: Any, counted: Any) -> pd.DataFrame:
    need = unfit(need, where=~suited | ~counted, reason="this hardware is not made for training")
    open_ = suited & ~counted
    need.loc[open_, "fits"], need.loc[open_, "estimable"] = True, False
    need.loc[open_, "estimate_reason"] = NOT_COUNTED
    return need


def _distinct(hardware: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    """Return one row of each system that training can tell apart, and for every SKU which one it is."""
    keys = pd.MultiIndex.from_frame(hardware[list(_SYSTEM)].astype(object).fillna(-1.0))
    codes, _ = pd.factorize(keys)
    return hardware.iloc[np.unique(codes, return_index=True)[1]].reset_index(drop=True), codes


def candidates(
    *, architecture: Architecture, tokens: float, days: float, hardware: pd.DataFrame, aimed_mfu_fraction: float
) -> Any:
    """Return for each system the numbers of accelerators worth trying, rows × candidates, 0 = none. [accelerators]

    Whole instances around the number that would do the run in ``days`` at ``aimed_mfu_fraction`` of the dense BF16
    peak, from two thirds of it to four times, and at least what the states of training need in memory. At most six a
    system and 16,384 accelerators; one instance where the network between instances is not on file.
    Source: ``training`` in docs/estimates.md.
    """
    count = np.maximum(hardware["accelerators_count"].to_numpy(dtype=float), 1.0)
    peak = hardware["bf16_tflops"].to_numpy(dtype=float) * 1e12
    memory = hardware["accelerator_memory_gb"].to_numpy(dtype=float) * 1e9
    work = architecture.training_flops_per_token(context_tokens=4096) * tokens
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = np.nan_to_num(work / (aimed_mfu_fraction * peak * days * HOURS_PER_DAY * SECONDS_PER_HOUR), nan=1.0)
        held = np.nan_to_num(2 * architecture.params() / memory, nan=1.0)
    ladder = np.array(_LADDER, dtype=float)
    low = np.maximum(wanted / 1.5, held / 2) / count
    high = np.maximum(wanted * 4, held * 16) / count
    table = np.zeros((len(hardware), _CANDIDATES))
    for row in range(len(hardware)):
        inside = ladder[
            (ladder >= min(low[row], ladder[-1])) & (ladder <= max(high[row], 1.0)) & (ladder * count[row] <= _MOST)
        ]
        if not len(inside):
            inside = ladder[:1] if low[row] <= 1 else ladder[ladder * count[row] <= _MOST][-1:]
        picked = inside[np.unique(np.linspace(0, len(inside) - 1, min(_CANDIDATES, len(inside))).astype(int))]
        table[row, : len(picked)] = picked * count[row]
    unconnected = hardware[["fabric_gbps", "network_gbps"]].isna().all(axis=1).to_numpy()
    table[unconnected] = 0.0
    table[unconnected, 0] = count[unconnected]
    return table


def _chosen(found: pd.DataFrame, *, days: Any, target_days: float, rows: int) -> Any:
    """Return for each system the position of the smallest cluster in time, else the fastest, else the largest tried."""
    row, total = found["hardware_row"].to_numpy(), found["accelerators_total"].to_numpy(dtype=float)
    fits = found["fits"].to_numpy(dtype=bool)
    in_time = fits & (days <= target_days)
    rank = np.where(in_time, 0, np.where(fits, 1, 2))
    within = np.where(in_time, total, np.where(fits, days, -total))
    order = np.lexsort((within, rank, row))
    first = order[np.r_[True, np.diff(row[order]) > 0]]
    chosen = np.zeros(rows, dtype=int)
    chosen[row[first]] = first
    return chosen
