"""How fast replicas can follow the traffic, and what stands idle when they cannot."""

from typing import Any

import numpy as np
import numpy.typing as npt

from estimator import uncertainty
from estimator.uncertainty import Range

Number = Any  # a float or a numpy array; formulas take either

_SAMPLES = 288  # five-minute slices of a day
_NODE_ACCELERATORS = 8  # a whole server; racks and slices are larger still


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


def release_fraction(*, accelerators_count: Number, domain_accelerators: Number, one: Range, node: Range) -> Range:
    """Return the share of the capacity above the mean load that a fleet gives back between peaks. [fraction]

    ``one`` holds for instances of a single accelerator, ``node`` for whole servers of eight and more, racks and slices
    of a larger scale-up domain, which may not come back once they are given away; between them it goes by the
    logarithm of the accelerators, so that no size stands at a cliff. How much memory an accelerator has plays no part.
    An unknown count is taken as a node. Source: ``give-back`` in docs/estimates.md; judgement.
    """
    size = np.fmax(np.asarray(accelerators_count, dtype=float), np.asarray(domain_accelerators, dtype=float))
    size = np.clip(np.where(np.isnan(size), _NODE_ACCELERATORS, size), 1.0, _NODE_ACCELERATORS)
    near = np.log2(size) / np.log2(_NODE_ACCELERATORS)
    return Range(*(small + near * (large - small) for small, large in zip(one, node, strict=True)))


def paid_hours(*, standing: Range, needed: Range, release: Range) -> Range:
    """Return the hours that a fleet is paid for when it gives some back between peaks. [hours month⁻¹]

    ``standing`` hours less the released share of those that the mean load does not need. The fleet's size and its
    eagerness err independently; the more is given back, the less is paid. Never more than the high end of the standing
    fleet, never less than the low end of the need. Source: ``give-back`` in docs/estimates.md.
    """

    def paid(share: Number, top: Number, least: Number) -> Number:
        return top - share * np.maximum(top - least, 0.0)

    by_size = Range(*(paid(release.typical, top, least) for top, least in zip(standing, needed, strict=True)))
    with np.errstate(invalid="ignore", divide="ignore"):
        by_release = Range(
            *(
                paid(share, standing.typical, needed.typical) / by_size.typical
                for share in (release.high, release.typical, release.low)
            )
        )
    both = uncertainty.independent(by_size, by_release)
    floor = np.minimum(np.minimum(standing.low, needed.low), both.typical)
    return Range(np.maximum(both.low, floor), both.typical, np.minimum(both.high, standing.high))


def told(release: Range) -> Any:
    """Return what is said beside hours that assume some capacity is given back, one text a row; "" where none can be.

    A load without a peak gives nothing back. Source: ``give-back`` in docs/estimates.md.
    """
    low, typical, high = (np.atleast_1d(np.asarray(end, dtype=float)) for end in release)
    texts = [
        ""
        if not top > 0
        else f"taken to stand at its peak size all month; up to {top:.0%} of the capacity above the mean load may be "
        "given back between peaks"
        if middle <= 0
        else f"{middle:.0%} of the capacity above the mean load is taken to be given back between peaks "
        f"({least:.0%} to {top:.0%})"
        for least, middle, top in zip(low, typical, high, strict=True)
    ]
    return np.array(texts, dtype=object)
