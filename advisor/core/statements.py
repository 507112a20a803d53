"""Every number, sentence and choice of a report, numbered, so that each can be asked where it comes from."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Part = Mapping[str, Any]

_NUMBER = ("value", "low", "high", "unit", "kind", "reason")


@dataclass(frozen=True)
class Statements:
    """The statements of a report in the order of its keys, and the number under which each is found."""

    listed: tuple[Part, ...]
    numbers: Mapping[Hashable, int]

    def number_of(self, part: Part) -> int | None:
        """Return the number of a statement, from 1 on; None where the report does not make it."""
        return self.numbers.get(identity(part))


def statements(*parts: Any) -> Statements:
    """Return the distinct statements of the ``parts``: the same ones in the same order have the same numbers."""
    listed: list[Part] = []
    numbers: dict[Hashable, int] = {}
    for part in parts:
        for found in _walk(part):
            if (key := identity(found)) not in numbers:
                listed.append(found)
                numbers[key] = len(listed)
    return Statements(listed=tuple(listed), numbers=numbers)


def identity(part: Part) -> Hashable:
    """Return what makes a statement the same as another: all it says, and the evidence it says it on."""
    sources = tuple(part.get("evidence") or ())
    if is_number(part):
        return (*(part[name] for name in _NUMBER), sources)
    return (part.get("text", part.get("name")), sources)


def is_number(part: Any) -> bool:
    """Return whether a part of a report is a number: a value with range, unit, kind and reason."""
    return isinstance(part, Mapping) and all(name in part for name in _NUMBER)


def _walk(part: Any) -> Iterator[Part]:
    if isinstance(part, Mapping):
        if is_number(part) or ("evidence" in part and ("text" in part or "name" in part)):
            yield part
        for value in part.values():
            yield from _walk(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _walk(value)
