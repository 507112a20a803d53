"""What a report says several times over, said once: warnings that differ only in the stack, checks only in the work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.core.labels import STATES, WARNING_LABELS
from advisor.core.quantity import Sentence, sentence, titled

Data = Mapping[str, Any]
_GAP = "\0"  # stands for the stack a warning speaks of while warnings are compared


@dataclass(frozen=True)
class WarningGroup:
    """The warnings of one kind, each thing said once."""

    code: str
    title: str
    said: tuple[Sentence, ...]
    count: int


@dataclass(frozen=True)
class Check:
    """A constraint that stands the same way, in the same words, for one or more workloads."""

    id: str
    title: str
    state: str
    scopes: tuple[str, ...]
    text: Sentence
    slack: tuple[Data, ...]


@dataclass(frozen=True)
class Benefit:
    """What being bound buys, for the pairs of layers of which the same is to be said."""

    pairs: tuple[str, ...]
    text: Sentence


@dataclass(frozen=True)
class _Said:
    """A warning taken apart: for which workload, about which stack, and the words that remain."""

    name: str
    subject: str
    is_headed: bool
    rest: str
    warning: Data


def warning_groups(data: Data) -> tuple[WarningGroup, ...]:
    """Return a report's warnings by kind, the gravest kind first; those that differ only in the stack become one."""
    by_code: dict[str, list[Data]] = {}
    for warning in data.get("warnings", []):
        by_code.setdefault(warning["code"], []).append(warning)
    order = list(WARNING_LABELS)
    codes = sorted(by_code, key=lambda code: order.index(code) if code in order else len(order))
    return tuple(
        WarningGroup(
            code=code,
            title=WARNING_LABELS.get(code, titled(code.replace("_", " "))),
            said=tuple(_under(one, WARNING_LABELS.get(code, "")) for one in _once(by_code[code], data)),
            count=len(by_code[code]),
        )
        for code in codes
    )


def _under(said: Sentence, title: str) -> Sentence:
    """Return a sentence without the words of the title it stands under."""
    text = said["text"].removeprefix(f"{title}: ").replace(f": {title.lower()}: ", ": ", 1)
    is_name = not text.partition(" ")[0].strip(",:").isalpha()  # of a model or an instance: stays as it is written
    return {**said, "text": text if is_name else titled(text)}


def _once(warnings: Sequence[Data], data: Data) -> list[Sentence]:
    alike: dict[tuple[str, bool], list[_Said]] = {}
    for warning in warnings:
        said = _taken_apart(warning, data)
        alike.setdefault((said.rest, said.is_headed), []).append(said)
    return [_joined(said) for said in alike.values()]


def _taken_apart(warning: Data, data: Data) -> _Said:
    """Return the parts of a warning of the shapes ``name: …`` and ``name, sku: …``, see ``cautions``."""
    text = str(warning["text"])
    for name, labels in _stacks(data).items():
        if text.startswith(f"{name}, "):
            sku, colon, rest = text[len(name) + 2 :].partition(": ")
            if colon and " " not in sku:
                return _Said(name, sku, True, rest, warning)
        if text.startswith(f"{name}: "):
            rest = text[len(name) + 2 :]
            subject = next((label for label in labels if label in rest), "")
            return _Said(name, subject, False, rest.replace(subject, _GAP) if subject else rest, warning)
    return _Said("", "", False, text, warning)


def _stacks(data: Data) -> dict[str, list[str]]:
    """Return, by workload name, what its assigned stacks are called: in full, then by what is rented."""
    called: dict[str, list[str]] = {}
    for row in data.get("plan", {}).get("assignments", []):
        label = (row.get("stack") or {}).get("label")
        names = called.setdefault(row["workload_name"], [])
        names += [label, label.split(" ")[0]] if label else []
    return {name: sorted(set(labels), key=len, reverse=True) for name, labels in called.items()}


def _joined(said: Sequence[_Said]) -> Sentence:
    evidence = [id for one in said for id in one.warning["evidence"]]
    if len(said) == 1:
        return sentence(said[0].warning["text"], *evidence)
    stacks: dict[str, list[str]] = {}
    for one in said:
        stacks.setdefault(one.name, []).append(one.subject)
    subjects = _listed([one.subject for one in said])
    names = _listed(list(stacks))
    if said[0].is_headed:
        names = "; ".join(f"{name}, {_listed(skus)}" for name, skus in stacks.items())
    rest = said[0].rest
    if rest.startswith(f"{_GAP} is "):
        rest = rest.replace(f"{_GAP} is ", f"{_GAP} are ", 1)
    return sentence(f"{names}: {rest.replace(_GAP, subjects)}" if names else rest, *evidence)


def _listed(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    comma = "; " if any(", " in name for name in distinct) else ", "
    return " and ".join(filter(None, (comma.join(distinct[:-1]), distinct[-1])))


def checks(data: Data) -> tuple[Check, ...]:
    """Return a report's constraints, those first that need a look; those in the same words become one."""
    names = {workload["id"]: workload["name"] for workload in data.get("workloads", [])}
    alike: dict[tuple[str, str, str], list[Data]] = {}
    for check in data.get("constraints", {}).get("checks", []):
        alike.setdefault((check["id"], check["state"], check["text"]["text"]), []).append(check)
    found = [
        Check(
            id=same[0]["id"],
            title=titled(same[0]["title"]),
            state=same[0]["state"],
            scopes=tuple(dict.fromkeys(names.get(one["scope"], "the whole decision") for one in same)),
            text=sentence(same[0]["text"]["text"], *(id for one in same for id in one["text"]["evidence"])),
            slack=tuple(one["slack"] for one in same if "slack" in one),
        )
        for same in alike.values()
    ]
    return tuple(sorted(found, key=lambda check: STATES.index(check.state) if check.state in STATES else 0))


def benefits(stack: Data) -> tuple[Benefit, ...]:
    """Return what the bonds of a stack of the coupling section buy; pairs in the same words become one."""
    alike: dict[str, list[Data]] = {}
    for cell in stack["cells"]:
        alike.setdefault(cell["buys"]["text"], []).append(cell)
    return tuple(
        Benefit(
            pairs=tuple(cell["pair_text"] for cell in same),
            text=sentence(text, *(id for cell in same for id in cell["buys"]["evidence"])),
        )
        for text, same in alike.items()
    )
