import math

import pandas as pd
import pytest

from estimator.storage import checkpoint_tb, monthly_cost

PRICES = pd.DataFrame(
    {
        "id": ["s3", "fsx", "quote"],
        "price_usd_per_gb_month": [0.023, 0.14, math.nan],
        "request_price": ["PUT 0.005/1k", "", ""],
        "no_price_reason": ["", "", "no public price: ask for a quote"],
    }
)


def test_ten_terabytes_cost_ten_thousand_gigabytes():
    costs = monthly_cost(stored_tb=10.0, prices=PRICES)

    assert costs["storage_usd_per_month"].iloc[0] == pytest.approx(230.0)
    assert costs["storage_usd_per_month"].iloc[1] == pytest.approx(1_400.0)


def test_a_row_without_a_price_keeps_its_reason():
    costs = monthly_cost(stored_tb=10.0, prices=PRICES)

    assert math.isnan(costs["storage_usd_per_month"].iloc[2])
    assert costs["storage_reason"].iloc[2] == "no public price: ask for a quote"


def test_what_is_billed_apart_is_named():
    assert (
        monthly_cost(stored_tb=1.0, prices=PRICES)["storage_reason"].iloc[0] == "capacity only; billed apart: requests"
    )


def test_an_unknown_volume_is_unknown_and_not_free():
    costs = monthly_cost(stored_tb=None, prices=PRICES)

    assert costs["storage_usd_per_month"].isna().all()
    assert "data.stored_tb" in costs["storage_reason"].iloc[0]


def test_the_prices_themselves_are_not_touched():
    before = PRICES.copy()

    monthly_cost(stored_tb=1.0, prices=PRICES)

    pd.testing.assert_frame_equal(PRICES, before)


def test_a_negative_volume_is_refused():
    with pytest.raises(ValueError, match="expected 0 or more"):
        monthly_cost(stored_tb=-1.0, prices=PRICES)


def test_three_checkpoints_of_seventy_billion_parameters():
    # 70e9 × 14 bytes = 0.98 TB each
    assert checkpoint_tb(params=70e9, bytes_per_param=14, kept_count=3) == pytest.approx(2.94)
