"""The pages of a report, and its downloads."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from advisor.core.decision_record import markdown
from advisor.core.readout import Readout
from advisor.models import Report
from advisor.services import access, reports
from advisor.web import report_bonds, report_evidence, report_pages
from advisor.web.report_frame import bound, frame, has_checks


@login_required
@never_cache
@require_safe
def report(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """The answer: the first page of a report."""
    found, readout = _opened(request, decision_id, number)
    return _page(request, found, readout, "answer", report_pages.answer(readout))


@login_required
@never_cache
@require_safe
def cost(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found, readout = _opened(request, decision_id, number)
    return _page(request, found, readout, "cost", report_pages.cost(readout))


@login_required
@never_cache
@require_safe
def workload(request: HttpRequest, decision_id: int, number: int, workload_id: str) -> HttpResponse:
    found, readout = _opened(request, decision_id, number)
    part = report_pages.workload(readout, workload_id)
    if part is None:
        raise Http404("No such workload.")
    links = report_pages.workload_links(readout, (decision_id, number))
    return _page(request, found, readout, "workloads", {**part, "links": links})


@login_required
@never_cache
@require_safe
def coupling(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """What is bound to what; `?stack=2` shows the matrix of the second stack of the plan."""
    found, readout = _opened(request, decision_id, number)
    if not bound(readout.data):
        raise Http404("This report holds no coupling.")
    asked = request.GET.get("stack", "1")
    position = int(asked) if asked.isdecimal() and len(asked) < 5 else 1
    return _page(request, found, readout, "coupling", report_bonds.coupling(readout, position))


@login_required
@never_cache
@require_safe
def checks(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found, readout = _opened(request, decision_id, number)
    if not has_checks(readout.data):
        raise Http404("This report holds no checks.")
    return _page(request, found, readout, "checks", report_pages.checks(readout))


@login_required
@never_cache
@require_safe
def evidence(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """The evidence line by line, of one kind and one source where asked."""
    found, readout = _opened(request, decision_id, number)
    kind, source, page = (request.GET.get(name, "")[:300] for name in ("kind", "source", "page"))
    return _page(
        request, found, readout, "evidence", report_evidence.evidence(readout, kind=kind, source=source, page=page)
    )


@login_required
@never_cache
@require_safe
def statement(request: HttpRequest, decision_id: int, number: int, statement_number: int) -> HttpResponse:
    """Where one number or sentence of the report comes from, as a page."""
    found, readout = _opened(request, decision_id, number)
    return _page(request, found, readout, "statement", _statement(readout, statement_number))


@login_required
@never_cache
@require_safe
def statement_card(request: HttpRequest, decision_id: int, number: int, statement_number: int) -> HttpResponse:
    """The same as a card, put beside the number by the page's script."""
    found, readout = _opened(request, decision_id, number)
    context = frame(report=found, readout=readout, here="statement")
    return render(request, "web/_card.html", {**context, **_statement(readout, statement_number)})


@login_required
@never_cache
@require_safe
def whole(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    """All of the report in order, for paper."""
    found, readout = _opened(request, decision_id, number)
    return _page(request, found, readout, "print", report_pages.everything(readout))


@login_required
@require_safe
def report_json(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return _download(
        bytes(found.content), content_type="application/json", name=_file_name(decision_id, number, "json")
    )


@login_required
@require_safe
def report_markdown(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    _, readout = _opened(request, decision_id, number)
    text = markdown(readout.data)
    return _download(
        text.encode(), content_type="text/markdown; charset=utf-8", name=_file_name(decision_id, number, "md")
    )


def _opened(request: HttpRequest, decision_id: int, number: int) -> tuple[Report, Readout]:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return found, reports.opened(report=found)


def _page(request: HttpRequest, found: Report, readout: Readout, name: str, part: dict[str, object]) -> HttpResponse:
    context = frame(report=found, readout=readout, here=name)
    return render(request, f"web/report_{name}.html", {**context, **part})


def _statement(readout: Readout, number: int) -> dict[str, object]:
    part = report_evidence.statement(readout, number)
    if part is None:
        raise Http404("This report makes no such statement.")
    return part


def _download(content: bytes, *, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _file_name(decision_id: int, number: int, ending: str) -> str:
    return f"decision-{decision_id}-revision-{number}.{ending}"
