import math

import numpy as np
import pytest

from estimator import carbon, coefficients, uncertainty
from estimator.uncertainty import Range

ONE = uncertainty.exactly(1.0)


def test_power_is_linear_between_idle_and_load():
    power = carbon.accelerator_power_w(
        accelerators_count=8,
        tdp_w=700,
        busy_fraction=np.array([0.0, 0.5, 1.0]),
        load_power_fraction=uncertainty.exactly(0.75),
        idle_power_fraction=uncertainty.exactly(0.15),
        server_factor=ONE,
    )

    # 5,600 W × 0.15, × 0.45, × 0.75
    assert power.typical.tolist() == pytest.approx([840.0, 2520.0, 4200.0])


def test_energy_of_a_month():
    energy = carbon.energy_kwh(
        power_w=uncertainty.exactly(1000.0), hours=uncertainty.exactly(730.0), pue=Range(1.0, 1.2, 1.4)
    )

    assert energy.typical == pytest.approx(876.0)
    assert energy.low == pytest.approx(730.0)


def test_carbon_is_energy_times_the_grid():
    emitted = carbon.carbon_kg(energy_kwh=Range(900.0, 1000.0, 1100.0), grid_gco2e_per_kwh=400.0)

    assert emitted == pytest.approx((360.0, 400.0, 440.0))


def test_an_unknown_tdp_or_grid_is_not_clean():
    power = carbon.accelerator_power_w(
        accelerators_count=16,
        tdp_w=math.nan,
        busy_fraction=1.0,
        load_power_fraction=ONE,
        idle_power_fraction=ONE,
        server_factor=ONE,
    )

    assert math.isnan(power.typical)
    assert math.isnan(carbon.carbon_kg(energy_kwh=ONE, grid_gco2e_per_kwh=math.nan).typical)


def test_a_loaded_cpu_instance_draws_what_its_source_says():
    shipped = coefficients.load().group("carbon")

    power = carbon.cpu_power_w(
        vcpus_count=100,
        busy_fraction=1.0,
        idle_w_per_vcpu=uncertainty.of(shipped["idle_w_per_vcpu"]),
        load_w_per_vcpu=uncertainty.of(shipped["load_w_per_vcpu"]),
    )

    # Cloud Carbon Footprint: 3.5 to 4.26 W per vCPU at full load, by provider
    assert 300 <= power.typical <= 430
    assert uncertainty.ordered(power)
