"""Probes of a workspace's own endpoints: planned with a bound on their cost, sent once by a worker, and kept."""

import logging
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction

from advisor.core.probe_readout import failures_text
from advisor.models import Endpoint, EndpointProbe, User, Workspace
from advisor.services import audit, credentials, endpoint_calls, leases
from advisor.services.leases import Lease
from catalog.frame import Catalog
from catalog.probes import chat, load
from catalog.probes.load import Cost, Outcome, Plan, Purse

logger = logging.getLogger(__name__)

MOST_REQUESTS, MOST_AT_A_TIME = 300, 32
SENDING_S = 600.0  # and then what is under way may end: below the task's own limit
STATED, LISTED = "stated", "catalog"


class PlanRefused(Exception):
    """A probe that cannot be sent as planned; `problems` say why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class TooManyProbes(Exception):
    """The workspace has used up the probes of an hour; `retry_after_s` says when the next may start."""

    def __init__(self, *, count: int, retry_after_s: int) -> None:
        minutes = math.ceil(retry_after_s / 60)
        super().__init__(f"This workspace has started {count} probes within an hour, its most. Wait {minutes} min.")
        self.retry_after_s = retry_after_s


class AlreadyProbed(Exception):
    """This endpoint is being probed just now."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody asks of a probe."""

    steps: tuple[int, ...] = (1, 2, 4)
    requests_per_step: int = 20
    max_tokens: int = 128
    prompt_words: int = 200
    most_tokens: int = 200_000
    most_usd: Decimal = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What a probe would send and could cost. Nothing has been sent."""

    plan: Plan
    price_source: str
    problems: tuple[str, ...]
    one: Cost
    most: Cost
    address: str
    body: str


@dataclass(frozen=True, kw_only=True)
class ProbeRow:
    """A probe as its workspace sees it."""

    probe_id: int
    endpoint_id: int
    endpoint: str
    state: str
    stage: str
    progress_fraction: float
    error_code: str
    error: str
    requested_by: str
    created_at: datetime
    finished_at: datetime | None
    plan: dict[str, Any]
    result: dict[str, Any] | None
    tokens_at_most: int
    usd_at_most: Decimal
    is_open: bool


# --- it is planned --------------------------------------------------------------------------------------------------


def dry_run(*, endpoint: Endpoint, wanted: Wanted, catalog: Catalog) -> DryRun:
    """Return what a probe would send, and at most what it costs. Nothing leaves this machine."""
    plan, price_source = _plan(endpoint=endpoint, wanted=wanted, catalog=catalog)
    problems = load.checked(plan, longest=MOST_REQUESTS, widest=MOST_AT_A_TIME)
    text = load.prompt(words=plan.prompt_words, nonce="0" * 16)
    address, body = f"Amazon Bedrock, {endpoint.region}: ConverseStream of {endpoint.model}", text
    if endpoint.kind in chat.KINDS:
        one = endpoint_calls.chat_of(endpoint, key="")
        address = chat.address_of(endpoint.kind, one)
        body = chat.body_of(
            endpoint.kind, one, prompt=text, max_tokens=plan.max_tokens, wording=chat.Wording()
        ).decode()
    return DryRun(
        plan=plan,
        price_source=price_source,
        problems=tuple(problems),
        one=plan.bound(),
        most=plan.most(),
        address=address,
        body=body,
    )


def start(*, endpoint: Endpoint, user: User, wanted: Wanted, catalog: Catalog, moment: datetime) -> EndpointProbe:
    """Queue a probe; the caller enqueues it once committed. Raises PlanRefused, TooManyProbes and AlreadyProbed."""
    found = dry_run(endpoint=endpoint, wanted=wanted, catalog=catalog)
    if found.problems:
        raise PlanRefused(list(found.problems))
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=endpoint.workspace_id)  # so that the quota holds
        _keep_quota(endpoint.workspace_id, moment=moment)
        try:
            with transaction.atomic():
                probe = EndpointProbe.objects.create(
                    endpoint=endpoint,
                    requested_by=user,
                    plan=_plan_json(found.plan, price_source=found.price_source),
                    created_at=moment,
                    enqueued_at=moment,
                )
        except IntegrityError as error:
            raise AlreadyProbed("This endpoint is being probed just now: wait for the end, or cancel it.") from error
        _record(probe, user=user, action="endpoint.probed", moment=moment)
    return probe


def cancel(*, probe: EndpointProbe, user: User, moment: datetime) -> bool:
    """End a probe that has not ended: requests under way end, nothing more is sent. False if it had ended already."""
    with transaction.atomic():
        cancelled = leases.cancel(EndpointProbe, pk=probe.pk, moment=moment)
        if cancelled:
            _record(probe, user=user, action="endpoint.probe_cancelled", moment=moment)
    return cancelled


def rows(*, endpoint: Endpoint) -> list[ProbeRow]:
    """Return an endpoint's probes, newest first."""
    found = endpoint.probes.select_related("endpoint", "requested_by").order_by("-pk")[:50]
    return [row(probe) for probe in found]


def row(probe: EndpointProbe) -> ProbeRow:
    """Return a probe as plain values."""
    return ProbeRow(
        probe_id=probe.pk,
        endpoint_id=probe.endpoint_id,
        endpoint=probe.endpoint.name,
        state=probe.state,
        stage=probe.stage,
        progress_fraction=probe.progress_fraction,
        error_code=probe.error_code,
        error=probe.error,
        requested_by=probe.requested_by.email,
        created_at=probe.created_at,
        finished_at=probe.finished_at,
        plan=probe.plan,
        result=probe.result,
        tokens_at_most=probe.tokens_at_most,
        usd_at_most=probe.usd_at_most,
        is_open=probe.is_open,
    )


def _plan(*, endpoint: Endpoint, wanted: Wanted, catalog: Catalog) -> tuple[Plan, str]:
    """Return the plan with the price that the user states, or else the catalog's list price of its model offer."""
    read, written, source = endpoint.input_usd_per_mtok, endpoint.output_usd_per_mtok, STATED
    if read is None or written is None:
        read, written = _listed(endpoint.model_offer_id, catalog=catalog)
        source = LISTED if read is not None else ""
    plan = Plan(
        steps=wanted.steps,
        requests_per_step=wanted.requests_per_step,
        max_tokens=wanted.max_tokens,
        prompt_words=wanted.prompt_words,
        most_tokens=wanted.most_tokens,
        most_usd=wanted.most_usd,
        input_usd_per_mtok=read,
        output_usd_per_mtok=written,
    )
    return plan, source


def _listed(offer_id: str, *, catalog: Catalog) -> tuple[Decimal | None, Decimal | None]:
    offers = catalog.model_offers
    found = offers[offers["model_offer_id"] == offer_id]
    if found.empty:
        return None, None
    prices = [float(found[f"{side}_usd_per_mtok"].iloc[0]) for side in ("input", "output")]
    if not np.isfinite(prices).all():
        return None, None
    return Decimal(str(prices[0])), Decimal(str(prices[1]))


def _plan_json(plan: Plan, *, price_source: str) -> dict[str, Any]:
    return {
        "steps": list(plan.steps),
        "requests_per_step": plan.requests_per_step,
        "max_tokens": plan.max_tokens,
        "prompt_words": plan.prompt_words,
        "most_tokens": plan.most_tokens,
        "most_usd": str(plan.most_usd),
        "input_usd_per_mtok": str(plan.input_usd_per_mtok),
        "output_usd_per_mtok": str(plan.output_usd_per_mtok),
        "price_source": price_source,
    }


def _planned(kept: Mapping[str, Any]) -> Plan:
    return Plan(
        steps=tuple(kept["steps"]),
        requests_per_step=kept["requests_per_step"],
        max_tokens=kept["max_tokens"],
        prompt_words=kept["prompt_words"],
        most_tokens=kept["most_tokens"],
        most_usd=Decimal(kept["most_usd"]),
        input_usd_per_mtok=Decimal(kept["input_usd_per_mtok"]),
        output_usd_per_mtok=Decimal(kept["output_usd_per_mtok"]),
    )


def _keep_quota(workspace_id: int, *, moment: datetime) -> None:
    recent = EndpointProbe.objects.filter(
        endpoint__workspace=workspace_id, created_at__gt=moment - timedelta(hours=1)
    ).values_list("created_at", flat=True)
    started, quota = sorted(recent), settings.ENDPOINT_PROBES_PER_HOUR
    if len(started) >= quota:
        free = (started[-quota] if quota else moment) + timedelta(hours=1)
        raise TooManyProbes(count=len(started), retry_after_s=max(math.ceil((free - moment).total_seconds()), 1))


def _record(probe: EndpointProbe, *, user: User, action: str, moment: datetime) -> None:
    endpoint = probe.endpoint
    audit.record(
        user=user,
        workspace=endpoint.workspace,
        action=action,
        subject=endpoint.name,
        moment=moment,
        detail={"probe": probe.pk, "most_tokens": probe.plan["most_tokens"], "most_usd": probe.plan["most_usd"]},
    )


# --- it is sent -----------------------------------------------------------------------------------------------------


def requeue_lost(*, moment: datetime) -> list[int]:
    """Return the queued probes to enqueue again. One whose worker went silent fails: what it sent is paid for."""
    return leases.requeue_lost(
        EndpointProbe,
        moment=moment,
        error="The worker stopped in the middle of this probe. It is not sent again by itself: its requests may have "
        "been billed. Start another when you wish.",
    )


def execute_probe(*, probe_id: int, moment: datetime) -> bool:
    """Send a queued probe and keep what it showed. False if it was not ours to take, or nothing was answered."""
    attempt = leases.claim(EndpointProbe, pk=probe_id, moment=moment)
    if attempt is None:
        return False
    probe = EndpointProbe.objects.select_related("endpoint").get(pk=probe_id)
    endpoint = probe.endpoint
    Endpoint.objects.filter(pk=endpoint.pk).update(last_used_at=moment)
    with Lease(EndpointProbe, pk=probe_id, attempt=attempt, moment=moment) as lease:
        try:
            plan = _planned(probe.plan)
            ask = endpoint_calls.asking(endpoint, plan=plan, key=credentials.decrypt(endpoint.key))
            outcome = load.run(plan=plan, ask=ask, tell=partial(_tell, lease), within_s=SENDING_S)
            return _keep(lease=lease, endpoint=endpoint, outcome=outcome)
        except leases.LeaseLost:
            return False
        except credentials.Unreadable as error:
            return lease.fail(code="key_unreadable", error=f"{error} Remove the endpoint and register it anew.")
        except DatabaseError:
            raise  # nothing can be written now; the lease runs out and the probe fails by that
        except Exception:  # the rim of the work: whatever it was, the person who waits is told
            logger.exception("A probe ended with an unexpected error.")
            return lease.fail(
                code="internal",
                error=f"The probe stopped with an error of ours. The worker's log holds the details: probe {probe_id}.",
            )


def _tell(lease: Lease, done: int, of: int, purse: Purse) -> None:
    lease.progress(
        "sending requests",
        done / of,
        tokens_at_most=purse.tokens_at_most,
        usd_at_most=purse.shown_usd,
    )


def _keep(*, lease: Lease, endpoint: Endpoint, outcome: Outcome) -> bool:
    result = {
        **outcome.as_json(),
        "vantage": settings.PROBE_VANTAGE,
        "kind": endpoint.kind,
        "place": endpoint.address or endpoint.region,
        "model": endpoint.model,
    }
    took = {"tokens_at_most": outcome.purse.tokens_at_most, "usd_at_most": outcome.purse.shown_usd}
    if not outcome.answered:
        failures = Counter[str]()
        for step in outcome.steps:
            failures.update(step.failures)
        named = failures_text(failures)
        codes = sorted({code for step in outcome.steps for code in step.codes})
        said = f" The provider says: {', '.join(codes)}." if codes else ""
        return lease.fail(
            code="nobody_answered", error=f"No request was answered: {named}.{said}", result=result, **took
        )
    return lease.end(state=EndpointProbe.State.SUCCEEDED, progress_fraction=1.0, stage="", result=result, **took)
