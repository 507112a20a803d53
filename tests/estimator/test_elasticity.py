import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import elasticity
from estimator.uncertainty import Range

ONE, NODE = Range(0.0, 0.5, 0.8), Range(0.0, 0.0, 0.5)


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


def test_the_larger_the_instance_the_less_is_given_back_without_a_cliff():
    released = elasticity.release_fraction(
        accelerators_count=np.array([0.5, 1, 2, 4, 8, 16, np.nan]), domain_accelerators=np.nan, one=ONE, node=NODE
    )

    assert released.typical.tolist() == pytest.approx([0.5, 0.5, 1 / 3, 1 / 6, 0, 0, 0])
    assert released.high.tolist() == pytest.approx([0.8, 0.8, 0.7, 0.6, 0.5, 0.5, 0.5])
    assert released.low.tolist() == [0] * 7


def test_a_part_of_a_rack_is_as_scarce_as_the_rack():
    released = elasticity.release_fraction(accelerators_count=4.0, domain_accelerators=72.0, one=ONE, node=NODE)

    assert [float(end) for end in released] == [0.0, 0.0, 0.5]


def test_what_is_given_back_is_not_paid_and_its_range_is_carried():
    standing, needed = Range(1000.0, 1000.0, 1000.0), Range(400.0, 400.0, 400.0)

    small = elasticity.paid_hours(standing=standing, needed=needed, release=ONE)
    node = elasticity.paid_hours(standing=standing, needed=needed, release=NODE)

    assert list(map(float, small)) == pytest.approx([1000 - 0.8 * 600, 700, 1000])
    assert list(map(float, node)) == pytest.approx([700, 1000, 1000])


@given(
    few=st.floats(1, 50),
    more=st.floats(1, 3),
    share=st.floats(0.05, 1),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_paid_hours_lie_between_the_need_and_the_standing_fleet(few, more, share, ends):
    standing = Range(few, few * more, few * more**2)
    needed = Range(*(end * share for end in standing))

    paid = elasticity.paid_hours(standing=standing, needed=needed, release=Range(*sorted(ends)))

    assert needed.low * (1 - 1e-9) <= paid.low <= paid.typical * (1 + 1e-9)
    assert paid.typical <= paid.high * (1 + 1e-9)
    assert paid.high <= standing.high * (1 + 1e-9)


def test_what_is_assumed_of_giving_back_is_said():
    texts = elasticity.told(Range(np.zeros(3), np.array([0.0, 0.5, 0.0]), np.array([0.5, 0.8, 0.0])))

    assert texts[0].startswith("taken to stand at its peak size all month; up to 50%")
    assert texts[1].startswith("50% of the capacity above the mean load is taken to be given back")
    assert texts[2] == ""
