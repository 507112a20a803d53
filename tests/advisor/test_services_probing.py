"""Probes from choosing to figures: real targets over TLS on this machine, through the guard, stored and told."""

import datetime as dt
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from advisor import price_tasks
from advisor.models import User
from advisor.services import probing, refreshes
from catalog import latency, refresh
from catalog.latency import NothingToProbe, UnknownTarget
from catalog.models import ProbePart
from catalog.probes.series import Plan
from tests.advisor.factories import a_member, a_token, a_user
from tests.advisor.peers import certificate
from tests.catalog.peers import server

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
QUICK = Plan(cold_count=6, warm_count=8, pause_s=(0.0, 0.001), same_target_s=0.0)


@pytest.fixture
def operator() -> User:
    user = a_user()
    user.is_operator = True
    user.save(update_fields=["is_operator"])
    return user


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[server.Peer]:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    settings.OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
    settings.PROBE_VANTAGE = "a test bench"
    with server.running(lambda request: server.Answer(body=b"healthy"), pem=pem) as one:
        yield one


@pytest.fixture
def target(peer: server.Peer, operator: User) -> str:
    return probing.add_target(provider="aws", region="eu-west-1", url=f"{peer.url}/ping", user=operator, moment=NOW)


def probed(target: str, *, moment: dt.datetime = NOW) -> latency.Reading:
    begun = probing.begin(words=[target], actor="tests", moment=moment)
    for part_id in begun.part_ids:
        assert probing.execute(part_id=part_id, moment=moment, plan=QUICK)
    return next(one for one in probing.newest(run_id=begun.run_id) if one.family == 4)


def test_what_was_measured_is_stored_with_the_place_it_was_measured_from(target: str) -> None:
    found = probed(target)

    assert (found.vantage, found.addresses) == ("a test bench", ["127.0.0.1"])
    assert NOW < found.observed_at < NOW + dt.timedelta(minutes=1)
    assert (found.warm.count, found.cold["tls"].count, found.warm.failed_count) == (8, 6, 0)
    assert found.warm.median_low_ms is not None
    assert latency.runs()[0].state == "succeeded"


def test_an_address_that_the_guard_refuses_is_not_called(target: str, peer: server.Peer, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []

    found = probed(target)

    assert not found.is_reached
    assert dict(found.cold["tcp"].failures) == {"refused": 1}
    assert (peer.asked, latency.runs()[0].state) == ([], "failed")


def test_a_target_rests_between_two_runs(target: str) -> None:
    probed(target)

    with pytest.raises(NothingToProbe, match="last 10 minutes"):
        probing.begin(words=[target], moment=NOW + dt.timedelta(minutes=5))
    assert probing.begin(words=[target], moment=NOW + dt.timedelta(minutes=11)).part_ids


def test_a_target_of_an_open_part_is_not_asked_twice(target: str) -> None:
    probing.begin(words=[target], moment=NOW)

    with pytest.raises(NothingToProbe):
        probing.begin(words=[target], moment=NOW + dt.timedelta(hours=1))


def test_parts_hold_few_targets_of_one_provider() -> None:
    begun = probing.begin(moment=NOW)

    works = [latency.take(part_id=part_id, moment=NOW) for part_id in begun.part_ids]
    assert all(work and 1 <= len(work.targets) <= 6 for work in works)
    assert all(len({one.provider for one in work.targets}) == 1 for work in works if work)


def test_a_second_delivery_of_a_part_ends_without_a_question(target: str, peer: server.Peer) -> None:
    (part_id,) = probing.begin(words=[target], moment=NOW).part_ids
    probing.execute(part_id=part_id, moment=NOW, plan=QUICK)
    asked = len(peer.asked)

    price_tasks.probe_regions(part_id=part_id, from_a_newer_caller=True)

    assert len(peer.asked) == asked


def test_a_part_whose_worker_went_silent_is_sent_again_and_then_given_up(target: str) -> None:
    (part_id,) = probing.begin(words=[target], moment=NOW).part_ids
    latency.take(part_id=part_id, moment=NOW)

    assert probing.requeue_lost(moment=NOW + dt.timedelta(minutes=5)) == []
    assert probing.requeue_lost(moment=NOW + dt.timedelta(minutes=7)) == [part_id]
    late = latency.take(part_id=part_id, moment=NOW + dt.timedelta(minutes=7))
    assert late is not None
    assert probing.requeue_lost(moment=NOW + dt.timedelta(minutes=20)) == []
    assert latency.runs()[0].state == "failed"
    assert not latency.keep(work=late, measured={}, moment=NOW), "a part that was given up takes no more figures"


def test_a_run_whose_last_worker_was_killed_before_it_closed_the_run_is_closed(target: str) -> None:
    begun = probing.begin(words=[target], moment=NOW)
    ProbePart.objects.filter(run_id=begun.run_id).update(state="succeeded", ended_at=NOW)

    probing.requeue_lost(moment=NOW)

    assert latency.runs()[0].state == "succeeded"


def test_a_schedule_that_finds_every_target_at_rest_holds_up_nothing(target: str) -> None:
    probing.begin(moment=NOW)
    refresh.set_schedule(source=refresh.PROBES, every_hours=1, is_on=True, actor="ops", moment=NOW)

    due = refreshes.begin_due(moment=NOW + dt.timedelta(minutes=6))

    assert (due.parts, due.probes) == ([], [])


def test_a_switched_off_target_is_not_asked_and_can_be_switched_on(operator: User) -> None:
    name = "aws/eu-west-1/dynamodb"
    probing.switch_target(target_id=name, is_on=False, user=operator, moment=NOW)
    with pytest.raises(NothingToProbe):
        probing.begin(words=[name], moment=NOW)

    probing.switch_target(target_id=name, is_on=True, user=operator, moment=NOW)

    assert probing.target(name).is_on


def test_an_own_target_keeps_its_address_when_it_is_switched(target: str, operator: User) -> None:
    before = probing.target(target)
    for is_on in (False, True):
        probing.switch_target(target_id=target, is_on=is_on, user=operator, moment=NOW)

    assert probing.target(target) == before


@pytest.mark.parametrize(
    "url",
    [
        "http://one.example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://u@a.org/",
        f"https://{'a.' * 100}example.org/",
        f"https://one.example.org/{'a' * 200}",
    ],
)
def test_a_target_that_its_text_rules_out_is_refused(url: str, operator: User) -> None:
    with pytest.raises(probing.BadTarget):
        probing.add_target(provider="aws", region="eu-west-1", url=url, user=operator, moment=NOW)


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(UnknownTarget, match="mars"):
        probing.chosen(["mars"])


def test_the_95th_percentile_is_told_over_several_runs(target: str) -> None:
    for day in range(8):
        probed(target, moment=NOW + dt.timedelta(days=day))

    history = [one for one in probing.history(target) if one.family == 4]

    assert history[0].warm.p95_ms is None
    assert latency.pooled(history).count == 64
    assert latency.pooled(history).p95_ms is not None


def test_the_command_prints_and_stores_and_fails_where_nobody_answers(
    target: str, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("probe", target)

    printed = capsys.readouterr().out
    assert "from a test bench" in printed
    assert target in printed
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    latency.LatencySeries.objects.update(observed_at=NOW)
    with pytest.raises(SystemExit) as stopped:
        call_command("probe", target)
    assert stopped.value.code == 1


def test_the_command_wants_regions_or_all() -> None:
    with pytest.raises(CommandError, match="--all"):
        call_command("probe")
    with pytest.raises(CommandError, match="No target is named"):
        call_command("probe", "mars/olympus")


def test_the_pages_tell_each_figure_with_its_place(target: str, operator: User, client: Client, published: int) -> None:
    client.force_login(operator)
    empty = client.get("/catalog/latency").content.decode()
    probed(target)

    page = client.get("/catalog/latency").content.decode()
    own = client.get(f"/catalog/latency/of/{target}").content.decode()
    region = client.get("/catalog/regions/aws/eu-west-1").content.decode()

    assert "manage.py probe --all" in empty
    assert "your own latency" in page
    for text in (page, own, region):
        assert "a test bench" in text
    assert "data-figure" in page
    assert "data-figure" in own
    assert "Shaking hands (TLS)" in own


def test_two_regions_measured_from_the_same_peer_do_not_differ(
    target: str, peer: server.Peer, operator: User, client: Client
) -> None:
    other = probing.add_target(provider="aws", region="us-east-1", url=peer.url, user=operator, moment=NOW)
    probed(target)
    probed(other)
    client.force_login(operator)

    page = client.get("/catalog/latency", {"first": target, "second": other}).content.decode()

    assert f"compared with AWS, us-east-1, {other.rpartition('/')[2]}" in page


def test_the_api_lists_readings(target: str, client: Client) -> None:
    member = a_member()
    secret = a_token(user=member, workspace=member.workspaces.get(), cap="read")
    found = probed(target)

    answer = client.get("/api/v1/catalog/probes?provider=aws", headers={"authorization": f"Bearer {secret}"})

    row = next(row for row in answer.json()["rows"] if row["family"] == 4)
    assert (row["target"], row["vantage"], row["warm"]["median_ms"]) == (target, "a test bench", found.warm.median_ms)
    assert row["cold"]["tls"]["count"] == 6
    none = client.get("/api/v1/catalog/probes?provider=gcp", headers={"authorization": f"Bearer {secret}"})
    assert none.json() == {"rows": []}


def test_an_operator_begins_a_run_from_the_page(target: str, operator: User, client: Client) -> None:
    client.force_login(operator)

    answer = client.post("/catalog/latency/run", {"what": "aws/eu-west-1"})

    assert answer.status_code == 302
    assert latency.runs()[0].actor == operator.email
    again = client.post("/catalog/latency/run", {"what": "aws/eu-west-1"})
    assert (again.status_code, "is being asked now" in again.content.decode()) == (400, True)
