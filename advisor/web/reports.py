"""The page of a report, and its downloads."""

import json

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from advisor.core.decision_record import markdown
from advisor.services import access
from advisor.web.context import report_page


@login_required
@never_cache
@require_safe
def report(request: HttpRequest, decision_id: int, number: int) -> HttpResponse:
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    return render(request, "web/report.html", report_page(report=found))


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
    found = access.report(user=request.user, decision_id=decision_id, number=number)
    text = markdown(json.loads(bytes(found.content)))
    return _download(
        text.encode(), content_type="text/markdown; charset=utf-8", name=_file_name(decision_id, number, "md")
    )


def _download(content: bytes, *, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _file_name(decision_id: int, number: int, ending: str) -> str:
    return f"decision-{decision_id}-revision-{number}.{ending}"
