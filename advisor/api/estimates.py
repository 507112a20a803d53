"""Estimates alone: one workload on the options that are asked for; nothing is stored."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request

from advisor.api.bodies import Which
from advisor.api.description import ESTIMATES, FILE, QUESTION, TEXT, described
from advisor.api.errors import BadRequest
from advisor.api.views import CSV, JSON, PARQUET, YAML, View, checked, mapping
from advisor.core import csv_export, parquet_export
from advisor.core.estimates import SECTIONS, Wanted, as_columns
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
    produces: tuple[str, ...] = (JSON, CSV, PARQUET)

    @described(
        "estimates",
        "Estimate one workload on the options of the catalog",
        {(200, JSON): ESTIMATES, (200, CSV): TEXT, (200, PARQUET): FILE},
        400,
        503,
        about="A row is an option with its numbers: each with range, kind, evidence, and the reason where it is "
        "unknown. Rows come admissible first, then by monthly cost. Nothing is stored; it takes about half a second. "
        "CSV and Parquet have a line for each number of each option.",
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
        if request.accepted_media_type == JSON:
            return HttpResponse(found, content_type=JSON)
        told = json.loads(found)
        return _csv(told) if request.accepted_media_type == CSV else _parquet(told)


def _csv(found: Mapping[str, Any]) -> HttpResponse:
    columns = as_columns(found)
    rows = pd.DataFrame({**columns, "evidence": [";".join(ids) for ids in columns["evidence"]]})
    first = (
        f"AI Stack Advisor, catalog release {found['catalog_release']}, estimates as of {found['moment']}; "
        "a blank cell is unknown, never zero"
    )
    return HttpResponse("".join(csv_export.lines(rows=rows, first_line=first)), content_type=f"{CSV}; charset=utf-8")


def _parquet(found: Mapping[str, Any]) -> HttpResponse:
    columns = as_columns(found)
    types = {name: parquet_export.type_of(name=name, cells=cells) for name, cells in columns.items()}
    types |= dict.fromkeys(("value", "low", "high"), parquet_export.NUMBER)
    content = parquet_export.written(
        columns=columns,
        types=types,
        titles={},
        about={"title": "Estimates", "catalog_release": str(found["catalog_release"]), "as_of": found["moment"]},
    )
    return HttpResponse(content, content_type=PARQUET)
