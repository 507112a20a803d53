"""What serving in a narrower weight format would take: an alternative for the team to evaluate, never the plan."""

from dataclasses import replace
from typing import Any

from advisor.core.candidates import Field
from advisor.core.case import Case
from advisor.core.quantity import Number, from_row, number, sentence, span, usd
from advisor.core.stacks import Stack
from estimator.estimate import estimate
from estimator.served import narrower_format, published_format
from estimator.workload import INFERENCE_KINDS


def narrower(*, stack: Stack, field: Field, case: Case) -> dict[str, Any] | None:
    """Return the recommended machines' fleet with FP8 weights and what it would save; None where nothing is to tell.

    Only for a model published in a wider format on a chip that computes in FP8. A measured rate is of the format the
    team serves today, and a stated format is the team's choice: beside them nothing is said.
    """
    workload = field.workload
    if workload.kind not in INFERENCE_KINDS or workload.architecture is None or workload.measured is not None:
        return None
    if workload.serving.weight_format is not None:
        return None
    offers = case.catalog.offers
    mine = offers[offers["offer_id"] == stack.row["candidate_id"]]
    if mine.empty or stack.numbers["compute_usd"]["value"] is None:
        return None
    name = narrower_format(architecture=workload.architecture, fp8_tflops=float(mine["fp8_tflops"].iloc[0]))
    if not name:
        return None
    found = estimate(
        workload=replace(workload, serving=replace(workload.serving, weight_format=name)),
        offers=mine.reset_index(drop=True),
        coefficients=case.coefficients,
        horizon=case.said.horizon,
    ).iloc[0]
    row = {str(key): value for key, value in found.items()}
    # The ids of answers get their paths in the stack's own evidence, which stands on the same ones.
    evidence = stack.numbers["compute_usd"]["evidence"]
    compute, count = (
        from_row(row, column, unit=unit, kind="estimate", evidence=evidence, reason=row["estimate_reason"])
        for column, unit in (("compute_usd_per_month", "USD/month"), ("instances_count", "instances"))
    )
    if not row["fits"] or compute["value"] is None:
        return None
    saving = _saving(now=stack.numbers["compute_usd"], then=compute)
    return {
        "format": name.upper(),
        "compute_usd": compute,
        "instances_count": count,
        "saving_usd": saving,
        "text": sentence(
            _text(
                name=name,
                published=published_format(workload.architecture),
                sku=stack.row["sku"],
                compute=compute,
                count=count,
                saving=saving,
            ),
            *evidence,
        ),
    }


def _saving(*, now: Number, then: Number) -> Number:
    """Return what the alternative saves, end by end: the same load and the same planning factors err in both."""
    ends = [now[end] - then[end] for end in ("value", "low", "high")]
    return number(ends[0], min(ends), max(ends), unit="USD/month", kind="estimate", evidence=then["evidence"])


def _text(*, name: str, published: str, sku: str, compute: Number, count: Number, saving: Number) -> str:
    gain = (
        f"{usd(saving['value'])} less"
        if saving["value"] > 0
        else "which saves nothing, because whole instances set the fleet"
    )
    return (
        f"With {name.upper()} weights instead of {published.upper()}, as published, {sku} would carry this load on "
        f"{count['value']:g} instances for {span(compute)} a month of compute, {gain}. Whether the answers stay good "
        "enough, only an evaluation of your own can tell; it is not in the plan."
    )
