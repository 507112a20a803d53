"""From machine time to money: hours billed, cost a month, and the months of the plan."""

from typing import Any

import numpy as np
import pandas as pd

from estimator import uncertainty
from estimator.columns import ENDS
from estimator.uncertainty import Range
from estimator.workload import Horizon

Number = Any  # a float or a numpy array; formulas take either

# Bases that are bought as a block of days; the others bill the time that is used.
TIME_BOXED = ("capacity_block", "flex_start", "calendar_reservation")
# Bases paid for around the clock, whether the machines are busy or not.
COMMITTED = ("commitment_1y", "commitment_3y", "savings_plan_1y", "savings_plan_3y")


def billed_days(*, run_days: Number, min_duration_days: Number, increment_days: Number) -> Number:
    """Return the days that are billed for a run of ``run_days``. [days]

    A block is at least ``min_duration_days`` long and grows in steps of ``increment_days``; NaN in either means the
    terms name none, and the run is billed as it is. How many days a block may last at most is a constraint, not a
    cost. Source: ``billed-time`` in docs/estimates.md; the terms stand in the catalog.
    """
    run = np.asarray(run_days, dtype=float)
    least = np.nan_to_num(np.asarray(min_duration_days, dtype=float), nan=0.0)
    step = np.asarray(increment_days, dtype=float)
    wanted = np.maximum(run, least)
    with np.errstate(invalid="ignore", divide="ignore"):
        # 1e-9: a run of exactly three days must not be billed four because 72 h ÷ 24 is not exact in floats.
        stepped = np.ceil(wanted / step - 1e-9) * step
    days = np.where(np.isnan(step), wanted, np.maximum(stepped, wanted * (1 - 1e-9)))
    return float(days) if np.ndim(days) == 0 else days


def usd_per_month(*, instance_hours_per_month: Number, price_usd_per_hour: Number) -> Number:
    """Return instance-hours × price. [USD month⁻¹]

    NaN (no public price, or no hours known) stays NaN: an unknown price never becomes a free machine. List price,
    before discounts and taxes. Source: definition.
    """
    return np.asarray(instance_hours_per_month, dtype=float) * np.asarray(price_usd_per_hour, dtype=float)


def ramp_fractions(horizon: Horizon) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return for each month of the plan the share of the full load it carries. [fraction]

    ``immediate``: 1 from the first month. ``linear``: month m of n carries m ÷ n, so the last month is the first at
    full load. Source: ``horizon`` in docs/estimates.md.
    """
    if horizon.ramp == "immediate":
        return np.ones(horizon.months)
    return np.arange(1, horizon.months + 1) / horizon.months


def ramp_months(horizon: Horizon) -> float:
    """Return the plan's length in months of full load. [months]

    A monthly cost at full load times this is the cost of the plan. Source: ``horizon`` in docs/estimates.md.
    """
    return float(ramp_fractions(horizon).sum())


def above_share(*, usd_per_month: Range, least_usd_per_month: float, horizon: Horizon) -> Range:
    """Return what each month costs beyond the load's share of ``usd_per_month``, as arrays of months. [USD month⁻¹]

    However small the load, a fleet has a smallest size, which costs ``least_usd_per_month``; the full load's fleet may
    cost less than that only by what it gives back, and then sets it. NaN in gives NaN out. Source: ``horizon`` in
    docs/estimates.md.
    """
    fractions = ramp_fractions(horizon)
    return Range(*(np.maximum(min(least_usd_per_month, end) - end * fractions, 0.0) for end in usd_per_month))


def over_horizon(
    *, usd_per_month: Range, horizon: Horizon, fixed_usd_per_month: Range, above_share: Range | None = None
) -> pd.DataFrame:
    """Return one row a month: month, ramp_fraction, usd_low, usd_typical, usd_high and the running totals. [USD]

    ``usd_per_month`` is what a month at full load costs; it follows the ramp in proportion, with what a smallest fleet
    costs ``above_share`` of it. ``fixed_usd_per_month`` (stored data, a cluster fee, staff) does not follow it.
    The intervals of the months are fully correlated (one wrong throughput is wrong every month), so totals add end
    by end. NaN in gives NaN out. Source: ``horizon`` in docs/estimates.md.
    """
    for part in (usd_per_month, fixed_usd_per_month):
        if not uncertainty.ordered(part):
            low, typical, high = part
            raise ValueError(f"monthly cost {low:g} ≤ {typical:g} ≤ {high:g} does not hold")
    fractions = ramp_fractions(horizon)
    months = pd.DataFrame({"month": np.arange(1, horizon.months + 1), "ramp_fraction": fractions})
    more = above_share or uncertainty.exactly(0.0)
    for end, grows, stays, extra in zip(ENDS, usd_per_month, fixed_usd_per_month, more, strict=True):
        months[f"usd_{end}"] = grows * fractions + stays + extra
    for end in ENDS:
        months[f"cumulative_usd_{end}"] = months[f"usd_{end}"].cumsum()
    return months
