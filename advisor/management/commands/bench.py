"""`manage.py bench`: how fast the estimator, the advice and the pages are, on this machine."""

import json
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from advisor.core.advise import code_hash
from advisor.management import speed_api, speed_estimator, speed_http, speed_site, speed_sources, stopwatch
from advisor.management.speed_estimator import World
from advisor.management.stopwatch import Case
from catalog import files, frame
from estimator import coefficients

PURE: dict[str, Callable[[World], list[Case]]] = {
    "training": speed_estimator.training_cases,
    "gpt3": speed_estimator.gpt3_cases,
    "inference": speed_estimator.inference_cases,
    "page": speed_estimator.page_cases,
    "catalog": speed_site.catalog_cases,
    "advise": speed_site.advise_cases,
    "pdf": speed_site.pdf_cases,
    "score": speed_estimator.score_cases,
    "sources": lambda world: speed_sources.source_cases(),
}
WITH_DATABASE: dict[str, Callable[[], Iterable[Case]]] = {
    "release": speed_site.database_cases,
    "web": speed_site.page_view_cases,
    "api": speed_api.api_cases,
    "http": speed_http.http_cases,
}
GROUPS = (*PURE, *WITH_DATABASE)


class Command(BaseCommand):
    help = (
        "Measure evaluations per second, searches, pages and advices; print a table and write it as JSON. "
        "What touches a database uses one of its own that is thrown away. docs/bench.md explains each figure."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="measure these groups only")
        parser.add_argument("--runs", type=int, help="timed runs of each figure (default: each figure's own number)")
        parser.add_argument("-o", "--output", type=Path, default=Path("bench.json"), help="default: bench.json")

    def handle(self, *, only: list[str], runs: int | None, output: Path, **_: Any) -> None:
        found: dict[str, Any] = {
            "schema_version": 1,
            "measured_at": timezone.now().isoformat(timespec="seconds"),
            "code": code_hash(),
            "machine": stopwatch.machine(),
            "load_before": stopwatch.load(),
            "figures": [],
        }
        self.stdout.write(_heading())
        for case in _cases(only):
            figure = stopwatch.figure(case, runs=runs)
            found["figures"].append(figure)
            self.stdout.write(_line(figure))
        found["load_after"] = stopwatch.load()
        self.stdout.write(_conditions(found))
        output.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        self.stdout.write(f"Written to {output}.")


def _cases(only: list[str]) -> Iterator[Case]:
    """Yield the chosen groups' cases, each group prepared when its turn comes."""
    if any(name in PURE for name in only):
        moment = timezone.now().date()
        world = World(
            catalog=frame.build(facts=files.load(), moment=moment, release=1), coefficients=coefficients.load()
        )
        for name, cases in PURE.items():
            if name in only:
                yield from cases(world)
    if any(name in WITH_DATABASE for name in only):
        with throwaway_database():
            for name, made in WITH_DATABASE.items():
                if name in only:
                    yield from made()


@contextmanager
def throwaway_database() -> Iterator[None]:
    """Stand on a fresh database of the configured kind, with the tables made, and drop it in the end."""
    settings = connection.settings_dict
    configured = settings["NAME"]
    with tempfile.TemporaryDirectory(prefix="advisor-bench-") as directory:
        settings["TEST"]["NAME"] = str(Path(directory) / "bench.sqlite3") if connection.vendor == "sqlite" else None
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield
        finally:
            connection.creation.destroy_test_db(configured, verbosity=0)


def _heading() -> str:
    columns = ("min", "median", "p99", "max", "by CPU time")
    return f"{'':26s} {'n':>9s} {'runs':>4s} " + " ".join(f"{name:>12s}" for name in columns) + "  unit, target"


def _line(figure: dict[str, Any]) -> str:
    values = [figure[name] for name in ("min", "median", "p99", "max", "median_by_processor_time")]
    told = " ".join(f"{_number(value):>12s}" for value in values)
    target = ""
    if figure["target"] is not None:
        sign = "≥" if figure["unit"] in stopwatch.RATES else "≤"
        target = f", {sign} {_number(figure['target'])}: {_verdict(figure)}"
    head = f"{figure['id']:26s} {figure['n']:9,d} {figure['runs']:4d} {told}  {figure['unit']}{target}"
    note = f" ({figure['note']})" if figure["note"] else ""
    return f"{head}\n    {figure['title']}{note}"


def _verdict(figure: dict[str, Any]) -> str:
    if figure["met"]:
        return "met"
    return "MISSED by the clock, met by CPU time" if figure["met_by_processor_time"] else "MISSED"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _conditions(found: dict[str, Any]) -> str:
    machine = found["machine"]
    threads = machine["openblas_threads"]
    loads = " → ".join("/".join(f"{value:g}" for value in found[name]) for name in ("load_before", "load_after"))
    return (
        f"On {machine['processor']}, {machine['cores']} cores; load average {loads}; Python {machine['python']}, "
        f"numpy {machine['numpy']}, OpenBLAS threads {'unknown' if threads is None else threads}.\n"
        "min, median, p99 and max are by the clock: with a load above the cores they show the machine, not the code.\n"
        "CPU time is what this process used itself."
    )
