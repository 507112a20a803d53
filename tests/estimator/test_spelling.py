import datetime as dt

import pytest

from catalog import files, frame
from estimator import spelling

IDS = [str(id) for id in frame.build(facts=files.load(), moment=dt.date(2026, 11, 26), release=0).accelerators["id"]]


@pytest.mark.parametrize(
    ("published", "known"),
    [
        ("AMD Instinct MI355X", "mi355x-288gb"),
        ("H100-SXM5-80GB", "h100-sxm-80gb"),
        ("H800", "h800-80gb"),
        ("Intel Gaudi-3", "gaudi3-128gb"),
        ("NVIDIA H100 80GB", "h100-sxm-80gb"),
        ("RTX PRO 6000 Blackwell", "rtx-pro-6000-96gb"),
        ("Trillium", "tpu-v6e"),
        ("a100", "a100-80gb"),
        ("a100-40gb", "a100-40gb"),
        ("a100-80gb-pcie", "a100-pcie-80gb"),
        ("a100-pcie-40gb", "a100-40gb"),
        ("a100-sxm-40gb", "a100-40gb"),
        ("a100-sxm-80gb", "a100-80gb"),
        ("a10g", "a10g-24gb"),
        ("b200-sxm-180gb", "b200-180gb"),
        ("b300-sxm", "b300-288gb"),
        ("gb200", "gb200-nvl72"),
        ("gh200", "gh200-96gb"),
        ("gh200-144gb", "gh200-144gb"),
        ("h100", "h100-sxm-80gb"),
        ("h100-pcie", "h100-pcie-80gb"),
        ("h100-sxm-80gb", "h100-sxm-80gb"),
        ("h20", "h20-96gb"),
        ("h200", "h200-sxm-141gb"),
        ("h200-141gb", "h200-sxm-141gb"),
        ("h200-nvl-141gb", "h200-nvl-141gb"),
        ("h800", "h800-80gb"),
        ("inf1", "inferentia1"),
        ("ironwood", "tpu-v7-ironwood"),
        ("l4", "l4-24gb"),
        ("l40s", "l40s-48gb"),
        ("mi300x", "mi300x-192gb"),
        ("mi325x", "mi325x-256gb"),
        ("mi355x", "mi355x-288gb"),
        ("nvidia-h100-80gb-hbm3", "h100-sxm-80gb"),
        ("nvidia-l40s", "l40s-48gb"),
        ("tpu-v5litepod", "tpu-v5e"),
        ("tpu-v5litepod-16", "tpu-v5e"),
        ("tpu-v7", "tpu-v7-ironwood"),
        ("tpu7x", "tpu-v7-ironwood"),
        ("trn1", "trainium1"),
        ("trn1n", "trainium1"),
        ("trn2", "trainium2"),
        ("trn2-ultra", "trainium2"),
        ("v100", "v100-16gb"),
        ("v5e-8", "tpu-v5e"),
        ("v5p", "tpu-v5p"),
        ("v6e-8", "tpu-v6e"),
    ],
)
def test_results_name_accelerators_in_their_own_way(published, known):
    assert spelling.accelerator(published, known=IDS) == known


@pytest.mark.parametrize("name", ["rtx-4090", "mi250x", "a800", "tpu", "gpu"])
def test_a_part_of_the_same_family_is_no_stand_in(name):
    with pytest.raises(spelling.UnknownPart, match=name):
        spelling.accelerator(name, known=IDS)
