"""The team's own contract terms: a discount beside the list price, and promised spend that a plan leaves undrawn."""

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from advisor.core.case import Case
from advisor.core.quantity import Number, number, rounded, unknown

Row = Mapping[str, Any]
_UNIT = "USD/month"


def net(*, compute: Number, row: Row, case: Case) -> Number | None:
    """Return a stack's compute net of the largest discount that covers it; None where none does. [USD/month]"""
    found = [
        (discount.fraction, index)
        for index, discount in enumerate(case.document.commercial.discounts or ())
        if discount.provider == row["provider"]
        and fnmatch.fnmatch(row["sku"], discount.applies_to)
        and (discount.ends is None or discount.ends >= case.moment)
    ]
    if not found or compute["value"] is None:
        return None
    fraction, index = max(found)
    ends = {end: rounded(compute[end] * (1 - fraction)) for end in ("value", "low", "high")}
    answer = f"answer:commercial.discounts[{index}].fraction"
    return {**compute, **ends, "evidence": sorted({*compute["evidence"], answer})}


def commitments(case: Case) -> list[tuple[int, str, float]]:
    """Return the commitments that still run: position in the document, provider, USD a month."""
    return [
        (index, promise.provider, promise.usd_per_month)
        for index, promise in enumerate(case.document.commercial.commitments or ())
        if promise.ends is None or promise.ends >= case.moment
    ]


def undrawn(*, bills: Sequence[tuple[str, Number]], case: Case) -> dict[str, Number]:
    """Return what a plan strands of each commitment: the promised spend less its ``bills`` (provider, amount) there."""
    lines: dict[str, Number] = {}
    for index, provider, promised in commitments(case):
        here = [bill for name, bill in bills if name == provider]
        answer = f"answer:commercial.commitments[{index}].usd_per_month"
        evidence = (answer, *(id for bill in here for id in bill["evidence"]))
        title = f"commitment to {provider} left undrawn"
        if any(bill["value"] is None for bill in here):
            lines[title] = unknown(unit=_UNIT, reason=f"what is spent on {provider} is not known", evidence=evidence)
            continue
        spent = {end: sum(bill[end] for bill in here) for end in ("value", "low", "high")}
        left = max(0.0, promised - spent["value"])
        if left:
            lines[title] = number(
                left,
                max(0.0, promised - spent["high"]),
                max(0.0, promised - spent["low"]),
                unit=_UNIT,
                kind="answer",
                evidence=evidence,
                reason="promised and paid, whether drawn or not",
            )
    return lines
