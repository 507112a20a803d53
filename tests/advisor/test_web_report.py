"""The pages of a report, rendering real reports of the shipped examples; and how a document comes in by the page."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from advisor.core.statements import is_number, statements
from advisor.models import Decision, Report, Run, User, Workspace
from advisor.services import examples, reports, runs
from advisor.web.figures import amount
from tests.advisor.factories import MOMENT, a_member, a_number

pytestmark = pytest.mark.django_db
EXAMPLES = [one.name for one in examples.examples()]


@pytest.fixture
def owner() -> User:
    return a_member()


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def workspace_id() -> str:
    return str(Workspace.objects.latest("pk").pk)


def advised(client: Client, name: str) -> Report:
    client.post("/", {"example": name, "workspace": workspace_id()})
    run = Run.objects.get()
    runs.execute_run(run_id=run.pk, moment=MOMENT)
    return Report.objects.get()


def base_of(report: Report) -> str:
    return f"/decisions/{report.run.revision.decision_id}/revisions/{report.run.revision.number}/report"


def pages_of(report: Report) -> list[str]:
    """The addresses of a report's pages: one a tab, one a workload, one a stack whose bonds are shown."""
    data, base = json.loads(bytes(report.content)), base_of(report)
    workloads = [f"{base}/workloads/{workload['id']}" for workload in data.get("workloads", [])]
    stacks = [f"{base}/coupling?stack={place + 1}" for place in range(len(data.get("coupling", {}).get("stacks", [])))]
    lines = [f"{base}/evidence?page={page}" for page in range(1, len(data["evidence"]) // 25 + 2)]
    return [base, f"{base}/cost", *workloads, *stacks, f"{base}/checks", *lines]


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def sentences(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [text for value in part.values() for text in sentences(value)]
    if isinstance(part, list):
        return [text for value in part for text in sentences(value)]
    return []


OWN = ("default", "answer")  # shown after what others say
# The headline is shown sentence by sentence, warnings that differ only in the stack as one: see the next test.
SHOWN = ("plan", "plan_alternatives", "workloads", "coupling", "constraints")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_pages_and_the_page_for_paper_show_every_sentence_of_the_report(
    name: str, published: int, client: Client
) -> None:
    report = advised(client, name)
    readout = reports.opened(report=report)
    expected = [text for part in SHOWN for text in sentences(readout.data[part])]
    expected += [one["text"] for one in (*readout.answers, *readout.flips, *readout.bonds.values())]
    expected += [one["text"] for group in readout.warnings for one in group.said]
    expected += [entry["label"] for entry in readout.data["evidence"]]

    apart = "".join(page_of(client, address) for address in pages_of(report))
    paper = page_of(client, f"{base_of(report)}/print")

    for shown in (apart, paper):
        assert [text for text in expected if escape(text) not in shown] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_page_is_well_formed_and_each_figure_on_it_is_the_reports_own_and_leads_to_its_evidence(
    name: str, published: int, client: Client
) -> None:
    report = advised(client, name)
    readout, base = reports.opened(report=report), base_of(report)
    listed = readout.statements.listed
    charts = [*readout.cost_charts, *(one for some in readout.workload_charts.values() for one in some)]
    derived = {id(point.number) for chart in charts for one in chart.series for point in one.points}
    derived |= {id(chart.target) for chart in charts}  # running sums, and targets as the evidence holds them
    own = statements({name: part for name, part in readout.data.items() if name != "evidence"})

    for address in (*pages_of(report), f"{base}/print"):
        page = page_of(client, address)
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids)), address
        assert set(re.findall(r'href="#([^"]+)"', page)) <= {*ids, "main"}
        assert "not among the evidence" not in page
        assert not re.search(r">\s*None\s*<|\bnan\b", page), address
        assert "<style" not in page and " style=" not in page
        assert page.count("<script") == page.count("<script src=")
        figures = re.findall(r'<span class="figure"><(\w+) class="[^"]*"(?: href="([^"]*)" data-card)?>([^<]*)<', page)
        for tag, link, text in figures:
            assert tag == "a", f"{text} on {address} leads nowhere"
            statement = listed[int(link.removeprefix(f"{base}/evidence/")) - 1]
            assert escape(amount(statement)) == text
            assert own.number_of(statement) or id(statement) in derived
            assert statement["evidence"] or statement["value"] is None


def test_a_statement_shows_each_of_its_sources_as_a_page_and_as_a_card(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    readout, base = reports.opened(report=report), base_of(report)
    entries = {entry["id"]: entry for entry in readout.data["evidence"]}

    for place, statement in enumerate(readout.statements.listed, start=1):
        page, card = page_of(client, f"{base}/evidence/{place}"), page_of(client, f"{base}/evidence/{place}/card")
        sources = [entries[id] for id in statement["evidence"]]
        sources.sort(key=lambda entry: ["default", "answer"].index(entry["kind"]) + 1 if entry["kind"] in OWN else 0)
        labels = [escape(entry["label"]) for entry in sources]
        assert [label for label in labels if label not in page] == []
        assert [label for label in labels[:6] if label not in card] == []
        assert "<html" in page and "<html" not in card
        if is_number(statement):
            assert escape(amount(statement)) in page and escape(amount(statement)) in card
            assert statement["kind"] in page and statement["kind"] in card


def test_a_statement_the_report_does_not_make_is_not_found(published: int, client: Client) -> None:
    report = advised(client, "small_team")

    for number in (0, 999_999):
        assert client.get(f"{base_of(report)}/evidence/{number}").status_code == 404
        assert client.get(f"{base_of(report)}/evidence/{number}/card").status_code == 404
    assert client.get(f"{base_of(report)}/workloads/another").status_code == 404


def test_the_evidence_is_narrowed_by_kind_and_source_without_a_script(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    entries = json.loads(bytes(report.content))["evidence"]
    source = next(entry["source"] for entry in entries if entry["kind"] == "list price")
    expected = [entry for entry in entries if entry["kind"] == "list price" and entry["source"] == source]

    query = urlencode({"kind": "list price", "source": source})
    page = page_of(client, f"{base_of(report)}/evidence?{query}")

    assert len(re.findall(r'<tr id="evidence-', page)) == min(len(expected), 25)
    assert f"of {len(expected)}, of {len(entries)} in all" in page
    assert "No line of this kind and source" in page_of(client, f"{base_of(report)}/evidence?kind=nothing")


def test_each_page_of_a_report_takes_five_queries(
    published: int, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    report = advised(client, "small_team")
    addresses = [*pages_of(report), f"{base_of(report)}/evidence/1/card", f"{base_of(report)}/print"]

    for address in addresses:
        with django_assert_num_queries(5):  # session, user, report, permission, standing
            page_of(client, address)


def test_only_pages_with_charts_load_what_draws_them(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    base = base_of(report)

    for address in (f"{base}/cost", f"{base}/workloads/assistant"):
        page = page_of(client, address)
        assert page.index("plotly.js-style-global") < page.index("plotly-basic.min.js")
        assert "data-figure=" in page
    for address in (base, f"{base}/coupling", f"{base}/checks", f"{base}/evidence", f"{base}/print"):
        assert "plotly" not in page_of(client, address)


def test_a_report_whose_sections_are_absent_has_no_tab_for_them(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    data = json.loads(bytes(report.content))
    for name in ("coupling", "constraints", "warnings", "unanswered", "plan_alternatives", "workloads"):
        del data[name]
    del data["plan"]["flows"], data["plan"]["totals"]["months"], data["plan"]["totals"]["fixed"]
    Report.objects.update(content=json.dumps(data).encode())

    page = page_of(client, base_of(report))

    tabs = re.search(r'<nav class="tabs.*?</nav>', page, re.S)
    assert tabs is not None
    assert re.findall(r">(\w+)</a>", tabs[0]) == ["Answer", "Cost", "Evidence"]
    for part in ("cost", "evidence", "print"):
        page_of(client, f"{base_of(report)}/{part}")
    for part in ("coupling", "checks", "workloads/assistant"):
        assert client.get(f"{base_of(report)}/{part}").status_code == 404


def test_a_stranger_does_not_find_the_report_and_a_viewer_reads_it(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    decision = report.run.revision.decision
    stranger, viewer = Client(), Client()
    stranger.force_login(a_member())
    viewer.force_login(a_member(role="viewer", workspace=decision.workspace))

    base = base_of(report)
    others = (f"{base}.json", f"{base}.md", f"{base}/print", f"{base}/evidence/1", f"{base}/evidence/1/card")
    for address in (*pages_of(report), *others, f"/decisions/{decision.pk}/compare"):
        assert stranger.get(address).status_code == 404
        assert viewer.get(address).status_code == 200


def test_the_markdown_download_is_the_decision_record(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    decision = report.run.revision.decision

    answer = client.get(f"/decisions/{decision.pk}/revisions/1/report.md")

    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    name = f"{decision.pk:04d}-assistant-for-a-small-team-illustrative-figures.md"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    text = answer.content.decode()
    assert 'status: "draft"' in text
    assert "decision-makers: []" in text  # nobody has decided yet
    assert f"* Asked for by: {decision.created_by.email}" in text
    assert f"* Decision: {decision.pk}, revision 1" in text
    assert report.sha256 in text


def test_an_answer_that_nothing_fits_is_shown_as_such(published: int, client: Client) -> None:
    text = examples.example(name="small_team").text
    document = text.replace("budget_usd_per_month: 2000", "budget_usd_per_month: 0.01")
    client.post("/", {"text": document, "workspace": workspace_id()})
    runs.execute_run(run_id=Run.objects.get().pk, moment=MOMENT)

    page = page_of(client, base_of(Report.objects.get()))

    assert Report.objects.get().feasible is False
    assert "Nothing fits every constraint" in page
    assert "Finished: nothing fits" in client.get("/").content.decode()


def test_what_a_document_says_is_shown_as_text_never_as_markup(published: int, client: Client) -> None:
    evil = '<img src=x onerror="alert(1)">'
    document = examples.example(name="small_team").text.replace("decision: ", f"decision: '{evil}' # ", 1)
    client.post("/", {"text": document, "workspace": workspace_id()})
    runs.execute_run(run_id=Run.objects.get().pk, moment=MOMENT)

    report = Report.objects.get()
    shown = [page_of(client, address) for address in (*pages_of(report), f"{base_of(report)}/print", "/")]
    for page in shown:
        assert "&lt;img" in page
        assert evil not in page


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("version: 1\ndecision: x\nworkloads:\n- {id: a, kind: online_inference, model: gpt-99}", "workloads[0].model"),
        ("version: 1\ndecision: x\nworkloads: []\nsurprise: 1", "surprise"),
        ("a: &a [x]\nb: [*a, *a]", "a"),
        ("decision: [", "document"),
    ],
)
def test_a_wrong_document_keeps_what_was_typed_and_names_the_path(
    text: str, path: str, published: int, client: Client
) -> None:
    answer = client.post("/", {"text": text, "workspace": workspace_id()})
    page = answer.content.decode()

    assert answer.status_code == 400
    assert f"<code>{path}" in page or f"<code>{escape(path)}" in page
    assert escape(text.splitlines()[0]) in page
    assert Decision.objects.count() == 0


def test_a_fault_is_told_with_its_line(published: int, client: Client) -> None:
    text = examples.example(name="small_team").text.replace("kind: managed_api", "kind: managed_apis")
    line = next(number for number, one in enumerate(text.splitlines(), start=1) if "managed_apis" in one)

    page = client.post("/", {"text": text, "workspace": workspace_id()}).content.decode()

    assert f'<code>workloads[0].kind</code> <span class="quiet">(line {line})</span>' in page


def test_an_uploaded_file_starts_a_decision_and_a_wrong_one_is_put_into_the_text_box(
    published: int, client: Client
) -> None:
    good, bad = examples.example(name="small_team").text.encode(), b"version: 1\nworkloads: nothing"

    refused = client.post("/", {"file": SimpleUploadedFile("bad.yaml", bad), "workspace": workspace_id()})
    started = client.post("/", {"file": SimpleUploadedFile("good.yaml", good), "workspace": workspace_id()})

    assert refused.status_code == 400
    assert b"workloads: nothing" in refused.content
    assert started.status_code == 302
    assert Decision.objects.count() == 1


def test_an_example_opens_in_the_questionnaire(client: Client) -> None:
    answer = client.post("/examples/uber", {"workspace": workspace_id()})
    page = client.get(answer.url).content.decode()

    assert Decision.objects.get().revisions.get().runs.count() == 0
    assert escape("Trip serving, training and GenAI features (illustrative figures)") in page
    assert "Questions answered" in page


def test_list_and_net_cost_stand_side_by_side_where_the_report_has_both(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    data = json.loads(bytes(report.content))
    net = a_number(4321.0, low=4000.0, high=5000.0, evidence=[data["evidence"][0]["id"]])
    data["plan"]["totals"]["net_monthly_usd"] = net
    data["workloads"][0]["recommended"]["numbers"]["net_monthly_usd"] = net
    data["plan"]["assignments"][0]["stack"]["numbers"]["net_monthly_usd"] = net
    Report.objects.update(content=json.dumps(data).encode())
    base = base_of(report)

    cost, workload = page_of(client, f"{base}/cost"), page_of(client, f"{base}/workloads/assistant")

    assert "A month, net of your discounts" in cost
    assert re.search(r'<th scope="row">Net of your discounts</th><td>.*?\$4,320 per month', cost)
    assert re.search(r"net of your discounts <span.*?\$4,320 per month", workload)


def test_an_unanswered_question_says_what_was_taken_and_where_to_answer_it(published: int, client: Client) -> None:
    report = advised(client, "small_team")
    unanswered = json.loads(bytes(report.content))["unanswered"]

    page = page_of(client, f"{base_of(report)}/checks")

    assert unanswered
    assert all(f"<code>{escape(one['path'])}</code>" in page for one in unanswered)
    assert ">Answer them</a>" in page


def test_each_option_can_be_compared_with_the_recommended_stack(published: int, client: Client) -> None:
    report = advised(client, "small_team")

    page = page_of(client, f"{base_of(report)}/workloads/assistant")

    links = [unescape(link) for link in re.findall(r'href="([^"]+/compare\?revision=[^"]+)"', page)]
    assert len(links) >= 2
    for link in links:
        assert "Figures side by side" in page_of(client, link)
