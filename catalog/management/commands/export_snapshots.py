"""`manage.py export_snapshots DIRECTORY`: the newest raw answers, scrubbed, as files for a local peer of a provider."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from catalog import snapshots


class Command(BaseCommand):
    help = "Write the newest kept answers of the sources, without account numbers and keys, into a directory."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--dataset", help="only this dataset, as sources*.yaml names it")

    def handle(self, *, directory: Path, dataset: str | None, **_: Any) -> None:
        written = snapshots.export(directory=directory, dataset=dataset)
        self.stdout.write(f"{len(written)} answers written to {directory}")
