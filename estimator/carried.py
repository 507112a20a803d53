"""Needs carried from the team's own measurement: CPU fleets, and accelerator work this project has no model of."""

from typing import Any

import numpy as np
import pandas as pd

from catalog.units import HOURS_PER_DAY, HOURS_PER_MONTH, SECONDS_PER_HOUR
from estimator import cpu, elasticity, measured, spare, uncertainty
from estimator.coefficients import Coefficients
from estimator.columns import ENDS
from estimator.need import answers, blank, joined, peak_of, put, taken, target_days_of, unfit, write_runs, write_span
from estimator.uncertainty import Range
from estimator.workload import TRAINING_KINDS, Measured, Workload

CONTRADICTION_FRACTION = 0.1  # a stated bill and a stated rate that differ by more are told apart


def cpu_need(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Return the CPU fleet on each SKU, columns of ``need.NEED``, from one measured instance.

    The measured SKU itself is the answer; others are scaled by vCPUs and a sourced ratio of the cores (``cpu.rates``).
    No measurement, no figure. Latency is never estimated. Source: ``cpu-fleet`` in docs/estimates.md.
    """
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
        release=uncertainty.of(coefficients.get("cpu.release_fraction")),
        release_ids=("coefficient:cpu.release_fraction",),
        unit_instances=np.ones(len(hardware)),
    )
    accelerated = (hardware["accelerator"] != "").to_numpy()
    return unfit(need, where=accelerated, reason="an accelerator instance; the workload serves from CPUs")


def accelerator_need(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Return what measured accelerator work needs on each SKU, columns of ``need.NEED``.

    Scaled between the compute and the bandwidth ratio (``measured.speeds``); no measurement, no figure.
    Source: ``measured`` in docs/estimates.md.
    """
    had = workload.measured
    if had is None or had.on is None or (had.units_per_s is None and had.hours_per_month is None):
        return blank(
            hardware,
            reason="cost unknown: not a transformer this project models; state measured.hours_per_month or "
            "measured.units_per_s on one instance",
        )
    found = measured.speeds(hardware=hardware, on=had.on, coefficients=coefficients)
    need = _carried(
        workload=workload,
        hardware=hardware,
        coefficients=coefficients,
        had=had,
        speed=Range(*(found[f"speed_{end}"].to_numpy(dtype=float) for end in ENDS)),
        kind=found["kind"],
        reason=joined(found["reason"], found["note"]),
        evidence=found["evidence"],
        release=elasticity.release_fraction(
            accelerators_count=hardware["accelerators_count"].to_numpy(dtype=float),
            domain_accelerators=hardware["scaleup_domain_accelerators"].to_numpy(dtype=float),
            **{name: uncertainty.of(entry) for name, entry in coefficients.group("cost.release_fraction").items()},
        ),
        release_ids=tuple(entry.id for entry in coefficients.group("cost.release_fraction").values()),
        unit_instances=spare.rack_instances(
            accelerators_count=hardware["accelerators_count"],
            domain_accelerators=hardware["scaleup_domain_accelerators"],
            software_stack=hardware["software_stack"],
        ),
    )
    column = "trains" if workload.kind in TRAINING_KINDS else "serves"
    barred = ((hardware[column] == "no") | (hardware["accelerator"] == "")).to_numpy()
    return unfit(need, where=barred, reason=f"this hardware {column} no such model")


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
    release: Range,
    release_ids: tuple[str, ...],
    unit_instances: Any,
) -> pd.DataFrame:
    """Fill a need from one measurement and each SKU's speed relative to it."""
    need = blank(hardware, reason="")
    need["estimate_kind"] = kind.to_numpy()
    need["evidence"] = pd.Series([(*answers(workload), *ids) for ids in evidence], index=need.index, dtype=object)
    rated: Any = ""
    training = workload.kind in TRAINING_KINDS
    work = workload.training and workload.training.tokens
    applies = had.units_per_s is not None and (work if training else workload.traffic.requests_per_s_mean) is not None
    if training and (applies or had.hours_per_month is None):
        rated = _from_work(need, workload=workload, had=had, speed=speed, coefficients=coefficients)
    elif applies or had.hours_per_month is None:
        rated = _from_rate(
            need,
            workload=workload,
            had=had,
            speed=speed,
            coefficients=coefficients,
            release=release,
            # Stated hours hold what was given back.
            release_ids=release_ids if had.hours_per_month is None else (),
            unit_instances=unit_instances,
        )
    if had.hours_per_month is None:
        missing = rated
    elif training and applies:
        missing = joined(rated, _billed(need, had=had, speed=speed, here=kind == "answer"))
    else:
        missing = _from_hours(need, workload=workload, had=had, speed=speed, here=kind == "answer", rated=applies)
    need["estimable"] = need["instances_count_typical"].notna()
    asked = workload.targets.latency_p99_ms is not None
    unsaid = "latency is not estimated: measure it at the planned load" if asked else ""
    need["estimate_reason"] = joined(missing, reason, np.where(need["estimable"], unsaid, ""))
    return need


def _from_hours(need: pd.DataFrame, *, workload: Workload, had: Measured, speed: Range, here: Any, rated: bool) -> str:
    """Instance-hours a month were measured. They stand as stated on their own SKU, and a fleet elsewhere is up as long.

    A need that a rate has filled before keeps its useful hours, as far as the stated ones hold them.
    """
    stated = had.hours_per_month or 0.0
    told = _contradiction(need, had=had, here=here) if rated else ""
    hours = measured.scaled_hours(hours_per_month=stated, speed=speed)
    online = workload.kind in ("online_inference", "cpu_serving")
    uptime = stated / max(np.ceil(stated / HOURS_PER_MONTH - 1e-9), 1.0) if online else HOURS_PER_MONTH
    count = Range(*(np.maximum(np.ceil(end / (uptime or HOURS_PER_MONTH) - 1e-9), 1.0) for end in hours))
    count = Range(*(np.where(np.isnan(end), np.nan, top) for end, top in zip(hours, count, strict=True)))
    paid = uncertainty.scaled(count, uptime) if online else hours
    useful = taken(need, "needed_hours") if rated else hours
    put(need, "instances_count", count)
    # The bill holds the spare and does not say how much it is.
    put(need, "spare_instances_count", uncertainty.exactly(np.full(len(need), np.nan)))
    need["spare_reason"] = ""
    put(need, "needed_hours", Range(*(np.minimum(work, top) for work, top in zip(useful, paid, strict=True))))
    put(need, "elastic_hours", paid)
    if not online:
        write_span(need, count=count, hours=hours)
    return told


def _billed(need: pd.DataFrame, *, had: Measured, speed: Range, here: Any) -> str:
    """Runs as the rate has them, paid by the stated hours: these hold every run and experiment of the month."""
    told = _contradiction(need, had=had, here=here)
    hours = measured.scaled_hours(hours_per_month=had.hours_per_month or 0.0, speed=speed)
    useful, used = taken(need, "needed_hours"), taken(need, "elastic_hours")
    for name in ("run_hours", "experiment_hours"):
        share = taken(need, name).typical / used.typical
        put(need, name, uncertainty.scaled(hours, share))
    put(need, "needed_hours", Range(*(np.minimum(work, top) for work, top in zip(useful, hours, strict=True))))
    put(need, "elastic_hours", hours)
    return told


def _contradiction(need: pd.DataFrame, *, had: Measured, here: Any) -> str:
    """What is said where the rate asks for other hours on the measured SKU than were stated; the stated ones win."""
    asked = need.loc[np.asarray(here), "elastic_hours_typical"].to_numpy(dtype=float)
    stated = had.hours_per_month or 0.0
    if not len(asked) or np.isnan(asked[0]) or abs(asked[0] - stated) <= CONTRADICTION_FRACTION * stated:
        return ""
    return (
        f"your rate under this load would take about {asked[0]:,.0f} instance-hours a month on {had.on}, you state "
        f"{stated:,.0f}: the stated hours are used"
    )


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
    target_days, note = target_days_of(workload=workload, coefficients=coefficients)
    count = np.ceil(hours.typical / HOURS_PER_DAY / target_days - 1e-9)
    days = Range(*(end / HOURS_PER_DAY / count for end in hours))
    write_runs(need, workload=workload, coefficients=coefficients, instances=count, run_days=days)
    return str(joined(note, "work is taken to divide evenly over instances"))


def _from_rate(
    need: pd.DataFrame,
    *,
    workload: Workload,
    had: Measured,
    speed: Range,
    coefficients: Coefficients,
    release: Range,
    release_ids: tuple[str, ...],
    unit_instances: Any,
) -> Any:
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
        count = Range(*(np.maximum(np.ceil(end / (HOURS_PER_MONTH * active) - 1e-9), 1.0) for end in hours))
        put(need, "instances_count", count)
        put(need, "needed_hours", uncertainty.scaled(hours, busy))
        put(need, "elastic_hours", hours)
        write_span(need, count=count, hours=hours)
        return ""
    peak, note, used = peak_of(workload=workload, coefficients=coefficients)
    load = uncertainty.of(coefficients.get("cpu.peak_load_fraction"))
    if workload.utilisation is not None:
        load = uncertainty.exactly(workload.utilisation)
        used = (*used, f"answer:{workload.id}.utilisation")
    else:
        used = (*used, "coefficient:cpu.peak_load_fraction")
    zones, zone_ids = spare.zones_of(workload=workload, coefficients=coefficients)
    fleet = cpu.fleet(
        units_per_s_mean=traffic.requests_per_s_mean,
        peak_factor=peak,
        active_fraction=active,
        units_per_s=rate,
        peak_load_fraction=load,
        spare_count=unit_instances,
        zones_count=zones,
        hours_per_month=HOURS_PER_MONTH,
    )
    elastic = elasticity.paid_hours(
        standing=uncertainty.scaled(fleet.instances_count, HOURS_PER_MONTH),
        needed=fleet.needed_hours_per_month,
        release=release,
    )
    put(need, "instances_count", fleet.instances_count)
    put(need, "spare_instances_count", fleet.spare_instances)
    need["spare_reason"] = spare.told(
        spare_instances=fleet.spare_instances.typical,
        instances_per_replica=1.0,
        rack_instances=unit_instances,
        zones_count=zones,
    )
    put(need, "needed_hours", fleet.useful_hours_per_month)
    put(need, "elastic_hours", elastic)
    used = (*used, *release_ids, *zone_ids)
    need["evidence"] = pd.Series([(*ids, *used) for ids in need["evidence"]], index=need.index, dtype=object)
    told = np.where(np.isnan(fleet.instances_count.typical), "", elasticity.told(release))
    return joined(note, told if peak.high > 1 or active < 1 else "")
