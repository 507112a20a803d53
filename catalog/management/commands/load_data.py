"""`manage.py load_data`: publish the data files as a catalog release; the same files again change nothing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from catalog import ingest, published
from catalog.files import DataError


class Command(BaseCommand):
    help = "Publish the curated data files as a catalog release. The same files again change nothing."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--actor", default="load_data", help="who publishes, as the release will say")

    def handle(self, *, actor: str, verbosity: int, **_: Any) -> None:
        before = published.latest()
        try:
            number = ingest.publish_files(actor=actor, moment=timezone.now())
        except (DataError, ingest.ReleaseMoved) as error:
            raise CommandError(str(error)) from error
        if verbosity:
            news = (
                "is published"
                if before is None or before.number != number
                else "stands already: the files are the same"
            )
            self.stdout.write(f"catalog release {number} {news}")
