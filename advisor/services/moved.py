"""What has moved since a report was made: prices behind its plan, and which accepted decisions a release touches."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from advisor.models import Decision, Report, User
from advisor.services import reports
from catalog import queries

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


def since(*, report: Report) -> list[MovedPrice]:
    """Return the prices behind a report's plan that moved in later releases of the catalog, in one query a subject."""
    data = reports.opened(report=report).data
    made_from = data.get("hashes", {}).get("catalog_release")
    if not isinstance(made_from, int):
        return []
    found = []
    for subject, prefix in _SUBJECTS.items():
        keys = [id.removeprefix(prefix) for id in behind_plan(report=report) if id.startswith(prefix)]
        for key, meters in queries.history(subject=subject, keys=keys).items() if keys else ():
            for meter, steps in meters.items():
                before = [step for step in steps if step.release <= made_from]
                last = steps[-1]
                if before and last.release > made_from and last.amount != before[-1].amount:
                    found.append(
                        MovedPrice(
                            id=f"{prefix}{key}",
                            meter=meter,
                            before=before[-1].amount,
                            after=last.amount,
                            release=last.release,
                            published_at=last.published_at,
                        )
                    )
    return sorted(found, key=lambda one: (one.id, one.meter))


def of_record(*, decision: Decision) -> list[MovedPrice]:
    """Return the prices that moved behind the accepted record of a decision; none where nothing is accepted."""
    if decision.status != Decision.Status.ACCEPTED or decision.accepted is None:
        return []
    report = Report.objects.filter(run__revision=decision.accepted).order_by("-created_at").first()
    return [] if report is None else since(report=report)


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
    found = {}
    for report in rows.select_related("run__revision__decision").order_by("created_at"):
        revision = report.run.revision
        if count := len(behind_plan(report=report) & changed):
            found[revision.decision_id] = Touched(
                decision_id=revision.decision_id, title=revision.decision.title, number=revision.number, count=count
            )
    return sorted(found.values(), key=lambda one: (-one.count, one.title))
