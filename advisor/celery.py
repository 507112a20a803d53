"""The Celery application: `celery -A advisor.celery worker|beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "advisor.settings")

app = Celery("advisor")
app.config_from_object("django.conf:settings", namespace="CELERY")


@worker_ready.connect
def take_up_lost_runs(sender: Any, **_: Any) -> None:
    """Ask for the runs that an earlier worker left behind; by name, so that this file imports no task."""
    sender.app.send_task("advisor.requeue_lost")
