"""The Celery tasks: read the clock, call one service. Each is safe to run twice."""

import logging
from collections.abc import Iterable, Sequence

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from advisor.services import endpoint_probes, probing, refreshes, renderings, runs, webhooks
from catalog import refresh

logger = logging.getLogger(__name__)


def send(*, run_id: int) -> None:
    """Enqueue a run once it is committed. Without a broker the run waits: `advisor.requeue_lost` sends it later."""
    try:
        write_advice.delay_on_commit(run_id=run_id)
    except OperationalError:
        logger.exception("A run could not be enqueued now.")


def send_rendering(*, run_id: int) -> None:
    """Enqueue the PDF of a run's report; without a broker `advisor.requeue_lost` sends it later."""
    try:
        render_pdf.delay_on_commit(run_id=run_id)
    except OperationalError:
        logger.exception("A PDF could not be enqueued now.")


def send_endpoint_probe(*, probe_id: int) -> None:
    """Enqueue a probe of an endpoint; without a broker `advisor.requeue_lost` sends it later."""
    try:
        probe_endpoint.delay_on_commit(probe_id=probe_id)
    except OperationalError:
        logger.exception("A probe could not be enqueued now.")


def send_probes(*, part_ids: Iterable[int]) -> None:
    """Enqueue the parts of a probe run once committed; without a broker `advisor.requeue_lost` sends them later."""
    try:
        for part_id in part_ids:
            probe_regions.delay_on_commit(part_id=part_id)
    except OperationalError:
        logger.exception("Probes could not be enqueued now.")


@shared_task(name="advisor.write_advice")
def write_advice(*, run_id: int, **later: object) -> None:
    """Answer one queued run. A second delivery finds the run taken and ends."""
    if runs.execute_run(run_id=run_id, moment=timezone.now()):
        send_rendering(run_id=run_id)
    try:
        send_webhooks.delay()
    except OperationalError:
        logger.exception("Webhooks could not be enqueued now; the schedule does it later.")


@shared_task(name="advisor.render_pdf", ignore_result=True)
def render_pdf(*, run_id: int, **later: object) -> None:
    """Make and keep the PDF of one run's report. A second delivery finds it kept and ends."""
    renderings.render_pdf(run_id=run_id, moment=timezone.now())


@shared_task(name="advisor.probe_endpoint", ignore_result=True, soft_time_limit=780, time_limit=840)
def probe_endpoint(*, probe_id: int, **later: object) -> None:
    """Send one queued probe. A second delivery finds it taken and ends: no request is paid for twice."""
    endpoint_probes.execute_probe(probe_id=probe_id, moment=timezone.now())


@shared_task(name="advisor.requeue_lost", ignore_result=True)
def requeue_lost(**later: object) -> None:
    """Send the runs, PDFs and probes on their way again whose worker or whose message was lost."""
    for run_id in runs.requeue_lost(moment=timezone.now()):
        write_advice.delay(run_id=run_id)
    for run_id in renderings.requeue_lost(moment=timezone.now()):
        render_pdf.delay(run_id=run_id)
    for probe_id in endpoint_probes.requeue_lost(moment=timezone.now()):
        probe_endpoint.delay(probe_id=probe_id)
    for part_id in probing.requeue_lost(moment=timezone.now()):
        probe_regions.delay(part_id=part_id)


@shared_task(name="catalog.probe_regions", ignore_result=True)
def probe_regions(*, part_id: int, **later: object) -> None:
    """Measure the latency to a few targets of one provider. A second delivery finds the part taken and ends."""
    probing.execute(part_id=part_id, moment=timezone.now())


@shared_task(name="advisor.send_webhooks", ignore_result=True)
def send_webhooks(**later: object) -> None:
    """Send on their way the messages that are due: of runs that have ended, and of tries that failed."""
    for delivery_id in webhooks.due(moment=timezone.now()):
        deliver_webhook.delay(delivery_id=delivery_id)


@shared_task(name="advisor.deliver_webhook", ignore_result=True)
def deliver_webhook(*, delivery_id: int, **later: object) -> None:
    """Try one message. A second delivery finds its try taken and ends."""
    webhooks.deliver(delivery_id=delivery_id, moment=timezone.now())


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
