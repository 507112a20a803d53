"""Collectives over scale-up domain, node and fabric."""

import numpy as np
import pytest

from estimator.collectives import (
    all_to_all_seconds,
    gather_seconds,
    ranks_inside,
    ring_bytes_per_s,
)

H100 = {
    "domain": 8.0,
    "domain_bytes_per_s": 450e9,
    "node": 8.0,
    "node_bytes_per_s": 20e9,
    "fabric_bytes_per_s": 50e9,
}


def test_a_gather_by_hand():
    # 8 ranks, 800 MB in all: each receives 700 MB at 100 GB/s
    assert gather_seconds(total_bytes=800e6, group=8, bytes_per_s=100e9) == pytest.approx(7e-3)


def test_one_rank_costs_nothing_not_even_latency():
    assert gather_seconds(total_bytes=1e9, group=1, bytes_per_s=1.0, latency_s=1.0) == 0
    assert (
        all_to_all_seconds(
            token_bytes=1e9,
            copies=8,
            group=1,
            inside=1,
            inside_bytes_per_s=1.0,
            outside_bytes_per_s=1.0,
            latency_s=1.0,
        )
        == 0
    )


def test_a_ring_inside_the_domain_uses_the_scale_up_link():
    assert ring_bytes_per_s(group=8.0, stride=1.0, **H100) == 450e9


def test_a_ring_across_nodes_uses_all_adapters_of_its_ranks():
    assert ring_bytes_per_s(group=64.0, stride=1.0, **H100) == 8 * 50e9
    assert ring_bytes_per_s(group=8.0, stride=8.0, **H100) == 50e9


def test_cards_without_a_scale_up_link_share_pcie_in_the_node():
    pcie = H100 | {"domain": 1.0, "domain_bytes_per_s": 20e9}

    assert ring_bytes_per_s(group=4.0, stride=1.0, **pcie) == 20e9


def test_ranks_inside_never_leave_the_group_nor_vanish():
    assert ranks_inside(group=np.array([4.0, 64.0, 64.0]), stride=np.array([1.0, 2.0, 16.0]), domain=8.0).tolist() == [
        4,
        4,
        1,
    ]


def test_a_token_crosses_to_each_remote_domain_once():
    # 2 domains of 4; 8 copies of 1 byte: both domains are reached almost surely, half of the reached ones are remote
    distinct = 2 * (1 - 0.5**8)

    seconds = all_to_all_seconds(
        token_bytes=1.0, copies=8.0, group=8.0, inside=4.0, inside_bytes_per_s=1e9, outside_bytes_per_s=1.0
    )

    assert seconds == pytest.approx(distinct / 2)


@pytest.mark.parametrize("group", [2.0, 8.0, 64.0, 512.0])
def test_faster_links_never_take_longer(group):
    slow = ring_bytes_per_s(group=group, stride=1.0, **H100)
    fast = ring_bytes_per_s(group=group, stride=1.0, **(H100 | {"fabric_bytes_per_s": 100e9}))

    assert gather_seconds(total_bytes=1e9, group=group, bytes_per_s=fast) <= gather_seconds(
        total_bytes=1e9, group=group, bytes_per_s=slow
    )
