"""Reports, as they were made: JSON is the very bytes, the record is made from them."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from advisor import tasks
from advisor.api import shapes
from advisor.api.bodies import Two
from advisor.api.description import FILE, REPORT, TEXT, described, header
from advisor.api.views import JSON, MARKDOWN, PDF, ZIP, View, is_known, parameters
from advisor.core.problems import error
from advisor.models import Rendering
from advisor.models import Report as Row
from advisor.services import access, moved, renderings

_TAG = "reports"
_ETAG = header("ETag", "The sha256 of the bytes.", "200")


class Report(View):
    produces: tuple[str, ...] = (JSON, MARKDOWN)

    @described(
        _TAG,
        "Read the report of a revision",
        {(200, JSON): REPORT, (200, MARKDOWN): TEXT},
        304,
        404,
        about="JSON is the report itself, byte for byte as it was made; its ETag is their sha256. Markdown is the "
        "decision record, under the status its revision has now. The report itself never changes.",
        parameters=[_ETAG],
        id="get_report",
    )
    def get(self, request: Request, decision_id: int, number: int) -> Any:
        found = access.report(decision_id=decision_id, number=number, **self.who())
        return _answer(request, found, media_type=request.accepted_media_type)


class ReportJson(View):
    @described(_TAG, "Read the report as JSON", {200: REPORT}, 304, 404, parameters=[_ETAG], id="get_report_json")
    def get(self, request: Request, decision_id: int, number: int) -> Any:
        return _answer(request, access.report(decision_id=decision_id, number=number, **self.who()), media_type=JSON)


class ReportMarkdown(View):
    produces = (MARKDOWN,)

    @described(
        _TAG,
        "Read the decision record",
        {(200, MARKDOWN): TEXT},
        304,
        404,
        parameters=[_ETAG],
        id="get_report_markdown",
    )
    def get(self, request: Request, decision_id: int, number: int) -> Any:
        found = access.report(decision_id=decision_id, number=number, **self.who())
        return _answer(request, found, media_type=MARKDOWN)


class ReportPdf(View):
    produces = (PDF,)

    @described(
        _TAG,
        "Read the decision record as PDF",
        {(200, PDF): FILE, (202, JSON): shapes.Waiting},
        304,
        404,
        503,
        about="The file as it was issued for the status the revision has now, byte for byte. 202 while a worker makes "
        "it: ask again after Retry-After seconds.",
        parameters=[_ETAG],
        id="get_report_pdf",
    )
    def get(self, request: Request, decision_id: int, number: int) -> Any:
        found = access.report(decision_id=decision_id, number=number, **self.who())
        return _issued(request, found, lambda pdf: pdf, kind=PDF)


class ReportBundle(View):
    produces = (ZIP,)

    @described(
        _TAG,
        "Read everything of a report in one ZIP file",
        {(200, ZIP): FILE, (202, JSON): shapes.Waiting},
        304,
        404,
        503,
        about="PDF, Markdown, JSON and the document that was answered. 202 while a worker makes the PDF.",
        parameters=[_ETAG],
        id="get_report_bundle",
    )
    def get(self, request: Request, decision_id: int, number: int) -> Any:
        found = access.report(decision_id=decision_id, number=number, **self.who())
        return _issued(request, found, lambda pdf: renderings.bundle(report=found, pdf=pdf), kind=ZIP)


class Comparison(View):
    @described(
        _TAG,
        "Compare the reports of two revisions",
        {200: shapes.ComparisonSerializer},
        400,
        404,
        about="A difference of numbers counts (`lower`, `higher`) only where their ranges do not meet.",
        parameters=[Two],
        id="compare_reports",
    )
    def get(self, request: Request, decision_id: int) -> Response:
        asked = parameters(Two, request)
        before, after = (
            access.report(decision_id=decision_id, number=asked[side], **self.who()) for side in ("before", "after")
        )
        return Response(shapes.ComparisonSerializer(moved.compared(left=before, right=after)).data)


def _answer(request: Request, found: Row, *, media_type: str | None) -> HttpResponse:
    if media_type == MARKDOWN:
        return _file(request, renderings.markdown_of(found), kind=f"{MARKDOWN}; charset=utf-8")
    return _file(request, bytes(found.content), kind=JSON)


def _issued(request: Request, found: Row, made: Callable[[bytes], bytes], *, kind: str) -> HttpResponse | Response:
    """Answer with what is made of the kept PDF; 202 while there is none yet, 503 where there will be none."""
    pdf, is_new = renderings.current_pdf(report=found, moment=timezone.now())
    if is_new:
        tasks.send_rendering(run_id=found.run_id)
    if pdf.state == Rendering.State.FAILED:
        return Response(error("not_made", pdf.error), status=503)
    if pdf.state != Rendering.State.KEPT:
        return Response(shapes.Waiting({"state": "waiting"}).data, status=202, headers={"Retry-After": "2"})
    return _file(request, made(bytes(pdf.content or b"")), kind=kind)


def _file(request: Request, content: bytes, *, kind: str) -> HttpResponse:
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    told = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if is_known(request, etag):
        return HttpResponse(status=304, headers=told)
    return HttpResponse(content, content_type=kind, headers=told)
