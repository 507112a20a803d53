"""One pace for all workers: counted on a real Valkey, across processes. Nothing is timed, turns are counted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from catalog.sources import pace

ROOT = Path(__file__).parents[2]
RATE = "7 per day"
TRIES = 60
WORKER = f"""
import django
django.setup()
from catalog.sources import pace
print(sum(pace.take("azure-prices", rate={RATE!r}) for _ in range({TRIES})))
"""


def turns_of_four_workers(*, broker: str, tmp_path: Path) -> list[int]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "advisor.settings",
        "CELERY_BROKER_URL": broker,
        "ADVISOR_DATA_DIR": str(tmp_path / "data"),
    }
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    return [int(worker.communicate(timeout=60)[0]) for worker in workers]


def test_four_workers_share_one_pace(valkey: str, tmp_path: Path) -> None:
    turns = turns_of_four_workers(broker=valkey, tmp_path=tmp_path)

    assert sum(turns) == 7, turns  # 4 × 60 were asked for


def test_without_a_shared_store_each_worker_counts_alone(tmp_path: Path) -> None:
    turns = turns_of_four_workers(broker="amqp://127.0.0.1:1//", tmp_path=tmp_path)

    assert turns == [7, 7, 7, 7]


def test_each_provider_has_turns_of_its_own(valkey: str, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = valkey

    assert [pace.take("aws-bulk", rate="1 per day") for _ in range(2)] == [True, False]
    assert pace.take("aws-ec2", rate="1 per day")


def test_a_broker_that_is_gone_is_told_as_such(valkey: str, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = valkey
    assert pace.take("aws-bulk", rate="5 per day")
    redis.Redis(unix_socket_path=valkey.removeprefix("redis+socket://").partition("?")[0]).shutdown(nosave=True)

    with pytest.raises(pace.TooBusy, match="does not answer"):
        pace.take("aws-bulk", rate="5 per day")


def test_every_pace_is_one_that_the_limiter_understands(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = ""

    for name, rate in pace.PACES.items():
        assert pace.take(name, rate=rate)
