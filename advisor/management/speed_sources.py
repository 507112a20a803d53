"""The cases of `manage.py bench` about reading what providers publish."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.conf import settings

from advisor.management import offer_file, stopwatch
from advisor.management.stopwatch import Case
from catalog import files
from catalog.sources import aws_offer_file, aws_terms

REGION = "us-east-1"
FILE_MB = 400
MEMORY_TARGET_MB = 200
_ADDRESS = f"/offers/v1.0/aws/AmazonEC2/{offer_file.VERSION}/{REGION}/index.json"


def source_cases() -> list[Case]:
    """Return what reading an offer file of 400 MB takes, and the memory of a whole refresh that fetches it."""
    directory = tempfile.TemporaryDirectory(prefix="advisor-bench-")
    site = OfferSite(Path(directory.name) / "site", size_bytes=FILE_MB * 1_000_000)
    refreshed = site.refreshed(data=Path(directory.name) / "data")
    facts = files.load()

    def read() -> int:
        # The directory lives as long as the case.
        offer_file.read_offer_file(Path(directory.name) / site.path, region=REGION, facts=facts)
        return site.rows

    return [
        Case(
            id="sources.aws_offer_file",
            title=f"AWS offer file of {site.path.stat().st_size / 1e6:.0f} MB: products and terms read from disk",
            unit="rows/s",
            action=read,
            runs=1,
            warm=0,
            note=f"a whole `manage.py refresh` that fetches, keeps, reads and publishes it: {refreshed.counts}; "
            f"peak resident {refreshed.peak_mb:.0f} MB, ≤ {MEMORY_TARGET_MB} MB: "
            f"{'met' if refreshed.peak_mb <= MEMORY_TARGET_MB else 'MISSED'}",
        )
    ]


@dataclass(frozen=True)
class Refreshed:
    """What a refresh said of the offer file, and the most memory that its process had resident. [MB]"""

    counts: str
    peak_mb: float


class OfferSite:
    """AWS's public site of offer files, with the made-up file of one region, on this machine."""

    def __init__(self, root: Path, *, size_bytes: int) -> None:
        self.root, self.path = root, root / _ADDRESS.lstrip("/")
        index = root / aws_offer_file.INDEX.lstrip("/")
        for path in (self.path, index):
            path.parent.mkdir(parents=True)
        machines = sorted(aws_terms.machines(files.load()))
        self.rows = offer_file.write_offer_file(self.path, region=REGION, size_bytes=size_bytes, machines=machines)
        index.write_text(json.dumps({"regions": {REGION: {"currentVersionUrl": _ADDRESS}}}), encoding="utf-8")

    def refreshed(self, *, data: Path) -> Refreshed:
        """Refresh AWS's prices of the region from this site, in an installation of its own without credentials.

        The site holds no Savings Plans, so the command itself says that not everything succeeded.
        Raises CalledProcessError, and ValueError where the file was not taken in.
        """
        with self._served() as url:
            environment = {"ADVISOR_DATA_DIR": str(data), "HOME": str(data), "AWS_BULK_PRICING_URL": url}
            for command in ("migrate", "load_data"):
                subprocess.run(
                    _manage(command), env=environment, cwd=settings.BASE_DIR, capture_output=True, check=True
                )
            said, peak_mb = stopwatch.from_outside(
                _manage("refresh", "aws", "--region", REGION), env=environment, cwd=settings.BASE_DIR
            )
        _, found, counts = said.partition(f"aws {aws_offer_file.DATASET} {REGION}: succeeded. ")
        if not found:
            raise ValueError(f"The offer file was not taken in: {said}")
        return Refreshed(counts=counts.splitlines()[0], peak_mb=peak_mb)

    @contextmanager
    def _served(self) -> Iterator[str]:
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(self.root))) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def _manage(*words: str) -> list[str]:
    return [sys.executable, "manage.py", *words]
