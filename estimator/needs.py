"""What a workload needs of each SKU, before any price: instances, hours, speed. One row a SKU, columns of ``NEED``.

Four ways lead here: CPU fleets and accelerators from the team's own measurement, inference of a transformer, training
of a transformer. Each fills what it knows and leaves the rest NaN.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from catalog.units import DAYS_PER_MONTH, HOURS_PER_DAY, HOURS_PER_MONTH, SECONDS_PER_HOUR
from estimator import cpu, measured, uncertainty
from estimator.architecture import Architecture
from estimator.coefficients import Coefficients
from estimator.columns import ENDS
from estimator.inference import Precision, estimate_inference
from estimator.training import estimate_training
from estimator.uncertainty import Range
from estimator.workload import INFERENCE_KINDS, TRAINING_KINDS, Measured, Workload

SCARCE_MEMORY_GB = 80.0  # accelerators with more memory are not given back between two peaks: they may not return

# Columns with three ends, and plain ones. "needed" hours do useful work; "elastic" hours are paid where time is paid
# as used; a span is one uninterrupted use of the machines, which a block of days has to hold.
RANGED = (
    "instances_count",
    "needed_hours",
    "elastic_hours",
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
NUMBERS = ("spans_per_month", "span_instances", "memory_gb_per_accelerator", "memory_headroom_fraction")
TEXTS = ("estimate_reason", "estimate_kind", "layout")
NEED = ("fits", "estimable", *TEXTS, *(f"{name}_{end}" for name in RANGED for end in ENDS), *NUMBERS, "evidence")


def needs(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Return what the workload needs of each row of ``hardware`` (one row a SKU), columns of ``NEED``.

    A workload without a transformer and without a measurement gets no figure, only the reason. A transformer is
    estimated from its architecture; a measurement beside it is kept for the comparison with today, not mixed in.
    Source: ``kinds`` in docs/estimates.md.
    """
    if workload.kind == "cpu_serving":
        return _cpu(workload=workload, hardware=hardware, coefficients=coefficients)
    if workload.kind == "managed_api":
        return blank(hardware, reason="a managed model API needs no machines of your own")
    if workload.architecture is None:
        return _measured(workload=workload, hardware=hardware, coefficients=coefficients)
    if workload.kind in INFERENCE_KINDS:
        return _inference(workload=workload, hardware=hardware, coefficients=coefficients)
    return _training(workload=workload, hardware=hardware, coefficients=coefficients)


def blank(hardware: pd.DataFrame, *, reason: str) -> pd.DataFrame:
    """Return a need without figures: everything unknown, with the reason. [NaN]

    ``fits`` stays true because nothing says otherwise; ``estimable`` is false. Source: ``unknown``, docs/estimates.md.
    """
    need = pd.DataFrame(np.nan, index=range(len(hardware)), columns=list(NEED))
    need["fits"], need["estimable"] = True, False
    for name in TEXTS:
        need[name] = pd.Series([""] * len(hardware), dtype=object)
    need["estimate_reason"], need["estimate_kind"] = reason, "assumption"
    need["evidence"] = pd.Series([()] * len(hardware), dtype=object)
    return need


def _put(need: pd.DataFrame, name: str, quantity: Range) -> None:
    for end, values in zip(ENDS, quantity, strict=True):
        need[f"{name}_{end}"] = values


def _reason(*parts: Any) -> Any:
    """Join texts or columns of texts with "; ", leaving the empty ones out."""
    told: Any = ""
    for part in parts:
        part = np.asarray(part, dtype=object)
        told = np.where((told != "") & (part != ""), told + "; " + part, told + part)
    return told


def _answers(workload: Workload) -> tuple[str, ...]:
    """The answers the figures stand on, each by its path below the workload."""
    from_model = workload.architecture is not None and workload.kind != "cpu_serving"
    traffic = ("requests_per_s_mean", "input_tokens", "output_tokens") if from_model else ("requests_per_s_mean",)
    sections = {
        "training": (workload.training, ("tokens",) if workload.kind in TRAINING_KINDS else ()),
        "measured": (workload.measured, () if from_model else ("units_per_s", "hours_per_month")),
        "traffic": (workload.traffic, () if workload.kind in TRAINING_KINDS else traffic),
    }
    return tuple(
        f"answer:{workload.id}.{name}.{field}"
        for name, (section, names) in sections.items()
        for field in names
        if section is not None and getattr(section, field) is not None
    )


# --- from a measurement -----------------------------------------------------------------------------------------------


def _cpu(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    had = workload.measured
    if had is None or had.on is None or (had.units_per_s is None and had.hours_per_month is None):
        return blank(
            hardware, reason="cost unknown: state measured.units_per_s of one instance and on which it was measured"
        )
    on = had.on.rpartition("/")[2]
    found = cpu.rates(
        skus=list(hardware["sku"]),
        vcpus_count=hardware["vcpus_count"],
        on=on,
        units_per_s=1.0,
        coefficients=coefficients,
    )
    need = _carried(
        workload=workload,
        hardware=hardware,
        coefficients=coefficients,
        had=had,
        speed=Range(*(found[f"units_per_s_{end}"].to_numpy(dtype=float) for end in ENDS)),
        kind=found["kind"],
        reason=found["reason"],
        evidence=found["evidence"],
        releases=np.ones(len(hardware), dtype=bool),
    )
    accelerated = (hardware["accelerator"] != "").to_numpy()
    return _unfit(need, where=accelerated, reason="an accelerator instance; the workload serves from CPUs")


def _measured(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    had = workload.measured
    if had is None or had.on is None or (had.units_per_s is None and had.hours_per_month is None):
        return blank(
            hardware,
            reason="cost unknown: not a transformer this project models; state measured.hours_per_month or "
            "measured.units_per_s on one instance",
        )
    found = measured.speeds(hardware=hardware, on=had.on, coefficients=coefficients)
    scarce = hardware["accelerator_memory_gb"].to_numpy(dtype=float) >= SCARCE_MEMORY_GB
    need = _carried(
        workload=workload,
        hardware=hardware,
        coefficients=coefficients,
        had=had,
        speed=Range(*(found[f"speed_{end}"].to_numpy(dtype=float) for end in ENDS)),
        kind=found["kind"],
        reason=_reason(found["reason"], found["note"]),
        evidence=found["evidence"],
        releases=~scarce,
    )
    column = "trains" if workload.kind in TRAINING_KINDS else "serves"
    barred = ((hardware[column] == "no") | (hardware["accelerator"] == "")).to_numpy()
    return _unfit(need, where=barred, reason=f"this hardware {column} no such model")


def _carried(
    *,
    workload: Workload,
    hardware: pd.DataFrame,
    coefficients: Coefficients,
    had: Measured,
    speed: Range,
    kind: pd.Series,
    reason: Any,
    evidence: pd.Series,
    releases: Any,
) -> pd.DataFrame:
    """Fill a need from one measurement and each SKU's speed relative to it."""
    need = blank(hardware, reason="")
    need["estimate_kind"] = kind.to_numpy()
    need["evidence"] = pd.Series([(*_answers(workload), *ids) for ids in evidence], index=need.index, dtype=object)
    if had.hours_per_month is not None and had.units_per_s is None:
        missing = _from_hours(
            need, workload=workload, hours=measured.scaled_hours(hours_per_month=had.hours_per_month, speed=speed)
        )
    elif workload.kind in TRAINING_KINDS:
        missing = _from_work(need, workload=workload, had=had, speed=speed, coefficients=coefficients)
    else:
        missing = _from_rate(
            need, workload=workload, had=had, speed=speed, coefficients=coefficients, releases=releases
        )
    need["estimate_reason"] = _reason(missing, reason)
    need["estimable"] = need["instances_count_typical"].notna()
    return need


def _from_hours(need: pd.DataFrame, *, workload: Workload, hours: Range) -> str:
    """Instance-hours a month were measured; a service stands all month, other work runs its hours."""
    count = Range(*(np.maximum(np.ceil(end / HOURS_PER_MONTH - 1e-9), 1.0) for end in hours))
    count = Range(*(np.where(np.isnan(end), np.nan, top) for end, top in zip(hours, count, strict=True)))
    online = workload.kind in ("online_inference", "cpu_serving")
    _put(need, "instances_count", count)
    _put(need, "needed_hours", hours)
    _put(need, "elastic_hours", uncertainty.scaled(count, HOURS_PER_MONTH) if online else hours)
    if not online:
        _spans(need, count=count, hours=hours, spans_per_month=1.0)
    return ""


def _from_work(
    need: pd.DataFrame, *, workload: Workload, had: Measured, speed: Range, coefficients: Coefficients
) -> str:
    """A rate was measured and the work of a run is stated: the run takes work ÷ rate, over as many instances."""
    plan = workload.training
    if plan is None or plan.tokens is None or had.units_per_s is None:
        return (
            f"cost unknown: state training.tokens, the work of one run in the measured unit ({had.work_unit or 'unit'})"
        )
    one = uncertainty.inverse(uncertainty.scaled(speed, had.units_per_s))
    hours = uncertainty.scaled(one, plan.tokens / SECONDS_PER_HOUR)
    target_days, note = _target_days(workload=workload, coefficients=coefficients)
    count = np.ceil(hours.typical / HOURS_PER_DAY / target_days - 1e-9)
    days = Range(*(end / HOURS_PER_DAY / count for end in hours))
    _runs(need, workload=workload, coefficients=coefficients, instances=count, run_days=days)
    return str(_reason(note, "work is taken to divide evenly over instances"))


def _from_rate(
    need: pd.DataFrame, *, workload: Workload, had: Measured, speed: Range, coefficients: Coefficients, releases: Any
) -> str:
    """A rate of work was measured and requests arrive: a fleet for the peak, or hours for a batch."""
    traffic = workload.traffic
    if traffic.requests_per_s_mean is None or had.units_per_s is None:
        return "cost unknown: state traffic.requests_per_s_mean"
    active = (HOURS_PER_DAY if traffic.hours_per_day is None else traffic.hours_per_day) / HOURS_PER_DAY
    rate = uncertainty.scaled(speed, had.units_per_s)
    if workload.kind == "batch_inference":
        busy = workload.utilisation or 1.0
        hours = uncertainty.scaled(
            uncertainty.inverse(rate), traffic.requests_per_s_mean * active * HOURS_PER_MONTH / busy
        )
        count = Range(*(np.ceil(end / (HOURS_PER_MONTH * active) - 1e-9) for end in hours))
        _put(need, "instances_count", count)
        _put(need, "needed_hours", uncertainty.scaled(hours, busy))
        _put(need, "elastic_hours", hours)
        _spans(need, count=count, hours=hours, spans_per_month=1.0)
        return ""
    peak, note, used = _peak(workload=workload, coefficients=coefficients)
    load = uncertainty.of(coefficients.get("cpu.peak_load_fraction"))
    if workload.utilisation is not None:
        load = uncertainty.exactly(workload.utilisation)
    else:
        used = (*used, "coefficient:cpu.peak_load_fraction")
    fleet = cpu.fleet(
        units_per_s_mean=traffic.requests_per_s_mean,
        peak_factor=peak,
        active_fraction=active,
        units_per_s=rate,
        peak_load_fraction=load,
        spare_count=1.0,
        hours_per_month=HOURS_PER_MONTH,
    )
    release = uncertainty.of(coefficients.get("cpu.release_fraction"))
    standing = uncertainty.scaled(fleet.instances_count, HOURS_PER_MONTH)
    # A fleet that gives hours back: the more it does, the less is paid, so the high release makes the low end.
    given_back = (release.high, release.typical, release.low)
    elastic = Range(
        *(
            top - np.where(releases, share, 0.0) * np.maximum(top - least, 0.0)
            for top, least, share in zip(standing, fleet.needed_hours_per_month, given_back, strict=True)
        )
    )
    _put(need, "instances_count", fleet.instances_count)
    _put(need, "needed_hours", fleet.needed_hours_per_month)
    _put(need, "elastic_hours", elastic)
    used = (*used, "coefficient:cpu.release_fraction")
    need["evidence"] = pd.Series([(*ids, *used) for ids in need["evidence"]], index=need.index, dtype=object)
    return note


def _peak(*, workload: Workload, coefficients: Coefficients) -> tuple[Range, str, tuple[str, ...]]:
    stated = workload.traffic.peak_factor
    if stated is not None:
        return uncertainty.exactly(stated), "", ()
    assumed = coefficients.get("cost.peak_factor")
    note = f"peak over mean not stated: {assumed.value:g} assumed ({assumed.low:g}-{assumed.high:g})"
    return uncertainty.of(assumed), note, (assumed.id,)


# --- a transformer served ---------------------------------------------------------------------------------------------


def _inference(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    if workload.architecture is None:
        return blank(hardware, reason="cost unknown: no architecture")
    batch = workload.kind == "batch_inference"
    peak, note, used = _peak(workload=workload, coefficients=coefficients)
    traffic = workload.traffic if batch else replace(workload.traffic, peak_factor=peak.typical)
    if workload.utilisation is not None and not batch:
        planned = {"value": workload.utilisation, "low": workload.utilisation, "high": workload.utilisation}
        coefficients = coefficients.replaced({"inference.target_utilisation": {**planned, "kind": "answer"}})
    counted = hardware["accelerators_count"].ge(1).to_numpy()
    found = estimate_inference(
        architecture=workload.architecture,
        traffic=traffic,
        targets=workload.targets,
        precision=_precision(workload),
        hardware=hardware[counted].reset_index(drop=True),
        batch=batch,
        coefficients=coefficients,
    )
    found = found.set_axis(np.flatnonzero(counted)).reindex(range(len(hardware)))
    need = blank(hardware, reason="")
    need["layout"] = found["layout"].fillna("")
    for name in ("memory_gb_per_accelerator", "memory_headroom_fraction"):
        need[name] = found[name]
    for name in ("instances_count", "ttft_ms", "tpot_ms", "latency_ms", "tokens_per_s", "tuned_tokens_per_s"):
        _put(need, name, _range(found, name))
    paid, idle = _range(found, "instance_hours_per_month"), _range(found, "idle_instance_hours_per_month")
    _put(need, "needed_hours", Range(*(np.maximum(end - spare, 0.0) for end, spare in zip(paid, idle, strict=True))))
    busy = (workload.utilisation or 1.0) if batch else 1.0
    _put(need, "elastic_hours", uncertainty.scaled(paid, 1.0 / busy))
    if batch:
        _spans(
            need,
            count=_range(found, "instances_count"),
            hours=uncertainty.scaled(paid, 1.0 / busy),
            spans_per_month=1.0,
        )
    fits, known = found["fits"].eq(True).to_numpy(), found["estimable"].eq(True).to_numpy()
    # The door leaves a model that does not fit without figures; that it does not fit is a verdict all the same.
    need["estimable"] = known | (counted & ~fits & _specified(hardware) & (not _untold(workload)))
    need["fits"] = fits | ~need["estimable"]
    why = np.where(counted, found["estimate_reason"].fillna(""), _NOT_COUNTED)
    need["estimate_reason"] = _reason(why, "" if batch else np.where(known, note, ""))
    need["estimate_kind"] = "estimate"
    used = () if batch else used
    answers = _answers(workload)
    evidence = [(*ids, *answers, *used) if isinstance(ids, tuple) else answers for ids in found["evidence"]]
    need["evidence"] = pd.Series(evidence, index=need.index, dtype=object)
    return need


def _precision(workload: Workload) -> Precision:
    """Weights in BF16 unless the team says otherwise: a narrower format is a question of quality too."""
    stated = workload.training.precision if workload.training else None
    return Precision(weights=stated) if stated else Precision()


def _range(frame: pd.DataFrame, name: str) -> Range:
    return Range(*(frame[f"{name}_{end}"].to_numpy(dtype=float) for end in ENDS))


def _specified(hardware: pd.DataFrame) -> Any:
    names = ["bf16_tflops", "accelerator_memory_gb", "memory_bandwidth_gb_per_s"]
    return hardware[names].notna().all(axis=1).to_numpy()


def _untold(workload: Workload) -> bool:
    traffic = workload.traffic
    return not (traffic.requests_per_s_mean and traffic.input_tokens and traffic.output_tokens)


# --- spans, runs, targets ---------------------------------------------------------------------------------------------


def _spans(need: pd.DataFrame, *, count: Range, hours: Range, spans_per_month: float) -> None:
    """Write one uninterrupted use a month: the hours spread over the instances."""
    _put(need, "span_days", Range(*(end / top / HOURS_PER_DAY for end, top in zip(hours, count, strict=True))))
    need["span_instances"] = count.typical
    need["spans_per_month"] = spans_per_month


def _target_days(*, workload: Workload, coefficients: Coefficients) -> tuple[float, str]:
    if workload.targets.deadline_days is not None:
        return workload.targets.deadline_days, ""
    aimed = coefficients.get("cost.target_run_days")
    return aimed.value, f"no deadline stated: a run of at most {aimed.value:g} days aimed at"


def _runs(
    need: pd.DataFrame, *, workload: Workload, coefficients: Coefficients, instances: Any, run_days: Range
) -> None:
    """Write runs a month as hours and instances; runs for which a month is too short run side by side."""
    plan = workload.training
    stated = plan.runs_per_month if plan else None
    overhead = plan.experiment_overhead if plan else None
    # Not stated: one run a month, or, where the deadline is longer, one run every deadline. It must not depend on the
    # cluster: a slow one would look cheap for doing less work.
    target_days, _ = _target_days(workload=workload, coefficients=coefficients)
    runs = min(1.0, DAYS_PER_MONTH / target_days) if stated is None else stated
    extra = coefficients.get("cost.experiment_overhead")
    more = (
        Range(1 + extra.low, 1 + extra.value, 1 + extra.high) if overhead is None else uncertainty.exactly(1 + overhead)
    )
    useful = uncertainty.independent(uncertainty.scaled(run_days, runs * instances * HOURS_PER_DAY), more)
    paid = uncertainty.scaled(useful, 1.0 / (workload.utilisation or 1.0))
    side_by_side = Range(*(np.maximum(np.ceil(end * runs / DAYS_PER_MONTH - 1e-9), 1.0) for end in run_days))
    _put(need, "run_days", run_days)
    # Whole clusters for the runs; experiments are hours, not machines held beside them.
    _put(need, "instances_count", Range(*(instances * clusters for clusters in side_by_side)))
    _put(need, "needed_hours", useful)
    _put(need, "elastic_hours", paid)
    _put(need, "span_days", run_days)
    need["span_instances"] = instances
    need["spans_per_month"] = runs
    ids = () if overhead is not None else (extra.id,)
    need["evidence"] = pd.Series([(*had, *ids) for had in need["evidence"]], index=need.index, dtype=object)


# --- a transformer trained --------------------------------------------------------------------------------------------


def _training(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    plan = workload.training
    if workload.architecture is None or plan is None or plan.tokens is None:
        return blank(hardware, reason="cost unknown: state training.tokens, the tokens of one run")
    target_days, note = _target_days(workload=workload, coefficients=coefficients)
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
    speed = uncertainty.independent(_range(found, "tokens_per_s"), _range(found, "goodput_fraction"))
    days = uncertainty.scaled(uncertainty.inverse(speed), plan.tokens / SECONDS_PER_HOUR / HOURS_PER_DAY)
    chosen = _chosen(found, days=days.typical, target_days=target_days, rows=len(unequal))[codes]
    best = found.iloc[chosen].reset_index(drop=True)
    need = blank(hardware, reason="")
    for name in ("layout", "memory_gb_per_accelerator", "memory_headroom_fraction"):
        need[name] = best[name]
    for name in ("tokens_per_s", "tuned_tokens_per_s", "goodput_fraction"):
        _put(need, name, _range(best, name))
    usual, tuned = _range(best, "tokens_per_s"), best["tuned_tokens_per_s_typical"].to_numpy(dtype=float)
    _put(need, "mfu_fraction", uncertainty.scaled(usual, best["mfu_fraction_typical"].to_numpy(dtype=float) / tuned))
    fastest = uncertainty.independent(_range(best, "tuned_tokens_per_s"), _range(best, "goodput_fraction"))
    _put(need, "tuned_run_days", uncertainty.scaled(uncertainty.inverse(fastest), plan.tokens / SECONDS_PER_HOUR / 24))
    answers = _answers(workload)
    default = () if plan.global_batch_tokens else ("coefficient:training.default_global_batch_tokens",)
    need["evidence"] = pd.Series(
        [(*ids, *answers, *default) for ids in best["evidence"]], index=need.index, dtype=object
    )
    run_days = Range(*(end[chosen] for end in days))
    per_instance = hardware["accelerators_count"].where(counted, np.nan).to_numpy(dtype=float)
    count = best["accelerators_total"].to_numpy(dtype=float) / per_instance
    _runs(need, workload=workload, coefficients=coefficients, instances=np.ceil(count), run_days=run_days)
    fits = best["fits"].astype(bool).to_numpy()
    endless = fits & ~(run_days.typical <= _ENDLESS_DAYS)
    ranged = [f"{name}_{end}" for name in RANGED for end in ENDS]
    need.loc[endless | ~fits, ranged] = np.nan
    need.loc[endless | ~fits, "layout"] = ""
    unconnected = hardware[["fabric_gbps", "network_gbps"]].isna().all(axis=1).to_numpy()
    unknown = ~fits & (unconnected | ~best["reason"].str.startswith("does not fit").to_numpy())
    need["fits"] = (fits & ~endless) | unknown
    # "does not fit" is a verdict; a figure the maker does not publish leaves the question open.
    need["estimable"] = ~unknown
    late = fits & ~endless & (run_days.typical > target_days)
    slow = [f"the fastest cluster looked at takes {days:,.0f} days" for days in np.nan_to_num(run_days.typical)]
    told = np.where(endless, "no cluster of this SKU looked at ends a run within ten years", np.where(late, slow, ""))
    alone = np.where(unconnected, "the network of this SKU is not on file: one instance alone was looked at", "")
    need["estimate_reason"] = _reason(best["reason"], np.where(fits & ~endless, note, ""), told, alone)
    need["estimate_kind"] = "estimate"
    return _unasked(need, suited=suited, counted=counted)


def _unasked(need: pd.DataFrame, *, suited: Any, counted: Any) -> pd.DataFrame:
    need = _unfit(need, where=~suited | ~counted, reason="this hardware is not made for training")
    open_ = suited & ~counted
    need.loc[open_, "fits"], need.loc[open_, "estimable"] = True, False
    need.loc[open_, "estimate_reason"] = _NOT_COUNTED
    return need


_NOT_COUNTED = "not a whole accelerator, or how many is not known"


def _unfit(need: pd.DataFrame, *, reason: str, where: Any = True) -> pd.DataFrame:
    """Return the need with the verdict that some rows cannot do the work: no figures, and that much is known."""
    rows = np.broadcast_to(where, (len(need),))
    ranged = [f"{name}_{end}" for name in RANGED for end in ENDS]
    need.loc[rows, [*ranged, *NUMBERS]] = np.nan
    need.loc[rows, "fits"], need.loc[rows, "estimable"] = False, True
    need.loc[rows, "estimate_reason"], need.loc[rows, "layout"] = reason, ""
    need["evidence"] = pd.Series(
        [() if row else ids for row, ids in zip(rows, need["evidence"], strict=True)], index=need.index, dtype=object
    )
    return need


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


def _distinct(hardware: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    """Return one row of each system that training can tell apart, and for every SKU which one it is."""
    keys = pd.MultiIndex.from_frame(hardware[list(_SYSTEM)].astype(object).fillna(-1.0))
    codes, _ = pd.factorize(keys)
    return hardware.iloc[np.unique(codes, return_index=True)[1]].reset_index(drop=True), codes


# Instances of a cluster: doublings and their halves between.
_LADDER = tuple(sorted({2**power for power in range(15)} | {3 * 2**power for power in range(13)}))


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


_CANDIDATES = 6
_MOST = 16384


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
