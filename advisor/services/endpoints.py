"""The model endpoints of a workspace: registered with a key that is encrypted at once and never shown again."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from advisor.models import Endpoint, User, Workspace
from advisor.services import audit, credentials, outbound
from catalog.frame import Catalog

MOST_ENDPOINTS = 50
SHOWN_ENDING_FROM = 16  # letters; of a shorter key four would be too much of it
MOST_USD_PER_MTOK = Decimal(100_000)
_KEY = re.compile(r"[\x21-\x7e]{1,4096}\Z")
_KEY_ID = re.compile(r"[A-Z0-9]{8,128}\Z")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}\Z")
_VERSION = re.compile(r"[0-9A-Za-z.-]{1,40}\Z")


class EndpointRefused(Exception):
    """An endpoint that cannot be registered: by field, what is wrong."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What somebody says of an endpoint. The key is the only secret."""

    name: str
    kind: str
    model: str
    key: str = field(repr=False)  # tracebacks and logs must not hold it
    address: str = ""
    region: str = ""
    api_version: str = ""
    key_id: str = ""
    model_offer_id: str = ""
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class EndpointRow:
    """An endpoint as its workspace sees it, without its key."""

    endpoint_id: int
    name: str
    kind: str
    kind_label: str
    place: str
    model: str
    model_offer_id: str
    key_ending: str
    made_by: str
    made_at: datetime
    last_used_at: datetime | None


def register(*, workspace: Workspace, user: User, stated: Stated, catalog: Catalog, moment: datetime) -> Endpoint:
    """Keep an endpoint. Raises EndpointRefused, with every problem that can be told at once."""
    stated = replace(stated, address=stated.address.rstrip("/"))
    if problems := _problems(stated, catalog=catalog):
        raise EndpointRefused(problems)
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=workspace.pk)  # so that the count holds
        if Endpoint.objects.filter(workspace=workspace).count() >= MOST_ENDPOINTS:
            raise EndpointRefused({"name": f"A workspace keeps {MOST_ENDPOINTS} endpoints at most: remove one first."})
        try:
            with transaction.atomic():
                made = Endpoint.objects.create(
                    workspace=workspace,
                    name=stated.name,
                    kind=stated.kind,
                    address=stated.address,
                    model=stated.model,
                    region=stated.region,
                    api_version=stated.api_version,
                    model_offer_id=stated.model_offer_id,
                    input_usd_per_mtok=stated.input_usd_per_mtok,
                    output_usd_per_mtok=stated.output_usd_per_mtok,
                    key=credentials.encrypt(stated.key),
                    key_id=stated.key_id,
                    key_ending=stated.key[-4:] if len(stated.key) >= SHOWN_ENDING_FROM else "",
                    made_by=user,
                    made_at=moment,
                )
        except IntegrityError as error:
            raise EndpointRefused({"name": "This workspace has an endpoint of this name."}) from error
        _record(made, user=user, action="endpoint.registered", moment=moment)
    return made


def remove(*, endpoint: Endpoint, user: User, moment: datetime) -> None:
    """Forget an endpoint with its key and its probes. Reports that used one keep its figures as evidence."""
    with transaction.atomic():
        _record(endpoint, user=user, action="endpoint.removed", moment=moment)
        endpoint.delete()


def rows(*, workspace: Workspace) -> list[EndpointRow]:
    """Return the workspace's endpoints by name."""
    found = Endpoint.objects.filter(workspace=workspace).select_related("made_by").order_by("name", "pk")
    return [row(endpoint) for endpoint in found]


def row(endpoint: Endpoint) -> EndpointRow:
    """Return an endpoint without its key."""
    return EndpointRow(
        endpoint_id=endpoint.pk,
        name=endpoint.name,
        kind=endpoint.kind,
        kind_label=Endpoint.Kind(endpoint.kind).label,
        place=endpoint.address or endpoint.region,
        model=endpoint.model,
        model_offer_id=endpoint.model_offer_id,
        key_ending=endpoint.key_ending,
        made_by=endpoint.made_by.email,
        made_at=endpoint.made_at,
        last_used_at=endpoint.last_used_at,
    )


def bedrock_regions(catalog: Catalog) -> list[str]:
    """Return the regions an address may be derived from: those of the catalog and no text of a user's."""
    regions = catalog.regions
    return sorted(str(name) for name in regions[regions["provider"] == "aws"]["region"])


def _problems(stated: Stated, *, catalog: Catalog) -> dict[str, str]:
    found = {
        "name": "" if stated.name.strip() else "Give it a name.",
        "model": ""
        if _MODEL.match(stated.model)
        else "The name of a model or deployment: letters, digits and . _ : / @ + - only.",
        "key": ""
        if _KEY.match(stated.key)
        else "The key must be one line of plain letters without spaces, 4,096 at most.",
        "model_offer_id": ""
        if stated.model_offer_id in ("", *catalog.model_offers["model_offer_id"])
        else "The catalog has no model offer of this id.",
        "output_usd_per_mtok": _price_problem(stated),
        **(_bedrock_problems(stated, catalog=catalog) if stated.kind == "bedrock" else _address_problems(stated)),
    }
    if stated.kind not in Endpoint.Kind.values:
        found["kind"] = f"One of {', '.join(Endpoint.Kind.values)}."
    return {name: text for name, text in found.items() if text}


def _price_problem(stated: Stated) -> str:
    prices = (stated.input_usd_per_mtok, stated.output_usd_per_mtok)
    if (prices[0] is None) != (prices[1] is None):
        return "State both prices or none."
    if any(price is not None and not 0 <= price <= MOST_USD_PER_MTOK for price in prices):
        return f"A price lies between 0 and {MOST_USD_PER_MTOK:,} USD per million tokens."
    return ""


def _bedrock_problems(stated: Stated, *, catalog: Catalog) -> dict[str, str]:
    known = stated.region in bedrock_regions(catalog)
    return {
        "address": "Bedrock's address follows from its region: leave this blank." if stated.address else "",
        "region": "" if known else "One of the catalog's AWS regions, such as us-east-1.",
        "key_id": "" if _KEY_ID.match(stated.key_id) else "The access key id that belongs to the secret key.",
    }


def _address_problems(stated: Stated) -> dict[str, str]:
    is_azure = stated.kind == "azure_openai"
    return {
        "address": _address_problem(stated.address),
        "region": "Only Bedrock is named by its region." if stated.region else "",
        "key_id": "Only Bedrock's keys have an id beside them." if stated.key_id else "",
        "api_version": ""
        if bool(_VERSION.match(stated.api_version)) == is_azure and (is_azure or not stated.api_version)
        else "Azure's API version, such as 2025-04-01-preview."
        if is_azure
        else "Only Azure's addresses name a version.",
    }


def _address_problem(address: str) -> str:
    """Return what the text of an address rules out; what it resolves to is checked at each request."""
    try:
        outbound.target(address)
    except outbound.Refused as error:
        return str(error)
    parts = urlsplit(address)
    return "Leave out what follows ? or #." if parts.query or parts.fragment else ""


def _record(endpoint: Endpoint, *, user: User, action: str, moment: datetime) -> None:
    audit.record(
        user=user,
        workspace=endpoint.workspace,
        action=action,
        subject=endpoint.name,
        moment=moment,
        detail={"kind": endpoint.kind, "place": endpoint.address or endpoint.region, "model": endpoint.model},
    )
