"""The Celery tasks of advice and what follows it: read the clock, call one service. Each is safe to run twice."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from advisor.price_tasks import probe_regions
from advisor.services import endpoint_probes, probing, renderings, runs, webhooks

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


@shared_task(name="advisor.send_webhooks", ignore_result=True)
def send_webhooks(**later: object) -> None:
    """Send on their way the messages that are due: of runs that have ended, and of tries that failed."""
    for delivery_id in webhooks.due(moment=timezone.now()):
        deliver_webhook.delay(delivery_id=delivery_id)


@shared_task(name="advisor.deliver_webhook", ignore_result=True)
def deliver_webhook(*, delivery_id: int, **later: object) -> None:
    """Try one message. A second delivery finds its try taken and ends."""
    webhooks.deliver(delivery_id=delivery_id, moment=timezone.now())
