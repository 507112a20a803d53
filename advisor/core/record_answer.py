"""The middle of a decision record: options, outcome, coupling, why not, consequences, and when to look again."""

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.core.blocks import (
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Heading,
    Paragraph,
    Said,
    Sources,
    Table,
    figure,
    rows,
)
from advisor.core.figures import amount, words
from advisor.core.labels import LAYER_LABELS, NUMBER_LABELS
from advisor.core.quantity import Number, Sentence, titled

_LAYERS = ("compute", "accelerator", "networking", "storage", "orchestration", "model_layer")
_PACE = ("run_days", "tokens_per_s", "latency_ms", "ttft_ms")
_CARRYING = ("production", "baseline")
_GROUPS = ("best_by_path", "best_by_provider", "best_by_group")
_EXITS = {"ordinary_transfer": "ordinary transfer", "full_exit": "full exit"}

Data = Mapping[str, Any]


def cell(sentence: Sentence, sources: Sources) -> Cell:
    """Return a sentence as a cell with its sources."""
    return Cell(sentence["text"], refs=sources.some(sentence["evidence"]))


def stacks_of(workload: Data) -> list[Data]:
    """Return each stack a workload's part shows, once: the recommended, the best of each kind, where the team stays."""
    shown = [workload["recommended"], *(stack for group in _GROUPS for stack in workload[group]), workload["stay"]]
    return list({stack["id"]: stack for stack in shown if stack}.values())


def carries(data: Data) -> dict[str, str | None]:
    """Return which stack carries each workload in the plan."""
    return {
        item["workload_id"]: item["stack_id"]
        for item in data["plan"]["assignments"]
        if item["role"] in _CARRYING or item["stack"] is None
    }


def other_plans(data: Data) -> list[Data]:
    """Return the plans compared that differ from the one advised."""
    mine = carries(data)
    return [
        other
        for other in data["plan_alternatives"]
        if {one["workload_id"]: one["stack_id"] for one in other["assignments"]} != mine
    ]


def options(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield the whole plans compared, then each workload's stacks."""
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
    yield from _chart(
        "A month at full load, by plan",
        [("The plan", data["plan"]["totals"]["monthly_usd"])]
        + [(other["title"], other["monthly_usd"]) for other in data["plan_alternatives"]],
    )
    mine = carries(data)
    for workload in data["workloads"]:
        shown = stacks_of(workload)
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
        yield from _chart(
            f"A month at full load for {workload['name']}, by stack",
            [(stack["label"], stack["numbers"].get("monthly_usd")) for stack in shown],
        )


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


def _chart(title: str, numbers: list[tuple[str, Number | None]]) -> Iterator[Block]:
    """Yield bars of what is known; one bar alone compares nothing."""
    known = [(label, number) for label, number in numbers if number is not None and number["value"] is not None]
    missing = [label for label, number in numbers if number is None or number["value"] is None]
    if len(known) < 2:
        return
    series = tuple(
        {
            "label": label,
            "low": number["low"],
            "typical": number["value"],
            "high": number["high"],
            "text": amount(number),
        }
        for label, number in known
    )
    told = "; ".join(f"{one['label']}: {one['text']}" for one in series)
    unknown = f" Not drawn, because not known: {', '.join(missing)}." if missing else ""
    yield Chart(title, unit=str(known[0][1]["unit"]), series=series, summary=f"{title}. {told}.{unknown}")


def outcome(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield the plan: in words, its totals, each assignment by layer with its figures, and why."""
    totals = data["plan"]["totals"]
    yield Paragraph(sources.said(data["decision"]["headline"]))
    yield Paragraph(sources.said(totals["text"]))
    labelled = [("A month at full load", totals["monthly_usd"]), ("Over the horizon", totals["horizon_usd"])]
    labelled += [(titled(line["title"]), line["monthly_usd"]) for line in totals["fixed"]]
    for name, label in (("net_monthly_usd", "A month, net of your discounts"), ("once_usd", "Pilots, once")):
        labelled += [(label, totals[name])] if name in totals else []
    for flow in data["plan"]["flows"]:
        label = f"Data from {flow['from']} to {flow['to']}, {amount(flow['gb_per_month'])}"
        labelled.append((label, flow["monthly_usd"]))
    yield _figures(labelled, sources)
    for item in data["plan"]["assignments"]:
        yield from _assignment(item, sources)
    for workload in data["workloads"]:
        if workload["why"]:
            yield Heading(f"Why, for {workload['name']}")
            yield Bullets(tuple(sources.said(text) for text in workload["why"]))
        if "utilisation_sensitivity" in workload:
            sensitivity = workload["utilisation_sensitivity"]
            yield Paragraph(sources.said(sensitivity["text"]))
            yield _figures(
                [
                    (f"Busy {row['utilisation']:.0%} of the time", row["usd_per_thousand_units"])
                    for row in sensitivity["rows"]
                ],
                sources,
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
    figures = {**stack["numbers"], **item["numbers"]}
    yield _figures([(label, figures[key]) for key, label in NUMBER_LABELS.items() if key in figures], sources)


def _figures(labelled: list[tuple[str, Number]], sources: Sources) -> Table:
    return Table(
        (Column("Figure", 2.2), Column("Value and range", 1.8, True), Column("Kind", 1), Column("Sources", 1.4)),
        rows((label, figure(number), number["kind"], sources.some(number["evidence"])) for label, number in labelled),
    )


def coupling(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield the coupling of each advised stack: matrix, what binds, what it buys, what leaving costs."""
    yield Paragraph(sources.said(data["coupling"]["method"]))
    weights = ", ".join(f"{words(name)} {weight:g}" for name, weight in data["coupling"]["weights"].items())
    yield Paragraph(Said(f"Weights of the observations: {weights}."), is_quiet=True)
    alike: dict[str, list[Data]] = {}
    for stack in data["coupling"]["stacks"]:
        alike.setdefault(repr((stack["cells"], stack["leaving"], stack["workload_id"])), []).append(stack)
    for group in alike.values():
        yield from _coupled(group, sources)


def _coupled(group: list[Data], sources: Sources) -> Iterator[Block]:
    """Yield the coupling that one or several stacks of a workload share to the letter."""
    stack = group[0]
    yield Heading("; ".join(dict.fromkeys(one["label"] for one in group)))
    yield Paragraph(
        Said(f"Mean {amount(stack['mean'])}, tightest pair {amount(stack['maximum'])} (0 is free, 1 is bound).")
    )
    if stack["cells"]:
        yield _matrix(stack["cells"])
        yield Table(
            (
                Column("Pair", 1.1),
                Column("Score", 0.7, True),
                Column("What binds it, and what moving takes", 2.6),
                Column("What it buys", 1.6),
            ),
            rows(
                (
                    titled(one["pair_text"]),
                    Cell(amount(one["score"]), note=one["band"]),
                    Cell(one["text"]["text"], note="; ".join(one["steps"]), refs=sources.some(one["text"]["evidence"])),
                    cell(one["buys"], sources),
                )
                for one in stack["cells"]
            ),
        )
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


def why_not(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield the nearest rejected stacks of each workload, each with what speaks against it."""
    for workload in data["workloads"]:
        if not workload["why_not"]:
            continue
        yield Heading(workload["name"])
        yield Table(
            (Column("Stack", 1.7), Column("Verdict", 0.9), Column("Reason", 3), Column("A month", 1.4, True)),
            rows(
                (
                    row["label"],
                    row["verdict"],
                    Cell(
                        " ".join(text["text"] for text in row["texts"]),
                        note=_wins(row),
                        refs=sources.some(id for text in row["texts"] for id in text["evidence"]),
                    ),
                    figure(row.get("monthly_usd"), with_reason=False),
                )
                for row in workload["why_not"]
            ),
        )


def _wins(row: Data) -> str:
    return f"It would cost less below {amount(row['wins_below'])}." if "wins_below" in row else ""


def _gates(assignments: list[Data]) -> list[tuple[str, Sentence, list[str]]]:
    """Return each gate once, with the workload and the roles it holds for."""
    found: dict[tuple[str, str], tuple[str, Sentence, list[str]]] = {}
    for item in assignments:
        for text in item["gate"]:
            key = (item["workload_id"], text["text"])
            found.setdefault(key, (item["workload_name"], text, []))[2].append(item["role"])
    return list(found.values())


def consequences(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield what follows from the plan and what is at risk: the report's warnings, each once."""
    if not data["warnings"]:
        yield Paragraph(Said("Nothing in the plan asked for a warning."))
        return
    yield Bullets(tuple(sources.said(text, lead=titled(words(text["code"]))) for text in data["warnings"]))


def confirmation(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield measurable conditions on which to decide anew: gates, open checks, prices that turn the order."""
    names = {item["id"]: item["name"] for item in data["workloads"]}
    found = [
        sources.said(text, lead=f"{name}, {' and '.join(held)}")
        for name, text, held in _gates(data["plan"]["assignments"])
    ]
    found += [
        Said(
            f"decide anew when {row['label']} can be had below {amount(row['wins_below'])}.",
            refs=sources.some(row["wins_below"]["evidence"]),
            lead=workload["name"],
        )
        for workload in data["workloads"]
        for row in workload["why_not"]
        if "wins_below" in row
    ]
    found += [
        sources.said(check["text"], lead=f"Confirm, {names.get(check['scope'], 'the whole decision')}")
        for check in data["constraints"]["checks"]
        if check["state"] == "cannot be confirmed"
    ]
    found.append(
        Said("advise again when an answer changes or a new catalog release moves a price named here.", lead="Always")
    )
    yield Bullets(tuple(found))
