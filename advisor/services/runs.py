"""The life of a run: claimed, kept alive by a lease, finished once, taken up again when its worker is gone."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from advisor.core import document
from advisor.core.advise import advise
from advisor.core.problems import DocumentError
from advisor.core.report import Report as Found
from advisor.models import MAX_ATTEMPTS, Approval, Report, Revision, Run, User
from advisor.services import audit, renderings
from catalog import queries
from estimator import coefficients

logger = logging.getLogger(__name__)

# A killed worker's run is free again after LEASE; beat looks every 15 s: together well below a minute.
LEASE = timedelta(seconds=20)
RENEW_EVERY_S = 5.0
PROGRESS_EVERY_S = 0.5
PATIENCE = timedelta(seconds=20)  # how long a queued run may wait before its message is sent again


class Settled(Exception):
    """The revision has a report that was decided on, or is being advised on: changing it makes the next one."""


class LeaseLost(Exception):
    """This run is no longer ours: cancelled, or given to another worker. Nothing more may be written."""


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
        cancelled = Run.objects.filter(pk=run.pk, state__in=Run.OPEN_STATES).update(
            state=Run.State.CANCELLED, lease_until=None, finished_at=moment
        )
        if cancelled:
            _record(run, user=user, action="run.cancelled", moment=moment)
    return bool(cancelled)


def requeue_lost(*, moment: datetime) -> list[int]:
    """Return the runs to enqueue again: those whose worker went silent, and queued ones nobody took up.

    A run that lost its worker in its last attempt fails, with the reason.
    """
    with transaction.atomic():
        expired = Run.objects.filter(state=Run.State.RUNNING, lease_until__lt=moment)
        expired.filter(attempt__gte=MAX_ATTEMPTS).update(
            state=Run.State.FAILED,
            lease_until=None,
            finished_at=moment,
            error_code="worker_lost",
            error=f"The worker stopped in the middle of this run, {MAX_ATTEMPTS} times in a row. "
            "Look into the worker's log, then retry.",
        )
        lost = list(expired.values_list("pk", flat=True))
        Run.objects.filter(pk__in=lost, state=Run.State.RUNNING, lease_until__lt=moment).update(
            state=Run.State.QUEUED, lease_until=None, stage="", progress_fraction=0.0
        )
        waiting = Run.objects.filter(state=Run.State.QUEUED, enqueued_at__lt=moment - PATIENCE)
        due = sorted({*lost, *waiting.values_list("pk", flat=True)})
        Run.objects.filter(pk__in=due).update(enqueued_at=moment)
    return due


def execute_run(*, run_id: int, moment: datetime) -> bool:
    """Advise on a queued run and store what was found. False if the run was not ours to take or to finish."""
    attempt = claim(run_id=run_id, moment=moment)
    if attempt is None:
        return False
    run = Run.objects.select_related("revision").get(pk=run_id)
    with Lease(run_id=run_id, attempt=attempt, moment=moment) as lease:
        try:
            found = _advise(run=run, progress=lease.progress)
            return _store(lease=lease, found=found)
        except LeaseLost:
            return False
        except DocumentError as error:
            return _fail(lease=lease, code=error.code, error=error.message, items=error.items)
        except queries.NoRelease:
            return _fail(
                lease=lease,
                code="no_catalog",
                error="The catalog holds no published release yet. Load it with `manage.py load_data`, then retry.",
            )
        except DatabaseError:
            raise  # nothing can be written now; the lease runs out and the run is taken up again
        except Exception:  # the rim of the work: whatever it was, the person who waits is told
            logger.exception("A run ended with an unexpected error.")
            return _fail(
                lease=lease,
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
        progress=progress,
    )


def claim(*, run_id: int, moment: datetime) -> int | None:
    """Take a queued run and return the number of this attempt; None when somebody else was first."""
    with transaction.atomic():
        taken = Run.objects.filter(pk=run_id, state=Run.State.QUEUED, attempt__lt=MAX_ATTEMPTS).update(
            state=Run.State.RUNNING,
            attempt=F("attempt") + 1,
            lease_until=moment + LEASE,
            started_at=Coalesce(F("started_at"), Value(moment)),
        )
        return Run.objects.values_list("attempt", flat=True).get(pk=run_id) if taken else None


def _store(*, lease: "Lease", found: Found) -> bool:
    content = found.to_bytes()
    with transaction.atomic():
        if not lease.end(state=Run.State.SUCCEEDED, progress_fraction=1.0, stage=""):
            return False
        report = Report.objects.create(
            run_id=lease.run_id,
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            schema_version=found.data["schema_version"],
            feasible=found.feasible,
            created_at=lease.now(),
        )
        renderings.await_pdf(report=report, moment=lease.now())
    return True


def _fail(*, lease: "Lease", code: str, error: str, items: list[dict[str, Any]] | None = None) -> bool:
    lease.end(state=Run.State.FAILED, error_code=code, error=error, error_items=items or [])
    return False


class Lease:
    """Holds one attempt of one run: renews it from a thread, saves its progress, lets go when it is no longer ours."""

    def __init__(self, *, run_id: int, attempt: int, moment: datetime) -> None:
        self.run_id = run_id
        self._attempt = attempt
        self._moment, self._started = moment, time.monotonic()
        self._over = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease of run {run_id}", daemon=True)
        self._stage, self._saved = "", float("-inf")

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def now(self) -> datetime:
        return self._moment + timedelta(seconds=time.monotonic() - self._started)

    def progress(self, stage: str, fraction: float) -> None:
        """Save how far the work is, at most twice a second; raise LeaseLost when it was taken from us."""
        if self._lost.is_set():
            raise LeaseLost
        elapsed_s = time.monotonic() - self._started
        if stage == self._stage and elapsed_s - self._saved < PROGRESS_EVERY_S:
            return
        self._stage, self._saved = stage, elapsed_s
        if not self._update(stage=stage[:200], progress_fraction=min(max(fraction, 0.0), 1.0)):
            raise LeaseLost

    def end(self, **fields: Any) -> bool:
        """Write the run's last state; False when it is no longer ours to end."""
        return self._update(lease_until=None, finished_at=self.now(), **fields)

    def _update(self, **fields: Any) -> bool:
        fields.setdefault("lease_until", self.now() + LEASE)
        return bool(Run.objects.filter(pk=self.run_id, state=Run.State.RUNNING, attempt=self._attempt).update(**fields))

    def _keep(self) -> None:
        try:
            while not self._over.wait(RENEW_EVERY_S):
                try:
                    if not self._update():
                        self._lost.set()
                        return
                except DatabaseError:
                    logger.exception("A lease could not be renewed; trying again.")
        finally:
            connection.close()
