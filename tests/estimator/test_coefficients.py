import pytest

from estimator import coefficients
from estimator.coefficients import CoefficientError

ENTRY = """
value = 0.62
low = 0.5
high = 0.7
unit = "fraction"
source = "a page"
why = "because"
"""


def _write(directory, *, name="training.toml", text):
    (directory / name).write_text(text, encoding="utf-8")
    return directory


def test_a_coefficient_is_found_by_file_and_key(tmp_path):
    loaded = coefficients.load(_write(tmp_path, text=f"[gemm_ceiling_h100]{ENTRY}date = 2025-06-04"))

    entry = loaded.get("training.gemm_ceiling_h100")

    assert (entry.low, entry.value, entry.high, entry.unit) == (0.5, 0.62, 0.7, "fraction")
    assert entry.date == "2025-06-04"
    assert entry.id == "coefficient:training.gemm_ceiling_h100"


def test_a_group_becomes_part_of_the_key(tmp_path):
    loaded = coefficients.load(
        _write(tmp_path, name="cpu.toml", text=f"[ratio.graviton4]{ENTRY}[ratio.amd-aws]{ENTRY}")
    )

    assert set(loaded.group("cpu.ratio")) == {"graviton4", "amd-aws"}
    assert loaded.get("cpu.ratio.graviton4").value == 0.62


def test_evidence_has_the_fields_of_the_catalog(tmp_path):
    loaded = coefficients.load(_write(tmp_path, text=f'[gemm_ceiling_h100]{ENTRY}kind = "published benchmark"'))

    evidence = loaded.evidence("coefficient:training.gemm_ceiling_h100")

    assert {"id", "label", "value", "unit", "kind", "source", "url", "locator", "as_of", "as_of_basis"} <= set(evidence)
    assert evidence["kind"] == "published benchmark"
    assert evidence["as_of"] is None
    assert evidence["as_of_basis"] == "undated"


def test_evidence_of_an_unknown_id_is_a_key_error(tmp_path):
    loaded = coefficients.load(_write(tmp_path, text=f"[a]{ENTRY}"))

    with pytest.raises(KeyError):
        loaded.evidence("coefficient:training.b")
    with pytest.raises(KeyError):
        loaded.evidence("offer:training.a")


def test_an_unknown_key_names_the_file_to_mend(tmp_path):
    loaded = coefficients.load(_write(tmp_path, text=f"[a]{ENTRY}"))

    with pytest.raises(CoefficientError, match=r"training\.toml"):
        loaded.get("training.b")


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (ENTRY.replace("low = 0.5", "low = 0.65"), r"low 0\.65 ≤ value 0\.62"),
        (ENTRY.replace("high = 0.7", "high = 0.6"), r"≤ high 0\.6"),
        (ENTRY.replace('source = "a page"', ""), "missing: source"),
        (ENTRY + 'colour = "red"', "unknown: colour"),
        (ENTRY.replace("value = 0.62", 'value = "0.62"'), "expected a finite number"),
        (ENTRY.replace("high = 0.7", "high = inf"), "expected a finite number"),
        (ENTRY.replace('"because"', '" "'), "why is empty"),
        (ENTRY + 'kind = "guess"', "kind is 'guess'"),
    ],
)
def test_a_broken_coefficient_is_refused_with_its_file_and_key(tmp_path, broken, told):
    with pytest.raises(CoefficientError, match=told) as caught:
        coefficients.load(_write(tmp_path, text=f"[a]{broken}"))

    assert "training" in str(caught.value)


def test_a_value_outside_a_table_is_refused(tmp_path):
    with pytest.raises(CoefficientError, match="outside a table"):
        coefficients.load(_write(tmp_path, text="a = 1"))


def test_the_hash_follows_the_content_and_not_its_order(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "three").mkdir()

    first = coefficients.load(_write(tmp_path / "one", text=f"[a]{ENTRY}[b]{ENTRY}"))
    turned = coefficients.load(_write(tmp_path / "two", text=f"[b]{ENTRY}[a]{ENTRY}"))
    other = coefficients.load(_write(tmp_path / "three", text=f"[a]{ENTRY}[b]{ENTRY.replace('0.62', '0.63')}"))

    assert first.sha256 == turned.sha256
    assert first.sha256 != other.sha256


def test_a_replaced_coefficient_is_checked_and_changes_the_hash(tmp_path):
    loaded = coefficients.load(_write(tmp_path, text=f"[a]{ENTRY}"))

    changed = loaded.replaced({"training.a": {"value": 0.6, "kind": "answer"}})

    assert changed.get("training.a").value == 0.6
    assert loaded.get("training.a").value == 0.62
    assert changed.sha256 != loaded.sha256
    with pytest.raises(CoefficientError):
        loaded.replaced({"training.a": {"value": 2.0}})


def test_every_shipped_coefficient_loads_with_its_evidence():
    shipped = coefficients.load()

    for entry in shipped:
        evidence = shipped.evidence(entry.id)
        assert evidence["source"]
        assert evidence["unit"]
