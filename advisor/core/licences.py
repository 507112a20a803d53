"""Whether a model's licence allows this organisation to use it: three-valued, and a blank licence blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from advisor.core.constraints import MET, MISSED, UNKNOWN, Check, Row
from advisor.core.document import Document
from advisor.core.quantity import Sentence, sentence
from catalog import rules
from catalog.records import Licence


@dataclass(frozen=True)
class Verdict:
    """``state`` is that of a constraint; ``text`` says why in one sentence."""

    state: int
    text: str
    evidence: tuple[str, ...]


def verdict(*, licence: Licence | None, model: str, facts: Mapping[str, Any]) -> Verdict:
    """Return whether ``licence`` (None where the catalog holds none) covers this use of ``model``.

    ``facts``: organisation seat, monthly users, commercial use; a fact that was not stated is absent.
    """
    if licence is None:
        return Verdict(MISSED, f"{model}: no licence is on file, and a model without one is not advised.", ())
    evidence = (f"licence:{licence.id}",)
    commercial = facts.get("commercial", True)
    if commercial and licence.commercial_use == "no":
        return Verdict(MISSED, f"{model}: {licence.name} does not allow commercial use.", evidence)
    states = {
        condition.id: (rules.evaluate(rule=condition, facts=facts), condition)
        for condition in licence.conditions
        if condition.severity == "hard"
    }
    for wanted, state in (("violated", MISSED), ("unknown", UNKNOWN)):
        for outcome, condition in states.values():
            if outcome == wanted:
                return Verdict(state, f"{model}: {licence.name}: {condition.message}", evidence)
    return Verdict(MET, f"{model}: {licence.name} allows this use.", evidence)


def facts_of(document: Document) -> dict[str, Any]:
    """Return the facts of a licence's conditions; what was not stated is absent."""
    stated = document.organisation.model_dump(exclude_none=True)
    return {name: stated[name] for name in ("seat", "monthly_users", "commercial") if name in stated}


def check(*, frame: pd.DataFrame, licences: Sequence[Licence], document: Document) -> Check:
    """Return the check that the licence of each candidate's weights allows this use.

    ``frame.licensed_model`` names the weights a candidate uses; blank where they are the team's own.
    """
    by_id = {licence.id: licence for licence in licences}
    facts = facts_of(document)
    pairs = list(zip(frame["licence_id"].fillna(""), frame["licensed_model"], strict=True))
    verdicts = {
        (id, model): verdict(licence=by_id.get(id), model=model, facts=facts) for id, model in set(pairs) if model
    }
    states = np.array([verdicts[pair].state if pair[1] else MET for pair in pairs], dtype=np.int8)

    def say(row: Row, state: int) -> Sentence:
        if not row["licensed_model"]:
            return sentence("The weights are your own: no licence limits them.", row["option_evidence"])
        found = verdicts[row["licence_id"] or "", row["licensed_model"]]
        return sentence(found.text, *(found.evidence or (row["option_evidence"],)))

    return Check("licence", "licence of the weights", states, say, decisive=True)
