"""The life of a draft: begun, filled in by several people at once, asked for advice. After that it stays as it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from advisor.core import document
from advisor.core.document import Document, Known
from advisor.core.problems import DocumentError, problem
from advisor.core.questionnaire import edits, export
from advisor.core.questionnaire import pages as questions
from advisor.core.questionnaire import summary as summaries
from advisor.models import Decision, Edit, Revision, Run, User, Workspace
from advisor.services import audit, runs
from advisor.services.runs import Settled
from catalog import queries

UNTITLED = "Untitled decision"
TITLE_MAX_LETTERS = 200
WHOLE = ""  # the place of an edit that replaced the whole document


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place that somebody else changed since the page was made: both values, and whose the other is."""

    place: str
    mine: Any
    theirs: Any
    who: str
    at: datetime | None


class Conflict(Exception):
    """Somebody else changed the same places meanwhile. Nothing was written; both values are here."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = tuple(differences)
        super().__init__("Somebody else changed the same answers meanwhile.")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A revision's document as the questionnaire shows it."""

    revision: Revision
    document: Document
    pages: tuple[questions.Page, ...]
    summary: summaries.Summary
    known: Known | None
    is_settled: bool

    def page(self, key: str) -> questions.Page | None:
        """Return the page of a key, if the document has it."""
        return next((page for page in self.pages if page.key == key), None)

    def shown(self, place: str) -> Any:
        """Return what a field shows: what was refused there and is to be mended, else the answer."""
        refused: Mapping[str, Any] = self.revision.refused
        return refused[place] if place in refused else edits.value_at(self.revision.document, place)


@dataclass(frozen=True)
class _New:
    """What a change makes of a draft, and the places it touches."""

    raw: dict[str, Any]
    refused: Mapping[str, Any]
    places: Sequence[str]


# --- a draft begins -------------------------------------------------------------------------------------------------


def begin(*, workspace: Workspace, user: User, title: str, kind: str, moment: datetime) -> Revision:
    """Return the first draft of a new decision with one workload of a kind."""
    title = title.strip()
    raw, _ = edits.with_workload({"version": 1} | ({"decision": title} if title else {}), kind=kind, name="")
    return new_decision(workspace=workspace, user=user, raw=raw, moment=moment)


def begin_from_file(*, workspace: Workspace, user: User, content: bytes, moment: datetime) -> Revision:
    """Return the first draft of a new decision from a YAML or JSON file, which may be incomplete but not wrong."""
    raw = document.parse(content)
    document.check(raw)
    return new_decision(workspace=workspace, user=user, raw=raw, moment=moment)


def begin_copy(*, revision: Revision, workspace: Workspace, user: User, moment: datetime) -> Revision:
    """Return the first draft of a new decision that begins as a copy of any revision."""
    title = f"{revision.document.get('decision') or revision.decision.title} (copy)"[:TITLE_MAX_LETTERS]
    raw = edits.put(revision.document, "decision", title)
    return new_decision(workspace=workspace, user=user, raw=raw, refused=revision.refused, moment=moment)


def begin_next(*, revision: Revision, user: User, moment: datetime) -> Revision:
    """Return the next revision of the same decision, which begins as this one."""
    with transaction.atomic():
        decision = Decision.objects.select_for_update().get(pk=revision.decision_id)
        last = decision.revisions.aggregate(last=Max("number"))["last"]
        following = Revision.objects.create(
            decision=decision,
            number=last + 1,
            document=revision.document,
            refused=revision.refused,
            based_on=revision,
            created_by=user,
            created_at=moment,
        )
        _record(following, user=user, action="revision.begun", moment=moment)
        return following


def new_decision(
    *,
    workspace: Workspace,
    user: User,
    raw: dict[str, Any],
    moment: datetime,
    refused: Mapping[str, Any] | None = None,
) -> Revision:
    """Return the first revision of a new decision with a document that has been checked."""
    title = (raw.get("decision") or UNTITLED)[:TITLE_MAX_LETTERS]
    with transaction.atomic():
        decision = Decision.objects.create(workspace=workspace, title=title, created_by=user, created_at=moment)
        revision = Revision.objects.create(
            decision=decision, number=1, document=raw, refused=refused or {}, created_by=user, created_at=moment
        )
        _record(revision, user=user, action="decision.started", moment=moment)
        return revision


# --- it is read -----------------------------------------------------------------------------------------------------


def draft(*, revision: Revision, moment: datetime) -> Draft:
    """Return the revision as the questionnaire shows it."""
    checked = document.check(revision.document)
    pages = questions.pages(checked)
    known = _known(moment)
    problems = summaries.problems(
        document=checked, pages=pages, refused=revision.refused, known=known, moment=moment.date()
    )
    return Draft(
        revision=revision,
        document=checked,
        pages=pages,
        summary=summaries.summary(document=checked, pages=pages, problems=problems),
        known=known,
        is_settled=is_settled(revision),
    )


def _record(revision: Revision, *, user: User, action: str, moment: datetime) -> None:
    decision = revision.decision
    audit.record(
        user=user,
        workspace=decision.workspace,
        action=action,
        subject=decision.title,
        moment=moment,
        detail={"revision": revision.number},
    )


def is_settled(revision: Revision) -> bool:
    """Return whether the revision has a report or an open run, and so may not change."""
    return Run.objects.filter(revision=revision).filter(Q(state__in=Run.OPEN_STATES) | Q(report__isnull=False)).exists()


def as_yaml(revision: Revision) -> str:
    """Return the revision's document as a YAML file with its questions as comments."""
    return export.as_yaml(document.check(revision.document))


def as_json(revision: Revision) -> str:
    """Return the revision's document as a JSON file."""
    return export.as_json(document.check(revision.document))


def _known(moment: datetime) -> Known | None:
    try:
        return document.known_from(queries.current(moment.date()))
    except queries.NoRelease:
        return None


# --- it is changed --------------------------------------------------------------------------------------------------


def edit(*, revision: Revision, user: User, version: int, changes: Mapping[str, Any], moment: datetime) -> Revision:
    """Put values at places of the draft and return it as it then is; None takes an answer back.

    ``version`` is the one the page was made from. What others changed since at other places stays. Raises Conflict
    where they changed the same ones, Settled for a revision that may not change. A value that the schema refuses is
    kept in ``refused`` as it was typed; the document keeps its valid answer.
    """
    fixed = [place for place in changes if edits.is_fixed(place)]
    if fixed:
        raise DocumentError([problem(place, None, f"{place} is no answer and cannot be changed.") for place in fixed])

    def change(current: Revision) -> _New | None:
        wanted = {place: value for place, value in changes.items() if value != _shown(current, place)}
        _refuse_conflicts(current, user=user, version=version, wanted=wanted)
        if not wanted:
            return None
        found = edits.applied(current.document, wanted)
        refused = {place: value for place, value in current.refused.items() if place not in wanted}
        return _New(found.raw, {**refused, **found.refused}, list(wanted))

    return _changed(revision=revision, user=user, moment=moment, change=change)


def edit_next(*, revision: Revision, user: User, changes: Mapping[str, Any], moment: datetime) -> Revision:
    """Put values into the next revision of the decision, made for them from a settled one."""
    with transaction.atomic():
        following = begin_next(revision=revision, user=user, moment=moment)
        return edit(revision=following, user=user, version=following.version, changes=changes, moment=moment)


def replace(*, revision: Revision, user: User, version: int, content: bytes, moment: datetime) -> Revision:
    """Put a file in the place of the whole document. Raises Conflict if anybody changed anything meanwhile."""
    raw = document.parse(content)
    document.check(raw)

    def change(current: Revision) -> _New:
        _refuse_conflicts(current, user=user, version=version, wanted={WHOLE: None})
        return _New(raw, {}, [WHOLE])

    changed = _changed(revision=revision, user=user, moment=moment, change=change)
    _record(changed, user=user, action="document.replaced", moment=moment)
    return changed


def add_workload(*, revision: Revision, user: User, kind: str, name: str, moment: datetime) -> tuple[Revision, str]:
    """Add a workload of a kind; return the draft and the workload's id."""
    return _with_new_workload(
        revision=revision,
        user=user,
        moment=moment,
        make=lambda raw: edits.with_workload(raw, kind=kind, name=name.strip()),
    )


def copy_workload(*, revision: Revision, user: User, workload_id: str, moment: datetime) -> tuple[Revision, str]:
    """Add a copy of a workload behind it; return the draft and the copy's id."""
    return _with_new_workload(
        revision=revision,
        user=user,
        moment=moment,
        make=lambda raw: edits.with_copy(raw, workload_id=workload_id),
    )


def remove_workload(
    *, revision: Revision, user: User, version: int, workload_id: str, moment: datetime
) -> tuple[Revision, list[Mapping[str, Any]]]:
    """Take a workload away; return the draft and the flows that named it and went too.

    Raises Conflict if somebody else changed an answer of the workload meanwhile.
    """
    gone: list[Mapping[str, Any]] = []
    place = f"workloads[{workload_id}]"

    def change(current: Revision) -> _New:
        _refuse_conflicts(current, user=user, version=version, wanted={place: None})
        raw, flows = edits.without_workload(current.document, workload_id=workload_id)
        gone[:] = flows
        refused = {key: value for key, value in current.refused.items() if not edits.overlap(key, place)}
        return _New(raw, refused, [place, *(["flows"] if flows else [])])

    return _changed(revision=revision, user=user, moment=moment, change=change), gone


def move_workload(*, revision: Revision, user: User, workload_id: str, by: int, moment: datetime) -> Revision:
    """Move a workload up (-1) or down (1)."""

    def change(current: Revision) -> _New | None:
        raw = edits.moved(current.document, workload_id=workload_id, by=by)
        return None if raw == current.document else _New(raw, current.refused, ["workloads.order"])

    return _changed(revision=revision, user=user, moment=moment, change=change)


def rename(*, decision: Decision, user: User, title: str, moment: datetime) -> None:
    """Call the decision something else, in its newest draft too. An empty title changes nothing."""
    title = title.strip()[:TITLE_MAX_LETTERS]
    if not title:
        return
    Decision.objects.filter(pk=decision.pk).update(title=title)
    detail = {"before": decision.title}
    audit.record(
        user=user,
        workspace=decision.workspace,
        action="decision.renamed",
        subject=title,
        moment=moment,
        detail=detail,
    )
    newest = decision.revisions.order_by("-number").first()
    if newest is not None and not is_settled(newest):
        edit(revision=newest, user=user, version=newest.version, changes={"decision": title}, moment=moment)


def ask(*, revision: Revision, user: User, moment: datetime) -> Run:
    """Queue the advice on a complete draft; return its run, the open one if there is one. The caller enqueues it.

    Raises DocumentError with every fault by its path.
    """
    with transaction.atomic():
        # Held until the run is there: an edit that comes in between finds another version, and then a settled draft.
        current = Revision.objects.select_for_update().get(pk=revision.pk)
        checked = document.check(current.document)
        items = [
            {**item, "message": f"{item['message']} Mend it or take it back."}
            for place, value in current.refused.items()
            for item in edits.faults(current.document, place, value)
        ]
        known = document.known_from(queries.current(moment.date()))
        try:
            document.check(checked, complete=True, known=known, moment=moment.date())
        except DocumentError as error:
            items += error.items
        if items:
            raise DocumentError(items)
        return runs.queue_run(revision=current, user=user, moment=moment)


def _with_new_workload(
    *,
    revision: Revision,
    user: User,
    moment: datetime,
    make: Callable[[Mapping[str, Any]], tuple[dict[str, Any], str]],
) -> tuple[Revision, str]:
    made: list[str] = []

    def change(current: Revision) -> _New:
        if len(current.document.get("workloads") or []) >= edits.MAX_WORKLOADS_COUNT:
            message = f"A decision holds {edits.MAX_WORKLOADS_COUNT} workloads at most."
            raise DocumentError([problem("workloads", None, message)])
        raw, workload_id = make(current.document)
        made[:] = [workload_id]
        return _New(raw, current.refused, [f"workloads[{workload_id}]"])

    return _changed(revision=revision, user=user, moment=moment, change=change), made[0]


def _changed(
    *, revision: Revision, user: User, moment: datetime, change: Callable[[Revision], _New | None]
) -> Revision:
    """Write what ``change`` makes of the draft, over and over until nobody else wrote in between."""
    while True:
        current = Revision.objects.select_related("decision").get(pk=revision.pk)
        if is_settled(current):
            raise Settled("This revision has been advised on and stays as it is.")
        new = change(current)
        if new is None:
            return current
        version = current.version + 1
        with transaction.atomic():
            free = Revision.objects.filter(pk=current.pk, version=current.version)
            if not free.update(document=new.raw, refused=new.refused, version=version):
                continue
            Edit.objects.bulk_create(
                Edit(revision=current, version=version, place=place, made_by=user, made_at=moment)
                for place in new.places
            )
            title = (new.raw.get("decision") or "")[:TITLE_MAX_LETTERS]
            if title and title != current.decision.title:
                Decision.objects.filter(pk=current.decision_id).update(title=title)
                current.decision.title = title
        current.document, current.refused, current.version = new.raw, dict(new.refused), version
        return current


def _refuse_conflicts(current: Revision, *, user: User, version: int, wanted: Mapping[str, Any]) -> None:
    """Raise Conflict where somebody touched one of the wanted places after ``version``, or its workload is gone."""
    later = (
        list(Edit.objects.filter(revision=current, version__gt=version).select_related("made_by").order_by("version"))
        if version < current.version
        else []
    )
    differences = []
    for place, mine in wanted.items():
        touched = [one for one in later if WHOLE in (one.place, place) or edits.overlap(one.place, place)]
        if touched or _is_gone(current, place):
            last = touched[-1] if touched else None
            differences.append(
                Difference(
                    place=place,
                    mine=mine,
                    theirs=_shown(current, place) if place else None,
                    who=_name(last.made_by, user=user) if last else "somebody",
                    at=last.made_at if last else None,
                )
            )
    if differences:
        raise Conflict(differences)


def _name(other: User, *, user: User) -> str:
    return "You, in another window," if other == user else other.name or other.email


def _shown(current: Revision, place: str) -> Any:
    if place in current.refused:
        return current.refused[place]
    try:
        return edits.value_at(current.document, place)
    except edits.NoSuchWorkload:
        return None


def _is_gone(current: Revision, place: str) -> bool:
    try:
        edits.value_at(current.document, place or "version")
    except edits.NoSuchWorkload:
        return True
    return False
