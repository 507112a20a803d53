import pytest

from estimator.workload import Horizon, Measured, Targets, Traffic, Training, Workload, WorkloadError


def test_what_was_not_said_stays_unknown():
    workload = Workload(id="chat", kind="online_inference")

    assert workload.traffic.requests_per_s_mean is None
    assert workload.targets.deadline_days is None
    assert workload.training is None
    assert workload.measured is None


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Workload(id="x", kind="training"), "x.kind is 'training'"),
        (lambda: Traffic(requests_per_s_mean=-1), "requests_per_s_mean is -1"),
        (lambda: Traffic(peak_factor=0.5), "at least 1"),
        (lambda: Traffic(hours_per_day=25), "at most 24"),
        (lambda: Traffic(cached_fraction=1.5), "at most 1"),
        (lambda: Training(tokens=0), "more than 0"),
        (lambda: Targets(deadline_days=0), "more than 0"),
        (lambda: Measured(units_per_s=0), "more than 0"),
        (lambda: Workload(id="x", kind="cpu_serving", utilisation=1.2), "at most 1"),
        (lambda: Traffic(input_tokens=float("nan")), "input_tokens is nan"),
        (lambda: Horizon(months=0), "at least 1"),
        (lambda: Horizon(ramp="steep"), "linear, immediate"),
    ],
)
def test_an_impossible_value_is_refused_by_name(make, told):
    with pytest.raises(WorkloadError, match=told):
        make()
