"""EC2's own description of its machines: vCPUs, memory, accelerators. Compared with the catalog, never taken."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from catalog.files import Facts
from catalog.sources import aws_session, aws_terms
from catalog.sources.source import Found, Keep, Outside, Page, Part, Shape, SourceFailed

NAME = "aws"
DATASET = "aws-ec2-instance-types"
WIDEST = ("us-east-1", "us-east-2", "us-west-2")  # a machine has one shape everywhere; these hold nearly all
# Memory of one accelerator that EC2 is known to state wrongly, in MiB: an L4 has 24 GB, a Trainium2 96 GiB.
MISSTATED: Mapping[str, int] = {"L4": 22888, "Trainium2": 524288}
_MIB_A_GIB = 1024


def parts(*, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
    """Return one part a region asked for, else those of WIDEST. Raises NotConfigured without credentials."""
    aws_session.need_credentials("Shapes of EC2 machines")
    found = aws_session.regions(facts, WIDEST if regions is None else regions, partitions=[aws_session.own_partition()])
    return [Part(source=NAME, dataset=DATASET, region=region) for region in found]


def fetch(part: Part, *, keep: Keep) -> None:
    """Keep the description of every machine of a region.

    Raises SourceBusy, SourceFailed, and NotConfigured where the region is not enabled for this account.
    """
    made = aws_session.client("ec2", region=part.region, pace_name="aws-ec2")
    aws_session.keep_pages(made, "describe_instance_types", keep=keep, MaxResults=100)


def read(part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
    """Read the shape of each machine that the catalog holds. Raises SourceFailed."""
    known, known_count, outside_count = aws_terms.machines(facts), 0, 0
    for page, machine in aws_session.rows(pages, "InstanceTypes"):
        if not isinstance(machine.get("InstanceType"), str):
            raise SourceFailed(f"{page.url}: a machine without a name: its interface may have changed.")
        if machine["InstanceType"] not in known:
            outside_count += 1
            continue
        known_count += 1
        yield _shape(machine)
    if not known_count:
        raise SourceFailed(f"{pages[0].url}: no machine that we know.")
    if outside_count:
        yield Outside(count=outside_count, what="EC2 machines without a row in instances.csv")


def _shape(machine: Mapping[str, Any]) -> Shape:
    devices = _devices(machine)
    memories = {_memory_gib(device) for device in devices}
    memory_mib = (machine.get("MemoryInfo") or {}).get("SizeInMiB")
    return Shape(
        provider="aws",
        sku=machine["InstanceType"],
        vcpus_count=(machine.get("VCpuInfo") or {}).get("DefaultVCpus"),
        memory_gib=memory_mib / _MIB_A_GIB if memory_mib else None,
        accelerators_count=sum(_count(device) for device in devices) or None,
        accelerator_memory_gib=memories.pop() if len(memories) == 1 else None,
        locator=machine["InstanceType"],
    )


def _devices(machine: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return GPUs, else Neuron devices; Inferentia stands a second time among the inference accelerators."""
    for group, name in (
        ("GpuInfo", "Gpus"),
        ("NeuronInfo", "NeuronDevices"),
        ("InferenceAcceleratorInfo", "Accelerators"),
    ):
        found = (machine.get(group) or {}).get(name)
        if found:
            return list(found)
    return ()


def _count(device: Mapping[str, Any]) -> float:
    """Return how many whole accelerators these are; a sliced GPU states a count of 0, and its slice."""
    if "GpuPartitionSize" in device and "LogicalGpuCount" in device:
        return float(device["LogicalGpuCount"] * device["GpuPartitionSize"])
    return float(device.get("Count") or 0)


def _memory_gib(device: Mapping[str, Any]) -> float | None:
    mib = (device.get("MemoryInfo") or {}).get("SizeInMiB")
    is_slice = device.get("GpuPartitionSize", 1) != 1
    if not mib or is_slice or MISSTATED.get(str(device.get("Name"))) == mib:
        return None
    return float(mib) / _MIB_A_GIB
