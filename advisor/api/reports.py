"""Reports, as they were made: JSON is the very bytes, the record is made from them."""

import hashlib
import json
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.api import shapes
from advisor.api.bodies import Two
from advisor.api.description import REPORT, TEXT, described, header
from advisor.api.views import JSON, MARKDOWN, View, parameters
from advisor.core import comparison
from advisor.core.decision_record import markdown
from advisor.models import Report as Row
from advisor.services import access

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
        "decision record. A report never changes.",
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
        found = comparison.reports(
            left=json.loads(bytes(before.content)),
            right=json.loads(bytes(after.content)),
            left_document=before.run.revision.document,
            right_document=after.run.revision.document,
        )
        return Response(shapes.ComparisonSerializer(found).data)


def _answer(request: Request, found: Row, *, media_type: str | None) -> HttpResponse:
    content = bytes(found.content)
    if media_type == MARKDOWN:
        content = markdown(json.loads(content)).encode()
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    told = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=told)
    kind = JSON if media_type == JSON else f"{MARKDOWN}; charset=utf-8"
    return HttpResponse(content, content_type=kind, headers=told)
