"""What a managed model API costs for a workload's tokens, model by model."""

from typing import Any

import numpy as np
import pandas as pd

from catalog.units import DAYS_PER_MONTH, HOURS_PER_DAY, SECONDS_PER_HOUR, TOKENS_PER_MTOK
from estimator import uncertainty
from estimator.coefficients import Coefficients
from estimator.columns import MANAGED_COLUMNS
from estimator.uncertainty import Range
from estimator.workload import Horizon, Traffic, Workload

Number = Any  # a float or a numpy array; formulas take either

STANDARD, BATCH = "standard", "batch"


def requests_per_month(*, requests_per_s_mean: Number, hours_per_day: Number) -> Number:
    """Return the requests of a month. [requests month⁻¹]

    The mean rate holds over ``hours_per_day``; a month is 730 hours. Source: definition.
    """
    return requests_per_s_mean * SECONDS_PER_HOUR * hours_per_day * DAYS_PER_MONTH


def token_cost(
    *,
    input_tokens: Number,
    output_tokens: Number,
    cached_fraction: Number,
    input_usd_per_mtok: Number,
    output_usd_per_mtok: Number,
    cached_input_usd_per_mtok: Number,
    cache_write_usd_per_mtok: Number,
    cache_write_share: Number,
) -> Number:
    """Return the price of so many tokens. [USD]

    Uncached input and output at their prices. Of the cached input, a share ``cache_write_share`` is written at the
    write price (at the input price where none is listed) and all is read at the cached price; a model without a cached
    price bills every input token in full. A missing input price with input to bill, or output price with output to
    bill, gives NaN. Source: ``managed`` in docs/estimates.md; the providers' price pages through the catalog.
    """
    has_cache = ~np.isnan(np.asarray(cached_input_usd_per_mtok, dtype=float))
    cached = np.where(has_cache, cached_fraction, 0.0) * input_tokens
    write_price = np.where(np.isnan(cache_write_usd_per_mtok), input_usd_per_mtok, cache_write_usd_per_mtok)
    parts = (
        ((input_tokens - cached), input_usd_per_mtok),
        (cached, cached_input_usd_per_mtok),
        (cached * cache_write_share, write_price),
        (output_tokens, output_usd_per_mtok),
    )
    # A price that nothing is billed at may be missing; 0 × NaN would say otherwise.
    total: Number = sum(np.where(np.asarray(tokens) > 0, tokens * price, 0.0) for tokens, price in parts)
    return total / TOKENS_PER_MTOK


def estimate_managed(
    *, workload: Workload, model_offers: pd.DataFrame, coefficients: Coefficients, horizon: Horizon
) -> pd.DataFrame:
    """Return ``model_offers`` with the managed columns added: tokens and cost of a month at full load. [USD month⁻¹]

    Batch prices hold for ``batch_inference`` where the model lists them (tier ``batch``); long-context prices where
    the mean prompt passes the model's threshold. Low and high come from retries, tokens billed beyond those counted,
    and another tokenizer, as independent factors; prices are taken as listed. No traffic, no tokens or no price gives
    NaN and ``estimate_reason``. The cost of a month does not depend on the horizon: the ramp is the plan's.
    Source: ``managed`` in docs/estimates.md.
    """
    out = model_offers.copy()
    traffic = workload.traffic
    missing = _missing(traffic)
    input_tokens, output_tokens = traffic.input_tokens or 0.0, traffic.output_tokens or 0.0
    fits, unfit = _fits(out, input_tokens=input_tokens, output_tokens=output_tokens)
    batch = _batched(out) if workload.kind == "batch_inference" else np.zeros(len(out), dtype=bool)
    prices = _prices(out, batch=batch, input_tokens=input_tokens)
    requests = np.nan
    if not missing:
        requests = requests_per_month(
            requests_per_s_mean=traffic.requests_per_s_mean,
            hours_per_day=HOURS_PER_DAY if traffic.hours_per_day is None else traffic.hours_per_day,
        )
    cost = _cost(
        requests=requests,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_fraction=traffic.cached_fraction or 0.0,
        prices=prices,
        coefficients=coefficients,
    )
    priced = ~np.isnan(cost.typical)
    reason = np.where(
        bool(missing),
        missing,
        np.where(~fits, unfit, np.where(priced, "", _no_price(out))),
    )
    out["fits"] = fits
    # A price that is missing is the offer's gap, not the estimate's: the tokens and the verdict stand.
    out["estimable"] = not missing
    out["estimate_reason"] = reason
    out["estimate_kind"] = "" if missing else "estimate"
    out["input_tokens_per_month"] = requests * input_tokens
    out["output_tokens_per_month"] = requests * output_tokens
    for end, usd in zip(("low", "typical", "high"), cost, strict=True):
        out[f"managed_usd_per_month_{end}"] = np.where(fits, usd, np.nan)
    out["tier"] = np.where(batch, BATCH, STANDARD)
    out["evidence"] = _evidence(out, workload=workload, cached=bool(traffic.cached_fraction))
    return out[[*model_offers.columns, *MANAGED_COLUMNS]]


def _missing(traffic: Traffic) -> str:
    if traffic.requests_per_s_mean is None:
        return "cost unknown: state traffic.requests_per_s_mean"
    if traffic.input_tokens is None or traffic.output_tokens is None:
        return "cost unknown: state traffic.input_tokens and traffic.output_tokens of one request"
    return ""


def _fits(offers: pd.DataFrame, *, input_tokens: float, output_tokens: float) -> tuple[Any, Any]:
    """A window the catalog does not know is no obstacle; it is the provider's to confirm."""
    window = offers["context_window_tokens"].to_numpy(dtype=float)
    longest = offers["max_output_tokens"].to_numpy(dtype=float)
    too_long = input_tokens + output_tokens > window
    too_much = output_tokens > longest
    told = np.where(
        too_long,
        f"a request of {input_tokens + output_tokens:,.0f} tokens does not fit the model's context window",
        f"an answer of {output_tokens:,.0f} tokens is longer than the model writes",
    )
    return ~(too_long | too_much), told


def _batched(offers: pd.DataFrame) -> Any:
    return (offers["batch_input_usd_per_mtok"].notna() & offers["batch_output_usd_per_mtok"].notna()).to_numpy()


def _prices(offers: pd.DataFrame, *, batch: Any, input_tokens: float) -> dict[str, Any]:
    """Choose the tier's prices; a long prompt on the batch tier keeps the batch prices, the only ones listed."""
    column = {name: offers[f"{name}_usd_per_mtok"].to_numpy(dtype=float) for name in _PRICED}
    threshold = offers["long_context_threshold_tokens"].to_numpy(dtype=float)
    long = (input_tokens > threshold) & ~batch
    listed_input = np.where(long, _or(column["long_context_input"], column["input"]), column["input"])
    # Cache prices are listed for short prompts; providers raise them with the input price.
    with np.errstate(invalid="ignore", divide="ignore"):
        dearer = np.where(long, listed_input / column["input"], 1.0)
    return {
        "input_usd_per_mtok": np.where(batch, column["batch_input"], listed_input),
        "output_usd_per_mtok": np.where(
            batch,
            column["batch_output"],
            np.where(long, _or(column["long_context_output"], column["output"]), column["output"]),
        ),
        # Nobody lists a discount on top of the batch discount, so batches are taken without a cache.
        "cached_input_usd_per_mtok": np.where(batch, np.nan, column["cached_input"] * dearer),
        "cache_write_usd_per_mtok": np.where(batch, np.nan, column["cache_write"] * dearer),
    }


_PRICED = (
    "input",
    "output",
    "cached_input",
    "cache_write",
    "batch_input",
    "batch_output",
    "long_context_input",
    "long_context_output",
)


def _or(first: Any, second: Any) -> Any:
    return np.where(np.isnan(first), second, first)


def _cost(
    *,
    requests: Number,
    input_tokens: float,
    output_tokens: float,
    cached_fraction: float,
    prices: dict[str, Any],
    coefficients: Coefficients,
) -> Range:
    writes = uncertainty.of(coefficients.get("managed.cache_write_share"))
    whole = Range(
        *(
            requests
            * token_cost(
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                cached_fraction=cached_fraction,
                cache_write_share=share,
                **prices,
            )
            for share in writes
        )
    )
    hidden = uncertainty.of(coefficients.get("managed.hidden_output_multiplier"))
    written = (
        requests * np.where(output_tokens > 0, output_tokens * prices["output_usd_per_mtok"], 0.0) / TOKENS_PER_MTOK
    )
    # Only output grows by hidden tokens; the whole grows by retries and by another way of cutting text.
    with_hidden = Range(*(end + written * (factor - 1) for end, factor in zip(whole, hidden, strict=True)))
    return uncertainty.independent(
        with_hidden,
        uncertainty.of(coefficients.get("managed.retry_multiplier")),
        uncertainty.of(coefficients.get("managed.tokenizer_ratio")),
    )


def _no_price(offers: pd.DataFrame) -> Any:
    told = offers["price_reason"].fillna("").astype(str) if "price_reason" in offers else pd.Series("", offers.index)
    return np.where(told != "", told, "no public price per token")


def _evidence(offers: pd.DataFrame, *, workload: Workload, cached: bool) -> list[tuple[str, ...]]:
    shared = (
        *(f"answer:{workload.id}.traffic.{name}" for name in ("requests_per_s_mean", "input_tokens", "output_tokens")),
        "coefficient:managed.retry_multiplier",
        "coefficient:managed.hidden_output_multiplier",
        "coefficient:managed.tokenizer_ratio",
        *(("coefficient:managed.cache_write_share",) if cached else ()),
    )
    return [(f"model_offer:{id}", *shared) for id in offers["model_offer_id"]]
