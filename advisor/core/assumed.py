"""Where what we assume of a further cloud or silicon family, and not a price, puts the plan first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from advisor.core import plan
from advisor.core.case import Case
from advisor.core.plan import Choice, Plan
from advisor.core.quantity import Number, Sentence, a_month, listed, number, sentence, usd
from advisor.core.stacks import Stack

_ASSUMED = {"plan.fixed_usd_per_month_extra_cloud": "cloud", "plan.fixed_usd_per_month_extra_silicon": "silicon family"}
_AS_MUCH = 0.005  # of a value from 0 to 1, which is shown with two digits
_NEAR = 1e-4  # of the amount at which the other plan comes first: finer than the three digits shown


@dataclass(frozen=True)
class Decided:
    """An assumed monthly cost that puts the plan first, and the stacks another plan would have at another amount.

    On this ``side`` of ``enough`` they come first; it is unknown where even at nothing they are worth as much and no
    more.
    """

    of: str
    side: str
    amount: Number
    enough: Number
    others: tuple[tuple[Choice, Stack], ...]

    @property
    def text(self) -> Sentence:
        """Return which assumption decides, and from where on which other stacks would be first."""
        names = listed([stack.label for _, stack in self.others])
        without = f"{self.side} {usd(self.enough['value'])} {names} would be first"
        if self.enough["value"] is None:
            without = f"without it the plan would be worth as much with {names}"
        return sentence(
            f"Decided by our assumption that a further {self.of} costs {a_month(self.amount)}: {without}.",
            *self.enough["evidence"],
        )


def decided(*, choices: Sequence[Choice], best: Plan, case: Case) -> list[Decided]:
    """Return the assumed costs that put the plan first: were they nothing, or as high as they may be, another would be.

    A plan that carries nothing is decided by no assumption.
    """
    if None in best.chosen:
        return []
    found = (
        _decided(key=key, end=end, choices=choices, best=best, case=case)
        for key in _ASSUMED
        for end in (0.0, case.coefficients.get(key).high)
    )
    return [one for one in found if one]


def _decided(*, key: str, end: float, choices: Sequence[Choice], best: Plan, case: Case) -> Decided | None:
    assumed = case.coefficients.get(key)

    def at(amount: float, among: Sequence[Choice] = choices) -> Plan:
        entries = {**case.coefficients.entries, key: replace(assumed, value=amount)}
        return plan.joint(choices=among, case=replace(case, coefficients=replace(case.coefficients, entries=entries)))

    other = at(end)
    if other.chosen == best.chosen:
        return None
    held = [replace(one, eligible=(mine,)) for one, mine in zip(choices, best.chosen, strict=True) if mine]
    first = other.value - at(end, held).value >= _AS_MUCH
    if end and not first:
        return None  # a tie where the assumed cost is at its highest says nothing
    keeps, moves = assumed.value, end
    while first and abs(keeps - moves) > _NEAR * max(keeps, moves):
        middle = (keeps + moves) / 2
        found = at(middle)
        keeps, moves, other = (middle, moves, other) if found.chosen == best.chosen else (keeps, middle, found)
    others = tuple(
        (choice, stack)
        for choice, stack, mine in zip(choices, other.chosen, best.chosen, strict=True)
        if stack and stack != mine
    )
    evidence = (assumed.id, *best.monthly["evidence"], *(id for _, one in others for id in one.monthly["evidence"]))
    return Decided(
        of=_ASSUMED[key],
        side="above" if end else "below",
        amount=number(
            assumed.value, assumed.low, assumed.high, unit="USD/month", kind=assumed.kind, evidence=(assumed.id,)
        ),
        enough=number(
            moves if first else None,
            unit="USD/month",
            kind="estimate",
            evidence=evidence,
            reason="" if first else "at nothing both plans are worth as much",
        ),
        others=others,
    )


def as_json(one: Decided) -> dict[str, object]:
    """Return an assumption that decides in the report's shape."""
    return {
        "of": one.of,
        "side": one.side,
        "assumed_usd_per_month": one.amount,
        "enough": one.enough,
        "stacks": [
            {"workload_id": choice.field.workload.id, "stack_id": stack.id, "label": stack.label}
            for choice, stack in one.others
        ],
        "text": one.text,
    }
