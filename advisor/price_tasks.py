"""The Celery tasks of the queue `prices`: refreshes and latency probes. Each is safe to run twice.

Apart from the others, because a worker that loads only these (CELERY_IMPORTS) has no frames in its memory.
"""

import logging
from collections.abc import Iterable, Sequence

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from advisor.services import probing, refreshes
from catalog import refresh

logger = logging.getLogger(__name__)


def send_probes(*, part_ids: Iterable[int]) -> None:
    """Enqueue the parts of a probe run once committed; without a broker `advisor.requeue_lost` sends them later."""
    try:
        for part_id in part_ids:
            probe_regions.delay_on_commit(part_id=part_id)
    except OperationalError:
        logger.exception("Probes could not be enqueued now.")


@shared_task(name="catalog.probe_regions", ignore_result=True)
def probe_regions(*, part_id: int, **later: object) -> None:
    """Measure the latency to a few targets of one provider. A second delivery finds the part taken and ends."""
    probing.execute(part_id=part_id, moment=timezone.now())


def send_parts(part_ids: Sequence[int]) -> None:
    """Enqueue the parts of a refresh run; without a broker `catalog.tend_refreshes` sends them later."""
    try:
        for part_id in part_ids:
            refresh_part.delay_on_commit(part_id=part_id)
    except OperationalError:
        logger.exception("The parts of a refresh could not be enqueued now.")


@shared_task(
    name="catalog.refresh_part",
    ignore_result=True,
    soft_time_limit=settings.REFRESH_PART_SOFT_LIMIT_S,
    time_limit=settings.REFRESH_PART_LIMIT_S,
)
def refresh_part(*, part_id: int, **later: object) -> None:
    """Fetch and take in one part of a refresh run. A second delivery finds the part taken and ends."""
    refresh.work(part_id=part_id)


@shared_task(name="catalog.tend_refreshes", ignore_result=True)
def tend_refreshes(**later: object) -> None:
    """Begin what the schedules ask for, take up parts whose worker or message was lost, close what is overdue."""
    due = refreshes.begin_due(moment=timezone.now())
    for part_id in [*due.parts, *refresh.tend(moment=timezone.now())]:
        refresh_part.delay(part_id=part_id)
    for part_id in due.probes:
        probe_regions.delay(part_id=part_id)
