"""The middle of a decision record: the options considered, the one taken, and why not the others."""

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.core.figures import amount, words
from advisor.core.gist import carries
from advisor.core.labels import LAYER_LABELS, NUMBER_LABELS, labelled
from advisor.core.option_charts import shown_stacks
from advisor.core.quantity import Number
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
    figures,
    pictures,
    rows,
)

_LAYERS = ("compute", "accelerator", "networking", "storage", "orchestration", "model_layer")
_PACE = ("run_days", "tokens_per_s", "latency_ms", "ttft_ms")
_SHORT_LETTERS = 120  # of a reason that stands in each row it holds for

Data = Mapping[str, Any]


def options(readout: Readout, sources: Sources) -> Iterator[Block]:
    """Yield the whole plans compared, then each workload's stacks."""
    data = readout.data
    yield Heading("Whole plans")
    yield Table(
        (Column("Plan", 1.5), Column("A month at full load", 1.4, True), Column("What it is", 3.3)),
        rows(
            [
                (
                    "The plan",
                    figure(data["plan"]["totals"]["monthly_usd"], with_reason=False),
                    stacks_text(data["plan"]["assignments"]),
                ),
                *(
                    (other["title"], figure(other["monthly_usd"], with_reason=False), _told(other, sources))
                    for other in data["plan_alternatives"]
                ),
            ]
        ),
    )
    yield from pictures((chart for chart in readout.cost_charts if chart.id == "plans"), sources)
    mine = carries(data)
    for workload in data["workloads"]:
        shown = shown_stacks(workload)
        yield Heading(f"Stacks for {workload['name']}")
        if not shown:
            yield Paragraph(Said("No stack could be built for this workload."))
            continue
        yield Table(
            (
                Column("Stack", 2.4),
                Column("Standing", 0.9),
                Column("A month at full load", 1.6, True),
                Column("Pace", 1.5, True),
                Column("Coupling", 0.8, True),
                Column("Value", 0.6, True),
            ),
            rows(
                (
                    Cell(stack["label"], note=_way(stack, mine=mine.get(workload["id"]))),
                    words(stack["standing"]),
                    figure(stack["numbers"].get("monthly_usd"), with_reason=False),
                    _pace(stack),
                    figure(stack["coupling"]["mean"], with_reason=False),
                    "unknown" if stack["value"] is None else f"{stack['value']:.2f}",
                )
                for stack in shown
            ),
        )
        charts = readout.workload_charts[workload["id"]]
        yield from pictures((chart for chart in charts if chart.id == "options" or chart.target), sources)


def _told(other: Data, sources: Sources) -> Cell:
    return Cell(
        other["text"]["text"], note=stacks_text(other["assignments"]), refs=sources.some(other["text"]["evidence"])
    )


def stacks_text(assignments: list[Data]) -> str:
    """Return which stack each workload has in a plan, in one line."""
    texts = []
    for item in assignments:
        label = item["label"] if "label" in item else item["stack"] and item["stack"]["label"]
        role = f" ({item['role']})" if item.get("role") else ""
        texts.append(f"{item['workload_id']}: {label or 'no stack'}{role}")
    return "; ".join(texts)


def _way(stack: Data, *, mine: str | None) -> str:
    return f"{stack['path_text']}, recommended" if stack["id"] == mine else str(stack["path_text"])


def _pace(stack: Data) -> Cell:
    """Return the first known figure of how fast a stack is."""
    for name in _PACE:
        number = stack["numbers"].get(name)
        if number is not None and number["value"] is not None:
            found = figure(number)
            return Cell(found.text, note=f"{NUMBER_LABELS[name].split(',')[0].lower()} {found.note}".strip())
    return Cell("not estimated")


def outcome(readout: Readout, sources: Sources) -> Iterator[Block]:
    """Yield the plan: the answer in words, each assignment by layer with its figures, and why."""
    data = readout.data
    yield Paragraph(sources.said(readout.answers[-1]))
    if readout.answers[:-1]:
        yield Bullets(tuple(sources.said(one) for one in readout.answers[:-1]))
    for item in data["plan"]["assignments"]:
        yield from _assignment(item, sources)
    for workload in data["workloads"]:
        why = [*workload["why"], *([workload["narrower_weights"]["text"]] if "narrower_weights" in workload else ())]
        if why:
            yield Heading(f"Why, for {workload['name']}")
            yield Bullets(tuple(sources.said(text) for text in why))
        if "utilisation_sensitivity" in workload:
            sensitivity = workload["utilisation_sensitivity"]
            yield Paragraph(sources.said(sensitivity["text"]))
            yield figures(
                [
                    (f"Busy {row['utilisation']:.0%} of the time", row["usd_per_thousand_units"])
                    for row in sensitivity["rows"]
                ],
                sources.some,
            )


def _assignment(item: Data, sources: Sources) -> Iterator[Block]:
    yield Heading(f"{item['workload_name']}: {item['role_text']}")
    stack = item["stack"]
    if stack is None:
        yield Paragraph(Said("No admissible stack."))
        return
    yield Paragraph(Said(", ".join(filter(None, (stack["label"], stack["layout"]))), lead="Stack"))
    yield Table(
        (Column("Layer", 1), Column("Choice", 3), Column("Sources", 1.1)),
        rows(
            (LAYER_LABELS[layer], stack["layers"][layer]["name"], sources.some(stack["layers"][layer]["evidence"]))
            for layer in _LAYERS
            if layer in stack["layers"]
        ),
    )
    yield figures(stack_figures(stack, own=item["numbers"]), sources.all)


def stack_figures(stack: Data, *, own: Mapping[str, Number] | None = None) -> list[tuple[str, Number]]:
    """Return every number of a stack, with those of its own part in the plan, and how bound it is."""
    return [
        *labelled({**stack["numbers"], **(own or {})}),
        ("Coupling, mean", stack["coupling"]["mean"]),
        ("Coupling, tightest", stack["coupling"]["maximum"]),
    ]


def why_not(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield the nearest rejected stacks of each workload and what speaks against each; a long reason stands once."""
    for workload in data["workloads"]:
        if not workload["why_not"]:
            continue
        against: dict[str, list[Data]] = {}
        for row in workload["why_not"]:
            for text in row["texts"]:
                against.setdefault(text["text"], []).append(row)
        several = {text: held for text, held in against.items() if len(held) > 1 and len(text) > _SHORT_LETTERS}
        yield Heading(workload["name"])
        yield Table(
            (Column("Stack", 1.7), Column("Verdict", 0.8), Column("Reason", 3.8), Column("A month", 1.35, True)),
            rows(
                (
                    row["label"],
                    row["verdict"],
                    _against(row, [text for text in row["texts"] if text["text"] not in several], sources),
                    figure(row.get("monthly_usd"), with_reason=False),
                )
                for row in workload["why_not"]
            ),
        )
        if several:
            yield Bullets(tuple(_against_several(text, held, sources) for text, held in several.items()))


def _against(row: Data, own: list[Data], sources: Sources) -> Cell:
    told = [text["text"] for text in own] + (["See below the table."] if len(own) < len(row["texts"]) else [])
    return Cell(" ".join(told), note=_wins(row), refs=sources.some(id for text in own for id in text["evidence"]))


def _against_several(text: str, held: list[Data], sources: Sources) -> Said:
    refs = sources.some(id for row in held for one in row["texts"] if one["text"] == text for id in one["evidence"])
    return Said(f"{text} This holds for {'; '.join(row['label'] for row in held)}.", refs=refs)


def _wins(row: Data) -> str:
    return f"It would cost less below {amount(row['wins_below'])}." if "wins_below" in row else ""
