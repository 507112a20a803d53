"""What every page of a report shows: its head, the way to its other pages, where its evidence and questions stand."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from advisor.core.questionnaire.pages import FIRST
from advisor.core.readout import Readout
from advisor.models import Report
from advisor.services import approvals

Data = Mapping[str, Any]


def frame(*, report: Report, readout: Readout, here: str) -> dict[str, Any]:
    """Return what every page of a report shows: its head, the way to its other pages, where its evidence stands."""
    revision = report.run.revision
    place = (revision.decision_id, revision.number)
    return {
        "data": readout.data,
        "readout": readout,
        "report": report,
        "revision": revision,
        "decision": revision.decision,
        "here": here,
        "standing": approvals.standing_of(revision=revision),
        "tabs": _tabs(readout.data, place),
        "statement_base": statement_base(*place),
        "evidence_base": reverse("web:report_evidence", args=place),
        "answer_address": where_to_answer(*place),
    }


def statement_base(decision_id: int, number: int) -> str:
    """Return the address that ends, with a statement's number, at the evidence of that statement."""
    return reverse("web:report_statement", args=[decision_id, number, 0]).removesuffix("0")


def where_to_answer(decision_id: int, number: int) -> str:
    """Return where the questions of a revision are answered. The one place that knows."""
    return reverse("web:questions", args=[decision_id, number, FIRST])


def _tabs(data: Data, place: tuple[int, int]) -> list[dict[str, str]]:
    """Return the pages this report has: one whose section an older report lacks is not among them."""
    workloads = data.get("workloads") or []
    pages = [("answer", "Answer", reverse("web:report", args=place), True)]
    pages.append(("cost", "Cost", reverse("web:report_cost", args=place), bool(data.get("plan"))))
    if workloads:
        first = reverse("web:report_workload", args=[*place, workloads[0]["id"]])
        pages.append(("workloads", "Workloads", first, True))
    pages.append(("coupling", "Coupling", reverse("web:report_coupling", args=place), bool(bound(data))))
    pages.append(("checks", "Checks", reverse("web:report_checks", args=place), has_checks(data)))
    pages.append(("evidence", "Evidence", reverse("web:report_evidence", args=place), bool(data.get("evidence"))))
    return [{"key": key, "label": label, "address": address} for key, label, address, exists in pages if exists]


def bound(data: Data) -> list[Data]:
    """Return the stacks of which a report tells what is bound to what."""
    return list(data.get("coupling", {}).get("stacks") or [])


def has_checks(data: Data) -> bool:
    """Return whether a report holds anything for the page of checks."""
    return any(data.get(name) for name in ("constraints", "warnings", "unanswered"))
