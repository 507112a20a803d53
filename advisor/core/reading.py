"""Bytes → plain values: YAML or JSON, with all that can hide in a file refused before it is believed.

YAML is read from its events by the 1.2 core rules: ``NO`` is text (a country), ``15e12`` is a number and a date stays
ISO text. Anchors, aliases, tags, repeated keys and deep nesting are refused, so nothing can grow while it is read.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from advisor.core.problems import DocumentError, path_text, problem

MAX_BYTES = 1_000_000
MAX_DEPTH_COUNT = 16
MAX_VALUES_COUNT = 20_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"([-+]?(\.inf|\.Inf|\.INF|inf|Inf|Infinity)|\.nan|\.NaN|\.NAN|nan|NaN)\Z")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True)
class Reading:
    """The document as plain values, and the line of the file on which each path stands (empty for JSON)."""

    raw: dict[str, Any]
    lines: dict[str, int]


def parse(data: bytes) -> dict[str, Any]:
    """Return the mapping that a YAML or JSON file holds; raise DocumentError for whatever is not such a file."""
    return read(data).raw


def read(data: bytes) -> Reading:
    """Return the mapping and its line numbers; raise DocumentError for whatever is not a document file."""
    if len(data) > MAX_BYTES:
        raise _refused(f"The file has {len(data):,} bytes; a document may have {MAX_BYTES:,} at most.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(f"The file is not UTF-8 text (byte {error.start:,}); save it as UTF-8 YAML or JSON.") from None
    reading = _read_json(text) if text.lstrip().startswith(("{", "[")) else None
    if reading is None:
        reading = _Builder().build(text)
    if not isinstance(reading.raw, dict):
        raise _refused("The file must hold one mapping of keys to values, beginning with 'version: 1'.")
    return reading


def _read_json(text: str) -> Reading | None:
    """Return the reading, or None where the text is not JSON (a YAML mapping may begin with a brace too)."""
    try:
        raw = json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_no_constant, parse_float=_float)
    except json.JSONDecodeError:
        return None
    except RecursionError:
        raise _refused(f"The file is nested more than {MAX_DEPTH_COUNT} levels deep.") from None
    except ValueError:
        raise _refused("A number in the file has too many digits to be read.") from None
    _measure(raw)
    return Reading(raw=raw, lines={})


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _refused(f"The key {key!r} stands twice in one mapping; keep one of them.", path=[key])
        result[key] = value
    return result


def _no_constant(name: str) -> Any:
    raise _refused(f"{name} is not a number that can be used; write null where a value is unknown.")


def _float(text: str) -> float:
    value = float(text)
    if abs(value) == float("inf"):
        raise _refused(f"The number {text} is too large to be read.")
    return value


def _measure(raw: Any) -> None:
    """Walk plain values and refuse too many or too deep ones (without recursion: the depth is not ours to trust)."""
    todo, count = [(raw, 1)], 0
    while todo:
        value, depth = todo.pop()
        count += 1
        if depth > MAX_DEPTH_COUNT:
            raise _refused(f"The file is nested more than {MAX_DEPTH_COUNT} levels deep.")
        if count > MAX_VALUES_COUNT:
            raise _refused(f"The file holds more than {MAX_VALUES_COUNT:,} values.")
        if isinstance(value, (dict, list)):
            todo += [(part, depth + 1) for part in (value.values() if isinstance(value, dict) else value)]


@dataclass
class _Open:
    """A mapping or list that is being filled."""

    value: dict[str, Any] | list[Any]
    path: list[str | int]
    key: str | None = None


@dataclass
class _Builder:
    """Builds plain values from YAML events, keeping the line of every path."""

    stack: list[_Open] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    raw: Any = None
    count: int = 0
    documents: int = 0

    def build(self, text: str) -> Reading:
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._take(event)
        except yaml.YAMLError as error:
            raise _refused(_yaml_fault(error)) from None
        return Reading(raw=self.raw, lines=self.lines)

    def _take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _refused(f"Line {line}: a second YAML document begins here; a file holds one.")
        elif isinstance(event, yaml.AliasEvent):
            raise self._fault(line, f"the alias *{event.anchor} is not allowed; write the value out")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, line)

    def _node(self, event: Any, line: int) -> None:
        self.count += 1
        if self.count > MAX_VALUES_COUNT:
            raise _refused(f"Line {line}: the file holds more than {MAX_VALUES_COUNT:,} values.")
        if event.anchor:
            raise self._fault(line, f"the anchor &{event.anchor} is not allowed; write the value out")
        if event.tag and event.tag != "!":
            raise self._fault(line, f"the tag {event.tag} is not allowed; write a plain value")
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event, line)
            return
        path = self._place()
        self.lines.setdefault(path_text(path), line)
        if isinstance(event, yaml.ScalarEvent):
            self._put(event.value if event.style else self._scalar(event.value, line))
            return
        if len(self.stack) >= MAX_DEPTH_COUNT:
            raise self._fault(line, f"the file is nested more than {MAX_DEPTH_COUNT} levels deep")
        opened: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(opened)
        self.stack.append(_Open(value=opened, path=path))

    def _key(self, top: _Open, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._fault(line, "a key must be a word, not a mapping or a list")
        top.key = event.value
        if event.value in top.value:
            raise self._fault(line, f"the key {event.value!r} stands twice; keep one of them")
        self.lines.setdefault(path_text([*top.path, event.value]), line)

    def _put(self, value: Any) -> None:
        if not self.stack:
            self.raw = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            top.value[top.key or ""] = value
            top.key = None

    def _place(self) -> list[str | int]:
        if not self.stack:
            return []
        top = self.stack[-1]
        if isinstance(top.value, list):
            return [*top.path, len(top.value)]
        return [*top.path, top.key or ""]

    def _scalar(self, text: str, line: int) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if _NOT_FINITE.match(text):
            raise self._fault(line, f"{text} is not a number that can be used; write null where a value is unknown")
        if _INTEGER.match(text) and len(text) <= 400:
            return int(text)
        if _FLOAT.match(text):
            value = float(text)
            if abs(value) == float("inf"):
                raise self._fault(line, "the number is too large to be read")
            return value
        return text

    def _fault(self, line: int, message: str) -> DocumentError:
        return _refused(f"Line {line}: {message}.", path=self._place())


def _yaml_fault(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    place = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return f"{place}the file is not valid YAML: {what}."


def _refused(message: str, *, path: list[str | int] | None = None) -> DocumentError:
    return DocumentError([problem(path or [], None, message)], code="unreadable_document")
