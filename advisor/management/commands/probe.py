"""`manage.py probe [PROVIDER/REGION …] [--all]`: measure the latency to regions from here, print it and store it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from advisor.core.latency import failures, middle
from advisor.services import audit, probing
from catalog.latency import NothingToProbe, Reading, UnknownTarget

_COLUMNS = "{:34} {:4} {:32} {:>5} {:>7}  {}"


class Command(BaseCommand):
    help = "Measure the latency to regional endpoints of the clouds; exit 1 when none of them answered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="PROVIDER/REGION", help="aws, aws/eu-west-1 or a target's id")
        parser.add_argument("--all", action="store_true", help="every target that is switched on")

    def handle(self, *, words: list[str], all: bool, **_: Any) -> None:
        if bool(words) == all:
            raise CommandError("Name regions, as in: manage.py probe aws/eu-west-1 gcp; or give --all.")
        try:
            begun = probing.begin(words=words, actor=audit.COMMAND_LINE, moment=timezone.now())
        except (UnknownTarget, NothingToProbe) as error:
            raise CommandError(str(error)) from error
        for target_id in begun.resting:
            self.stderr.write(f"{target_id}: asked a short while ago, left alone")
        for part_id in begun.part_ids:
            probing.execute(part_id=part_id, moment=timezone.now())
        found = probing.newest(run_id=begun.run_id)
        self._print(found)
        if not any(one.is_reached for one in found):
            self.stderr.write("No target answered.")
            raise SystemExit(1)

    def _print(self, found: tuple[Reading, ...]) -> None:
        if found:
            self.stdout.write(f"from {found[0].vantage}, median time to the first byte over an open connection")
        self.stdout.write(_COLUMNS.format("target", "IP", "median [95 % interval]", "n", "failed", "why"))
        for one in found:
            if one.has_a_way:
                failed = one.warm.failed_count + one.cold["first_byte"].failed_count
                why = one.problem if failed else ""
                text = middle(one.warm)
                self.stdout.write(
                    _COLUMNS.format(one.target, f"v{one.family}", text, one.warm.count, failed, why).rstrip()
                )
            else:
                why = failures(one.cold["first_byte"])
                self.stdout.write(_COLUMNS.format(one.target, f"v{one.family}", "not measured", 0, 0, why))
