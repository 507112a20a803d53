"""What stands by so that a service outlives a loss, in units nobody divides: a replica, a rack, a slice, a zone."""

from typing import Any, NamedTuple

import numpy as np

from estimator import uncertainty
from estimator.coefficients import Coefficients
from estimator.uncertainty import Range
from estimator.workload import Workload

Number = Any  # a float or a numpy array; formulas take either

_SHARED = ", on instances that are there anyway: the loss of a whole instance is not covered"


class Standing(NamedTuple):
    """The instances that stand at the peak, those that work and stand by among them, and the replicas on all."""

    instances_count: Range
    working_instances: Range
    spare_instances: Range
    replicas_count: Range


def zones_of(*, workload: Workload, coefficients: Coefficients) -> tuple[int, tuple[str, ...]]:
    """Return in how many zones a service stands and what says so: three where its availability asks for it, else one.

    Batch work and training are done again instead. Source: ``spare`` in docs/estimates.md.
    """
    wanted = workload.targets.availability
    asked = coefficients.get("cost.spare.zone_availability")
    if wanted is None or wanted < asked.value:
        return 1, ()
    count = coefficients.get("cost.spare.zones_count")
    return round(count.value), (f"answer:{workload.id}.targets.availability", asked.id, count.id)


def rack_instances(*, accelerators_count: Number, domain_accelerators: Number, software_stack: Any) -> Number:
    """Return how many instances fail as one: those of a rack-scale scale-up domain, else 1. [instances]

    A TPU slice is one SKU however large the pod around it, so it is its own unit. An unknown domain is taken for the
    instance alone. Source: ``spare`` in docs/estimates.md.
    """
    own = np.asarray(accelerators_count, dtype=float)
    domain = np.asarray(domain_accelerators, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.floor(domain / own)
    is_rack = (own >= 1) & (inside > 1) & (np.asarray(software_stack) != "xla")
    return _plain(np.where(is_rack, inside, 1.0))


def standing(
    *,
    working_replicas: Range,
    replicas_per_instance: Number,
    instances_per_replica: Number,
    rack_instances: Number,
    zones_count: int,
    spare_replicas: float,
) -> Standing:
    """Return the fleet whose ``working_replicas`` still carry the peak after one loss. [instances, replicas]

    One zone: one more replica, or, where instances are parts of one rack, as many as the loss of that rack takes.
    Several zones: ⌈working ÷ (zones − 1)⌉ replicas in each, on whole instances, so that the others carry the peak when
    one is lost. Instances of a rack are sold singly (a rack sold whole is one instance); the high end is what a
    provider that hands out whole racks only would ask. Source: ``spare`` in docs/estimates.md.
    """
    packed, spread = np.asarray(replicas_per_instance, dtype=float), np.asarray(instances_per_replica, dtype=float)
    rack = np.asarray(rack_instances, dtype=float)
    found = []
    for place, end in enumerate(working_replicas):
        working = np.ceil(np.asarray(end, dtype=float) / packed) * spread
        sold_whole = place == 2
        whole = rack if sold_whole else np.ones_like(rack)
        if zones_count > 1:
            one_zone = np.ceil(np.asarray(end, dtype=float) / (zones_count - 1) - 1e-9)
            total = zones_count * np.ceil(np.ceil(one_zone / packed) * spread / whole) * whole
            replicas = zones_count * one_zone
        else:
            more = np.ceil((end + spare_replicas) / packed) * spread
            racked = working + (rack if sold_whole else np.minimum(rack, working))
            total = np.where(rack > 1, np.maximum(racked, more), more)
            replicas = np.where(rack > 1, np.floor(total / spread) * packed, end + spare_replicas)
        found.append((total, working, total - working, replicas))
    counts, workings, spares, all_replicas = (Range(*(_plain(end[column]) for end in found)) for column in range(4))
    return Standing(counts, workings, uncertainty.spanned(*spares), all_replicas)


def told(*, spare_instances: Number, instances_per_replica: Number, rack_instances: Number, zones_count: int) -> Any:
    """Return why instances stand by, one text a row; "" where how many is not known."""
    spare, spread, rack = np.broadcast_arrays(
        *(
            np.atleast_1d(np.asarray(part, dtype=float))
            for part in (spare_instances, instances_per_replica, rack_instances)
        )
    )
    texts = [
        ""
        if np.isnan(count)
        else _zones_text(zones_count)
        if zones_count > 1
        else f"{count:.0f} instances stand by: what the loss of one rack of {whole:.0f} takes"
        if whole > 1
        else f"one whole replica of {size:.0f} instances stands by"
        if size > 1
        else "one whole replica stands by" + ("" if count else _SHARED)
        for count, size, whole in zip(spare, spread, rack, strict=True)
    ]
    return np.array(texts, dtype=object)


def _zones_text(zones_count: int) -> str:
    return (
        f"{zones_count} equal zones of which one may be lost at the peak; zones are priced alike, transfer between "
        "them is not on file"
    )


def _plain(value: Any) -> Number:
    return float(value) if np.ndim(value) == 0 else value
