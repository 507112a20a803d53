"""What the names of Google's SKUs say, and what machines consist of. Names are as the catalog writes them."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pytest

from catalog.files import Facts
from catalog.records import Basis
from catalog.sources.google_components import LOCAL_SSD, Component, Named, can_be_bought, components, named


def gpu(of: str) -> Component:
    return Component("gpu", of)


def chip(of: str) -> Component:
    return Component("chip", of)


@pytest.mark.parametrize(
    ("description", "usage_type", "basis", "component"),
    [
        ("A2 Instance Core running in Americas", "OnDemand", "on_demand", Component("core", "a2")),
        ("A2 Instance Ram running in Americas", "OnDemand", "on_demand", Component("ram", "a2")),
        ("Spot Preemptible A3 Instance Core running in Tokyo", "Preemptible", "spot", Component("core", "a3")),
        ("A3Plus Instance Core running in Americas", "OnDemand", "on_demand", Component("core", "a3plus")),
        ("A3 Mega Instance Ram running in Americas", "OnDemand", "on_demand", Component("ram", "a3plus")),
        ("A3Ultra Instance Core running in Americas", "OnDemand", "on_demand", Component("core", "a3ultra")),
        ("DWS Defined Duration A3 Ultra Instance Core", "OnDemand", "flex_start", Component("core", "a3ultra")),
        ("DWS Defined Duration A3 Core running in Americas", "OnDemand", "flex_start", Component("core", "a3")),
        ("C4A Arm Instance Core running in Iowa", "OnDemand", "on_demand", Component("core", "c4a")),
        ("C4 Instance Core running in Iowa", "OnDemand", "on_demand", Component("core", "c4")),
        ("N2D AMD Instance Ram running in Iowa", "OnDemand", "on_demand", Component("ram", "n2d")),
        ("Commitment v1: N4 Cpu in Americas for 1 Year", "Commit1Yr", "commitment_1y", Component("core", "n4")),
        ("Commitment v1: C4A Arm Ram in Paris for 3 Years", "Commit3Yr", "commitment_3y", Component("ram", "c4a")),
        ("Commitment v1: G2 Cpu in Americas for 3 Year", "Commit3Yr", "commitment_3y", Component("core", "g2")),
        ("Nvidia Tesla A100 GPU running in Americas", "OnDemand", "on_demand", gpu("a100-40gb")),
        ("Nvidia Tesla A100 80GB GPU running in Americas", "OnDemand", "on_demand", gpu("a100-80gb")),
        ("Nvidia L4 GPU attached to Spot Preemptible VMs running in Delhi", "Preemptible", "spot", gpu("l4-24gb")),
        ("Nvidia H100 80GB GPU running in Americas", "OnDemand", "on_demand", gpu("h100-sxm-80gb")),
        ("Nvidia H100 80GB Plus GPU running in Americas", "OnDemand", "on_demand", gpu("h100-mega")),
        ("Nvidia H100 80GB Mega GPU running in Frankfurt", "OnDemand", "on_demand", gpu("h100-mega")),
        (
            "Nvidia H100 Mega 80GB GPU attached to DWS Defined Duration VMs running in Americas",
            "OnDemand",
            "flex_start",
            gpu("h100-mega"),
        ),
        (
            "Reserved Nvidia H100 80GB Mega GPU in Americas in Calendar Mode",
            "OnDemand",
            "calendar_reservation",
            gpu("h100-mega"),
        ),
        ("H200 141GB GPU running in Netherlands", "OnDemand", "on_demand", gpu("h200-sxm-141gb")),
        ("RTX 6000 96GB running in Belgium", "OnDemand", "on_demand", gpu("rtx-pro-6000-96gb")),
        (
            "RTX 6000 96GB attached to Spot Preemptible VMs running in Iowa",
            "OnDemand",
            "spot",
            gpu("rtx-pro-6000-96gb"),
        ),
        (
            "Commitment v1: Nvidia H100 80GB GPU running in Americas for 1 Year",
            "Commit1Yr",
            "commitment_1y",
            gpu("h100-sxm-80gb"),
        ),
        # A slice holds its cores and memory. Its spot SKU is typed OnDemand.
        ("A4 Nvidia B200 (1 gpu slice) running in Iowa", "OnDemand", "on_demand", Component("slice", "a4")),
        ("Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in Iowa", "OnDemand", "spot", Component("slice", "a4")),
        (
            "DWS Calendar Mode A4 Nvidia B200 (1 gpu slice) in Seoul",
            "OnDemand",
            "calendar_reservation",
            Component("slice", "a4"),
        ),
        (
            "Commitment v1: A4 Nvidia B200 (1 gpu slice) in Americas for 1 Year",
            "Commit1Yr",
            "commitment_1y",
            Component("slice", "a4"),
        ),
        ("SSD backed Local Storage", "OnDemand", "on_demand", LOCAL_SSD),
        ("SSD backed Local Storage in Frankfurt", "OnDemand", "on_demand", LOCAL_SSD),
        ("SSD backed Local Storage attached to Spot Preemptible VMs", "OnDemand", "spot", LOCAL_SSD),
        ("DWS Defined Duration SSD backed Local Storage running in Americas", "OnDemand", "flex_start", LOCAL_SSD),
        ("Commitment v1: Local SSD In Americas for 1 Year", "Commit1Yr", "commitment_1y", LOCAL_SSD),
        ("TpuV5e running in Delhi", "OnDemand", "on_demand", chip("tpu-v5e")),
        ("TpuV5p running in Sao Paulo", "OnDemand", "on_demand", chip("tpu-v5p")),
        ("TPU7x running in Americas", "OnDemand", "on_demand", chip("tpu-v7-ironwood")),
        ("TpuV6e attached to Spot Preemptible VMs running in Columbus", "OnDemand", "spot", chip("tpu-v6e")),
        ("TpuV5e attached to Preemptible VMs running in Columbus", "OnDemand", "spot", chip("tpu-v5e")),
        ("Preemptible TpuV5e running in Columbus", "OnDemand", "spot", chip("tpu-v5e")),
        ("DWS Defined Duration V6e running in Columbus", "OnDemand", "flex_start", chip("tpu-v6e")),
        ("Reserved V5e TPU in Seoul in Calendar Mode", "OnDemand", "calendar_reservation", chip("tpu-v5e")),
        ("Reserved TpuV5p in Delhi in Calendar Mode", "OnDemand", "calendar_reservation", chip("tpu-v5p")),
        (
            "Commitment v1: TpuV5p running in Netherlands for 3 Years",
            "Commit3Yr",
            "commitment_3y",
            chip("tpu-v5p"),
        ),
    ],
)
def test_a_name_says_what_is_sold_and_how(
    description: str, usage_type: str, basis: Basis, component: Component
) -> None:
    assert named(description=description, usage_type=usage_type) == Named(basis, component)


@pytest.mark.parametrize(
    ("description", "usage_type"),
    [
        ("Reserved Nvidia Tesla A100 GPU in Americas", "OnDemand"),  # a placeholder, at a price of zero
        ("Reserved A2 Ram in Netherlands", "OnDemand"),
        ("A2 Sole Tenancy Instance Core running in Americas", "OnDemand"),
        ("Sole Tenancy Premium for A2 Instance Core running in Americas", "OnDemand"),
        ("Nvidia L4 GPU attached to Sole Tenancy VMs running in Americas", "OnDemand"),
        ("N4 Custom Instance Core running in Americas", "OnDemand"),
        ("N4 Custom Extended Instance Ram running in Americas", "OnDemand"),
        ("Memory Optimized Upgrade Premium for Memory-optimized Instance Core running in Iowa", "OnDemand"),
        ("Committed Use Discount Premium for N4 Instance Core running in Iowa", "CmtCudPremium"),
        ("N4 Suspended Instance Ram running in Americas", "OnDemand"),
        ("Storage for suspended N4 Instance Ram running in Americas", "OnDemand"),
        ("Capacity Optimized TpuV6e running in Columbus", "OnDemand"),
        ("Commitment v1: N4A Core in Johannesburg for 5 Years", "Commit"),
        ("Commitment v1: N4 Cpu in Americas for 1 Year", "OnDemand"),  # name and type disagree
        ("Commitment v1: N4 Cpu in Americas for 3 Years", "Commit1Yr"),
        ("N4 Instance Core running in Americas", "Commit1Yr"),
        ("N4 Instance Core running in Americas", "Commit1Mo"),
        ("C4 Instance Local SSD running in Iowa", "OnDemand"),  # not part of the machines we hold
        ("Nvidia L4 Virtual Workstation GPU running in Iowa", "OnDemand"),
        ("SSD backed PD Capacity", "OnDemand"),
        ("Licensing Fee for Windows Server 2022 Datacenter Edition (CPU cost)", "OnDemand"),
        ("Network Vpn Internet Egress from Americas to Africa", "OnDemand"),
        ("", "OnDemand"),
    ],
)
def test_what_is_another_product_has_no_name_here(description: str, usage_type: str) -> None:
    assert named(description=description, usage_type=usage_type) is None


def test_a_pod_of_v4_is_priced_for_four_chips() -> None:
    assert named(description="Tpu-v4 Pod Accelerator USA", usage_type="OnDemand") == Named(
        "on_demand", chip("tpu-v4"), 4
    )
    assert named(description="Preemptible Tpu-v4 Pod Accelerator USA", usage_type="OnDemand") == Named(
        "spot", chip("tpu-v4"), 4
    )


@pytest.mark.parametrize(
    ("sku", "made_of"),
    [
        ("c4-standard-2", {"core/c4": "2", "ram/c4": "7"}),
        ("c4a-highmem-16", {"core/c4a": "16", "ram/c4a": "128"}),
        ("a2-highgpu-1g", {"core/a2": "12", "ram/a2": "85", "gpu/a100-40gb": "1"}),
        ("a2-ultragpu-2g", {"core/a2": "24", "ram/a2": "340", "gpu/a100-80gb": "2", "local_ssd/": "750"}),
        ("a3-highgpu-8g", {"core/a3": "208", "ram/a3": "1872", "gpu/h100-sxm-80gb": "8", "local_ssd/": "6000"}),
        ("a3-megagpu-8g", {"core/a3plus": "208", "ram/a3plus": "1872", "gpu/h100-mega": "8", "local_ssd/": "6000"}),
        (
            "a3-ultragpu-8g",
            {"core/a3ultra": "224", "ram/a3ultra": "2952", "gpu/h200-sxm-141gb": "8", "local_ssd/": "12000"},
        ),
        ("a3-ultragpu-8g-nolssd", {"core/a3ultra": "224", "ram/a3ultra": "2952", "gpu/h200-sxm-141gb": "8"}),
        ("a4-highgpu-8g", {"slice/a4": "8"}),  # the slices hold cores, memory and disks
        ("g4-standard-12", {"core/g4": "12", "ram/g4": "45", "gpu/rtx-pro-6000-96gb": "0.25"}),
        ("ct5lp-hightpu-4t", {"chip/tpu-v5e": "4"}),
        ("tpu-v5litepod-16", {"chip/tpu-v5e": "16"}),  # the number counts chips
        ("tpu-v6e-8", {"chip/tpu-v6e": "8"}),  # and here
        ("tpu-v5p-8", {"chip/tpu-v5p": "4"}),  # but here TensorCores, two a chip
        ("tpu-v4-8", {"chip/tpu-v4": "4"}),  # and here
        ("tpu7x-standard-4t", {"chip/tpu-v7-ironwood": "4"}),
    ],
)
def test_a_machine_is_the_sum_of_its_components(facts: Facts, sku: str, made_of: dict[str, str]) -> None:
    (machine,) = [row for row in facts.instances if row.provider == "gcp" and row.sku == sku]

    found = components(machine)

    assert found is not None
    assert {f"{piece.resource}/{piece.of}": f"{amount.normalize():f}" for piece, amount in found.items()} == {
        piece: f"{Decimal(amount).normalize():f}" for piece, amount in made_of.items()
    }


def test_only_what_is_announced_or_sold_in_an_unknown_way_has_no_components(facts: Facts) -> None:
    unknown = {row.sku for row in facts.instances if row.provider == "gcp" and components(row) is None}

    assert unknown == {
        "a4x-highgpu-4g", "a4x-maxgpu-4g-metal", "a5x-announced", "tpu-v8i-announced", "tpu-v8t-announced",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sku", "on_demand", "commitment"),
    [
        ("a4-highgpu-8g", False, True),
        ("a3-ultragpu-8g", False, True),
        ("a3-highgpu-1g", False, False),
        ("a3-highgpu-8g", True, True),
        ("a3-megagpu-8g", True, True),
        ("g4-standard-48", True, True),
    ],
)
def test_a_sku_is_not_yet_an_offer(sku: str, on_demand: bool, commitment: bool) -> None:
    assert can_be_bought(sku=sku, basis="on_demand") is on_demand
    assert can_be_bought(sku=sku, basis="commitment_1y") is commitment
    assert can_be_bought(sku=sku, basis="spot")
    assert can_be_bought(sku=sku, basis="flex_start")


def test_the_whole_machines_on_file_are_sums_of_these_components(facts: Facts) -> None:
    """Another source's 400 on-demand prices: in each region and family some rates of components explain all sizes."""
    machines = {row.sku: components(row) for row in facts.instances if row.provider == "gcp"}
    sizes: dict[tuple[str, str], list[tuple[Mapping[Component, Decimal], float]]] = defaultdict(list)
    for offer in facts.offers:
        made_of = machines.get(offer.sku) if offer.source_id == "karpenter-gcp-prices" else None
        if made_of and offer.basis == "on_demand" and offer.price_usd_per_hour is not None:
            sizes[offer.region, offer.sku.partition("-")[0]].append((made_of, float(offer.price_usd_per_hour)))

    off = {}
    for family, rows in sizes.items():
        pieces = sorted({piece for made_of, _ in rows for piece in made_of}, key=str)
        # Each row over its price: rates × amounts must come to one.
        shares = np.array([[float(made_of.get(piece, 0)) / price for piece in pieces] for made_of, price in rows])
        rates = np.linalg.lstsq(shares, np.ones(len(rows)), rcond=None)[0]
        off[family] = float(np.abs(shares @ rates - 1).max())

    assert sum(len(rows) for rows in sizes.values()) > 400
    assert {family: error for family, error in off.items() if error > 1e-5} == {}
