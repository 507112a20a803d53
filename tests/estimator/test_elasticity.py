import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import elasticity


@given(peak_factor=st.floats(1.0, 8.0), hours=st.floats(1.0, 24.0))
def test_a_day_has_its_peak_and_its_mean(peak_factor, hours):
    profile = elasticity.day_profile(peak_factor=peak_factor, hours_per_day=hours)

    active = profile[profile > 0]
    assert profile.max() <= 1.0
    assert active.mean() == pytest.approx(1 / peak_factor, rel=0.01)
    assert len(active) == pytest.approx(hours / 24 * len(profile), abs=1)


def test_capacity_without_delay_follows_the_load():
    profile = elasticity.day_profile(peak_factor=3.0, hours_per_day=24.0)

    assert elasticity.following_fraction(profile=profile, lag_s=0.0) == pytest.approx(profile.mean())


def test_a_day_of_delay_keeps_the_peak_up():
    profile = elasticity.day_profile(peak_factor=3.0, hours_per_day=24.0)

    assert elasticity.following_fraction(profile=profile, lag_s=86400.0) == pytest.approx(1.0, abs=0.01)


def test_a_slower_start_never_needs_less_capacity():
    profile = elasticity.day_profile(peak_factor=4.0, hours_per_day=10.0)
    lags_s = np.array([0.0, 60.0, 600.0, 3600.0, 20000.0])

    shares = elasticity.following_fraction(profile=profile, lag_s=lags_s)

    assert np.all(np.diff(shares) >= 0)
    assert shares[2] == pytest.approx(elasticity.following_fraction(profile=profile, lag_s=600.0))


def test_the_steps_to_a_serving_replica_follow_one_another():
    # 3 min to get a node, 2 min of image, 70 GB at 2 GB/s, 1 min of warm-up
    seconds = elasticity.scale_up_s(acquire_s=180, image_s=120, weights_gb=70, load_gb_per_s=2, warmup_s=60)

    assert seconds == pytest.approx(180 + 120 + 35 + 60)


def test_no_hours_of_traffic_need_no_capacity():
    assert elasticity.day_profile(peak_factor=2.0, hours_per_day=0.0).sum() == 0
