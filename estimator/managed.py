"""What a managed model API costs for a workload's tokens, model by model."""

from typing import Any

import numpy as np
import pandas as pd

from catalog.units import DAYS_PER_MONTH, HOURS_PER_DAY, SECONDS_PER_HOUR, TOKENS_PER_MTOK
from estimator import tokens, uncertainty
from estimator.coefficients import Coefficients
from estimator.columns import MANAGED_COLUMNS
from estimator.uncertainty import Range
from estimator.workload import Horizon, Traffic, Workload

Number = Any  # a float or a numpy array; formulas take either

STANDARD, BATCH = "standard", "batch"
SECONDS_PER_MINUTE = 60


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

    Uncached input and output at their prices. Of the input that a cache can hold, a share ``cache_write_share`` is
    written at the write price (at the input price where none is listed) and the rest is read at the cached price; a
    model without a cached price bills every input token in full. A missing input price with input to bill, or output
    price with output to bill, gives NaN. Source: ``managed`` in docs/estimates.md; the providers' price pages through
    the catalog.
    """
    has_cache = ~np.isnan(np.asarray(cached_input_usd_per_mtok, dtype=float))
    cached = np.where(has_cache, cached_fraction, 0.0) * input_tokens
    write_price = np.where(np.isnan(cache_write_usd_per_mtok), input_usd_per_mtok, cache_write_usd_per_mtok)
    parts = (
        ((input_tokens - cached), input_usd_per_mtok),
        (cached * (1.0 - cache_write_share), cached_input_usd_per_mtok),
        (cached * cache_write_share, write_price),
        (output_tokens, output_usd_per_mtok),
    )
    # A price that nothing is billed at may be missing; 0 × NaN would say otherwise.
    total: Number = sum(np.where(np.asarray(tokens) > 0, tokens * price, 0.0) for tokens, price in parts)
    return total / TOKENS_PER_MTOK


def cache_write_share(*, calls_per_s: Number, cache_ttl_minutes: Number) -> Range:
    """Return the share of the calls that find no cached prefix and write it anew. [fraction of the calls]

    Typical: a prefix lives so many minutes from its writing, then the next call writes it again, so that one call in
    1 + calls within the lifetime writes: one per lifetime where calls are many, every call where they are rare. Low:
    each read renews the lifetime, and calls come at random (Poisson), so that a call writes when the gap before it is
    longer: e^(-calls within the lifetime). High: half of the lifetime, where calls spread over two caches or prefixes.
    Valid for one prefix that all calls share. Source: ``managed`` in docs/estimates.md.
    """
    within = np.asarray(calls_per_s, dtype=float) * SECONDS_PER_MINUTE * cache_ttl_minutes
    return Range(np.exp(-within), 1.0 / (1.0 + within), 1.0 / (1.0 + within / 2.0))


def estimate_managed(
    *, workload: Workload, model_offers: pd.DataFrame, coefficients: Coefficients, horizon: Horizon
) -> pd.DataFrame:
    """Return ``model_offers`` with the managed columns added: tokens and cost of a month at full load. [USD month⁻¹]

    Tokens stated by the team are taken as they are; where only characters are stated, each model counts them with its
    own tokenizer (``tokens.tokens_of``). Batch prices hold for ``batch_inference`` where the model lists them (tier
    ``batch``); long-context prices where the mean prompt passes the model's threshold. Low and high come from retries,
    tokens billed beyond those counted, the count of the tokens and the writes of a cache, as independent factors;
    prices are taken as listed. No traffic, no tokens or no price gives NaN and ``estimate_reason``. The cost of a month
    does not depend on the horizon: the ramp is the plan's. Source: ``managed`` in docs/estimates.md.
    """
    out = model_offers.copy()
    traffic = workload.traffic
    missing = _missing(traffic)
    tokenizers = [tokens.tokenizer_of(str(name)) for name in out["family"]]
    entering = _counted(traffic=traffic, side="input", tokenizers=tokenizers, coefficients=coefficients)
    leaving = _counted(traffic=traffic, side="output", tokenizers=tokenizers, coefficients=coefficients)
    fits, unfit = _fits(out, input_tokens=entering.typical, output_tokens=leaving.typical)
    batch = _batched(out) if workload.kind == "batch_inference" else np.zeros(len(out), dtype=bool)
    prices = _prices(out, batch=batch, input_tokens=entering.typical)
    calls = np.nan
    if not missing:
        calls = tokens.calls_per_request(traffic) * requests_per_month(
            requests_per_s_mean=traffic.requests_per_s_mean,
            hours_per_day=HOURS_PER_DAY if traffic.hours_per_day is None else traffic.hours_per_day,
        )
    cost = _cost(
        calls=calls,
        input_tokens=entering,
        output_tokens=leaving,
        traffic=traffic,
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
    out["input_tokens_per_month"] = calls * entering.typical
    out["output_tokens_per_month"] = calls * leaving.typical
    for end, usd in zip(("low", "typical", "high"), cost, strict=True):
        out[f"managed_usd_per_month_{end}"] = np.where(fits, usd, np.nan)
    out["tier"] = np.where(batch, BATCH, STANDARD)
    out["evidence"] = pd.Series(
        _evidence(out, workload=workload, tokenizers=tokenizers, coefficients=coefficients), out.index, dtype=object
    )
    return out[[*model_offers.columns, *MANAGED_COLUMNS]]


def _missing(traffic: Traffic) -> str:
    if traffic.requests_per_s_mean is None:
        return "cost unknown: state traffic.requests_per_s_mean"
    if not tokens.is_counted(traffic):
        return (
            "cost unknown: state traffic.input_tokens and traffic.output_tokens of one request, or its "
            "input_characters and output_characters"
        )
    return ""


def _counted(*, traffic: Traffic, side: str, tokenizers: list[str], coefficients: Coefficients) -> Range:
    """Return the tokens of one call on each model: as stated, else from the characters; 0 where neither was said.

    Stated tokens were cut by one tokenizer and are billed by another's; characters are cut by each model's own.
    """
    stated = getattr(traffic, f"{side}_tokens")
    characters = getattr(traffic, f"{side}_characters")
    hidden = (traffic.reasoning_tokens or 0.0) if side == "output" else 0.0
    recut = uncertainty.of(coefficients.get("managed.tokenizer_ratio"))
    none = np.zeros(len(tokenizers))
    if stated is not None or characters is None:
        return uncertainty.scaled(recut, none + (stated or 0.0) + hidden)
    found = tokens.tokens_of(
        characters=characters, language=traffic.language, tokenizers=tokenizers, coefficients=coefficients
    )
    return uncertainty.total(found, uncertainty.scaled(recut, none + hidden))


def _fits(offers: pd.DataFrame, *, input_tokens: Any, output_tokens: Any) -> tuple[Any, Any]:
    """A window the catalog does not know is no obstacle; it is the provider's to confirm."""
    window = offers["context_window_tokens"].to_numpy(dtype=float)
    longest = offers["max_output_tokens"].to_numpy(dtype=float)
    too_long = input_tokens + output_tokens > window
    too_much = output_tokens > longest
    told = [
        f"a request of {read + written:,.0f} tokens does not fit the model's context window"
        if beyond
        else f"an answer of {written:,.0f} tokens is longer than the model writes"
        for read, written, beyond in zip(input_tokens, output_tokens, too_long, strict=True)
    ]
    return ~(too_long | too_much), np.array(told, dtype=object)


def _batched(offers: pd.DataFrame) -> Any:
    return (offers["batch_input_usd_per_mtok"].notna() & offers["batch_output_usd_per_mtok"].notna()).to_numpy()


def _prices(offers: pd.DataFrame, *, batch: Any, input_tokens: Any) -> dict[str, Any]:
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
    calls: Number,
    input_tokens: Range,
    output_tokens: Range,
    traffic: Traffic,
    prices: dict[str, Any],
    coefficients: Coefficients,
) -> Range:
    retries = _retries(traffic=traffic, coefficients=coefficients)

    def bill(*, end: int, share: Number) -> Number:
        return token_cost(
            input_tokens=input_tokens[end],
            output_tokens=output_tokens[end],
            cached_fraction=traffic.cached_fraction or 0.0,
            cache_write_share=share,
            **prices,
        )

    shares = _writes(traffic=traffic, retries=retries, coefficients=coefficients)
    # Writing costs more than reading on nearly every model; where it does not, the ends change places.
    whole = Range(*(calls * end for end in np.sort(np.stack([bill(end=1, share=share) for share in shares]), axis=0)))
    counted = [bill(end=end, share=shares.typical) for end in range(3)]
    with np.errstate(divide="ignore", invalid="ignore"):
        recut = Range(*(np.where(counted[1] > 0, end / counted[1], 1.0) for end in counted))
    hidden = uncertainty.of(coefficients.get("managed.hidden_output_multiplier"))
    if traffic.reasoning_tokens is not None:
        hidden = uncertainty.exactly(1.0)
    written = np.where(output_tokens.typical > 0, output_tokens.typical * prices["output_usd_per_mtok"], 0.0)
    # Only output grows by hidden tokens; the whole grows by retries and by another way of cutting text.
    with_hidden = Range(
        *(end + calls * written / TOKENS_PER_MTOK * (factor - 1) for end, factor in zip(whole, hidden, strict=True))
    )
    return uncertainty.independent(with_hidden, retries, recut)


def _retries(*, traffic: Traffic, coefficients: Coefficients) -> Range:
    if traffic.retry_fraction is not None:
        return uncertainty.exactly(1.0 + traffic.retry_fraction)
    return uncertainty.of(coefficients.get("managed.retry_multiplier"))


def _writes(*, traffic: Traffic, retries: Range, coefficients: Coefficients) -> Range:
    """Return which share of the cacheable tokens is written: as measured, else by the lifetime, else as assumed."""
    if traffic.cache_write_fraction is not None:
        return uncertainty.exactly(traffic.cache_write_fraction)
    if traffic.cache_ttl_minutes is not None and traffic.requests_per_s_mean is not None:
        return cache_write_share(
            calls_per_s=traffic.requests_per_s_mean * tokens.calls_per_request(traffic) * retries.typical,
            cache_ttl_minutes=traffic.cache_ttl_minutes,
        )
    return uncertainty.of(coefficients.get("managed.cache_write_share"))


def _no_price(offers: pd.DataFrame) -> Any:
    told = offers["price_reason"].fillna("").astype(str) if "price_reason" in offers else pd.Series("", offers.index)
    return np.where(told != "", told, "no public price per token")


def _evidence(
    offers: pd.DataFrame, *, workload: Workload, tokenizers: list[str], coefficients: Coefficients
) -> list[tuple[str, ...]]:
    traffic = workload.traffic
    shared = [f"answer:{workload.id}.traffic.requests_per_s_mean", *tokens.answers_of(workload)]
    if traffic.retry_fraction is None:
        shared.append("coefficient:managed.retry_multiplier")
    if traffic.reasoning_tokens is None:
        shared.append("coefficient:managed.hidden_output_multiplier")
    if traffic.reasoning_tokens or traffic.input_tokens is not None or traffic.output_tokens is not None:
        shared.append("coefficient:managed.tokenizer_ratio")
    if traffic.cached_fraction:
        shared += _cache_evidence(workload)
    own: dict[str, tuple[str, ...]] = dict.fromkeys(tokenizers, ())
    if tokens.is_counted(traffic) and None in (traffic.input_tokens, traffic.output_tokens):
        own = {
            name: tokens.evidence_of(language=traffic.language, tokenizer=name, coefficients=coefficients)
            for name in own
        }
    return [
        (f"model_offer:{id}", *shared, *own[name])
        for id, name in zip(offers["model_offer_id"], tokenizers, strict=True)
    ]


def _cache_evidence(workload: Workload) -> tuple[str, ...]:
    answer = f"answer:{workload.id}.traffic."
    told = next(
        (name for name in ("cache_write_fraction", "cache_ttl_minutes") if getattr(workload.traffic, name) is not None),
        "",
    )
    return (f"{answer}cached_fraction", f"{answer}{told}" if told else "coefficient:managed.cache_write_share")
