"""What has moved since a report was made: prices behind its plan, and which accepted decisions a release touches."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from advisor.core import comparison
from advisor.core.comparison import Comparison, Moved
from advisor.core.shelf.labels import label_of, unit_of
from advisor.models import Decision, Report, User
from advisor.services import reports
from catalog import published, queries
from catalog.queries import PriceStep

_SUBJECTS = {"offer": "offer:", "model_offer": "model_offer:"}


@dataclass(frozen=True, kw_only=True)
class MovedPrice:
    """A price behind a plan, as it was for the report and as the newest release has it; None: no price."""

    id: str  # its evidence id
    meter: str
    before: Decimal | None
    after: Decimal | None
    release: int
    published_at: dt.datetime | None


def compared(*, left: Report, right: Report) -> Comparison:
    """Return what two reports of one decision differ in, with the prices behind either plan that moved between them.

    A price that made a stack lose is often behind the earlier plan only: the later report need not name it.
    """
    sides = [reports.opened(report=report).data for report in (left, right)]
    found = comparison.reports(
        left=sides[0],
        right=sides[1],
        left_document=left.run.revision.document,
        right_document=right.run.revision.document,
    )
    before, after = map(_made_from, sides)
    if before is None or after is None:
        return found
    entries = {entry["id"]: entry for data in sides for entry in data.get("evidence", ())}
    behind = behind_plan(report=left) | behind_plan(report=right)
    prices = []
    for subject, prefix in _SUBJECTS.items():
        keys = [id.removeprefix(prefix) for id in behind if id.startswith(prefix)]
        for key, meters in queries.history(subject=subject, keys=keys).items() if keys else ():
            for meter, steps in meters.items():
                old, new = (_amount(steps, release=number, moment=day) for number, day in (before, after))
                if old is not None and new is not None and old != new:
                    label = entries[f"{prefix}{key}"]["label"]
                    prices.append(Moved(label, f"{label_of(meter)}, {unit_of(meter)}", float(old), float(new), True))
    named = {one.label for one in prices}
    others = tuple(one for one in found.moved if one.label not in named)
    return replace(found, moved=(*sorted(prices, key=lambda one: (one.label, one.unit)), *others))


def _made_from(data: Mapping[str, Any]) -> tuple[int, dt.date] | None:
    """Return the release that a report was made from, and the day; None where it names none."""
    release = data.get("hashes", {}).get("catalog_release")
    return (release, dt.date.fromisoformat(data["moment"])) if isinstance(release, int) else None


def _amount(steps: Sequence[PriceStep], *, release: int, moment: dt.date) -> Decimal | None:
    step = queries.held(steps, release=release, moment=moment)
    return None if step is None else step.amount


def since(*, report: Report, moment: dt.date) -> list[MovedPrice]:
    """Return the prices behind a report's plan that moved since, up to a moment, in one query a subject.

    A price that was announced and begins later has not moved yet.
    """
    made_from = _made_from(reports.opened(report=report).data)
    newest = published.latest()
    if made_from is None or newest is None:
        return []
    release, day = made_from
    found = []
    for subject, prefix in _SUBJECTS.items():
        keys = [id.removeprefix(prefix) for id in behind_plan(report=report) if id.startswith(prefix)]
        for key, meters in queries.history(subject=subject, keys=keys).items() if keys else ():
            for meter, steps in meters.items():
                before = queries.held(steps, release=release, moment=day)
                last = queries.held(steps, release=newest.number, moment=moment)
                if before is not None and last is not None and last.amount != before.amount:
                    found.append(
                        MovedPrice(
                            id=f"{prefix}{key}",
                            meter=meter,
                            before=before.amount,
                            after=last.amount,
                            release=last.release,
                            published_at=last.published_at,
                        )
                    )
    return sorted(found, key=lambda one: (one.id, one.meter))


def of_record(*, decision: Decision, moment: dt.date) -> list[MovedPrice]:
    """Return the prices that moved behind the accepted record of a decision up to a moment; none without a record."""
    if decision.status != Decision.Status.ACCEPTED or decision.accepted is None:
        return []
    report = Report.objects.filter(run__revision=decision.accepted).order_by("-created_at").first()
    return [] if report is None else since(report=report, moment=moment)


def behind_plan(*, report: Report) -> frozenset[str]:
    """Return the evidence ids that the bill of a report's plan is made with."""
    totals = reports.opened(report=report).data.get("plan", {}).get("totals", {})
    return frozenset(totals.get("monthly_usd", {}).get("evidence", ()))


@dataclass(frozen=True, kw_only=True)
class Touched:
    """An accepted decision whose plan stands on rows that a release changed."""

    decision_id: int
    title: str
    number: int
    count: int  # of its rows that changed


def accepted_on(*, user: User, ids: Iterable[str]) -> list[Touched]:
    """Return the accepted decisions of a person's workspaces whose plans stand on any of these rows."""
    changed = frozenset(ids)
    accepted = Decision.objects.filter(status=Decision.Status.ACCEPTED, workspace__members=user)
    rows = Report.objects.filter(run__revision_id__in=accepted.values("accepted_id"))
    newest = {
        report.run.revision_id: report
        for report in rows.select_related("run__revision__decision").order_by("created_at", "pk")
    }
    found = []
    for report in newest.values():
        revision = report.run.revision
        if count := len(behind_plan(report=report) & changed):
            found.append(
                Touched(
                    decision_id=revision.decision_id, title=revision.decision.title, number=revision.number, count=count
                )
            )
    return sorted(found, key=lambda one: (-one.count, one.title))
