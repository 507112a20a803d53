"""The pages: who gets them, what they keep, what they refuse, how many queries they take."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from advisor.models import Decision, Run, Workspace
from advisor.services import accounts
from tests.advisor.factories import MOMENT, PASSWORD, a_member, a_reported_run, a_run, a_running_run, a_user

pytestmark = pytest.mark.django_db

REPORT = json.dumps({"schema_version": 1, "decision": {"title": "x"}, "evidence": []}).encode()


def client_of(user: object) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def run() -> Run:
    return a_reported_run(content=REPORT)


def addresses(run: Run) -> list[tuple[str, str, bool]]:
    """Every page of a run with its method, and whether it writes."""
    report = f"/decisions/{run.revision.decision_id}/revisions/1/report"
    return [
        ("get", f"/runs/{run.pk}", False),
        ("get", f"/runs/{run.pk}/progress", False),
        ("get", f"{report}.json", False),
        ("post", f"/runs/{run.pk}/cancel", True),
        ("post", f"/runs/{run.pk}/retry", True),
    ]


def test_a_stranger_gets_404_everywhere(run: Run) -> None:
    stranger = client_of(a_member())

    answers = {address: getattr(stranger, method)(address).status_code for method, address, _ in addresses(run)}

    assert set(answers.values()) == {404}, answers


def test_a_viewer_reads_everything_and_writes_nothing(run: Run) -> None:
    viewer = client_of(a_member(role="viewer", workspace=run.revision.decision.workspace))

    for method, address, writes in addresses(run):
        status = getattr(viewer, method)(address).status_code
        assert (status == 403) if writes else (status < 400), (address, status)
    assert viewer.post("/", {"text": "version: 1"}).status_code == 403
    assert Run.objects.count() == 1


def test_nobody_gets_in_without_signing_in(run: Run) -> None:
    client = Client()
    for method, address, _ in [*addresses(run), ("get", "/", False), ("post", "/examples/uber", True)]:
        answer = getattr(client, method)(address)
        if address.endswith("/progress"):  # asked for by a script: it sends the whole page to sign in
            assert (answer.content, answer.headers["HX-Redirect"]) == (b"", address.removesuffix("/progress"))
            continue
        assert answer.status_code == 302
        assert urlsplit(answer.url).path == "/sign-in"


def test_a_write_needs_its_protection_mark(run: Run) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(run.requested_by)

    answer = client.post(f"/runs/{run.pk}/retry")

    assert answer.status_code == 403
    assert b"reload the page" in answer.content


def test_a_password_signs_in_and_leads_to_the_page_that_was_asked_for(run: Run, client: Client) -> None:
    user = a_user(email="ann@example.org", password=PASSWORD)

    answer = client.post(
        "/sign-in", {"email": "ann@example.org", "password": PASSWORD, "next": f"/runs/{run.pk}/progress"}
    )

    assert (answer.status_code, answer.url) == (302, f"/runs/{run.pk}/progress")
    assert client.session["_auth_user_id"] == str(user.pk)


def test_signing_in_never_leads_to_another_site(client: Client) -> None:
    a_user(email="ann@example.org", password=PASSWORD)

    answer = client.post("/sign-in", {"email": "ann@example.org", "password": PASSWORD, "next": "//evil.example/steal"})

    assert answer.url == "/"


def test_a_wrong_password_is_refused_and_after_five_the_wait_is_said(client: Client) -> None:
    a_user(email="ann@example.org", password=PASSWORD)
    wrong = {"email": "ann@example.org", "password": "wrong"}

    answers = [client.post("/sign-in", wrong) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert b"do not belong together" in answers[0].content
    assert b"Wait 15 minutes" in answers[5].content
    assert b"ann@example.org" in answers[0].content  # what was typed stays


@pytest.fixture
def link(client: Client) -> Iterator[str]:
    yield urlsplit(accounts.issue_sign_in_link(base_url="http://127.0.0.1:8000", moment=timezone.now())).path


def test_looking_at_a_link_does_not_spend_it_and_pressing_the_button_does(client: Client, link: str) -> None:
    here = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8000"}

    looks = [client.get(link, **here).status_code for _ in range(2)]
    first, second = (client.post(link, **here) for _ in range(2))

    assert looks == [200, 200]
    assert (first.status_code, first.url) == (302, "/")
    assert (second.status_code, b"used already" in second.content) == (403, True)


def test_a_link_does_not_open_through_a_proxy(client: Client, link: str) -> None:
    answer = client.post(link, REMOTE_ADDR="127.0.0.1", HTTP_HOST="localhost", HTTP_X_FORWARDED_FOR="192.0.2.1")

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session


def test_signing_out_ends_the_session(run: Run) -> None:
    client = client_of(run.requested_by)

    client.post("/sign-out")

    assert client.get("/").status_code == 302


def test_the_start_page_lists_what_my_workspaces_hold_and_nothing_else(run: Run) -> None:
    a_run(title="Somebody else's secret")
    a_run(owner=run.requested_by, title="Second question")

    page = client_of(run.requested_by).get("/").content.decode()

    assert "Second question" in page
    assert "secret" not in page


def test_the_start_page_takes_the_same_number_of_queries_however_long_the_list(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    owner = a_member()
    for number in range(12):
        a_reported_run(owner=owner, content=REPORT, title=f"Question {number}")
    client = client_of(owner)

    with django_assert_num_queries(4):  # session, user, workspaces, decisions
        page = client.get("/").content.decode()
    assert page.count("Question ") == 12


def test_progress_takes_few_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    run = a_running_run(lease_until=MOMENT)
    client = client_of(run.requested_by)

    with django_assert_num_queries(5):  # session, user, run, permission, role
        client.get(f"/runs/{run.pk}/progress")


def test_a_running_run_shows_its_stage_and_follows_itself() -> None:
    run = a_running_run(lease_until=MOMENT, stage="estimating serving", progress_fraction=0.25)

    page = client_of(run.requested_by).get(f"/runs/{run.pk}").content.decode()

    assert "Estimating serving" in page
    assert 'value="0.25"' in page
    assert f'hx-get="/runs/{run.pk}/progress"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "Cancel this run" in page


def test_a_run_that_ended_sends_the_page_that_follows_it_on() -> None:
    run = a_running_run(lease_until=MOMENT)
    client = client_of(run.requested_by)
    assert "HX-Redirect" not in client.get(f"/runs/{run.pk}/progress").headers

    client.post(f"/runs/{run.pk}/cancel")

    assert client.get(f"/runs/{run.pk}/progress").headers["HX-Redirect"] == f"/runs/{run.pk}"
    page = client.get(f"/runs/{run.pk}").content.decode()
    assert "was cancelled" in page
    assert "hx-get" not in page


def test_a_failed_run_says_why_and_can_be_tried_again() -> None:
    item = {"path": "workloads[0].model", "message": "no such model", "value": "x", "accepted": []}
    run = a_run(state="failed", finished_at=MOMENT, error="It broke.", error_items=[item])
    client = client_of(run.requested_by)

    page = client.get(f"/runs/{run.pk}").content.decode()
    answer = client.post(f"/runs/{run.pk}/retry")

    assert "It broke." in page
    assert "workloads[0].model" in page
    again = Run.objects.latest("pk")
    assert again != run
    assert (again.state, again.revision, answer.url) == ("queued", run.revision, f"/runs/{again.pk}")


def test_a_finished_run_leads_to_its_report(run: Run) -> None:
    answer = client_of(run.requested_by).get(f"/runs/{run.pk}")

    assert answer.url == f"/decisions/{run.revision.decision_id}/revisions/1/report"


def test_the_json_download_is_the_stored_report_byte_for_byte(run: Run) -> None:
    answer = client_of(run.requested_by).get(f"/decisions/{run.revision.decision_id}/revisions/1/report.json")

    assert answer.content == REPORT
    assert answer.headers["Content-Type"] == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]


def post_text(text: str) -> tuple[int, str]:
    answer = client_of(a_member()).post("/", {"text": text, "workspace": _workspace()})
    return answer.status_code, answer.content.decode()


def _workspace() -> str:
    return str(Workspace.objects.latest("pk").pk)


def test_an_empty_form_asks_for_a_document() -> None:
    status, page = post_text("   ")

    assert status == 400
    assert "Paste a document" in page


def test_a_file_over_the_limit_is_refused_with_its_size() -> None:
    client = client_of(a_member())
    big = SimpleUploadedFile("big.yaml", b"x" * 1_000_001)

    answer = client.post("/", {"file": big, "workspace": _workspace()})

    assert answer.status_code == 400
    assert b"This file has 1,000,001 bytes" in answer.content


def test_a_document_of_ten_megabytes_in_the_text_box_gets_an_error_page_not_a_crash() -> None:
    status, page = post_text("a" * 10_000_000)

    assert status == 413
    assert "too large" in page


@pytest.mark.parametrize("name", ["nothing", "..", "uber.yaml", "%2e%2e%2fsettings"])
def test_an_example_that_does_not_exist_is_not_found(name: str) -> None:
    member = a_member()

    answer = client_of(member).post(f"/examples/{name}", {"workspace": str(member.workspaces.get().pk)})

    assert answer.status_code == 404


def test_nobody_starts_a_decision_in_a_workspace_of_others() -> None:
    theirs = a_member().workspaces.get()
    client = client_of(a_member())

    answer = client.post("/", {"text": "version: 1", "workspace": str(theirs.pk)})

    assert answer.status_code == 400
    assert Decision.objects.count() == 0


def test_pages_allow_no_inline_script_or_style_and_hold_none(run: Run) -> None:
    client = client_of(run.requested_by)
    running = a_running_run(owner=a_member(workspace=run.revision.decision.workspace), lease_until=MOMENT)

    for address in ("/", f"/runs/{running.pk}", "/nothing-here", "/sign-in"):
        answer = client.get(address)
        policy, page = answer.headers["Content-Security-Policy"], answer.content.decode()
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<style" not in page and " style=" not in page and " on" + "click=" not in page
        assert page.count("<script") == page.count("<script src=")


def test_vendored_files_are_what_their_manifest_says() -> None:
    vendor = Path(settings.BASE_DIR) / "static" / "vendor"
    manifest = json.loads((vendor / "manifest.json").read_text(encoding="utf-8"))
    listed = {entry["file"]: entry["sha256"] for entry in manifest["files"]}

    found = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name not in ("manifest.json", "LICENSE")
    }

    assert found == listed
