"""What is bound to what, in a decision record: the tightest bond of each workload, then stack by stack."""

from collections.abc import Iterator, Mapping
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


def coupling(readout: Readout, sources: Sources) -> Iterator[Block]:
    """Yield the coupling of each advised stack: matrix, what binds, what it buys, what leaving costs."""
    data = readout.data
    if readout.bonds:
        yield Bullets(tuple(sources.said(one) for one in readout.bonds.values()))
    yield Paragraph(sources.said(data["coupling"]["method"]))
    weights = ", ".join(f"{words(name)} {weight:g}" for name, weight in data["coupling"]["weights"].items())
    yield Paragraph(Said(f"Weights of the observations: {weights}."), is_quiet=True)
    alike: dict[str, list[tuple[Data, tuple[Benefit, ...]]]] = {}
    for stack, benefits in zip(data["coupling"]["stacks"], readout.benefits, strict=True):
        same = alike.setdefault(repr((stack["cells"], stack["leaving"], stack["workload_id"])), [])
        same.append((stack, benefits))
    for group in alike.values():
        labels = dict.fromkeys(stack["label"] for stack, _ in group)
        yield Heading("; ".join(labels))
        yield from _coupled(*group[0], sources)


def _coupled(stack: Data, benefits: tuple[Benefit, ...], sources: Sources) -> Iterator[Block]:
    """Yield the coupling that one or several stacks of a workload share to the letter."""
    yield Paragraph(
        Said(f"Mean {amount(stack['mean'])}, tightest pair {amount(stack['maximum'])} (0 is free, 1 is bound).")
    )
    if stack["cells"]:
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
        yield Paragraph(Said("What being bound buys:"))
        yield Bullets(tuple(sources.said(one.text, lead=titled("; ".join(one.pairs))) for one in benefits))
    yield Paragraph(sources.said(stack["leaving"]["text"], lead="Leaving"))
    yield Table(
        (Column("Moving the stored data out", 1.4), Column("Cost", 1.2, True), Column("On condition", 3)),
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
