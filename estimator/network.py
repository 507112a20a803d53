"""What data costs when it leaves: marginal tiers, as the clouds bill them."""

from typing import Any

import numpy as np
import pandas as pd

Number = Any  # a float or a numpy array; formulas take either


class TierError(ValueError):
    """Tiers that do not form one unbroken scale."""


def egress_cost(*, gb: Number, tiers: pd.DataFrame) -> Number:
    """Return the cost of moving ``gb`` in one month. [USD month⁻¹]

    ``tiers`` are the rows of one provider, region and purpose of the catalog's egress table (columns ``from_gb``,
    ``to_gb``, ``price_usd_per_gb``, ``free_gb``; NaN ``to_gb`` is the last tier). Each GB is billed at the price of
    the tier it falls into, after the free allowance is taken off the first ones, so the cost is continuous and never
    falls with volume. A tier without a price makes the cost NaN from there on, never 0. No rows at all: NaN.
    Source: ``egress`` in docs/estimates.md; the providers' price pages through the catalog.
    """
    volume = np.asarray(gb, dtype=float)
    if np.any(volume < 0):
        raise TierError(f"gb is {np.min(volume):g}, expected 0 or more")
    if len(tiers) == 0:
        return _plain(np.full(volume.shape, np.nan))
    starts, ends, prices, free_gb = _scale(tiers)
    # The allowance is the first GB of the month: it costs nothing, and the tiers still count from the first GB.
    below = np.minimum(volume, free_gb)[..., None]
    within = np.clip(volume[..., None], starts, ends) - np.clip(below, starts, ends)
    # inf − inf at the open end cannot happen: volume is finite, so clip stops at it.
    with np.errstate(invalid="ignore"):
        costs = np.where(within > 0, within * prices, 0.0)
    return _plain(np.where(np.isnan(volume), np.nan, costs.sum(axis=-1)))


def _scale(tiers: pd.DataFrame) -> tuple[Any, Any, Any, float]:
    starts = tiers["from_gb"].to_numpy(dtype=float)
    order = np.argsort(starts, kind="stable")
    starts = starts[order]
    ends = tiers["to_gb"].to_numpy(dtype=float)[order]
    ends = np.where(np.isnan(ends), np.inf, ends)
    prices = tiers["price_usd_per_gb"].to_numpy(dtype=float)[order]
    if starts[0] != 0 or np.any(ends[:-1] != starts[1:]) or np.any(ends <= starts):
        raise TierError(f"tiers {list(zip(starts, ends, strict=True))} leave a gap or overlap; expected 0–a, a–b, b–∞")
    free = tiers["free_gb"].to_numpy(dtype=float) if "free_gb" in tiers else np.empty(0)
    free_gb = float(np.nanmax(free)) if np.isfinite(free).any() else 0.0
    # Past the end of a closed last tier nothing is known.
    if np.isfinite(ends[-1]):
        starts, ends, prices = np.append(starts, ends[-1]), np.append(ends, np.inf), np.append(prices, np.nan)
    return starts, ends, prices, free_gb


def _plain(value: Any) -> Number:
    return float(value) if np.ndim(value) == 0 else value
