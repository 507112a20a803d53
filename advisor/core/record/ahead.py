"""What lies ahead, in a decision record: what the plan brings with it, and when to decide anew."""

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.core.figures import amount
from advisor.core.quantity import Sentence
from advisor.core.readout import Readout
from advisor.core.record.blocks import Block, Bullets, Heading, Paragraph, Said, Sources

Data = Mapping[str, Any]


def consequences(readout: Readout, sources: Sources) -> Iterator[Block]:
    """Yield what follows from the plan and what is at risk: the report's warnings, the gravest kind first."""
    if not readout.warnings:
        yield Paragraph(Said("Nothing in the plan asked for a warning."))
        return
    yield Bullets(tuple(sources.said(text, lead=group.title) for group in readout.warnings for text in group.said))


def confirmation(readout: Readout, sources: Sources) -> Iterator[Block]:
    """Yield measurable conditions on which to decide anew: what turns the decision, gates, open checks."""
    if readout.flips:
        yield Heading("What would make us decide otherwise")
        yield Bullets(tuple(sources.said(one) for one in readout.flips))
    told = " ".join(one["text"] for one in readout.flips)
    gates = [
        sources.said(text, lead=f"{name}, {' and '.join(roles)}")
        for name, text, roles in _gates(readout.data["plan"]["assignments"])
        if text["text"] not in told
    ]
    if gates:
        yield Heading("Gates to pass")
        yield Bullets(tuple(gates))
    yield Heading("When to look again")
    yield Bullets(tuple(_occasions(readout, sources)))


def _gates(assignments: list[Data]) -> list[tuple[str, Sentence, list[str]]]:
    """Return each gate once, with the workload and the roles it holds for."""
    found: dict[tuple[str, str], tuple[str, Sentence, list[str]]] = {}
    for item in assignments:
        for text in item["gate"]:
            key = (item["workload_id"], text["text"])
            found.setdefault(key, (item["workload_name"], text, []))[2].append(item["role"])
    return list(found.values())


def _occasions(readout: Readout, sources: Sources) -> Iterator[Said]:
    """Yield the prices below which a stack not taken would win, the checks still open, and what always holds."""
    for workload in readout.data["workloads"]:
        turning = [row for row in workload["why_not"] if "wins_below" in row]
        if turning:
            prices = "; ".join(f"{row['label']} below {amount(row['wins_below'])}" for row in turning)
            refs = sources.some(id for row in turning for id in row["wins_below"]["evidence"])
            yield Said(f"decide anew when it can be had for less: {prices}.", refs=refs, lead=workload["name"])
    for check in readout.checks:
        if check.state == "cannot be confirmed":
            yield sources.said(check.text, lead=f"Confirm, {', '.join(check.scopes)}")
    yield Said("advise again when an answer changes or a new catalog release moves a price named here.", lead="Always")
