"""`manage.py refresh [aws azure google models]`: read prices from their sources now, in this process."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from catalog import published, refresh
from catalog.sources.registry import SOURCES


class Command(BaseCommand):
    help = (
        "Read prices from the providers' services and publish what was found as a catalog release. "
        "Exit code 0 if every source that is configured succeeded, else 1; what failed changes nothing."
    )
    requires_system_checks = []  # they load the pages and the API, which nobody asks for here

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("sources", nargs="*", metavar="SOURCE", help=f"any of: {', '.join(SOURCES)} (default: all)")
        parser.add_argument("--region", action="append", help="only this region of the provider; may be repeated")
        parser.add_argument("--actor", default="manage.py refresh", help="who asks, as the release will say")

    def handle(self, *, sources: list[str], region: list[str] | None, actor: str, **_: Any) -> None:
        try:
            run = refresh.begin(
                sources=sources or list(SOURCES), regions=region, actor=actor, moment=timezone.now(), inline=True
            )
        except (refresh.UnknownSource, refresh.UnknownRegion, refresh.AlreadyRunning, published.NoRelease) as error:
            raise CommandError(str(error)) from error
        try:
            self._work(run.pk)
        except KeyboardInterrupt:
            refresh.cancel(run_id=run.pk, moment=timezone.now())
            raise CommandError("Stopped. What was read before is published.") from None
        line = refresh.run_line(run_id=run.pk)
        for part in line.parts:
            if part.state == "not_configured":
                self.stdout.write(f"{part.source} {part.dataset}: not configured. {part.problem}")
        found = ", ".join(f"{count} {name}" for name, count in line.counts.items() if count)
        news = f"catalog release {line.release}" if line.release else "no release: nothing was found"
        self.stdout.write(f"run {line.id} {line.state}: {found or 'nothing read'}; {news}")
        if line.states.get("failed") or line.states.get("cancelled"):
            raise CommandError("Some sources failed; their older prices stand, with their age.", returncode=1)

    def _work(self, run_id: int) -> None:
        while parts := refresh.open_parts(run_id=run_id):
            for part_id in parts:
                refresh.wait_for_turn(part_id=part_id)
                self.stdout.write(self._tried(part_id))

    def _tried(self, part_id: int) -> str:
        refresh.work(part_id=part_id)
        part = refresh.part_line(part_id=part_id)
        counts = ", ".join(f"{count} {name}" for name, count in part.counts.items() if count)
        return f"{part.source} {part.dataset} {part.region}: {part.state.replace('_', ' ')}. {part.problem or counts}"
