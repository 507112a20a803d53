"""How tightly two layers of a stack are bound: computed from observations, never asserted.

Score = 0.8 × weighted share of the seven yes/no observations + 0.2 × migration steps (six or more count as one).
The observations, the test behind each bit and the weights' reasons: docs/coupling.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BITS: Mapping[str, float] = {
    "proprietary_api": 2,
    "proprietary_compiler": 2,
    "sole_cloud_hardware": 2,
    "single_silicon_vendor": 1,
    "artifact_not_portable": 1,
    "no_open_source_runtime": 1,
    "no_alternative": 2,
}
BIT_TEXT: Mapping[str, str] = {
    "proprietary_api": "is reached only through one provider's own interface",
    "proprietary_compiler": "needs one vendor's compiler",
    "sole_cloud_hardware": "runs on hardware that only this cloud rents",
    "single_silicon_vendor": "depends on one silicon vendor",
    "artifact_not_portable": "leaves artefacts that do not run elsewhere",
    "no_open_source_runtime": "has no open-source runtime",
    "no_alternative": "has no alternative for the other layer",
}
_FABRICS = ("EFA", "InfiniBand", "ICI", "RoCE", "TCPX", "NeuronLink", "Maia Ethernet")
_SHARE_OF_BITS = 0.8
_STEPS_THAT_COUNT_FULL = 6
_LOOSE_BELOW, _MEDIUM_UP_TO = 0.30, 0.60
LAYERS = ("compute", "accelerator", "networking", "storage", "orchestration", "model_layer")


@dataclass(frozen=True)
class Cell:
    """The coupling of one ordered layer pair of a stack, with what it was computed from."""

    id: str
    layer_a: str
    layer_b: str
    option_a: str
    option_b: str
    bits: tuple[str, ...]
    steps: tuple[str, ...]
    evidence_text: str
    score: float
    band: str


def weights_with(own: Mapping[str, float] | None) -> dict[str, float]:
    """Return the bit weights, those of the document replacing the shipped ones."""
    return {**BITS, **{name: float(value) for name, value in (own or {}).items()}}


def score(*, bits: Iterable[str], steps: int, weights: Mapping[str, float]) -> float:
    """Return the coupling score of a pair, 0 (free) to 1 (bound). Source: docs/coupling.md."""
    total = sum(weights.values())
    share = sum(weights[bit] for bit in bits) / total if total else 0.0
    return _SHARE_OF_BITS * share + (1 - _SHARE_OF_BITS) * min(steps, _STEPS_THAT_COUNT_FULL) / _STEPS_THAT_COUNT_FULL


def band(value: float) -> str:
    """Return loose, medium or tight for a score."""
    if value < _LOOSE_BELOW:
        return "loose"
    return "medium" if value <= _MEDIUM_UP_TO else "tight"


def stable_band(*, bits: Iterable[str], steps: int, weights: Mapping[str, float]) -> str:
    """Return the band of a pair, or the span of bands where one observation set otherwise would move it.

    The bits are judgements; a band that a single one of them decides is not stated as if it were sure.
    """
    own = set(bits)
    flips = [score(bits=own ^ {bit}, steps=steps, weights=weights) for bit in weights]
    reached = {band(value) for value in (*flips, score(bits=own, steps=steps, weights=weights))}
    names = [name for name in ("loose", "medium", "tight") if name in reached]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def cells(
    *, rows: Iterable[Mapping[str, Any]], provider: str, path: str, weights: Mapping[str, float], fabric: bool = True
) -> list[Cell]:
    """Return the coupling cells of a stack.

    They are the observations of its provider and path, and the general ones (path any) of pairs that the stack has and
    its path does not observe itself: a stack without accelerators has no accelerator pair, one that does not call a
    managed model has no pair with it, and one that only calls it brings only its stored data. A stack without a
    ``fabric`` between nodes has no pair with one. The options a row names are the typical ones of its path.
    """
    mine: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["path"] != "any", row["id"])):
        if row["provider"] == provider and _belongs(row, path) and (fabric or not _names_fabric(row)):
            mine[row["layer_a"], row["layer_b"]] = row
    found = [_cell(row, weights) for row in mine.values()]
    return sorted(found, key=lambda cell: (_order(cell.layer_a), _order(cell.layer_b), cell.id))


def _belongs(row: Mapping[str, Any], path: str) -> bool:
    if row["path"] != "any":
        return bool(row["path"] == path)
    layers = {row["layer_a"], row["layer_b"]}
    if path == "managed_api":
        return layers == {"storage", "model_layer"}
    return not (("accelerator" in layers and path == "cpu") or "model_layer" in layers)


def _names_fabric(row: Mapping[str, Any]) -> bool:
    """Return whether a row's observation is of a fabric between nodes."""
    options = {row["layer_a"]: row["option_a"], row["layer_b"]: row["option_b"]}
    return any(fabric in options.get("networking", "") for fabric in _FABRICS)


def _cell(row: Mapping[str, Any], weights: Mapping[str, float]) -> Cell:
    bits = tuple(bit for bit in BITS if row[bit])
    steps = tuple(step.strip() for step in str(row["migration_steps"] or "").split(";") if step.strip())
    return Cell(
        id=row["id"],
        layer_a=row["layer_a"],
        layer_b=row["layer_b"],
        option_a=row["option_a"],
        option_b=row["option_b"],
        bits=bits,
        steps=steps,
        evidence_text=row["evidence"],
        score=score(bits=bits, steps=len(steps), weights=weights),
        band=stable_band(bits=bits, steps=len(steps), weights=weights),
    )


def _order(layer: str) -> int:
    return LAYERS.index(layer) if layer in LAYERS else len(LAYERS)
