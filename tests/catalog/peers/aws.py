"""AWS on this machine: its signed services, which check each signature, and its public price files with ranges.

Written to the documented shapes; every price is made up.
"""

import datetime as dt
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.catalog.peers.server import Answer, Peer, Request, as_json, running

ACCESS_KEY, SECRET_KEY = "AKIAPEEROFTHETESTS", "a secret that only the tests know"
OFFERS_INDEX = "/offers/v1.0/aws/AmazonEC2/current/region_index.json"
PLANS_INDEX = "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass
class Aws:
    """What this AWS holds. Lists are served in pages of `page_size`, or less where a caller asks for less."""

    products: list[dict[str, Any]] = field(default_factory=list)  # {"product": …, "terms": …}, texts on the wire
    spot: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # by region
    instance_types: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    offerings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    plan_rates: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # by path
    disabled: set[str] = field(default_factory=set)  # opt-in regions that this account has not enabled
    page_size: int = 100
    repeats_tokens: bool = False
    ignores_filters: bool = False
    takes_ranges: bool = True
    breaks_after: list[int] = field(default_factory=list)  # bytes that reach the caller before a file breaks off
    actions: list[tuple[str, str]] = field(default_factory=list)  # (action, region) of each signed request

    def answer(self, request: Request) -> Answer:
        """Answer a public file, or a signed request whose signature is right."""
        if request.method == "GET":
            return self._file(request)
        signed = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        region = signed["region"] if signed else ""
        target = request.headers.get("x-amz-target", "")
        if signed is None or not is_signed_rightly(request, signed):
            return _refusal(request, code="SignatureDoesNotMatch", status=403)
        if target:
            self.actions.append((target.rpartition(".")[2], region))
            return self._products(json.loads(request.body))
        if request.path == "/DescribeSavingsPlansOfferingRates":
            self.actions.append((request.path[1:], region))
            return self._plan_rates(json.loads(request.body))
        asked = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        self.actions.append((asked["Action"], region))
        if region in self.disabled:
            return _refusal(request, code="AuthFailure", status=401)
        return self._ec2(asked, region)

    def _file(self, request: Request) -> Answer:
        body = self.files.get(request.path)
        if body is None:
            return Answer(status=404, body=b"<Error><Code>NoSuchKey</Code></Error>")
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        start, status, headers = 0, 200, {}
        if wanted and self.takes_ranges:
            start, status = int(wanted[1]), 206
            headers = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        if self.breaks_after and not request.path.endswith("/region_index.json"):
            pieces = _broken(body[start : start + self.breaks_after.pop(0)])
            return Answer(status=status, pieces=pieces, headers=headers)
        return Answer(status=status, body=body[start:], headers=headers)

    def _page(self, rows: Sequence[Any], *, token: str | None, most: int) -> tuple[Sequence[Any], str]:
        size, start = min(self.page_size, most), int(token or 0)
        if self.repeats_tokens:
            return rows[:size], "1"
        return rows[start : start + size], str(start + size) if start + size < len(rows) else ""

    def _products(self, asked: Mapping[str, Any]) -> Answer:
        def passes(product: Mapping[str, Any]) -> bool:
            attributes = product.get("product", {}).get("attributes", {})
            return self.ignores_filters or all(
                attributes.get(one["Field"], "").lower() == one["Value"].lower()
                for one in asked["Filters"]
                if one["Type"] == "TERM_MATCH"
            )

        rows = [json.dumps(product) for product in self.products if passes(product)]
        found, following = self._page(rows, token=asked.get("NextToken"), most=asked.get("MaxResults", 100))
        more = {"NextToken": following} if following else {}
        return as_json({"FormatVersion": "aws_v1", "PriceList": found, **more})

    def _plan_rates(self, asked: Mapping[str, Any]) -> Answer:
        regions = next((one["values"] for one in asked.get("filters", []) if one["name"] == "region"), None)

        def passes(row: Mapping[str, Any]) -> bool:
            said = {one["name"]: one["value"] for one in row["properties"]}
            return regions is None or said["region"] in regions

        rows = [row for row in self.plan_rates if passes(row)]
        found, following = self._page(rows, token=asked.get("nextToken"), most=asked.get("maxResults", 1000))
        return as_json({"searchResults": found, "nextToken": following})

    def _ec2(self, asked: Mapping[str, str], region: str) -> Answer:
        action = asked["Action"]
        if action == "DescribeSpotPriceHistory":
            rows, name = self.spot.get(region, []), "spotPriceHistorySet"
        elif action == "DescribeInstanceTypes":
            wanted = asked.get("Filter.1.Value.1")
            rows, name = self.instance_types.get(region, []), "instanceTypeSet"
            rows = [row for row in rows if wanted is None or wanted in row["supportedUsageClasses"]]
        else:
            wanted = asked.get("UltraserverType") or asked["InstanceType"]
            rows, name = self.offerings.get(region, []), "capacityBlockOfferingSet"
            rows = [row for row in rows if wanted in (row.get("instanceType"), row.get("ultraserverType"))]
        found, following = self._page(rows, token=asked.get("NextToken"), most=int(asked.get("MaxResults", 1000)))
        body = f"<{name}>{''.join(f'<item>{_xml(row)}</item>' for row in found)}</{name}>"
        if following:
            body += f"<nextToken>{following}</nextToken>"
        space = "http://ec2.amazonaws.com/doc/2016-11-15/"
        whole = f'<{action}Response xmlns="{space}"><requestId>a-request</requestId>{body}</{action}Response>'
        return Answer(body=whole.encode(), headers={"Content-Type": "text/xml;charset=UTF-8"})


def is_signed_rightly(request: Request, signed: re.Match[str]) -> bool:
    """Sign the request anew with the secret and compare; a request of another day or key is refused as well."""
    told = request.headers.get("x-amz-date", "")
    try:
        at = dt.datetime.strptime(told, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return False
    if abs(dt.datetime.now(dt.UTC) - at) > dt.timedelta(minutes=5) or signed["key"] != ACCESS_KEY:
        return False
    again = AWSRequest(
        method=request.method,
        url=f"http://{request.headers['host']}{request.path}",
        data=request.body,
        headers={name: request.headers[name] for name in signed["headers"].split(";")},
    )
    again.context["timestamp"] = told
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), signed["service"], signed["region"])
    text = signer.string_to_sign(again, signer.canonical_request(again))
    return bool(signer.signature(text, again) == signed["signature"])


def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the person who runs the tests has set for AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@contextmanager
def aws_running(aws: Aws) -> Iterator[Peer]:
    """Run this AWS on a free port of this machine until the block ends."""
    with running(aws.answer) as peer:
        yield peer


def signed_action(name: str) -> Callable[[Request], bool]:
    """Say of a request whether it asks for this action, in any of the three protocols."""

    def asks(request: Request) -> bool:
        return (
            request.headers.get("x-amz-target", "").endswith(f".{name}")
            or request.path == f"/{name}"
            or f"Action={name}&".encode() in request.body + b"&"
        )

    return asks


def spot_price(machine: str, *, zone: str, price: str, at: str, product: str = "Linux/UNIX") -> dict[str, str]:
    """Return one row of a spot history. The zone is its id; the name is this account's own."""
    return {
        "instanceType": machine,
        "productDescription": product,
        "spotPrice": price,
        "timestamp": at,
        "availabilityZone": "us-east-1a",
        "availabilityZoneId": zone,
    }


def block(machine: str, *, fee: str, hours: int = 24, count: int = 1, zone: str, **more: Any) -> dict[str, Any]:
    """Return one Capacity Block on offer."""
    return {
        "capacityBlockOfferingId": f"cb-{machine}-{fee}",
        "instanceType": machine,
        "availabilityZone": zone,
        "instanceCount": count,
        "startDate": "2026-12-01T11:30:00Z",
        "endDate": "2026-12-02T11:30:00Z",
        "capacityBlockDurationHours": hours,
        "upfrontFee": fee,
        "currencyCode": "USD",
        "tenancy": "default",
        **more,
    }


def plan_rate(machine: str, *, region: str, usage_type: str, rate: str, years: int, **more: Any) -> dict[str, Any]:
    """Return one rate of a Compute Savings Plan without upfront payment."""
    return {
        "savingsPlanOffering": {
            "offeringId": f"offering-{years}y",
            "paymentOption": "No Upfront",
            "planType": "Compute",
            "durationSeconds": years * 31_536_000,
            "currency": "USD",
            "planDescription": f"{years} year No Upfront Compute Savings Plan",
            **more.pop("plan", {}),
        },
        "rate": rate,
        "unit": "Hrs",
        "productType": "EC2",
        "serviceCode": "AmazonEC2",
        "usageType": usage_type,
        "operation": "RunInstances",
        "properties": [
            {"name": "region", "value": region},
            {"name": "instanceType", "value": machine},
            {"name": "productDescription", "value": "Linux/UNIX"},
            {"name": "tenancy", "value": "shared"},
        ],
        **more,
    }


def _broken(body: bytes) -> Iterator[bytes]:
    """Send this much in order, then hang up: unlike a reset, that loses nothing on its way."""
    yield body
    raise ConnectionAbortedError


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(part)}</{name}>" for name, part in value.items())
    if isinstance(value, list):
        return "".join(f"<item>{_xml(part)}</item>" for part in value)
    return escape(str(value))


def _refusal(request: Request, *, code: str, status: int) -> Answer:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        error = f"<Error><Code>{code}</Code><Message>told to refuse</Message></Error>"
        whole = f"<Response><Errors>{error}</Errors><RequestID>a-request</RequestID></Response>"
        return Answer(status=status, body=whole.encode())
    return as_json({"__type": code, "message": "told to refuse"}, status=status)
