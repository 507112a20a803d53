import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.core.coupling import BITS, band, cells, score, stable_band, weights_with


def row(**changes):
    bits = dict.fromkeys(BITS, 0)
    base = {
        "id": "aws/own_silicon/accelerator-networking",
        "provider": "aws",
        "path": "own_silicon",
        "layer_a": "accelerator",
        "layer_b": "networking",
        "option_a": "Trainium",
        "option_b": "EFA + NeuronLink",
        "migration_steps": "re-shard for another fabric; re-tune collectives",
        "evidence": "the fabric ships with the chip",
    }
    return {**base, **bits, **changes}


def test_score_is_the_weighted_share_of_bits_and_the_steps_worked_by_hand():
    # proprietary_api 2 + sole_cloud_hardware 2 of 11 points, two of six steps: 0.8 × 4/11 + 0.2 × 2/6
    found = score(bits=("proprietary_api", "sole_cloud_hardware"), steps=2, weights=BITS)

    assert found == pytest.approx(0.8 * 4 / 11 + 0.2 / 3)


def test_nothing_binds_is_zero_and_everything_is_one():
    assert score(bits=(), steps=0, weights=BITS) == 0
    assert score(bits=BITS, steps=9, weights=BITS) == pytest.approx(1)


@given(bits=st.sets(st.sampled_from(sorted(BITS))), steps=st.integers(0, 12), extra=st.sampled_from(sorted(BITS)))
def test_one_more_observation_never_loosens_a_pair(bits, steps, extra):
    assert score(bits=bits | {extra}, steps=steps, weights=BITS) >= score(bits=bits, steps=steps, weights=BITS)


@given(bits=st.sets(st.sampled_from(sorted(BITS))), steps=st.integers(0, 12))
def test_a_band_stated_alone_survives_the_flip_of_any_observation(bits, steps):
    said = stable_band(bits=bits, steps=steps, weights=BITS)
    flips = {band(score(bits=bits ^ {bit}, steps=steps, weights=BITS)) for bit in BITS}

    assert (" to " in said) or flips == {said}


def test_the_documents_own_weights_replace_the_shipped_ones():
    weights = weights_with({"proprietary_api": 10})

    assert weights["proprietary_api"] == 10
    assert weights["no_alternative"] == BITS["no_alternative"]


def test_cells_take_the_rows_of_the_provider_and_path_and_read_their_steps():
    rows = [row(proprietary_api=1), row(id="gcp", provider="gcp"), row(id="api", path="managed_api")]

    found = cells(rows=rows, provider="aws", path="own_silicon", weights=BITS)

    assert [cell.id for cell in found] == ["aws/own_silicon/accelerator-networking"]
    assert found[0].bits == ("proprietary_api",)
    assert found[0].steps == ("re-shard for another fabric", "re-tune collectives")


def test_an_observation_of_the_path_replaces_the_general_one_for_the_same_pair():
    general = row(id="aws/any/accelerator-networking", path="any")

    found = cells(rows=[general, row()], provider="aws", path="own_silicon", weights=BITS)

    assert [cell.id for cell in found] == ["aws/own_silicon/accelerator-networking"]


@pytest.mark.parametrize(("path", "expected"), [("cpu", 1), ("managed_api", 0)])
def test_a_pair_without_an_accelerator_or_a_managed_model_counts_only_where_the_stack_has_it(path, expected):
    storage = row(id="aws/any/compute-storage", path="any", layer_a="compute", layer_b="storage")
    accelerator = row(id="aws/any/accelerator-storage", path="any", layer_b="storage")

    found = cells(rows=[storage, accelerator], provider="aws", path=path, weights=BITS)

    assert len(found) == expected


def test_a_stack_without_a_fabric_has_no_pair_with_one():
    fabric = row(id="aws/any/networking-storage", path="any", layer_a="networking", layer_b="storage", option_a="EFA")
    general = row(id="aws/any/compute-networking", path="any", layer_a="compute", option_b="ENA")

    found = cells(rows=[fabric, general], provider="aws", path="cpu", weights=BITS, fabric=False)

    assert [cell.id for cell in found] == ["aws/any/compute-networking"]
