"""Probes of a workspace's own endpoints: bounded beforehand, sent once over real sockets, kept as evidence."""

import datetime as dt
import ipaddress
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from advisor import tasks
from advisor.models import AuditEvent, Endpoint, EndpointProbe, Report, User
from advisor.services import endpoint_calls, endpoint_evidence, endpoint_probes, endpoints, leases, runs
from advisor.services.endpoint_probes import Wanted
from catalog.frame import Catalog
from tests.advisor.factories import MOMENT, a_member, a_run
from tests.advisor.peers import certificate
from tests.catalog.peers.chat import KEY, Models, Says
from tests.catalog.peers.server import Fault, Peer, as_json, running

pytestmark = pytest.mark.django_db

SMALL = Wanted(steps=(1, 4), requests_per_step=20, max_tokens=64, prompt_words=60)
OFFER = "aws/claude-fable-5-1/global"
LATER = MOMENT + dt.timedelta(minutes=5)


@pytest.fixture
def models() -> Models:
    return Models(says=[Says(reasoning_tokens=0, drip_s=0.0005)])


@pytest.fixture
def provider(models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Peer]:
    """A provider over TLS on this machine, which we may reach."""
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    settings.OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with running(models.answer, pem=pem) as peer:
        yield peer


@pytest.fixture
def editor() -> User:
    return a_member(role="editor")


def an_endpoint(user: User, catalog: Catalog, address: str = "https://models.example.org", **changes: Any) -> Endpoint:
    stated: dict[str, Any] = {
        "name": "Our model",
        "kind": "openai",
        "address": address,
        "model": "m",
        "key": KEY,
        "model_offer_id": OFFER,
    }
    return endpoints.register(
        workspace=user.workspaces.get(),
        user=user,
        stated=endpoints.Stated(**(stated | changes)),
        catalog=catalog,
        moment=MOMENT,
    )


def probed(endpoint: Endpoint, user: User, catalog: Catalog, wanted: Wanted = SMALL) -> EndpointProbe:
    probe = endpoint_probes.start(endpoint=endpoint, user=user, wanted=wanted, catalog=catalog, moment=MOMENT)
    tasks.probe_endpoint(probe_id=probe.pk)
    return EndpointProbe.objects.get(pk=probe.pk)


# --- it is planned --------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(editor: User, shipped: Catalog, provider: Peer) -> None:
    endpoint = an_endpoint(editor, shipped, provider.url)

    found = endpoint_probes.dry_run(endpoint=endpoint, wanted=SMALL, catalog=shipped)

    assert found.address == f"{provider.url}/chat/completions"
    assert '"max_tokens": 64' in found.body
    assert KEY not in found.body + found.address
    assert (found.plan.requests_count, found.most.requests_count, found.problems) == (40, 40, ())
    assert found.price_source == "catalog"
    assert found.most.usd == found.one.usd * 40
    assert provider.asked == []
    assert not EndpointProbe.objects.exists()


def test_a_price_that_is_stated_goes_before_the_catalogs(editor: User, shipped: Catalog) -> None:
    prices = {"input_usd_per_mtok": Decimal(0), "output_usd_per_mtok": Decimal(0)}
    endpoint = an_endpoint(editor, shipped, **prices)

    found = endpoint_probes.dry_run(endpoint=endpoint, wanted=SMALL, catalog=shipped)

    assert (found.price_source, found.most.usd) == ("stated", 0)


def test_without_a_price_no_probe_is_sent(editor: User, shipped: Catalog) -> None:
    endpoint = an_endpoint(editor, shipped, model_offer_id="")

    with pytest.raises(endpoint_probes.PlanRefused, match="No price is known"):
        endpoint_probes.start(endpoint=endpoint, user=editor, wanted=SMALL, catalog=shipped, moment=MOMENT)


def test_a_workspace_has_so_many_probes_an_hour_and_an_endpoint_one_at_a_time(
    editor: User, shipped: Catalog, settings: Any
) -> None:
    settings.ENDPOINT_PROBES_PER_HOUR = 2
    endpoint = an_endpoint(editor, shipped)

    def start(moment: dt.datetime) -> EndpointProbe:
        return endpoint_probes.start(endpoint=endpoint, user=editor, wanted=SMALL, catalog=shipped, moment=moment)

    first = start(MOMENT)
    with pytest.raises(endpoint_probes.AlreadyProbed):
        start(MOMENT)
    endpoint_probes.cancel(probe=first, user=editor, moment=MOMENT)
    endpoint_probes.cancel(probe=start(LATER), user=editor, moment=LATER)
    with pytest.raises(endpoint_probes.TooManyProbes):
        start(LATER)

    assert start(MOMENT + dt.timedelta(minutes=61)).state == "queued"
    asked = AuditEvent.objects.filter(action="endpoint.probed").first()
    assert asked is not None
    assert asked.detail == {"probe": first.pk, "most_tokens": 200_000, "most_usd": "1"}


# --- it is sent -----------------------------------------------------------------------------------------------------


def test_a_probe_is_sent_once_step_by_step_and_kept(
    editor: User, shipped: Catalog, provider: Peer, models: Models
) -> None:
    probe = probed(an_endpoint(editor, shipped, provider.url), editor, shipped)
    tasks.probe_endpoint(probe_id=probe.pk)

    assert (probe.state, len(provider.asked)) == ("succeeded", 40)
    assert 1 < models.most_under_way <= 4
    assert probe.result is not None
    assert [step["concurrency"] for step in probe.result["steps"]] == [1, 4]
    assert [step["answered"] for step in probe.result["steps"]] == [20, 20]
    assert probe.result["steps"][0]["ttft_ms"]["p95"] > 0
    assert probe.result["steps"][0]["tokens_per_s"]["n"] == 20
    assert probe.result["vantage"] == "this installation, place not stated"
    assert (probe.result["tokens_counted"], probe.tokens_at_most) == (40 * 52, 40 * 52)
    assert KEY not in str(probe.result)
    assert Endpoint.objects.get().last_used_at is not None


def test_bedrock_is_reached_by_its_region_alone(
    editor: User, shipped: Catalog, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(models.answer) as peer:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", peer.url)
        endpoint = an_endpoint(
            editor, shipped, "", kind="bedrock", region="eu-west-1", key_id="AKIATEST", model="a.model-v1:0"
        )
        probe = probed(endpoint, editor, shipped, replace(SMALL, steps=(2,)))

    assert (probe.state, probe.error, len(peer.asked)) == ("succeeded", "", 20)


@pytest.mark.parametrize("kind", ["azure_openai", "gemini"])
def test_the_other_kinds_pass_the_same_way_out(kind: str, editor: User, shipped: Catalog, provider: Peer) -> None:
    version = {"api_version": "2025-04-01"} if kind == "azure_openai" else {}
    endpoint = an_endpoint(editor, shipped, provider.url, kind=kind, **version)

    probe = probed(endpoint, editor, shipped, replace(SMALL, steps=(2,), requests_per_step=3))

    assert (probe.state, probe.error) == ("succeeded", "")


def test_an_address_that_resolves_to_this_machine_is_refused_and_told(
    editor: User, shipped: Catalog, provider: Peer, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    endpoint = an_endpoint(editor, shipped, provider.url)

    probe = probed(endpoint, editor, shipped)

    assert (probe.state, probe.error_code) == ("failed", "nobody_answered")
    assert "an address that must not be called" in probe.error
    assert provider.asked == []


def test_a_redirect_is_not_followed(editor: User, shipped: Catalog, provider: Peer) -> None:
    provider.always = Fault(status=307, body=b"")

    probe = probed(an_endpoint(editor, shipped, provider.url), editor, shipped)

    assert probe.state == "failed"
    assert "redirected" in probe.error
    assert len(provider.asked) == 3


def test_a_wrong_key_ends_it_early_with_the_providers_code(editor: User, shipped: Catalog, provider: Peer) -> None:
    probe = probed(an_endpoint(editor, shipped, provider.url, key="sk-of-somebody-else"), editor, shipped)

    assert probe.error == "No request was answered: 3 × refused. The provider says: invalid_api_key."
    assert (len(provider.asked), probe.tokens_at_most) == (3, 0)
    assert probe.result is not None


def test_some_failures_are_counted_beside_what_was_answered(
    editor: User, shipped: Catalog, provider: Peer, models: Models
) -> None:
    provider.faults = [Fault(status=429, retry_after="0"), Fault(status=500)]
    models.says = [Says(cut_after=3), Says()]

    probe = probed(an_endpoint(editor, shipped, provider.url), editor, shipped, replace(SMALL, steps=(2,)))

    assert probe.result is not None
    (step,) = probe.result["steps"]
    assert step["failures"] == {"cut": 1, "rate_limited": 1, "server_error": 1}
    assert step["answered"] == 17


def test_a_stream_that_drips_on_is_cut_by_the_way_out(
    editor: User, shipped: Catalog, provider: Peer, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_calls, "REQUEST_S", 0.4)
    models.says = [Says(words=("word ",) * 500, drip_s=0.02)]

    probe = probed(an_endpoint(editor, shipped, provider.url), editor, shipped, replace(SMALL, steps=(4,)))

    assert "no end in time" in probe.error


def test_a_probe_that_is_cancelled_while_it_waits_is_never_sent(editor: User, shipped: Catalog, provider: Peer) -> None:
    endpoint = an_endpoint(editor, shipped, provider.url)
    probe = endpoint_probes.start(endpoint=endpoint, user=editor, wanted=SMALL, catalog=shipped, moment=MOMENT)

    assert endpoint_probes.cancel(probe=probe, user=editor, moment=MOMENT) is True

    assert endpoint_probes.execute_probe(probe_id=probe.pk, moment=MOMENT) is False
    assert provider.asked == []
    assert endpoint_probes.cancel(probe=probe, user=editor, moment=MOMENT) is False


def test_a_probe_that_is_cancelled_in_the_middle_sends_nothing_more_and_says_what_it_took(
    editor: User, shipped: Catalog, provider: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = an_endpoint(editor, shipped, provider.url)
    probe = endpoint_probes.start(endpoint=endpoint, user=editor, wanted=SMALL, catalog=shipped, moment=MOMENT)
    monkeypatch.setattr(leases, "PROGRESS_EVERY_S", 0.0)
    progress, calls = leases.Lease.progress, iter(range(100))

    def cancelled_at_the_fifth(lease: leases.Lease, *told: Any, **fields: Any) -> None:
        if next(calls) == 4:
            endpoint_probes.cancel(probe=probe, user=editor, moment=MOMENT)
        progress(lease, *told, **fields)

    monkeypatch.setattr(leases.Lease, "progress", cancelled_at_the_fifth)

    assert endpoint_probes.execute_probe(probe_id=probe.pk, moment=MOMENT) is False

    probe.refresh_from_db()
    assert (probe.state, probe.result, len(provider.asked)) == ("cancelled", None, 5)
    assert probe.tokens_at_most == 4 * 52


def test_a_probe_whose_worker_is_gone_fails_and_is_not_sent_again(editor: User, shipped: Catalog) -> None:
    endpoint = an_endpoint(editor, shipped)
    probe = endpoint_probes.start(endpoint=endpoint, user=editor, wanted=SMALL, catalog=shipped, moment=MOMENT)
    leases.claim(EndpointProbe, pk=probe.pk, moment=MOMENT)

    assert endpoint_probes.requeue_lost(moment=LATER) == []

    probe.refresh_from_db()
    assert (probe.state, probe.error_code) == ("failed", "worker_lost")
    assert endpoint_probes.execute_probe(probe_id=probe.pk, moment=LATER) is False


def test_a_queued_probe_that_nobody_took_is_sent_again(editor: User, shipped: Catalog) -> None:
    endpoint = an_endpoint(editor, shipped)
    probe = endpoint_probes.start(endpoint=endpoint, user=editor, wanted=SMALL, catalog=shipped, moment=MOMENT)

    assert endpoint_probes.requeue_lost(moment=LATER) == [probe.pk]


def test_a_key_that_can_no_longer_be_read_says_so(
    editor: User, shipped: Catalog, provider: Peer, settings: Any
) -> None:
    endpoint = an_endpoint(editor, shipped, provider.url)
    settings.CREDENTIAL_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]

    probe = probed(endpoint, editor, shipped)

    assert (probe.state, probe.error_code) == ("failed", "key_unreadable")
    assert provider.asked == []


# --- it is evidence -------------------------------------------------------------------------------------------------


def test_the_newest_probe_of_an_offer_is_its_evidence_by_its_widest_step(
    editor: User, shipped: Catalog, provider: Peer
) -> None:
    endpoint = an_endpoint(editor, shipped, provider.url)
    probed(endpoint, editor, shipped)
    second = probed(endpoint, editor, shipped)
    today = dt.datetime.now(dt.UTC).date()

    (found,) = endpoint_evidence.evidence(workspace=endpoint.workspace, moment=today)

    assert second.result is not None
    wide = second.result["steps"][1]
    assert (found.number, found.concurrency, found.model_offer_id) == (second.pk, 4, OFFER)
    assert (found.answered_count, found.failed_count, found.input_tokens) == (20, 0, 40)
    assert found.ttft_ms.typical == wide["ttft_ms"]["p95"]
    assert found.ttft_ms.low <= found.ttft_ms.typical <= found.ttft_ms.high
    assert endpoint_evidence.evidence(workspace=endpoint.workspace, moment=today - dt.timedelta(days=1)) == []
    assert endpoint_evidence.evidence(workspace=a_member().workspaces.get(), moment=today) == []


def test_a_run_of_the_workspace_uses_its_probe_and_a_run_of_another_does_not(
    editor: User, shipped: Catalog, provider: Peer, published: int
) -> None:
    probe = probed(an_endpoint(editor, shipped, provider.url), editor, shipped, replace(SMALL, steps=(4,)))
    today = dt.datetime.now(dt.UTC)

    def hashes(owner: User) -> dict[str, Any]:
        run = a_run(owner=owner, moment=today.date())
        assert runs.execute_run(run_id=run.pk, moment=today) is True
        told: dict[str, Any] = json.loads(bytes(Report.objects.get(run=run).content))["hashes"]
        return told

    used = hashes(editor)
    endpoints.remove(endpoint=probe.endpoint, user=editor, moment=today)

    assert "own_probes" in used
    assert "own_probes" not in hashes(a_member())
    assert "own_probes" not in hashes(editor), "a removed endpoint speaks for nothing any more"


def test_too_few_or_too_many_failed_requests_are_no_evidence(editor: User, shipped: Catalog, provider: Peer) -> None:
    endpoint = an_endpoint(editor, shipped, provider.url)
    today = dt.datetime.now(dt.UTC).date()

    probed(endpoint, editor, shipped, replace(SMALL, requests_per_step=19))
    provider.faults = [Fault(status=429, retry_after="0")] * 3
    probed(endpoint, editor, shipped, replace(SMALL, steps=(4,), requests_per_step=25))

    assert endpoint_evidence.evidence(workspace=endpoint.workspace, moment=today) == []


def test_a_server_that_counts_nothing_still_shows_its_first_token(
    editor: User, shipped: Catalog, provider: Peer, models: Models
) -> None:
    models.says = [Says(has_usage=False)]
    endpoint = an_endpoint(editor, shipped, provider.url)

    probe = probed(endpoint, editor, shipped, replace(SMALL, steps=(4,)))

    (found,) = endpoint_evidence.evidence(workspace=endpoint.workspace, moment=dt.datetime.now(dt.UTC).date())
    assert (found.tpot_ms, found.input_tokens) == (None, None)
    assert probe.result is not None
    assert probe.result["steps"][0]["rates_unknown"] == {"the server sent no count of tokens": 20}
    assert probe.tokens_at_most > 0, "what was not counted is taken at its bound"


def test_anything_else_than_a_stream_is_told_as_such(editor: User, shipped: Catalog, provider: Peer) -> None:
    provider.answer = lambda request: as_json({"choices": [{"message": {"content": "one"}}]})

    probe = probed(an_endpoint(editor, shipped, provider.url), editor, shipped)

    assert probe.state == "failed"
    assert "3 × no stream of events" in probe.error
