"""How the catalog is kept true: refresh runs and their parts, schedules, and what waits in quarantine."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from advisor import price_tasks
from advisor.api import shapes
from advisor.api.bodies import NewRefresh, NewSchedule, NewVerdict, Paging, QuarantinePaging
from advisor.api.description import CURSOR, described
from advisor.api.errors import BadRequest
from advisor.api.views import View, checked, mapping, parameters
from advisor.core.problems import problem
from advisor.services import refreshes
from advisor.services.idempotency import Answer
from catalog.intake import NotDecidable
from catalog.refresh import NoSuchRun, UnknownRegion

_TAG = "refreshes"


class PartSerializer(s.Serializer):
    source = s.CharField()  # type: ignore[assignment]  # a name of DRF's own, here of the data
    dataset = s.CharField(help_text="The id of its source in the catalog.")
    region = s.CharField(allow_blank=True)
    state = s.CharField()
    attempt = s.IntegerField()
    problem = s.CharField(allow_blank=True, help_text="Why it failed, waits or was left out.")
    counts = s.DictField(child=s.IntegerField())
    started_at = s.DateTimeField(allow_null=True)
    ended_at = s.DateTimeField(allow_null=True)


class RefreshSerializer(s.Serializer):
    """One run through the sources. Its parts are given where one run is asked for."""

    id = s.IntegerField()
    sources = s.ListField(child=s.CharField())
    regions = s.ListField(child=s.CharField())
    actor = s.CharField()
    state = s.CharField()
    created_at = s.DateTimeField()
    ended_at = s.DateTimeField(allow_null=True)
    release = s.IntegerField(allow_null=True, help_text="The catalog release that came of it.")
    counts = s.DictField(child=s.IntegerField(), help_text="The sums over its parts: added, changed, quarantined …")
    states = s.DictField(child=s.IntegerField(), help_text="How many parts are in each state.")
    parts = PartSerializer(many=True)


class ScheduleSerializer(s.Serializer):
    source = s.CharField()  # type: ignore[assignment]  # a name of DRF's own, here of the data
    every_hours = s.IntegerField()
    is_on = s.BooleanField()
    next_at = s.DateTimeField(allow_null=True)
    changed_by = s.CharField(allow_blank=True)
    changed_at = s.DateTimeField(allow_null=True)


class StandingSerializer(s.Serializer):
    """How one dataset of one region stands."""

    source = s.CharField()  # type: ignore[assignment]  # a name of DRF's own, here of the data
    dataset = s.CharField()
    region = s.CharField(allow_blank=True)
    good_at = s.DateTimeField(allow_null=True, help_text="When it was last read well; null: never.")
    good_counts = s.DictField(child=s.IntegerField())
    tried_at = s.DateTimeField(allow_null=True)
    state = s.CharField(help_text="What became of the last try.")
    problem = s.CharField(allow_blank=True)


class StandingsSerializer(s.Serializer):
    schedules = ScheduleSerializer(many=True)
    datasets = StandingSerializer(many=True)


class QuarantinedSerializer(s.Serializer):
    id = s.IntegerField()
    run_id = s.IntegerField()
    dataset = s.CharField()
    region = s.CharField(allow_blank=True)
    subject = s.CharField(help_text="offer, model_offer, or shape: a machine described otherwise.")
    key = s.CharField()
    meter = s.CharField()
    stated = s.CharField(help_text="What the source wrote.")
    amount = s.DecimalField(20, 9, allow_null=True, help_text="Null: it is no price that could be accepted.")
    before = s.DecimalField(20, 9, allow_null=True, help_text="What stood then; null: nothing.")
    reason = s.CharField(help_text="A word for programs, such as `moved`.")
    text = s.CharField()
    locator = s.CharField()
    first_seen_at = s.DateTimeField()
    last_seen_at = s.DateTimeField()
    state = s.CharField()
    decided_by = s.CharField(allow_blank=True)
    decided_at = s.DateTimeField(allow_null=True)
    decision_note = s.CharField(allow_blank=True)
    release = s.IntegerField(allow_null=True)


class VerdictSerializer(s.Serializer):
    count = s.IntegerField()
    release = s.IntegerField(allow_null=True, help_text="The release that the accepted rows stand in.")


class Refreshes(View):
    @described(
        _TAG,
        "List the runs through the sources",
        {200: shapes.page(RefreshSerializer, "RefreshPage")},
        400,
        parameters=CURSOR,
        id="list_refreshes",
    )
    def get(self, request: Request) -> Response:
        asked = parameters(Paging, request)
        lines = refreshes.runs(before=asked["cursor"], limit=asked["limit"] + 1)
        rows = lines[: asked["limit"]]
        older = str(rows[-1].id) if len(lines) > len(rows) else None
        return Response({"rows": RefreshSerializer(rows, many=True).data, "next": older})

    @described(
        _TAG,
        "Read the sources now",
        {202: RefreshSerializer},
        403,
        409,
        422,
        503,
        about="For operators. The answer's Location is the run to follow.",
        request=NewRefresh,
        id="start_refresh",
    )
    def post(self, request: Request) -> Response:
        asked = checked(NewRefresh, mapping(request))
        parts: list[int] = []

        def start() -> Answer:
            try:
                run, found = refreshes.start(moment=timezone.now(), **asked, **self.who())
            except UnknownRegion as error:
                raise BadRequest([problem("regions", asked["regions"], str(error))]) from error
            parts.extend(found)
            place = reverse("api:refresh", args=[run.id])
            return Answer(202, RefreshSerializer(run).data, location=place)

        answer = self.once(start)
        price_tasks.send_parts(parts)
        return answer


class Refresh(View):
    @described(_TAG, "Follow a run through the sources", {200: RefreshSerializer}, 404, id="get_refresh")
    def get(self, request: Request, run_id: int) -> Response:
        return Response(RefreshSerializer(_run(run_id)).data)


class CancelRefresh(View):
    @described(
        _TAG,
        "Cancel a run through the sources",
        {200: RefreshSerializer},
        400,
        403,
        404,
        422,
        about="For operators. What it has read is published; a run that has ended stays as it is.",
        id="cancel_refresh",
    )
    def post(self, request: Request, run_id: int) -> Response:
        def cancel() -> Answer:
            refreshes.cancel(run_id=run_id, moment=timezone.now(), **self.who())
            return Answer(200, RefreshSerializer(_run(run_id)).data)

        return self.once(cancel)


class Standings(View):
    @described(_TAG, "Tell when each dataset was last read", {200: StandingsSerializer}, id="get_refresh_standings")
    def get(self, request: Request) -> Response:
        whole = {"schedules": refreshes.schedules(), "datasets": refreshes.board()}
        return Response(StandingsSerializer(whole).data)


class Schedule(View):
    @described(
        _TAG,
        "Set how often a source is read by itself",
        {200: ScheduleSerializer},
        403,
        404,
        about="For operators.",
        request=NewSchedule,
        id="set_schedule",
    )
    def put(self, request: Request, source: str) -> Response:
        if source not in refreshes.SCHEDULED_NAMES:
            raise Http404(f"There is no such schedule; there are: {', '.join(refreshes.SCHEDULED_NAMES)}.")
        asked = checked(NewSchedule, mapping(request))
        refreshes.set_schedule(source=source, moment=timezone.now(), **asked, **self.who())
        line = next(line for line in refreshes.schedules() if line.source == source)
        return Response(ScheduleSerializer(line).data)


class Quarantine(View):
    @described(
        _TAG,
        "List what waits in quarantine",
        {200: shapes.page(QuarantinedSerializer, "QuarantinePage")},
        400,
        parameters=[*CURSOR, OpenApiParameter("state", str, enum=["pending", "accepted", "rejected"])],
        id="list_quarantine",
    )
    def get(self, request: Request) -> Response:
        asked = parameters(QuarantinePaging, request)
        lines = refreshes.quarantine(state=asked["state"], before=asked["cursor"], limit=asked["limit"] + 1)
        rows = lines[: asked["limit"]]
        older = str(rows[-1].id) if len(lines) > len(rows) else None
        return Response({"rows": QuarantinedSerializer(rows, many=True).data, "next": older})

    @described(
        _TAG,
        "Accept or reject rows of the quarantine",
        {200: VerdictSerializer},
        403,
        409,
        422,
        about="For operators. Accepted rows stand in a catalog release of their own; the past does not change.",
        request=NewVerdict,
        id="decide_quarantined",
    )
    def post(self, request: Request) -> Response:
        asked = checked(NewVerdict, mapping(request))
        about: dict[str, Any] = {"row_ids": asked["rows"], "note": asked["note"], "moment": timezone.now()}

        def decide() -> Answer:
            if asked["verdict"] == "reject":
                found = {"count": refreshes.reject(**about, **self.who()), "release": None}
            else:
                try:
                    found = {"release": refreshes.accept(**about, **self.who()), "count": len(asked["rows"])}
                except NotDecidable as error:
                    raise BadRequest([problem("rows", asked["rows"], str(error))]) from error
            return Answer(200, VerdictSerializer(found).data)

        return self.once(decide)


def _run(run_id: int) -> Any:
    try:
        return refreshes.run(run_id=run_id)
    except NoSuchRun as error:
        raise Http404(str(error)) from error
