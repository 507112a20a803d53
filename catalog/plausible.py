"""Whether a price that a source states can be believed. Pure; who decides about the doubtful ones is an operator."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from catalog.files import CHEAPER_THAN_ON_DEMAND, RANGES, Facts
from catalog.records import Instance

MOST = Decimal(3)  # a price beyond a third or three times what it is compared with is not believed by itself
FAMILY_LEAST_COUNT = 3  # fewer prices are no family to compare with


@dataclass(frozen=True)
class Doubt:
    """Why a row is not believed: a code, and a sentence for people."""

    code: str  # problem, zero, range, moved, family, above_on_demand, above_standard, twice
    text: str


Key = tuple[str, str, str]  # subject, key, meter


@dataclass(frozen=True)
class Known:
    """What new prices are compared with: those that stand, and the shapes they are prices of."""

    standing: Mapping[Key, Decimal]
    instances: Mapping[str, Instance]  # by provider/sku
    families: Mapping[tuple[str, ...], Decimal] = field(default_factory=dict)  # medians
    excepted: frozenset[str] = frozenset()  # offers whose price stands outside its family for a stated reason


def known(*, standing: Mapping[Key, Decimal], facts: Facts) -> Known:
    """Return what to compare with, the medians of the families of standing offers worked out. [USD per hour]

    A family is one accelerator, or one machine without any, on one purchase basis; its prices are per accelerator, or
    of the machine. Source: the standing prices.
    """
    instances = {row.id: row for row in facts.instances}
    members: dict[tuple[str, ...], list[Decimal]] = defaultdict(list)
    for (subject, key, _), amount in standing.items():
        if subject == "offer" and (found := _family(key, instances)) is not None:
            members[found[0]].append(amount / found[1])
    return Known(
        standing=standing,
        instances=instances,
        families={
            family: Decimal(statistics.median(amounts))
            for family, amounts in members.items()
            if len(amounts) >= FAMILY_LEAST_COUNT
        },
        excepted=frozenset(row.id for row in facts.price_exceptions),
    )


def doubt(
    *, key: Key, amount: Decimal | None, problem: str, known: Known, beside: Mapping[Key, Decimal]
) -> Doubt | None:
    """Return why this price is not believed, or None. [USD per the meter's unit]

    ``beside`` are the prices of the same reading that were believed so far: on-demand before what must be cheaper.
    A price that stands already is believed. Source: MOST, ``catalog.files.RANGES``.
    """
    if problem:
        return Doubt("problem", problem)
    if amount is None or amount <= 0:
        return Doubt("zero", "The source states no price above zero; nothing that is rented is free.")
    before = known.standing.get(key)
    if before == amount:
        return None
    subject, name, meter = key
    return (
        _out_of_range(amount, table="offers" if subject == "offer" else "model_offers", meter=meter)
        or _moved(amount, before=before)
        or (_beside_family(amount, key=name, known=known) if subject == "offer" else None)
        or _dearer(amount, key=key, known=known, beside=beside)
    )


def order(keys: Iterable[Key]) -> list[Key]:
    """Return keys so that what others are compared with comes first: on-demand and standard prices."""
    return sorted(keys, key=lambda key: (_cheaper_than(key) is not None, key))


def _out_of_range(amount: Decimal, *, table: str, meter: str) -> Doubt | None:
    low, high, question = RANGES[table].get(meter, (0.0001, 1_000, "Is it per thousand tokens?"))
    if low <= amount <= high:
        return None
    return Doubt("range", f"{amount:g} is outside {low:g} to {high:g}. {question}")


def _moved(amount: Decimal, *, before: Decimal | None) -> Doubt | None:
    if before is None or before / MOST <= amount <= before * MOST:
        return None
    return Doubt("moved", f"It moved from {before.normalize():f} to {amount.normalize():f}, more than {MOST} times.")


def _beside_family(amount: Decimal, *, key: str, known: Known) -> Doubt | None:
    found = _family(key, known.instances)
    if found is None or key in known.excepted:
        return None
    family, count = found
    median = known.families.get(family)
    if median is None or median / MOST <= amount / count <= median * MOST:
        return None
    return Doubt(
        "family",
        f"{amount / count:.4g} USD an hour, but the median of {' '.join(family)} on file is {median:.4g}: "
        f"more than {MOST} times apart.",
    )


def _dearer(amount: Decimal, *, key: Key, known: Known, beside: Mapping[Key, Decimal]) -> Doubt | None:
    other = _cheaper_than(key)
    if other is None:
        return None
    than = beside.get(other) or known.standing.get(other)
    if than is None or amount <= than:
        return None
    code = "above_on_demand" if key[0] == "offer" else "above_standard"
    return Doubt(code, f"{amount.normalize():f} is above {than.normalize():f}, the price it should be a reduction of.")


def _cheaper_than(key: Key) -> Key | None:
    """Return the price that this one must not exceed."""
    subject, name, meter = key
    if subject == "offer":
        place, _, basis = name.rpartition("/")
        return (subject, f"{place}/on_demand", meter) if basis in CHEAPER_THAN_ON_DEMAND else None
    standard = {
        "batch_input_usd_per_mtok": "input_usd_per_mtok",
        "batch_output_usd_per_mtok": "output_usd_per_mtok",
        "cached_input_usd_per_mtok": "input_usd_per_mtok",
    }.get(meter)
    return (subject, name, standard) if standard else None


def _family(key: str, instances: Mapping[str, Instance]) -> tuple[tuple[str, ...], Decimal] | None:
    provider, _, sku, basis = key.split("/")
    shape = instances.get(f"{provider}/{sku}")
    if shape is None:
        return None
    if shape.accelerator and shape.accelerators_count:
        return (shape.accelerator, basis), Decimal(str(shape.accelerators_count))
    return (provider, sku, basis), Decimal(1)
