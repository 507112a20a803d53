import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import coefficients, cpu, uncertainty
from estimator.uncertainty import Range

SHIPPED = coefficients.load()


@pytest.mark.parametrize(
    ("sku", "core", "vcpus"),
    [
        ("c6i.4xlarge", "icelake-smt", 16),
        ("m5.xlarge", "cascadelake-smt", 4),
        ("c7a.48xlarge", "genoa-core", 192),
        ("r8a.large", "turin-core", 2),
        ("c8gn.16xlarge", "graviton4", 64),
        ("m9g.metal-48xl", "graviton5", 192),
        ("m7i-flex.2xlarge", "sapphirerapids-smt", 8),
        ("t4g.medium", "", 1),  # burstable: a vCPU there is a share, not a core
        ("Standard_D16ps_v6", "cobalt100", 16),
        ("Standard_D2pls_v6", "cobalt100", 2),
        ("Standard_D96as_v7", "turin-smt", 96),
        ("Standard_F8as_v6", "genoa-core", 8),  # Fasv6 sells whole cores
        ("Standard_E8s_v6", "emeraldrapids-smt", 8),
        ("c4a-highmem-72", "axion-v2", 72),
        ("n4a-standard-16", "axion-n3", 16),
        ("c4d-standard-384", "turin-smt", 384),
        ("c4n-standard-8", "", 8),
    ],
)
def test_a_name_tells_core_and_vcpus(sku, core, vcpus):
    read = cpu.read_sku(sku)

    assert read.core == core
    assert read.vcpus_count == vcpus


def test_a_name_from_elsewhere_tells_nothing():
    read = cpu.read_sku("bm-standard-a1")

    assert read.core == ""
    assert math.isnan(read.vcpus_count)


def test_the_shipped_gains_form_one_tree():
    gains = [name.split("_over_") for name in SHIPPED.group("cpu.gain")]
    cores = {core for pair in gains for core in pair}

    reached = cpu.ratios_from(core="icelake-smt", coefficients=SHIPPED)

    assert len(gains) == len(cores) - 1  # a tree has one edge less than nodes: no two ways to a ratio
    assert set(reached) == cores


def test_every_core_a_name_can_tell_has_a_ratio():
    named = {core for table in (cpu._AWS_CORES, cpu._AZURE_CORES) for row in table.values() for core in row}
    named |= set(cpu._GCP_CORES.values()) | set(cpu._AZURE_WHOLE_CORES.values())

    assert named - {""} <= set(cpu.ratios_from(core="icelake-smt", coefficients=SHIPPED))


def test_a_ratio_multiplies_the_gains_on_its_path():
    ratio = cpu.ratios_from(core="graviton3", coefficients=SHIPPED)["graviton5"]

    # 1.28 × 1.25 with the shipped values
    assert ratio.range.typical == pytest.approx(1.6)
    assert ratio.evidence == (
        "coefficient:cpu.gain.graviton4_over_graviton3",
        "coefficient:cpu.gain.graviton5_over_graviton4",
    )


def test_there_and_back_is_one():
    there = cpu.ratios_from(core="icelake-smt", coefficients=SHIPPED)["graviton4"].range
    back = cpu.ratios_from(core="graviton4", coefficients=SHIPPED)["icelake-smt"].range

    assert there.typical * back.typical == pytest.approx(1.0)
    assert there.low * back.high == pytest.approx(1.0)


def test_the_measured_instance_keeps_its_rate():
    found = cpu.rates(
        skus=["c7g.4xlarge"], vcpus_count=[16.0], on="c7g.4xlarge", units_per_s=5200, coefficients=SHIPPED
    )

    row = found.iloc[0]
    assert (row["units_per_s_low"], row["units_per_s_typical"], row["units_per_s_high"]) == (5200, 5200, 5200)
    assert row["kind"] == "answer"


def test_a_sister_size_is_scaled_by_its_vcpus_with_a_narrow_range():
    found = cpu.rates(
        skus=["c7g.8xlarge"], vcpus_count=[32.0], on="c7g.4xlarge", units_per_s=1000, coefficients=SHIPPED
    )

    row = found.iloc[0]
    assert row["units_per_s_typical"] == pytest.approx(2000)
    assert row["units_per_s_low"] == pytest.approx(2000 * 0.94)
    assert row["units_per_s_high"] == pytest.approx(2000 * 1.03)
    assert row["kind"] == "assumption"


def test_another_core_is_scaled_by_claims_with_a_wide_range():
    found = cpu.rates(
        skus=["c8g.4xlarge"], vcpus_count=[16.0], on="c6i.4xlarge", units_per_s=1000, coefficients=SHIPPED
    )

    row = found.iloc[0]
    assert row["units_per_s_typical"] == pytest.approx(1000 * 1.40 * 1.28)
    assert row["units_per_s_high"] / row["units_per_s_low"] > 1.5
    assert "coefficient:cpu.gain.graviton3_over_icelake-smt" in row["evidence"]


def test_without_a_ratio_the_rate_is_unknown_with_the_reason():
    found = cpu.rates(
        skus=["c4n-standard-8", "c7g.4xlarge"],
        vcpus_count=[8.0, 16.0],
        on="t3.large",
        units_per_s=10,
        coefficients=SHIPPED,
    )

    assert found["units_per_s_typical"].isna().all()
    assert "measure one c4n-standard-8" in found["reason"].iloc[0]
    assert "t3.large" in found["reason"].iloc[1]


def test_the_name_stands_in_for_an_unknown_number_of_vcpus():
    found = cpu.rates(
        skus=["c7g.8xlarge"], vcpus_count=[math.nan], on="c7g.4xlarge", units_per_s=1, coefficients=SHIPPED
    )

    assert found["units_per_s_typical"].iloc[0] == pytest.approx(2.0)


def _fleet(*, mean=1000.0, peak=3.0, active=1.0, rate=100.0, load=0.65, spare=1.0, zones=1):
    return cpu.fleet(
        units_per_s_mean=mean,
        peak_factor=uncertainty.exactly(peak),
        active_fraction=active,
        units_per_s=uncertainty.exactly(rate),
        peak_load_fraction=uncertainty.exactly(load),
        spare_count=spare,
        zones_count=zones,
        hours_per_month=730.0,
    )


def test_a_fleet_by_hand():
    fleet = _fleet()

    # ⌈1,000 × 3 ÷ (100 × 0.65)⌉ + 1 = 47 + 1; mean: 1,000 ÷ 65 = 15.38, + 1 spare, × 730 h
    assert fleet.instances_count.typical == 48
    assert fleet.spare_instances.typical == 1
    assert fleet.useful_hours_per_month.typical == pytest.approx(1000 / 65 * 730)
    assert fleet.needed_hours_per_month.typical == pytest.approx((1000 / 65 + 1) * 730)


def test_the_planned_load_outlives_a_zone_by_itself():
    fleet = _fleet(zones=3)

    # 48 with the spare are 16 a zone; the other 32 give 3,200 a second where the peak asks 3,000
    assert fleet.instances_count.typical == 48
    assert fleet.spare_instances.typical == 1


def test_a_fuller_fleet_needs_more_instances_to_outlive_a_zone():
    fleet = _fleet(load=0.9, zones=3)

    # ⌈3,000 ÷ 90⌉ + 1 = 35 would be 12 a zone, and 24 of them carry 2,400: it takes ⌈3,000 ÷ 100 ÷ 2⌉ = 15 a zone
    assert fleet.instances_count.typical == 45
    assert fleet.spare_instances.typical == 11


@given(
    st.floats(min_value=1, max_value=1e5), st.floats(min_value=0.3, max_value=1.0), st.sampled_from([1.0, 4.0, 18.0])
)
def test_two_zones_of_three_carry_the_peak_in_whole_units(mean, load, unit):
    fleet = _fleet(mean=mean, load=load, spare=unit, zones=3)

    assert fleet.instances_count.high % (3 * unit) == 0
    for count in fleet.instances_count:
        assert count % 3 == 0
        assert count * 2 / 3 * 100 >= mean * 3 * (1 - 1e-6)


def test_a_load_that_fills_whole_instances_needs_no_other():
    assert _fleet(mean=650.0, peak=1.0, load=1.0, rate=65.0, spare=0.0).instances_count.typical == 10


@given(
    st.floats(min_value=0.01, max_value=1e6),
    st.floats(min_value=0.01, max_value=1e6),
    st.floats(min_value=1, max_value=10),
)
def test_more_load_never_needs_less(first, second, peak):
    little, much = sorted((first, second))
    rate = Range(80.0, 100.0, 130.0)

    fleets = [
        cpu.fleet(
            units_per_s_mean=mean,
            peak_factor=uncertainty.exactly(peak),
            active_fraction=1.0,
            units_per_s=rate,
            peak_load_fraction=Range(0.5, 0.65, 0.8),
            spare_count=1.0,
            zones_count=1,
            hours_per_month=730.0,
        )
        for mean in (little, much)
    ]

    for end in range(3):
        assert fleets[0].instances_count[end] <= fleets[1].instances_count[end]
        assert fleets[0].needed_hours_per_month[end] <= fleets[1].needed_hours_per_month[end] * (1 + 1e-9)
    assert uncertainty.ordered(fleets[1].instances_count)


def test_an_array_of_rates_gives_what_its_numbers_give():
    rates = np.array([50.0, 100.0, 333.0])

    together = _fleet(rate=rates).instances_count.typical

    assert together.tolist() == [_fleet(rate=rate).instances_count.typical for rate in rates]
