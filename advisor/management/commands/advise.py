"""`manage.py advise FILE`: a document in, a report out. Reads the published catalog and stores nothing."""

import datetime as dt
import json
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError, connection
from django.utils import timezone

from advisor.core.advise import advise
from advisor.core.document import DocumentError, Reading, check, known_from, read
from advisor.core.problems import problem
from advisor.core.reading import MAX_BYTES
from advisor.core.record import markdown
from advisor.core.report import Report
from advisor.pdf import render
from catalog import queries
from catalog.files import DataError
from catalog.frame import Catalog
from estimator import coefficients

EXIT_INPUT, EXIT_INFEASIBLE = 2, 3


class Command(BaseCommand):
    help = (
        "Advise on a decision document (YAML or JSON). Exit code 0: a report; 2: the document cannot be used, standard "
        "error names each fault by its path; 3: nothing feasible, the report says what removes which candidates."
    )
    requires_system_checks: list[str] = []  # it serves nobody but its caller, who waits for it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the document; - reads standard input")
        parser.add_argument("--format", choices=("json", "md", "pdf"), default="md", help="md (default), json or pdf")
        parser.add_argument("-o", "--output", metavar="OUT", help="write the report to this file")
        parser.add_argument("--moment", type=_day, metavar="YYYY-MM-DD", help="the day of the advice (default: today)")

    def handle(self, *, file: str, format: str, output: str | None, moment: dt.date | None, **_: Any) -> None:
        reading: Reading | None = None
        try:
            reading = read(_bytes_of(file))
            check(reading.raw, complete=True)  # what needs no catalog is refused before one is opened
            report = self._report(raw=reading.raw, moment=moment or timezone.now().date())
        except DocumentError as error:
            self.stderr.write(_told(error=error, file=file, reading=reading, format=format), ending="\n")
            raise SystemExit(EXIT_INPUT) from None
        _write(_RENDERED[format](report), output=output)
        if not report.feasible:
            raise SystemExit(EXIT_INFEASIBLE)

    def _report(self, *, raw: dict[str, Any], moment: dt.date) -> Report:
        catalog = self._catalog(moment=moment)
        document = check(raw, complete=True, known=known_from(catalog), moment=moment)
        return advise(document=document, catalog=catalog, coefficients=coefficients.load(), moment=moment)

    def _catalog(self, *, moment: dt.date) -> Catalog:
        """Return the published catalog; an embedded database that has none to read is filled, with a word about it."""
        try:
            return queries.current(moment=moment)
        except (queries.NoRelease, OperationalError, ProgrammingError, DataError) as error:
            # DataError: what is published was written by another version of this program.
            if connection.vendor != "sqlite":
                raise CommandError(
                    f"This database has no catalog that can be read ({_first_line(error)}). Check DATABASE_URL, then "
                    "run: manage.py migrate && manage.py load_data"
                ) from error
        self.stderr.write("No catalog can be read yet: loading the shipped one into the local database.")
        call_command("migrate", verbosity=0, interactive=False, stdout=self.stderr)
        call_command("load_data", verbosity=0, stdout=self.stderr)
        return queries.current(moment=moment)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day like 2026-11-23") from None


def _bytes_of(file: str) -> bytes:
    """Return the file's bytes, no more than a document may have and one to show that there are more."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(file).open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > MAX_BYTES:
                raise _unreadable(f"{file} has {size:,} bytes; a document may have {MAX_BYTES:,} at most.")
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(f"{file!r} cannot be read: {reason}.") from None


def _unreadable(message: str) -> DocumentError:
    return DocumentError([problem("", None, message)], code="unreadable_document")


def _told(*, error: DocumentError, file: str, reading: Reading | None, format: str) -> str:
    """Return the error as the caller asked for it: the shared JSON shape, or lines that name file, line and path."""
    if format == "json":
        return json.dumps(error.as_dict(), ensure_ascii=False, indent=2)
    lines = [f"{file}: {error.message}"]
    for item in error.items:
        line = _line(item["path"], reading)
        place = f"line {line}: " if line else ""
        lines.append(f"  {place}{item['path'] or 'document'}: {item['message']}")
        if item["accepted"]:
            lines.append(f"      accepted: {', '.join(map(str, item['accepted']))}")
    return "\n".join(lines)


def _line(path: str, reading: Reading | None) -> int | None:
    """Return the line on which a path stands, or the nearest part above it that does stand in the file."""
    while reading is not None and path:
        if path in reading.lines:
            return reading.lines[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return None


def _markdown(report: Report) -> bytes:
    return markdown.markdown(
        json.loads(report.to_bytes())
    ).encode()  # as a kept report is read: in the order of its bytes


def _pdf(report: Report) -> bytes:
    return render.pdf(report.to_bytes())


_RENDERED: dict[str, Callable[[Report], bytes]] = {"json": Report.to_bytes, "md": _markdown, "pdf": _pdf}


def _write(content: bytes, *, output: str | None) -> None:
    try:
        if output is not None:
            Path(output).write_bytes(content)
            return
        sys.stdout.buffer.write(content)
        if sys.stdout.isatty() and not content.endswith(b"\n"):
            sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has seen enough: not our error, and nothing may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"The report cannot be written to {output or 'standard output'}: {reason}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
