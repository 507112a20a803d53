"""The cases of `manage.py bench` for the REST API: what programs read most, through the whole of Django."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.test import Client
from django.utils import timezone

from advisor.management.stopwatch import Case
from advisor.models import Token
from advisor.services import accounts, decisions, examples, runs, tokens
from catalog import ingest

RUNS = 200
_BASE = "/api/v1"


@dataclass(frozen=True)
class Site:
    """A token that reads, and of each main read what it gives and its address."""

    secret: str
    report: str
    reads: Mapping[str, tuple[str, str]]


def prepared() -> Site:
    """Make one report and a token to read it with."""
    now = timezone.now()
    ingest.publish_files(actor="bench", moment=now)
    user = accounts.ensure_local_owner(moment=now)
    workspace = user.workspaces.get()
    text = examples.example(name="uber").text
    run = decisions.start_decision(workspace=workspace, user=user, document_bytes=text.encode(), moment=now)
    runs.execute_run(run_id=run.pk, moment=now)
    secret = tokens.issue(
        user=user,
        workspace=workspace,
        name="bench",
        cap=Token.Cap.READ.value,
        lifetime=dt.timedelta(days=1),
        moment=now,
    )
    report = f"{_BASE}/decisions/{run.revision.decision_id}/revisions/{run.revision.number}/report"
    offers = f"{_BASE}/catalog/tables/offers"
    reads = {
        "run": ("a run", f"{_BASE}/runs/{run.pk}"),
        "decisions": ("the list of decisions", f"{_BASE}/decisions"),
        "report": ("the report of examples/uber.yaml", report),
        "offers": ("100 offers, narrowed and ordered", f"{offers}?provider=aws&sort=price_usd_per_hour"),
        "row": ("one offer with its prices", f"{offers}/row?id=aws/us-east-1/p5.48xlarge/on_demand"),
        "csv": ("all offers as CSV", f"{offers}.csv"),
    }
    return Site(secret, report, reads)


def api_cases() -> list[Case]:
    """Return the main reads, and an estimate."""
    site = prepared()
    settings.API_READS_PER_MINUTE = settings.API_WRITES_PER_MINUTE = 10**8  # counted, never refused
    client = Client(headers={"host": "localhost", "authorization": f"Bearer {site.secret}"})
    cases = [
        Case(
            id=f"api.{name}",
            title=f"{title}, request to bytes",
            unit="ms",
            action=partial(_read, client, address),
            runs=20 if name == "csv" else RUNS,
            warm=2,
            note="Django's test client: no server, no network; n = bytes",
        )
        for name, (title, address) in site.reads.items()
    ]
    etag = client.get(site.report).headers["ETag"]
    known = partial(_read, client, site.report, etag=etag)
    asked = Case(
        id="api.known", title="a report that is known already: 304", unit="ms", action=known, runs=RUNS, warm=2
    )
    workload = {
        "id": "chat",
        "kind": "online_inference",
        "model": "llama-3.1-8b",
        "traffic": {"requests_per_s_mean": 2, "input_tokens": 1000, "output_tokens": 200},
    }
    estimate = Case(
        id="api.estimates",
        title="estimates of a chat on every option, 20 rows",
        unit="ms",
        action=partial(_estimated, client, {"workload": workload}),
        runs=7,
    )
    return [*cases, asked, estimate]


def _read(client: Client, address: str, etag: str = "") -> int:
    answer = client.get(address, headers={"if-none-match": etag} if etag else None)
    if answer.status_code != (304 if etag else 200):
        raise RuntimeError(f"{address} answered {answer.status_code}")
    return len(answer.getvalue())


def _estimated(client: Client, question: dict[str, object]) -> int:
    answer = client.post(f"{_BASE}/estimates", question, content_type="application/json")
    if answer.status_code != 200:
        raise RuntimeError(f"estimates answered {answer.status_code}")
    return len(answer.content)
