"""Goodput of long runs."""

import numpy as np
import pytest

from estimator.goodput import (
    checkpoint_hours,
    checkpoint_interval_hours,
    goodput_fraction,
    mean_hours_between_failures,
)


def test_llama_3s_interruptions_are_reproduced():
    # 419 unexpected interruptions in 54 days on 16,384 accelerators: one in 3.1 h
    hours = mean_hours_between_failures(accelerators=16384, failures_per_accelerator_year=0.173)

    assert 54 * 24 / hours == pytest.approx(419, rel=0.01)


def test_checkpoint_time_and_interval_by_hand():
    assert checkpoint_hours(state_bytes=3.6e15, storage_bytes_per_s=1e12) == 1.0
    assert checkpoint_interval_hours(checkpoint_hours=0.5, mean_hours_between_failures=100) == 10.0


def test_the_interval_is_the_best_one():
    checkpoint, mean, restart = 0.05, 20.0, 0.2

    def lost(interval):
        return checkpoint / interval + (interval / 2 + restart) / mean

    best = goodput_fraction(checkpoint_hours=checkpoint, mean_hours_between_failures=mean, restart_hours=restart)

    around = [1 / (1 + lost(interval)) for interval in np.geomspace(0.1, 20, 400)]
    assert best == pytest.approx(max(around), rel=1e-3)


def test_more_accelerators_never_raise_goodput():
    shares = [
        goodput_fraction(
            checkpoint_hours=0.02,
            mean_hours_between_failures=mean_hours_between_failures(
                accelerators=count, failures_per_accelerator_year=0.2
            ),
            restart_hours=0.25,
        )
        for count in (8, 64, 1024, 16384, 100000)
    ]

    assert shares == sorted(shares, reverse=True) and all(0 < share < 1 for share in shares)


def test_with_hardly_any_failure_hardly_anything_is_lost():
    share = goodput_fraction(checkpoint_hours=0.1, mean_hours_between_failures=1e12, restart_hours=1)

    assert share == pytest.approx(1, abs=1e-6)
