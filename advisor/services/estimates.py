"""Estimates for whoever asks: nothing is stored, half a second of work at most for one workload."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from advisor.core import estimates
from advisor.core.estimates import Wanted
from advisor.core.report import canonical
from catalog import queries
from estimator import coefficients


def estimate(*, question: Mapping[str, Any], wanted: Wanted, moment: datetime) -> bytes:
    """Return the estimates of a question's workload as canonical JSON.

    Raises DocumentError by the paths of the question, and catalog.queries.NoRelease.
    """
    day = moment.date()
    catalog = queries.current(day)
    found = estimates.estimates(
        document=estimates.document_of(question, catalog=catalog, moment=day),
        wanted=wanted,
        catalog=catalog,
        coefficients=coefficients.load(),
        moment=day,
    )
    return canonical(found)
