"""Settings come from the environment, and an odd value is refused by name."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

KEY = "b25seSBmb3IgdGVzdHMsIHRoaXJ0eS10d28gYnl0ZXM="
PRODUCTION = {
    "ADVISOR_ENV": "production",
    "SECRET_KEY": "only for tests",
    "CREDENTIAL_KEYS": KEY,
    "ALLOWED_HOSTS": "advisor.example.org",
    "DATABASE_URL": "postgresql://advisor:p%40ss@db.example.org:5433/advice?sslmode=require",
    "CELERY_BROKER_URL": "rediss://broker.example.org:6380/1",
}
SHOW = """
import json
from advisor import settings
names = json.loads(input())
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""


def _load(*names: str, data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "ADVISOR_DATA_DIR": str(data_dir)} | environment
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        input=json.dumps(names),
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _values(*names: str, data_dir: Path, **environment: str) -> dict:
    result = _load(*names, data_dir=data_dir, **environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("missing", [name for name in PRODUCTION if name != "ADVISOR_ENV"])
def test_production_refuses_to_start_without(missing: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in PRODUCTION.items() if name != missing}

    result = _load(data_dir=tmp_path, **environment)

    assert result.returncode == 1
    assert f"{missing} is not set" in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_production_reads_its_database_and_demands_https(tmp_path: Path) -> None:
    expected = {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31536000,
        "DEBUG": False,
        "ALLOWED_HOSTS": ["advisor.example.org"],
        "BROKER_IS_OURS": False,
        "CELERY_BROKER_URL": "rediss://broker.example.org:6380/1",
    }

    values = _values("DATABASES", *expected, data_dir=tmp_path, **PRODUCTION)

    database = values.pop("DATABASES")["default"]
    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"], database["NAME"]) == (
        "advisor", "p@ss", "db.example.org", "5433", "advice",
    )  # fmt: skip
    assert database["OPTIONS"] == {"sslmode": "require"}
    assert values == expected


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ADVISOR_ENV", "prod", "local, production"),
        ("SECURE_SSL_REDIRECT", "yes", "true, false"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO"),
        ("DATABASE_URL", "mysql://db/advice", "postgresql://"),
        ("DATABASE_URL", "postgresql://db.example.org", "names no database"),
        ("DATABASE_URL", "postgresql://db:port/advice", "DATABASE_URL"),
        ("CREDENTIAL_KEYS", f"{KEY},short", "key 2"),
        ("ADVISOR_DATA_DIR", __file__, "not a directory"),
    ],
)
def test_an_odd_value_is_refused_by_name(name: str, value: str, said: str, tmp_path: Path) -> None:
    result = _load(data_dir=tmp_path, **{name: value})

    last_line = result.stderr.splitlines()[-1]
    assert result.returncode == 1
    assert "ImproperlyConfigured" in last_line
    assert name in last_line
    assert said in last_line


def test_a_local_start_makes_its_secrets_once_and_keeps_them_private(tmp_path: Path) -> None:
    data_dir = tmp_path / "state"

    first = _values("SECRET_KEY", "CREDENTIAL_KEYS", data_dir=data_dir)
    second = _values("SECRET_KEY", "CREDENTIAL_KEYS", data_dir=data_dir)

    assert first == second
    assert len(first["SECRET_KEY"]) >= 50
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    for name in ("secret_key", "credential_keys"):
        assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600


def test_a_local_start_is_for_this_machine_only(tmp_path: Path) -> None:
    values = _values("ALLOWED_HOSTS", "DATABASES", "CELERY_BROKER_URL", "BROKER_IS_OURS", data_dir=tmp_path)

    assert values["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert values["DATABASES"]["default"]["NAME"] == str(tmp_path / "advisor.sqlite3")
    assert values["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert values["CELERY_BROKER_URL"] == f"redis+socket://{tmp_path}/valkey.sock?virtual_host=0"
    assert values["BROKER_IS_OURS"] is True


def test_a_task_never_outlives_the_time_after_which_the_broker_gives_it_to_another(tmp_path: Path) -> None:
    values = _values("CELERY_TASK_TIME_LIMIT", "CELERY_BROKER_TRANSPORT_OPTIONS", data_dir=tmp_path)

    assert values["CELERY_TASK_TIME_LIMIT"] < values["CELERY_BROKER_TRANSPORT_OPTIONS"]["visibility_timeout"]
