"""The PDF of a report: made once by a worker, kept, and handed out byte for byte; and the bundle of all formats."""

import io
import json
import logging
import zipfile
from datetime import datetime, timedelta

import yaml
from django.db import transaction
from django.db.models import F
from django.urls import reverse

from advisor.core.decision_record import markdown
from advisor.core.record import Facts, file_name
from advisor.core.report import hash_of
from advisor.models import MAX_ATTEMPTS, Rendering, Report
from advisor.pdf import render

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=20)  # how long a PDF may wait before its message is sent again
_REFUSED = (
    "The PDF could not be made of this report: an error of ours, not of your document. The report itself, its Markdown "
    "and its JSON stand. The worker's log holds the details under run {run_id}."
)
_LOST = (
    f"The worker stopped {MAX_ATTEMPTS} times while it made the PDF. The report itself, its Markdown and its JSON "
    "stand. Look into the worker's log."
)


def await_pdf(*, report: Report, moment: datetime) -> Rendering:
    """Return the row of a report's PDF, made if there is none. The caller enqueues it once committed."""
    found, _ = Rendering.objects.get_or_create(
        report=report, format=Rendering.Format.PDF, defaults={"enqueued_at": moment}
    )
    return found


def render_pdf(*, run_id: int, moment: datetime) -> bool:
    """Make and keep the PDF of a run's report. False if it is kept already, or cannot be made.

    Two workers at once make the same bytes; the first to finish keeps them. One that dies leaves the row waiting.
    """
    waiting = Rendering.objects.filter(
        report__run=run_id, format=Rendering.Format.PDF, state=Rendering.State.WAITING, attempt__lt=MAX_ATTEMPTS
    )
    if not waiting.update(attempt=F("attempt") + 1, enqueued_at=moment):
        return False
    report = Report.objects.select_related(
        "run__requested_by", "run__revision__created_by", "run__revision__decision__workspace"
    ).get(run=run_id)
    mine = Rendering.objects.filter(report=report, format=Rendering.Format.PDF, state=Rendering.State.WAITING)
    try:
        content = render.pdf(bytes(report.content), facts=facts(report))
    except render.NotRendered:
        logger.exception("The PDF of a report was refused.")
        mine.update(state=Rendering.State.FAILED, error=_REFUSED.format(run_id=run_id))
        return False
    return bool(
        mine.update(state=Rendering.State.KEPT, content=content, sha256=hash_of(content), renderer=render.RENDERER)
    )


def retry_pdf(*, report: Report, moment: datetime) -> bool:
    """Let a failed PDF be made again. False if it had not failed."""
    return bool(
        Rendering.objects.filter(report=report, format=Rendering.Format.PDF, state=Rendering.State.FAILED).update(
            state=Rendering.State.WAITING, attempt=0, error="", enqueued_at=moment
        )
    )


def requeue_lost(*, moment: datetime) -> list[int]:
    """Return the runs whose PDF nobody made yet, to enqueue again. One tried too often fails, with the reason."""
    with transaction.atomic():
        late = Rendering.objects.filter(state=Rendering.State.WAITING, enqueued_at__lt=moment - PATIENCE)
        late.filter(attempt__gte=MAX_ATTEMPTS).update(state=Rendering.State.FAILED, error=_LOST)
        due = sorted(late.values_list("report__run", flat=True))
        late.update(enqueued_at=moment)
    return due


def facts(report: Report) -> Facts:
    """Return what the shelf knows of a report. None of it changes once the report is issued."""
    run = report.run
    revision = run.revision
    decision = revision.decision
    people = [user.name or user.email for user in (revision.created_by, run.requested_by)]
    older = decision.supersedes
    return Facts(
        number=decision.pk,
        revision=revision.number,
        workspace=decision.workspace.name,
        issued_on=report.created_at.date().isoformat(),
        decision_makers=tuple(dict.fromkeys(people)),
        supersedes=f"decision {older.pk}: {older.title}" if older else "",
        address=reverse("web:report", args=[decision.pk, revision.number]),
    )


def markdown_of(report: Report) -> bytes:
    """Return the record of a report as Markdown."""
    content = bytes(report.content)
    return markdown(json.loads(content), sha256=hash_of(content), facts=facts(report)).encode()


def name_of(report: Report, *, ending: str) -> str:
    """Return the file name of a report in one format: ``0012-title-of-the-decision.pdf``."""
    decision = report.run.revision.decision
    return file_name(facts(report), title=decision.title, ending=ending)


def bundle(*, report: Report, pdf: bytes) -> bytes:
    """Return a ZIP of the record's three formats and the document it answers, the same bytes each time."""
    document = yaml.safe_dump(report.run.revision.document, sort_keys=False, allow_unicode=True)
    parts = {
        "pdf": pdf,
        "md": markdown_of(report),
        "json": bytes(report.content),
        "yaml": document.encode(),
    }
    # ZIP knows no time zone: the day alone, so that the bytes do not depend on where they are packed.
    day = report.run.moment
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for ending, content in parts.items():
            entry = zipfile.ZipInfo(name_of(report, ending=ending), date_time=(day.year, day.month, day.day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()
