"""How the routes are described in OpenAPI: every answer, the document's own schema, and examples that work."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from advisor.api import shapes
from advisor.api.views import JSON, YAML
from advisor.core import document

BEARER = "token"
TEXT = {"type": "string"}
FILE = {"type": "string", "format": "binary"}
DOCUMENT = {"$ref": "#/components/schemas/DecisionDocument"}
REPORT = {"$ref": "#/components/schemas/Report"}
ESTIMATES = {"$ref": "#/components/schemas/Estimates"}
QUESTION = {"$ref": "#/components/schemas/EstimatesQuestion"}
ROW = {"$ref": "#/components/schemas/CatalogRow"}

_SAID = {
    304: "You have this state already (If-None-Match).",
    400: "The request or its document has problems; `items` names each by its path.",
    401: "No token, or one that opens nothing.",
    403: "The token, or its user's role, does not allow this.",
    404: "There is no such thing, or it belongs to a workspace that this token is not for.",
    406: "This address has no answer of the media type in Accept.",
    409: "It stands otherwise than this needs, perhaps because somebody was faster. Of a document, `items` holds your "
    "values and theirs.",
    413: "The body is larger than 2 MiB.",
    415: "The body is neither JSON nor YAML.",
    422: "The Idempotency-Key was sent with another request.",
    429: "Too many requests in this minute; Retry-After tells the seconds to wait.",
    503: "No catalog has been loaded yet, or a file could not be made.",
}
_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Up to 200 letters of your choice. A request that repeats a key within 24 hours gets the first answer "
    "again, with `Idempotency-Replayed: true`, and does nothing. Refusals are not kept.",
)
CURSOR = [
    OpenApiParameter("cursor", str, description="`next` of the page before."),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
]
_EXAMPLE_DOCUMENT = {
    "version": 1,
    "decision": "Support assistant",
    "team": {"size": 12},
    "workloads": [
        {
            "id": "chat",
            "name": "Support chat",
            "kind": "managed_api",
            "traffic": {"requests_per_s_mean": 1, "input_tokens": 1000, "output_tokens": 200},
        }
    ],
}
DOCUMENT_EXAMPLE = OpenApiExample("A small decision", value=_EXAMPLE_DOCUMENT, request_only=True, media_type=JSON)
_ERROR_EXAMPLE = OpenApiExample(
    "A key that is none",
    response_only=True,
    status_codes=["400"],
    value={
        "error": {
            "code": "invalid_document",
            "message": "The document has one problem.",
            "items": [
                {
                    "path": "workloads[0].kindd",
                    "value": "managed_api",
                    "message": "'kindd' is not a key of workloads[0]. Did you mean 'kind'?",
                    "accepted": ["kind"],
                }
            ],
        }
    },
)


class Schema(AutoSchema):
    """The routes as they are: JSON or YAML in, a token where one is asked for."""

    def get_auth(self) -> list[Any]:
        return [{BEARER: []}] if self.view.authentication_classes else []

    def map_parsers(self) -> list[str]:
        return [JSON, YAML]


def header(name: str, description: str, *statuses: str) -> OpenApiParameter:
    """Return the description of a header that an answer carries."""
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, description=description, response=list(statuses) or True
    )


RETRY_AFTER = header("Retry-After", "Seconds to wait.", "429")
WWW_AUTHENTICATE = header("WWW-Authenticate", "Always Bearer.", "401")


def described(
    tag: str,
    summary: str,
    answers: dict[Any, Any],
    *refusals: int,
    about: str = "",
    request: Any = None,
    parameters: Sequence[Any] = (),
    examples: Sequence[OpenApiExample] = (),
    id: str | None = None,
) -> Callable[[Any], Any]:
    """Return a decorator that describes one method: what it answers, and each way it refuses."""
    refused = {401, 406, 429, *refusals}
    if request is not None:
        refused |= {400, 413, 415}
    if 422 in refused:
        refused.add(400)  # an Idempotency-Key that is none
    told: dict[Any, Any] = {
        status: OpenApiResponse(None if status == 304 else shapes.Error, description=_SAID[status])
        for status in sorted(refused)
    }
    given = [RETRY_AFTER, WWW_AUTHENTICATE, *parameters, *([_KEY] if 422 in refused else [])]
    samples = [*examples, *([_ERROR_EXAMPLE] if 400 in refused else [])]
    return extend_schema(
        operation_id=id,
        tags=[tag],
        summary=summary,
        description=about,
        request=request,
        responses={**answers, **told},
        parameters=given,
        examples=samples,
    )


def completed(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add what no serializer describes: the token, the document's schema, reports, estimates and catalog rows."""
    components = result.setdefault("components", {})
    components["securitySchemes"] = {BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "advisor_…"}}
    components.setdefault("schemas", {}).update({**_document_schemas(), **_OWN})
    result["info"]["description"] = _ABOUT
    result["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    whole: dict[str, Any] = _mended(result)
    return whole


_TAGS = {
    "decisions": "Begin a decision with a document, change it, ask for advice, propose and accept it.",
    "runs": "Follow the work on an answer.",
    "reports": "Read answers as they were made, and compare them.",
    "estimates": "Estimate one workload without a decision.",
    "catalog": "What can be had, at what price, and who says so.",
    "refreshes": "How the catalog is kept true: runs through the sources, schedules, the quarantine.",
    "workspaces": "The workspace a token is for.",
    "endpoints": "The workspace's own model endpoints, measured with its own keys.",
    "tokens": "The token itself, and others like it.",
}
_ABOUT = (
    "Asks for, reads and compares decisions on AI infrastructure. A token (`Authorization: Bearer advisor_…`) belongs "
    "to one user and one workspace and is made on the account page. Bodies are JSON or YAML. Every refusal has the "
    "one shape `Error`. Unknown values are null and come with a reason; they are never zero. "
    "Within /api/v1 fields are added, never removed or given another meaning: ignore what you do not know."
)
_FREE = {"type": "object", "additionalProperties": True}
_FREE_LIST = {"type": "array", "items": _FREE}
_OWN: dict[str, Any] = {
    "Report": {
        "type": "object",
        "description": "A report as it was made, byte for byte (RFC 8785 canonical JSON).",
        "required": ["schema_version", "moment", "hashes", "decision", "plan", "workloads", "evidence"],
        "properties": {
            "schema_version": {"type": "integer"},
            "moment": {"type": "string", "format": "date"},
            "hashes": _FREE,
            "decision": {
                "type": "object",
                "required": ["title", "feasible"],
                "properties": {"title": TEXT, "feasible": {"type": "boolean"}},
                "additionalProperties": True,
            },
            "plan": _FREE,
            "plan_alternatives": _FREE_LIST,
            "workloads": _FREE_LIST,
            "coupling": _FREE,
            "constraints": _FREE,
            "warnings": _FREE_LIST,
            "unanswered": _FREE_LIST,
            "evidence": _FREE_LIST,
        },
        "additionalProperties": True,
    },
    "CatalogRow": {
        "type": "object",
        "description": "A row with its source and age. A null cell is unknown, or there is none; docs/glossary.md "
        "explains the columns.",
        "required": ["id", "kind", "source", "as_of", "freshness"],
        "properties": {
            "id": TEXT,
            "kind": {"type": ["string", "null"]},
            "source": {"type": ["string", "null"]},
            "as_of": {"type": ["string", "null"]},
            "freshness": {"type": "string", "enum": ["fresh", "stale", "undated"]},
        },
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    },
    "Estimates": {
        "type": "object",
        "required": ["schema_version", "moment", "catalog_release", "matching_count", "rows", "unanswered", "evidence"],
        "properties": {
            "schema_version": {"type": "integer"},
            "moment": {"type": "string", "format": "date"},
            "catalog_release": {"type": "integer"},
            "matching_count": {"type": "integer", "description": "Options that match; `rows` holds the first of them."},
            "rows": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "label", "provider", "region", "sku", "basis", "standing", "numbers", "not_met"],
                    "properties": {
                        "id": TEXT,
                        "label": TEXT,
                        "provider": TEXT,
                        "region": TEXT,
                        "sku": TEXT,
                        "path": TEXT,
                        "basis": TEXT,
                        "standing": {"type": "string", "enum": ["ranked", "confirm_first", "excluded"]},
                        "layout": {"type": ["string", "null"]},
                        "numbers": {
                            "type": "object",
                            "additionalProperties": {"$ref": "#/components/schemas/Number"},
                        },
                        "not_met": _FREE_LIST,
                    },
                },
            },
            "unanswered": _FREE_LIST,
            "evidence": _FREE_LIST,
        },
    },
}


def _document_schemas() -> dict[str, Any]:
    """Return the document's JSON schema as components, its parts under names of their own."""
    whole = _named(document.json_schema())
    parts = whole.pop("$defs", {})
    sections = {name: whole["properties"][name] for name in _QUESTION_SECTIONS}
    question = {
        "type": "object",
        "description": "One workload and, where you like, what a document says around it; and which options you want.",
        "required": ["workload"],
        "additionalProperties": False,
        "properties": {
            "workload": {"$ref": f"#/components/schemas/{_name('Workload')}"},
            **sections,
            "provider": {"type": ["string", "null"], "enum": ["aws", "azure", "gcp", None]},
            "region": {"type": ["string", "null"]},
            "sku": {"type": ["string", "null"]},
            "basis": {"type": ["string", "null"]},
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 20},
        },
    }
    return {
        "DecisionDocument": whole,
        **{_name(name): part for name, part in parts.items()},
        "EstimatesQuestion": question,
    }


_QUESTION_SECTIONS = ("organisation", "current", "team", "constraints", "horizon", "commercial")


def _mended(part: Any) -> Any:
    """Return a description in which any value is `{}`: with null named beside it, null would match twice."""
    if isinstance(part, dict):
        is_any = part.get("oneOf") == [{}, {"type": "null"}]
        return {key: _mended(value) for key, value in part.items() if not (is_any and key == "oneOf")}
    return [_mended(value) for value in part] if isinstance(part, list) else part


def _name(name: str) -> str:
    return f"Document{name}"


def _named(part: Any) -> Any:
    """Return a schema whose references lead to OpenAPI's components, and whose parts go by their components' names."""
    if isinstance(part, dict):
        return {
            key: f"#/components/schemas/{_name(value.rsplit('/', 1)[-1])}" if key == "$ref" else _named(value)
            for key, value in part.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_named(value) for value in part] if isinstance(part, list) else part
