"""What a person fills in for a question: derived from the schema, with labels, choices and the range that is usual.

A value travels three ways: as the document holds it (JSON), as a person types it (text, lists of text, rows of text),
and as a person reads it (a phrase). ``typed`` and ``read`` turn one into the other and back.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from advisor.core.bases import BASIS_TEXT
from advisor.core.document import json_schema
from estimator.architecture import ArchitectureError, from_row

Widget = Literal["choice", "choices", "yes_no", "number", "whole", "date", "text", "words", "rows", "model"]
Typed = Any  # what fields carry: str, list[str], list[dict[str, str]] or the dict of a model
NONE = "none"  # the answer "there are none", beside the silence of an empty field

_TEXTS = {
    "pretraining": "Pre-training, or training a model of any kind from the start",
    "finetuning": "Fine-tuning a trained model",
    "batch_inference": "Inference in batches, nobody waits",
    "online_inference": "Online inference on capacity of your own",
    "cpu_serving": "Classic serving on CPUs",
    "managed_api": "Calls to a managed model API",
    "aws": "AWS",
    "azure": "Azure",
    "gcp": "Google Cloud",
    "other": "another cloud, or machines of your own",
    "linear": "it grows evenly to its full size",
    "immediate": "all of it from the first month",
    "full": "all weights",
    "lora": "adapters (LoRA)",
    "qlora": "adapters on a quantised model (QLoRA)",
    "nvidia": "NVIDIA",
    "amd": "AMD",
    "trainium": "AWS Trainium",
    "inferentia": "AWS Inferentia",
    "tpu": "Google TPU",
    "maia": "Azure Maia",
    "gated": "gated, three matrices (SwiGLU)",
    "plain": "plain, two matrices (GELU)",
    "mha": "multi-head",
    "gqa": "grouped-query",
    "mqa": "multi-query",
    "mla": "latent (MLA)",
    "EU": "the European Union",
    **BASIS_TEXT,
}
# Names of which the catalog holds a list, by path.
_LISTS = {
    "current.region": "regions",
    "constraints.residency": "places",
    "organisation.seat": "countries",
    "workloads[].data.located_in": "locations",
    "workloads[].measured.on": "instances",
    "workloads[].model.id": "architectures",
    "workloads[].model.acceptable.family": "families",
    "flows.from": "workloads",
    "flows.to": "workloads",
}
_EXAMPLES = {
    "constraints.certifications": "iso27001, soc2",
    "team.frameworks": "pytorch, jax",
    "team.orchestrators": "kubernetes, slurm",
    "workloads[].code.frameworks": "pytorch, go",
    "workloads[].code.unsupported_ops": "flash_attn_varlen",
    "workloads[].measured.work_unit": "request",
    "organisation.seat": "US",
    "constraints.residency": "EU or DE",
    "workloads[].traffic.language": "en",
}
_SHORT_UNITS = {"ratio": "", "fraction": "", "percent": "%"}  # what a figure is read with
_SCALES = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9, "t": 1e12,
    "trillion": 1e12,
}  # fmt: skip
_AMOUNT = re.compile(
    r"(?:USD|\$)?\s*(?P<number>[-+]?(?:\d{1,3}(?:[, \u202f\u00a0]\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?)"
    r"\s*(?P<scale>k|thousand|m|million|b|bn|billion|t|trillion|%|percent)?\s*(?:USD|\$)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Usual:
    """The range in which an answer is usual, and what to ask back outside it."""

    low: float
    high: float
    basis: str
    why: str
    below: str = ""
    above: str = ""


@dataclass(frozen=True, kw_only=True)
class Input:
    """What stands on the page for one path: which widget, in which unit, within which limits."""

    path: str
    name: str  # the last key of the path
    label: str
    widget: Widget
    unit: str = ""
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    list_name: str = ""  # which names of the catalog are offered
    example: str = ""
    required: bool = False
    may_be_none: bool = False  # an empty list is an answer
    usual: Usual | None = None
    columns: tuple["Input", ...] = ()  # of rows, and the parts of a model's shape


@cache
def schema() -> dict[str, Any]:
    """Return the document's JSON schema, made once; nobody changes it."""
    return json_schema()


@cache
def input_at(path: str) -> Input:
    """Return the input of a path, with ``workloads[]`` for each workload and no brackets after a list's name."""
    if path == "workloads[].model":
        return _model_input()
    whole = schema()
    part = whole
    required = False
    for step in path.replace("[]", "").split("."):
        section = _section(whole, part)
        required = step in section.get("required", ())
        part = section["properties"][step]
    return _input(whole, part, path=path, required=required)


def typed(found: Input, value: Any) -> Typed:
    """Return a value of the document as a person would type it; a refused value comes back as it was typed."""
    if found.widget == "model":
        return _typed_model(found, value)
    if found.widget == "rows":
        rows = value if isinstance(value, list) else []
        return [
            {
                column.name: typed(column, row.get(column.name) if isinstance(row, Mapping) else row)
                for column in found.columns
            }
            for row in rows
        ]
    if found.widget == "choices":
        return [NONE] if value == [] else [str(part) for part in value or []]
    if found.widget == "words":
        return NONE if value == [] else ", ".join(map(str, value)) if isinstance(value, list) else _text(value)
    return _text(value)


def read(found: Input, given: Typed) -> Any:
    """Return what was typed as the document would hold it, or as it stands if it cannot be that; None for silence."""
    if found.widget == "model":
        return _read_model(found, given)
    if found.widget == "rows":
        rows = [{column.name: read(column, row.get(column.name, "")) for column in found.columns} for row in given]
        said = [{name: value for name, value in row.items() if value is not None} for row in rows]
        return [row for row in said if row] or None
    if found.widget == "choices":
        chosen = [part for part in given if part != NONE]
        return chosen or ([] if NONE in given else None)
    text = given.strip()
    if not text:
        return None
    if found.widget in ("number", "whole"):
        return _number(text, unit=found.unit, whole=found.widget == "whole")
    if found.widget == "yes_no":
        return {"yes": True, "no": False}.get(text, text)
    if found.widget == "words":
        words = [word.strip() for word in re.split(r"[,\n]", text) if word.strip()]
        return [] if [word.lower() for word in words] == [NONE] else words
    if found.list_name in ("countries", "places"):
        return text.upper()
    return text


def phrase(found: Input, value: Any) -> str:
    """Return a value of the document as a person reads it."""
    if value is None:
        return ""
    if found.widget == "model":
        return _model_phrase(value)
    if found.widget == "rows":
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_TEXTS.get(str(part), str(part)) for part in value) or "none"
    if isinstance(value, (int, float)):
        return f"{_text(value)} {_SHORT_UNITS.get(found.unit, found.unit)}".strip()
    return dict(found.choices).get(value, str(value))


def remark(found: Input, value: Any) -> str:
    """Return a gentle question about a number outside its usual range, or a large one in words; "" for neither."""
    if found.widget == "model" and isinstance(value, Mapping):
        return _shape_remark(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    usual, said = found.usual, phrase(found, value)
    if usual is not None and value < usual.low:
        return f"{said} is {usual.below}"
    if usual is not None and value > usual.high:
        return f"{said} is {usual.above}"
    return f"That is {_in_words(value)} {found.unit}.".replace(" .", ".") if abs(value) >= 1e6 else ""


def _input(schema: dict[str, Any], part: dict[str, Any], *, path: str, required: bool) -> Input:
    facts = _facts().get(path, {})
    kinds = [one for one in part.get("anyOf", [part]) if one.get("type") != "null"]
    core = kinds[0]
    widget = _widget(core)
    choices: tuple[tuple[str, str], ...] = ()
    columns: tuple[Input, ...] = ()
    if widget in ("choice", "choices"):
        values = core.get("enum") or core.get("items", {}).get("enum") or [core.get("const")]
        choices = tuple((str(value), _TEXTS.get(str(value), str(value))) for value in values)
    if widget == "rows":
        names = _section(schema, core["items"])["properties"]
        columns = tuple(input_at(f"{path}.{name}") for name in names)
    name = path.rsplit(".", 1)[-1]
    return Input(
        path=path,
        name=name,
        label=facts.get("label") or name.replace("_", " ").capitalize(),
        widget=widget,
        unit=part.get("unit", "") or _unit(part.get("description", "")),
        help=re.sub(r" \[[^\]]*\]$", "", part.get("description", "")),
        minimum=_bound(part, core, "minimum", "exclusiveMinimum"),
        maximum=_bound(part, core, "maximum", "exclusiveMaximum"),
        choices=choices,
        list_name=_LISTS.get(path, ""),
        example=_EXAMPLES.get(path, ""),
        required=required,
        may_be_none=widget in ("choices", "words") and not core.get("minItems"),
        usual=Usual(**{name: value for name, value in facts.items() if name != "label"}) if "low" in facts else None,
        columns=columns,
    )


def _widget(core: Mapping[str, Any]) -> Widget:
    if "enum" in core or "const" in core:
        return "choice"
    if core.get("type") == "array":
        items = core["items"]
        return "rows" if "$ref" in items else "choices" if "enum" in items else "words"
    plain: dict[str, Widget] = {"boolean": "yes_no", "integer": "whole", "number": "number"}
    return "date" if core.get("format") == "date" else plain.get(core.get("type", ""), "text")


def _section(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the section behind a part of the JSON schema: by reference, beside a null, or as entry of a list."""
    for _ in range(4):
        if "properties" in part:
            return part
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
        elif "items" in part:
            part = part["items"]
        else:
            part = next(one for one in part["anyOf"] if one.get("type") != "null")
    return part


def _bound(part: Mapping[str, Any], core: Mapping[str, Any], *names: str) -> float | None:
    return next((float(place[name]) for place in (part, core) for name in names if name in place), None)


def _unit(description: str) -> str:
    found = re.search(r"\[([^\]]*)\]$", description)
    return found.group(1) if found else ""


@cache
def _facts() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("questionnaire.toml").read_text(encoding="utf-8"))


# --- a model: an id, a shape, or the acceptable families ------------------------------------------------------------


@cache
def _model_input() -> Input:
    whole = schema()
    shape, entry = whole["$defs"]["InlineModel"], whole["$defs"]["AcceptableModel"]
    families = tuple(
        _input(whole, part, path=f"workloads[].model.acceptable.{name}", required=name in entry["required"])
        for name, part in entry["properties"].items()
    )
    rows = Input(
        path="workloads[].model.acceptable", name="acceptable", label="Families", widget="rows", columns=families
    )
    parts = tuple(
        _input(whole, part, path=f"workloads[].model.{name}", required=False)
        for name, part in shape["properties"].items()
    )
    by_id = Input(
        path="workloads[].model.id",
        name="id",
        label="Model of the catalog",
        widget="text",
        list_name="architectures",
        example="llama-3.1-70b",
    )
    return Input(
        path="workloads[].model",
        name="model",
        label=str(_facts()["workloads[].model"]["label"]),
        widget="model",
        columns=(by_id, rows, *parts),
    )


def _typed_model(found: Input, value: Any) -> Typed:
    _, rows, *parts = found.columns
    is_mapping = isinstance(value, Mapping)
    form = "" if value is None else "id" if not is_mapping else "acceptable" if "acceptable" in value else "shape"
    shape = value if form == "shape" else {}
    return {
        "form": form,
        "id": _text(value) if form == "id" else "",
        "acceptable": typed(rows, value["acceptable"]) if form == "acceptable" else [],
        "shape": {part.name: typed(part, shape.get(part.name)) for part in parts},
    }


def _read_model(found: Input, given: Typed) -> Any:
    _, rows, *parts = found.columns
    if given["form"] == "id":
        return given["id"].strip() or None
    if given["form"] == "acceptable":
        families = read(rows, given["acceptable"])
        return {"acceptable": families} if families else None
    if given["form"] == "shape":
        shape = {part.name: read(part, given["shape"].get(part.name, "")) for part in parts}
        return {name: value for name, value in shape.items() if value is not None} or None
    return None


def _shape_remark(value: Mapping[str, Any]) -> str:
    """Return how many parameters a shape has: the quickest check of what was typed."""
    try:
        counted = from_row({**value, "id": "this shape"}).params()
    except (ArchitectureError, TypeError, ValueError):
        return ""
    return f"This shape has {_in_words(float(f'{counted:.3g}'))} parameters."


def _model_phrase(value: Any) -> str:
    if isinstance(value, Mapping):
        if "acceptable" in value:
            return ", ".join(str(entry.get("family", "")) for entry in value["acceptable"])
        size = f"{value['layers']} layers" if value.get("layers") else "a shape"
        return f"{size}, width {_text(value['hidden'])}" if value.get("hidden") else size
    return str(value)


# --- numbers --------------------------------------------------------------------------------------------------------


def _number(text: str, *, unit: str, whole: bool) -> Any:
    """Return the number that a text means: 200,000 · 1.5e13 · 70B · 30 % · $2,000; the text itself where it is none."""
    found = _AMOUNT.fullmatch(text)
    if not found or not re.search(r"\d", found["number"]):
        return text
    try:
        value = float(re.sub(r"[, \u202f\u00a0]", "", found["number"]))
    except ValueError:
        return text
    scale = (found["scale"] or "").lower()
    if scale in ("%", "percent"):
        value = value if unit == "percent" else value / 100
    else:
        value *= _SCALES.get(scale, 1.0)
    if abs(value) == float("inf"):
        return text
    is_exact = value.is_integer() and abs(value) < 2**53
    return int(value) if is_exact and (whole or "." not in text) else float(f"{value:.15g}")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{int(value):,}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def _in_words(value: float) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{value / size:,.6g} {word}"
    return _text(value)
