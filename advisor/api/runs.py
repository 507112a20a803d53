"""Runs: listed, followed, cancelled."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from advisor.api import shapes
from advisor.api.bodies import RunPaging
from advisor.api.description import CURSOR, described
from advisor.api.views import View, parameters
from advisor.models import Run as Row
from advisor.services import access, listing, runs
from advisor.services.idempotency import Answer

_TAG = "runs"


class Runs(View):
    @described(
        _TAG,
        "List the workspace's runs",
        {200: shapes.page(shapes.RunSerializer, "RunPage")},
        400,
        parameters=[*CURSOR, OpenApiParameter("state", str, enum=Row.State.values)],
        id="list_runs",
    )
    def get(self, request: Request) -> Response:
        asked = parameters(RunPaging, request)
        found = listing.runs(
            workspace=self.bearer.workspace, state=asked["state"], before=asked["cursor"], limit=asked["limit"]
        )
        older = None if found.older is None else str(found.older)
        return Response({"rows": shapes.RunSerializer(found.rows, many=True).data, "next": older})


class Run(View):
    @described(_TAG, "Follow a run", {200: shapes.RunSerializer}, 404, id="get_run")
    def get(self, request: Request, run_id: int) -> Response:
        return Response(shapes.RunSerializer(access.run(run_id=run_id, **self.who())).data)


class CancelRun(View):
    @described(
        _TAG,
        "Cancel a run",
        {200: shapes.RunSerializer},
        403,
        404,
        422,
        about="A run that has ended stays as it is: `state` tells.",
        id="cancel_run",
    )
    def post(self, request: Request, run_id: int) -> Response:
        found = access.run(run_id=run_id, write=True, **self.who())

        def cancel() -> Answer:
            runs.cancel_run(run=found, user=self.bearer.user, moment=timezone.now())
            found.refresh_from_db()
            return Answer(200, shapes.RunSerializer(found).data)

        return self.once(cancel)
