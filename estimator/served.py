"""Needs of a transformer that is served: the inference door's answer in the columns of a need."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from catalog.units import HOURS_PER_DAY, HOURS_PER_MONTH, SECONDS_PER_HOUR
from estimator import elasticity, spare, uncertainty
from estimator.architecture import Architecture
from estimator.coefficients import Coefficients
from estimator.columns import ENDS
from estimator.inference import Precision, estimate_inference
from estimator.managed import requests_per_month
from estimator.need import (
    NOT_COUNTED,
    answers,
    blank,
    joined,
    measured_row,
    measured_tokens_per_s,
    peak_of,
    put,
    taken,
    write_span,
)
from estimator.uncertainty import Range
from estimator.workload import Traffic, Workload

# Weights that their makers publish in a narrower format than BF16: model cards of DeepSeek (V3 to V3.2 and R1: FP8),
# Moonshot AI (Kimi K2: FP8) and OpenAI (gpt-oss: MXFP4). Serving them wider would only double the memory.
PUBLISHED_FORMAT = {
    "deepseek-v3": "fp8",
    "deepseek-v3.1": "fp8",
    "deepseek-v3.2": "fp8",
    "deepseek-r1": "fp8",
    "kimi-k2": "fp8",
    "gpt-oss-120b": "fp4",
    "gpt-oss-20b": "fp4",
}


def published_format(architecture: Architecture) -> str:
    """Return the format in which a model's maker publishes its weights."""
    return PUBLISHED_FORMAT.get(architecture.id, "bf16")


def narrower_format(*, architecture: Architecture, fp8_tflops: float) -> str:
    """Return FP8 where weights are published wider and the chip computes in it, else "".

    An alternative to be evaluated by the team, never what is planned. Source: ``inference`` in docs/estimates.md.
    """
    return "fp8" if published_format(architecture) == "bf16" and np.isfinite(fp8_tflops) else ""


def served_need(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Return what the traffic needs of each SKU, columns of ``need.NEED``.

    Times, layout and fleet are the inference door's. Weights are served as their maker publishes them, BF16 unless
    ``PUBLISHED_FORMAT`` says otherwise: a narrower format is a question of quality that only the team can answer, and
    is served only where the workload names it.
    Batch work is paid by the hours it takes, not by whole instances a month. Source: ``inference`` in
    docs/estimates.md.
    """
    if workload.architecture is None:
        return blank(hardware, reason="cost unknown: no architecture")
    batch = workload.kind == "batch_inference"
    peak, note, used = peak_of(workload=workload, coefficients=coefficients)
    traffic = workload.traffic if batch else replace(workload.traffic, peak_factor=peak.typical)
    weights = workload.serving.weight_format or published_format(workload.architecture)
    counted = hardware["accelerators_count"].ge(1).to_numpy()
    planned = _planned(workload=workload, coefficients=coefficients)

    def ask(*, rows: Any, load_factor: float) -> pd.DataFrame:
        """The door's answer for some rows, as if the load were so many times the stated one."""
        mean = traffic.requests_per_s_mean
        answer = estimate_inference(
            architecture=workload.architecture,  # type: ignore[arg-type]
            traffic=replace(traffic, requests_per_s_mean=None if mean is None else mean * load_factor),
            targets=workload.targets,
            precision=Precision(weights=weights, kv=workload.serving.cache_format or ""),
            hardware=hardware[rows].reset_index(drop=True),
            batch=batch,
            coefficients=planned,
            accepted_tokens=workload.serving.accepted_tokens or 1.0,
            disaggregated=bool(workload.serving.disaggregated),
        )
        return answer.set_axis(np.flatnonzero(rows)).reindex(range(len(hardware)))

    found = ask(rows=counted, load_factor=1.0)
    better, same_stack, unsaid = _correction(workload=workload, hardware=hardware, found=found)
    if same_stack.any():
        # A team that is twice as fast as planned needs the machines of half the load, and writes twice the tokens.
        corrected = ask(rows=counted & same_stack, load_factor=1.0 / better)
        for name in ("tokens_per_s", "instance_tokens_per_s"):
            for end in ENDS:
                corrected[f"{name}_{end}"] *= better
        found = found.where(~pd.Series(same_stack & counted), corrected)
    need = blank(hardware, reason="")
    for name in ("memory_gb_per_accelerator", "memory_headroom_fraction"):
        need[name] = found[name]
    for name in ("instances_count", "ttft_ms", "tpot_ms", "latency_ms", "tokens_per_s", "tuned_tokens_per_s"):
        put(need, name, taken(found, name))
    zone_ids: tuple[str, ...] = ()
    if batch:
        _write_batch_hours(need, workload=workload, speed=taken(found, "instance_tokens_per_s"))
    else:
        zones, zone_ids = spare.zones_of(workload=workload, coefficients=coefficients)
        found = _write_fleet(
            need, found=found, hardware=hardware, traffic=traffic, zones_count=zones, coefficients=coefficients
        )
    fits, known = found["fits"].eq(True).to_numpy(), found["estimable"].eq(True).to_numpy()
    # The door leaves a model that does not fit without figures; that it does not fit is a verdict all the same.
    need["estimable"] = known | (counted & ~fits & _specified(hardware) & (not _untold(workload)))
    need["fits"] = fits | ~need["estimable"]
    layout = found["layout"].fillna("")
    need["layout"] = np.where(layout != "", layout + f", {weights.upper()} weights", "")
    why = np.where(counted, found["estimate_reason"].fillna(""), NOT_COUNTED)
    told_factor = f"corrected by your own measurement: {better:.2g} times the planned rate"
    corrected_here = np.where(same_stack & known, told_factor, "")
    given_back = elasticity.told(taken(found, "release_fraction"))
    need["estimate_reason"] = joined(
        why, "" if batch else np.where(known, note, ""), given_back, corrected_here, unsaid
    )
    need["estimate_kind"] = np.where(same_stack, "assumption", "estimate")
    if workload.measured is not None and workload.measured.on is not None and same_stack.any():
        _settle(need, found=found, where=measured_row(hardware=hardware, on=workload.measured.on))
    told = (*answers(workload), *(() if batch else (*used, *zone_ids)))
    if same_stack.any():
        told = (*told, f"answer:{workload.id}.measured.units_per_s")
    if workload.utilisation is not None:
        told = (*told, f"answer:{workload.id}.utilisation")
    need["evidence"] = pd.Series(
        [_evidence(ids, told=told, workload=workload) for ids in found["evidence"]], index=need.index, dtype=object
    )
    return need


def _correction(*, workload: Workload, hardware: pd.DataFrame, found: pd.DataFrame) -> tuple[float, Any, str]:
    """How far the team's measured rate stands from the planned one, and on which rows that is known to carry over.

    A team's own factor belongs to its software stack: on another one it starts as a typical team.
    """
    nowhere = np.zeros(len(hardware), dtype=bool)
    rate, unsaid = measured_tokens_per_s(workload)
    if np.isnan(rate) or workload.measured is None or workload.measured.on is None:
        return 1.0, nowhere, unsaid
    here = measured_row(hardware=hardware, on=workload.measured.on)
    planned = found["instance_tokens_per_s_typical"].to_numpy(dtype=float)[here]
    if not len(planned) or not np.isfinite(planned[0]) or planned[0] <= 0:
        return 1.0, nowhere, f"measured on {workload.measured.on}, for which there is no estimate to correct"
    stack = hardware["software_stack"].to_numpy()
    return float(rate / planned[0]), stack == stack[here][0], ""


def _write_fleet(
    need: pd.DataFrame,
    *,
    found: pd.DataFrame,
    hardware: pd.DataFrame,
    traffic: Traffic,
    zones_count: int,
    coefficients: Coefficients,
) -> pd.DataFrame:
    """Write the fleet with what stands by, and its hours; return the answer with the replicas of that fleet.

    The door counts one spare replica; which unit stands by depends on the rack and on the zones that the availability
    asks for. Useful are the hours of the working instances alone. Source: ``spare`` in docs/estimates.md.
    """
    one = coefficients.get("inference.spare_replicas").value
    per_instance = hardware["accelerators_count"].to_numpy(dtype=float)
    size = found["accelerators_per_replica"].to_numpy(dtype=float)
    spread = np.maximum(np.ceil(size / per_instance), 1.0)
    rack = spare.rack_instances(
        accelerators_count=per_instance,
        domain_accelerators=hardware["scaleup_domain_accelerators"],
        software_stack=hardware["software_stack"],
    )
    before = taken(found, "replicas_count")
    fleet = spare.standing(
        working_replicas=Range(*(end - one for end in before)),
        replicas_per_instance=np.maximum(np.floor(per_instance / size), 1.0),
        instances_per_replica=spread,
        rack_instances=rack,
        zones_count=zones_count,
        spare_replicas=one,
    )
    put(need, "instances_count", fleet.instances_count)
    put(need, "spare_instances_count", fleet.spare_instances)
    need["spare_reason"] = spare.told(
        spare_instances=fleet.spare_instances.typical,
        instances_per_replica=spread,
        rack_instances=rack,
        zones_count=zones_count,
    )
    more = fleet.replicas_count.typical / before.typical
    for name in ("tokens_per_s", "tuned_tokens_per_s"):
        put(need, name, uncertainty.scaled(taken(found, name), more))
    busy = float(
        elasticity.day_profile(
            peak_factor=max(traffic.peak_factor or 1.0, 1.0),
            hours_per_day=HOURS_PER_DAY if traffic.hours_per_day is None else traffic.hours_per_day,
        ).mean()
    )
    kept = spread * zones_count  # one replica a zone stays up
    put(
        need,
        "elastic_hours",
        _paid(fleet.instances_count, busy=busy, kept=kept, release=taken(found, "release_fraction")),
    )
    put(need, "needed_hours", uncertainty.scaled(fleet.working_instances, busy * HOURS_PER_MONTH))
    cut = found["layout"].fillna("").str.partition(" × ")[0]
    count = fleet.replicas_count.typical
    named = [
        f"{text} × {many:.0f} replica{'s' if many != 1 else ''}" if text and np.isfinite(many) else text
        for text, many in zip(cut, count, strict=True)
    ]
    return found.assign(layout=named, busy_fraction=busy, kept_instances=kept)


def _paid(standing: Range, *, busy: Any, kept: Any, release: Range) -> Range:
    """Return the hours a service is paid for: those of its peak less what it gives back between peaks."""
    least = Range(*(np.maximum(end * busy, np.minimum(kept, end)) * HOURS_PER_MONTH for end in standing))
    return elasticity.paid_hours(standing=uncertainty.scaled(standing, HOURS_PER_MONTH), needed=least, release=release)


def _settle(need: pd.DataFrame, *, found: pd.DataFrame, where: Any) -> None:
    """On the measured SKU the rate is an answer: the fleet that follows has no range, only what it gives back has."""
    release = taken(found, "release_fraction")
    for name in ("instances_count", "spare_instances_count", "needed_hours", "elastic_hours", "tokens_per_s"):
        for end in ENDS:
            need.loc[where, f"{name}_{end}"] = need.loc[where, f"{name}_typical"]
    need.loc[where, "estimate_kind"] = "answer"
    settles = where & ~np.isnan(release.typical)
    if not settles.any():
        return
    paid = _paid(
        taken(need, "instances_count"),
        busy=found["busy_fraction"].to_numpy(dtype=float),
        kept=found["kept_instances"].to_numpy(dtype=float),
        release=release,
    )
    for end, values in zip(ENDS, paid, strict=True):
        need.loc[settles, f"elastic_hours_{end}"] = values[settles]


def _planned(*, workload: Workload, coefficients: Coefficients) -> Coefficients:
    """A stated utilisation is the load a service plans at its peak."""
    stated = workload.utilisation
    if stated is None:
        return coefficients
    fields = {"value": stated, "low": stated, "high": stated, "kind": "answer"}
    return coefficients.replaced({"inference.target_utilisation": fields})


def _write_batch_hours(need: pd.DataFrame, *, workload: Workload, speed: Range) -> None:
    """Write the hours that the month's output tokens take at the planned rate of one instance."""
    traffic = workload.traffic
    if traffic.requests_per_s_mean is None or traffic.output_tokens is None:
        return
    requests = requests_per_month(
        requests_per_s_mean=traffic.requests_per_s_mean,
        hours_per_day=HOURS_PER_DAY if traffic.hours_per_day is None else traffic.hours_per_day,
    )
    hours = uncertainty.scaled(uncertainty.inverse(speed), requests * traffic.output_tokens / SECONDS_PER_HOUR)
    paid = uncertainty.scaled(hours, 1.0 / (workload.utilisation or 1.0))
    put(need, "needed_hours", hours)
    put(need, "elastic_hours", paid)
    write_span(need, count=taken(need, "instances_count"), hours=paid)


def _evidence(ids: Any, *, told: tuple[str, ...], workload: Workload) -> tuple[str, ...]:
    if not isinstance(ids, tuple):
        return told
    overruled = "coefficient:inference.target_utilisation" if workload.utilisation is not None else ""
    return (*(id for id in ids if id != overruled), *told)


def _specified(hardware: pd.DataFrame) -> Any:
    names = ["bf16_tflops", "accelerator_memory_gb", "memory_bandwidth_gb_per_s"]
    return hardware[names].notna().all(axis=1).to_numpy()


def _untold(workload: Workload) -> bool:
    traffic = workload.traffic
    return not (traffic.requests_per_s_mean and traffic.input_tokens and traffic.output_tokens)
