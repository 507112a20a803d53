"""`manage.py refresh aws azure google models`: the whole of it, against every provider's peer, with only addresses
changed; and with nobody there. Prices are invented near the shipped ones."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from advisor.management.offer_file import product, term
from catalog import published, queries, refresh
from catalog.models import Price
from catalog.sources import aws_offer_file, azure_prices, bedrock_prices, pace
from catalog.sources.http import Patience
from tests.catalog.peers import azure, google, models_bedrock, models_foundry, models_vertex
from tests.catalog.peers.aws import Aws, without_credentials
from tests.catalog.peers.server import Answer, Fault, Peer, Request, as_json, running
from tests.catalog.test_aws_files import OFFERS_INDEX, PLANS_INDEX, a_plan, a_rate, offers, plans

pytestmark = pytest.mark.django_db

H100, ND = "p5.48xlarge", "Standard_ND96isr_H100_v5"
METER = "price_usd_per_hour"


class Everybody:
    """The three providers on this machine."""

    def __init__(self, settings: Any) -> None:
        facts = published.facts(moment=timezone.now().date())
        self.regions = [part.region for part in aws_offer_file.parts(facts=facts, regions=None)]
        self.azure_regions = [part.region for part in azure_prices.parts(facts=facts, regions=None)]
        bedrock = [part.region for part in bedrock_prices.parts(facts=facts, regions=None)]
        nova = {
            region: [
                models_bedrock.Product(
                    usage="USE1-NovaLite-input-tokens",
                    usd="0.0000600000",
                    model="Nova Lite",
                    inference="Input tokens",
                )
            ]
            for region in bedrock
        }
        self._bedrock = models_bedrock.Offers(
            dict.fromkeys(("AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels"), nova)
        )
        self.aws = Aws(files={})
        self.price = "54.0000000000"
        self._machines = azure.RetailPrices(
            rows=[azure.row(ND, armRegionName=region, retailPrice=98.4) for region in self.azure_regions]
        )
        self._meters = models_foundry.retail(
            [
                models_foundry.meter("gpt 5 Inp glbl Tokens", 1.25, product="Azure OpenAI GPT5", region=region)
                for region in ("eastus2", "swedencentral")
            ]
        )
        self._skus = google.BillingCatalog(skus=google.a2())
        self._vertex = models_vertex.billing([models_vertex.sku("Gemini 2.5 Pro Text Input - Predictions", "1.25")])
        settings.GOOGLE_API_KEY = google.KEY

    def answer_aws(self, request: Request) -> Answer:
        if "Bedrock" in request.path:
            return self._bedrock(request)
        if not self.aws.files:
            self._write_files()
        return self.aws.answer(request)

    def _write_files(self) -> None:
        files = {region: f"/offers/v1.0/aws/AmazonEC2/20261120000000/{region}/index.json" for region in self.regions}
        sheets = {region: f"/savingsPlan/v1.0/aws/X/20261120000000/{region}/index.json" for region in self.regions}
        index = {"regions": {name: {"regionCode": name, "currentVersionUrl": path} for name, path in files.items()}}
        listed = {"regions": [{"regionCode": name, "versionUrl": path} for name, path in sheets.items()]}
        self.aws.files |= {OFFERS_INDEX: json.dumps(index).encode(), PLANS_INDEX: json.dumps(listed).encode()}
        for region, path in files.items():
            made = product("A", machine=H100, region=region)
            self.aws.files[path] = offers((made, term("A", "JRTCKXETXF", ("Hrs", self.price)), {}))
        for region, path in sheets.items():
            rate = a_rate(f"BoxUsage:{H100}", "40.0000000000", discountedRegionCode=region)
            self.aws.files[path] = plans(a_plan(rate), a_plan(rate, years=3))

    def answer_azure(self, request: Request) -> Answer:
        is_model = "Foundry Models" in request.query.get("$filter", "")
        return (self._meters if is_model else self._machines)(request)

    def answer_google(self, request: Request) -> Answer:
        mine, theirs = self._skus(request), self._vertex(replace(request, headers=self._theirs(request)))
        if request.path != "/v1/services":
            return mine if json.loads(mine.body).get("skus") else theirs
        both = [json.loads(answer.body)["services"] for answer in (mine, theirs)]
        return as_json({"services": [*both[0], *both[1]], "nextPageToken": ""})

    def _theirs(self, request: Request) -> dict[str, str]:
        """The headers as the peer of Vertex AI's prices knows them: it has a key of its own."""
        is_right = request.headers.get("x-goog-api-key") == google.KEY
        return {**request.headers, "x-goog-api-key": models_vertex.KEY if is_right else ""}


@pytest.fixture
def everybody(published: int, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Everybody]:
    without_credentials(monkeypatch)
    monkeypatch.setattr(pace, "PACES", dict.fromkeys(pace.PACES, "10000 per second"))
    monkeypatch.setitem(Patience.__init__.__kwdefaults__, "first_pause_s", 0.001)
    monkeypatch.setattr(refresh, "LONGEST_PAUSE", dt.timedelta(0))  # between the tries of a part
    settings.DATA_DIR, settings.CELERY_BROKER_URL = tmp_path, "memory://"
    found = Everybody(settings)
    with ExitStack() as stack:
        peers = {
            "AWS_BULK_PRICING_URL": running(found.answer_aws),
            "AZURE_PRICES_URL": running(found.answer_azure),
            "GOOGLE_BILLING_URL": running(found.answer_google),
        }
        for name, peer in peers.items():
            setattr(settings, name, stack.enter_context(peer).url)
        yield found


def standing(key: str) -> dict[str, Any]:
    return published.standing_prices(release=published.latest().number)[("offer", key, METER)]


def test_all_sources_fill_the_catalog(everybody: Everybody, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("refresh", "aws", "azure", "google", "models")

    told = capsys.readouterr().out
    live = Price.objects.filter(release=published.latest().number)
    by_source = {name: live.filter(source_id=name).count() for name in set(live.values_list("source_id", flat=True))}
    print(by_source)  # noqa: T201 - the figures of the run, for `pytest -s`
    assert set(by_source) == {
        "aws-ec2-offer-file", "aws-savings-plans", "azure-retail-prices", "google-billing-catalog",
        "aws-bedrock-prices", "azure-foundry-prices", "google-vertex-prices", "genai-prices-library",
    }  # fmt: skip
    assert by_source["aws-ec2-offer-file"] > 25
    assert standing(f"aws/eu-west-1/{H100}/on_demand")["amount"] == Decimal(54)
    assert standing(f"azure/eastus/{ND}/on_demand")["amount"] == Decimal("98.4")
    assert "aws-ec2-spot-history: not configured." in told
    frame = queries.current().offers
    assert frame["price_as_of_basis"].eq("fetched").sum() > 100


def test_without_a_network_each_source_says_so_and_every_price_stays(
    everybody: Everybody, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("refresh", "aws", "azure", "google")
    Price.objects.filter(as_of_basis="fetched").update(observed_at=dt.date(2026, 11, 20))
    before = published.standing_prices(release=published.latest().number)
    release = published.latest().number
    for name in ("AWS_BULK_PRICING_URL", "AZURE_PRICES_URL", "GOOGLE_BILLING_URL"):
        setattr(settings, name, "http://127.0.0.1:9")
    capsys.readouterr()

    with pytest.raises(CommandError, match="their older prices stand") as failure:
        call_command("refresh", "aws", "azure", "google")

    told = capsys.readouterr().out
    assert failure.value.returncode == 1
    for dataset in ("aws-ec2-offer-file", "aws-savings-plans", "azure-retail-prices", "google-billing-catalog"):
        assert f"{dataset} " in told
    assert told.count("cannot be reached") >= 4
    assert published.latest().number == release
    assert published.standing_prices(release=release) == before


FAULTS = {
    "throttled": [Fault(status=429, retry_after="0")],
    "broken": [Fault(status=500), Fault(status=503)],
    "cut": [Fault(cut_after=40), Fault(cut_after=10)],
}
LASTING = {
    "throttled for ever": Fault(status=429, retry_after="0"),
    "refused": Fault(status=403),
    "of another shape": Fault(status=200, body=b'{"rows": []}'),
    "empty": Fault(status=200, body=b'{"Items": [], "NextPageLink": null, "Count": 0, "regions": {}, "services": []}'),
    "no JSON": Fault(status=200, body=b"<html>maintenance</html>"),
}


@pytest.mark.parametrize("fault", [*FAULTS, *LASTING])
def test_each_fault_ends_complete_or_with_the_last_good_data(
    fault: str, everybody: Everybody, settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = f"aws/us-east-1/{H100}/on_demand"
    was = standing(key)
    with ExitStack() as stack:
        peers: list[Peer] = [
            stack.enter_context(running(answer))
            for answer in (everybody.answer_aws, everybody.answer_azure, everybody.answer_google)
        ]
        for name, peer in zip(("AWS_BULK_PRICING_URL", "AZURE_PRICES_URL", "GOOGLE_BILLING_URL"), peers, strict=True):
            setattr(settings, name, peer.url)
            peer.faults = list(FAULTS.get(fault, ()))
            peer.always = LASTING.get(fault)
        arguments = (
            "refresh",
            "aws",
            "azure",
            "google",
            "--region",
            "us-east-1",
            "--region",
            "eastus",
            "--region",
            "us-central1",
        )
        if fault in FAULTS:
            call_command(*arguments)
            assert standing(key)["amount"] == Decimal(54)
        else:
            with pytest.raises(CommandError):
                call_command(*arguments)
            assert standing(key) == was
            assert published.latest().number == 1
    assert "Traceback" not in capsys.readouterr().out
