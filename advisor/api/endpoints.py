"""The workspace's own model endpoints and their probes: registered, removed, measured within caps, read."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import inline_serializer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from advisor.api import shapes
from advisor.api.bodies import NewEndpoint, NewProbe
from advisor.api.description import described
from advisor.api.errors import BadRequest
from advisor.api.views import View, checked, mapping
from advisor.core.problems import problem
from advisor.services import access, endpoint_probes, endpoints
from advisor.services.endpoint_probes import Wanted
from advisor.services.idempotency import Answer
from advisor.tasks import send_endpoint_probe
from catalog import queries

_TAG = "endpoints"


def _rows(of: type, name: str) -> object:
    return inline_serializer(name, {"rows": of(many=True)})


class Endpoints(View):
    @described(
        _TAG,
        "List the workspace's model endpoints, without their keys",
        {200: _rows(shapes.EndpointSerializer, "EndpointRows")},
        id="list_endpoints",
    )
    def get(self, request: Request) -> Response:
        found = endpoints.rows(workspace=self.bearer.workspace)
        return Response({"rows": shapes.EndpointSerializer(found, many=True).data})

    @described(
        _TAG,
        "Register a model endpoint",
        {201: shapes.EndpointSerializer},
        400,
        403,
        422,
        503,
        about="The key is encrypted at once and never shown again. Bedrock takes `region` and `key_id` in place of "
        "`address`; Azure OpenAI takes the deployment as `model`, and `api_version`.",
        request=NewEndpoint,
        id="register_endpoint",
    )
    def post(self, request: Request) -> Response:
        workspace = access.workspace(workspace_id=self.bearer.workspace.pk, write=True, **self.who())
        stated = endpoints.Stated(**checked(NewEndpoint, mapping(request)))

        def register() -> Answer:
            try:
                made = endpoints.register(
                    workspace=workspace,
                    user=self.bearer.user,
                    stated=stated,
                    catalog=queries.current(),
                    moment=timezone.now(),
                )
            except endpoints.EndpointRefused as error:
                # What was typed is not repeated: it may be the key.
                raise BadRequest([problem(name, None, text) for name, text in error.problems.items()]) from error
            return Answer(201, shapes.EndpointSerializer(endpoints.row(made)).data)

        return self.once(register)


class Endpoint(View):
    @described(_TAG, "Read an endpoint, without its key", {200: shapes.EndpointSerializer}, 404, id="get_endpoint")
    def get(self, request: Request, endpoint_id: int) -> Response:
        found = access.endpoint(endpoint_id=endpoint_id, **self.who())
        return Response(shapes.EndpointSerializer(endpoints.row(found)).data)

    @described(
        _TAG,
        "Remove an endpoint with its key and its probes",
        {204: None},
        403,
        404,
        about="Reports that used one of its probes keep the figures as their evidence.",
        id="remove_endpoint",
    )
    def delete(self, request: Request, endpoint_id: int) -> Response:
        found = access.endpoint(endpoint_id=endpoint_id, write=True, **self.who())
        endpoints.remove(endpoint=found, user=self.bearer.user, moment=timezone.now())
        return Response(status=204)


class EndpointProbes(View):
    @described(
        _TAG,
        "List an endpoint's probes, newest first",
        {200: _rows(shapes.EndpointProbeSerializer, "EndpointProbeRows")},
        404,
        id="list_endpoint_probes",
    )
    def get(self, request: Request, endpoint_id: int) -> Response:
        found = access.endpoint(endpoint_id=endpoint_id, **self.who())
        return Response({"rows": shapes.EndpointProbeSerializer(endpoint_probes.rows(endpoint=found), many=True).data})

    @described(
        _TAG,
        "Probe an endpoint, or see what that would take",
        {200: shapes.DryRunSerializer, 202: shapes.EndpointProbeSerializer},
        400,
        403,
        404,
        409,
        422,
        429,
        503,
        about="A dry run unless `send` is true: it answers with what would be sent and the most it can cost. With "
        "`send`, requests are sent with the endpoint's key and billed to it, within both caps.",
        request=NewProbe,
        id="probe_endpoint",
    )
    def post(self, request: Request, endpoint_id: int) -> Response:
        found = access.endpoint(endpoint_id=endpoint_id, write=True, **self.who())
        asked = checked(NewProbe, mapping(request))
        is_sent = asked.pop("send")
        wanted = Wanted(**{**asked, "steps": tuple(asked["steps"])})
        if not is_sent:
            dry = endpoint_probes.dry_run(endpoint=found, wanted=wanted, catalog=queries.current())
            return Response(shapes.DryRunSerializer(dry).data)

        def start() -> Answer:
            try:
                probe = endpoint_probes.start(
                    endpoint=found,
                    user=self.bearer.user,
                    wanted=wanted,
                    catalog=queries.current(),
                    moment=timezone.now(),
                )
            except endpoint_probes.PlanRefused as error:
                raise BadRequest([problem("", None, text) for text in error.problems]) from error
            send_endpoint_probe(probe_id=probe.pk)
            told: dict[str, Any] = shapes.EndpointProbeSerializer(endpoint_probes.row(probe)).data
            return Answer(202, told, location=reverse("api:endpoint_probe", args=[probe.pk]))

        return self.once(start)


class EndpointProbe(View):
    @described(
        _TAG,
        "Follow a probe and read what it showed",
        {200: shapes.EndpointProbeSerializer},
        404,
        id="get_endpoint_probe",
    )
    def get(self, request: Request, probe_id: int) -> Response:
        found = access.endpoint_probe(probe_id=probe_id, **self.who())
        return Response(shapes.EndpointProbeSerializer(endpoint_probes.row(found)).data)


class CancelEndpointProbe(View):
    @described(
        _TAG,
        "Cancel a probe",
        {200: shapes.EndpointProbeSerializer},
        403,
        404,
        422,
        about="Requests that are under way end and may be billed; nothing more is sent.",
        id="cancel_endpoint_probe",
    )
    def post(self, request: Request, probe_id: int) -> Response:
        found = access.endpoint_probe(probe_id=probe_id, write=True, **self.who())

        def cancel() -> Answer:
            endpoint_probes.cancel(probe=found, user=self.bearer.user, moment=timezone.now())
            found.refresh_from_db()
            return Answer(200, shapes.EndpointProbeSerializer(endpoint_probes.row(found)).data)

        return self.once(cancel)
