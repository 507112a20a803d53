"""Data files: what is shipped holds, and a row that does not hold is named."""

from pathlib import Path

import pytest

from catalog import files
from tests.catalog.conftest import Spoil

OFFER = "aws/us-east-1/p5.48xlarge/on_demand"


def refusal(data: Path) -> files.DataError:
    with pytest.raises(files.DataError) as caught:
        files.load(data)
    return caught.value


def test_the_shipped_files_hold_what_the_catalog_promises(facts: files.Facts) -> None:
    assert len(facts.regions) >= 150
    assert sum(1 for row in facts.instances if row.accelerator) >= 110
    assert len(facts.offers) >= 2_600
    assert {"trainium3", "tpu-v8t", "maia-200", "mi300x-192gb", "rtx-pro-6000-96gb"} <= {
        row.id for row in facts.accelerators
    }
    assert {"graviton2", "graviton5", "cobalt100", "axion-c4a"} <= {row.id for row in facts.cpu_families}


def test_announced_silicon_is_not_self_serve(facts: files.Facts) -> None:
    announced = {row.id for row in facts.accelerators if row.offered in ("announced", "internal")}

    shapes = [row for row in facts.instances if row.accelerator in announced]

    assert {row.accelerator for row in shapes} == announced
    assert {row.self_serve for row in shapes} == {"no"}


def test_no_accelerator_is_a_sparse_peak(facts: files.Facts) -> None:
    nvidia = [row for row in facts.accelerators if row.vendor == "NVIDIA" and row.bf16_tflops and row.fp8_tflops]

    assert nvidia
    for row in nvidia:  # dense FP8 is twice dense BF16 on every NVIDIA part; a sparse figure would make it four times
        assert row.fp8_tflops == pytest.approx(2 * row.bf16_tflops, rel=0.02), row.id


def test_capacity_blocks_are_time_boxed_and_prepaid(facts: files.Facts) -> None:
    offers = [row for row in facts.offers if row.basis == "capacity_block" and row.sku == "trn2.48xlarge"]

    terms = files.terms_by_offer(terms=facts.terms, offers=offers)

    assert offers
    for offer in offers:
        block = terms[offer.id]
        assert (block.max_duration_days, block.max_quantity) == (182, 64)
        assert (block.prepaid, block.cancellable, block.capacity_guaranteed) == (True, False, True)


def test_a_longer_glob_wins(facts: files.Facts) -> None:
    ultraserver = [row for row in facts.offers if row.basis == "capacity_block" and row.sku == "u-p6e-gb200x72"]

    terms = files.terms_by_offer(terms=facts.terms, offers=ultraserver)

    assert {row.id for row in terms.values()} == {"aws-capacity-block-ultraserver"}


def test_the_same_files_have_the_same_hash_and_one_changed_cell_another(data: Path, spoil: Spoil) -> None:
    before = files.sha256(files.read(data))
    assert before == files.sha256(files.read())

    spoil("offers.csv", OFFER, price_usd_per_hour="55.05")

    assert files.sha256(files.read(data)) != before


@pytest.mark.parametrize(
    ("file", "row", "cells", "reason"),
    [
        ("offers.csv", OFFER, {"price_usd_per_hour": "0"}, "greater than 0"),
        ("offers.csv", OFFER, {"price_usd_per_hour": "NaN"}, "finite"),
        ("offers.csv", OFFER, {"price_usd_per_hour": ""}, "either price_usd_per_hour or no_price_reason"),
        ("offers.csv", OFFER, {"price_usd_per_hour": "550.4"}, "but the median"),
        ("offers.csv", OFFER, {"unit": "month"}, "instance_hour"),
        ("offers.csv", OFFER, {"basis": "spot"}, "its columns say"),
        ("offers.csv", OFFER, {"source_id": ""}, "it is blank"),
        ("offers.csv", OFFER, {"source_id": "hearsay"}, "not in sources*.yaml"),
        ("offers.csv", OFFER, {"locator": ""}, "it is blank"),
        ("offers.csv", OFFER, {"observed_at": ""}, "a blank date goes with 'undated'"),
        ("offers.csv", OFFER, {"as_of_basis": "undated"}, "a blank date goes with 'undated'"),
        ("offers.csv", OFFER, {"kind": "gossip"}, "list price"),
        ("offers.csv", "gcp/us-central1/a3-highgpu-8g/spot", {"price_usd_per_hour": "99"}, "above on-demand"),
        ("offers.csv", "gcp/us-east1/tpu-v5p-8/commitment_1y", {"price_usd_per_hour": "17"}, "above on-demand"),
        ("accelerators.csv", "h200-sxm-141gb", {"memory_gib": "0.141"}, "expected 4-1000"),
        ("accelerators.csv", "h100-sxm-80gb", {"memory_bandwidth_gb_per_s": "3.35"}, "expected 20-40000"),
        ("accelerators.csv", "h100-sxm-80gb", {"fp8_tflops": "7912"}, "times bf16_tflops"),
        ("accelerators.csv", "h100-sxm-80gb", {"bf16_tflops": "0.989"}, "expected 10-10000"),
        ("accelerators.csv", "h100-sxm-80gb", {"trains": "often"}, "'yes', 'no' or 'small'"),
        ("instances.csv", "aws/p5.48xlarge", {"memory_gib": "2097152"}, "expected 0.5-50000"),
        ("instances.csv", "aws/p5.48xlarge", {"accelerator": "h101"}, "not in accelerators.csv"),
        ("regions.csv", "aws/eu-central-1", {"in_eu": "maybe"}, "in_eu"),
        ("regions.csv", "aws/eu-central-1", {"country": "Germany"}, "country"),
    ],
)
def test_a_bad_cell_is_refused_with_file_row_and_reason(
    data: Path, spoil: Spoil, file: str, row: str, cells: dict[str, str], reason: str
) -> None:
    spoil(file, row, **cells)

    error = refusal(data)

    assert (error.file, error.row) == (file, row)
    assert reason in error.reason
    assert error.mend


def test_memory_in_terabytes_gets_the_question_that_mends_it(data: Path, spoil: Spoil) -> None:
    spoil("accelerators.csv", "h200-sxm-141gb", memory_gib="0.141")

    message = str(refusal(data))

    assert message == "accelerators.csv: h200-sxm-141gb: memory_gib is 0.141, expected 4-1000. Is it in TB?"


def test_an_unknown_column_is_refused(data: Path) -> None:
    path = data / "cpu_families.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0] + ",mood", *(line + ",good" for line in lines[1:])]) + "\n", encoding="utf-8")

    error = refusal(data)

    assert (error.file, error.row) == ("cpu_families.csv", "header")
    assert "'mood'" in error.reason


def test_a_missing_provenance_column_is_refused(data: Path) -> None:
    path = data / "regions.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("source_id,", "", 1), encoding="utf-8")

    assert "no column 'source_id'" in refusal(data).reason


def test_an_id_that_stands_twice_is_refused(data: Path) -> None:
    path = data / "cpu_families.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:2], lines[1], *lines[2:]]) + "\n", encoding="utf-8")

    error = refusal(data)

    assert error.row == lines[1].split(",")[0]
    assert "stands twice" in error.reason


def test_an_id_in_two_source_files_is_refused(data: Path) -> None:
    (data / "sources_again.yaml").write_text((data / "sources.yaml").read_text(encoding="utf-8"), encoding="utf-8")

    assert "stands twice" in refusal(data).reason


def test_unsorted_rows_are_refused(data: Path) -> None:
    path = data / "cpu_families.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n", encoding="utf-8")

    assert "it stands after" in refusal(data).reason


def test_a_stray_comma_is_refused(data: Path) -> None:
    path = data / "cpu_families.csv"
    path.write_text(path.read_text(encoding="utf-8") + "zeta,too,few\n", encoding="utf-8")

    error = refusal(data)

    assert (error.file, error.row) == ("cpu_families.csv", "zeta")


def test_an_unknown_key_in_yaml_is_refused(data: Path) -> None:
    path = data / "terms.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  prepaid: true", "  paid: true", 1), encoding="utf-8")

    error = refusal(data)

    assert (error.file, error.row) == ("terms.yaml", "aws-capacity-block")
    assert "unknown key" in error.reason


def test_a_rule_with_an_operator_that_is_not_known_is_refused(data: Path) -> None:
    path = data / "rules.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("      le: 0", "      atmost: 0", 1), encoding="utf-8")

    error = refusal(data)

    assert error.file == "rules.yaml"
    assert "unknown operator 'atmost'" in error.reason


def test_offers_without_terms_are_refused(data: Path) -> None:
    path = data / "terms.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("basis: spot", "basis: flex_start"), encoding="utf-8")

    assert "no terms for" in refusal(data).reason


@pytest.mark.parametrize("text", ["- id: [", "just words", "- 1\n- 2"])
def test_a_yaml_file_of_another_shape_is_refused(data: Path, text: str) -> None:
    (data / "terms.yaml").write_text(text, encoding="utf-8")

    assert refusal(data).file == "terms.yaml"


def test_a_file_that_is_no_table_is_refused(data: Path) -> None:
    (data / "offers (copy).csv").write_text("id\n", encoding="utf-8")

    assert refusal(data).file == "offers (copy).csv"


def test_a_missing_file_is_refused(data: Path) -> None:
    (data / "offers.csv").unlink()

    assert "missing" in refusal(data).reason


def test_a_file_that_is_not_utf8_is_refused(data: Path) -> None:
    (data / "regions.csv").write_bytes(b"id,name\naws/x,\xff\xfe\n")

    assert "UTF-8" in refusal(data).mend
