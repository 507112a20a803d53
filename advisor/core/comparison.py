"""Two answers side by side: what the documents, the plans, the figures and the warnings of two reports differ in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.core.labels import LAYER_LABELS, NUMBER_LABELS, TOTAL_LABELS
from advisor.core.quantity import Number, Sentence
from advisor.core.statements import is_number

Data = Mapping[str, Any]

RELATIONS = {
    "same": "the same",
    "overlap": "the ranges overlap: the difference is not sure",
    "lower": "lower on the right, beyond both ranges",
    "higher": "higher on the right, beyond both ranges",
    "unknown": "one side is unknown: no comparison",
    "absent": "only one side states it",
}
_MADE_FROM = {
    "document": "the document",
    "catalog_release": "the release of the catalog",
    "fact_set": "the facts of the catalog",
    "coefficients": "the coefficients of the estimator",
    "rules": "the compatibility rules",
    "code": "the code of the advisor",
    "own_probes": "the probes of your own endpoints",
}
_FACTS = {
    "provider": "Provider",
    "region": "Region",
    "basis": "Way to buy",
    "path_text": "Path",
    "layout": "Layout",
    "standing": "Standing",
}


@dataclass(frozen=True)
class Change:
    """A path of the document whose value differs; None where a side does not state it."""

    path: str
    left: Any
    right: Any


@dataclass(frozen=True)
class Pair:
    """One figure of both sides, and how they stand to each other."""

    label: str
    left: Number | None
    right: Number | None
    relation: str

    @property
    def text(self) -> str:
        """Return how the two stand to each other, in words."""
        return RELATIONS[self.relation]


@dataclass(frozen=True)
class Row:
    """One fact of both sides in words, such as the option of a layer."""

    label: str
    left: str
    right: str

    @property
    def differs(self) -> bool:
        """Return whether the sides differ."""
        return self.left != self.right


@dataclass(frozen=True)
class Moved:
    """A fact that both reports stand on and that has another value on the right, such as a price that moved."""

    label: str
    unit: str
    left: float
    right: float
    is_behind_plan: bool  # one of the two plans' bills is made with it

    @property
    def fraction(self) -> float | None:
        """Return the change over the value on the left; None where that is 0."""
        return self.right / self.left - 1 if self.left else None


@dataclass(frozen=True)
class Comparison:
    """What two sides say and differ in. ``gained`` warnings stand only on the right, ``lost`` ones only on the left."""

    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    made_from: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    gained: tuple[Sentence, ...] = ()
    lost: tuple[Sentence, ...] = ()
    moved: tuple[Moved, ...] = ()


def reports(*, left: Data, right: Data, left_document: Data, right_document: Data) -> Comparison:
    """Return what two reports differ in, and what of their documents and foundations changed between them."""
    here, there = ({one["text"]: one for one in data.get("warnings", [])} for data in (left, right))
    return Comparison(
        rows=tuple(_plan_rows(left, right)),
        pairs=tuple(_plan_pairs(left, right)),
        made_from=tuple(
            text
            for name, text in _MADE_FROM.items()
            if left.get("hashes", {}).get(name) != right.get("hashes", {}).get(name)
        ),
        changes=tuple(changes(left=left_document, right=right_document)),
        gained=tuple(one for text, one in there.items() if text not in here),
        lost=tuple(one for text, one in here.items() if text not in there),
        moved=moved(left=left, right=right),
    )


def moved(*, left: Data, right: Data) -> tuple[Moved, ...]:
    """Return the figures behind both reports that differ between them, those behind a plan's bill first."""
    behind = {
        id
        for data in (left, right)
        for id in data.get("plan", {}).get("totals", {}).get("monthly_usd", {}).get("evidence", ())
    }
    before = {entry["id"]: entry for entry in left.get("evidence", ())}
    found = [
        Moved(
            label=entry["label"],
            unit=entry.get("unit") or "",
            left=float(before[entry["id"]]["value"]),
            right=float(entry["value"]),
            is_behind_plan=entry["id"] in behind,
        )
        for entry in right.get("evidence", ())
        if entry["id"] in before
        and not entry["id"].startswith(("answer:", "default:"))
        and all(
            isinstance(one["value"], int | float) and not isinstance(one["value"], bool)
            for one in (entry, before[entry["id"]])
        )
        and entry["value"] != before[entry["id"]]["value"]
    ]
    return tuple(sorted(found, key=lambda one: (not one.is_behind_plan, one.label)))


def stacks(*, left: Data, right: Data) -> Comparison:
    """Return what two stacks of one workload differ in: what they are, their six layers, and every figure."""
    rows = [Row(label, _word(name, left.get(name)), _word(name, right.get(name))) for name, label in _FACTS.items()]
    rows += [
        Row(label, _layer(left, layer), _layer(right, layer))
        for layer, label in LAYER_LABELS.items()
        if layer in left["layers"] or layer in right["layers"]
    ]
    mine, other = ({**one["numbers"], **_coupling(one)} for one in (left, right))
    names = [name for name in (*NUMBER_LABELS, *_COUPLING) if name in mine or name in other]
    labels = {**NUMBER_LABELS, **_COUPLING}
    return Comparison(
        rows=tuple(rows), pairs=tuple(_pair(labels[name], mine.get(name), other.get(name)) for name in names)
    )


def changes(*, left: Any, right: Any) -> Iterator[Change]:
    """Return the paths of a document whose values differ, in the order of the paths."""
    here, there = dict(_leaves(left, "")), dict(_leaves(right, ""))
    for path in sorted({*here, *there}):
        if here.get(path) != there.get(path):
            yield Change(path=path, left=here.get(path), right=there.get(path))


def relation(left: Number | None, right: Number | None) -> str:
    """Return how the right figure stands to the left one; a difference counts only where the ranges do not meet."""
    if left is None or right is None:
        return "absent"
    if left == right and left["low"] is not None:  # the same lower bound of an unknown total, too
        return "same"
    if left["value"] is None or right["value"] is None or left["unit"] != right["unit"]:
        return "unknown"
    if all(left[end] == right[end] for end in ("value", "low", "high")):
        return "same"
    if left["low"] <= right["high"] and right["low"] <= left["high"]:
        return "overlap"
    return "lower" if right["value"] < left["value"] else "higher"


_COUPLING = {"coupling_mean": "Coupling, mean", "coupling_maximum": "Coupling, maximum"}


def _coupling(stack: Data) -> dict[str, Number]:
    return {f"coupling_{name}": number for name, number in stack.get("coupling", {}).items()}


def _pair(label: str, left: Number | None, right: Number | None) -> Pair:
    return Pair(label=label, left=left, right=right, relation=relation(left, right))


def _word(name: str, value: Any) -> str:
    """Return a fact in words; a layout and a region are written as they are."""
    if value is None:
        return "none"
    return str(value).replace("_", " ") if name in ("basis", "standing") else str(value)


def _layer(stack: Data, layer: str) -> str:
    return str((stack["layers"].get(layer) or {}).get("name") or "none")


def _plan_rows(left: Data, right: Data) -> Iterator[Row]:
    here, there = _assigned(left), _assigned(right)
    for key in dict.fromkeys((*here, *there)):
        name, role = key
        yield Row(f"{name}, {role}", here.get(key, "not in it"), there.get(key, "not in it"))


def _assigned(data: Data) -> dict[tuple[str, str], str]:
    return {
        (row["workload_name"], row["role"]): (row.get("stack") or {}).get("label") or "no stack"
        for row in data["plan"]["assignments"]
    }


def _plan_pairs(left: Data, right: Data) -> Iterator[Pair]:
    mine, other = left["plan"]["totals"], right["plan"]["totals"]
    for name in _total_names((mine, other)):
        yield _pair(
            {**NUMBER_LABELS, **TOTAL_LABELS}.get(name, name.replace("_", " ")), mine.get(name), other.get(name)
        )
    here, there = _bills(left), _bills(right)
    for workload in dict.fromkeys((*here, *there)):
        yield _pair(f"{workload}, a month at full load", here.get(workload), there.get(workload))


def _total_names(totals: Sequence[Data]) -> list[str]:
    named = {name for one in totals for name, part in one.items() if is_number(part)}
    return [name for name in TOTAL_LABELS if name in named] + sorted(named - set(TOTAL_LABELS))


def _bills(data: Data) -> dict[str, Number]:
    return {
        workload["name"]: workload["recommended"]["numbers"]["monthly_usd"]
        for workload in data.get("workloads", [])
        if workload.get("recommended")
    }


def _leaves(part: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Return the values of a document with their paths; a list of plain values is one value."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            yield from _leaves(value, f"{path}.{name}" if path else str(name))
    elif isinstance(part, list | tuple) and any(isinstance(one, Mapping) for one in part):
        for index, value in enumerate(part):
            yield from _leaves(value, f"{path}[{index}]")
    elif part is not None:
        yield path, part
