"""The estimator's coefficients: every constant of a formula, with its range, its source and its reason.

They live in ``coefficients/*.toml``. One table is one coefficient; a table without ``value`` is a group, and its
name becomes part of the key, so ``[ratio.graviton4]`` in ``cpu.toml`` is ``cpu.ratio.graviton4``.
"""

import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

DIRECTORY = Path(__file__).parent / "coefficients"

# The kinds a coefficient can have. A vendor's claim is no measurement, so it stands as "assumption" with a wide range.
KINDS = ("specification", "list price", "published benchmark", "estimate", "judgement", "assumption", "answer")

_REQUIRED = ("value", "low", "high", "unit", "source", "why")
_OPTIONAL = ("url", "locator", "date", "preset", "kind", "label")


class CoefficientError(ValueError):
    """A coefficient file or a key that cannot be used; the text names the file, the key, the reason and the mend."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One constant of a formula: the typical value, its 80 % range, and why anyone should believe it."""

    key: str  # "<file>.<name>"
    value: float
    low: float
    high: float
    unit: str
    source: str
    why: str
    url: str = ""
    locator: str = ""
    date: str = ""  # ISO date the source states; blank = undated
    preset: str = ""  # stack preset and generation the value belongs to; blank = any
    kind: str = "assumption"
    label: str = ""

    @property
    def id(self) -> str:
        """Return the evidence id of the coefficient."""
        return f"coefficient:{self.key}"


@dataclass(frozen=True, slots=True)
class Coefficients:
    """All coefficients by key, and the hash of what they say."""

    entries: Mapping[str, Coefficient]
    sha256: str
    # Formulas ask for the same groups again and again; the entries never change, so each group is cut out once.
    _groups: dict[str, Mapping[str, Coefficient]] = field(default_factory=dict, repr=False, compare=False)

    def get(self, key: str) -> Coefficient:
        """Return the coefficient ``<file>.<name>``; an unknown key raises ``CoefficientError``."""
        try:
            return self.entries[key.removeprefix("coefficient:")]
        except KeyError:
            raise CoefficientError(
                f"no coefficient {key!r}; add it to estimator/coefficients/{key.split('.', 1)[0]}.toml"
            ) from None

    def __contains__(self, key: str) -> bool:
        return key.removeprefix("coefficient:") in self.entries

    def __iter__(self) -> Iterator[Coefficient]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def group(self, prefix: str) -> Mapping[str, Coefficient]:
        """Return the coefficients below ``prefix``, keyed by what follows it: ``group("cpu.gain")["…_over_…"]``."""
        if prefix not in self._groups:
            start = prefix + "."
            found = {key[len(start) :]: entry for key, entry in self.entries.items() if key.startswith(start)}
            self._groups[prefix] = MappingProxyType(found)
        return self._groups[prefix]

    def evidence(self, id: str) -> dict[str, Any]:
        """Return the evidence entry of ``coefficient:<file>.<name>``; an unknown id raises ``KeyError``."""
        if not id.startswith("coefficient:") or id not in self:
            raise KeyError(id)
        entry = self.get(id)
        return {
            "id": entry.id,
            "label": entry.label or entry.key.replace("_", " ").replace(".", ": ", 1).replace(".", " "),
            "value": entry.value,
            "low": entry.low,
            "high": entry.high,
            "unit": entry.unit,
            "kind": entry.kind,
            "source": entry.source,
            "url": entry.url or None,
            "locator": entry.locator,
            "as_of": entry.date or None,
            "as_of_basis": "stated" if entry.date else "undated",
            "why": entry.why,
        }

    def replaced(self, changes: Mapping[str, Mapping[str, Any]]) -> "Coefficients":
        """Return a copy in which ``{key: {field: value}}`` took effect (a workspace's own runs, or a test)."""
        entries = dict(self.entries)
        for key, fields in changes.items():
            entries[key] = _checked(replace(self.get(key), **fields), where="replaced coefficient")
        return Coefficients(entries=entries, sha256=_hash(entries))


def load(directory: Path | None = None) -> Coefficients:
    """Return every coefficient of ``directory`` (by default the shipped ones), checked; errors name file and key."""
    directory = directory or DIRECTORY
    paths = sorted(directory.glob("*.toml"))
    if not paths:
        raise CoefficientError(f"{directory}: no *.toml file here")
    entries: dict[str, Coefficient] = {}
    for path in paths:
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise CoefficientError(f"{path.name}: not TOML: {error}") from error
        for key, fields in _flatten(tables, prefix=path.stem):
            entries[key] = _entry(key=key, fields=fields, where=path.name)
    entries = dict(sorted(entries.items()))
    return Coefficients(entries=entries, sha256=_hash(entries))


def _flatten(tables: Mapping[str, Any], *, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, content in tables.items():
        key = f"{prefix}.{name}"
        if not isinstance(content, Mapping):
            raise CoefficientError(f"{prefix}: {name} stands outside a table; write [{name}] with value, low, high …")
        if "value" in content or not any(isinstance(part, Mapping) for part in content.values()):
            yield key, content
        else:
            yield from _flatten(content, prefix=key)


def _entry(*, key: str, fields: Mapping[str, Any], where: str) -> Coefficient:
    missing = [name for name in _REQUIRED if name not in fields]
    unknown = sorted(set(fields) - set(_REQUIRED) - set(_OPTIONAL))
    if missing or unknown:
        told = "; ".join(
            f"{what}: {', '.join(names)}" for what, names in (("missing", missing), ("unknown", unknown)) if names
        )
        raise CoefficientError(f"{where}: {key}: {told}. Accepted fields: {', '.join(_REQUIRED + _OPTIONAL)}")
    numbers: dict[str, Any] = {
        name: _number(fields[name], name=name, key=key, where=where) for name in ("value", "low", "high")
    }
    texts: dict[str, Any] = {}
    for name in ("unit", "source", "why", *_OPTIONAL):
        if name in fields:
            text = fields[name]
            # TOML has its own date type; both spellings mean the same day.
            texts[name] = text if isinstance(text, str) else getattr(text, "isoformat", lambda value=text: value)()
            if not isinstance(texts[name], str):
                raise CoefficientError(f"{where}: {key}.{name} is {text!r}, expected text")
    return _checked(Coefficient(key=key, **numbers, **texts), where=where)


def _number(value: Any, *, name: str, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CoefficientError(f"{where}: {key}.{name} is {value!r}, expected a finite number")
    return float(value)


def _checked(entry: Coefficient, *, where: str) -> Coefficient:
    if not entry.low <= entry.value <= entry.high:
        raise CoefficientError(
            f"{where}: {entry.key}: low {entry.low:g} ≤ value {entry.value:g} ≤ high {entry.high:g} does not hold"
        )
    for name in ("unit", "source", "why"):
        if not getattr(entry, name).strip():
            raise CoefficientError(f"{where}: {entry.key}.{name} is empty; every coefficient states it")
    if entry.kind not in KINDS:
        raise CoefficientError(f"{where}: {entry.key}.kind is {entry.kind!r}, expected one of {', '.join(KINDS)}")
    return entry


def _hash(entries: Mapping[str, Coefficient]) -> str:
    text = json.dumps([asdict(entry) for _, entry in sorted(entries.items())], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
