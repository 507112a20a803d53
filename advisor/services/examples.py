"""The example documents of the repository, to start from."""

import itertools
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from advisor.core import document


@dataclass(frozen=True)
class Example:
    """One file of examples/: its name without `.yaml`, its decision's title, the first paragraph of its comment."""

    name: str
    title: str
    description: str
    text: str


class NoSuchExample(LookupError):
    """There is no example document of this name."""


def examples() -> list[Example]:
    """Return all example documents by name."""
    return [
        _read(name=path.stem, text=path.read_text(encoding="utf-8")) for path in sorted(_directory().glob("*.yaml"))
    ]


def example(*, name: str) -> Example:
    """Return one example document."""
    found = next((one for one in examples() if one.name == name), None)
    if found is None:
        raise NoSuchExample(f"There is no example document called {name[:80]!r}.")
    return found


def _directory() -> Path:
    return Path(settings.BASE_DIR) / "examples"


def _read(*, name: str, text: str) -> Example:
    opening = itertools.takewhile(lambda line: line.startswith("# "), text.splitlines())
    description = " ".join(line.removeprefix("# ").strip() for line in opening)
    return Example(name=name, title=document.parse(text.encode())["decision"], description=description, text=text)
