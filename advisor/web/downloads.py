"""What can be taken away from a report: JSON, Markdown, PDF, and all of it with the document in one file."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from advisor import tasks
from advisor.models import Rendering, Report
from advisor.services import access, renderings

_LOOK_AGAIN_S = 2


@login_required
@require_safe
def report_json(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return _download(found, bytes(found.content), content_type="application/json", ending="json")


@login_required
@require_safe
def report_markdown(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return _download(found, renderings.markdown_of(found), content_type="text/markdown; charset=utf-8", ending="md")


@login_required
@never_cache
@require_safe
def report_pdf(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return _issued(request, found, lambda pdf: pdf, content_type="application/pdf", ending="pdf")


@login_required
@require_safe
def issued_pdf(request: HttpRequest, decision_id: int, rendering_id: int) -> HttpResponse:
    """Hand out a PDF as it was issued, whatever became of the decision since."""
    found = access.rendering(user=request.user, decision_id=decision_id, rendering_id=rendering_id)
    if found.state != Rendering.State.KEPT:
        raise Http404("This PDF has not been made yet.")
    return _download(found.report, bytes(found.content), content_type="application/pdf", ending="pdf")


@login_required
@never_cache
@require_safe
def report_bundle(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return _issued(
        request,
        found,
        lambda pdf: renderings.bundle(report=found, pdf=pdf),
        content_type="application/zip",
        ending="zip",
    )


@login_required
@require_POST
def retry_pdf(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    access.revision(user=request.user, decision_id=decision_id, number=number, write=True)
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    if renderings.retry_pdf(report=found, moment=timezone.now()):
        tasks.send_rendering(run_id=found.run_id)
    return redirect("web:report_pdf", decision_id, number)


def _issued(
    request: HttpRequest, report: Report, made: Callable[[bytes], bytes], *, content_type: str, ending: str
) -> HttpResponse:
    """Answer with what is made of the kept PDF, or with a page where there is none yet."""
    pdf = _pdf_of(report)
    if pdf.state != Rendering.State.KEPT:
        return _not_yet(request, report=report, pdf=pdf)
    return _download(report, made(bytes(pdf.content)), content_type=content_type, ending=ending)


def _pdf_of(report: Report) -> Rendering:
    pdf, is_new = renderings.current_pdf(report=report, moment=timezone.now())
    if is_new:
        tasks.send_rendering(run_id=report.run_id)
    return pdf


def _not_yet(request: HttpRequest, *, report: Report, pdf: Rendering) -> HttpResponse:
    """Answer with a page that asks again by itself (202), or that says why there is no PDF (503)."""
    decision = report.run.revision.decision
    context = {
        "decision": decision,
        "revision": report.run.revision,
        "pdf": pdf,
        "may_write": access.may_write(user=request.user, workspace_id=decision.workspace_id),
    }
    response = render(request, "web/rendering.html", context, status=503 if pdf.error else 202)
    if not pdf.error:
        response["Refresh"] = str(_LOOK_AGAIN_S)
    return response


def _download(report: Report, content: bytes, *, content_type: str, ending: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    name = renderings.name_of(report, ending=ending)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
