import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import queueing


def test_one_server_with_random_arrivals_waits_as_m_m_1_says():
    wait_s = queueing.mean_wait_s(servers=1, service_s=2.0, utilisation=0.8)

    assert wait_s == pytest.approx(0.8 / (1 - 0.8) * 2.0)


def test_there_is_no_wait_to_state_at_or_past_saturation():
    wait_s = queueing.mean_wait_s(servers=4, service_s=1.0, utilisation=np.array([0.99, 1.0, 1.2]))

    assert np.isfinite(wait_s[0])
    assert np.isnan(wait_s[1:]).all()


@given(
    servers=st.integers(1, 200),
    low=st.floats(0.01, 0.97),
    more=st.floats(0.0, 0.02),
)
def test_more_load_never_waits_less(servers, low, more):
    before = queueing.mean_wait_s(servers=servers, service_s=1.0, utilisation=low)
    after = queueing.mean_wait_s(servers=servers, service_s=1.0, utilisation=low + more)

    assert after >= before


def test_a_percentile_of_an_exponential_wait_is_the_textbook_one():
    # Everyone waits: the 95th percentile of an exponential is 3.0 times its mean.
    late_s = queueing.wait_percentile_s(mean_s=2.0, busy_fraction=1.0, percentile=95.0)

    assert late_s == pytest.approx(2.0 * np.log(20))


def test_fewer_than_one_in_twenty_waiting_leaves_the_95th_percentile_at_zero():
    assert queueing.wait_percentile_s(mean_s=0.01, busy_fraction=0.04, percentile=95.0) == 0.0


def test_time_per_token_varies_with_the_prompts_a_request_meets():
    tokens_s = queueing.tokens_percentile_s(mean_s=0.02, disturbances=4.0, disturbance_s=0.1, tokens=100.0, z=1.645)

    assert tokens_s == pytest.approx(0.02 + 1.645 * 2 * 0.1 / 100)


def test_scalars_and_arrays_agree():
    loads = np.array([0.2, 0.5, 0.9])

    together = queueing.mean_wait_s(servers=8, service_s=1.5, utilisation=loads)

    alone = [float(queueing.mean_wait_s(servers=8, service_s=1.5, utilisation=load)) for load in loads]
    assert together == pytest.approx(alone)
