"""Coupling observations: complete, consistent with their written tests, free of mere availability."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from pydantic import ValidationError

from catalog import files, records

PROVIDERS = ("aws", "azure", "gcp")
ACCELERATED = {
    ("compute", "accelerator"),
    ("accelerator", "networking"),
    ("accelerator", "storage"),
    ("accelerator", "orchestration"),
    ("accelerator", "model_layer"),
    ("model_layer", "application"),
}
PAIRS = {
    "own_silicon": ACCELERATED,
    "merchant": ACCELERATED,
    "managed_api": {("accelerator", "model_layer"), ("model_layer", "application")},
    "any": {
        ("compute", "networking"),
        ("compute", "storage"),
        ("compute", "orchestration"),
        ("compute", "model_layer"),
        ("networking", "storage"),
        ("networking", "orchestration"),
        ("networking", "model_layer"),
        ("storage", "orchestration"),
        ("storage", "model_layer"),
        ("orchestration", "model_layer"),
    },
}
BITS = (
    "proprietary_api",
    "proprietary_compiler",
    "sole_cloud_hardware",
    "single_silicon_vendor",
    "artifact_not_portable",
    "no_open_source_runtime",
    "no_alternative",
)
WEIGHTS = dict(zip(BITS, (2, 2, 2, 1, 1, 1, 2), strict=True))


def _score(row: records.Coupling) -> float:
    share = sum(WEIGHTS[bit] * getattr(row, bit) for bit in BITS) / sum(WEIGHTS.values())
    return 0.8 * share + 0.2 * min(len(row.migration_steps), 6) / 6


def _row(facts: files.Facts, row_id: str) -> records.Coupling:
    return next(row for row in facts.coupling if row.id == row_id)


def test_every_provider_path_and_pair_has_its_row(facts: files.Facts) -> None:
    expected = {
        f"{provider}/{path}/{a}-{b}" for provider in PROVIDERS for path, pairs in PAIRS.items() for a, b in pairs
    }

    assert {row.id for row in facts.coupling} == expected
    for row in facts.coupling:
        assert row.id == f"{row.provider}/{row.path}/{row.layer_a}-{row.layer_b}"


def test_no_alternative_means_that_none_is_counted(facts: files.Facts) -> None:
    for row in facts.coupling:
        if row.alternatives_count is not None:
            assert bool(row.no_alternative) == (row.alternatives_count == 0), row.id


def test_a_step_that_there_is_none_is_no_step(facts: files.Facts) -> None:
    row = _row(facts, "aws/managed_api/accelerator-model_layer")
    told = row.model_dump()

    assert row.migration_steps == ()
    assert len(_row(facts, "aws/merchant/accelerator-model_layer").migration_steps) == 1
    for step in ("none between clouds", "None: the provider chooses hardware", "nothing to do"):
        with pytest.raises(ValidationError, match="leave it out where there is none"):
            records.Coupling.model_validate({**told, "migration_steps": (step,)})


def test_hardware_of_one_cloud_belongs_to_own_silicon_only(facts: files.Facts) -> None:
    for row in facts.coupling:
        if row.path != "own_silicon":
            assert row.sole_cloud_hardware == 0, row.id
        elif "accelerator" in (row.layer_a, row.layer_b) and row.layer_b != "storage":
            assert (row.sole_cloud_hardware, row.single_silicon_vendor) == (1, 1), row.id


def test_the_cpu_path_is_free_of_silicon_bits(facts: files.Facts) -> None:
    for row in facts.coupling:
        if row.path == "any":
            assert (row.proprietary_compiler, row.sole_cloud_hardware, row.single_silicon_vendor) == (0, 0, 0), row.id
    assert "Graviton" in _row(facts, "aws/any/compute-storage").option_a
    assert "Cobalt" in _row(facts, "azure/any/compute-networking").option_a
    assert "Axion" in _row(facts, "gcp/any/compute-orchestration").option_a


def test_maia_is_not_called_coupled_for_being_out_of_reach(facts: files.Facts) -> None:
    for pair in ("compute-accelerator", "accelerator-orchestration"):
        maia = _row(facts, f"azure/own_silicon/{pair}")
        trainium = _row(facts, f"aws/own_silicon/{pair}")
        assert [getattr(maia, bit) for bit in BITS] == [getattr(trainium, bit) for bit in BITS]
        assert maia.note and "availability" in maia.note
    assert _row(facts, "azure/own_silicon/accelerator-model_layer").no_alternative == 0


def test_changed_rows_say_why(facts: files.Facts) -> None:
    reset = [row for row in facts.coupling if row.note and row.note.startswith("Re-set")]

    assert {row.id for row in reset} == {
        "aws/any/compute-networking",
        "aws/any/networking-storage",
        "azure/any/compute-networking",
        "azure/own_silicon/accelerator-model_layer",
        "azure/own_silicon/accelerator-orchestration",
        "azure/own_silicon/compute-accelerator",
        "gcp/any/compute-networking",
        "gcp/own_silicon/compute-accelerator",
    }
    assert {row.kind for row in facts.coupling} == {"judgement"}


def test_the_path_moves_coupling_more_than_the_provider(facts: files.Facts) -> None:
    scores = defaultdict(list)
    for row in facts.coupling:
        scores[row.path, row.provider].append(_score(row))
    means = {key: sum(found) / len(found) for key, found in scores.items()}

    for provider in PROVIDERS:
        assert means["own_silicon", provider] > means["merchant", provider] > means["managed_api", provider]
    for path in PAIRS:
        across = [means[path, provider] for provider in PROVIDERS]
        assert max(across) - min(across) < 0.06, path
    assert means["own_silicon", "aws"] - means["managed_api", "aws"] > 0.2


def test_the_tightest_pair_of_own_silicon_is_the_chip_and_its_fabric(facts: files.Facts) -> None:
    for provider in PROVIDERS:
        own = [row for row in facts.coupling if row.provider == provider and row.path == "own_silicon"]
        assert max(own, key=_score).id == f"{provider}/own_silicon/accelerator-networking"


@pytest.mark.parametrize("bit", BITS)
def test_the_written_test_of_each_bit_holds_for_its_own_examples(facts: files.Facts, bit: str) -> None:
    text = (Path(files.DIRECTORY).parents[1] / "docs" / "coupling.md").read_text(encoding="utf-8")
    section = re.search(rf"^## `{bit}`.*?(?=^## |\Z)", text, re.M | re.S)
    assert section, f"docs/coupling.md has no section on {bit}"

    shown = re.search(r"\*Set:\*\s+`([^`]+)`.*?\*Not set:\*\s+`([^`]+)`", section.group(0), re.S)
    assert shown, f"the section on {bit} names no two rows"
    assert getattr(_row(facts, shown.group(1)), bit) == 1
    assert getattr(_row(facts, shown.group(2)), bit) == 0
