"""What is bound to what, in a decision record: the tightest bond of each workload, then stack by stack."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from advisor.core.figures import amount, words
from advisor.core.labels import LAYER_LABELS
from advisor.core.merged import Benefit
from advisor.core.quantity import Number, titled
from advisor.core.readout import Readout
from advisor.core.record.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    Paragraph,
    Said,
    Sources,
    Table,
    figure,
    rows,
)

_EXITS = {"ordinary_transfer": "ordinary transfer", "full_exit": "full exit"}

Data = Mapping[str, Any]
Advised = tuple[Data, tuple[Benefit, ...]]  # a stack, and what being bound buys it


def coupling(readout: Readout, sources: Sources) -> Iterator[Block]:
    """Yield the coupling of each advised stack: matrix, what binds, what it buys, what leaving costs."""
    data = readout.data
    if readout.bonds:
        yield Bullets(tuple(sources.said(one) for one in readout.bonds.values()))
    yield Paragraph(sources.said(data["coupling"]["method"]))
    weights = ", ".join(f"{words(name)} {weight:g}" for name, weight in data["coupling"]["weights"].items())
    yield Paragraph(Said(f"Weights of the observations: {weights}."), is_quiet=True)
    names = {item["id"]: item["name"] for item in data["workloads"]}
    stacks: list[Advised] = [
        ({**stack, "workload_name": names.get(stack["workload_id"], stack["workload_id"])}, benefits)
        for stack, benefits in zip(data["coupling"]["stacks"], readout.benefits, strict=True)
    ]
    for _, alike in _alike(stacks, lambda stack, _: [*_bound(stack, sources)]):
        yield Heading("; ".join(dict.fromkeys(stack["label"] for stack, _ in alike)))
        yield from _bound(alike[0][0], sources)
        for labels, ((_, benefits), *_) in _alike(alike, lambda stack, benefits: stack["cells"] and benefits):
            if benefits:
                yield Paragraph(Said(f"What being bound buys{labels and f' with {labels}'}:"))
                yield Bullets(tuple(sources.said(one.text, lead=titled("; ".join(one.pairs))) for one in benefits))
        for labels, ((stack, _), *_) in _alike(alike, lambda stack, _: stack["leaving"]["text"]):
            yield Paragraph(sources.said(stack["leaving"]["text"], lead=f"Leaving {labels}".strip()))
        for labels, ((stack, _), *_) in _alike(alike, lambda stack, _: stack["leaving"]["data_usd"]):
            if labels:
                yield Paragraph(Said(f"The stored data of {labels}:"))
            yield _moving(stack)


def _alike(
    stacks: list[Advised], said: Callable[[Data, tuple[Benefit, ...]], Any]
) -> Iterator[tuple[str, list[Advised]]]:
    """Yield together the stacks of which the same is said, and their names where something else is said of others."""
    found: dict[str, list[Advised]] = {}
    for stack, benefits in stacks:
        found.setdefault(repr(said(stack, benefits)), []).append((stack, benefits))
    labels = [stack["label"] for stack, _ in stacks]
    for alike in found.values():
        named = (
            f"{stack['label']} ({stack['workload_name']})" if labels.count(stack["label"]) > 1 else stack["label"]
            for stack, _ in alike
        )
        yield "; ".join(named) if len(found) > 1 else "", alike


def _bound(stack: Data, sources: Sources) -> Iterator[Block]:
    """Yield how bound the layers of a stack are: in one matrix, then pair by pair with what binds them."""
    yield Paragraph(
        Said(f"Mean {amount(stack['mean'])}, tightest pair {amount(stack['maximum'])} (0 is free, 1 is bound).")
    )
    if not stack["cells"]:
        return
    yield _matrix(stack["cells"])
    yield Table(
        (
            Column("Pair", 1.1),
            Column("Score", 0.7, True),
            Column("What binds it, and what moving takes", 4.2),
        ),
        rows(
            (
                titled(one["pair_text"]),
                Cell(amount(one["score"]), note=one["band"]),
                Cell(one["text"]["text"], note="; ".join(one["steps"]), refs=sources.some(one["text"]["evidence"])),
            )
            for one in stack["cells"]
        ),
    )


def _moving(stack: Data) -> Table:
    """Return what it costs to take the stored data elsewhere, and on what condition."""
    return Table(
        (
            Column("Moving the stored data out", 1.4),
            Column("Cost", 1.2, True),
            Column("On condition", 3),
        ),
        rows(
            (titled(_EXITS.get(name, words(name))), figure(number), _condition(number))
            for name, number in stack["leaving"]["data_usd"].items()
        ),
    )


def _condition(number: Number) -> str:
    return str(number["reason"]) if number["value"] is not None and number["reason"] else ""


def _matrix(cells: list[Data]) -> Table:
    """Return the layers against each other; a pair with several observations shows its tightest."""
    present = {layer for one in cells for layer in (one["layer_a"], one["layer_b"])}
    layers = [layer for layer in LAYER_LABELS if layer in present]
    scores: dict[frozenset[str], float] = {}
    for one in cells:
        pair = frozenset((one["layer_a"], one["layer_b"]))
        scores[pair] = max(scores.get(pair, 0.0), one["score"]["value"])
    return Table(
        (Column("Layer", 1.2), *(Column(LAYER_LABELS[layer], 1, True) for layer in layers[:-1])),
        rows(
            (
                LAYER_LABELS[layer],
                *(
                    _score(scores.get(frozenset((layer, other)))) if index < position else ""
                    for index, other in enumerate(layers[:-1])
                ),
            )
            for position, layer in enumerate(layers)
            if position
        ),
    )


def _score(score: float | None) -> Cell:
    return Cell("·") if score is None else Cell(f"{score:.2f}", shade=score)
