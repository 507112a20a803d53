"""Percentiles of a replica's times at a request rate."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from estimator import queueing
from estimator.serving_load import Load, Point

Number = Any  # a float or a numpy array; formulas take either

Z95, Z99 = 1.6448536269514722, 2.3263478740408408  # percentiles of a normal distribution, in standard deviations
_LIGHT = 0.05  # below this share of prefill time a wait is a matter of one unlucky meeting


@dataclass(frozen=True, slots=True)
class Tail:
    """Late times. NaN past saturation, where there is no steady wait."""

    ttft_p95_s: Number
    ttft_p99_s: Number
    tpot_p95_s: Number
    tpot_p99_s: Number
    latency_p99_s: Number


def tail(*, point: Point, load: Load, slots: Number, variation: Number) -> Tail:
    """Return percentiles at a point whose requests arrive at ``point.requests_per_s``.

    The mean wait for prefills is the point's own; the wait for a cache slot is that of a queue with ``slots``
    servers. Both
    tails are exponential. ``variation`` is the squared coefficient of variation of the arrivals (1 = independent
    users).
    Source: ``serving-tail`` in docs/model_inference.md.
    """
    both = (variation + 1) / 2  # service varies about as much as independent arrivals do
    alone_s = point.own_s + point.step_s / 2  # an unlucky request waits for a whole step
    full = point.sequences / slots
    slot_s = queueing.mean_wait_s(servers=slots, service_s=point.cycle_s, utilisation=full, variation=both)
    held = np.clip(full, 0.0, 1.0) ** np.sqrt(2 * (slots + 1))

    def first_token_s(percentile: float) -> Number:
        prefills_s = queueing.wait_percentile_s(
            mean_s=point.wait_s * both, busy_fraction=np.maximum(point.prefill_load, _LIGHT), percentile=percentile
        )
        slots_s = queueing.wait_percentile_s(mean_s=slot_s, busy_fraction=held, percentile=percentile)
        return alone_s + prefills_s + slots_s

    steps = np.maximum(load.output_tokens - 1, 1.0)
    met = point.requests_per_s * steps * point.tpot_s
    disturbance_s = point.prefill_load / np.maximum(point.requests_per_s, 1e-12)

    def token_s(z: float) -> Number:
        return queueing.tokens_percentile_s(
            mean_s=point.tpot_s, disturbances=met, disturbance_s=disturbance_s, tokens=steps, z=z
        )

    last_s = first_token_s(99.0)
    return Tail(
        ttft_p95_s=first_token_s(95.0),
        ttft_p99_s=last_s,
        tpot_p95_s=token_s(Z95),
        tpot_p99_s=token_s(Z99),
        latency_p99_s=last_s + steps * token_s(Z95),
    )
