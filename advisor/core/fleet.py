"""The smallest fleet of a service: what it costs where the load is still small."""

from advisor.core.candidates import STEADY_KINDS, Field, self_hosted
from advisor.core.case import Case
from advisor.core.stacks import Stack
from catalog.units import HOURS_PER_MONTH
from estimator import cost, spare
from estimator.cost import ramp_months
from estimator.uncertainty import Range


def horizon_usd(*, stack: Stack, field: Field, case: Case) -> float:
    """Return what a stack costs over the horizon by what is counted, at its planning value. [USD]

    Its whole month follows the load here; lines that do not (stored data, cluster fees) make it a little more.
    """
    more = above_share(stack=stack, field=field, case=case)
    extra = 0.0 if more is None else float(more.typical.sum())
    return float(stack.counted["value"]) * ramp_months(case.said.horizon) + extra


def above_share(*, stack: Stack, field: Field, case: Case) -> Range | None:
    """Return what the smallest fleet of a service costs beyond the load's share, month by month; None where nothing.

    That fleet is one whole instance in each zone and, in a single one, the spare beside it.
    """
    compute, price = stack.numbers["compute_usd"], stack.numbers.get("price_usd_per_hour")
    is_service = self_hosted(field.workload).kind in STEADY_KINDS
    if not is_service or compute["value"] is None or price is None or price["value"] is None:
        return None
    zones, _ = spare.zones_of(workload=field.workload, coefficients=case.coefficients)
    stands_by = stack.row["spare_instances_count_typical"] >= 1
    instances = zones if zones > 1 else 2 if stands_by else 1
    more = cost.above_share(
        usd_per_month=Range(compute["low"], compute["value"], compute["high"]),
        least_usd_per_month=instances * HOURS_PER_MONTH * price["value"],
        horizon=case.said.horizon,
    )
    return more if any(end.any() for end in more) else None
