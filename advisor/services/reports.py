"""Stored reports: read once for all their pages, and listed for a decision."""

from functools import lru_cache

from advisor.core import readout
from advisor.core.readout import Readout
from advisor.models import Decision, Report


def opened(*, report: Report) -> Readout:
    """Return a report as its pages need it. A report never changes, so the same bytes are read once."""
    return _read(bytes(report.content))


@lru_cache(maxsize=8)
def _read(content: bytes) -> Readout:
    return readout.read(content)


def reported_numbers(*, decision: Decision) -> list[int]:
    """Return the numbers of a decision's revisions that have a report, newest first."""
    found = Report.objects.filter(run__revision__decision=decision).values_list("run__revision__number", flat=True)
    return sorted(set(found), reverse=True)
