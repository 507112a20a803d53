"""A program that nobody here wrote: its client is generated from the API's own description, and it decides for Uber."""

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.api.docs import description
from advisor.core.document import parse
from tests.advisor.peers import Peer, certificate, serve
from tests.stack import OURS, ROOT, Stack, free_port

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys, time
from pathlib import Path

from advisor_client import AuthenticatedClient
from advisor_client.api.catalog import list_catalog_rows
from advisor_client.api.decisions import ask_for_advice, change_document, create_decision, get_decision, get_document
from advisor_client.api.estimates import estimate
from advisor_client.api.reports import get_report_json, get_report_markdown, get_report_pdf
from advisor_client.api.runs import get_run
from advisor_client.api.tokens import get_me
from advisor_client.api.workspaces import get_webhook, set_webhook
from advisor_client.models import (
    ChangesRequest, ChangesRequestChanges, DecisionDocument, DocumentWorkload, Error, EstimatesQuestion,
    NewWebhookRequest,
)

base, token, file, hook = sys.argv[1:]
client = AuthenticatedClient(base_url=base, token=token, raise_on_unexpected_status=True)
raw = json.loads(Path(file).read_text())


def followed(run):
    until = time.monotonic() + 120
    while (now := get_run.sync(run.id, client=client)).state in ("queued", "running"):
        assert time.monotonic() < until, now
        time.sleep(0.2)
    return now


me = get_me.sync(client=client)
secret = set_webhook.sync(me.workspace_id, client=client, body=NewWebhookRequest(url=hook)).secret
document = DecisionDocument.from_dict(raw)
begun = [create_decision.sync(client=client, body=document, idempotency_key="uber-1") for _ in range(2)]
assert not isinstance(begun[0], Error), begun
assert begun[0].id == begun[1].id
done = followed(begun[0])
assert done.state == "succeeded", done
report = get_report_json.sync(done.decision_id, done.revision, client=client)
record = get_report_markdown.sync_detailed(done.decision_id, done.revision, client=client)
until = time.monotonic() + 60
while (pdf := get_report_pdf.sync_detailed(done.decision_id, done.revision, client=client)).status_code == 202:
    assert time.monotonic() < until
    time.sleep(0.5)

state = get_document.sync(done.decision_id, client=client)
changes = ChangesRequestChanges.from_dict({"constraints.budget_usd_per_month": 1})
asked = ChangesRequest(changes=changes, revision=state.revision, version=state.version)
changed = change_document.sync(done.decision_id, client=client, body=asked)
stale = change_document.sync(done.decision_id, client=client, body=asked)
poor = followed(ask_for_advice.sync(done.decision_id, client=client))
decision = get_decision.sync(done.decision_id, client=client)

workload = DocumentWorkload.from_dict(raw["workloads"][0])
question = EstimatesQuestion.from_dict({"workload": workload.to_dict(), "provider": "aws", "limit": 3})
found = estimate.sync(client=client, body=question)
rows = list_catalog_rows.sync("accelerators", client=client, limit=5)
assert isinstance(stale, Error), stale

until = time.monotonic() + 60
while {one.state for one in get_webhook.sync(me.workspace_id, client=client).deliveries} != {"delivered"}:
    assert time.monotonic() < until
    time.sleep(0.2)

print(json.dumps({
    "secret": secret,
    "runs": [done.id, poor.id],
    "me": me.cap,
    "feasible": done.feasible,
    "title": report.decision.title,
    "workloads": [workload["id"] for workload in report.to_dict()["workloads"]],
    "record": record.content.decode()[:400],
    "pdf": pdf.content[:5].decode(),
    "changed": changed.revision,
    "stale": stale.error.code,
    "poor": [poor.revision, poor.state, poor.feasible],
    "revisions": [one.number for one in decision.revisions],
    "estimates": [row.to_dict()["provider"] for row in found.rows],
    "accelerators": len(rows.to_dict()["rows"]),
}))
"""


# This generator knows no other binary type than this one.
FILES = ("application/pdf", "application/zip", "application/vnd.apache.parquet")
OVERRIDES = dict.fromkeys(FILES, "application/octet-stream")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the generated package."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "schema.json").write_bytes(description())
    (folder / "config.json").write_text(json.dumps({"post_hooks": [], "content_type_overrides": OVERRIDES}))
    generated = subprocess.run(
        [
            str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--meta", "none",
            "--path", "schema.json", "--config", "config.json", "--output-path", "advisor_client",
        ],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert generated.returncode == 0, generated.stdout + generated.stderr
    return folder


def test_every_route_is_in_the_generated_client(client: Path) -> None:
    ids = {method["operationId"] for path in json.loads(description())["paths"].values() for method in path.values()}
    made = {path.stem for path in (client / "advisor_client" / "api").glob("*/*.py")} - {"__init__"}

    assert made == ids


def test_the_generated_client_decides_for_uber_and_is_told_of_both_ends(
    client: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, peer = certificate(tmp_path), Peer()
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")
    server = serve(peer, pem=pem)
    stack = Stack(data_dir=tmp_path / "state", port=free_port())
    try:
        stack.wait_for(r"ready after", within_s=120)
        environment = {name: value for name, value in os.environ.items() if name not in OURS}
        token = subprocess.run(
            [sys.executable, "manage.py", "create_token", "owner@localhost", "--cap", "write"],
            cwd=ROOT,
            env={**environment, "ADVISOR_DATA_DIR": str(tmp_path / "state")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        secret = re.search(r"advisor_\S+", token)
        assert secret, token
        uber = tmp_path / "uber.json"
        uber.write_text(json.dumps(parse((ROOT / "examples" / "uber.yaml").read_bytes())))
        ran = subprocess.run(
            [
                sys.executable, "-W", "ignore", "-c", PROGRAM,
                f"http://127.0.0.1:{stack.port}", secret.group(), str(uber), peer.url,
            ],
            cwd=client, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr + stack.said()
    finally:
        stack.stop(number=signal.SIGTERM)
        server.shutdown()
        server.server_close()

    told = json.loads(ran.stdout)
    assert told["me"] == "write"
    assert told["feasible"] is True
    assert told["workloads"] == ["serving", "training", "genai"]
    assert told["title"] in told["record"]
    assert told["pdf"] == "%PDF-"
    assert (told["changed"], told["stale"]) == (2, "conflict")
    assert told["poor"] == [2, "succeeded", False]
    assert told["revisions"] == [2, 1]
    assert told["estimates"] == ["aws"] * 3
    assert told["accelerators"] == 5
    assert sorted(json.loads(body)["run"]["id"] for _, _, body in peer.got) == told["runs"]
    for _, headers, body in peer.got:
        signed = f"{headers['advisor-timestamp']}.".encode() + body
        proof = hmac.new(told["secret"].encode(), signed, hashlib.sha256).hexdigest()
        assert headers["advisor-signature"] == f"v1={proof}"
