"""Completes a candidate to a stack of six layers by exact enumeration of networking × storage × orchestration."""

import fnmatch
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from advisor.core import compatibility
from advisor.core.candidates import Field
from advisor.core.case import Case
from advisor.core.quantity import Number, number, unknown
from advisor.core.schema import InlineModel
from catalog import rules
from catalog.frame import Catalog
from catalog.units import HOURS_PER_MONTH

_ORCHESTRATORS = ("kubernetes", "scheduler", "managed_service", "toolkit")
_VARYING = frozenset(("networking", "storage", "orchestration"))
_BURDEN = {"low": 1.0, "medium": 0.7, "high": 0.4}
_SILICON_NAMES = {"NVIDIA": "nvidia", "AMD": "amd", "AWS": "trainium", "Google": "tpu", "Microsoft": "maia"}

Row = Mapping[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Layers:
    """The six layers of one stack: {id, name, evidence} each, with the bill of stored data and the ease of running."""

    options: dict[str, dict[str, Any]]
    storage_usd: Number
    checkpoint_usd: Number | None
    orchestration_usd: Number
    operations: float
    operations_reason: str
    fabric: bool


def complete(*, row: Row, field: Field, case: Case) -> Layers:
    """Return the best completion of a candidate: no hard rule broken, priced, the fastest network,
    then the easiest to run, then the cheapest to store."""
    answer = case.said.evidence_id(f"{field.path}.data.stored_tb")
    stored_tb = field.workload.data.stored_tb or 0.0
    storage = case.money.choices(
        provider=row["provider"],
        region=row["region"],
        kind=field.workload.kind,
        stored_tb=stored_tb + field.kept_tb,
        answer=answer,
    )
    if row["path"] == "managed_api":
        return _managed(row=row, storage=storage)
    networking = _networking(row=row, catalog=case.catalog)
    orchestration = _orchestration(row=row, catalog=case.catalog)
    predicates = [rule for rule in case.catalog.rules if rule.rule_kind == "predicate" and rule.severity == "hard"]
    base = compatibility.facts_of(row)
    # Only what names one of the three layers can change from one combination to the next.
    asked = [(rule, {*rule.when, *rule.require}) for rule in predicates]
    broken_anyway = any(
        names <= set(base) and rules.evaluate(rule=rule, facts=base) == "violated" for rule, names in asked
    )
    varying = [(rule, names) for rule, names in asked if names & _VARYING and names <= {*base, *_VARYING}]
    best: tuple[Any, ...] | None = None
    for (place, net), store, orch in itertools.product(
        enumerate(_or_none(networking)), _or_none(storage), _or_none(orchestration)
    ):
        chosen = {
            "networking": net and net["id"],
            "storage": store and store[0]["id"],
            "orchestration": orch and orch["id"],
        }
        facts = {**base, **{layer: id for layer, id in chosen.items() if id}}
        if broken_anyway or any(
            names <= facts.keys() and rules.evaluate(rule=rule, facts=facts) == "violated" for rule, names in varying
        ):
            continue
        ease, reason = _operations(row=row, orchestration=orch, case=case)
        fee = cluster_fee(orch)
        bill = [line["value"] for line in (store[1] if store else None, fee) if line is not None]
        unpriced = sum(amount is None for amount in bill)
        rank = (unpriced, place, -ease, sum(amount or 0.0 for amount in bill), str(chosen))
        if best is None or rank < best[0]:
            best = (rank, net, store, orch, ease, reason)
    if best is None:
        best = ((), None, storage[0] if storage else None, None, 0.0, "no orchestration on file fits")
    _, net, store, orch, ease, reason = best
    return Layers(
        options={
            "compute": _compute(row, case.catalog),
            "accelerator": _accelerator(row),
            "networking": _option(net, "networking"),
            "storage": _option(store and store[0], "storage"),
            "orchestration": _option(orch, "orchestration"),
            "model_layer": _model_layer(field),
        },
        storage_usd=_stored(store=store, row=row, stored_tb=stored_tb, answer=answer, case=case),
        checkpoint_usd=_checkpoints(store=store, row=row, field=field, case=case),
        orchestration_usd=cluster_fee(orch),
        operations=ease,
        operations_reason=reason,
        fabric=bool(net and net["category"] in ("inter_node_fabric", "scale_up")),
    )


def _stored(*, store: tuple[Row, Number] | None, row: Row, stored_tb: float, answer: str, case: Case) -> Number:
    if store is None:
        return unknown(unit="USD/month", reason="no storage option on file")
    return case.money.stored(
        provider=row["provider"], region=row["region"], option_id=store[0]["id"], stored_tb=stored_tb, answer=answer
    )


def _checkpoints(*, store: tuple[Row, Number] | None, row: Row, field: Field, case: Case) -> Number | None:
    """Return what a training's checkpoints cost where the data stand; None where none are kept. [USD/month]"""
    if field.kept is None:
        return None
    kept_tb, evidence = field.kept
    if store is None:
        return unknown(unit="USD/month", reason="no storage option on file", evidence=evidence)
    return case.money.kept(
        provider=row["provider"], region=row["region"], option_id=store[0]["id"], kept_tb=kept_tb, evidence=evidence
    )


def _managed(*, row: Row, storage: Sequence[tuple[Row, Number]]) -> Layers:
    hidden = {"id": None, "name": "run by the provider, not visible to you", "evidence": [row["option_evidence"]]}
    none = unknown(unit="USD/month", reason="no storage option on file")
    return Layers(
        options={
            "compute": hidden,
            "accelerator": hidden,
            "networking": hidden,
            "storage": {"id": None, "name": "object storage for prompts and logs", "evidence": [row["option_evidence"]]}
            if storage
            else hidden,
            "orchestration": {"id": None, "name": f"{row['platform']} (API)", "evidence": [row["option_evidence"]]},
            "model_layer": {
                "id": row["sku"],
                "name": f"{row['sku']} by {row['vendor']}, {row['region']} scope",
                "evidence": [row["option_evidence"]],
            },
        },
        storage_usd=storage[0][1] if storage else none,
        checkpoint_usd=None,
        orchestration_usd=number(0.0, unit="USD/month", kind="list price", evidence=(row["option_evidence"],)),
        operations=1.0,
        operations_reason="the provider runs it",
        fabric=False,
    )


def _compute(row: Row, catalog: Catalog) -> dict[str, Any]:
    named = _families(catalog).get(row["cpu_family"])
    family = named or row["host_isa"] or "host CPU"
    evidence = [row["option_evidence"], *((f"cpu_family:{row['cpu_family']}",) if named else ())]
    return {"id": row["cpu_family"] or None, "name": f"{row['sku']} ({family})", "evidence": evidence}


@lru_cache(maxsize=4)
def _families(catalog: Catalog) -> Mapping[str, str]:
    return dict(zip(catalog.cpu_families["id"], catalog.cpu_families["name"], strict=True))


def _accelerator(row: Row) -> dict[str, Any]:
    if not row["accelerator"]:
        return {"id": None, "name": "none", "evidence": [row["option_evidence"]]}
    name = f"{row['accelerator_name']} × {row['accelerators_count']:g} per instance"
    return {"id": row["accelerator"], "name": name, "evidence": [f"accelerator:{row['accelerator']}"]}


def _model_layer(field: Field) -> dict[str, Any]:
    model = field.workload.architecture
    if model is None:
        evidence = [f"answer:{field.path}.kind"]
        return {"id": None, "name": "your own models: chosen apart from the infrastructure", "evidence": evidence}
    evidence = [f"answer:{field.path}.model"]
    is_own = isinstance(field.stated.model, InlineModel)
    name = "the model you describe" if is_own else model.id
    return {"id": model.id, "name": f"{name}, on weights you hold", "evidence": evidence}


def _option(option: Row | None, layer: str) -> dict[str, Any]:
    if option is None:
        return {"id": None, "name": "no option on file fits: ask the provider", "evidence": []}
    return {"id": option["id"], "name": option["name"], "evidence": [f"option:{layer}/{option['id']}"]}


@lru_cache(maxsize=32)
def _rows(catalog: Catalog, layer: str, provider: str) -> tuple[Row, ...]:
    """Return a layer's options at a provider, cut out once a release; nobody writes into them."""
    frame = getattr(catalog, layer)
    mine = frame[frame["provider"].isin((provider, "any"))]
    return tuple({str(key): value for key, value in row.items()} for row in mine.to_dict("records"))


def _or_none(options: Sequence[_T]) -> Sequence[_T | None]:
    return options or (None,)


def _networking(*, row: Row, catalog: Catalog) -> list[Row]:
    """Return the networks an instance may use, best first: between nodes its fabric or torus, then the general one."""
    options = [option for option in _rows(catalog, "networking", row["provider"]) if option["status"] == "offered"]
    general = [option for option in options if option["category"] in ("front_end", "virtualisation")]
    many = not (row["instances_count_typical"] <= 1)
    if row["accelerator"] and many and str(row["fabric_type"] or ""):
        for category in ("inter_node_fabric", "scale_up"):
            fabrics = [option for option in options if option["category"] == category and _names(option, row)]
            if fabrics:
                return fabrics + general
    return general


def _names(option: Row, row: Row) -> bool:
    """Return whether an option names this SKU, or else this accelerator."""
    globs, parts = _list(option["sku_globs"]), _list(option["accelerators"])
    if globs:
        return any(fnmatch.fnmatch(row["sku"], glob) for glob in globs)
    return any(fnmatch.fnmatch(row["accelerator"], glob) for glob in parts)


def _list(cell: Any) -> list[str]:
    return [part for part in str(cell or "").split(";") if part]


def _orchestration(*, row: Row, catalog: Catalog) -> list[Row]:
    """Return the orchestrators of a provider for this kind of work that know this accelerator."""
    found = []
    for option in _rows(catalog, "orchestration", row["provider"]):
        globs = _list(option["supported_accelerators"])
        fits = row["workload_kind"] in _list(option["workload_kinds"]) and option["category"] in _ORCHESTRATORS
        known = not row["accelerator"] or any(fnmatch.fnmatch(row["accelerator"], glob) for glob in globs)
        if fits and known:
            found.append(option)
    return found


def cluster_fee(option: Row | None) -> Number:
    """Return the monthly fee of one cluster's control plane. [USD/month]"""
    if option is None:
        return unknown(unit="USD/month", reason="no orchestration option on file")
    evidence = (f"option:orchestration/{option['id']}",)
    price = option["price_usd_per_cluster_hour"]
    if price is None or price != price:
        return unknown(unit="USD/month", reason=f"{option['name']}: {option['price_reason']}", evidence=evidence)
    return number(float(price) * HOURS_PER_MONTH, unit="USD/month", kind=str(option["kind"]), evidence=evidence)


def _operations(*, row: Row, orchestration: Row | None, case: Case) -> tuple[float, str]:
    """Return how easy a stack is to run for this team, 0 to 1, with the reason in words. A judgement, not a
    measurement."""
    ease = _BURDEN.get(str((orchestration or {}).get("operations_burden")), 0.7)
    reasons = []
    team = case.document.team
    silicon = _SILICON_NAMES.get(str(row["accelerator_vendor"]))
    if row["accelerator"] and silicon and silicon not in (team.accelerators or ()):
        ease -= case.coefficients.get("plan.operations_new_silicon_penalty").value
        reasons.append(f"{row['accelerator_vendor']} silicon is new to the team")
    text = f"{(orchestration or {}).get('name', '')} {(orchestration or {}).get('job_api', '')}".lower()
    if team.orchestrators and not any(name.lower() in text for name in team.orchestrators):
        ease -= case.coefficients.get("plan.operations_new_orchestrator_penalty").value
        reasons.append("the orchestrator is new to the team")
    return max(0.0, ease), "; ".join(reasons) or "the team runs such stacks today"


def operations_number(layers: Layers, evidence: Sequence[str]) -> Number:
    """Return the ease of running as a report number. [fraction, higher is easier]"""
    return number(
        layers.operations, unit="fraction", kind="judgement", evidence=evidence, reason=layers.operations_reason
    )
