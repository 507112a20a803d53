"""A PostgreSQL server of our own for one test run: its own directory, its own socket, no TCP port."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path


class PostgresMissing(Exception):
    """Debian's PostgreSQL programs are not installed."""


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if not found:
        raise PostgresMissing("no /usr/lib/postgresql/*/bin/initdb: run `make test`, or apt-get install postgresql")
    return found[-1].parent


class PrivatePostgres:
    """Starts and stops one server; `url` is its DATABASE_URL."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._directory = Path(tempfile.mkdtemp(prefix="advisor-pg-"))
        # PostgreSQL refuses to run as root, so root hands it to the account that Debian's package made.
        self._account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._account:
            os.chown(self._directory, self._account.pw_uid, self._account.pw_gid)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._directory}"

    def start(self) -> None:
        data = ["--pgdata", str(self._directory / "data")]
        self._run("initdb", *data, "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        fast = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        options = f"-k {self._directory} -c listen_addresses='' {fast}"
        self._run("pg_ctl", *data, "--log", str(self._directory / "log"), "--wait", "--options", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "--pgdata", str(self._directory / "data"), "--mode=immediate", "--wait", "stop")
        shutil.rmtree(self._directory, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            user=self._account.pw_uid if self._account else None,
            group=self._account.pw_gid if self._account else None,
            extra_groups=[] if self._account else None,
        )
