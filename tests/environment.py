"""The environment of a test run, set before Django reads its settings (pyproject loads this with `-p`)."""

import atexit
import os
import shutil
import tempfile

from tests.postgres import PrivatePostgres

_directory = tempfile.mkdtemp(prefix="advisor-tests-")
atexit.register(shutil.rmtree, _directory, ignore_errors=True)

# A developer's own settings don't reach the tests.
for _name in ("ADVISOR_ENV", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL"):
    os.environ.pop(_name, None)
for _name in ("SECURE_SSL_REDIRECT", "TRUST_PROXY", "LOG_LEVEL", "STATIC_FILES"):
    os.environ.pop(_name, None)
os.environ["ADVISOR_DATA_DIR"] = _directory
os.environ["SECRET_KEY"] = "only for tests"
os.environ["CREDENTIAL_KEYS"] = "b25seSBmb3IgdGVzdHMsIHRoaXJ0eS10d28gYnl0ZXM="
os.environ["CELERY_BROKER_URL"] = "memory://"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's sync API keeps a loop running in the test's thread

if os.environ.get("TEST_DATABASE", "sqlite") == "postgres":
    _server = PrivatePostgres()
    _server.start()
    atexit.register(_server.stop)
    os.environ["DATABASE_URL"] = _server.url
