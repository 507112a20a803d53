"""Share of wall-clock time that a long run spends on steps that count: failures, restarts, checkpoints."""

from typing import Any

import numpy as np

Values = Any  # float or array of floats


def mean_hours_between_failures(*, accelerators: Values, failures_per_accelerator_year: Values) -> Values:
    """Return the mean time between interruptions of a job that needs all its accelerators. [h]

    Failures are taken as independent, so the rate grows in proportion to the accelerators.
    """
    return 365.25 * 24 / (failures_per_accelerator_year * accelerators)


def checkpoint_hours(*, state_bytes: Values, storage_bytes_per_s: Values) -> Values:
    """Return the time the job stands still to write one checkpoint. [h]"""
    return state_bytes / storage_bytes_per_s / 3600


def checkpoint_interval_hours(*, checkpoint_hours: Values, mean_hours_between_failures: Values) -> Values:
    """Return the interval that loses least, √(2·C·M). [h]

    Source: Young 1974, Daly 2006; valid while a checkpoint is short against the time between failures.
    """
    return np.sqrt(2 * checkpoint_hours * mean_hours_between_failures)


def goodput_fraction(*, checkpoint_hours: Values, mean_hours_between_failures: Values, restart_hours: Values) -> Values:
    """Return useful time / wall-clock time at the best checkpoint interval. [fraction]

    Lost are the checkpoints, on average half an interval of work per failure, and the restart. Not in it: evaluation,
    input
    stalls, waiting for capacity. Source: ``model-goodput`` in docs/model.md.
    """
    interval = checkpoint_interval_hours(
        checkpoint_hours=checkpoint_hours, mean_hours_between_failures=mean_hours_between_failures
    )
    per_useful_hour = checkpoint_hours / interval + (interval / 2 + restart_hours) / mean_hours_between_failures
    return 1 / (1 + per_useful_hour)
