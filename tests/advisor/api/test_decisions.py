"""Decisions by the API: begun, followed, changed by two at once, asked again, read as they were made."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from advisor.models import Decision, Membership, Rendering, Report, Revision, Run, User
from advisor.services import renderings, runs
from tests.advisor.api.conftest import Program, fault, program
from tests.advisor.factories import DOCUMENT, MOMENT, a_member, a_reported_run, a_run

pytestmark = pytest.mark.django_db

UBER = Path(__file__).parents[3] / "examples" / "uber.yaml"
REPORT = Path(__file__).parents[2] / "golden" / "reports" / "small_team.json"


@pytest.fixture(autouse=True)
def _catalog(published: int) -> None:
    """Documents are checked against the shipped catalog."""


@pytest.fixture
def draft(ours: Program) -> str:
    """The address of a decision that nobody has asked advice on yet."""
    return ours.post("/decisions?run=false", DOCUMENT).headers["Location"].removeprefix("/api/v1")


def test_a_document_becomes_a_decision_and_a_run_to_follow(ours: Program) -> None:
    begun = ours.post("/decisions", UBER.read_bytes(), content_type="application/yaml")

    assert begun.status_code == 202
    run = ours.get(begun.headers["Location"].removeprefix("/api/v1")).json()
    assert (run["state"], run["report"], run["error"], run["revision"]) == ("queued", None, None, 1)
    assert begun.json() == run


def test_a_finished_run_leads_to_the_very_bytes_of_its_report(ours: Program) -> None:
    run_id = ours.post("/decisions", DOCUMENT).json()["id"]
    runs.execute_run(run_id=run_id, moment=timezone.now())
    run = ours.get(f"/runs/{run_id}").json()

    answer = ours.get(run["report"].removeprefix("/api/v1"))

    stored = Report.objects.get(run=run_id)
    assert run["state"] == "succeeded"
    assert run["feasible"] is stored.feasible
    assert answer.content == bytes(stored.content)
    assert answer.headers["ETag"] == f'"{stored.sha256}"' == f'"{hashlib.sha256(answer.content).hexdigest()}"'


def test_a_report_comes_as_json_or_markdown_by_accept_or_by_its_ending(owner: User, ours: Program) -> None:
    run = a_reported_run(owner=owner, content=REPORT.read_bytes())
    report = f"/decisions/{run.revision.decision_id}/revisions/1/report"

    assert ours.get(report).content == ours.get(f"{report}.json").content == REPORT.read_bytes()
    record = ours.get(report, accept="text/markdown")
    assert record.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert record.content == ours.get(f"{report}.md").content
    assert record.content.startswith(b"---") or record.content.startswith(b"# ")
    refused = ours.get(report, accept="application/pdf")
    assert (refused.status_code, fault(refused)["code"]) == (406, "not_acceptable")


def test_a_pdf_is_waited_for_then_handed_out_as_issued_alone_and_in_the_bundle(owner: User, ours: Program) -> None:
    run = a_reported_run(owner=owner, content=REPORT.read_bytes())
    report = f"/decisions/{run.revision.decision_id}/revisions/1/report"

    waiting = ours.get(f"{report}.pdf")
    renderings.render_pdf(run_id=run.pk, moment=MOMENT)
    made = ours.get(f"{report}.pdf")
    packed = zipfile.ZipFile(io.BytesIO(ours.get(f"{report}.zip").content))

    assert (waiting.status_code, waiting.json(), waiting.headers["Retry-After"]) == (202, {"state": "waiting"}, "2")
    assert made.content == bytes(run.report.renderings.get().content)
    assert made.content.startswith(b"%PDF-")
    assert [packed.read(name) for name in packed.namelist() if name.endswith((".pdf", ".json"))] == [
        made.content,
        REPORT.read_bytes(),
    ]


def test_a_pdf_that_could_not_be_made_is_told_with_the_reason(owner: User, ours: Program) -> None:
    run = a_reported_run(owner=owner, content=REPORT.read_bytes())
    row = renderings.await_pdf(report=run.report, moment=MOMENT)
    Rendering.objects.filter(pk=row.pk).update(state=Rendering.State.FAILED, error="An error of ours.")

    answer = ours.get(f"/decisions/{run.revision.decision_id}/revisions/1/report.pdf")

    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "An error of ours.")


def test_a_report_that_is_known_already_is_not_sent_again(owner: User, ours: Program) -> None:
    run = a_reported_run(owner=owner, content=REPORT.read_bytes())
    report = f"/decisions/{run.revision.decision_id}/revisions/1/report"
    etag = ours.get(report).headers["ETag"]

    again = ours.get(report, if_none_match=etag)

    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)


def test_the_etags_of_compressed_answers_are_known_again(owner: User, ours: Program, draft: str) -> None:
    run = a_reported_run(owner=owner, content=REPORT.read_bytes())
    document = f"{draft}/document"
    report = f"/decisions/{run.revision.decision_id}/revisions/1/report"

    for address in (document, report, "/catalog", "/schema"):
        first = ours.get(address, accept_encoding="gzip")
        assert (first.headers["Content-Encoding"], first.headers["ETag"][:3]) == ("gzip", 'W/"'), address
        again = ours.get(address, accept_encoding="gzip", if_none_match=first.headers["ETag"])
        assert (again.status_code, again.content) == (304, b""), address

    read = ours.get(document, accept_encoding="gzip").headers["ETag"]
    changes = {"changes": {"team.size": 20}}
    assert ours.send("PATCH", document, changes, if_match=read).status_code == 200
    assert ours.send("PATCH", document, {"changes": {"team.size": 30}}, if_match=read).status_code == 409


def test_a_wrong_document_is_refused_with_every_fault_and_nothing_is_kept(ours: Program) -> None:
    wrong: dict[str, Any] = {**DOCUMENT, "workloads": [{**DOCUMENT["workloads"][0], "kind": "managd_api"}], "colour": 1}

    answer = ours.post("/decisions", wrong)

    error = fault(answer)
    assert (answer.status_code, error["code"]) == (400, "invalid_document")
    assert {item["path"] for item in error["items"]} == {"colour", "workloads[0].kind"}
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "unreadable_document"),
        (b"", "application/json", 400, "invalid_request"),
        (b"a: &x 1\nb: *x", "application/yaml", 400, "unreadable_document"),
        (b"<document/>", "application/xml", 415, "unsupported_media_type"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_is_no_document_is_refused(body: bytes, kind: str, status: int, code: str, ours: Program) -> None:
    answer = ours.post("/decisions", body, content_type=kind)

    assert (answer.status_code, fault(answer)["code"]) == (status, code)


def test_a_draft_may_be_incomplete_and_is_asked_for_advice_later(ours: Program) -> None:
    begun = ours.post("/decisions?run=false", {"version": 1, "decision": "Later"})
    decision = begun.headers["Location"].removeprefix("/api/v1")

    refused = ours.post(f"{decision}/runs")
    seen = ours.get(f"{decision}/document")
    filled = ours.send("PUT", f"{decision}/document", DOCUMENT, if_match=seen.headers["ETag"])
    asked = ours.post(f"{decision}/runs")

    assert (begun.status_code, refused.status_code, filled.status_code, asked.status_code) == (201, 400, 200, 202)
    assert fault(refused)["items"][0]["path"] == "workloads"
    assert filled.json()["version"] == 2


def test_two_programs_that_change_different_places_both_succeed(draft: str, ours: Program) -> None:
    seen = ours.get(f"{draft}/document").json()
    state = {"revision": seen["revision"], "version": seen["version"]}

    first = ours.send("PATCH", f"{draft}/document", {**state, "changes": {"team.size": 20}})
    second = ours.send("PATCH", f"{draft}/document", {**state, "changes": {"workloads[0].traffic.peak_factor": 4}})

    assert (first.status_code, second.status_code) == (200, 200)
    document = ours.get(f"{draft}/document").json()["document"]
    assert document["team"]["size"] == 20
    assert document["workloads"][0]["traffic"]["peak_factor"] == 4


def test_two_programs_that_change_the_same_place_see_both_values(draft: str, ours: Program, owner: User) -> None:
    state = {"revision": 1, "version": 1}
    colleague = a_member(role="editor", workspace=owner.workspaces.get())
    program(colleague).send("PATCH", f"{draft}/document", {**state, "changes": {"team.size": 20}})

    late = ours.send("PATCH", f"{draft}/document", {**state, "changes": {"team.size": 30}})

    (item,) = fault(late)["items"]
    assert (late.status_code, fault(late)["code"]) == (409, "conflict")
    assert (item["path"], item["value"], item["theirs"]) == ("team.size", 30, 20)
    assert colleague.email in item["message"]


def test_a_whole_document_is_replaced_only_in_the_state_that_was_read(draft: str, ours: Program) -> None:
    etag = ours.get(f"{draft}/document").headers["ETag"]
    first = ours.send("PUT", f"{draft}/document", {**DOCUMENT, "decision": "One"}, if_match=etag)

    late = ours.send("PUT", f"{draft}/document", {**DOCUMENT, "decision": "Other"}, if_match=etag)

    assert first.json()["document"]["decision"] == "One"
    assert late.status_code == 409
    blind = ours.send("PUT", f"{draft}/document", DOCUMENT)
    assert (blind.status_code, fault(blind)["items"][0]["path"]) == (400, "version")


def test_changes_are_made_together_or_not_at_all(draft: str, ours: Program) -> None:
    changes = {"team.size": 20, "workloads[chat].traffic.peak_factor": "high", "workloads[nobody].name": "x"}

    answer = ours.send("PATCH", f"{draft}/document", {"revision": 1, "version": 1, "changes": changes})

    assert answer.status_code == 400
    assert {item["path"] for item in fault(answer)["items"]} == {
        "workloads[0].traffic.peak_factor",
        "workloads[nobody].name",
    }
    assert Revision.objects.get().document["team"]["size"] == 12


@pytest.mark.parametrize("path", ["version", "workloads", "workloads[chat].id", "workloads[0]", "x" * 300])
def test_what_makes_the_document_one_is_not_changed_alone(path: str, draft: str, ours: Program) -> None:
    answer = ours.send("PATCH", f"{draft}/document", {"revision": 1, "version": 1, "changes": {path: 1}})

    assert answer.status_code == 400
    assert Revision.objects.get().version == 1


def test_a_revision_with_a_report_stays_and_a_change_makes_the_next(owner: User, ours: Program) -> None:
    run = a_reported_run(owner=owner, content=REPORT.read_bytes())
    document = f"/decisions/{run.revision.decision_id}/document"
    etag = ours.get(document).headers["ETag"]

    changed = ours.send("PATCH", document, {"changes": {"team.size": 40}}, if_match=etag)
    late = ours.send("PATCH", document, {"changes": {"team.size": 50}}, if_match=etag)

    assert (changed.json()["revision"], changed.json()["document"]["team"]["size"]) == (2, 40)
    assert late.status_code == 409
    assert Revision.objects.get(number=1).document == DOCUMENT


def test_having_asked_for_advice_is_no_conflict_but_a_later_edit_is(ours: Program, draft: str) -> None:
    before = ours.get(f"{draft}/document").headers["ETag"]
    ours.send("PATCH", f"{draft}/document", {"changes": {"team.size": 20}}, if_match=before)
    read = ours.get(f"{draft}/document").headers["ETag"]
    ours.post(f"{draft}/runs")

    stale = ours.send("PATCH", f"{draft}/document", {"changes": {"team.size": 30}}, if_match=before)
    fresh = ours.send("PATCH", f"{draft}/document", {"changes": {"team.size": 30}}, if_match=read)

    assert (stale.status_code, fault(stale)["items"][0]["theirs"]) == (409, 20)
    assert (fresh.status_code, fresh.json()["revision"]) == (200, 2)


def test_a_document_is_read_as_yaml_too(draft: str, ours: Program) -> None:
    answer = ours.get(f"{draft}/document", accept="application/yaml")

    assert answer.headers["Content-Type"] == "application/yaml"
    assert b"decision: Support assistant" in answer.content
    assert ours.get(f"{draft}/document", if_none_match=answer.headers["ETag"]).status_code == 304


def test_asking_again_follows_the_open_run_and_after_a_report_makes_the_next_revision(
    draft: str, ours: Program
) -> None:
    first = ours.post(f"{draft}/runs").json()
    again = ours.post(f"{draft}/runs").json()
    runs.execute_run(run_id=first["id"], moment=timezone.now())
    later = ours.post(f"{draft}/runs").json()

    assert again["id"] == first["id"]
    assert (later["revision"], later["state"]) == (2, "queued")


def test_a_failed_run_says_why(owner: User, ours: Program) -> None:
    item = {"path": "workloads", "value": None, "message": "none", "accepted": []}
    run = a_run(
        owner=owner, state=Run.State.FAILED, error_code="internal", error="It broke.", error_items=[item],
        finished_at=timezone.now(),
    )  # fmt: skip

    answer = ours.get(f"/runs/{run.pk}").json()

    assert answer["error"] == {"code": "internal", "message": "It broke.", "items": [item]}


def test_a_run_is_cancelled_once(owner: User, ours: Program) -> None:
    run = a_run(owner=owner)

    states = [ours.post(f"/runs/{run.pk}/cancel").json()["state"] for _ in range(2)]

    assert states == ["cancelled", "cancelled"]


def test_a_list_is_read_page_by_page_to_its_end(owner: User, ours: Program) -> None:
    for number in range(5):
        a_run(owner=owner, title=f"Decision {number}")
    a_run(owner=a_member())

    titles, cursor = [], ""
    while cursor is not None:
        page = ours.get(f"/decisions?limit=2{f'&cursor={cursor}' if cursor else ''}").json()
        titles += [row["title"] for row in page["rows"]]
        cursor = page["next"]

    assert titles == [f"Decision {number}" for number in (4, 3, 2, 1, 0)]


def test_a_list_takes_as_many_queries_for_many_rows_as_for_one(
    owner: User, ours: Program, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        a_reported_run(owner=owner, content=REPORT.read_bytes())
    ours.get("/runs")

    for address in ("/runs", "/decisions"):
        with django_assert_num_queries(5):  # refused tries, the token, its user's role, the count, the rows
            assert len(ours.get(address).json()["rows"]) == 4


def test_runs_are_listed_by_state(owner: User, ours: Program) -> None:
    done = a_reported_run(owner=owner, content=REPORT.read_bytes())
    a_run(owner=owner)

    assert [row["id"] for row in ours.get("/runs?state=succeeded").json()["rows"]] == [done.pk]
    assert len(ours.get("/runs").json()["rows"]) == 2
    wrong = ours.get("/runs?state=sleeping")
    assert (wrong.status_code, fault(wrong)["items"][0]["accepted"]) == (400, list(Run.State.values))


def test_a_decision_tells_its_revisions(draft: str, ours: Program) -> None:
    ours.post(f"{draft}/runs")

    told = ours.get(draft).json()

    assert [row["number"] for row in told["revisions"]] == [1]
    assert told["revisions"][0]["is_settled"] is True
    assert told["revisions"][0]["runs"][0]["state"] == "queued"


def test_two_reports_of_a_decision_are_compared(ours: Program, draft: str) -> None:
    for size in (12, 40):
        etag = ours.get(f"{draft}/document").headers["ETag"]
        ours.send("PATCH", f"{draft}/document", {"changes": {"team.size": size}}, if_match=etag)
        runs.execute_run(run_id=ours.post(f"{draft}/runs").json()["id"], moment=timezone.now())

    told = ours.get(f"{draft}/comparison?before=1&after=2").json()

    assert told["changes"] == [{"path": "team.size", "before": 12, "after": 40}]
    assert told["made_from"] == ["the document"]
    assert {one["relation"] for one in told["numbers"]} == {"same"}
    assert not any(one["differs"] for one in told["facts"])
    assert ours.get(f"{draft}/comparison?before=1&after=3").status_code == 404
    assert ours.get(f"{draft}/comparison?before=1").status_code == 400


# --- whom it is for -------------------------------------------------------------------------------------------------


def test_a_token_sees_its_own_workspace_only(owner: User, ours: Program) -> None:
    """Somebody may belong to two workspaces; their token is for one."""
    other = a_run(owner=a_member())
    Membership.objects.create(
        user=owner, workspace=other.revision.decision.workspace, role="owner", created_at=timezone.now()
    )
    decision = other.revision.decision_id

    for address in (f"/decisions/{decision}", f"/decisions/{decision}/document", f"/runs/{other.pk}"):
        assert ours.get(address).status_code == 404, address
    assert ours.get("/decisions").json()["rows"] == []
    assert ours.post(f"/decisions/{decision}/runs").status_code == 404


def test_a_reading_token_reads_and_writes_nothing(owner: User, draft: str) -> None:
    reader = program(owner, cap="read")

    assert reader.get(draft).status_code == 200
    for answer in (
        reader.post("/decisions", DOCUMENT),
        reader.post(f"{draft}/runs"),
        reader.send("PUT", f"{draft}/document", DOCUMENT),
        reader.send("PATCH", f"{draft}/document", {"changes": {"team.size": 1}}),
    ):
        assert (answer.status_code, fault(answer)["code"]) == (403, "forbidden")


def test_without_a_catalog_the_api_says_so(ours: Program) -> None:
    from catalog.models import CatalogRelease

    CatalogRelease.objects.update(published_at=None)

    for answer in (ours.post("/decisions", DOCUMENT), ours.get("/catalog")):
        assert (answer.status_code, fault(answer)["code"]) == (503, "no_catalog")


def test_a_stored_answer_holds_no_more_than_json(ours: Program, draft: str) -> None:
    assert json.loads(ours.get(f"{draft}/document").content)["document"] == DOCUMENT
