"""Every setting, read from the environment. docs/settings.md lists the variables.

Two ways to run: `local` (the default: loopback only, state and secrets kept in ADVISOR_DATA_DIR) and
`production` (ADVISOR_ENV=production: HTTPS, and it refuses to start without its secrets and host names).
"""

import base64
import binascii
import ipaddress
import logging
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import drf_spectacular_sidecar
from django.core.exceptions import ImproperlyConfigured

# --- helpers: read one variable, refuse what is not understood -----------------------------------------------------


def _text(name: str, default: str) -> str:
    return os.environ.get(name, "").strip() or default


def _choice(name: str, *, default: str, accepted: tuple[str, ...]) -> str:
    value = _text(name, default)
    if value not in accepted:
        raise ImproperlyConfigured(f"{name} is {value!r}; expected one of: {', '.join(accepted)}.")
    return value


def _flag(name: str, *, default: bool) -> bool:
    return _choice(name, default=str(default).lower(), accepted=("true", "false")) == "true"


def _items(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def _count(name: str, *, default: int) -> int:
    value = _text(name, str(default))
    if not value.isdecimal() or not 0 < int(value) < 10**9:
        raise ImproperlyConfigured(f"{name} is {value!r}; expected a whole number, 1 or more.")
    return int(value)


def _networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        return [ipaddress.ip_network(item) for item in _items(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}; expected networks like 10.1.0.0/16.") from error


def _address(name: str, *, default: str) -> str:
    value = _text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ImproperlyConfigured(f"{name} is {value!r}; expected an address like {default}.")
    return value


def _secret(name: str, *, make: Callable[[], str]) -> str:
    """Return a secret from the environment or, when local, from its file in the data directory (made once)."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if PRODUCTION:
        raise ImproperlyConfigured(f"{name} is not set; with ADVISOR_ENV=production it has no default.")
    kept = DATA_DIR / name.lower()
    if not kept.exists():
        # Written aside and linked into place: two processes that start together end up with the same secret.
        draft = DATA_DIR / f".{name.lower()}.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(make() + "\n", encoding="utf-8")
        try:
            os.link(draft, kept)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return kept.read_text(encoding="utf-8").strip()


def _data_dir() -> Path:
    path = Path(_text("ADVISOR_DATA_DIR", str(BASE_DIR / "var"))).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ImproperlyConfigured(f"ADVISOR_DATA_DIR is {str(path)!r}, which is not a directory.")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _database() -> dict[str, Any]:
    """Return Django's settings of DATABASE_URL (postgresql://user:password@host:5432/name?option=…), else SQLite."""
    url = os.environ.get("DATABASE_URL", "").strip()
    if not url:
        if PRODUCTION:
            raise ImproperlyConfigured("DATABASE_URL is not set; with ADVISOR_ENV=production it has no default.")
        url = f"sqlite:///{DATA_DIR / 'advisor.sqlite3'}"
    parts = urlsplit(url)
    try:
        port = str(parts.port or "")
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {error}.") from error
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path.removeprefix("/")) or ":memory:",
            "OPTIONS": {
                "timeout": 20,
                # A transaction that reads and then writes takes the write lock first, so it waits instead of failing.
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(f"DATABASE_URL begins with {parts.scheme!r}; expected postgresql:// or sqlite:///.")
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise ImproperlyConfigured(
            "DATABASE_URL names no database; expected postgresql://user:password@host:5432/name."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or parts.hostname or "",
        "PORT": options.pop("port", None) or port,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _credential_keys() -> list[str]:
    """Return the Fernet keys that encrypt stored credentials, newest first."""
    text = _secret("CREDENTIAL_KEYS", make=lambda: base64.urlsafe_b64encode(os.urandom(32)).decode())
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for position, key in enumerate(keys, start=1):
        try:
            fits = len(base64.urlsafe_b64decode(key)) == 32
        except (binascii.Error, ValueError):
            fits = False
        if not fits:
            raise ImproperlyConfigured(f"CREDENTIAL_KEYS: key {position} is not 32 bytes in URL-safe base64.")
    return keys


# --- where and how -------------------------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent
PRODUCTION = _choice("ADVISOR_ENV", default="local", accepted=("local", "production")) == "production"
DATA_DIR = _data_dir()
DEBUG = False

SECRET_KEY = _secret("SECRET_KEY", make=lambda: secrets.token_urlsafe(50))
CREDENTIAL_KEYS = _credential_keys()
ALLOWED_HOSTS = _items("ALLOWED_HOSTS")
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is not set; with ADVISOR_ENV=production it has no default.")
ALLOWED_HOSTS = ALLOWED_HOSTS or ["127.0.0.1", "localhost", "[::1]"]

# --- the application -----------------------------------------------------------------------------------------------

ROOT_URLCONF = "advisor.urls"
WSGI_APPLICATION = "advisor.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "catalog",
    "advisor",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads each answer by chance, so that its length tells nothing (BREACH)
    "advisor.web.limits.limit_body",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "advisor.web.headers.guard",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"figures": "advisor.web.figures"},
            "loaders": [("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])],
        },
    }
]
DATABASES = {"default": _database()}

AUTH_USER_MODEL = "advisor.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- static files: served by whitenoise, collected (hashed and compressed) by `make run` and in production ------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    # Of the package, only what the API's docs page shows: the rest would be collected and compressed for nobody.
    ("swagger-ui", Path(drf_spectacular_sidecar.__file__).parent / "static/drf_spectacular_sidecar/swagger-ui-dist"),
]
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("map", "png", "woff", "woff2")
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STATIC_FILES = _choice(
    "STATIC_FILES", default="collected" if PRODUCTION else "source", accepted=("collected", "source")
)
STATIC_ROOT = DATA_DIR / "static" if STATIC_FILES == "collected" else None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR / "files"}},
    "staticfiles": {
        "BACKEND": "advisor.web.static_files.HashedAndCompressed"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- what a browser may do -----------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SESSION_ENGINE = "advisor.services.sessions"
SESSION_COOKIE_NAME = "advisor_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_NAME = "advisor_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_TRUSTED_ORIGINS = _items("CSRF_TRUSTED_ORIGINS")
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = _flag("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # subdomains and preload lists are not ours to promise
TRUST_PROXY = _flag("TRUST_PROXY", default=False)  # only behind a proxy that sets these headers itself
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # a document may have 1 MB; encoded in a form it grows

# --- the REST API: how many requests a minute, and where webhooks may go beside the public internet ------------------

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "advisor.api.errors.answer",
    "DEFAULT_SCHEMA_CLASS": "advisor.api.description.Schema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "AI Stack Advisor",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "RunState": "advisor.models.Run.State",
        "DeliveryState": "advisor.models.Delivery.State",
        "DecisionStatus": "advisor.models.Decision.Status",
        "DecisionStep": "advisor.models.Approval.Transition",
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "advisor.api.description.completed",
    ],
}
API_READS_PER_MINUTE = _count("API_READS_PER_MINUTE", default=600)
API_WRITES_PER_MINUTE = _count("API_WRITES_PER_MINUTE", default=60)
API_ANONYMOUS_PER_MINUTE = _count("API_ANONYMOUS_PER_MINUTE", default=60)
OUTBOUND_ALLOWED_NETWORKS = _networks("OUTBOUND_ALLOWED_NETWORKS")
PROBE_VANTAGE = _text("PROBE_VANTAGE", "this installation, place not stated")
ENDPOINT_PROBES_PER_HOUR = _count("ENDPOINT_PROBES_PER_HOUR", default=12)

# --- where prices come from; AWS's signed services follow botocore's own AWS_ENDPOINT_URL_* -----------------------

AWS_BULK_PRICING_URL = _address("AWS_BULK_PRICING_URL", default="https://pricing.us-east-1.amazonaws.com")
AWS_CONTAINER_ROLE = bool(
    {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} & set(os.environ)
)  # set by ECS and EKS, not by people: boto3 then asks there for credentials
AZURE_PRICES_URL = _address("AZURE_PRICES_URL", default="https://prices.azure.com")
GOOGLE_BILLING_URL = _address("GOOGLE_BILLING_URL", default="https://cloudbilling.googleapis.com")
GOOGLE_VERTEX_URL = _address("GOOGLE_VERTEX_URL", default="https://{region}-aiplatform.googleapis.com")
GOOGLE_API_KEY = os.environ.get("GOOGLE_API_KEY", "").strip()
GOOGLE_ACCESS_TOKEN = os.environ.get("GOOGLE_ACCESS_TOKEN", "").strip()

# --- where latency probes are sent from: shown with every figure, because it is nobody's own latency ----------------


# --- background work -----------------------------------------------------------------------------------------------

VALKEY_SOCKET = DATA_DIR / "valkey.sock"
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "").strip()
BROKER_IS_OURS = not CELERY_BROKER_URL  # then `runstack` starts the broker itself
if BROKER_IS_OURS:
    if PRODUCTION:
        raise ImproperlyConfigured("CELERY_BROKER_URL is not set; with ADVISOR_ENV=production it has no default.")
    CELERY_BROKER_URL = f"redis+socket://{VALKEY_SOCKET}?virtual_host=0"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
if urlsplit(CELERY_BROKER_URL).scheme.startswith(("redis", "rediss")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 1800,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,  # kombu's own default delays the return of a lost task by many minutes
        "socket_timeout": 30,
        "health_check_interval": 25,
    }
CELERY_TASK_IGNORE_RESULT = True  # the Run row is the truth; there is no result backend
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300  # below the visibility timeout, always
REFRESH_PART_SOFT_LIMIT_S, REFRESH_PART_LIMIT_S = 1500, 1600  # a file of 400 MB over a slow line; below it, too
CELERY_IMPORTS = _items("CELERY_IMPORTS") or ["advisor.tasks", "advisor.price_tasks"]  # what a worker loads
CELERY_TASK_ROUTES = {"catalog.*": {"queue": "prices"}}  # so that a long refresh keeps nobody's advice waiting
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 800_000  # kB; numpy and pandas alone take 150 MB
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "requeue lost runs": {"task": "advisor.requeue_lost", "schedule": 15.0, "options": {"expires": 15}},
    "tend refreshes": {"task": "catalog.tend_refreshes", "schedule": 15.0, "options": {"expires": 15}},
    "send webhooks": {"task": "advisor.send_webhooks", "schedule": 15.0, "options": {"expires": 15}},
}

# --- logs: one line an event, to standard error --------------------------------------------------------------------


def _mask_links(record: logging.LogRecord) -> bool:
    """Keep one-time links out of the log: Django writes the path of each refused request."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            re.sub(r"^/(invites|resets|sign-in)/.+", r"/\1/…", part) if isinstance(part, str) else part
            for part in record.args
        )
    return True


LOG_LEVEL = _choice("LOG_LEVEL", default="INFO", accepted=("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "time=%(asctime)s level=%(levelname)s logger=%(name)s message=%(message)s",
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
        }
    },
    "filters": {"links": {"()": "django.utils.log.CallbackFilter", "callback": _mask_links}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["links"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"httpx2": {"level": "WARNING"}},  # it would write each address in full
}
