"""Two answers side by side: only what does not overlap is called different, and nothing is compared with an unknown."""

import copy

import pytest

from advisor.core import comparison
from advisor.core.comparison import Change, changes, relation
from tests.advisor.factories import a_number, golden_report


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        (a_number(10.0), a_number(10.0), "same"),
        (a_number(10.0, low=8.0, high=12.0), a_number(13.0, low=11.0, high=15.0), "overlap"),
        (a_number(10.0, low=8.0, high=12.0), a_number(14.0, low=12.0, high=15.0), "overlap"),
        (a_number(10.0, low=8.0, high=12.0), a_number(14.0, low=13.0, high=15.0), "higher"),
        (a_number(14.0, low=13.0, high=15.0), a_number(10.0, low=8.0, high=12.0), "lower"),
        (a_number(10.0), a_number(None, low=50.0, reason="a part is unknown"), "unknown"),
        (a_number(10.0), a_number(10.0, unit="USD"), "unknown"),
        (a_number(10.0), None, "absent"),
    ],
)
def test_two_figures_differ_only_where_their_ranges_do_not_meet(left: dict, right: dict | None, found: str) -> None:
    assert relation(left, right) == found


def test_the_paths_of_a_document_that_changed_are_told_with_both_values() -> None:
    left = {"team": {"size": 12, "frameworks": ["go"]}, "workloads": [{"id": "a", "traffic": {"peak_factor": 2}}]}
    right = {
        "team": {"frameworks": ["go", "rust"]},
        "workloads": [{"id": "a", "traffic": {"peak_factor": 3}}, {"id": "b"}],
    }

    assert list(changes(left=left, right=right)) == [
        Change("team.frameworks", ["go"], ["go", "rust"]),
        Change("team.size", 12, None),
        Change("workloads[0].traffic.peak_factor", 2, 3),
        Change("workloads[1].id", None, "b"),
    ]


def test_a_report_against_itself_shows_no_difference() -> None:
    data = golden_report("uber")

    found = comparison.reports(left=data, right=copy.deepcopy(data), left_document={}, right_document={})

    assert {pair.relation for pair in found.pairs} <= {"same", "unknown"}
    assert not any(row.differs for row in found.rows)
    assert (found.made_from, found.changes, found.gained, found.lost) == ((), (), (), ())


def test_two_reports_tell_what_they_were_made_from_what_they_advise_and_what_they_warn_of() -> None:
    left, right = golden_report("uber"), golden_report("uber")
    right["hashes"]["document"] = "another"
    right["plan"]["assignments"][0]["stack"]["label"] = "another stack"
    right["plan"]["totals"]["monthly_usd"] = a_number(1.0)
    lost = right["warnings"].pop()
    right["warnings"].append({"code": "old_price", "text": "A new one.", "evidence": []})

    found = comparison.reports(left=left, right=right, left_document={"a": 1}, right_document={"a": 2})

    assert found.made_from == ("the document",)
    assert [row.right for row in found.rows if row.differs] == ["another stack"]
    assert next(pair for pair in found.pairs if pair.label == "A month at full load").relation == "lower"
    assert [one["text"] for one in found.gained] == ["A new one."]
    assert [one["text"] for one in found.lost] == [lost["text"]]
    assert found.changes == (Change("a", 1, 2),)


def test_two_stacks_are_compared_layer_by_layer_and_figure_by_figure() -> None:
    workload = golden_report("uber")["workloads"][0]
    left, right = workload["recommended"], workload["best_by_provider"][1]

    found = comparison.stacks(left=left, right=right)

    rows = {row.label: row for row in found.rows}
    assert rows["Provider"].differs
    assert (rows["Compute"].left, rows["Compute"].right) == (
        left["layers"]["compute"]["name"],
        right["layers"]["compute"]["name"],
    )
    pairs = {pair.label: pair for pair in found.pairs}
    assert pairs["Cost at full load"].left == left["numbers"]["monthly_usd"]
    assert pairs["Coupling, mean"].right == right["coupling"]["mean"]
    assert len(found.pairs) == len({*left["numbers"], *right["numbers"]}) + 2
