"""The picture of the answer: a stack's six layers in order, and an arc for each observed pair of them."""

import pytest

from advisor.web.picture import pictured
from tests.advisor.factories import a_number, golden_report


def test_each_workload_has_one_stack_in_the_picture_with_its_six_layers_in_order() -> None:
    data = golden_report("uber")

    found = pictured(data)

    assert [one["name"] for one in found] == [workload["name"] for workload in data["workloads"]]
    for one in found:
        assert [layer["label"] for layer in one["layers"]] == [
            "Compute",
            "Accelerator",
            "Networking",
            "Storage",
            "Orchestration",
            "Model layer",
        ]
        assert all(layer["option"]["name"] for layer in one["layers"])


def test_an_arc_joins_the_middles_of_its_two_layers_and_is_as_wide_as_they_are_bound() -> None:
    data = golden_report("small_team")
    cell = data["coupling"]["stacks"][0]["cells"][0]
    cell |= {"layer_a": "storage", "layer_b": "compute", "band": "medium to tight", "score": a_number(1.0)}
    data["coupling"]["stacks"][0]["cells"] = [cell]

    arc = pictured(data)[0]["arcs"][0]

    assert arc["path"].startswith("M0 50 ")  # the middle of compute, the first layer of a height of 100
    assert arc["path"].endswith(" 0 350")  # the middle of storage, the fourth
    assert (arc["width"], arc["band"]) == ("6.00", "tight")


@pytest.mark.parametrize("layer", ["application", "something new"])
def test_what_is_no_layer_of_the_stack_has_no_arc(layer: str) -> None:
    data = golden_report("small_team")
    for cell in data["coupling"]["stacks"][0]["cells"]:
        cell["layer_b"] = layer

    assert pictured(data)[0]["arcs"] == []


def test_a_workload_without_a_stack_stands_in_the_picture_empty() -> None:
    data = golden_report("small_team")
    data["plan"]["assignments"] = [{"workload_id": "x", "workload_name": "X", "role": "none", "stack": None}]

    found = pictured(data)

    assert found[0]["stack"] is None
    assert all(layer["option"] is None for layer in found[0]["layers"])
