"""Whether a model's licence allows this organisation to use it: three-valued, and a blank licence blocks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog import rules
from catalog.records import Licence


@dataclass(frozen=True)
class Verdict:
    """``state`` is met, missed or cannot be confirmed; ``text`` says why in one sentence."""

    state: str
    text: str
    evidence: tuple[str, ...]


def check(*, licence: Licence | None, model: str, facts: Mapping[str, Any]) -> Verdict:
    """Return whether ``licence`` (None where the catalog holds none) covers this use of ``model``.

    ``facts``: organisation seat, monthly users, commercial use; a fact that was not stated is absent.
    """
    if licence is None:
        return Verdict("missed", f"{model}: no licence is on file, and a model without one is not advised.", ())
    evidence = (f"licence:{licence.id}",)
    commercial = facts.get("commercial", True)
    if commercial and licence.commercial_use == "no":
        return Verdict("missed", f"{model}: {licence.name} does not allow commercial use.", evidence)
    states = {
        condition.id: (rules.evaluate(rule=condition, facts=facts), condition)
        for condition in licence.conditions
        if condition.severity == "hard"
    }
    for wanted, state in (("violated", "missed"), ("unknown", "cannot be confirmed")):
        for outcome, condition in states.values():
            if outcome == wanted:
                return Verdict(state, f"{model}: {licence.name}: {condition.message}", evidence)
    return Verdict("met", f"{model}: {licence.name} allows this use.", evidence)
