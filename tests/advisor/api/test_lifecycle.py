"""The life of a decision by the API: proposed, accepted, sent back, taken back, superseded; and what is told of it."""

import datetime as dt

import pytest
from django.utils import timezone

from advisor.models import Decision, Rendering, User
from advisor.services import renderings
from tests.advisor.api.conftest import Program, fault, program
from tests.advisor.factories import a_member, a_reported_run
from tests.advisor.test_services_lifecycle import CONTENT

pytestmark = pytest.mark.django_db


@pytest.fixture
def decision(owner: User) -> Decision:
    return a_reported_run(owner=owner, content=CONTENT).revision.decision


@pytest.fixture
def editor(owner: User) -> User:
    return a_member(email="bob@example.org", role="editor", workspace=owner.workspaces.get())


def at(decision: Decision, step: str, number: int = 1) -> str:
    return f"/decisions/{decision.pk}/revisions/{number}/{step}"


def accepted(ours: Program, decision: Decision, **proposal: int) -> int:
    """Accept a decision's first revision, and return the id of the proposal."""
    proposed = ours.post(at(decision, "propose"), proposal).json()["proposed"]["id"]
    assert ours.post(at(decision, "accept"), {"proposal": proposed}).status_code == 200
    return int(proposed)


def test_a_proposal_of_an_editor_is_accepted_by_an_owner(ours: Program, editor: User, decision: Decision) -> None:
    day = (timezone.now() + dt.timedelta(days=30)).date().isoformat()

    proposed = program(editor).post(at(decision, "propose"), {"comment": "Cheaper."})
    waiting = proposed.json()["proposed"]
    done = ours.post(at(decision, "accept"), {"proposal": waiting["id"], "comment": "Agreed.", "review_by": day})

    assert (proposed.status_code, done.status_code) == (200, 200)
    assert (waiting["step"], waiting["revision"], waiting["comment"]) == ("proposed", 1, "Cheaper.")
    life = done.json()
    assert (life["status"], life["proposed"]) == ("accepted", None)
    assert life["accepted"] == life["steps"][0]
    assert [(one["step"], one["review_by"]) for one in life["steps"]] == [("accepted", day), ("proposed", None)]
    assert life["steps"][1]["actor"] == editor.shown_name
    assert ours.get(f"/decisions/{decision.pk}/steps").json() == life


def test_each_step_issues_the_record_anew(ours: Program, decision: Decision) -> None:
    accepted(ours, decision)

    for run_id in decision.revisions.values_list("runs__pk", flat=True):
        renderings.render_pdf(run_id=run_id, moment=timezone.now())
    issued = Rendering.objects.filter(report__run__revision__decision=decision, state=Rendering.State.KEPT)

    assert set(issued.values_list("approval__transition", flat=True)) == {"proposed", "accepted"}
    assert ours.get(f"/decisions/{decision.pk}/revisions/1/report.pdf").content.startswith(b"%PDF-")


def test_a_decision_takes_the_place_of_another(ours: Program, owner: User, decision: Decision) -> None:
    accepted(ours, decision)
    newer = a_reported_run(owner=owner, content=CONTENT, title="Newer").revision.decision

    accepted(ours, newer, supersedes=decision.pk)

    older, life = (ours.get(f"/decisions/{one.pk}/steps").json() for one in (decision, newer))
    assert (older["status"], older["steps"][0]["step"]) == ("superseded", "superseded")
    assert older["steps"][0]["superseded_by"] == newer.pk
    assert life["accepted"]["supersedes"] == decision.pk


@pytest.mark.parametrize(("step", "by"), [("withdraw", "editor"), ("reject", "owner")])
def test_a_proposal_goes_back_with_a_reason(
    step: str, by: str, ours: Program, editor: User, decision: Decision
) -> None:
    ours.post(at(decision, "propose"), {})
    who = program(editor) if by == "editor" else ours

    silent = who.post(at(decision, step), {"comment": "  "})
    done = who.post(at(decision, step), {"comment": "Above the budget."})

    assert (silent.status_code, fault(silent)["items"][0]["path"]) == (400, "comment")
    assert (done.status_code, done.json()["status"], done.json()["proposed"]) == (200, "draft", None)
    assert done.json()["steps"][0]["comment"] == "Above the budget."


@pytest.mark.parametrize("step", ["accept", "reject"])
def test_an_editor_and_a_reading_token_of_an_owner_decide_nothing(
    step: str, ours: Program, owner: User, editor: User, decision: Decision
) -> None:
    waiting = ours.post(at(decision, "propose"), {}).json()["proposed"]["id"]
    body = {"proposal": waiting} if step == "accept" else {"comment": "No."}

    refused = [one.post(at(decision, step), body) for one in (program(editor), program(owner, cap="read"))]

    assert [(one.status_code, fault(one)["code"]) for one in refused] == [(403, "forbidden")] * 2
    assert ours.get(f"/decisions/{decision.pk}/steps").json()["status"] == "proposed"


def test_a_token_of_another_workspace_finds_nothing(ours: Program, decision: Decision) -> None:
    stranger = program(a_member(email="eve@example.org", role="owner"))

    answers = [stranger.get(f"/decisions/{decision.pk}/steps")]
    answers += [stranger.post(at(decision, step), {}) for step in ("propose", "withdraw", "reject", "accept")]

    assert {one.status_code for one in answers} == {404}


def test_a_proposal_made_anew_is_not_accepted_unseen(ours: Program, decision: Decision) -> None:
    seen = ours.post(at(decision, "propose"), {}).json()["proposed"]["id"]
    ours.post(at(decision, "withdraw"), {"comment": "Another comment."})
    ours.post(at(decision, "propose"), {"comment": "Again."})

    refused = ours.post(at(decision, "accept"), {"proposal": seen})

    assert (refused.status_code, fault(refused)["code"]) == (409, "not_now")
    assert ours.get(f"/decisions/{decision.pk}/steps").json()["status"] == "proposed"


@pytest.mark.parametrize(
    ("step", "body", "status", "code"),
    [
        ("accept", {"proposal": 1}, 409, "not_now"),
        ("reject", {"comment": "No."}, 409, "not_now"),
        ("propose", {"supersedes": 10**6}, 404, "not_found"),
        ("accept", {"proposal": 1, "review_by": "2020-01-01"}, 400, "invalid_request"),
        ("propose", {"suppersedes": 1}, 400, "invalid_request"),
    ],
)
def test_a_step_that_cannot_be_taken_is_refused_and_nothing_is_written(
    step: str, body: dict[str, int | str], status: int, code: str, ours: Program, decision: Decision
) -> None:
    refused = ours.post(at(decision, step), body)

    assert (refused.status_code, fault(refused)["code"]) == (status, code)
    assert ours.get(f"/decisions/{decision.pk}/steps").json() == {
        "decision_id": decision.pk,
        "status": "draft",
        "proposed": None,
        "accepted": None,
        "steps": [],
    }


def test_a_step_sent_twice_with_a_key_is_taken_once(ours: Program, decision: Decision) -> None:
    first, again = (ours.post(at(decision, "propose"), {}, idempotency_key="propose-1") for _ in range(2))

    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(first.json()["steps"]) == 1
