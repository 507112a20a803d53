"""How old a fact is, and from when on it should be confirmed before anything stands on it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Limit:
    """After how many days a sort of fact counts as stale, and why then."""

    days: float
    why: str


SPOT = "spot price"
PUBLISHED = "published text or shape"
LIMITS: Mapping[str, Limit] = {
    SPOT: Limit(45, "The clouds set spot prices anew each month or faster, so one older than six weeks has moved."),
    "list price": Limit(180, "List prices change a few times in two years; half a year on, one should be read again."),
    "specification": Limit(365, "Hardware keeps its figures, but what is offered where changes within a year."),
    "probe": Limit(90, "A managed API runs on other hardware and under other load a quarter later."),
    "published benchmark": Limit(730, "A measured run stays true; software two years newer runs differently."),
    "judgement": Limit(365, "A judgement rests on what was offered when it was made."),
    "assumption": Limit(365, "An assumption stands until somebody measures; a year is long enough to look again."),
    "estimate": Limit(365, "An estimate ages with the facts that it was computed from."),
    PUBLISHED: Limit(
        np.inf, "A licence or a model's shape stays as it was published; a new one gets a row of its own."
    ),
}
FRESH, STALE, UNDATED = "fresh", "stale", "undated"

_DAYS_PER_WEEK, _DAYS_PER_MONTH, _DAYS_PER_YEAR = 7, 30.4375, 365.25
# From these ages on, the coarser word is used: "13 days", "8 weeks", "23 months", "2 years".
_WEEKS_FROM_DAYS, _MONTHS_FROM_DAYS, _YEARS_FROM_DAYS = 14, 60, 730


def age_days(*, as_of: pd.Series, moment: dt.date) -> pd.Series:
    """Return how old each ISO date is, NaN where there is none. [days]

    Vectorised. Valid for dates after 1970; one after the moment gives a negative age. Source: the rows' own dates.
    """
    dates = np.where(as_of == "", "NaT", as_of.to_numpy(dtype=object)).astype("datetime64[D]")
    days = (np.datetime64(moment, "D") - dates).astype("timedelta64[D]")
    return pd.Series(np.where(np.isnat(dates), np.nan, days.astype(float)), index=as_of.index)


def freshness(*, days: pd.Series, sort: pd.Series) -> pd.Series:
    """Return fresh, stale or undated for each age and sort of fact (a key of ``LIMITS``). [word]

    Undated is a state of its own: it is not known to be old, and it cannot be shown to be young. Source: ``LIMITS``.
    """
    limit = sort.map({name: one.days for name, one in LIMITS.items()})
    words = np.where(days.isna(), UNDATED, np.where(days > limit, STALE, FRESH))
    return pd.Series(words, index=days.index, dtype="str")


def sort_of(*, prefix: str, kind: str, basis: str = "") -> str:
    """Return the key of ``LIMITS`` that a row belongs to: its kind, but for spot prices, licences and shapes."""
    if prefix in ("licence", "architecture"):
        return PUBLISHED
    return SPOT if basis == "spot" else kind


def age_text(days: float) -> str:
    """Return an age in words: `today`, `3 days old`, `4 months old`; `undated` for NaN."""
    if np.isnan(days):
        return "undated"
    if days < 0:
        return "dated after today"
    if days == 0:
        return "from today"
    if days < _WEEKS_FROM_DAYS:
        return _old(days, "day")
    if days < _MONTHS_FROM_DAYS:
        return _old(days / _DAYS_PER_WEEK, "week")
    if days < _YEARS_FROM_DAYS:
        return _old(days / _DAYS_PER_MONTH, "month")
    return _old(days / _DAYS_PER_YEAR, "year")


def _old(count: float, word: str) -> str:
    rounded = int(count)
    return f"{rounded} {word}{'' if rounded == 1 else 's'} old"
