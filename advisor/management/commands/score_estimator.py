"""Score the estimator against published results."""

import json
import math
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from catalog import files, frame
from estimator import coefficients, score

SHIPPED = Path(score.__file__).parent / "data"


class Command(BaseCommand):
    help = "Predict published training and inference results and print how far off the estimator is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--training", type=Path, help="CSV of published training results (value may be empty)")
        parser.add_argument("--inference", type=Path, help="CSV of published inference results (value may be empty)")
        parser.add_argument("--json", action="store_true", help="print rows and summary as JSON")

    def handle(self, *, training: Path | None, inference: Path | None, json: bool, **options: Any) -> None:
        if training is None and inference is None:
            training, inference = SHIPPED / "published_training.csv", SHIPPED / "published_inference.csv"
        catalog = frame.build(facts=files.load(), moment=timezone.now().date(), release=0)
        halves = score.score(
            training=_rows(training),
            inference=_rows(inference),
            coefficients=coefficients.load(),
            accelerators=catalog.accelerators,
            architectures=catalog.architectures,
        )
        self.stdout.write(_dumped(halves) if json else _table(halves))


def _rows(path: Path | None) -> list[dict[str, Any]] | None:
    if path is None:
        return None
    try:
        return score.read_rows(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _dumped(halves: dict[str, Any]) -> str:
    return json.dumps(_plain(halves), allow_nan=False)


def _plain(value: Any) -> Any:
    """NaN has no place in JSON: null says unknown."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _table(halves: dict[str, Any]) -> str:
    lines = []
    for half, content in halves.items():
        lines.append(f"{half:34s} {'n':>5s} {'unsup.':>6s} {'median':>7s} {'mean':>7s} {'p90':>7s} {'inside':>7s}")
        summary = content["summary"]
        for name in ("balanced", "by_row", "accel_hours"):
            if name in summary:
                lines.append(_line(name, summary[name]))
        lines += [_line("  " + name, figures) for name, figures in summary["by_source"].items()]
    return "\n".join(lines)


def _line(name: str, figures: dict[str, Any]) -> str:
    shares = [figures[key] for key in ("median", "mean", "p90", "coverage")]
    told = " ".join("      –" if share is None else f"{share:7.1%}" for share in shares)
    return f"{name:34s} {figures['n']:5d} {figures['unsupported']:6d} {told}"
