"""The columns the estimator adds to a frame, with unit and meaning; docs/glossary.md is checked against this."""

from typing import NamedTuple


class Column(NamedTuple):
    """One column: its unit ("" for text and truth values) and what it means."""

    unit: str
    meaning: str


ENDS = ("low", "typical", "high")

_RANGED: dict[str, Column] = {
    "instances_count": Column("instances", "whole instances standing at the peak, the spare included"),
    "spare_instances_count": Column(
        "instances", "those of them that stand by for the loss of a replica, a rack or a zone"
    ),
    "accelerators_total": Column("accelerators", "accelerators of those instances"),
    "instance_hours_per_month": Column("hours/month", "instance-hours that are paid in a month at full load"),
    "run_hours_per_month": Column("hours/month", "those of them that the runs of a training take, experiments aside"),
    "experiment_hours_per_month": Column("hours/month", "those of them that experiments and failed runs take"),
    "compute_usd_per_month": Column("USD/month", "paid instance-hours at list price, at the planning value"),
    "idle_usd_per_month": Column(
        "USD/month", "the part of the compute cost that is bought for the peak, a spare or a term"
    ),
    "run_days": Column("days", "one training run at the planning value, interruptions included"),
    "tuned_run_days": Column("days", "one training run at the speed published, tuned runs reach"),
    "ttft_ms": Column("ms", "time to first token, 95th percentile, at the planning value"),
    "tpot_ms": Column("ms", "time per output token, 95th percentile, at the planning value"),
    "latency_ms": Column("ms", "time to the whole answer, 95th percentile"),
    "tokens_per_s": Column("tokens/s", "tokens of the whole fleet per second at the planning value"),
    "tuned_tokens_per_s": Column("tokens/s", "tokens of the whole fleet per second at the tuned reference"),
    "mfu_fraction": Column("fraction", "model FLOPs used over the dense peak, at the planning value"),
    "goodput_fraction": Column("fraction", "useful share of a training run's time"),
    "energy_kwh_per_month": Column("kWh/month", "energy from the grid, the building's overhead included"),
    "carbon_kg_per_month": Column("kg CO2e/month", "operational emissions, location-based"),
}


def _ends(columns: dict[str, Column]) -> dict[str, Column]:
    return {f"{name}_{end}": column for name, column in columns.items() for end in ENDS}


ESTIMATE_COLUMNS: dict[str, Column] = {
    "fits": Column("", "whether the workload can run on this hardware at all"),
    "estimable": Column("", "whether the figures below could be computed"),
    "estimate_reason": Column("", "why a figure is unknown, or what was assumed"),
    "estimate_kind": Column(
        "", "estimate, assumption (scaled to other hardware), answer (measured on this SKU); blank: nothing estimated"
    ),
    "layout": Column("", "how the model is spread over accelerators"),
    "spare_reason": Column("", "which loss the spare instances are for"),
    **_ends(_RANGED),
    "memory_gb_per_accelerator": Column("GB", "memory the workload fills on one accelerator, decimal"),
    "memory_headroom_fraction": Column("fraction", "share of an accelerator's memory that stays free"),
    "evidence": Column("", "ids of the facts, coefficients and answers that were used"),
}

MANAGED_COLUMNS: dict[str, Column] = {
    "fits": ESTIMATE_COLUMNS["fits"],
    "estimable": ESTIMATE_COLUMNS["estimable"],
    "estimate_reason": ESTIMATE_COLUMNS["estimate_reason"],
    "estimate_kind": ESTIMATE_COLUMNS["estimate_kind"],
    "input_tokens_per_month": Column("tokens/month", "input tokens of the stated traffic, all calls, before retries"),
    "output_tokens_per_month": Column(
        "tokens/month", "output tokens of the stated traffic, all calls, with stated reasoning, before retries"
    ),
    **_ends({"managed_usd_per_month": Column("USD/month", "token cost at list price, retries and ranges included")}),
    "tier": Column("", "price tier: standard or batch"),
    "evidence": ESTIMATE_COLUMNS["evidence"],
}
