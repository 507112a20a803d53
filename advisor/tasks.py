"""The Celery tasks: read the clock, call one service. Each is safe to run twice."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from advisor.services import renderings, runs

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


@shared_task(name="advisor.write_advice")
def write_advice(*, run_id: int, **later: object) -> None:
    """Answer one queued run. A second delivery finds the run taken and ends."""
    if runs.execute_run(run_id=run_id, moment=timezone.now()):
        send_rendering(run_id=run_id)


@shared_task(name="advisor.render_pdf", ignore_result=True)
def render_pdf(*, run_id: int, **later: object) -> None:
    """Make and keep the PDF of one run's report. A second delivery finds it kept and ends."""
    renderings.render_pdf(run_id=run_id, moment=timezone.now())


@shared_task(name="advisor.requeue_lost", ignore_result=True)
def requeue_lost(**later: object) -> None:
    """Send the runs and PDFs on their way again whose worker or whose message was lost."""
    for run_id in runs.requeue_lost(moment=timezone.now()):
        write_advice.delay(run_id=run_id)
    for run_id in renderings.requeue_lost(moment=timezone.now()):
        render_pdf.delay(run_id=run_id)
