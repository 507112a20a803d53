"""The one report that page, API and record render: frozen, hashed, byte for byte the same for the same inputs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

from advisor.core.quantity import rounded

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Report:
    """A finished answer. ``data`` is JSON-able; ``feasible`` is false where a workload has no admissible stack."""

    data: Mapping[str, Any]

    @property
    def feasible(self) -> bool:
        """Return whether every workload has an admissible stack within the constraints."""
        return bool(self.data["decision"]["feasible"])

    def to_bytes(self) -> bytes:
        """Return the report as RFC 8785 canonical JSON, floats at 6 significant digits."""
        return canonical(self.data)

    @property
    def sha256(self) -> str:
        """Return the hash of the report's bytes."""
        return hash_of(self.to_bytes())


def hash_of(content: bytes) -> str:
    """Return the sha256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def canonical(value: Any) -> bytes:
    """Return a value as RFC 8785 canonical JSON, floats at 6 significant digits."""
    return rfc8785.dumps(_plain(value))


def content_hash(value: Any) -> str:
    """Return the sha256 of a value's canonical JSON."""
    return hash_of(canonical(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return rounded(value)
