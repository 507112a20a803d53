"""Waiting at a request rate: percentiles by queueing approximations, nothing past saturation."""

from typing import Any

import numpy as np

Number = Any  # a float or a numpy array; formulas take either


def mean_wait_s(*, servers: Number, service_s: Number, utilisation: Number, variation: Number = 1.0) -> Number:
    """Return the mean wait for one of ``servers`` equal servers. [s]

    Allen–Cunneen with Sakasegawa's exponent: W = (ca² + cs²)/2 · S/k · ρ^(√(2(k+1)) − 1)/(1 − ρ). ``variation`` is
    the mean of
    the squared coefficients of variation of arrivals and service; exact for M/M/1, within 10 % for M/M/k above ρ = 0.5.
    NaN at or past saturation (ρ ≥ 1): there is no steady wait. Source: Sakasegawa 1977; Allen 1990.
    """
    utilisation = np.asarray(utilisation, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = variation * service_s / servers * utilisation ** (np.sqrt(2 * (servers + 1)) - 1) / (1 - utilisation)
    return np.where(utilisation < 1, wait, np.nan)


def wait_percentile_s(*, mean_s: Number, busy_fraction: Number, percentile: float) -> Number:
    """Return a percentile of a wait whose mean over all arrivals is ``mean_s``. [s]

    An arrival waits with probability ``busy_fraction``; a wait is exponential (heavy-traffic limit). NaN where the
    mean is NaN.
    Source: Kingman 1961.
    """
    share = 1 - percentile / 100
    busy = np.clip(busy_fraction, 1e-9, 1.0)
    return mean_s / busy * np.log(np.maximum(busy / share, 1.0))


def tokens_percentile_s(
    *, mean_s: Number, disturbances: Number, disturbance_s: Number, tokens: Number, z: float
) -> Number:
    """Return a percentile of a request's mean time per token. [s token⁻¹]

    A request meets a Poisson number of other requests' prefills while it decodes; each adds ``disturbance_s`` once.
    """
    return mean_s + z * np.sqrt(disturbances) * disturbance_s / np.maximum(tokens, 1.0)
