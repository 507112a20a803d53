"""Purchase bases that compare like with like. Stacks are ranked within one group, never across."""

GROUPS: dict[str, tuple[str, ...]] = {
    "on_demand": ("on_demand",),
    "commitment": ("commitment_1y", "commitment_3y", "savings_plan_1y", "savings_plan_3y"),
    "time_boxed": ("capacity_block", "flex_start", "calendar_reservation"),
    "interruptible": ("spot",),
    "api": ("standard", "batch", "flex", "priority", "provisioned_throughput"),
}
GROUP_OF = {basis: group for group, bases in GROUPS.items() for basis in bases}
GROUP_TEXT = {
    "on_demand": "on demand",
    "commitment": "under a commitment of a year or more",
    "time_boxed": "in time-boxed capacity",
    "interruptible": "on interruptible capacity",
    "api": "through a managed API",
}
BASIS_TEXT = {
    "on_demand": "on demand",
    "spot": "spot",
    "commitment_1y": "1-year commitment",
    "commitment_3y": "3-year commitment",
    "savings_plan_1y": "1-year savings plan",
    "savings_plan_3y": "3-year savings plan",
    "capacity_block": "Capacity Block",
    "flex_start": "flex-start",
    "calendar_reservation": "calendar-mode reservation",
    "provisioned_throughput": "provisioned throughput",
    "standard": "standard tier",
    "batch": "batch tier",
    "flex": "flex tier",
    "priority": "priority tier",
}
