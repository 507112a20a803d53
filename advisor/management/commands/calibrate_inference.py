"""Refit the inference coefficients on published results and report errors on sources left out."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand

from catalog import files, frame
from estimator import accuracy_plots, calibrate, coefficients, inference_accuracy, inference_calibrate, score

DATA = Path(score.__file__).parent / "data"
INFERENCE_TOML = coefficients.DIRECTORY / "inference.toml"


class Command(BaseCommand):
    help = "Refit inference.toml on published serving results; --report writes the leave-one-source-out tables."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--inference", type=Path, default=DATA / "published_inference.csv")
        parser.add_argument("--write", action="store_true", help="write the fitted values into inference.toml")
        parser.add_argument(
            "--report",
            type=Path,
            help="write tables of left-out errors to this Markdown file and pictures to the folder accuracy beside it",
        )

    def handle(self, *, inference: Path, write: bool, report: Path | None, **options: Any) -> None:
        started = time.monotonic()
        today = datetime.now(tz=UTC).date()
        catalog = frame.build(facts=files.load(), moment=today, release=0)
        known = coefficients.load()
        priors = calibrate.read_priors((DATA / "inference_priors.csv").read_text(encoding="utf-8"))
        bench = inference_calibrate.bench_of(
            rows=score.read_rows(inference.read_text(encoding="utf-8")),
            accelerators=catalog.accelerators,
            architectures=catalog.architectures,
        )
        every = np.ones(len(bench.rows), dtype=bool)
        found = inference_calibrate.fit(bench=bench, coefficients=known, priors=priors, rows=every)
        missed, kind = inference_calibrate.leave_one_source_out(
            bench=bench, coefficients=known, priors=priors, start=found.values
        )
        widths = inference_calibrate.interval_widths(bench=bench, missed=missed, kind=kind)
        fitted = inference_calibrate.errors(bench=bench, coefficients=known, values=found.values)
        if write:
            ranges = {
                prior.key: calibrate.range_of(value=found.values[prior.key], sd=found.sd[prior.key], prior=prior)
                for prior in priors
            } | {name: (width * 0.7, width * 1.5) for name, width in widths.items()}
            text = calibrate.rewritten(
                INFERENCE_TOML.read_text(encoding="utf-8"), values=found.values | widths, ranges=ranges
            )
            counts = inference_calibrate.family_counts(bench)
            text = inference_calibrate.with_families(text, counts=counts, date=today.isoformat())
            INFERENCE_TOML.write_text(text, encoding="utf-8")
        if report:
            text = inference_accuracy.report(
                bench=bench,
                fitted=fitted,
                missed=missed,
                kind=kind,
                widths=widths,
                found=found,
                priors=priors,
                date=today.isoformat(),
            )
            section = accuracy_plots.inference_section(
                bench=bench, missed=missed, accelerators=catalog.accelerators, folder=accuracy_plots.FOLDER
            )
            report.write_text(f"{text}\n{section}", encoding="utf-8")
            pictures = accuracy_plots.inference_plots(bench=bench, missed=missed, kind=kind, widths=widths)
            accuracy_plots.save(pictures, report=report)
        median = float(np.median(np.abs(np.exp(missed) - 1)))
        self.stdout.write(f"left out: median {median:.1%} of {len(missed)} rows, {time.monotonic() - started:.0f} s")
