"""What differs only in the stack or the workload is said once, and nothing is lost by it."""

from typing import Any

import pytest

from advisor.core.merged import benefits, checks, warning_groups
from tests.advisor.factories import golden_report


def a_report(*warnings: tuple[str, str, str]) -> dict[str, Any]:
    rows = [
        ("Serving", "c8g.4xlarge (Graviton4), aws us-east-1"),
        ("Serving", "c9g.4xlarge (Graviton5), aws us-east-1"),
    ]
    return {
        "warnings": [{"code": code, "text": text, "evidence": [source]} for code, text, source in warnings],
        "plan": {"assignments": [{"workload_name": name, "stack": {"label": label}} for name, label in rows]},
    }


def said(data: dict[str, Any]) -> list[str]:
    return [one["text"] for group in warning_groups(data) for one in group.said]


def test_a_warning_of_two_stacks_is_said_once_with_both_and_all_sources() -> None:
    data = a_report(
        ("unconfirmed_latency", "Serving: latency: not estimated for c8g.4xlarge; measure it.", "instance:a"),
        ("unconfirmed_latency", "Serving: latency: not estimated for c9g.4xlarge; measure it.", "instance:b"),
    )

    group = warning_groups(data)[0]

    assert group.title == "Latency not confirmed"
    assert group.count == 2
    assert [one["text"] for one in group.said] == [
        "Serving: latency: not estimated for c8g.4xlarge and c9g.4xlarge; measure it."
    ]
    assert group.said[0]["evidence"] == ["instance:a", "instance:b"]


def test_a_rule_that_holds_for_two_stacks_names_both_at_its_head() -> None:
    data = a_report(
        ("rule", "Serving, c8g.4xlarge: It must be ported.", "rule:a"),
        ("rule", "Serving, c9g.4xlarge: It must be ported.", "rule:a"),
        ("rule", "Serving, c9g.4xlarge: It is new.", "rule:b"),
    )

    assert said(data) == [
        "Serving, c8g.4xlarge and c9g.4xlarge: It must be ported.",
        "Serving, c9g.4xlarge: It is new.",
    ]


def test_two_stacks_as_the_subject_take_the_plural() -> None:
    data = a_report(
        ("not_self_serve", "Serving: c8g.4xlarge is not self-serve; announced is not rentable.", "a"),
        ("not_self_serve", "Serving: c9g.4xlarge is not self-serve; announced is not rentable.", "b"),
    )

    assert said(data) == ["Serving: c8g.4xlarge and c9g.4xlarge are not self-serve; announced is not rentable."]


def test_labels_that_hold_commas_are_parted_by_semicolons() -> None:
    labels = ("c8g.4xlarge (Graviton4), aws us-east-1", "c9g.4xlarge (Graviton5), aws us-east-1")
    data = a_report(*[("assumed", f"Serving: the cost of {label} is scaled.", "a") for label in labels])

    assert said(data) == [f"Serving: the cost of {labels[0]} and {labels[1]} is scaled."]


def test_a_sentence_does_not_say_again_the_title_it_stands_under() -> None:
    data = a_report(
        ("measure_first", "Measure first: the same costs less elsewhere.", "a"),
        ("confirm", "Serving, c8g.4xlarge: confirm with the provider: Confirm the driver.", "b"),
    )

    assert said(data) == ["The same costs less elsewhere.", "Serving, c8g.4xlarge: Confirm the driver."]


def test_the_gravest_kind_comes_first_and_an_unknown_one_keeps_its_words() -> None:
    data = a_report(("how_estimated", "B.", "b"), ("a_new_kind", "C.", "c"), ("no_stack", "A.", "a"))

    assert [group.title for group in warning_groups(data)] == ["Nothing fits", "How it was estimated", "A new kind"]


@pytest.mark.parametrize("name", ["uber", "midjourney", "small_team"])
def test_merging_loses_no_warning_and_no_source(name: str) -> None:
    data = golden_report(name)

    groups = warning_groups(data)

    assert sum(group.count for group in groups) == len(data["warnings"])
    told = {id for group in groups for one in group.said for id in one["evidence"]}
    assert told == {id for warning in data["warnings"] for id in warning["evidence"]}
    text = " ".join(said(data))
    for warning in data["warnings"]:
        assert warning["text"].rsplit(": ", 1)[-1].split("; ")[-1] in text


def test_a_check_in_the_same_words_for_three_workloads_is_one_and_open_ones_come_first() -> None:
    data = golden_report("uber")

    found = checks(data)

    assert sum(len(check.scopes) for check in found) == len(data["constraints"]["checks"])
    need_by = next(check for check in found if check.id == "need_by")
    assert need_by.scopes == tuple(workload["name"] for workload in data["workloads"])
    states = [check.state for check in found]
    assert states == sorted(states, key=["missed", "cannot be confirmed", "met"].index)


def test_what_bonds_buy_is_said_once_for_all_pairs_it_is_true_of() -> None:
    for stack in golden_report("uber")["coupling"]["stacks"]:
        found = benefits(stack)

        assert sum(len(one.pairs) for one in found) == len(stack["cells"])
        assert len({one.text["text"] for one in found}) == len(found)
