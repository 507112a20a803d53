"""The words for the layers, figures, roles and warnings of a report, for the page and the record alike."""

from collections.abc import Iterable, Mapping
from typing import Any

LAYER_LABELS: dict[str, str] = {
    "compute": "Compute",
    "accelerator": "Accelerator",
    "networking": "Networking",
    "storage": "Storage",
    "orchestration": "Orchestration",
    "model_layer": "Model layer",
    "application": "Application",
}
NUMBER_LABELS: dict[str, str] = {
    "monthly_usd": "Cost at full load",
    "net_monthly_usd": "Net of your discounts",
    "compute_usd": "of it compute",
    "storage_usd": "of it storage",
    "checkpoint_usd": "of it checkpoints kept",
    "orchestration_usd": "of it orchestration",
    "egress_usd": "of it data leaving",
    "run_usd": "of compute: the runs themselves",
    "experiment_usd": "of compute: experiments and failed runs",
    "idle_usd_per_month": "of compute: idle, bought for the peak, a spare or a term",
    "price_usd_per_hour": "Price of an instance",
    "price_usd_per_accelerator_hour": "Price of an accelerator",
    "input_price": "Price of input tokens",
    "output_price": "Price of output tokens",
    "input_tokens_per_month": "Input tokens",
    "output_tokens_per_month": "Output tokens",
    "instances_count": "Instances at the peak",
    "spare_instances_count": "of them standing by",
    "accelerators_total": "Accelerators at the peak",
    "instance_hours_per_month": "Instance hours",
    "run_hours_per_month": "of them the runs themselves",
    "experiment_hours_per_month": "of them experiments and failed runs",
    "run_days": "One training run, as a typical team plans it",
    "tuned_run_days": "One training run, as well-tuned teams reach",
    "ttft_ms": "Time to the first token",
    "tpot_ms": "Time per output token",
    "latency_ms": "Latency",
    "tokens_per_s": "Throughput, as a typical team plans it",
    "tuned_tokens_per_s": "Throughput, as well-tuned teams reach",
    "mfu_fraction": "Model FLOP/s utilisation",
    "goodput_fraction": "Share of time that does useful work",
    "energy_kwh_per_month": "Energy",
    "carbon_kg_per_month": "Carbon",
    "operations": "Ease of running it for this team",
    "port_weeks": "Rewriting custom kernels",
    "pilot_usd": "What it costs, once",
    "port_usd": "What porting to it takes, once",
    "gate_instance_hours_per_month": "Hours within which the pilot must do a month's work",
}
TOTAL_LABELS: dict[str, str] = {
    "monthly_usd": "A month at full load",
    "net_monthly_usd": "A month, net of your discounts",
    "horizon_usd": "Over the horizon",
    "once_usd": "Beside it, once, for pilots",
}
ROLE_LABELS: dict[str, str] = {
    "production": "production",
    "baseline": "baseline",
    "pilot": "pilot",
    "fallback": "fallback",
    "canary": "canary",
    "none": "no stack",
}
CARRYING = ("production", "baseline")  # the roles of the stacks that do the work of the plan
STATES = ("missed", "cannot be confirmed", "met")
WARNING_LABELS: dict[str, str] = {  # the gravest first
    "no_stack": "Nothing fits",
    "cost_unknown": "Cost unknown",
    "not_counted": "Not counted",
    "not_self_serve": "Not self-serve",
    "retires": "Retires within your horizon",
    "measure_first": "Measure first",
    "not_evaluated": "Not evaluated",
    "unconfirmed_latency": "Latency not confirmed",
    "unconfirmed_ttft": "First token not confirmed",
    "unconfirmed_tpot": "Token pace not confirmed",
    "unconfirmed_deadline": "Deadline not confirmed",
    "unconfirmed_certifications": "Certification not confirmed",
    "assumed": "Scaled, not measured",
    "unpriced_basis": "No public price",
    "undated_price": "Undated price",
    "old_price": "Old price",
    "rule": "Known obstacle",
    "confirm": "Confirm with the provider",
    "how_estimated": "How it was estimated",
}
BILL_NOTE = (
    "Lines that are part of another one say so. What is paid once, or has no price on file, stands beside the total "
    "and is not in it."
)
_ORDER = {name: position for position, name in enumerate(NUMBER_LABELS)}


def number_label(name: str) -> str:
    """Return what a number of a stack or plan is called; an unknown one keeps its own name."""
    return NUMBER_LABELS.get(name, name.replace("_", " "))


def in_order(names: Iterable[str]) -> list[str]:
    """Return the names of numbers in reading order."""
    return sorted(names, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))


def labelled(numbers: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the numbers of a stack or plan with their labels, in reading order."""
    own = {"compute_usd": "of it model tokens"} if "input_price" in numbers else {}
    return [(own.get(name) or number_label(name), numbers[name]) for name in in_order(numbers)]
