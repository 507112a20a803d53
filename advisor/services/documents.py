"""A decision's document for programs: its newest revision is read and changed, and never one that has a report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from advisor.core import document
from advisor.core.problems import DocumentError, problem
from advisor.core.questionnaire import edits
from advisor.models import Decision, Edit, Report, Revision, Run, User
from advisor.services import drafts

PLACE_MAX_LETTERS = Edit._meta.get_field("place").max_length or 200


@dataclass(frozen=True)
class State:
    """Which state of a document a program has read: the revision's number and its version."""

    revision: int
    version: int


def newest(*, decision: Decision) -> Revision:
    """Return the newest revision of a decision."""
    return decision.revisions.select_related("decision", "created_by").latest("number")


def replace(*, decision: Decision, user: User, seen: State, content: bytes, moment: datetime) -> Revision:
    """Put a file in the place of the whole document; the value is the revision that holds it now.

    Raises DocumentError, and drafts.Conflict where anybody changed anything since it was seen.
    """
    document.check(document.parse(content))
    with transaction.atomic():
        current = _writable(decision=decision, user=user, seen=seen, places={drafts.WHOLE: None}, moment=moment)
        version = current.version if current.number != seen.revision else seen.version
        return drafts.replace(revision=current, user=user, version=version, content=content, moment=moment)


def change(*, decision: Decision, user: User, seen: State, changes: Mapping[str, Any], moment: datetime) -> Revision:
    """Put values at paths of the document; None takes one back. The value is the revision that holds them now.

    A path names a workload by its position or its id. What others changed elsewhere stays. All changes are written or
    none is: raises DocumentError for a value the schema refuses, and drafts.Conflict for one changed meanwhile.
    """
    with transaction.atomic():
        places = _places(newest(decision=decision), changes)
        current = _writable(decision=decision, user=user, seen=seen, places=places, moment=moment)
        _refuse_faults(current, places)
        version = current.version if current.number != seen.revision else seen.version
        return drafts.edit(revision=current, user=user, version=version, changes=places, moment=moment)


def ask(*, decision: Decision, user: User, moment: datetime) -> Run:
    """Queue the advice on the newest revision; once that one has a report, on the next, which begins as it.

    The value is the open run where there is one. Raises DocumentError; the caller enqueues the run once committed.
    """
    with transaction.atomic():
        current = newest(decision=decision)
        if Report.objects.filter(run__revision=current).exists():
            current = drafts.begin_next(revision=current, user=user, moment=moment)
        return drafts.ask(revision=current, user=user, moment=moment)


def _writable(*, decision: Decision, user: User, seen: State, places: Mapping[str, Any], moment: datetime) -> Revision:
    """Return the revision to write to: the newest, or the next one where that is settled.

    Raises drafts.Conflict where the state that was seen is none of the newest revision, or an old one of a settled one.
    """
    Decision.objects.select_for_update().get(pk=decision.pk)
    current = newest(decision=decision)
    is_settled = drafts.is_settled(current)
    # Asking for advice makes a new version too; only an edit is in the way.
    is_old = is_settled and Edit.objects.filter(revision=current, version__gt=seen.version).exists()
    if is_old or seen.revision != current.number or seen.version > current.version:
        raise drafts.Conflict([_difference(current, place, mine) for place, mine in places.items()])
    return drafts.begin_next(revision=current, user=user, moment=moment) if is_settled else current


def _difference(current: Revision, place: str, mine: Any) -> drafts.Difference:
    theirs = edits.value_at(current.document, place) if place else None
    return drafts.Difference(
        place=place, mine=mine, theirs=theirs, who=current.created_by.shown_name, at=current.created_at
    )


def _places(current: Revision, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes by place; a path of this document names a workload by its position."""
    items = []
    for path, value in changes.items():
        place = edits.place_of(current.document, path)
        if len(place) > PLACE_MAX_LETTERS:
            items.append(problem(path, value, f"A path has at most {PLACE_MAX_LETTERS} letters."))
        elif edits.is_fixed(place):
            items.append(problem(path, value, f"{path} cannot be changed alone: replace the whole document."))
    if items:
        raise DocumentError(items)
    return {edits.place_of(current.document, path): value for path, value in changes.items()}


def _refuse_faults(current: Revision, places: Mapping[str, Any]) -> None:
    """Raise DocumentError for what the schema refuses. (A form keeps it for its writer to mend; a program does not.)"""
    items = []
    raw = dict(current.document)
    for place, value in places.items():
        try:
            items += edits.faults(raw, place, value)
        except edits.NoSuchWorkload:
            items.append(problem(place, value, "The document has no workload of this id.", _ids(raw)))
        else:
            raw = raw if items else edits.put(raw, place, value)
    if items:
        raise DocumentError(items)


def _ids(raw: Mapping[str, Any]) -> list[str]:
    return [workload["id"] for workload in raw.get("workloads") or []]
