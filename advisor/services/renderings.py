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

from advisor.core.record.arrangement import Facts, file_name
from advisor.core.record.markdown import markdown
from advisor.core.report import hash_of
from advisor.models import MAX_ATTEMPTS, Approval, Rendering, Report
from advisor.pdf import render
from advisor.services import approvals

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


def await_pdf(*, report: Report, moment: datetime, approval: Approval | None = None) -> Rendering:
    """Return the row of a report's PDF as issued at a step, made if there is none. The caller enqueues its run."""
    found, _ = Rendering.objects.get_or_create(
        report=report, format=Rendering.Format.PDF, approval=approval, defaults={"enqueued_at": moment}
    )
    return found


def current_pdf(*, report: Report, moment: datetime) -> tuple[Rendering, bool]:
    """Return the row of the PDF for the status the report's revision has now, and whether it was made just now.

    A report older than its PDF gets a row here; the caller then enqueues its run.
    """
    last = approvals.last(revision=report.run.revision)
    found = report.renderings.filter(format=Rendering.Format.PDF, approval=last).first()
    return (found, False) if found else (await_pdf(report=report, approval=last, moment=moment), True)


def render_pdf(*, run_id: int, moment: datetime) -> bool:
    """Make and keep the PDFs of a run's report that wait. False if none does, or none can be made.

    Two workers at once make the same bytes; the first to finish keeps them. One that dies leaves the row waiting.
    """
    waiting = Rendering.objects.filter(
        report__run=run_id, format=Rendering.Format.PDF, state=Rendering.State.WAITING, attempt__lt=MAX_ATTEMPTS
    ).select_related(
        "approval",
        "report__run__requested_by",
        "report__run__revision__created_by",
        "report__run__revision__decision__workspace",
    )
    made = [_keep(row, moment=moment) for row in waiting.order_by("pk")]
    return any(made)


def _keep(row: Rendering, *, moment: datetime) -> bool:
    mine = Rendering.objects.filter(pk=row.pk, state=Rendering.State.WAITING)
    if not mine.filter(attempt__lt=MAX_ATTEMPTS).update(attempt=F("attempt") + 1, enqueued_at=moment):
        return False
    try:
        content = render.pdf(bytes(row.report.content), facts=facts(row.report, step=row.approval))
    except render.NotRendered:
        logger.exception("The PDF of a report was refused.")
        mine.update(state=Rendering.State.FAILED, error=_REFUSED.format(run_id=row.report.run_id))
        return False
    return bool(
        mine.update(state=Rendering.State.KEPT, content=content, sha256=hash_of(content), renderer=render.RENDERER)
    )


def retry_pdf(*, report: Report, moment: datetime) -> bool:
    """Let what failed of a report's PDFs be made again. False if none had failed."""
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
        due = sorted(set(late.values_list("report__run", flat=True)))
        late.update(enqueued_at=moment)
    return due


def facts(report: Report, *, step: Approval | None) -> Facts:
    """Return what the shelf knows of a report at a step of its revision's life. Later steps do not change it."""
    run = report.run
    revision = run.revision
    decision = revision.decision
    stands = approvals.standing_at(revision=revision, step=step)
    return Facts(
        number=decision.pk,
        revision=revision.number,
        workspace=decision.workspace.name,
        status=stands.status,
        issued_on=(step.at if step else report.created_at).date().isoformat(),
        asked_by=tuple(dict.fromkeys(user.shown_name for user in (revision.created_by, run.requested_by))),
        decision_makers=(stands.decided_by,) if stands.decided_by else (),
        proposed_on=stands.proposed_on,
        accepted_on=stands.accepted_on,
        rejected_on=stands.rejected_on,
        review_by=stands.review_by,
        supersedes=stands.supersedes,
        superseded_by=stands.superseded_by,
        address=reverse("web:report", args=[decision.pk, revision.number]),
    )


def markdown_of(report: Report) -> bytes:
    """Return the record of a report as Markdown, under the status its revision has now."""
    content = bytes(report.content)
    known = facts(report, step=approvals.last(revision=report.run.revision))
    return markdown(json.loads(content), sha256=hash_of(content), facts=known).encode()


def name_of(report: Report, *, ending: str) -> str:
    """Return the file name of a report in one format: ``0012-title-of-the-decision.pdf``."""
    decision = report.run.revision.decision
    return file_name(Facts(number=decision.pk), title=decision.title, ending=ending)


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
