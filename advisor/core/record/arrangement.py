"""The decision record: what a report says, arranged once for whoever keeps it. Markdown and PDF only render it."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor.core import gist, readout
from advisor.core.bases import BASIS_TEXT
from advisor.core.figures import amount, plain, span, stated, words
from advisor.core.merged import Check
from advisor.core.quantity import listed, titled
from advisor.core.readout import Readout
from advisor.core.record import ahead, answer, appendix, cost, coupling
from advisor.core.record import statement as record_statement
from advisor.core.record.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    Paragraph,
    Said,
    Section,
    Sources,
    Table,
    cell,
    rows,
)
from advisor.core.record.statement import ASKED
from advisor.core.value import CRITERIA

_MAX_SLUG_LETTERS = 60
_ANCHORS = ("ideal", "unacceptable")
# Sections that a report of an older schema, or of a decision without them, does not hold.
_ABSENT: Mapping[str, Any] = {
    "constraints": {"checks": [], "removals": [], "excluded_providers": []},
    "evidence": [],
    "plan_alternatives": [],
    "unanswered": [],
    "warnings": [],
}

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What the shelf knows of a report beside its content. Without a shelf, as on the command line, nothing."""

    number: int | None = None
    revision: int | None = None
    workspace: str = ""
    status: str = ""
    issued_on: str = ""
    asked_by: tuple[str, ...] = ()
    decision_makers: tuple[str, ...] = ()
    proposed_on: str = ""
    accepted_on: str = ""
    rejected_on: str = ""
    review_by: str = ""
    supersedes: str = ""
    superseded_by: str = ""
    address: str = ""


@dataclass(frozen=True)
class Record:
    """One decision record in reading order."""

    title: str
    status: str
    moment: str
    sha256: str
    facts: Facts
    pairs: tuple[tuple[str, str], ...]
    statement: Said
    options: tuple[str, ...]
    chosen: str
    because: str
    sections: tuple[Section, ...] = field(default=())

    def section(self, key: str) -> Section:
        """Return one part by its key."""
        return next(section for section in self.sections if section.key == key)


def record(data: Data, *, sha256: str, facts: Facts) -> Record:
    """Return the record of a report's data, whose bytes have this hash."""
    found, sources = readout.of({**_ABSENT, **data}), Sources.of(data)
    data = found.data
    status = facts.status or ("proposed" if data["decision"]["feasible"] else "rejected")
    mine = (f"The plan: {answer.stacks_text(data['plan']['assignments'])}",) if data["decision"]["feasible"] else ()
    return Record(
        title=data["decision"]["title"] or "Untitled decision",
        status=status,
        moment=data["moment"],
        sha256=sha256,
        facts=facts,
        pairs=tuple(_pairs(data, status=status, facts=facts)),
        statement=record_statement.statement(data),
        options=(*mine, *(other["title"] for other in gist.other_plans(data)), *_nearest(data)),
        chosen=mine[0] if mine else "none",
        because=record_statement.reason(data),
        sections=(
            Section("context", "Context and problem", tuple(_context(data, sources))),
            Section("drivers", "What drives the decision", tuple(_drivers(found, sources))),
            Section("options", "Options considered", tuple(answer.options(found, sources))),
            Section("outcome", "Outcome", tuple(answer.outcome(found, sources))),
            Section("cost", "What it costs", tuple(cost.cost(found, sources))),
            Section("coupling", "What is bound to what", tuple(coupling.coupling(found, sources))),
            Section("why_not", "Why not the others", tuple(answer.why_not(data, sources))),
            Section("consequences", "Consequences and risks", tuple(ahead.consequences(found, sources))),
            Section("confirmation", "Confirmation: when to look again", tuple(ahead.confirmation(found, sources))),
            Section("unanswered", "Unanswered questions and the defaults taken", tuple(appendix.unanswered(data))),
            Section("figures", "Every figure", tuple(appendix.every_figure(data, sources))),
            Section("evidence", "Evidence", tuple(appendix.evidence(data))),
            Section("made_from", "What this record was made from", tuple(appendix.made_from(data, sha256))),
        ),
    )


def file_name(facts: Facts, *, title: str, ending: str) -> str:
    """Return ``NNNN-slug.ending``, the number first as tools for decision records want it."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_MAX_SLUG_LETTERS].rstrip("-") or "decision"
    return f"{facts.number or 1:04d}-{slug}.{ending}"


def _nearest(data: Data) -> list[str]:
    """Return the nearest stack not taken for each workload, as an option of its own."""
    return [f"{item['why_not'][0]['label']} for {item['name']}" for item in data["workloads"] if item["why_not"]]


def _pairs(data: Data, *, status: str, facts: Facts) -> Iterator[tuple[str, str]]:
    yield "Status", status
    yield "Holds as of", data["moment"]
    if facts.issued_on:
        yield "Issued on", facts.issued_on
    if facts.asked_by:
        yield "Asked for by", ", ".join(facts.asked_by)
    if facts.decision_makers:
        yield "Decided by", ", ".join(facts.decision_makers)
    yield from ((label, getattr(facts, name)) for label, name in _DATED if getattr(facts, name))
    if facts.workspace:
        yield "Workspace", facts.workspace
    if facts.number:
        yield "Decision", f"{facts.number}, revision {facts.revision}"
    if facts.supersedes:
        yield "Supersedes", facts.supersedes
    if facts.superseded_by:
        yield "Superseded by", facts.superseded_by
    if facts.address:
        yield "Kept at", facts.address
    months = data["decision"]["horizon_months"]
    yield "Horizon", f"{months} months, {data['decision']['ramp']} ramp"
    yield "Catalog release", str(data["hashes"]["catalog_release"])


_DATED = (
    ("Proposed on", "proposed_on"),
    ("Accepted on", "accepted_on"),
    ("Rejected on", "rejected_on"),
    ("Review by", "review_by"),
)


def _context(data: Data, sources: Sources) -> Iterator[Block]:
    yield Paragraph(
        Said(
            "Which stack of six layers should carry these workloads, on which cloud and region, at what cost, and what "
            "is bound to what?"
        )
    )
    yield Table(
        (Column("Workload", 2), Column("Kind of work", 1.4), *(Column(name, 1, True) for name in _COUNTED.values())),
        rows(
            (item["name"], words(item["kind"]), *(f"{item['candidates'].get(key, 0):,}" for key in _COUNTED))
            for item in data["workloads"]
        ),
    )
    answers = [entry for entry in data.get("evidence", ()) if entry["kind"] == "answer"]
    if not answers:
        return
    yield Heading("What the team stated, as far as this record rests on it")
    names = {f"workloads[{index}]": item["name"] for index, item in enumerate(data["workloads"])}
    yield Table(
        (Column("Of", 1.2), Column("Question", 2.4), Column("Answer", 2), Column("Source", 0.5, True)),
        rows(
            (
                names.get(entry["locator"].split(".")[0], "the whole decision"),
                entry["label"],
                _answer(entry),
                sources.all([entry["id"]]),
            )
            for entry in answers
        ),
        is_dense=True,
    )


def _answer(entry: Data) -> str:
    """Return what was answered; of models that would do, their families: the evidence says how they were judged."""
    value = entry["value"]
    if isinstance(value, Mapping) and isinstance(value.get("acceptable"), list):
        return f"any of {listed([str(one.get('family')) for one in value['acceptable']])}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return stated(value, entry["unit"] or "")
    if entry["locator"] == "constraints.purchase":
        return ", ".join(BASIS_TEXT.get(basis, basis) for basis in value)
    return words(value) if entry["locator"].endswith(".kind") else plain(value)


_COUNTED = {"ranked": "Ranked", "confirm_first": "To confirm first", "excluded": "Excluded"}


def _drivers(readout: Readout, sources: Sources) -> Iterator[Block]:
    data = readout.data
    yield Heading("Preferences")
    yield Table(
        (
            Column("What matters", 1.2),
            Column("Weight", 0.7, True),
            Column("Good enough", 2),
            Column("No use at all", 2),
        ),
        rows(
            (titled(words(name)), f"{weight:g}", *(_anchor(data, f"preferences.{name}.{end}") for end in _ANCHORS))
            for name in CRITERIA
            if (weight := data["decision"]["weights"].get(name)) is not None
        ),
    )
    names = {item["id"]: item["name"] for item in data["workloads"]}
    told = [check for check in readout.checks if check.state != "met" or check.id in ASKED]
    if told:
        yield Heading("Constraints, and how far the plan is from each")
        yield Table(
            (
                Column("Constraint", 1.3),
                Column("Of", 1.1),
                Column("State", 0.9),
                Column("How it stands", 3),
                Column("Room left", 1.2, True),
            ),
            rows(
                (check.title, _scopes(check, names.values()), check.state, cell(check.text, sources), _room(check))
                for check in told
            ),
        )
    kept = sorted({check.title for check in readout.checks if check not in told})
    if kept:
        yield Paragraph(Said(f"Also met for every workload checked: {', '.join(kept)}."), is_quiet=True)
    removals = data["constraints"]["removals"]
    if removals:
        yield Heading("What removed candidates")
        yield Bullets(
            tuple(sources.said(row["text"], lead=names.get(row["workload_id"], row["workload_id"])) for row in removals)
        )
    lifted = data["constraints"]["excluded_providers"]
    if lifted:
        yield Heading("What lifting a constraint would give")
        yield Bullets(
            tuple(sources.said(row["text"], lead=names.get(row["workload_id"], row["workload_id"])) for row in lifted)
        )


def _scopes(check: Check, names: Collection[str]) -> str:
    """Return which workloads a constraint is about."""
    return "every workload" if len(names) > 1 and set(check.scopes) == set(names) else ", ".join(check.scopes)


def _room(check: Check) -> Cell:
    """Return what a constraint leaves; where it stands in the same words for several workloads, what it leaves each."""
    return Cell("; ".join(map(amount, check.slack)), note="; ".join(filter(None, map(span, check.slack))))


def _anchor(data: Data, path: str) -> str:
    """Return where a preference begins or ends to matter: what was answered, else the default taken."""
    for entry in data.get("evidence", ()):
        if entry["locator"] == path:
            return _answer(entry)
    for entry in data["unanswered"]:
        if entry["path"] == path:
            return f"{entry['default_text'] or plain(entry['default'])} (default)"
    return "as stated in the document"
