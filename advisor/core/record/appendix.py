"""The end of a decision record: what was not answered, every figure, every source, and what it was made from."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from advisor.core.figures import amount, plain, words
from advisor.core.option_charts import shown_stacks
from advisor.core.quantity import Number, titled
from advisor.core.record.answer import stack_figures
from advisor.core.record.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Paragraph,
    Reference,
    References,
    Said,
    Sources,
    Table,
    compared,
    figures,
    rows,
)
from advisor.core.record.cost import bill

_SIDE_BY_SIDE = 3
_ADDRESS = re.compile(r"https://[A-Za-z0-9\-._~:/?#@!$&'*+,;=%]+")

Data = Mapping[str, Any]
Labelled = tuple[str, Number]


def unanswered(data: Data) -> Iterator[Block]:
    """Yield what was not asked or not answered, and what was taken instead."""
    if not data["unanswered"]:
        yield Paragraph(Said("Every question was answered."))
        return
    yield Table(
        (Column("Question", 2.4), Column("Taken instead", 1.4), Column("Where to answer it", 1.8)),
        rows(
            (
                Cell(entry["question"], note=entry["why"]),
                entry["default_text"] or plain(entry["default"]),
                entry["path"],
            )
            for entry in data["unanswered"]
        ),
    )


def every_figure(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield every number that stands nowhere yet with all its sources: the totals, and each stack beside the plan's."""
    told = "Each with its range, its kind and the numbers of its sources."
    if any(item["stack"] for item in data["plan"]["assignments"]):
        told = f"The figures of the plan's own stacks stand under the outcome. {told}"
    yield Paragraph(Said(told), is_quiet=True)
    totals = data["plan"]["totals"]
    yield Heading("The plan")
    plan = [("A month at full load", totals["monthly_usd"]), ("Over the horizon", totals["horizon_usd"])]
    plan += [(other["title"], other["monthly_usd"]) for other in data["plan_alternatives"]]
    yield figures(plan, sources.all)
    yield from _bills(data, sources)
    for workload in data["workloads"]:
        for number, several in enumerate(_beside(workload, data)):
            if number == 0:
                yield Heading(f"{workload['name']}: the stacks beside the plan's")
            yield compared(several, sources.all)
    reasons = [
        (f"{row['label']}{ending}", row[key])
        for workload in data["workloads"]
        for row in workload["why_not"]
        for key, ending in (("monthly_usd", ""), ("wins_below", ", would cost less below"))
        if row.get(key) is not None
    ]
    reasons += [(row["label"], row["monthly_usd"]) for row in data["constraints"]["excluded_providers"]]
    if reasons:
        yield Heading("Stacks not taken: a month at full load")
        yield figures(reasons, sources.all)


def _bills(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield each workload's bill, where it holds a line that the bill of the plan does not."""
    told = [_figures_of(line) for line in data["plan"]["totals"].get("lines", ())]
    for workload in data["workloads"]:
        lines = (workload.get("bill") or {}).get("lines", [])
        if any(_figures_of(line) not in told for line in lines):
            yield Heading(f"The bill of {workload['name']}")
            yield bill(lines, months_count=data["decision"]["horizon_months"], sources=sources)


def _figures_of(line: Data) -> tuple[str, str, str]:
    return line["title"], amount(line["monthly_usd"]), amount(line["horizon_usd"])


def _beside(workload: Data, data: Data) -> Iterator[list[tuple[str, list[Labelled]]]]:
    """Yield the stacks shown of a workload that are not in the plan, with their numbers: like with like, a few at once.

    A managed API has other figures than machines.
    """
    planned = {
        item["stack"]["label"]
        for item in data["plan"]["assignments"]
        if item["stack"] and item["workload_name"] == workload["name"]
    }
    others = [stack for stack in shown_stacks(workload) if stack["label"] not in planned]
    for is_managed in (False, True):
        alike = [stack for stack in others if (stack["path"] == "managed_api") == is_managed]
        for start in range(0, len(alike), _SIDE_BY_SIDE):
            yield [(stack["label"], stack_figures(stack)) for stack in alike[start : start + _SIDE_BY_SIDE]]


def evidence(data: Data) -> Iterator[Block]:
    """Yield every source: what it says, who says so, where, what kind of figure it is, and as of when."""
    yield Paragraph(
        Said(
            "Source 12 is the twelfth entry of the evidence in the report's JSON. “As 11”: the source of the eleventh. "
            "A bare date is the one that the source states. What the team answered stands under the context."
        ),
        is_quiet=True,
    )
    yield References(tuple(_references(data["evidence"])))


def _references(evidence: Sequence[Data]) -> Iterator[Reference]:
    """Yield the entries by their numbers; where the source is the one of the entry before, its number is enough."""
    first, before = 0, None
    for number, entry in enumerate(evidence, start=1):
        if entry["kind"] == "answer" and not isinstance(entry["value"], Mapping):
            continue  # it stands under the context, whole
        is_same = before is not None and (entry["source"], entry["url"]) == (before["source"], before["url"])
        first = first if is_same else number
        place = entry["locator"] or ""
        yield Reference(
            number,
            _told(entry),
            source=f"as {first}" if is_same else entry["source"],
            place="" if before and is_same and place == before["locator"] else place,
            dated=f"{entry['kind']}, {_day(entry)}",
            url="" if is_same else _address(entry),
        )
        before = entry


def _told(entry: Data) -> str:
    """Return what an entry is about and its figure, or its figures."""
    value = plain(entry["value"]) if entry["value"] is not None else ""
    unit = "" if isinstance(entry["value"], Mapping) else entry["unit"] or ""
    return f"{entry['label']}: {value} {unit}".strip() if value else str(entry["label"])


def _address(entry: Data) -> str:
    """Return where a source can be read, if that is an address of the web and nothing else."""
    url = str(entry.get("url") or "")
    return url if _ADDRESS.fullmatch(url) else ""


def _day(entry: Data) -> str:
    if entry["kind"] in ("answer", "default"):
        return "your own"
    basis = f" ({entry['as_of_basis']})" if entry["as_of_basis"] not in ("", "stated") else ""
    return f"{entry['as_of']}{basis}" if entry["as_of"] else "undated"


def made_from(data: Data, sha256: str) -> Iterator[Block]:
    """Yield the hashes that make the same report again."""
    yield Paragraph(
        Said("The same document, catalog release, coefficients, rules and code give the same report, byte for byte.")
    )
    hashes = [(titled(words(name)), str(value)) for name, value in data["hashes"].items()]
    yield Table(
        (Column("Part", 1), Column("Hash or number", 4)), rows([*hashes, ("Report (sha256 of its JSON)", sha256)])
    )
