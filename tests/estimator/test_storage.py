import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import coefficients, uncertainty
from estimator.storage import checkpoint_tb, kept_tb
from estimator.uncertainty import Range
from estimator.workload import Training, Workload
from tests.estimator.frames import LLAMA_8B

SHIPPED = coefficients.load()
TUNED = Workload(id="tune", kind="finetuning", architecture=LLAMA_8B, training=Training(tokens=1e9, method="full"))


def test_three_checkpoints_of_seventy_billion_parameters():
    # 70e9 × 14 bytes = 0.98 TB each
    kept = checkpoint_tb(
        trained_params=uncertainty.exactly(70e9),
        bytes_per_param=uncertainty.exactly(14.0),
        kept_count=uncertainty.exactly(3.0),
    )

    assert kept == pytest.approx((2.94, 2.94, 2.94))


def test_a_full_training_keeps_the_state_of_every_parameter():
    kept, evidence = kept_tb(workload=TUNED, coefficients=SHIPPED)

    # five checkpoints of 14 bytes for each of 8.03e9 parameters
    assert kept.typical == pytest.approx(5 * 14 * 8.03e9 / 1e12, rel=0.01)
    assert kept.low < kept.typical < kept.high
    assert "coefficient:cost.checkpoint.kept_count" in evidence


def test_adapters_keep_only_what_they_train():
    lora = dataclasses.replace(TUNED, training=Training(tokens=1e9, method="lora"))

    kept, evidence = kept_tb(workload=lora, coefficients=SHIPPED)

    # rank 16 on four projections: 32 × 16 × (2 × 8,192 + 2 × 5,120) = 13.6e6 parameters
    assert kept.typical == pytest.approx(5 * 14 * 32 * 16 * (2 * 8192 + 2 * 5120) / 1e12)
    assert "coefficient:cost.checkpoint.adapter_rank" in evidence


@pytest.mark.parametrize(
    "workload",
    [
        Workload(id="chat", kind="online_inference", architecture=LLAMA_8B),
        dataclasses.replace(TUNED, architecture=None),
    ],
    ids=["serving", "no transformer"],
)
def test_where_no_known_model_is_trained_no_volume_is_invented(workload):
    assert kept_tb(workload=workload, coefficients=SHIPPED) is None


@given(
    st.floats(min_value=1e6, max_value=1e12), st.floats(min_value=1, max_value=50), st.floats(min_value=1, max_value=4)
)
def test_more_parameters_or_more_checkpoints_never_take_less(params, count, factor):
    def kept(many, trained):
        return checkpoint_tb(
            trained_params=uncertainty.exactly(trained),
            bytes_per_param=Range(12.0, 14.0, 18.0),
            kept_count=uncertainty.exactly(many),
        )

    once = kept(count, params)

    assert uncertainty.ordered(once)
    for more in (kept(count * factor, params), kept(count, params * factor)):
        assert all(much >= few * (1 - 1e-9) for few, much in zip(once, more, strict=True))
