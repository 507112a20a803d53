"""A document as a file for people: YAML in the order of the schema, each answer under its question; or JSON."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from advisor.core.document import Document, canonical
from advisor.core.questionnaire.inputs import schema
from advisor.core.questionnaire.questions import QUESTIONS

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/*-]*(?: [A-Za-z0-9._/*()+-]+)*\Z")
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "inf", "infinity", "nan", "y", "n"}
_QUESTIONS = {question.path: question for question in QUESTIONS}
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def as_json(document: Document) -> str:
    """Return what was said in the document as JSON."""
    return json.dumps(_ordered(document), ensure_ascii=False, indent=2) + "\n"


def as_yaml(document: Document) -> str:
    """Return what was said in the document as YAML, which ``reading.read`` takes back as the same document."""
    head = "# A decision document. An absent key means: not said. Questions stand above their answers."
    return "\n".join([head, *_mapping(_ordered(document), path="", indent="")]) + "\n"


def _mapping(values: Mapping[str, Any], *, path: str, indent: str) -> Iterator[str]:
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        question = _QUESTIONS.get(here)
        if question is not None:
            yield f"{indent}# {question.text}{f' [{question.unit}]' if question.unit else ''}"
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _mapping(value, path=here, indent=f"{indent}  ")
        elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
            yield f"{indent}{key}:"
            for part in value:
                yield from _entry(part, path=f"{here}[]", indent=indent)
        elif isinstance(value, list):
            yield f"{indent}{key}: [{', '.join(map(_scalar, value))}]"
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _entry(part: Mapping[str, Any], *, path: str, indent: str) -> Iterator[str]:
    """Return an entry of a list: on one line where it holds plain values only, else key by key."""
    if not any(isinstance(value, (Mapping, list)) for value in part.values()) and "id" not in part:
        yield f"{indent}  - {{{', '.join(f'{key}: {_scalar(value)}' for key, value in part.items())}}}"
        return
    first, *rest = _mapping(part, path=path, indent=f"{indent}    ")
    yield f"{indent}  - {first.lstrip()}"
    yield from rest


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if _PLAIN.match(text) and text.lower() not in _RESERVED:
        return text
    if re.match(r"\d{4}-\d\d-\d\d\Z", text):
        return text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _ordered(document: Document) -> dict[str, Any]:
    """Return what was said, the keys in the order in which the schema names them."""
    whole = schema()
    ordered: dict[str, Any] = _in_order(canonical(document), whole["properties"], whole)
    return {"version": 1, **ordered}


def _in_order(value: Any, properties: Mapping[str, Any], whole: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_in_order(part, properties, whole) for part in value]
    if not isinstance(value, Mapping):
        return value
    found = {}
    for key in [*(name for name in properties if name in value), *(name for name in value if name not in properties)]:
        found[key] = _in_order(value[key], _below(properties.get(key, {}), whole), whole)
    return found


def _below(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keys that can stand below a part of the JSON schema; those of every form of ``model`` together."""
    names: dict[str, Any] = {}
    todo = [part]
    while todo:
        one = todo.pop()
        if "$ref" in one:
            names |= whole["$defs"][one["$ref"].rsplit("/", 1)[1]]["properties"]
        todo += [*one.get("anyOf", ()), *one.get("oneOf", ()), *([one["items"]] if "items" in one else ())]
    return names
