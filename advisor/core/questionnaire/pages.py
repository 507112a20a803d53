"""The questionnaire of a document as pages: a first answer's questions first, the others by subject and power."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.core.questionnaire.inputs import Input, input_at, phrase
from advisor.core.questionnaire.questions import (
    QUESTIONS,
    RENTED,
    Question,
    answer_at,
    default_of,
    first_questions,
    holds,
)
from advisor.core.schema import Document, Workload

FIRST = "first"
A_LOT, SOMEWHAT = 60, 30  # powers from which an answer could change the advice a lot, or somewhat
NOT_ASKED = {
    "version": "it says how the file is to be read",
    "workloads[].id": "it is made from the name, and flows and the report refer to it",
}
FLOWS = Question(
    path="flows",
    text="Which workloads send data to each other?",
    help="Decimal gigabytes a month. Between clouds or regions they are paid for.",
    power=20,
    power_why="data that cross a cloud's border are billed and bind workloads together",
    default_why="no data is taken to flow",
    default=(),
)
_SUBJECTS = {
    "work": ("Work and model", "What the work is, and what it runs."),
    "traffic": ("Traffic", "The load, as it is once everything is there."),
    "targets": ("Targets", "What the work has to keep."),
    "training": ("Training", "One run, and how often it is run."),
    "data": ("Data", "Where the data lie, and how much of them leave."),
    "serving": ("How it is served", "Leave open what you have not decided: it is then served as the model's maker "
                "publishes it."),
    "code": ("Code", "What binds the work to the silicon it runs on."),
    "measured": ("Your own measurements", "Figures of your own go before what we compute; other machines are scaled "
                 "from them."),
    "organisation": ("Organisation and licences", "What licence terms depend on."),
    "current": ("Today's stack", "Staying where you are is always one of the options."),
    "team": ("Team", "A stack outside what the team knows costs time."),
    "constraints": ("Limits", "What every answer must keep."),
    "horizon": ("Horizon", "Over which time costs are summed."),
    "preferences": ("Preferences and weights", "They order stacks that keep every limit."),
    "commercial": ("Commercial terms", "Contracts of your own, beside list prices."),
    "coupling_weights": ("Coupling weights", "How much each bond counts; leave them unless you have a reason."),
    "flows": ("Flows between workloads", "Data that one workload sends to another."),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question as it stands on a page."""

    question: Question
    input: Input
    path: str  # in this document, with numbers
    place: str  # the same with the workload's id, as edits name it
    page: str
    answer: Any
    default: Any
    default_text: str
    is_first: bool
    belongs: bool  # False: an answer stands where this kind of work has none
    is_optional: bool  # nothing is missing without it: we compute what it would measure

    @property
    def is_open(self) -> bool:
        """Return whether something is taken by default because nobody answered."""
        return self.answer is None and not self.is_optional

    @property
    def default_why(self) -> str:
        """Return why that is taken where nobody answers."""
        return "it is computed from the model" if self.is_optional else self.question.default_why

    @property
    def power_text(self) -> str:
        """Return in words how much an answer can change the advice."""
        if not self.question.counts:
            return "goes into the record, changes no figure"
        power = self.question.power
        much = "a lot" if power >= A_LOT else "somewhat" if power >= SOMEWHAT else "little"
        return f"could change the answer {much}"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of questions, the most telling first."""

    key: str
    title: str
    lead: str
    workload_id: str  # empty for pages of the whole decision
    asked: tuple[Asked, ...]

    @property
    def short_title(self) -> str:
        """Return the title without the workload's name, for a list that stands under it."""
        return "First questions" if self.key.rpartition(".")[2] == FIRST else self.title

    @property
    def open_count(self) -> int:
        """Return how many of its questions are open."""
        return sum(one.is_open for one in self.asked)


def pages(document: Document) -> tuple[Page, ...]:
    """Return all pages: the first, then those of each workload and of the decision, the most telling page first."""
    asked = tuple(_asked(document))
    names = {workload.id: workload.name or workload.id for workload in document.workloads}
    found: list[Page] = []
    for owner in ("", *names):
        keys = dict.fromkeys(one.page for one in asked if _owner(one.page) == owner)
        group = [_page(key, asked=[one for one in asked if one.page == key], names=names) for key in keys]
        found += sorted(group, key=lambda page: (not page.asked[0].is_first, -page.asked[0].question.power))
    first = [page for page in found if page.key == FIRST]
    workloads = [page for page in found if page.workload_id]
    return (*first, *workloads, *(page for page in found if not page.workload_id and page.key != FIRST))


def _owner(key: str) -> str:
    return key.rpartition(".")[0]


def _page(key: str, *, asked: Sequence[Asked], names: dict[str, str]) -> Page:
    owner, _, subject = key.rpartition(".")
    if subject == FIRST:
        title = f"First questions about {names[owner]}" if owner else "First questions"
        lead = "Enough for a first answer. Whatever you leave open is taken by default, and said so."
    else:
        title, lead = _SUBJECTS[subject]
    ordered = asked if subject == FIRST else sorted(asked, key=lambda one: (-one.question.power, one.path))
    return Page(key=key, title=title, lead=lead, workload_id=owner, asked=tuple(ordered))


def _asked(document: Document) -> Iterator[Asked]:
    """Yield each question that concerns the document, and each that has an answer although it does not."""
    first = {workload.id: {question.path for question in first_questions(workload)} for workload in document.workloads}
    of_first_workload = first[document.workloads[0].id] if document.workloads else set()
    questions = QUESTIONS if len(document.workloads) < 2 and not document.flows else (*QUESTIONS, FLOWS)
    for question in questions:
        if not question.of_workload:
            is_first = question.path in (of_first_workload or {"decision"})
            yield _one(question, document, is_first=is_first)
            continue
        for index, workload in enumerate(document.workloads):
            path = question.path.replace("[]", f"[{index}]", 1)
            belongs = workload.kind in question.kinds
            is_due = belongs and holds(question.when, workload)
            is_optional = belongs and not is_due and _may_measure(question, workload)
            if is_due or is_optional or answer_at(document, path) is not None:
                yield _one(
                    question,
                    document,
                    index=index,
                    is_first=question.path in first[workload.id],
                    belongs=belongs,
                    is_optional=is_optional,
                )


def _may_measure(question: Question, workload: Workload) -> bool:
    """Return whether it asks for a measurement, which any work on rented machines may have."""
    return question.path.startswith("workloads[].measured.") and workload.kind in RENTED


def _one(
    question: Question,
    document: Document,
    *,
    is_first: bool,
    index: int | None = None,
    belongs: bool = True,
    is_optional: bool = False,
) -> Asked:
    workload = None if index is None else document.workloads[index]
    path = question.path if index is None else question.path.replace("[]", f"[{index}]", 1)
    owner = "" if workload is None else workload.id
    subject = _subject(question.path)
    if is_first:
        page = FIRST if index in (None, 0) else f"{owner}.{FIRST}"
    else:
        page = f"{owner}.{subject}" if owner else subject
    found = input_at(question.path)
    default = default_of(question=question, document=document, workload=workload)
    return Asked(
        question=question,
        input=found,
        path=path,
        place=question.path.replace("[]", f"[{owner}]", 1),
        page=page,
        answer=answer_at(document, path),
        default=default,
        default_text=_default_text(question, found, default, is_optional=is_optional),
        is_first=is_first,
        belongs=belongs,
        is_optional=is_optional,
    )


def _default_text(question: Question, found: Input, default: Any, *, is_optional: bool) -> str:
    if is_optional:
        return "what we compute"
    return question.no_default if default is None else phrase(found, default)


def _subject(path: str) -> str:
    steps = path.removeprefix("workloads[].").split(".")
    if path.startswith("workloads[]."):
        return steps[0] if len(steps) > 1 else "work"
    return steps[0]
