"""What the steps of a revision's life amount to."""

import datetime as dt

import pytest

from advisor.core.standing import Standing, Step, standing

FIRST, SECOND, THIRD = (dt.date(2026, 11, day) for day in (23, 24, 25))


def step(transition: str, on: dt.date, actor: str = "Ann", **more: object) -> Step:
    return Step(transition=transition, actor=actor, on=on, **more)


def test_a_revision_without_a_step_is_a_draft_that_nobody_decided_on() -> None:
    assert standing([]) == Standing(status="draft")


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (["proposed"], "proposed"),
        (["proposed", "withdrawn"], "draft"),
        (["proposed", "rejected"], "rejected"),
        (["proposed", "rejected", "proposed"], "proposed"),
        (["proposed", "accepted"], "accepted"),
        (["proposed", "accepted", "superseded"], "superseded"),
    ],
)
def test_the_last_step_gives_the_status(steps: list[str], status: str) -> None:
    assert standing([step(name, FIRST) for name in steps]).status == status


def test_whoever_accepts_has_decided_not_whoever_proposed() -> None:
    found = standing(
        [
            step("proposed", FIRST, "Ann", supersedes="decision 7: the older one"),
            step("accepted", SECOND, "Bob", review_by=dt.date(2027, 5, 1)),
        ]
    )

    assert found == Standing(
        status="accepted",
        decided_by="Bob",
        proposed_on="2026-11-23",
        accepted_on="2026-11-24",
        review_by="2027-05-01",
        supersedes="decision 7: the older one",
    )


def test_what_was_said_about_an_earlier_proposal_is_not_told_of_the_next() -> None:
    found = standing([step("proposed", FIRST), step("rejected", SECOND, "Bob"), step("proposed", THIRD)])

    assert found == Standing(status="proposed", proposed_on="2026-11-25")


def test_only_a_revision_that_counts_takes_over_what_its_decision_superseded() -> None:
    proposed, withdrawn = step("proposed", FIRST), step("withdrawn", SECOND)

    assert standing([proposed], inherited="decision 7").supersedes == "decision 7"
    assert standing([proposed, withdrawn], inherited="decision 7").supersedes == ""
    assert standing([], inherited="decision 7").supersedes == ""
