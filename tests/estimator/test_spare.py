import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator import coefficients, spare, uncertainty
from estimator.uncertainty import Range
from estimator.workload import Targets, Workload

SHIPPED = coefficients.load()


def stand(working, *, packed=1.0, spread=1.0, rack=1.0, zones=1):
    return spare.standing(
        working_replicas=working if isinstance(working, Range) else uncertainty.exactly(working),
        replicas_per_instance=packed,
        instances_per_replica=spread,
        rack_instances=rack,
        zones_count=zones,
        spare_replicas=1.0,
    )


@pytest.mark.parametrize(
    ("asked", "instances", "by"),
    [
        ({"working": 5.0}, 6, 1),
        ({"working": 5.0, "spread": 4.0}, 24, 4),  # a replica of four instances is not divided
        ({"working": 5.0, "packed": 8.0}, 1, 0),  # the sixth replica finds room on the same instance
        ({"working": 8.0, "packed": 8.0}, 2, 1),
        ({"working": 20.0, "rack": 18.0}, 38, 18),
        ({"working": 4.0, "zones": 3}, 6, 2),  # equal thirds: 4 × 3 ÷ 2
        ({"working": 5.0, "zones": 3}, 9, 4),  # three whole replicas a zone
        ({"working": 3.0, "spread": 4.0, "zones": 3}, 24, 12),
        ({"working": 2.0, "rack": 18.0}, 4, 2),  # both stand in one rack
        ({"working": 20.0, "rack": 18.0, "zones": 3}, 30, 10),
    ],
)
def test_a_fleet_and_its_spare_by_hand(asked, instances, by):
    fleet = stand(**asked)

    assert fleet.instances_count.typical == instances
    assert fleet.spare_instances.typical == by


def test_the_high_end_is_asked_to_take_whole_racks():
    fleets = [stand(2.0, rack=18.0), stand(20.0, rack=18.0, zones=3)]

    assert [fleet.instances_count.high for fleet in fleets] == [20, 54]


@given(
    st.integers(min_value=1, max_value=500),
    st.sampled_from([1.0, 2.0, 8.0]),
    st.sampled_from([1.0, 4.0]),
    st.sampled_from([1.0, 18.0]),
)
def test_what_is_left_after_a_loss_carries_the_peak(working, packed, spread, rack):
    packed = 1.0 if spread > 1 else packed
    one, three = (stand(float(working), packed=packed, spread=spread, rack=rack, zones=zones) for zones in (1, 3))

    assert one.instances_count.typical - one.working_instances.typical == one.spare_instances.typical
    assert three.instances_count.typical * 2 / 3 >= one.working_instances.typical
    assert three.instances_count.typical % (3 * spread) == 0
    assert three.instances_count.high % (3 * (rack if rack > 1 else spread)) == 0
    assert three.instances_count.typical >= stand(float(working), packed=packed, spread=spread).instances_count.typical
    for fleet in (one, three):
        assert uncertainty.ordered(fleet.instances_count)
        assert uncertainty.ordered(fleet.spare_instances)


def test_an_array_gives_what_its_numbers_give():
    working, racks = np.array([1.0, 7.0, 40.0]), np.array([1.0, 18.0, 1.0])

    for zones in (1, 3):
        together = stand(working, rack=racks, zones=zones).instances_count
        alone = [
            stand(float(one), rack=rack, zones=zones).instances_count for one, rack in zip(working, racks, strict=True)
        ]
        assert together.typical.tolist() == [fleet.typical for fleet in alone]
        assert together.low.tolist() == [fleet.low for fleet in alone]


@pytest.mark.parametrize(
    ("count", "domain", "stack", "instances"),
    [
        (4.0, 72.0, "cuda", 18.0),  # GB200 and GB300 NVL72
        (16.0, 64.0, "neuron", 4.0),  # a Trn2 UltraServer
        (72.0, 72.0, "cuda", 1.0),  # sold as the whole rack
        (4.0, 256.0, "xla", 1.0),  # a slice of a pod
        (0.25, 1.0, "cuda", 1.0),  # a part of a card
        (8.0, np.nan, "cuda", 1.0),
    ],
)
def test_a_rack_is_what_its_scale_up_links_join(count, domain, stack, instances):
    found = spare.rack_instances(accelerators_count=count, domain_accelerators=domain, software_stack=stack)

    assert found == instances


def test_what_a_spare_does_not_cover_is_said():
    texts = [
        spare.told(spare_instances=count, instances_per_replica=1.0, rack_instances=1.0, zones_count=1)[0]
        for count in (0.0, 1.0, np.nan)
    ]

    assert "the loss of a whole instance is not covered" in texts[0]
    assert texts[1:] == ["one whole replica stands by", ""]


def test_zones_are_asked_for_by_a_stated_availability_only():
    service = Workload(id="chat", kind="online_inference")

    found = [
        spare.zones_of(
            workload=dataclasses.replace(service, targets=Targets(availability=percent)), coefficients=SHIPPED
        )
        for percent in (None, 99.5, 99.9, 99.99)
    ]

    assert [zones for zones, _ in found] == [1, 1, 3, 3]
    assert found[0][1] == ()
    assert "answer:chat.targets.availability" in found[2][1]
