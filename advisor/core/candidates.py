"""The candidates of one workload: every offer that could carry it, estimated, costed and judged, in one frame.

Frames are joined, never edited in place: offers + estimates + storage and egress → monthly cost → constraint states.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from advisor.core import compatibility, constraints, licences, own_probes
from advisor.core.answers import Answers
from advisor.core.bases import GROUP_OF
from advisor.core.case import Case
from advisor.core.constraints import MISSED, UNKNOWN, Check
from advisor.core.document import Document
from advisor.core.document import Workload as Stated
from advisor.core.money import Money
from catalog.frame import Catalog
from estimator import storage
from estimator.coefficients import Coefficients
from estimator.estimate import estimate
from estimator.managed import estimate_managed
from estimator.uncertainty import Range
from estimator.workload import INFERENCE_KINDS, TRAINING_KINDS, Workload

STEADY_KINDS = ("online_inference", "cpu_serving")  # services: they run without a gap
_RANGE = ("low", "typical", "high")


@dataclass(frozen=True)
class Field:
    """The candidates of one workload with the checks they were judged by."""

    index: int
    stated: Stated
    workload: Workload
    frame: pd.DataFrame
    checks: tuple[Check, ...]
    rules: Mapping[str, compatibility.Outcome]
    facts: Mapping[str, Any]  # of the workload, as the compatibility rules see it
    kept: tuple[Range, tuple[str, ...]] | None  # TB of checkpoints, with evidence; None where none are kept

    @property
    def path(self) -> str:
        """Return the document path of the workload."""
        return f"workloads[{self.index}]"

    @property
    def kept_tb(self) -> float:
        """Return the checkpoints kept, at their typical volume; 0 where none are. [TB, decimal]"""
        return float(self.kept[0].typical) if self.kept else 0.0

    @property
    def unstated(self) -> tuple[str, ...]:
        """Return the data whose volume nobody stated, in words: what they cost is in no total."""
        data = self.workload.data
        volumes = {"stored data": data.stored_tb, "data leaving the cloud": data.egress_gb_per_month}
        return tuple(name for name, volume in volumes.items() if volume is None)

    def row(self, position: int) -> dict[str, Any]:
        """Return the candidate at ``position`` as plain values."""
        return {name: values[position] for name, values in self._columns.items()}

    @cached_property
    def _columns(self) -> dict[str, Any]:
        """The frame as plain arrays: a row cut out of a frame of many columns is slow."""
        return {str(name): self.frame[name].array for name in self.frame.columns}

    def states(self, position: int) -> dict[str, int]:
        """Return the state of each constraint for the candidate at ``position``."""
        return {check.id: int(check.states[position]) for check in self.checks}


def field(*, index: int, case: Case) -> Field:
    """Return every candidate of a workload, with estimates, monthly cost and constraint states."""
    workload, horizon, coefficients = case.said.workloads[index], case.said.horizon, case.coefficients
    stated = case.document.workloads[index]
    frames = []
    offers = _suitable(offers=case.catalog.offers, kind=workload.kind, has_model=workload.architecture is not None)
    if len(offers):
        estimated = estimate(workload=self_hosted(workload), offers=offers, coefficients=coefficients, horizon=horizon)
        frames.append(_owned(estimated, workload=workload, catalog=case.catalog))
    models = _models(stated=stated, workload=workload, catalog=case.catalog)
    if len(models):
        estimated = estimate_managed(workload=workload, model_offers=models, coefficients=coefficients, horizon=horizon)
        measured = own_probes.joined(estimated, probes=case.probes, workload=workload, moment=case.moment)
        frames.append(_managed(measured))
    if not frames:
        frames.append(_managed(_nothing(case=case, workload=workload)))
    frame = pd.concat(frames, ignore_index=True)
    frame = _completed(frame, path=f"workloads[{index}]", workload=workload, said=case.said)
    kept = _kept(workload, path=f"workloads[{index}]", coefficients=coefficients)
    frame = _costed(frame, workload=workload, money=case.money, kept_tb=float(kept[0].typical) if kept else 0.0)
    frame = frame.assign(
        is_stay=_is_stay(frame, document=case.document, workload=workload),
        distance=_distance(frame, document=case.document, workload=workload),
    )
    shared = _workload_facts(document=case.document, stated=stated, workload=workload)
    outcomes = compatibility.outcomes(frame=frame, catalog_rules=case.catalog.rules, shared=shared)
    checks = _checks(frame=frame, index=index, case=case, workload=workload, rules=outcomes)
    return Field(
        index=index,
        stated=stated,
        workload=workload,
        frame=_judged(frame, checks),
        checks=checks,
        rules=outcomes,
        facts=shared,
        kept=kept,
    )


def _kept(workload: Workload, *, path: str, coefficients: Coefficients) -> tuple[Range, tuple[str, ...]] | None:
    """Return the checkpoints a training keeps, with the document's path in place of the workload's id."""
    found = storage.kept_tb(workload=workload, coefficients=coefficients)
    if found is None:
        return None
    own = f"answer:{workload.id}."
    return found[0], tuple(id.replace(own, f"answer:{path}.", 1) for id in found[1])


def _nothing(*, case: Case, workload: Workload) -> pd.DataFrame:
    """Return the estimates of no offer at all: a workload nothing on file is meant for still gets its report."""
    return estimate_managed(
        workload=workload,
        model_offers=case.catalog.model_offers.iloc[:0],
        coefficients=case.coefficients,
        horizon=case.said.horizon,
    )


def _suitable(*, offers: pd.DataFrame, kind: str, has_model: bool) -> pd.DataFrame:
    """Return the offers whose hardware is meant for a kind of work."""
    accelerated = offers["accelerator"] != ""
    if kind == "cpu_serving":
        wanted = ~accelerated
    elif kind in TRAINING_KINDS:
        wanted = accelerated & (offers["trains"] != "no")
    elif kind in INFERENCE_KINDS or has_model:
        wanted = accelerated & (offers["serves"] != "no")
    else:
        wanted = pd.Series(False, index=offers.index)
    return offers[wanted].reset_index(drop=True)


def self_hosted(workload: Workload) -> Workload:
    """Return a managed workload as the online inference it would be on accelerators of one's own; others unchanged."""
    return replace(workload, kind="online_inference") if workload.kind == "managed_api" else workload


def _models(*, stated: Stated, workload: Workload, catalog: Catalog) -> pd.DataFrame:
    """Return the model offers a workload may use: the families its team accepts, or those of its own open model."""
    offers = catalog.model_offers
    if workload.kind == "managed_api":
        accepted = _accepted_families(stated)
        usable = offers["mode"].isin(("chat", "completion", "responses"))
        return offers[usable & (offers["family"].isin(accepted) if accepted else True)].reset_index(drop=True)
    if workload.kind in INFERENCE_KINDS and workload.architecture is not None:
        return offers[offers["architecture_id"] == workload.architecture.id].reset_index(drop=True)
    return offers.iloc[:0]


def _accepted_families(stated: Stated) -> tuple[str, ...]:
    acceptable = getattr(stated.model, "acceptable", None) or ()
    return tuple(entry.family for entry in acceptable)


def _owned(frame: pd.DataFrame, *, workload: Workload, catalog: Catalog) -> pd.DataFrame:
    """Return estimates of offers with the columns that owned and managed candidates share."""
    families = dict(zip(catalog.cpu_families["id"], catalog.cpu_families["name"], strict=True))
    silicon = frame["silicon"].map({"own": "own_silicon", "merchant": "merchant", "none": "cpu"})
    place = frame["provider"] + "/" + frame["region"]
    return frame.assign(
        candidate_id=frame["offer_id"],
        path=silicon,
        group=frame["basis"].map(GROUP_OF),
        cpu_family_name=frame["cpu_family"].map(families).fillna(""),
        family="",
        open_weights=None,
        managed_priced=False,
        option_evidence="instance:" + frame["provider"] + "/" + frame["sku"],
        price_evidence="offer:" + frame["offer_id"],
        region_evidence="region:" + place,
        region_known=frame["country"].notna() & (frame["country"] != ""),
        retirement_date=None,
        **_weights(workload, catalog),
    )


def _weights(workload: Workload, catalog: Catalog) -> dict[str, str]:
    """Return the licence of the weights a self-hosted workload uses; blank where they are the team's own."""
    model = workload.architecture
    rows = catalog.architectures[catalog.architectures["id"] == (model.id if model else "")]
    if rows.empty or workload.kind == "pretraining":
        return {"licence_id": "", "licensed_model": ""}
    return {"licence_id": str(rows["licence_id"].iloc[0]), "licensed_model": str(rows["name"].iloc[0])}


def _managed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return estimates of model offers with the columns that owned and managed candidates share."""
    scope = frame["scope"].fillna("unstated").astype(str)
    eu = scope.str.match(r"^(eu|europe)", case=False)
    return frame.assign(
        candidate_id=frame["model_offer_id"] + "/" + frame["tier"],
        region=scope,
        sku=frame["model_id"],
        basis=frame["tier"],
        group="api",
        path="managed_api",
        price_usd_per_hour=np.nan,
        price_reason=frame["estimate_reason"],
        licensed_model=frame["model_id"],
        managed_priced=frame["input_usd_per_mtok"].notna() & frame["output_usd_per_mtok"].notna(),
        self_serve="yes",
        status="offered",
        option_evidence="model_offer:" + frame["model_offer_id"],
        price_evidence="model_offer:" + frame["model_offer_id"],
        region_evidence="model_offer:" + frame["model_offer_id"],
        in_eu=eu,
        country=None,
        region_known=eu,
        accelerator="",
        accelerator_vendor="",
        software_stack="",
        silicon="",
        terms_id="",
        compute_usd_per_month_low=frame["managed_usd_per_month_low"],
        compute_usd_per_month_typical=frame["managed_usd_per_month_typical"],
        compute_usd_per_month_high=frame["managed_usd_per_month_high"],
    )


_FLOATS = (
    "max_duration_days",
    "min_duration_days",
    "max_quantity_count",
    "fabric_gbps",
    "accelerators_count",
    "vcpus_count",
    "instances_count_typical",
    "run_days_typical",
    "accelerators_total_typical",
    "lead_time_days",
)
_TEXTS = (
    "geography",
    "cpu_family_name",
    "price_doubt",
    "accelerator_name",
    "cpu_family",
    "fabric_type",
    "host_isa",
    "layout",
    "spare_reason",
    "terms_id",
    "estimate_kind",
    "price_as_of",
    "latency_doubt",
    "ttft_ms_kind",
    "ttft_ms_evidence",
    "tpot_ms_kind",
    "tpot_ms_evidence",
)


def _completed(frame: pd.DataFrame, *, path: str, workload: Workload, said: Answers) -> pd.DataFrame:
    """Return the frame with every shared column present: unknown figures NaN, unknown texts empty.

    The estimator names answers, and a model given by its shape, by the workload's id; here they get their path.
    """
    own, shape = f"answer:{workload.id}.", f"architecture:{workload.id}-model"

    def named(id: str) -> str:
        if id == shape:
            return f"answer:{path}.model"
        return _held(id.replace(own, f"answer:{path}.", 1), said) if id.startswith(own) else id

    evidence = {sources: tuple(named(id) for id in sources) for sources in set(frame["evidence"])}
    missing: dict[str, Any] = {name: np.nan for name in _FLOATS if name not in frame}
    missing |= {name: "" for name in (*_TEXTS, "interruptible", "capacity_guaranteed") if name not in frame}
    frame = frame.assign(**missing)
    texts = {name: frame[name].fillna("") for name in _TEXTS}
    reasons = {name: frame[name].fillna("") for name in ("estimate_reason", "price_reason", "status")}
    kind = self_hosted(workload).kind
    scope_key = ("/" + frame["region"]).where(frame["group"] == "api", "")
    return frame.assign(
        **texts, **reasons, workload_kind=kind, scope_key=scope_key, evidence=frame["evidence"].map(evidence)
    )


def _held(id: str, said: Answers) -> str:
    """Return the evidence id of an answer, or of the nearest section above it in which something was said."""
    while True:
        try:
            return str(said.evidence(id)["id"])
        except KeyError:
            id = id.rpartition(".")[0] if "." in id else f"{id}.kind"


def _costed(frame: pd.DataFrame, *, workload: Workload, money: Money, kept_tb: float) -> pd.DataFrame:
    """Return the frame with storage, egress and total per month; a total with an unknown part stays unknown."""
    stored, gone = (workload.data.stored_tb or 0.0) + kept_tb, workload.data.egress_gb_per_month or 0.0
    lines: dict[tuple[str, str], tuple[float, ...]] = {}
    places = list(zip(frame["provider"], frame["region"], strict=True))
    for provider, region in set(places):
        amounts = money.cheapest(provider=provider, region=region, kind=workload.kind, stored_tb=stored, egress_gb=gone)
        lines[provider, region] = amounts
    extra = np.array([lines[place] for place in places], dtype=float).reshape(len(places), 3)
    compute = frame[[f"compute_usd_per_month_{part}" for part in _RANGE]].to_numpy(dtype=float)
    total = compute + extra
    columns = {f"monthly_usd_{part}": total[:, position] for position, part in enumerate(_RANGE)}
    return frame.assign(**columns)


def _is_stay(frame: pd.DataFrame, *, document: Document, workload: Workload) -> Any:
    """Return where a candidate is what the team runs today: the measured SKU, in its present region, on demand."""
    if workload.measured is None or workload.measured.on is None:
        return False
    sku = workload.measured.on.split("/")[-1]
    same = frame["sku"] == sku
    if document.current.provider:
        same &= frame["provider"] == document.current.provider
    if document.current.region:
        same &= frame["region"] == document.current.region
    return same & (frame["basis"] == "on_demand")


def _distance(frame: pd.DataFrame, *, document: Document, workload: Workload) -> Any:
    """Return how far a candidate stands from the workload's data, or else from the team's present region.

    0 is the same region, 1 the same geography, 2 anywhere else.
    """
    data = workload.data
    region = data.located_in_region or document.current.region
    provider = data.located_in_provider or document.current.provider
    near = frame["geography"] == _geography(frame, provider=provider, region=region)
    same = (frame["region"] == region) & (frame["provider"] == provider)
    return np.select([same, near], [0, 1], 2)


def _geography(frame: pd.DataFrame, *, provider: str | None, region: str | None) -> str | None:
    rows = frame[(frame["region"] == region) & (frame["provider"] == provider)]
    return None if rows.empty else str(rows["geography"].iloc[0])


def _workload_facts(*, document: Document, stated: Stated, workload: Workload) -> dict[str, Any]:
    """Return the rule facts that all candidates of a workload share; what was not said is absent."""
    code = workload.code
    facts: dict[str, Any] = {
        "task": "training" if workload.kind in TRAINING_KINDS else "inference",
        "custom_kernels": code.custom_kernels,
        "unsupported_ops_count": len(code.unsupported_ops) if stated.code.unsupported_ops is not None else None,
        "frameworks": list(code.frameworks) or None,
        "image_arch": list(code.image_arch) or None,
        "precision": workload.training.precision if workload.training else None,
        "residency": document.constraints.residency,
        "residency_required": document.constraints.residency is not None,
    }
    return {name: value for name, value in facts.items() if value is not None}


# The figures that must keep a target: check, title, column, target, unit, and the milder figure that is estimated.
_LIMITS = (
    ("deadline", "length of a run", "run_days", "deadline_days", "days", "", ""),
    ("ttft", "time to first token (p95)", "ttft_ms", "ttft_p95_ms", "ms", "", "latency_doubt"),
    ("tpot", "time per output token (p95)", "tpot_ms", "tpot_p95_ms", "ms", "", "latency_doubt"),
    ("latency", "latency (p99)", "latency_ms", "latency_p99_ms", "ms", "p95", ""),
)


def _checks(
    *, frame: pd.DataFrame, index: int, case: Case, workload: Workload, rules: Mapping[str, compatibility.Outcome]
) -> tuple[Check, ...]:
    limits, horizon = case.said.limits, case.said.horizon
    capacity = case.coefficients.get("plan.capacity_accelerators")
    targets, path = workload.targets, f"workloads[{index}].targets"
    steady = self_hosted(workload).kind in STEADY_KINDS
    needed = horizon.months * 30.4 if steady else frame["run_days_typical"].to_numpy(dtype=float)
    why = f"this workload runs without a gap for {horizon.months} months" if steady else "one run takes longer"
    checks: Sequence[Check | None] = (
        constraints.provider(frame=frame, allowed=case.document.constraints.providers),
        constraints.purchase(frame=frame, allowed=limits.purchase),
        constraints.rentable(frame=frame),
        constraints.priced(frame=frame),
        constraints.residency(frame=frame, wanted=limits.residency),
        constraints.fits(frame=frame),
        compatibility.check(frame=frame, found=rules),
        licences.check(frame=frame, licences=case.catalog.licences, document=case.document),
        constraints.operable(frame=frame, engineers=case.document.team.ml_systems_engineers),
        constraints.retirement(frame=frame, moment=case.moment, need_by=limits.need_by),
        constraints.capacity(
            frame=frame,
            limit=capacity.value,
            source=capacity.id,
            quota=case.document.constraints.quota or (),
        ),
        constraints.need_by(frame=frame, date=limits.need_by, moment=case.moment),
        constraints.resilience(
            frame=frame,
            availability=case.document.workloads[index].targets.availability,
            rto_minutes=case.document.workloads[index].targets.rto_minutes,
            rpo_minutes=case.document.workloads[index].targets.rpo_minutes,
            path=f"workloads[{index}].targets",
        ),
        constraints.same_room(frame=frame, measured=workload.measured, path=f"workloads[{index}].measured.on"),
        constraints.terms(frame=frame, needed_days=needed, continuous=steady, why=why),
        *(
            constraints.at_most(
                frame=frame,
                id=id,
                title=title,
                column=column,
                limit=getattr(targets, name),
                unit=unit,
                path=f"{path}.{name}",
                estimated=estimated,
                doubt=doubt,
            )
            for id, title, column, name, unit, estimated, doubt in _LIMITS
        ),
        constraints.certifications(frame=frame, wanted=limits.certifications),
    )
    asked = [check for check in checks if check is not None]
    held = constraints.known_to_hold(frame=frame, checks=asked, path=f"workloads[{index}]")
    return (*asked, held) if held else tuple(asked)


def _judged(frame: pd.DataFrame, checks: Sequence[Check]) -> pd.DataFrame:
    """Return the frame with ``standing``: excluded, confirm_first, or ranked."""
    missed = np.zeros(len(frame), dtype=bool)
    unsure = np.zeros(len(frame), dtype=bool)
    for check in checks:
        missed |= check.states == MISSED
        if check.decisive:
            unsure |= check.states == UNKNOWN
    unpriced = ~np.isfinite(frame["monthly_usd_typical"].to_numpy(dtype=float))
    standing = np.select([missed, unsure | unpriced], ["excluded", "confirm_first"], "ranked")
    missed_count = np.sum([check.states == MISSED for check in checks], axis=0)
    unsure_count = np.sum([check.states == UNKNOWN for check in checks], axis=0)
    return frame.assign(standing=standing, constraints_missed_count=missed_count, constraints_unsure_count=unsure_count)
