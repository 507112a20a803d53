"""What a team measured on endpoints of its own: evidence beside the catalog's, for its workspace's reports only."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from advisor.core.age import LIMITS
from advisor.core.report import content_hash
from estimator.managed import STANDARD
from estimator.uncertainty import Range
from estimator.workload import Workload

KIND = "probe"
# Reading a prompt takes time by its length: a probe whose prompts are much shorter shows too little of it.
ENOUGH_OF_THE_PROMPT = 0.5
_FIGURES = {"ttft": "time to first token", "tpot": "time per output token"}


@dataclass(frozen=True, kw_only=True)
class OwnProbe:
    """One probe of an endpoint that stands for a model offer: 95th percentiles with their 80 % intervals. [ms]"""

    number: int
    endpoint: str
    model_offer_id: str
    taken_on: dt.date
    vantage: str
    concurrency: int
    answered_count: int
    failed_count: int
    input_tokens: float | None  # median of the prompts, by the server's count
    output_tokens: float | None
    ttft_ms: Range
    tpot_ms: Range | None

    def evidence_id(self, figure: str) -> str:
        """Return the evidence id of one of its figures: ``ttft`` or ``tpot``."""
        return f"own_probe:{self.number}.{figure}"

    def evidence(self, figure: str) -> dict[str, Any]:
        """Return the evidence entry of one of its figures. [ms]"""
        found = self.ttft_ms if figure == "ttft" else self.tpot_ms
        if found is None or figure not in _FIGURES:
            raise KeyError(self.evidence_id(figure))
        return {
            "id": self.evidence_id(figure),
            "label": f"your own probe of {self.endpoint}: {_FIGURES[figure]}, 95th percentile",
            "value": _plain(found.typical),
            "low": _plain(found.low),
            "high": _plain(found.high),
            "unit": "ms",
            "kind": KIND,
            "source": f"your own probe of {self.endpoint}",
            "url": "",
            "locator": f"probe {self.number}: {self._said()}",
            "as_of": self.taken_on.isoformat(),
            "as_of_basis": "stated",
        }

    def _said(self) -> str:
        sizes = [
            f"{words} of {count:,.0f} tokens"
            for words, count in (("prompts", self.input_tokens), ("answers", self.output_tokens))
            if count is not None
        ]
        told = f"n = {self.answered_count}, {self.concurrency} at a time, {self.failed_count} failed"
        return "; ".join([told, *sizes, f"measured from {self.vantage}, not from where your users are"])


def fingerprint(probes: Sequence[OwnProbe]) -> str:
    """Return the hash of the probes a report used, whatever their order."""
    rows = [asdict(one) | {"taken_on": one.taken_on.isoformat()} for one in sorted(probes, key=lambda one: one.number)]
    plain = [{name: list(value) if isinstance(value, tuple) else value for name, value in row.items()} for row in rows]
    return content_hash(plain)


def evidence(probes: Sequence[OwnProbe], id: str) -> dict[str, Any]:
    """Return the entry of ``own_probe:<number>.<figure>``. Raises KeyError for an unknown one."""
    for one in probes:
        for figure in _FIGURES:
            if one.evidence_id(figure) == id:
                return one.evidence(figure)
    raise KeyError(id)


def joined(frame: pd.DataFrame, *, probes: Sequence[OwnProbe], workload: Workload, moment: dt.date) -> pd.DataFrame:
    """Return managed candidates with what their team measured of them, NaN where it did not. [ms]

    A probe speaks for the standard tier of its model offer alone: batches are not waited for. ``latency_doubt`` says
    why a figure is shown and decides nothing: it is older than its sort of fact may be, or its prompts were much
    shorter than the workload's. Source: the probe itself.
    """
    newest: dict[str, OwnProbe] = {}
    for one in sorted(probes, key=lambda one: (one.taken_on, one.number)):
        newest[one.model_offer_id] = one
    found = [
        newest.get(str(offer)) if tier == STANDARD else None
        for offer, tier in zip(frame["model_offer_id"], frame["tier"], strict=True)
    ]
    columns: dict[str, Any] = {
        "latency_doubt": [_doubt(one, workload=workload, moment=moment) if one else "" for one in found]
    }
    for figure in _FIGURES:
        ranges = [getattr(one, f"{figure}_ms") if one else None for one in found]
        for place, end in enumerate(("low", "typical", "high")):
            columns[f"{figure}_ms_{end}"] = [np.nan if span is None else float(span[place]) for span in ranges]
        columns[f"{figure}_ms_kind"] = ["" if span is None else KIND for span in ranges]
        columns[f"{figure}_ms_evidence"] = [
            one.evidence_id(figure) if one and span is not None else "" for one, span in zip(found, ranges, strict=True)
        ]
    return frame.assign(**columns)


def _doubt(one: OwnProbe, *, workload: Workload, moment: dt.date) -> str:
    age = (moment - one.taken_on).days
    if age > LIMITS[KIND].days:
        return f"the probe is {age} days old: measure again"
    wanted = workload.traffic.input_tokens
    if wanted is None:
        return ""
    if one.input_tokens is None:
        return "the server did not say how long the probe's prompts were"
    if one.input_tokens < ENOUGH_OF_THE_PROMPT * wanted:
        return (
            f"the probe's prompts of {one.input_tokens:,.0f} tokens are much shorter than yours of {wanted:,.0f}: "
            "measure with longer ones"
        )
    return ""


def _plain(value: Any) -> float:
    return float(f"{float(value):.6g}")
