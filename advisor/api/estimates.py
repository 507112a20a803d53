"""Estimates alone: one workload on the options that are asked for; nothing is stored."""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request

from advisor.api.bodies import Which
from advisor.api.description import ESTIMATES, QUESTION, described
from advisor.api.errors import BadRequest
from advisor.api.views import JSON, YAML, View, checked, mapping
from advisor.core.estimates import SECTIONS, Wanted
from advisor.core.problems import problem
from advisor.services import estimates

_EXAMPLE = OpenApiExample(
    "A chat on one accelerator",
    request_only=True,
    value={
        "workload": {
            "id": "chat",
            "kind": "online_inference",
            "model": "llama-3.1-8b",
            "traffic": {"requests_per_s_mean": 2, "input_tokens": 1000, "output_tokens": 200},
        },
        "provider": "aws",
        "region": "us-east-1",
        "limit": 5,
    },
)


class Estimates(View):
    @described(
        "estimates",
        "Estimate one workload on the options of the catalog",
        {200: ESTIMATES},
        400,
        503,
        about="A row is an option with its numbers: each with range, kind, evidence, and the reason where it is "
        "unknown. Rows come admissible first, then by monthly cost. Nothing is stored; it takes about half a second.",
        request={JSON: QUESTION, YAML: QUESTION},
        examples=[_EXAMPLE],
        id="estimate",
    )
    def post(self, request: Request) -> HttpResponse:
        asked = mapping(request)
        question = {name: asked.pop(name) for name in ("workload", *SECTIONS) if name in asked}
        which = checked(Which, asked)
        if "workload" not in question:
            raise BadRequest([problem("workload", None, "workload is required and is not there.")])
        wanted = Wanted(
            provider=which["provider"],
            region=which["region"],
            sku=which["sku"],
            basis=which["basis"],
            rows_count=which["limit"],
        )
        found = estimates.estimate(question=question, wanted=wanted, moment=timezone.now())
        return HttpResponse(found, content_type=JSON)
