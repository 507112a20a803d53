"""The life of a run: claimed, kept alive by a lease, finished once, taken up again when its worker is gone."""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F

from advisor.core import document
from advisor.core.advise import advise
from advisor.core.problems import DocumentError
from advisor.core.report import Report as Found
from advisor.models import MAX_ATTEMPTS, Approval, Report, Revision, Run, User
from advisor.services import audit, endpoint_evidence, leases, renderings
from advisor.services.leases import Lease
from catalog import queries
from estimator import coefficients

logger = logging.getLogger(__name__)


class Settled(Exception):
    """The revision has a report that was decided on, or is being advised on: changing it makes the next one."""


def queue_run(*, revision: Revision, user: User, moment: datetime, action: str = "advice.asked") -> Run:
    """Return the open run of the revision, made if there is none. The caller enqueues it once committed.

    Raises Settled once the revision was proposed: its log speaks of the report it has.
    """
    try:
        with transaction.atomic():
            # A new version: an edit that read the draft before the run was there finds that out.
            Revision.objects.filter(pk=revision.pk).update(version=F("version") + 1)
            if Approval.objects.filter(revision=revision).exists():
                raise Settled("This revision was proposed with the report it has. Ask again in a new revision.")
            run = Run.objects.create(
                revision=revision, requested_by=user, moment=moment.date(), created_at=moment, enqueued_at=moment
            )
            _record(run, user=user, action=action, moment=moment)
            return run
    except IntegrityError:
        return Run.objects.get(revision=revision, state__in=Run.OPEN_STATES)


def retry_run(*, run: Run, user: User, moment: datetime) -> Run:
    """Return the open run of the same revision, made if there is none. The caller enqueues it once committed."""
    return queue_run(revision=run.revision, user=user, moment=moment, action="run.retried")


def cancel_run(*, run: Run, user: User, moment: datetime) -> bool:
    """End a run that has not ended; its worker notices at its next step. False if it had ended already."""
    with transaction.atomic():
        cancelled = leases.cancel(Run, pk=run.pk, moment=moment)
        if cancelled:
            _record(run, user=user, action="run.cancelled", moment=moment)
    return cancelled


def requeue_lost(*, moment: datetime) -> list[int]:
    """Return the runs to enqueue again: those whose worker went silent, and queued ones nobody took up.

    A run that lost its worker in its last attempt fails, with the reason.
    """
    return leases.requeue_lost(
        Run,
        moment=moment,
        error=f"The worker stopped in the middle of this run, {MAX_ATTEMPTS} times in a row. "
        "Look into the worker's log, then retry.",
    )


def execute_run(*, run_id: int, moment: datetime) -> bool:
    """Advise on a queued run and store what was found. False if the run was not ours to take or to finish."""
    attempt = leases.claim(Run, pk=run_id, moment=moment)
    if attempt is None:
        return False
    run = Run.objects.select_related("revision__decision__workspace").get(pk=run_id)
    with Lease(Run, pk=run_id, attempt=attempt, moment=moment) as lease:
        try:
            found = _advise(run=run, progress=lease.progress)
            return _store(lease=lease, found=found)
        except leases.LeaseLost:
            return False
        except DocumentError as error:
            return lease.fail(code=error.code, error=error.message, error_items=error.items)
        except queries.NoRelease:
            return lease.fail(
                code="no_catalog",
                error="The catalog holds no published release yet. Load it with `manage.py load_data`, then retry.",
            )
        except DatabaseError:
            raise  # nothing can be written now; the lease runs out and the run is taken up again
        except Exception:  # the rim of the work: whatever it was, the person who waits is told
            logger.exception("A run ended with an unexpected error.")
            return lease.fail(
                code="internal",
                error="The advice stopped with an error of ours, not of your document. "
                f"The worker's log holds the details under run {run_id}.",
            )


def _record(run: Run, *, user: User, action: str, moment: datetime) -> None:
    decision = run.revision.decision
    audit.record(
        user=user,
        workspace=decision.workspace,
        action=action,
        subject=decision.title,
        moment=moment,
        detail={"run": run.pk, "revision": run.revision.number},
    )


def _advise(*, run: Run, progress: Callable[[str, float], None]) -> Found:
    catalog = queries.current(run.moment)
    checked = document.check(
        run.revision.document, complete=True, known=document.known_from(catalog), moment=run.moment
    )
    return advise(
        document=checked,
        catalog=catalog,
        coefficients=coefficients.load(),
        moment=run.moment,
        probes=endpoint_evidence.evidence(workspace=run.revision.decision.workspace, moment=run.moment),
        progress=progress,
    )


def _store(*, lease: Lease, found: Found) -> bool:
    content = found.to_bytes()
    with transaction.atomic():
        if not lease.end(state=Run.State.SUCCEEDED, progress_fraction=1.0, stage=""):
            return False
        report = Report.objects.create(
            run_id=lease.pk,
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            schema_version=found.data["schema_version"],
            feasible=found.feasible,
            created_at=lease.now(),
        )
        renderings.await_pdf(report=report, moment=lease.now())
    return True
