"""Changes to a draft: values put at their places, workloads added, copied, moved and taken away. A draft stays valid.

A place is written like a path of the document, but names a workload by its id: ``workloads[serving].traffic``. So it
means the same workload whatever was added or moved meanwhile.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.core.document import check
from advisor.core.problems import DocumentError

Raw = dict[str, Any]
MAX_WORKLOADS_COUNT = 20
_WORKLOAD = re.compile(r"workloads\[([^\]]*)\](?:\.(.+))?\Z")
_MAX_ID_LETTERS = 40


class NoSuchWorkload(LookupError):
    """No workload of the draft has this id: somebody took it away."""


@dataclass(frozen=True)
class Applied:
    """What became of changes: the new draft, and what the schema refused, each with its fault."""

    raw: Raw
    refused: Mapping[str, Any]  # place → the value that was given


def applied(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> Applied:
    """Return the draft with each change that the schema accepts; None takes one back. The draft is not touched."""
    draft, refused = copy.deepcopy(dict(raw)), {}
    for place, value in changes.items():
        trial = put(draft, place, value)
        try:
            check(trial)
        except DocumentError:
            refused[place] = value
        else:
            draft = trial
    return Applied(raw=draft, refused=refused)


def faults(raw: Mapping[str, Any], place: str, value: Any) -> list[dict[str, Any]]:
    """Return why the schema refuses a value at a place; nothing where it accepts it."""
    try:
        check(put(raw, place, value))
    except DocumentError as error:
        return error.items
    return []


def put(raw: Mapping[str, Any], place: str, value: Any) -> Raw:
    """Return a copy of the draft with the value at a place; None removes what stands there, and sections left empty."""
    draft = copy.deepcopy(dict(raw))
    holder, steps = _holder(draft, place)
    parents = [holder]
    for step in steps[:-1]:
        below = parents[-1].get(step)
        if not isinstance(below, dict):
            below = parents[-1][step] = {}
        parents.append(below)
    if value is not None:
        parents[-1][steps[-1]] = copy.deepcopy(value)
        return draft
    parents[-1].pop(steps[-1], None)
    for depth in range(len(parents) - 1, 0, -1):
        if not parents[depth]:
            parents[depth - 1].pop(steps[depth - 1])
    return draft


def value_at(raw: Mapping[str, Any], place: str) -> Any:
    """Return what stands at a place; None where nothing does."""
    holder, steps = _holder(raw, place)
    value: Any = holder
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def place_of(raw: Mapping[str, Any], path: str) -> str:
    """Return the place of a path of the document: its numbers of workloads become ids."""
    found = re.match(r"workloads\[(\d+)\]", path)
    workloads = raw.get("workloads") or []
    if not found or int(found[1]) >= len(workloads):
        return path
    return f"workloads[{workloads[int(found[1])]['id']}]{path[found.end() :]}"


def is_fixed(place: str) -> bool:
    """Return whether a place is no answer: what makes the document one, or a workload itself."""
    found = _WORKLOAD.match(place)
    return place in ("version", "workloads") or (found is not None and found[2] in (None, "id"))


def overlap(one: str, other: str) -> bool:
    """Return whether one of two places holds the other, or both are the same."""
    short, long = sorted((one, other), key=len)
    return long == short or (long.startswith(short) and long[len(short)] in ".[")


def with_workload(raw: Mapping[str, Any], *, kind: str, name: str) -> tuple[Raw, str]:
    """Return the draft with one more workload of a kind, and its id."""
    draft = copy.deepcopy(dict(raw))
    workload_id = _free_id(draft, name or kind)
    entry = {"id": workload_id, "kind": kind} | ({"name": name} if name else {})
    draft["workloads"] = [*_workloads(draft), entry]
    check(draft)
    return draft, workload_id


def with_copy(raw: Mapping[str, Any], *, workload_id: str) -> tuple[Raw, str]:
    """Return the draft with a copy of a workload right behind it, and the copy's id."""
    draft = copy.deepcopy(dict(raw))
    position = _position(draft, workload_id)
    twin = copy.deepcopy(draft["workloads"][position])
    twin["id"] = _free_id(draft, workload_id)
    twin["name"] = f"{twin.get('name') or workload_id} (copy)"[:200]
    draft["workloads"].insert(position + 1, twin)
    check(draft)
    return draft, twin["id"]


def without_workload(raw: Mapping[str, Any], *, workload_id: str) -> tuple[Raw, list[Mapping[str, Any]]]:
    """Return the draft without a workload, and the flows that named it and went with it."""
    draft = copy.deepcopy(dict(raw))
    draft["workloads"].pop(_position(draft, workload_id))
    flows = draft.get("flows") or []
    gone = [flow for flow in flows if workload_id in (flow.get("from"), flow.get("to"))]
    if gone:
        draft["flows"] = [flow for flow in flows if flow not in gone]
    return draft, gone


def moved(raw: Mapping[str, Any], *, workload_id: str, by: int) -> Raw:
    """Return the draft with a workload moved up (-1) or down (1); at the end of the list it stays."""
    draft = copy.deepcopy(dict(raw))
    workloads, position = draft["workloads"], _position(draft, workload_id)
    workloads.insert(max(0, min(len(workloads) - 1, position + by)), workloads.pop(position))
    return draft


def _holder(raw: Mapping[str, Any], place: str) -> tuple[Any, list[str]]:
    """Return the section in which a place lies, the document or one workload, and the keys that lead on from there."""
    found = _WORKLOAD.match(place)
    if not found:
        return raw, place.split(".")
    return raw["workloads"][_position(raw, found[1])], (found[2] or "").split(".")


def _position(raw: Mapping[str, Any], workload_id: str) -> int:
    for position, workload in enumerate(_workloads(raw)):
        if workload.get("id") == workload_id:
            return position
    raise NoSuchWorkload(workload_id)


def _workloads(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(raw.get("workloads") or [])


def _free_id(raw: Mapping[str, Any], wish: str) -> str:
    """Return an id like the wish that no workload has: a letter first, then letters, digits and dashes."""
    taken = {workload.get("id") for workload in _workloads(raw)}
    stem = re.sub(r"[^a-z0-9]+", "-", wish.lower()).strip("-")
    stem = (stem if re.match(r"[a-z]", stem) else f"workload-{stem}").strip("-")[: _MAX_ID_LETTERS - 4].strip("-")
    numbers = ("", *(f"-{number}" for number in range(2, MAX_WORKLOADS_COUNT + 2)))
    return next(stem + number for number in numbers if stem + number not in taken)
