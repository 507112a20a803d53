"""Completes a candidate to a stack of six layers by exact enumeration of networking × storage × orchestration."""

import fnmatch
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.core import compatibility
from advisor.core.candidates import Field
from advisor.core.document import Document
from advisor.core.money import Money
from advisor.core.quantity import Number, number, unknown
from catalog import rules
from catalog.frame import Catalog
from estimator.coefficients import Coefficients
from estimator.workload import TRAINING_KINDS

_PURPOSE = {
    "pretraining": "training",
    "finetuning": "finetuning",
    "batch_inference": "batch",
    "online_inference": "serving",
    "cpu_serving": "serving",
}
_BURDEN = {"low": 1.0, "medium": 0.7, "high": 0.4}
_FABRIC_WORDS = ("tcpxo", "tcpx", "rdma", "roce", "infiniband", "efa", "ici", "ethernet")
_SILICON_NAMES = {"NVIDIA": "nvidia", "AMD": "amd", "AWS": "trainium", "Google": "tpu", "Microsoft": "maia"}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Layers:
    """The six layers of one stack: {id, name, evidence} each, with the bill of stored data and the ease of running."""

    options: dict[str, dict[str, Any]]
    storage_usd: Number
    operations: float
    operations_reason: str
    portable_orchestration: bool


def complete(
    *, row: Row, field: Field, document: Document, catalog: Catalog, coefficients: Coefficients, money: Money
) -> Layers:
    """Return the best completion of a candidate: no hard rule broken, then easiest to run, then cheapest to store."""
    answer = _stored_evidence(field)
    stored_tb = field.workload.data.stored_tb or 0.0
    storage = money.choices(
        provider=row["provider"], region=row["region"], kind=field.workload.kind, stored_tb=stored_tb, answer=answer
    )
    if row["path"] == "managed_api":
        return _managed(row=row, storage=storage)
    networking = _networking(row=row, field=field, catalog=catalog)
    orchestration = _orchestration(row=row, field=field, catalog=catalog)
    predicates = [rule for rule in catalog.rules if rule.rule_kind == "predicate" and rule.severity == "hard"]
    base = compatibility.facts_of(row)
    best: tuple[Any, ...] | None = None
    for net, store, orch in itertools.product(networking or [None], storage or [None], orchestration or [None]):
        chosen = {"networking": net and net["id"], "storage": store and store[0], "orchestration": orch and orch["id"]}
        facts = {**base, **{layer: id for layer, id in chosen.items() if id}}
        if any(
            set(rule.when) | set(rule.require) <= set(facts) and rules.evaluate(rule=rule, facts=facts) == "violated"
            for rule in predicates
        ):
            continue
        ease, reason = _operations(row=row, orchestration=orch, document=document, coefficients=coefficients)
        cost = store[1]["value"] if store and store[1]["value"] is not None else float("inf")
        rank = (-ease, cost, str(chosen))
        if best is None or rank < best[0]:
            best = (rank, net, store, orch, ease, reason)
    if best is None:
        best = ((), None, storage[0] if storage else None, None, 0.0, "no orchestration on file fits")
    _, net, store, orch, ease, reason = best
    return Layers(
        options={
            "compute": _compute(row, catalog),
            "accelerator": _accelerator(row),
            "networking": _option(net, "networking"),
            "storage": _option(_storage_row(catalog, store), "storage"),
            "orchestration": _option(orch, "orchestration"),
            "model_layer": _model_layer(field),
        },
        storage_usd=store[1] if store else unknown(unit="USD/month", reason="no storage option on file"),
        operations=ease,
        operations_reason=reason,
        portable_orchestration=bool(orch and orch.get("portable") == "yes"),
    )


def _stored_evidence(field: Field) -> str:
    said = field.stated.data.stored_tb is not None
    return f"{'answer' if said else 'default'}:{field.path}.data.stored_tb"


def _managed(*, row: Row, storage: Sequence[tuple[str, Number]]) -> Layers:
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
        operations=1.0,
        operations_reason="the provider runs it",
        portable_orchestration=True,
    )


def _compute(row: Row, catalog: Catalog) -> dict[str, Any]:
    families = catalog.cpu_families
    named = families[families["id"] == row["cpu_family"]] if row["cpu_family"] else families.iloc[:0]
    family = named["name"].iloc[0] if len(named) else (row["host_isa"] or "host CPU")
    evidence = [row["option_evidence"], *(f"cpu_family:{row['cpu_family']}" for _ in named["id"])]
    return {"id": row["cpu_family"] or None, "name": f"{row['sku']} ({family})", "evidence": evidence}


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
    return {
        "id": model.id,
        "name": f"{model.id}, on weights you hold",
        "evidence": [f"answer:{field.path}.model"],
    }


def _option(option: Row | None, layer: str) -> dict[str, Any]:
    if option is None:
        return {"id": None, "name": "no option on file fits: ask the provider", "evidence": []}
    return {"id": option["id"], "name": option["name"], "evidence": [f"option:{layer}/{option['id']}"]}


def _storage_row(catalog: Catalog, chosen: tuple[str, Number] | None) -> Row | None:
    if chosen is None:
        return None
    rows = catalog.storage[catalog.storage["id"] == chosen[0]]
    return {str(key): value for key, value in rows.iloc[0].items()}


def _rows(frame: Any, provider: str) -> list[dict[str, Any]]:
    mine = frame[frame["provider"].isin((provider, "any"))]
    return [{str(key): value for key, value in row.items()} for row in mine.to_dict("records")]


def _networking(*, row: Row, field: Field, catalog: Catalog) -> list[dict[str, Any]]:
    """Return the fabrics an instance has: the one its shape names, else the provider's general network."""
    options = [option for option in _rows(catalog.networking, row["provider"]) if option["status"] == "offered"]
    fabric = str(row["fabric_type"] or "").lower()
    word = next((word for word in _FABRIC_WORDS if word in fabric), None)
    many = not (row["instances_count_typical"] <= 1)
    if word and row["accelerator"] and (many or field.workload.kind in TRAINING_KINDS):
        named = [option for option in options if word in f"{option['id']} {option['name']}".lower()]
        fabrics = [option for option in named if option["category"] in ("inter_node_fabric", "scale_up")]
        if fabrics:
            return fabrics
    return [option for option in options if option["category"] in ("front_end", "virtualisation")]


def _orchestration(*, row: Row, field: Field, catalog: Catalog) -> list[dict[str, Any]]:
    """Return the orchestrators of a provider for this kind of work that know this accelerator."""
    purpose = _PURPOSE.get(field.workload.kind, "serving")
    found = []
    for option in _rows(catalog.orchestration, row["provider"]):
        purposes = set(option["purposes"])
        if purpose not in purposes and not (purpose in ("finetuning", "batch") and "training" in purposes):
            continue
        globs = list(option["supported_accelerators"] or ())
        if row["accelerator"] and globs and not any(fnmatch.fnmatch(row["accelerator"], glob) for glob in globs):
            continue
        found.append(option)
    return found


def _operations(
    *, row: Row, orchestration: Row | None, document: Document, coefficients: Coefficients
) -> tuple[float, str]:
    """Return how easy a stack is to run for this team, 0 to 1, with the reason in words. A judgement, not a "
    "measurement."""
    ease = _BURDEN.get(str((orchestration or {}).get("operations_burden")), 0.7)
    reasons = []
    team = document.team
    silicon = _SILICON_NAMES.get(str(row["accelerator_vendor"]))
    if row["accelerator"] and silicon and silicon not in (team.accelerators or ()):
        ease -= coefficients.get("plan.operations_new_silicon_penalty").value
        reasons.append(f"{row['accelerator_vendor']} silicon is new to the team")
    text = f"{(orchestration or {}).get('name', '')} {(orchestration or {}).get('job_api', '')}".lower()
    if team.orchestrators and not any(name.lower() in text for name in team.orchestrators):
        ease -= coefficients.get("plan.operations_new_orchestrator_penalty").value
        reasons.append("the orchestrator is new to the team")
    return max(0.0, ease), "; ".join(reasons) or "the team runs such stacks today"


def operations_number(layers: Layers, evidence: Sequence[str]) -> Number:
    """Return the ease of running as a report number. [fraction, higher is easier]"""
    return number(
        layers.operations, unit="fraction", kind="judgement", evidence=evidence, reason=layers.operations_reason
    )
