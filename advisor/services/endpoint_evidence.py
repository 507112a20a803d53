"""What a workspace's probes of its own endpoints tell its reports."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from advisor.core.own_probes import OwnProbe
from advisor.models import EndpointProbe, Workspace
from catalog.probes.streaming import FEWEST_FOR_P95
from estimator.uncertainty import Range

MOST_FAILED_FRACTION = 0.1  # beyond, those that were answered are not a fair sample


def evidence(*, workspace: Workspace, moment: date) -> list[OwnProbe]:
    """Return what a workspace's reports of a day may use: the newest usable probe of each model offer.

    Usable is a probe of an endpoint that stands for a model offer, with a step of enough answered requests.
    """
    probes = (
        EndpointProbe.objects.filter(
            endpoint__workspace=workspace, state=EndpointProbe.State.SUCCEEDED, finished_at__date__lte=moment
        )
        .exclude(endpoint__model_offer_id="")
        .select_related("endpoint")
        .order_by("-finished_at", "-pk")
    )
    newest: dict[str, OwnProbe] = {}
    for probe in probes[:500]:
        if probe.endpoint.model_offer_id not in newest and (found := _own_probe(probe)) is not None:
            newest[probe.endpoint.model_offer_id] = found
    return sorted(newest.values(), key=lambda one: one.number)


def _own_probe(probe: EndpointProbe) -> OwnProbe | None:
    """Return the widest step that can speak for the endpoint: the one nearest to real load."""
    result, ended = probe.result, probe.finished_at
    usable = [step for step in result["steps"] if _speaks(step)] if result else []
    if result is None or ended is None or not usable:
        return None
    step = max(usable, key=lambda one: int(one["concurrency"]))
    return OwnProbe(
        number=probe.pk,
        endpoint=probe.endpoint.name,
        model_offer_id=probe.endpoint.model_offer_id,
        taken_on=ended.date(),
        vantage=result["vantage"],
        concurrency=step["concurrency"],
        answered_count=step["answered"],
        failed_count=sum(step["failures"].values()),
        input_tokens=step["input_tokens"].get("p50"),
        output_tokens=step["output_tokens"].get("p50"),
        ttft_ms=_p95(step["ttft_ms"]),
        tpot_ms=_p95(step["tpot_ms"]) if step["tpot_ms"].get("p95") is not None else None,
    )


def _speaks(step: Mapping[str, Any]) -> bool:
    failed = sum(step["failures"].values())
    return step["answered"] >= FEWEST_FOR_P95 and failed <= MOST_FAILED_FRACTION * step["asked"]


def _p95(spread: Mapping[str, Any]) -> Range:
    return Range(spread["p95_low"], spread["p95"], spread["p95_high"])
