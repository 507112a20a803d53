"""docs/estimates.md holds what the docstrings point to, and says the numbers that the coefficients have."""

import re
from pathlib import Path

import pytest

from estimator import coefficients

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "estimates.md").read_text(encoding="utf-8")
SHIPPED = coefficients.load()


def test_every_section_a_docstring_names_is_there():
    sections = set(re.findall(r"^## (\S+)$", PAGE, re.M))
    named = {
        name
        for path in (ROOT / "estimator").glob("*.py")
        for name in re.findall(r"``([a-z-]+)``,?(?: in)?\s+docs/estimates\.md", path.read_text(encoding="utf-8"))
    }

    assert len(named) > 10
    assert named <= sections


def test_every_link_within_the_page_has_its_section():
    sections = set(re.findall(r"^## (\S+)$", PAGE, re.M))

    assert set(re.findall(r"\]\(#([a-z-]+)\)", PAGE)) <= sections


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("cpu.peak_load_fraction", "{value:.2f} of the measured rate ({low:.2f}-{high:.2f})"),
        ("cpu.release_fraction", "*Released share* {value:g} ({low:g}-{high:g})"),
        ("cost.release_fraction.one", "one accelerator {value:g} ({low:g}-{high:g})"),
        ("cost.release_fraction.node", "racks and slices {value:g} ({low:g}-{high:g})"),
        ("cost.peak_factor", "{value:g} ({low:g}-{high:.1f}) is assumed and said"),
        ("cost.experiment_overhead", "{value:g} ({low:g}-{high:.1f}) of the runs' time"),
        ("cost.target_run_days", "a run of {value:g} days is aimed at"),
        ("cost.spare.zone_availability", "{value:g} % ({low:g}-{high:g})"),
        ("cost.checkpoint.kept_count", "keeps {value:g} ({low:g}-{high:g}) checkpoints"),
        ("cost.checkpoint.bytes_per_param", "{value:g} ({low:g}-{high:g}) bytes of each parameter"),
        ("cost.checkpoint.adapter_rank", "of rank {value:g} ({low:g}-{high:g})"),
        ("cost.spot_rework", "take {value:g} ({low:g}-{high:.2f})"),
        ("measured.other_stack_spread", "multiplies by {value:.2f} ({low:.2f}-{high:.2f})"),
        ("measured.same_accelerator_spread", "another host makes ({low:.2f}-{high:.2f})"),
        ("measured.same_stack_spread", "{low:.2f}-{high:.2f}; another stack"),
        ("managed.retry_multiplier", "*Retries* {value:.2f} ({low:.2f}-{high:.2f})"),
        ("managed.tokenizer_ratio", "*another tokenizer* {value:.1f} ({low:.2f}-{high:.2f})"),
        ("managed.hidden_output_multiplier", "*billed over counted output* {value:.1f} ({low:.1f}-{high:.1f})"),
        ("managed.cache_write_share", "Else {value:.2f} ({low:.2f}-{high:.2f}) of the cacheable tokens"),
        ("tokens.register", "*Register* {value:.2f} ({low:.2f}-{high:.2f})"),
        ("tokens.version.claude", "its models take {value:.2f} ({low:.2f}-{high:.2f}) times the tokens"),
        ("tokens.version.claude_before_4_7", "and {value:.2f} ({low:.2f}-{high:.2f}) before"),
        ("carbon.load_power_fraction", "{value:.2f} of TDP under load ({low:.2f}-{high:.2f})"),
    ],
)
def test_the_page_says_the_numbers_of_the_coefficients(key, told):
    entry = SHIPPED.get(key)
    words = " ".join(PAGE.split())

    assert told.format(value=entry.value, low=entry.low, high=entry.high) in words
