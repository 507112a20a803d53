"""Conversions at the border."""

import pytest

from catalog import units


def test_eighty_gibibytes_are_nearly_eighty_six_gigabytes() -> None:
    assert units.gb_from_gib(80) == pytest.approx(85.89934592)


def test_a_price_per_gib_is_lower_per_gb() -> None:
    assert units.usd_per_gb_month_from_gib_month(0.023) == pytest.approx(0.02142, rel=1e-3)


def test_twelve_billing_months_are_a_year_of_hours() -> None:
    assert units.HOURS_PER_MONTH * 12 == 365 * 24
