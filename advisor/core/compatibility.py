"""The catalog's compatibility rules applied to candidates: which hard rule a stack breaks, what a soft one warns of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from advisor.core.constraints import MET, MISSED, Check, Row
from advisor.core.quantity import Sentence, sentence
from catalog import rules
from catalog.records import Rule

_FACT_COLUMNS = {
    "provider": "provider",
    "sku": "sku",
    "accelerator": "accelerator",
    "accelerator_vendor": "accelerator_vendor",
    "software_stack": "software_stack",
    "accelerators_count": "accelerators_count",
    "host_isa": "host_isa",
    "trains": "trains",
    "serves": "serves",
    "self_serve": "self_serve",
    "model_family": "family",
    "open_weights": "open_weights",
}
_READ = {
    *_FACT_COLUMNS.values(), "path", "workload_kind", "instances_count_typical", "region", "fabric_gbps", "scope_key",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What the predicates say of one SKU under one workload."""

    violated: tuple[Rule, ...]
    warned: tuple[Rule, ...]


def outcomes(*, frame: pd.DataFrame, catalog_rules: Sequence[Rule], shared: Mapping[str, Any]) -> dict[str, Outcome]:
    """Return the outcome per ``key`` of the frame; ``shared`` holds the facts of the workload."""
    predicates = [rule for rule in catalog_rules if rule.rule_kind == "predicate"]
    found: dict[str, Outcome] = {}
    read = [name for name in frame.columns if name in _READ]
    for record in frame.loc[~key(frame).duplicated(), read].to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        facts = {**shared, **facts_of(row)}
        broken = [rule for rule in predicates if rules.evaluate(rule=rule, facts=facts) == "violated"]
        found[key(row)] = Outcome(
            violated=tuple(rule for rule in broken if rule.severity == "hard"),
            warned=tuple(rule for rule in broken if rule.severity == "soft"),
        )
    return found


def key(row: Any) -> Any:
    """Return what tells one outcome from another, of a row or of a whole frame: provider, SKU, and an API's scope."""
    return row["provider"] + "/" + row["sku"] + row["scope_key"]


def to_confirm(*, catalog_rules: Sequence[Rule], facts: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the rules that apply to these facts and that only the provider can answer."""
    return tuple(
        rule
        for rule in catalog_rules
        if rule.rule_kind == "confirm"
        and set(rule.when) <= set(facts)
        and rules.evaluate(rule=rule, facts=facts) == "unknown"
    )


def facts_of(row: Row) -> dict[str, Any]:
    """Return the rule facts of one candidate; what is blank or NaN is left out, so that rules see it as unknown."""
    facts = {fact: row[column] for fact, column in _FACT_COLUMNS.items() if column in row and _known(row[column])}
    facts["workload_kind"] = "managed_api" if row["path"] == "managed_api" else row["workload_kind"]
    if _known(row.get("instances_count_typical")):
        facts["nodes_count"] = int(row["instances_count_typical"])
    if row["path"] == "managed_api":
        facts |= {"accelerator": "none", "scope": row["region"]}
    if row.get("accelerator"):
        facts["fabric"] = "yes" if _known(row.get("fabric_gbps")) else "no"
    return facts


def _known(value: Any) -> bool:
    return value is not None and value != "" and value == value


def check(*, frame: pd.DataFrame, found: Mapping[str, Outcome]) -> Check:
    """Return the check that no hard compatibility rule is broken."""
    states = np.array([MISSED if found[id].violated else MET for id in key(frame)], dtype=np.int8)

    def say(row: Row, state: int) -> Sentence:
        broken = found[key(row)].violated
        if not broken:
            return sentence("No compatibility rule is broken.", row["option_evidence"])
        text = " ".join(f"{rule.message.rstrip('.')}." for rule in broken)
        return sentence(text, *(f"rule:{rule.id}" for rule in broken))

    return Check("compatibility", "layers fit together", states, say)
