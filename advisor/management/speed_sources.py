"""The cases of `manage.py bench` about reading what providers publish."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from advisor.management import offer_file
from advisor.management.stopwatch import Case
from catalog import files
from catalog.sources import aws_terms

REGION = "us-east-1"
FILE_MB = 400
MEMORY_TARGET_MB = 200


def source_cases() -> list[Case]:
    """Return what reading an offer file of 400 MB takes. Its memory is that of a process that does nothing else."""
    directory = tempfile.TemporaryDirectory(prefix="advisor-bench-")
    path = Path(directory.name) / "offers.json"
    facts = files.load()
    rows = offer_file.write_offer_file(
        path, region=REGION, size_bytes=FILE_MB * 1_000_000, machines=sorted(aws_terms.machines(facts))
    )
    command = [sys.executable, "-m", offer_file.__name__, str(path), REGION]
    alone = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def read() -> int:
        # The directory lives as long as the case.
        offer_file.read_offer_file(Path(directory.name) / path.name, region=REGION, facts=facts)
        return rows

    return [
        Case(
            id="sources.aws_offer_file",
            title=f"AWS offer file of {path.stat().st_size / 1e6:.0f} MB: products and terms read from disk",
            unit="rows/s",
            action=read,
            runs=1,
            warm=0,
            note=f"{alone['prices']:,} prices; peak resident {alone['peak_mb']:.0f} MB in a process of its own, "
            f"{alone['before_mb']:.0f} of them before it opens the file, ≤ {MEMORY_TARGET_MB} MB: "
            f"{'met' if alone['peak_mb'] <= MEMORY_TARGET_MB else 'MISSED'}",
        )
    ]
