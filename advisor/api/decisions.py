"""Decisions: begun with a document, read, changed, asked for advice."""

import re
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from advisor import tasks
from advisor.api import shapes
from advisor.api.bodies import Begin, Changes, Paging, Seen
from advisor.api.description import CURSOR, DOCUMENT, DOCUMENT_EXAMPLE, TEXT, described, header
from advisor.api.errors import BadRequest
from advisor.api.views import JSON, YAML, View, checked, content, is_known, mapping, parameters
from advisor.core.problems import problem
from advisor.models import Revision, Run
from advisor.services import access, decisions, documents, drafts, listing, shelf
from advisor.services.documents import State
from advisor.services.idempotency import Answer

_TAG = "decisions"
_LOCATION = header("Location", "The address of what was made.", "201", "202")
_ETAG = header("ETag", "The state of the document, for If-Match.", "200")
_IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read.")


class Decisions(View):
    @described(
        _TAG,
        "List the workspace's decisions",
        {200: shapes.page(shapes.DecisionLine, "DecisionPage")},
        400,
        parameters=CURSOR,
        id="list_decisions",
    )
    def get(self, request: Request) -> Response:
        asked = parameters(Paging, request)
        found = listing.decisions(workspace=self.bearer.workspace, before=asked["cursor"], limit=asked["limit"])
        return Response({"rows": shapes.DecisionLine(found.rows, many=True).data, "next": _cursor(found.older)})

    @described(
        _TAG,
        "Begin a decision, and ask for advice on it",
        {202: shapes.RunSerializer, 201: shapes.DocumentSerializer},
        403,
        422,
        503,
        about="The body is a document. It is checked at once (400 names every fault) and answered by a run: follow "
        "`Location` until the run's `state` is `succeeded`, then read its `report`. A finished run may say "
        "`feasible: false`: that is an answer too. With `run=false` it becomes a draft (201), which may be incomplete.",
        request={JSON: DOCUMENT, YAML: DOCUMENT},
        parameters=[Begin, _LOCATION],
        examples=[DOCUMENT_EXAMPLE],
        id="create_decision",
    )
    def post(self, request: Request) -> Response:
        wants_run = parameters(Begin, request)["run"] == "true"
        workspace, user = self.bearer.workspace, self.bearer.user
        access.workspace(workspace_id=workspace.pk, write=True, **self.who())
        file, moment = content(request), timezone.now()
        shelf.current(moment=moment)  # into memory, before any transaction begins

        def begin() -> Answer:
            if not wants_run:
                draft = drafts.begin_from_file(workspace=workspace, user=user, content=file, moment=moment)
                made = reverse("api:decision", args=[draft.decision_id])
                return Answer(201, _shown(draft), made)
            return run_answer(
                decisions.start_decision(workspace=workspace, user=user, document_bytes=file, moment=moment)
            )

        return self.once(begin)


class Decision(View):
    @described(
        _TAG,
        "Read a decision with its revisions and their runs",
        {200: shapes.DecisionSerializer},
        404,
        id="get_decision",
    )
    def get(self, request: Request, decision_id: int) -> Response:
        found = access.decision(decision_id=decision_id, **self.who())
        told = {"decision": found, "revisions": decisions.revision_rows(decision=found)}
        return Response(shapes.DecisionSerializer(told).data)


class Document(View):
    """The document of the newest revision."""

    @property
    def produces(self) -> tuple[str, ...]:  # type: ignore[override]
        return (JSON, YAML) if self.request.method in ("GET", "HEAD") else (JSON,)

    @described(
        _TAG,
        "Read the document of the newest revision",
        {(200, JSON): shapes.DocumentSerializer, (200, YAML): TEXT},
        304,
        404,
        about="As YAML it is the bare document, each answer under its question.",
        parameters=[_ETAG],
        id="get_document",
    )
    def get(self, request: Request, decision_id: int) -> Any:
        found = documents.newest(decision=access.decision(decision_id=decision_id, **self.who()))
        if is_known(request, _etag(found)):
            return HttpResponse(status=304, headers={"ETag": _etag(found)})
        if request.accepted_media_type == YAML:
            return HttpResponse(drafts.as_yaml(found), content_type=YAML, headers={"ETag": _etag(found)})
        return _told(found)

    @described(
        _TAG,
        "Replace the whole document",
        {200: shapes.DocumentSerializer},
        403,
        404,
        409,
        about="The body is the new document. Say which state it is made from: If-Match, or `revision` and `version`. "
        "A revision that has a report or an open run stays as it is: then this makes the next one.",
        request={JSON: DOCUMENT, YAML: DOCUMENT},
        parameters=[Seen, _IF_MATCH, _ETAG],
        examples=[DOCUMENT_EXAMPLE],
        id="replace_document",
    )
    def put(self, request: Request, decision_id: int) -> Response:
        found = access.decision(decision_id=decision_id, write=True, **self.who())
        seen = _seen(request, parameters(Seen, request))
        return _told(
            documents.replace(
                decision=found, user=self.bearer.user, seen=seen, content=content(request), moment=timezone.now()
            )
        )

    @described(
        _TAG,
        "Change the document at some paths",
        {200: shapes.DocumentSerializer},
        403,
        404,
        409,
        about="All changes are made or none is. What others changed elsewhere meanwhile stays; where they changed the "
        "same place, 409 holds your value and theirs. Workloads are added and removed by replacing the document.",
        request=Changes,
        parameters=[_IF_MATCH, _ETAG],
        id="change_document",
    )
    def patch(self, request: Request, decision_id: int) -> Response:
        found = access.decision(decision_id=decision_id, write=True, **self.who())
        asked = checked(Changes, mapping(request))
        seen = _seen(request, asked)
        return _told(
            documents.change(
                decision=found, user=self.bearer.user, seen=seen, changes=asked["changes"], moment=timezone.now()
            )
        )


class DecisionRuns(View):
    @described(
        _TAG,
        "Ask for advice on the newest revision",
        {202: shapes.RunSerializer},
        400,
        403,
        404,
        422,
        503,
        about="Once the newest revision has a report, this makes the next one, with the same document, and asks for "
        "that: a report stays what it was. While a run is open, this answers with it.",
        parameters=[_LOCATION],
        id="ask_for_advice",
    )
    def post(self, request: Request, decision_id: int) -> Response:
        found = access.decision(decision_id=decision_id, write=True, **self.who())
        moment = timezone.now()
        shelf.current(moment=moment)  # into memory, before any transaction begins
        return self.once(lambda: run_answer(documents.ask(decision=found, user=self.bearer.user, moment=moment)))


def run_answer(run: Run) -> Answer:
    """Enqueue a run once it is committed, and say where to follow it."""
    tasks.send(run_id=run.pk)
    return Answer(202, shapes.RunSerializer(run).data, reverse("api:run", args=[run.pk]))


def _cursor(older: int | None) -> str | None:
    return None if older is None else str(older)


def _etag(revision: Revision) -> str:
    return f'"{revision.number}.{revision.version}"'


def _shown(revision: Revision) -> dict[str, Any]:
    settled = drafts.is_settled(revision)
    return {
        "decision_id": revision.decision_id,
        "revision": revision.number,
        "version": revision.version,
        "is_settled": settled,
        "document": revision.document,
        "refused": revision.refused,
    }


def _told(revision: Revision) -> Response:
    return Response(_shown(revision), headers={"ETag": _etag(revision)})


def _seen(request: Request, asked: dict[str, Any]) -> State:
    """Return which state a change was made from: If-Match, or else revision and version."""
    matched = re.fullmatch(r'(?:W/)?"(\d{1,9})\.(\d{1,9})"', request.headers.get("If-Match", ""))
    if matched:
        return State(revision=int(matched[1]), version=int(matched[2]))
    if "revision" in asked and "version" in asked:
        return State(revision=asked["revision"], version=asked["version"])
    message = "Say which state you have read: send its ETag as If-Match, or `revision` and `version`."
    raise BadRequest([problem("version", asked.get("version"), message)])
