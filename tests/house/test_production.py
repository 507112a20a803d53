"""What a deployment does: its checks are clean, its static files can be collected, its tables are the models'."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.house.tree import ROOT

PRODUCTION = {
    "ADVISOR_ENV": "production",
    "SECRET_KEY": "only-for-tests-but-long-enough-for-the-check-of-its-length-0123456789",
    "CREDENTIAL_KEYS": "b25seSBmb3IgdGVzdHMsIHRoaXJ0eS10d28gYnl0ZXM=",
    "ALLOWED_HOSTS": "advisor.example.org",
    "DATABASE_URL": "postgresql://advisor@127.0.0.1:1/nobody",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
}


def _manage(*arguments: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env={"PATH": os.environ["PATH"], "ADVISOR_DATA_DIR": str(data_dir), **PRODUCTION},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_djangos_deployment_checks_find_nothing(tmp_path: Path) -> None:
    done = _manage("check", "--deploy", "--fail-level", "WARNING", data_dir=tmp_path)

    assert done.returncode == 0, done.stderr


def test_static_files_are_collected_under_names_that_hold_their_hash(tmp_path: Path) -> None:
    done = _manage("collectstatic", "--noinput", data_dir=tmp_path)

    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "static" / "css").glob("advisor.*.css"))


@pytest.mark.django_db
def test_the_migrations_are_those_of_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
