"""What stored data costs a month, and what a training run's checkpoints add to it."""

from typing import Any

import numpy as np
import pandas as pd

from catalog.units import GB_PER_TB

Number = Any  # a float or a numpy array; formulas take either


def monthly_cost(*, stored_tb: Number, prices: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``prices`` with ``storage_usd_per_month`` and ``storage_reason`` added. [USD month⁻¹]

    ``prices`` are rows of the catalog's storage prices; ``price_usd_per_gb_month`` is per decimal GB there. Capacity
    only: requests, throughput and retrieval are billed apart and are named in the reason where the row prices them.
    A row without a price, or an unknown volume, gives NaN with the reason. Linear in volume, because the catalog
    holds first-tier prices; large buyers pay less. Source: ``storage`` in docs/estimates.md.
    """
    out = prices.copy()
    if stored_tb is None:
        out["storage_usd_per_month"] = np.nan
        out["storage_reason"] = "the stored volume is not known: state data.stored_tb"
        return out
    if np.any(np.asarray(stored_tb, dtype=float) < 0):
        raise ValueError(f"stored_tb is {stored_tb}, expected 0 or more")
    per_gb = out["price_usd_per_gb_month"].astype(float)
    out["storage_usd_per_month"] = np.asarray(stored_tb, dtype=float) * GB_PER_TB * per_gb
    named = out.get("no_price_reason", pd.Series("", index=out.index)).fillna("").astype(str)
    missing = named.where(named != "", "no public price")
    apart = _billed_apart(out)
    out["storage_reason"] = missing.where(per_gb.isna(), apart)
    return out


def checkpoint_tb(*, params: Number, bytes_per_param: Number, kept_count: Number) -> Number:
    """Return the storage that kept checkpoints take. [TB]

    ``bytes_per_param`` is 14 for weights in BF16 with Adam's master copy and two moments in FP32 (2 + 4 + 4 + 4), 2
    for weights only. Source: Rajbhandari et al. 2020 (arXiv:1910.02054), section 3.1.
    """
    return params * bytes_per_param * kept_count / 1e12


def _billed_apart(rows: pd.DataFrame) -> pd.Series:
    parts = {
        "request_price": "requests",
        "iops_price_usd_per_month": "provisioned IOPS",
        "throughput_price_usd_per_mib_per_s_month": "provisioned throughput",
    }
    told = pd.Series("", index=rows.index, dtype=object)
    for column, word in parts.items():
        if column in rows:
            has = rows[column].notna() & (rows[column].astype(str) != "")
            told = told.where(~has, told + np.where(told != "", ", ", "") + word)
    return pd.Series(np.where(told != "", "capacity only; billed apart: " + told, "capacity only"), index=rows.index)
