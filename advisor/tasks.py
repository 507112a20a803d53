"""The Celery tasks: read the clock, call one service. Each is safe to run twice."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from advisor.services import runs

logger = logging.getLogger(__name__)


def send(*, run_id: int) -> None:
    """Enqueue a run once it is committed. Without a broker the run waits: `advisor.requeue_lost` sends it later."""
    try:
        write_advice.delay_on_commit(run_id=run_id)
    except OperationalError:
        logger.exception("A run could not be enqueued now.")


@shared_task(name="advisor.write_advice")
def write_advice(*, run_id: int, **later: object) -> None:
    """Answer one queued run. A second delivery finds the run taken and ends."""
    runs.execute_run(run_id=run_id, moment=timezone.now())


@shared_task(name="advisor.requeue_lost", ignore_result=True)
def requeue_lost(**later: object) -> None:
    """Send the runs on their way again whose worker or whose message was lost."""
    for run_id in runs.requeue_lost(moment=timezone.now()):
        write_advice.delay(run_id=run_id)
