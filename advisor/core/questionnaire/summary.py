"""What a draft says so far: what was said, what is taken by default, what advice still needs, how far it is."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.core.document import Document, Known, canonical, check
from advisor.core.problems import DocumentError
from advisor.core.questionnaire.edits import faults, overlap, place_of, value_at
from advisor.core.questionnaire.inputs import phrase
from advisor.core.questionnaire.pages import Asked, Page


@dataclass(frozen=True)
class Line:
    """One answer or default, as the summary tells it, and the page on which it stands."""

    label: str
    text: str
    place: str
    page: str
    why: str = ""


@dataclass(frozen=True)
class Group:
    """What is known of one workload, or of the decision as a whole."""

    title: str
    said: tuple[Line, ...]
    taken: tuple[Line, ...]


@dataclass(frozen=True)
class Problem:
    """Something that keeps a draft from being advised on; ``page`` leads to its question, where there is one."""

    path: str
    place: str
    label: str
    message: str
    accepted: tuple[str, ...]
    page: str
    is_missing: bool
    is_refused: bool


@dataclass(frozen=True)
class Summary:
    """A draft in brief."""

    groups: tuple[Group, ...]
    problems: tuple[Problem, ...]
    answered_count: int
    asked_count: int
    first_open_count: int

    @property
    def missing_count(self) -> int:
        """Return how many answers advice still needs."""
        return sum(problem.is_missing for problem in self.problems)

    @property
    def state_text(self) -> str:
        """Return in one line what stands between the draft and its advice."""
        missing, wrong = self.missing_count, len(self.problems) - self.missing_count
        parts = []
        if missing:
            parts.append(f"{missing} {'answer' if missing == 1 else 'answers'} to a first answer")
        if wrong:
            parts.append(f"{wrong} {'answer' if wrong == 1 else 'answers'} to mend")
        if parts:
            return " and ".join(parts)
        still = self.first_open_count
        return "Advice can be asked for" + (f"; {still} first questions are open" if still > 1 else "")


def summary(*, document: Document, pages: Sequence[Page], problems: Sequence[Problem]) -> Summary:
    """Return the draft in brief, by workload and for the decision."""
    asked = [one for page in pages for one in page.asked]
    raw = canonical(document)
    owners = {"": "The decision"} | {workload.id: workload.name or workload.id for workload in document.workloads}
    groups = []
    for owner, title in owners.items():
        mine = [one for one in asked if _owner(one) == owner]
        said = tuple(
            Line(one.input.label, phrase(one.input, value_at(raw, one.place)), one.place, one.page)
            for one in mine
            if one.answer is not None
        )
        taken = tuple(
            Line(one.input.label, one.default_text, one.place, one.page, one.default_why)
            for one in sorted(mine, key=lambda one: -one.question.power)
            if one.is_open
        )
        groups.append(Group(title, said, taken))
    return Summary(
        groups=tuple(groups),
        problems=tuple(problems),
        answered_count=sum(one.answer is not None for one in asked),
        asked_count=sum(one.is_open or one.answer is not None for one in asked),
        first_open_count=sum(one.is_first and one.is_open for one in asked),
    )


def problems(
    *,
    document: Document,
    pages: Sequence[Page],
    refused: Mapping[str, Any],
    known: Known | None,
    moment: dt.date | None,
) -> tuple[Problem, ...]:
    """Return every fault that keeps advice away: refused entries, what is missing, what contradicts itself."""
    raw = canonical(document)
    asked = {one.place: one for page in pages for one in page.asked}
    found = [
        _problem(item, place, asked, is_refused=True)
        for place, value in refused.items()
        for item in faults(raw, place, value)
    ]
    try:
        check(document, complete=True, known=known, moment=moment)
    except DocumentError as error:
        others = [_problem(item, place_of(raw, item["path"]), asked) for item in error.items]
        refusals = {problem.place for problem in found}
        found += [problem for problem in others if not (problem.is_missing and problem.place in refusals)]
    return tuple(found)


def _problem(item: Mapping[str, Any], place: str, asked: Mapping[str, Asked], *, is_refused: bool = False) -> Problem:
    near = next((one for one in asked.values() if overlap(one.place, place)), None)
    is_missing = item["value"] is None and "required" in item["message"]
    return Problem(
        path=item["path"],
        place=near.place if near else place,
        label=near.input.label if near else item["path"],
        message=item["message"],
        accepted=tuple(map(str, item["accepted"])),
        page=near.page if near else "",
        is_missing=is_missing,
        is_refused=is_refused,
    )


def _owner(one: Asked) -> str:
    return one.place[len("workloads[") : one.place.index("]")] if one.place.startswith("workloads[") else ""
