import math

import pytest

from estimator import coefficients, measured
from estimator.uncertainty import Range
from tests.estimator.frames import A100, H100, TRAINIUM2, offers

SHIPPED = coefficients.load()


def speeds(*rows, on="p4d.24xlarge"):
    return measured.speeds(hardware=offers(*rows), on=on, coefficients=SHIPPED)


def test_the_measured_instance_is_the_answer():
    found = speeds(A100)

    assert found[["speed_low", "speed_typical", "speed_high"]].iloc[0].tolist() == [1.0, 1.0, 1.0]
    assert found["kind"].iloc[0] == "answer"


def test_another_accelerator_lies_between_its_compute_and_its_bandwidth():
    found = speeds(A100, H100).iloc[1]

    compute, bandwidth = 989.4 / 312, 3350 / 1555
    assert found["speed_typical"] == pytest.approx(math.sqrt(compute * bandwidth))
    assert found["speed_low"] < bandwidth < found["speed_typical"] < compute < found["speed_high"]
    assert found["kind"] == "assumption"
    assert found["evidence"] == (
        "accelerator:h100-sxm-80gb",
        "accelerator:a100-40gb",
        "coefficient:measured.same_stack_spread",
    )


def test_another_software_stack_is_slower_and_less_certain():
    same, other = speeds(A100, H100, TRAINIUM2).iloc[1], speeds(A100, H100, TRAINIUM2).iloc[2]

    assert "coefficient:measured.other_stack_spread" in other["evidence"]
    middle = 2 * math.sqrt(667 / 312 * 2900 / 1555)
    assert other["speed_typical"] == pytest.approx(0.8 * middle)
    assert other["speed_high"] / other["speed_low"] > same["speed_high"] / same["speed_low"]


def test_the_same_accelerator_scales_by_count():
    half = {**A100, "sku": "half", "accelerators_count": 4.0}

    found = speeds(A100, half).iloc[1]

    assert found["speed_typical"] == pytest.approx(0.5)
    # Half an instance is 1/1.02 to 1/0.93 of half the work, another host 0.95 to 1.03; they err independently.
    assert found["speed_low"] == pytest.approx(0.5 * math.exp(-math.hypot(math.log(1.02), math.log(0.95))))
    assert found["speed_high"] == pytest.approx(0.5 * math.exp(math.hypot(math.log(0.93), math.log(1.03))))
    assert found["kind"] == "estimate"


def test_the_same_accelerator_in_the_same_number_has_a_narrow_range():
    twin = {**A100, "provider": "gcp", "sku": "a2-highgpu-8g"}

    found = speeds(A100, twin).iloc[1]

    assert [found[f"speed_{end}"] for end in ("low", "typical", "high")] == pytest.approx([0.95, 1.0, 1.03])
    assert found["kind"] == "estimate"
    assert "coefficient:measured.same_accelerator_spread" in found["evidence"]


def test_less_memory_than_where_it_was_measured_is_said():
    small = {**A100, "sku": "small", "accelerator": "small", "accelerator_memory_gb": 16.0}

    assert "16 GB per accelerator against 43 GB" in speeds(A100, small)["note"].iloc[1]
    assert speeds(A100, H100)["note"].iloc[1] == ""


def test_unknown_figures_and_cpus_stay_unknown_with_a_reason():
    secret = {**A100, "sku": "secret", "accelerator": "secret", "memory_bandwidth_gb_per_s": math.nan}

    found = speeds(A100, secret, {})

    assert found["speed_typical"].isna().tolist() == [False, True, True]
    assert "secret is not public" in found["reason"].iloc[1]
    assert "no accelerator" in found["reason"].iloc[2]


def test_a_measurement_elsewhere_scales_nothing():
    found = speeds(H100, on="a-laptop")

    assert math.isnan(found["speed_typical"].iloc[0])
    assert "a-laptop" in found["reason"].iloc[0]


def test_the_provider_may_stand_before_the_sku():
    assert speeds(A100, on="aws/p4d.24xlarge")["kind"].iloc[0] == "answer"
    assert math.isnan(speeds(A100, on="gcp/p4d.24xlarge")["speed_typical"].iloc[0])


def test_twice_the_speed_takes_half_the_hours():
    hours = measured.scaled_hours(hours_per_month=1000, speed=Range(1.0, 2.0, 4.0))

    assert [float(end) for end in hours] == [250.0, 500.0, 1000.0]
