"""The pages of a draft: what they show, what they save, whom they let, how many queries they take."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from advisor.core.document import canonical, check, parse
from advisor.models import Decision, Revision, Run, User, Workspace
from advisor.services import drafts, examples
from advisor.web.fields import field_id
from tests.advisor.factories import DOCUMENT, MOMENT, a_member, a_reported_run
from tests.advisor.test_web_pages import client_of

pytestmark = pytest.mark.django_db
UBER = examples.example(name="uber").text.encode()
RATE = "workloads[chat].traffic.requests_per_s_mean"


@pytest.fixture
def ann() -> User:
    return a_member(email="ann@example.org")


@pytest.fixture
def draft(ann: User) -> Revision:
    return drafts.new_decision(workspace=ann.workspaces.get(), user=ann, raw=DOCUMENT, moment=MOMENT)


def address(revision: Revision, ending: str) -> str:
    return f"/decisions/{revision.decision_id}/revisions/{revision.number}/{ending}"


def save(
    client: Client, revision: Revision, page: str, *, version: int = 1, script: bool = False, **fields: Any
) -> Any:
    """Post places with what they were and what they are now, as the page does."""
    data: dict[str, Any] = {"version": version, "asked": []} | fields.pop("buttons", {})
    for place, (was, now) in fields["places"].items():
        data["asked"].append(place)
        data[f"was:{place}"] = json.dumps(was)
        data[place] = now
    headers = {"Accept": "application/json"} if script else {}
    return client.post(address(revision, f"questions/{page}"), data, headers=headers)


def addresses(revision: Revision) -> list[tuple[str, str, bool]]:
    """Every page of a draft with its method, and whether it writes."""
    decision = f"/decisions/{revision.decision_id}"
    reads = [
        "questions/first",
        "questions/constraints",
        "workloads",
        "review",
        "document",
        "document.yaml",
        "document.json",
    ]
    writes = ["questions/first", "workloads", "review", "take-back", "document", "copy", "next"]
    return [
        ("get", decision, False),
        ("post", f"{decision}/rename", True),
        *(("get", address(revision, ending), False) for ending in reads),
        *(("post", address(revision, ending), True) for ending in writes),
    ]


def test_a_stranger_gets_404_everywhere(draft: Revision) -> None:
    stranger = client_of(a_member())

    answers = {(method, path): getattr(stranger, method)(path).status_code for method, path, _ in addresses(draft)}

    assert set(answers.values()) == {404}, answers


def test_a_viewer_reads_everything_and_writes_nothing(draft: Revision) -> None:
    viewer = client_of(a_member(role="viewer", workspace=draft.decision.workspace))

    for method, path, writes in addresses(draft):
        status = getattr(viewer, method)(path).status_code
        assert (status == 403) if writes else (status == 200), (method, path, status)
    assert viewer.post("/decisions/new", {"title": "x", "kind": "cpu_serving"}).status_code == 403
    assert "disabled" in viewer.get(address(draft, "questions/first")).content.decode()
    assert (Revision.objects.count(), Revision.objects.get().version) == (1, 1)


def test_nobody_gets_in_without_signing_in(draft: Revision, client: Client) -> None:
    for method, path, _ in [*addresses(draft), ("post", "/decisions/new", True)]:
        assert getattr(client, method)(path).url.startswith("/sign-in"), path


def test_a_decision_begins_blank_with_a_name_and_a_kind(ann: User) -> None:
    client = client_of(ann)
    form = {"title": "Where to serve", "kind": "cpu_serving", "workspace": str(ann.workspaces.get().pk)}

    missing = client.post("/decisions/new", form | {"kind": ""})
    begun = client.post("/decisions/new", form)
    page = client.get(begun.url).content.decode()

    assert missing.status_code == 400
    assert "This field is required" in missing.content.decode() and "Where to serve" in missing.content.decode()
    assert Decision.objects.get().title == "Where to serve"
    assert page.count('class="question"') == 11
    assert "Classic serving on CPUs" in page


def test_an_incomplete_document_opens_in_the_questionnaire(ann: User) -> None:
    text = "version: 1\nworkloads: [{id: w, kind: managed_api}]"

    answer = client_of(ann).post("/", {"text": text, "workspace": str(ann.workspaces.get().pk), "then": "open"})

    assert answer.url.endswith("/revisions/1/questions/first")
    assert Run.objects.count() == 0


def test_every_page_of_an_example_shows_its_answers(ann: User) -> None:
    revision = drafts.begin_from_file(workspace=ann.workspaces.get(), user=ann, content=UBER, moment=MOMENT)
    client = client_of(ann)
    shown = drafts.draft(revision=revision, moment=MOMENT)

    for page in shown.pages:
        text = client.get(address(revision, f"questions/{page.key}")).content.decode()
        for one in page.asked:
            assert escape(one.question.text) in text
            assert f'value="{escape(one.place)}"' in text
            if one.answer is None:
                assert f"<strong>{escape(one.default_text)}</strong>" in text
        assert not re.findall(r'id="([^"]+)".*id="\1"', text.replace("\n", " "))


def test_a_form_as_the_page_gives_it_changes_nothing(ann: User) -> None:
    """Every field of every page sent back untouched: no answer moves, no version is made."""
    revision = drafts.begin_from_file(workspace=ann.workspaces.get(), user=ann, content=UBER, moment=MOMENT)
    client = client_of(ann)

    for page in drafts.draft(revision=revision, moment=MOMENT).pages:
        places = {
            one.place: (json.loads(was), json.loads(was))
            for one in page.asked
            for was in [_was(client.get(address(revision, f"questions/{page.key}")).content.decode(), one.place)]
            if one.input.widget not in ("rows", "model")
        }
        assert save(client, revision, page.key, places=places).status_code == 302

    assert Revision.objects.get().version == 1


def _was(page: str, place: str) -> str:
    found = re.search(rf'name="was:{re.escape(escape(place))}" value="([^"]*)"', page)
    assert found, place
    return found[1].replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&")


def test_saving_leads_on_and_keeps_what_was_said(draft: Revision, ann: User) -> None:
    places = {RATE: ("1", "2,500"), "constraints.providers": ([], ["aws", "gcp"])}

    answer = save(client_of(ann), draft, "first", places=places, buttons={"then": "next"})

    kept = Revision.objects.get()
    assert kept.document["workloads"][0]["traffic"]["requests_per_s_mean"] == 2500
    assert kept.document["constraints"] == {"providers": ["aws", "gcp"]}
    # the form did not send every question, as after an answer that asks for more: the page is shown again
    assert answer.url.endswith("/questions/first")


def test_a_wrong_answer_stays_on_the_page_as_it_was_typed(draft: Revision, ann: User) -> None:
    client = client_of(ann)

    answer = save(client, draft, "first", places={RATE: ("1", "many")}, buttons={"then": "next"})
    page = client.get(answer.url).content.decode()

    assert 'value="many"' in page
    assert 'aria-invalid="true"' in page
    assert escape("requests_per_s_mean must be a number; you gave 'many'.") in page
    assert Revision.objects.get().document == DOCUMENT


def test_the_script_is_told_the_version_and_the_questions_as_they_now_are(draft: Revision, ann: User) -> None:
    answer = save(client_of(ann), draft, "first", script=True, places={RATE: ("1", "120,000")}).json()

    assert (answer["state"], answer["version"], answer["refused"]) == ("saved", 2, False)
    html = next(one["html"] for one in answer["questions"] if one["place"] == RATE)
    assert "more than all but the largest services see" in html
    assert "120,000 requests/s" in answer["summary"]


def test_a_conflict_shows_both_values_and_saves_the_rest(draft: Revision, ann: User) -> None:
    ben = a_member(email="ben@example.org", workspace=draft.decision.workspace)
    save(client_of(ben), draft, "first", places={RATE: ("1", "20")})
    client = client_of(ann)
    places = {RATE: ("1", "30"), "team.ml_systems_engineers": ("", "3")}

    answer = save(client, draft, "first", places=places)
    page = answer.content.decode()

    assert answer.status_code == 409
    assert "ben@example.org changed this" in page
    assert "30 requests/s" in page and "20 requests/s" in page
    assert Revision.objects.get().document["team"] == {"size": 12, "ml_systems_engineers": 3}
    key = json.dumps({"who": "ben@example.org", "at": None})
    held = {RATE: ("20", "30")}
    undecided = save(client, draft, "first", version=3, places=held, buttons={f"conflict:{RATE}": key})
    assert undecided.status_code == 409  # saving something else does not decide it
    save(client, draft, "first", version=3, places=held, buttons={f"conflict:{RATE}": key, "theirs": RATE})
    assert Revision.objects.get().document["workloads"][0]["traffic"]["requests_per_s_mean"] == 20
    save(client, draft, "first", version=3, places=held, buttons={f"conflict:{RATE}": key, "mine": RATE})
    assert Revision.objects.get().document["workloads"][0]["traffic"]["requests_per_s_mean"] == 30


def test_an_edit_of_a_reported_revision_makes_the_next() -> None:
    run = a_reported_run(content=b"{}")
    client = client_of(run.requested_by)

    told = save(client, run.revision, "first", script=True, places={RATE: ("1", "5")})
    answer = save(client, run.revision, "first", places={RATE: ("1", "5")})

    assert (told.status_code, told.json()["state"]) == (409, "settled")
    assert "/revisions/2/questions/first" in answer.url
    assert Revision.objects.get(number=1).document == DOCUMENT
    assert Revision.objects.get(number=2).document["workloads"][0]["traffic"]["requests_per_s_mean"] == 5


def test_rows_are_added_and_removed_without_a_script(draft: Revision, ann: User) -> None:
    client, place = client_of(ann), "commercial.discounts"
    base = {"version": 1, "asked": place, f"was:{place}": "[]"}
    row = {f"{place}[0].provider": "aws", f"{place}[0].applies_to": "p5*", f"{place}[0].fraction": "30 %"}

    client.post(address(draft, "questions/commercial"), base | row | {"stay": place})
    page = client.get(address(draft, "questions/commercial")).content.decode()
    assert Revision.objects.get().document["commercial"]["discounts"] == [
        {"provider": "aws", "applies_to": "p5*", "fraction": 0.3}
    ]
    assert f'name="{place}[1].provider"' in page  # and a blank one for the next
    was = _was(page, place)
    client.post(
        address(draft, "questions/commercial"),
        base | row | {"version": 2, f"was:{place}": was, "remove_row": f"{place}[0]"},
    )

    assert "commercial" not in Revision.objects.get().document


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"form": "acceptable", "acceptable[0].family": "nova-2-lite", "acceptable[0].sample_size": "400"},
         {"acceptable": [{"family": "nova-2-lite", "sample_size": 400}]}),
        ({"form": "id", "id": "llama-3.1-70b", "layers": "80"}, "llama-3.1-70b"),
        ({"form": "shape", "layers": "80", "hidden": "8,192", "ffn_kind": "gated"},
         {"layers": 80, "hidden": 8192, "ffn_kind": "gated"}),
    ],
)  # fmt: skip
def test_a_model_is_told_in_one_of_its_forms(fields: dict[str, str], model: Any, draft: Revision, ann: User) -> None:
    place = "workloads[chat].model"
    data = {f"{place}.{name}": value for name, value in fields.items()}

    client_of(ann).post(
        address(draft, "questions/first"), {"version": 1, "asked": place, f"was:{place}": "null", **data}
    )

    assert Revision.objects.get().document["workloads"][0]["model"] == model


def test_fields_of_nobody_are_passed_over(draft: Revision, ann: User) -> None:
    answer = save(client_of(ann), draft, "first", places={"nothing.there": ("", "x"), "workloads[chat].id": ("", "y")})

    assert answer.status_code == 302
    assert Revision.objects.get().document == DOCUMENT


def test_a_page_that_is_not_there_is_not_found(draft: Revision, ann: User) -> None:
    client = client_of(ann)

    assert client.get(address(draft, "questions/nothing")).status_code == 404
    assert client.get(address(draft, "questions/chat.training")).url.endswith("/questions/first")


def test_workloads_change_by_plain_forms(draft: Revision, ann: User) -> None:
    client = client_of(ann)

    def act(**fields: Any) -> str:
        client.post(address(draft, "workloads"), fields)
        return " ".join(one["id"] for one in Revision.objects.get().document["workloads"])

    assert act(action="add", kind="cpu_serving", name="Edge") == "chat edge"
    assert act(action="copy", workload="chat") == "chat chat-2 edge"
    assert act(action="up", workload="edge") == "chat edge chat-2"
    act(action="rename", workload="edge", name="Edge cache", version=4)
    assert Revision.objects.get().document["workloads"][1]["name"] == "Edge cache"
    drafts.edit(
        revision=draft,
        user=ann,
        version=5,
        changes={"flows": [{"from": "chat", "to": "edge", "gb_per_month": 5}]},
        moment=MOMENT,
    )
    assert "the flow from chat to edge (5 GB a month)" in client.get(address(draft, "workloads")).content.decode()
    assert act(action="remove", workload="edge", version=6) == "chat chat-2"
    said = client.get(address(draft, "workloads")).content.decode()
    assert "So were the flows that named it: chat to edge, 5 GB a month." in said


def test_the_review_names_what_is_needed_and_leads_to_it(published: int, ann: User) -> None:
    bare = drafts.begin(workspace=ann.workspaces.get(), user=ann, title="x", kind="managed_api", moment=MOMENT)
    client = client_of(ann)

    page = client.get(address(bare, "review")).content.decode()
    asked = client.post(address(bare, "review"))

    place = "workloads[managed-api].traffic.input_tokens"
    assert "3 answers to a first answer" in page
    assert f'href="{address(bare, "questions/first")}#{field_id(place)}"' in page
    assert f'id="{field_id(place)}"' in client.get(address(bare, "questions/first")).content.decode()
    assert asked.status_code == 400
    assert Run.objects.count() == 0


def test_a_contradiction_can_be_taken_back_from_the_review(published: int, ann: User) -> None:
    raw = {**DOCUMENT, "workloads": [{**DOCUMENT["workloads"][0], "training": {"tokens": 5}}]}
    revision = drafts.new_decision(workspace=ann.workspaces.get(), user=ann, raw=raw, moment=MOMENT)
    client = client_of(ann)
    assert "training belongs to" in client.get(address(revision, "review")).content.decode()

    client.post(address(revision, "take-back"), {"place": "workloads[chat].training.tokens", "version": 1})
    asked = client.post(address(revision, "review"))

    assert Run.objects.get().revision == revision
    assert asked.url == f"/runs/{Run.objects.get().pk}"


def test_the_export_is_the_document_and_the_text_box_takes_it_back(draft: Revision, ann: User) -> None:
    client = client_of(ann)
    for ending in ("yaml", "json"):
        answer = client.get(address(draft, f"document.{ending}"))
        assert answer.headers["Content-Disposition"].endswith(f'revision-1.{ending}"')
        assert canonical(check(parse(answer.content))) == canonical(check(DOCUMENT))
    workspace = str(draft.decision.workspace_id)

    wrong = client.post(address(draft, "document"), {"text": "version: 2", "version": 1, "workspace": workspace})
    right = client.post(address(draft, "document"), {"text": UBER.decode(), "version": 1, "workspace": workspace})

    assert wrong.status_code == 400
    assert "version: 2" in wrong.content.decode()
    assert right.url.endswith("/questions/first")
    assert len(Revision.objects.get().document["workloads"]) == 3


def test_a_decision_tells_its_revisions_runs_and_reports() -> None:
    run = a_reported_run(content=b"{}")
    following = drafts.begin_next(revision=run.revision, user=run.requested_by, moment=MOMENT)
    client = client_of(run.requested_by)

    page = client.get(f"/decisions/{following.decision_id}").content.decode()
    start = client.get("/").content.decode()

    assert page.index("Revision 2") < page.index("Revision 1")
    assert "From revision 1" in page
    assert f"/decisions/{following.decision_id}/revisions/1/report" in page
    assert f"/decisions/{following.decision_id}/revisions/2/questions/first" in page
    assert "Continue the draft" in page and "Look at the answers" in page
    assert "Draft" in start and "Report of revision 1" in start


def test_a_copy_and_the_next_revision_begin_by_a_button(draft: Revision, ann: User) -> None:
    client = client_of(ann)

    assert "/revisions/2/questions/first" in client.post(address(draft, "next")).url
    assert "/revisions/1/questions/first" in client.post(address(draft, "copy")).url
    client.post(f"/decisions/{draft.decision_id}/rename", {"title": "Renamed"})

    assert sorted(Decision.objects.values_list("title", flat=True)) == ["Renamed", "Support assistant (copy)"]


def test_the_pages_take_few_queries(
    published: int, ann: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    revision = drafts.begin_from_file(workspace=ann.workspaces.get(), user=ann, content=UBER, moment=MOMENT)
    client = client_of(ann)
    client.get(address(revision, "questions/first"))

    # session, user, revision, permission, release, whether settled, role
    for ending in ("questions/first", "questions/flows", "workloads", "review", "document"):
        with django_assert_num_queries(7):
            client.get(address(revision, ending))
    # session, user, decision, permission, role, what can be proposed, what happened, runs, revisions
    with django_assert_num_queries(9):
        client.get(f"/decisions/{revision.decision_id}")


def test_the_list_of_decisions_is_paged_in_few_queries(
    ann: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    workspace = Workspace.objects.get()
    for number in range(25):
        drafts.begin(workspace=workspace, user=ann, title=f"Question {number}", kind="cpu_serving", moment=MOMENT)
    client = client_of(ann)

    with django_assert_num_queries(4):  # session, user, workspaces, decisions
        first = client.get("/").content.decode()
    second = client.get("/?page=2").content.decode()

    assert (first.count("Question "), second.count("Question ")) == (20, 5)
    assert "Older" in first and "Newer" in second
    assert client.get("/?page=nothing").status_code == 200
