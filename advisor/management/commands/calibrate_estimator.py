"""Refit the training coefficients on published results and report errors on sources left out."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand
from django.utils import timezone

from catalog import files, frame
from estimator import accuracy, accuracy_plots, calibrate, coefficients, score

DATA = Path(score.__file__).parent / "data"
TRAINING_TOML = coefficients.DIRECTORY / "training.toml"


class Command(BaseCommand):
    help = "Refit training.toml on published training results; --report writes the leave-one-source-out tables."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--training", type=Path, default=DATA / "published_training.csv")
        parser.add_argument("--write", action="store_true", help="write the fitted values into training.toml")
        parser.add_argument(
            "--report",
            type=Path,
            help="write tables of left-out errors to this Markdown file and pictures to the folder accuracy beside it",
        )

    def handle(self, *, training: Path, write: bool, report: Path | None, **options: Any) -> None:
        started = time.monotonic()
        today = timezone.now().date()
        catalog = frame.build(facts=files.load(), moment=today, release=0)
        known = coefficients.load()
        priors = calibrate.read_priors((DATA / "training_priors.csv").read_text(encoding="utf-8"))
        bench = calibrate.bench_of(
            rows=score.read_rows(training.read_text(encoding="utf-8")),
            accelerators=catalog.accelerators,
            architectures=catalog.architectures,
            coefficients=known,
        )
        found = calibrate.fit(bench=bench, coefficients=known, priors=priors, rows=bench.usable)
        start = {prior.key: found.values[prior.key] for prior in priors}
        missed, kind = calibrate.leave_one_source_out(bench=bench, coefficients=known, priors=priors, start=start)
        widths = calibrate.interval_widths(bench=bench, missed=missed, kind=kind)
        fitted = calibrate.errors(bench=bench, cases=bench.cases, values=found.values)
        text = accuracy.training_report(
            bench=bench,
            fitted=fitted,
            missed=missed,
            kind=kind,
            widths=widths,
            found=found,
            priors=priors,
            pictures=accuracy_plots.training_section(
                bench=bench, missed=missed, accelerators=catalog.accelerators, folder=accuracy_plots.FOLDER
            ),
            date=today.isoformat(),
        )
        if write:
            values = start | {f"interval.{name}": width for name, width in widths.items()}
            ranges = {
                prior.key: calibrate.range_of(value=start[prior.key], sd=found.sd[prior.key], prior=prior)
                for prior in priors
            } | {f"interval.{name}": (width * 0.7, width * 1.5) for name, width in widths.items()}
            old = TRAINING_TOML.read_text(encoding="utf-8")
            new = calibrate.rewritten(old, values=values, ranges=ranges)
            new = calibrate.with_seen(new, counts=calibrate.seen_counts(bench), date=today.isoformat())
            TRAINING_TOML.write_text(new, encoding="utf-8")
        if report:
            report.write_text(accuracy.replaced(report, text) if report.exists() else text, encoding="utf-8")
            pictures = accuracy_plots.training_plots(bench=bench, missed=missed, kind=kind, widths=widths)
            accuracy_plots.save(pictures, report=report)
        self.stdout.write(accuracy.balanced_line(bench=bench, missed=missed))
        self.stdout.write(f"{np.isfinite(missed).sum()} rows, {time.monotonic() - started:.0f} s")
