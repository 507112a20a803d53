"""How fast replicas can follow the traffic, and what stands idle when they cannot."""

from typing import Any

import numpy as np
import numpy.typing as npt

Number = Any  # a float or a numpy array; formulas take either

HOURS_PER_MONTH = 730.0
_SAMPLES = 288  # five-minute slices of a day


def day_profile(*, peak_factor: float, hours_per_day: float) -> npt.NDArray[np.float64]:
    """Return the load of 288 slices of a day as a share of the peak; 0 outside the hours with traffic.

    The shape is cosⁿ: one smooth peak whose mean over the traffic hours is peak ÷ ``peak_factor``. n = 0 is flat, n
    = 2 a plain
    day and night wave with a factor of 2.
    """
    active = round(_SAMPLES * min(max(hours_per_day, 0.0), 24.0) / 24)
    profile = np.zeros(_SAMPLES)
    if active == 0:
        return profile
    wave = np.abs(np.cos(np.pi * ((np.arange(active) + 0.5) / active - 0.5)))
    low, high = 0.0, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        if np.mean(wave**middle) * peak_factor > 1:
            low = middle
        else:
            high = middle
    profile[:active] = wave**low
    return profile


def scale_up_s(
    *, acquire_s: Number, image_s: Number, weights_gb: Number, load_gb_per_s: Number, warmup_s: Number
) -> Number:
    """Return the time from the wish for a replica to its first token. [s]

    Node acquisition, image, weights and warm-up follow one another.
    """
    return acquire_s + image_s + weights_gb / load_gb_per_s + warmup_s


def following_fraction(*, profile: npt.NDArray[np.float64], lag_s: Number) -> Number:
    """Return the mean provisioned share of the peak when capacity is ordered ``lag_s`` ahead. [fraction]

    What is up at a moment must cover the highest load until a replica ordered now could serve. A lag of a day or more
    keeps the peak up all day.
    """
    lags = np.atleast_1d(np.asarray(lag_s, dtype=float))
    slots = np.minimum(np.ceil(lags / (86400 / _SAMPLES)), _SAMPLES).astype(int)
    shares = np.empty(len(lags))
    for count in np.unique(slots):  # a few distinct lags, not one a row
        ahead = np.lib.stride_tricks.sliding_window_view(np.concatenate([profile, profile]), count + 1)[:_SAMPLES]
        shares[slots == count] = ahead.max(axis=1).mean()
    return shares if np.ndim(lag_s) else float(shares[0])
