"""The end of a decision record: what was not answered, every figure, every source, and what it was made from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from advisor.core.blocks import Block, Cell, Column, Heading, Paragraph, Said, Sources, Table, rows
from advisor.core.figures import amount, plain, span, words
from advisor.core.labels import NUMBER_LABELS
from advisor.core.quantity import Number, titled
from advisor.core.record_answer import stacks_of

_COLUMNS = (
    Column("Figure", 2),
    Column("Value", 1.3, True),
    Column("Range", 1.3, True),
    Column("Kind", 1.1),
    Column("Sources", 1.6),
)

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


def figures(data: Data, sources: Sources) -> Iterator[Block]:
    """Yield every number of the plan and of each stack shown, with its kind and all its sources."""
    totals = data["plan"]["totals"]
    yield Heading("The plan")
    plan = [("A month at full load", totals["monthly_usd"]), ("Over the horizon", totals["horizon_usd"])]
    plan += [(other["title"], other["monthly_usd"]) for other in data["plan_alternatives"]]
    yield _table(plan, sources)
    yield Heading("Month by month")
    yield Paragraph(Said("Each month is a share of the month at full load, from the same sources."), is_quiet=True)
    yield Table(
        (Column("Month", 1), Column("Cost", 1.5, True), Column("Range", 2, True)),
        rows((str(month["month"]), amount(month["usd"]), span(month["usd"])) for month in totals["months"]),
    )
    for label, labelled in _by_stack(data).items():
        yield Heading(label)
        yield _table(labelled, sources)
    reasons = [
        (f"{row['label']}, {name}", row[key])
        for workload in data["workloads"]
        for row in workload["why_not"]
        for key, name in (("monthly_usd", "a month at full load"), ("wins_below", "would cost less below"))
        if row.get(key) is not None
    ]
    reasons += [(row["label"], row["monthly_usd"]) for row in data["constraints"]["excluded_providers"]]
    if reasons:
        yield Heading("Stacks not taken")
        yield _table(reasons, sources)


def _by_stack(data: Data) -> dict[str, list[Labelled]]:
    """Return the numbers of every stack shown, once a stack: what it costs and does, how bound it is, its gate."""
    found: dict[str, list[Labelled]] = {}
    names = {item["id"]: item["name"] for item in data["workloads"]}
    shown: list[tuple[str, Data, Data]] = [
        (names[workload["id"]], stack, {}) for workload in data["workloads"] for stack in stacks_of(workload)
    ]
    shown += [
        (item["workload_name"], item["stack"], item["numbers"]) for item in data["plan"]["assignments"] if item["stack"]
    ]
    for name, stack, own in shown:
        numbers = {**stack["numbers"], **own}
        ordered = [key for key in NUMBER_LABELS if key in numbers] + sorted(set(numbers) - set(NUMBER_LABELS))
        labelled = [(NUMBER_LABELS.get(key, titled(words(key))), numbers[key]) for key in ordered]
        labelled += [
            ("Coupling, mean", stack["coupling"]["mean"]),
            ("Coupling, tightest", stack["coupling"]["maximum"]),
        ]
        title = f"{name}: {stack['label']}"
        if title not in found or own:
            found[title] = labelled
    return found


def _table(labelled: list[Labelled], sources: Sources) -> Table:
    return Table(
        _COLUMNS,
        rows(
            (
                Cell(label, note=number["reason"] or ""),
                amount(number),
                span(number),
                number["kind"],
                sources.all(number["evidence"]),
            )
            for label, number in labelled
        ),
    )


def evidence(data: Data) -> Iterator[Block]:
    """Yield every source: what it says, what kind of figure it is, who says so, where, and as of when."""
    yield Paragraph(Said("The numbers of the sources in this record are the numbers of this table."), is_quiet=True)
    yield Table(
        (
            Column("No.", 0.45, True),
            Column("What", 2.4),
            Column("Value", 1.2, True),
            Column("Kind", 1),
            Column("Source", 2.6),
            Column("As of", 0.9),
        ),
        rows(
            (
                str(number),
                Cell(entry["label"], note=f"{entry['id']}{_parts(entry)}"),
                _value(entry),
                entry["kind"],
                Cell(entry["source"], note=entry["locator"] or "", url=_address(entry)),
                _dated(entry),
            )
            for number, entry in enumerate(data.get("evidence", ()), start=1)
        ),
    )


def _value(entry: Data) -> str:
    if entry["value"] is None or isinstance(entry["value"], Mapping):
        return "not one figure"
    return f"{plain(entry['value'])} {entry['unit'] or ''}".strip()


def _parts(entry: Data) -> str:
    """Return what an entry of several parts says, for the wide column."""
    return f" · {plain(entry['value'])}" if isinstance(entry["value"], Mapping) else ""


def _address(entry: Data) -> str:
    """Return where a source can be read, if that is an address of the web and nothing else."""
    url = str(entry.get("url") or "")
    return url if _ADDRESS.fullmatch(url) else ""


def _dated(entry: Data) -> Cell:
    if entry["kind"] in ("answer", "default"):
        return Cell("your own")
    return Cell(entry["as_of"] or "undated", note=entry["as_of_basis"] if entry["as_of"] else "")


def made_from(data: Data, sha256: str) -> Iterator[Block]:
    """Yield the hashes that make the same report again."""
    yield Paragraph(
        Said("The same document, catalog release, coefficients, rules and code give the same report, byte for byte.")
    )
    hashes = [(titled(words(name)), str(value)) for name, value in data["hashes"].items()]
    yield Table(
        (Column("Part", 1), Column("Hash or number", 4)), rows([*hashes, ("Report (sha256 of its JSON)", sha256)])
    )
