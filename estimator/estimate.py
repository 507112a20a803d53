"""The door of the estimator: a workload and the offers in, the same offers with what they would take and cost out."""

from typing import Any

import numpy as np
import pandas as pd

from catalog.units import HOURS_PER_MONTH
from estimator import carbon, cost, tokens, uncertainty
from estimator.carried import accelerator_need, cpu_need
from estimator.coefficients import Coefficients
from estimator.columns import ENDS, ESTIMATE_COLUMNS
from estimator.need import RANGED, blank, joined, put, taken
from estimator.served import served_need
from estimator.trained import trained_need
from estimator.uncertainty import Range
from estimator.workload import INFERENCE_KINDS, Horizon, Workload

_SAME = (
    "run_days",
    "tuned_run_days",
    "ttft_ms",
    "tpot_ms",
    "latency_ms",
    "tokens_per_s",
    "tuned_tokens_per_s",
    "mfu_fraction",
    "goodput_fraction",
    "instances_count",
    "spare_instances_count",
)


def estimate(*, workload: Workload, offers: pd.DataFrame, coefficients: Coefficients, horizon: Horizon) -> pd.DataFrame:
    """Return ``offers`` with the columns of ``ESTIMATE_COLUMNS`` added, one row for one; nothing else is touched.

    What a workload needs of a machine does not depend on region or purchase basis, so it is worked out once per SKU and
    laid beside every offer of that SKU; then the basis decides which hours are paid and the price what they cost.
    Figures are those of a month at full load: the ramp of the horizon belongs to the plan (``cost.over_horizon``).
    Unknown is NaN with ``estimate_reason``; an offer without a price keeps its hours and has no cost.
    Source: docs/estimates.md.
    """
    if offers.empty:
        return _empty(offers)
    keys = offers["provider"].astype(str) + "/" + offers["sku"].astype(str)
    codes, _ = pd.factorize(keys)
    hardware = offers.iloc[np.unique(codes, return_index=True)[1]].reset_index(drop=True)
    need = need_of(workload=workload, hardware=hardware, coefficients=coefficients)
    # What could not be estimated was not assumed either.
    need["estimate_kind"] = need["estimate_kind"].where(need["estimable"].astype(bool), "")
    shapes = "instance:" + hardware["provider"] + "/" + hardware["sku"]
    need["evidence"] = pd.Series(
        [
            (shape, *ids) if known else ids
            for shape, ids, known in zip(shapes, need["evidence"], need["estimable"], strict=True)
        ],
        index=need.index,
        dtype=object,
    )
    laid = need.take(codes).set_axis(offers.index)
    return _priced(
        offers=offers, need=_reworked(need=laid, offers=offers, coefficients=coefficients), coefficients=coefficients
    )


def need_of(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Return what the workload needs of each row of ``hardware`` (one row a SKU), columns of ``need.NEED``.

    A workload without a transformer and without a measurement gets no figure, only the reason. A transformer is
    estimated from its architecture and corrected by a measured rate where that carries over.
    Source: ``kinds`` in docs/estimates.md.
    """
    if workload.kind == "cpu_serving":
        return cpu_need(workload=workload, hardware=hardware, coefficients=coefficients)
    if workload.kind == "managed_api":
        return blank(hardware, reason="a managed model API needs no machines of your own")
    if workload.architecture is None:
        return accelerator_need(workload=workload, hardware=hardware, coefficients=coefficients)
    if workload.kind in INFERENCE_KINDS:
        return _counted_need(workload=workload, hardware=hardware, coefficients=coefficients)
    return trained_need(workload=workload, hardware=hardware, coefficients=coefficients)


_WHOLE = ("instances_count",)


def _counted_need(*, workload: Workload, hardware: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Return the need of a served transformer whose tokens are stated, or counted from the characters of its text.

    Where they are counted, the load is asked at both ends of the count too, and the distance joins the range of the
    estimate as an independent factor. Source: ``tokens`` in docs/estimates.md.
    """

    def ask(end: int) -> pd.DataFrame:
        counted = tokens.in_calls(workload=workload, end=end, coefficients=coefficients)
        return served_need(workload=counted, hardware=hardware, coefficients=coefficients)

    need, traffic = ask(1), workload.traffic
    if workload.architecture is None or not tokens.is_counted(traffic):
        return need
    if None in (traffic.input_tokens, traffic.output_tokens):
        few, many = ask(0), ask(2)
        for name in RANGED:
            if name != "spare_instances_count":  # one unit or one zone, whatever is counted
                put(need, name, _widened(name=name, few=few, need=need, many=many))
        told = f"tokens counted from characters: {_told(workload=workload, coefficients=coefficients)}"
        known = need["estimable"].astype(bool).to_numpy()
        need["estimate_reason"] = joined(need["estimate_reason"], np.where(known, told, ""))
    return _named(need, workload=workload, coefficients=coefficients)


def _widened(*, name: str, few: pd.DataFrame, need: pd.DataFrame, many: pd.DataFrame) -> Range:
    """Return a quantity's range with the distance that few and many tokens make; an end nobody can tell adds none."""
    own = taken(need, name)
    asked = np.stack([taken(frame, name).typical for frame in (few, need, many)])
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(np.isnan(asked) | (own.typical == 0), 1.0, asked / own.typical)
    found = uncertainty.independent(own, Range(apart.min(axis=0), np.ones(len(need)), apart.max(axis=0)))
    if name not in _WHOLE:
        return found
    return Range(np.maximum(np.floor(found.low + 1e-9), 1.0), own.typical, np.ceil(found.high - 1e-9))


def _told(*, workload: Workload, coefficients: Coefficients) -> str:
    few, typical, many = (
        tokens.in_calls(workload=workload, end=end, coefficients=coefficients).traffic for end in range(3)
    )
    return " and ".join(
        f"{getattr(typical, side):,.0f} {word} ({getattr(few, side):,.0f}-{getattr(many, side):,.0f})"
        for side, word in (("input_tokens", "in"), ("output_tokens", "out"))
    )


def _named(need: pd.DataFrame, *, workload: Workload, coefficients: Coefficients) -> pd.DataFrame:
    """Return the need with the answers that were really given in place of the tokens they were turned into."""
    traffic = workload.traffic
    real = tokens.answers_of(workload)
    if None in (traffic.input_tokens, traffic.output_tokens) and workload.architecture is not None:
        tokenizer = tokens.tokenizer_of(workload.architecture.id)
        real += tokens.evidence_of(language=traffic.language, tokenizer=tokenizer, coefficients=coefficients)
    made = {f"answer:{workload.id}.traffic.{name}" for name in ("input_tokens", "output_tokens")}
    need["evidence"] = pd.Series(
        [
            tuple(dict.fromkeys((*(id for id in ids if id not in made), *real))) if made & set(ids) else ids
            for ids in need["evidence"]
        ],
        index=need.index,
        dtype=object,
    )
    return need


def _reworked(*, need: pd.DataFrame, offers: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Return the need with runs and batches on spot capacity lengthened by what interruptions make them do again."""
    spot = (offers["basis"] == "spot").to_numpy() & need["span_days_typical"].notna().to_numpy()
    if not spot.any():
        return need
    again = coefficients.get("cost.spot_rework")
    need = need.copy()
    for name in ("run_days", "tuned_run_days", "elastic_hours", "run_hours", "experiment_hours", "span_days"):
        longer = uncertainty.independent(taken(need, name), uncertainty.of(again))
        for end, values in zip(ENDS, longer, strict=True):
            need[f"{name}_{end}"] = np.where(spot, values, need[f"{name}_{end}"])
    need["evidence"] = pd.Series(
        [(*ids, again.id) if row else ids for ids, row in zip(need["evidence"], spot, strict=True)],
        need.index,
        dtype=object,
    )
    return need


def _empty(offers: pd.DataFrame) -> pd.DataFrame:
    return offers.assign(
        **{name: pd.Series(dtype=object if not column.unit else float) for name, column in ESTIMATE_COLUMNS.items()}
    )


def _priced(*, offers: pd.DataFrame, need: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    paid, idle = paid_hours(offers=offers, need=need)
    price = offers["price_usd_per_hour"].to_numpy(dtype=float)
    energy = _energy(offers=offers, need=need, paid=paid, coefficients=coefficients)
    ranged: dict[str, Range] = {name: taken(need, name) for name in _SAME}
    # CPU instances have no accelerators to count.
    count = offers["accelerators_count"].to_numpy(dtype=float)
    ranged |= {
        "accelerators_total": uncertainty.scaled(ranged["instances_count"], np.where(count > 0, count, np.nan)),
        "instance_hours_per_month": paid,
        "run_hours_per_month": _as_billed(taken(need, "run_hours"), offers=offers, need=need),
        "experiment_hours_per_month": _as_billed(taken(need, "experiment_hours"), offers=offers, need=need),
        "compute_usd_per_month": Range(
            *(cost.usd_per_month(instance_hours_per_month=end, price_usd_per_hour=price) for end in paid)
        ),
        "idle_usd_per_month": Range(
            *(cost.usd_per_month(instance_hours_per_month=end, price_usd_per_hour=price) for end in idle)
        ),
        "energy_kwh_per_month": energy,
        "carbon_kg_per_month": carbon.carbon_kg(
            energy_kwh=energy, grid_gco2e_per_kwh=offers["grid_gco2e_per_kwh"].to_numpy(dtype=float)
        ),
    }
    columns: dict[str, Any] = {}
    for name in ESTIMATE_COLUMNS:
        base, _, end = name.rpartition("_")
        if end in ENDS and base in ranged:
            columns[name] = ranged[base][ENDS.index(end)]
        else:
            columns[name] = need[name].to_numpy()
    return pd.concat([offers, pd.DataFrame(columns, index=offers.index)], axis=1)


def _as_billed(hours: Range, *, offers: pd.DataFrame, need: pd.DataFrame) -> Range:
    """Return a part of the hours of use as they are billed: what a block of days adds, it adds in proportion."""
    return Range(*(end * longer for end, longer in zip(hours, _block_factors(offers=offers, need=need), strict=True)))


def _block_factors(*, offers: pd.DataFrame, need: pd.DataFrame) -> Range:
    """Return days billed ÷ days used where time is bought in blocks of days, else 1; NaN without a span. [ratio]"""
    boxed = offers["basis"].astype(str).isin(cost.TIME_BOXED).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        return Range(
            *(
                np.where(boxed, cost.billed_days(run_days=end, **_steps(offers)) / end, 1.0)
                for end in taken(need, "span_days")
            )
        )


def paid_hours(*, offers: pd.DataFrame, need: pd.DataFrame) -> tuple[Range, Range]:
    """Return instance-hours paid in a month and the part of them in which no useful work is done. [hours month⁻¹]

    On demand and spot: the hours as used, of a service what it does not give back between peaks.
    Commitments and savings plans: the fleet at its peak size, around the clock. Blocks of days: each run for as many
    whole days as the terms ask, a service around the clock. Source: ``billed-time`` in docs/estimates.md.
    """
    basis = offers["basis"].astype(str)
    committed, boxed = basis.isin(cost.COMMITTED).to_numpy(), basis.isin(cost.TIME_BOXED).to_numpy()
    elastic, needed = taken(need, "elastic_hours"), taken(need, "needed_hours")
    standing = uncertainty.scaled(taken(need, "instances_count"), HOURS_PER_MONTH)
    # What the terms add to each run, they add to the experiments around it as well.
    blocks = _as_billed(elastic, offers=offers, need=need)
    in_blocks = Range(
        *(
            np.where(np.isnan(days), top, hours)
            for days, top, hours in zip(taken(need, "span_days"), standing, blocks, strict=True)
        )
    )
    paid = Range(
        *(
            np.where(committed, np.maximum(top, hours), np.where(boxed, of_blocks, hours))
            for top, hours, of_blocks in zip(standing, elastic, in_blocks, strict=True)
        )
    )
    idle = Range(*(np.maximum(end - work, 0.0) for end, work in zip(paid, needed, strict=True)))
    return paid, uncertainty.spanned(*idle)


def _steps(offers: pd.DataFrame) -> dict[str, Any]:
    return {name: offers[name].to_numpy(dtype=float) for name in ("min_duration_days", "increment_days")}


def _energy(*, offers: pd.DataFrame, need: pd.DataFrame, paid: Range, coefficients: Coefficients) -> Range:
    with np.errstate(invalid="ignore", divide="ignore"):
        busy = np.clip(need["needed_hours_typical"].to_numpy(dtype=float) / paid.typical, 0.0, 1.0)
    ranges = {name: uncertainty.of(entry) for name, entry in coefficients.group("carbon").items()}
    accelerated = carbon.accelerator_power_w(
        accelerators_count=offers["accelerators_count"],
        tdp_w=offers["tdp_w"],
        busy_fraction=busy,
        load_power_fraction=ranges["load_power_fraction"],
        idle_power_fraction=ranges["idle_power_fraction"],
        server_factor=ranges["server_factor"],
    )
    plain = carbon.cpu_power_w(
        vcpus_count=offers["vcpus_count"],
        busy_fraction=busy,
        idle_w_per_vcpu=ranges["idle_w_per_vcpu"],
        load_w_per_vcpu=ranges["load_w_per_vcpu"],
    )
    is_cpu = (offers["accelerator"] == "").to_numpy()
    power = Range(*(np.where(is_cpu, cpu, gpu) for cpu, gpu in zip(plain, accelerated, strict=True)))
    providers = offers["provider"].to_numpy()
    pue = Range(
        *(
            np.select(
                [providers == name for name in ("aws", "azure", "gcp")],
                [ranges[f"pue_{name}"][end] for name in ("aws", "azure", "gcp")],
                np.nan,
            )
            for end in range(3)
        )
    )
    return carbon.energy_kwh(power_w=power, hours=paid, pue=pue)
