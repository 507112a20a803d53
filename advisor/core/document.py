"""The one schema of a decision: file, form, API and examples are this document.

``check`` serves drafts (what is there must be right) and, with ``complete=True``, advice (what is needed must be there
too). The keys themselves stand in ``schema``, the reading of files in ``reading``.
"""

import datetime as dt
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from advisor.core.problems import DocumentError, Path, closest, from_pydantic, problem
from advisor.core.reading import Reading, parse, read
from advisor.core.schema import (
    PATTERNS,
    PROVIDERS,
    TOKEN_KINDS,
    TRAINING_KINDS,
    Document,
    InlineModel,
    ManagedModel,
    Preferences,
    Workload,
)

if TYPE_CHECKING:
    from catalog.frame import Catalog

__all__ = [
    "Document",
    "DocumentError",
    "InlineModel",
    "Known",
    "ManagedModel",
    "Reading",
    "Workload",
    "canonical",
    "check",
    "json_schema",
    "known_from",
    "other_names",
    "parse",
    "read",
]


# Modes of a model offer that answer a request with text; embeddings, images and speech are priced by other units.
ANSWERING_MODES = ("chat", "completion", "responses")


@dataclass(frozen=True, kw_only=True)
class Known:
    """The names the catalog holds; a document that names another is refused with the nearest of these."""

    providers: tuple[str, ...] = PROVIDERS
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # provider → region codes
    countries: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()  # provider/sku
    model_families: tuple[str, ...] = ()  # those that answer with text


def known_from(catalog: "Catalog") -> Known:
    """Return the names that a published catalog holds."""
    regions, architectures, models = catalog.regions, catalog.architectures, catalog.model_offers
    names = {*architectures["id"], *(name for cell in architectures["aliases"] for name in other_names(cell))}
    skus = {*catalog.instances["id"], *(catalog.offers["provider"] + "/" + catalog.offers["sku"])}
    return Known(
        regions={provider: _words(regions.loc[regions["provider"] == provider, "region"]) for provider in PROVIDERS},
        countries=_words(regions["country"]),
        architectures=_words(names),
        skus=_words(skus),
        model_families=_words(models.loc[models["mode"].isin(ANSWERING_MODES), "family"]),
    )


def other_names(cell: Any) -> tuple[str, ...]:
    """Return the names that a cell of the architectures' ``aliases`` column lists, with ; between them."""
    return tuple(name for name in cell.split(";") if name) if isinstance(cell, str) else ()


def _words(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if isinstance(value, str) and value}))


def check(
    raw: Mapping[str, Any] | Document,
    *,
    complete: bool = False,
    known: Known | None = None,
    moment: dt.date | None = None,
) -> Document:
    """Return the document, or raise DocumentError that names every fault by its path.

    A draft may lack things; ``complete=True`` asks for what advice needs. ``known`` refuses names the catalog does not
    hold, ``moment`` a need-by day that has passed.
    """
    document = raw if isinstance(raw, Document) else _validated(raw)
    items = _repeated(document)
    if known is not None:
        items += _unknown_names(document, known)
    if complete:
        items += _missing(document)
        items += _contradictions(document)
        if moment is not None:
            items += _too_late(document, moment)
    if items:
        raise DocumentError(items)
    return document


def canonical(document: Document) -> dict[str, Any]:
    """Return the document as plain JSON values without what was not said: equal documents give equal values to hash."""
    return typing.cast(dict[str, Any], _pruned(document.model_dump(mode="json", by_alias=True, exclude_none=True)))


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the document, for OpenAPI, editors and the reference page."""
    schema = Document.model_json_schema(by_alias=True)
    schema["title"] = "Decision document"
    return schema


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        parts = {key: _pruned(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part != {}}
    return [_pruned(part) for part in value] if isinstance(value, list) else value


def _validated(raw: Any) -> Document:
    if not isinstance(raw, Mapping):
        raise DocumentError([problem("", raw, "The document must be one mapping of keys to values.")])
    try:
        return Document.model_validate(dict(raw))
    except ValidationError as error:
        details = error.errors(include_url=False)
        for detail in details:
            if detail["type"] == "string_pattern_mismatch":
                detail["type"] = "said"
                detail["ctx"] = {
                    "said": PATTERNS.get(
                        detail["ctx"]["pattern"], "must be EU or a country code of two capital letters"
                    )
                }
        items = from_pydantic(details, fields_at=_fields_at)
    raise DocumentError(items)


def _fields_at(path: Path) -> list[str]:
    """Return the keys that may stand at a path, both forms of ``model`` included."""
    at: list[type[BaseModel]] = [Document]
    for step in path:
        if isinstance(step, str):
            at = [
                part
                for model in at
                for name, info in model.model_fields.items()
                if (info.alias or name) == step
                for part in _models_in(info.annotation)
            ]
    return [info.alias or name for model in at for name, info in model.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]


def _repeated(document: Document) -> list[dict[str, Any]]:
    seen: set[str] = set()
    items = []
    for index, workload in enumerate(document.workloads):
        if workload.id in seen:
            path: Path = ["workloads", index, "id"]
            items.append(problem(path, workload.id, f"id must differ between workloads; {workload.id!r} stands twice."))
        seen.add(workload.id)
    return items


def _unknown_names(document: Document, known: Known) -> list[dict[str, Any]]:
    items = _unknown_region(["current", "region"], document.current.provider, document.current.region, known)
    residency = document.constraints.residency
    if residency not in (None, "EU") and known.countries and residency not in known.countries:
        message = f"No region of the catalog lies in {residency!r}; residency takes EU or one of these countries."
        items.append(
            problem(["constraints", "residency"], residency, message, ["EU", *closest(residency, known.countries)])
        )
    for index, workload in enumerate(document.workloads):
        here: list[str | int] = ["workloads", index]
        if workload.data.located_in:
            provider, region = workload.data.located_in.split(":", 1)
            items += _unknown_region([*here, "data", "located_in"], provider, region, known)
        model = workload.model
        if isinstance(model, str) and model not in known.architectures:
            message = f"The catalog has no model architecture {model!r}; name one it has or give the shape (layers …)."
            items.append(problem([*here, "model"], model, message, closest(model, known.architectures)))
        if isinstance(model, ManagedModel):
            for number, entry in enumerate(model.acceptable):
                if entry.family not in known.model_families:
                    path = [*here, "model", "acceptable", number, "family"]
                    message = f"The catalog has no model family {entry.family!r} that answers with text."
                    items.append(problem(path, entry.family, message, closest(entry.family, known.model_families)))
        if workload.measured and workload.measured.on:
            items += _unknown_sku([*here, "measured", "on"], workload.measured.on, known)
    return items


def _unknown_region(
    path: list[str | int], provider: str | None, region: str | None, known: Known
) -> list[dict[str, Any]]:
    if provider is None or provider not in known.regions or region is None or region in known.regions[provider]:
        return []
    owners = [other for other, regions in known.regions.items() if region in regions]
    where = f" It is a region of {owners[0]}." if owners else ""
    prefix = f"{provider}:" if path[-1] == "located_in" else ""
    near = [prefix + name for name in closest(region, known.regions[provider])]
    return [problem(path, prefix + region, f"{provider} has no region {region!r} in the catalog.{where}", near)]


def _unknown_sku(path: list[str | int], on: str, known: Known) -> list[dict[str, Any]]:
    names = known.skus if "/" in on else tuple({name.split("/", 1)[1] for name in known.skus})
    if on in names:
        return []
    message = f"The catalog has no instance {on!r}; measurements are scaled from an instance it holds."
    return [problem(path, on, message, closest(on, names))]


def _missing(document: Document) -> list[dict[str, Any]]:
    """Return what advice needs and the document does not say."""
    items = []
    if not document.decision:
        items.append(problem("decision", None, "decision is required: say in a few words what is to be decided."))
    if not document.workloads:
        items.append(problem("workloads", None, "workloads is required: describe at least one workload."))
    for index, workload in enumerate(document.workloads):
        for path, why in _needed(workload):
            place: Path = ["workloads", index, *path]
            items.append(problem(place, None, f"{path[-1]} is required {why}."))
    return items


def _needed(workload: Workload) -> list[tuple[list[str], str]]:
    kind, measured, traffic = workload.kind, workload.measured, workload.traffic
    names: tuple[str, ...]
    needed: list[tuple[list[str], str]] = []
    if measured is not None:
        why = "for a measured workload"
        if measured.on is None:
            needed.append((["measured", "on"], why))
        if measured.units_per_s is None and measured.hours_per_month is None:
            needed.append((["measured", "units_per_s"], "(or hours_per_month) for a measured workload"))
        if kind in TRAINING_KINDS and measured.hours_per_month is None and measured.units_per_s is not None:
            needed.append((["measured", "hours_per_month"], "for measured training work"))
        if kind not in TRAINING_KINDS and measured.hours_per_month is None and traffic.requests_per_s_mean is None:
            needed.append((["traffic", "requests_per_s_mean"], "to scale the measured rate to your load"))
    elif kind == "managed_api" or (kind in TOKEN_KINDS and workload.model is not None):
        why = f"for {kind}: cost is counted in tokens"
        if traffic.requests_per_s_mean is None:
            needed.append((["traffic", "requests_per_s_mean"], why))
        needed += [
            (["traffic", f"{side}_tokens"], f"(or {side}_characters) {why}")
            for side in ("input", "output")
            if getattr(traffic, f"{side}_tokens") is None and getattr(traffic, f"{side}_characters") is None
        ]
    elif kind in TRAINING_KINDS and workload.model is not None and getattr(workload.training, "tokens", None) is None:
        needed.append((["training", "tokens"], f"for {kind}: it sets the amount of work"))
    if isinstance(workload.model, InlineModel):
        why = "for a model given by its shape"
        names = ("layers", "hidden", "heads", "ffn_hidden", "vocab")
        needed += [(["model", name], why) for name in names if getattr(workload.model, name) is None]
        if workload.model.experts_count:
            names = ("experts_active", "expert_hidden")
            needed += [
                (["model", name], "for a model with experts") for name in names if not getattr(workload.model, name)
            ]
    return needed


def _contradictions(document: Document) -> list[dict[str, Any]]:
    """Return statements that cannot hold together."""
    items = []
    ids = [workload.id for workload in document.workloads]
    for index, flow in enumerate(document.flows):
        for key, name in (("from", flow.from_), ("to", flow.to)):
            if name not in ids:
                message = f"{key} must be the id of a workload; there is none called {name!r}."
                items.append(problem(["flows", index, key], name, message, closest(name, ids)))
        if flow.from_ == flow.to:
            items.append(problem(["flows", index, "to"], flow.to, "to must be another workload than from."))
    aims = {name: getattr(document.preferences, name) for name in Preferences.model_fields}
    for name, aim in aims.items():
        if aim.ideal is not None and aim.unacceptable is not None and aim.ideal >= aim.unacceptable:
            message = f"ideal must be less than unacceptable ({aim.unacceptable:g}); you gave {aim.ideal:g}."
            items.append(problem(["preferences", name, "ideal"], aim.ideal, message))
    if all(aim.weight == 0 for aim in aims.values()):
        items.append(problem("preferences", None, "At least one preference must have a weight above 0."))
    for index, workload in enumerate(document.workloads):
        items += _workload_contradictions(["workloads", index], workload)
    return items


def _workload_contradictions(here: list[str | int], workload: Workload) -> list[dict[str, Any]]:
    items = []
    kind, model = workload.kind, workload.model
    if workload.training is not None and kind not in TRAINING_KINDS:
        message = f"training belongs to {_or(TRAINING_KINDS)}; set it to null for {kind}."
        items.append(problem([*here, "training"], "a mapping", message))
    if isinstance(model, ManagedModel) and kind != "managed_api":
        message = f"acceptable families belong to managed_api; for {kind} give an architecture id, a shape or null."
        items.append(problem([*here, "model", "acceptable"], "a list", message))
    if workload.measured is not None and kind == "managed_api":
        message = "measured belongs to work on rented instances; set it to null for managed_api."
        items.append(problem([*here, "measured"], "a mapping", message))
    rate = workload.traffic.requests_per_s_mean
    if rate == 0 and kind not in TRAINING_KINDS:
        message = "requests_per_s_mean must be more than 0: there is no load to plan for."
        items.append(problem([*here, "traffic", "requests_per_s_mean"], rate, message))
    if isinstance(model, InlineModel):
        items += _shape_contradictions([*here, "model"], model)
    return items


def _shape_contradictions(here: list[str | int], model: InlineModel) -> list[dict[str, Any]]:
    items = []
    if model.heads and model.kv_heads and model.heads % model.kv_heads:
        message = f"kv_heads must divide heads ({model.heads}); you gave {model.kv_heads}."
        items.append(problem([*here, "kv_heads"], model.kv_heads, message))
    if model.hidden and model.heads and not model.head_dim and model.hidden % model.heads:
        message = f"heads must divide hidden ({model.hidden}) unless head_dim is given; you gave {model.heads}."
        items.append(problem([*here, "heads"], model.heads, message))
    if model.experts_active and model.experts_active > (model.experts_count or 0):
        most = model.experts_count or 0
        message = f"experts_active must not exceed experts_count ({most}); you gave {model.experts_active}."
        items.append(problem([*here, "experts_active"], model.experts_active, message))
    if model.params_active and model.params_total and model.params_active > model.params_total:
        message = "params_active must not exceed params_total."
        items.append(problem([*here, "params_active"], model.params_active, message))
    if model.attention == "mla" and not model.kv_lora_rank:
        items.append(problem([*here, "kv_lora_rank"], None, "kv_lora_rank is required for attention: mla."))
    return items


def _too_late(document: Document, moment: dt.date) -> list[dict[str, Any]]:
    need_by = document.constraints.need_by
    if need_by is None or need_by > moment:
        return []
    message = f"need_by must be after the day of the advice, {moment.isoformat()}; you gave {need_by.isoformat()}."
    return [problem(["constraints", "need_by"], need_by.isoformat(), message)]


def _or(options: Iterable[str]) -> str:
    return " or ".join(options)
