"""Two answers side by side: two revisions of a decision, or two stacks of one workload."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from advisor.core import comparison
from advisor.core.comparison import Comparison
from advisor.core.readout import Readout
from advisor.models import Decision, Report, User
from advisor.services import access, moved, reports
from advisor.web.report_frame import statement_base
from advisor.web.report_pages import shown_stacks

_LONGEST_CHOICE = 300


@login_required
@never_cache
@require_safe
def compare(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Compare `?left=1&right=2` (revisions), or `?revision=2&left=…&right=…` (ids of two stacks of one workload)."""
    decision = access.decision(user=request.user, decision_id=decision_id)
    left, right, revision = (request.GET.get(name, "")[:_LONGEST_CHOICE] for name in ("left", "right", "revision"))
    numbers = reports.reported_numbers(decision=decision)
    chosen = _number(revision, numbers) or (numbers[0] if numbers else None)
    readout = _readout(request.user, decision, chosen)[1] if chosen else None
    context: dict[str, Any] = {
        "decision": decision,
        "numbers": numbers,
        "chosen": chosen,
        "revision_choice": _chosen(left, right, [str(number) for number in reversed(numbers[:2])], numbers),
        "stack_groups": _stack_choices(readout, left, right) if readout else [],
    }
    if revision and readout and chosen:
        context |= _stacks(readout, left, right, statement_base(decision.pk, chosen))
    elif left or right:
        context |= _revisions(request.user, decision, numbers, left, right)
    return render(request, "web/compare.html", context)


def _chosen(left: str, right: str, usual: list[str], among: Collection[object]) -> dict[str, str]:
    """Return what stands chosen on both sides: what was asked for where it is among the choices, else the usual two."""
    known = {str(one) for one in among}
    pair = [left, right] if {left, right} <= known else [usual[0], usual[-1]] if usual else ["", ""]
    return {"left": pair[0], "right": pair[1]}


def _stack_choices(readout: Readout, left: str, right: str) -> list[dict[str, Any]]:
    """Return the workloads that have two stacks to compare, each with what stands chosen."""
    found = []
    for group in shown_stacks(readout):
        ids = [stack["id"] for stack in group["stacks"]]
        if len(ids) > 1:
            found.append({**group, **_chosen(left, right, ids[:2], ids)})
    return found


def _revisions(user: User, decision: Decision, numbers: list[int], left: str, right: str) -> dict[str, Any]:
    sides = [_number(one, numbers) for one in (left, right)]
    if sides[0] is None or sides[1] is None:
        raise Http404("No report of such a revision.")
    (mine, here), (other, there) = (_readout(user, decision, side) for side in sides if side)
    found = moved.compared(left=mine, right=other)
    titles = [f"Revision {side}" for side in sides]
    bases = [statement_base(decision.pk, side) for side in sides if side]
    return _shown(found, titles=titles, readouts=[here, there], bases=bases) | {"headlines": [here, there]}


def _stacks(readout: Readout, left: str, right: str, base: str) -> dict[str, Any]:
    groups = ({stack["id"]: stack for stack in group["stacks"]} for group in shown_stacks(readout))
    known = next((group for group in groups if left in group and right in group), None)
    if known is None:
        raise Http404("No workload of this report has these two stacks.")
    found = comparison.stacks(left=known[left], right=known[right])
    titles = [known[left]["label"], known[right]["label"]]
    return _shown(found, titles=titles, readouts=[readout, readout], bases=[base, base])


def _shown(found: Comparison, *, titles: list[str], readouts: list[Readout], bases: list[str]) -> dict[str, Any]:
    sides = [
        {"title": title, "readout": readout, "base": base}
        for title, readout, base in zip(titles, readouts, bases, strict=True)
    ]
    return {"comparison": found, "left_side": sides[0], "right_side": sides[1]}


def _readout(user: User, decision: Decision, number: int) -> tuple[Report, Readout]:
    report = access.report(user=user, decision_id=decision.pk, number=number)
    return report, reports.opened(report=report)


def _number(text: str, numbers: list[int]) -> int | None:
    return next((number for number in numbers if str(number) == text), None)
