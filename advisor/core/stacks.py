"""Whole stacks of six layers for one workload: the shortlist, its bill, its coupling and its value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from advisor.core import commercial, compatibility, coupling, layers
from advisor.core.bases import BASIS_TEXT, GROUP_TEXT
from advisor.core.candidates import Field
from advisor.core.case import Case
from advisor.core.coupling import Cell
from advisor.core.quantity import Number, a_month, added, from_row, number, scaled, unknown
from advisor.core.value import CRITERIA, Anchor, level, normal, total
from catalog.records import Rule
from estimator.workload import Data

_PER_PLACE = 4  # stacks kept per provider × path × purchase group before the exact joint search
_WORD = {"own_silicon": "own silicon", "merchant": "merchant accelerator", "cpu": "CPU", "managed_api": "managed API"}
_ORDER = {"ranked": 0, "confirm_first": 1, "excluded": 2}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stack:
    """One stack for one workload. ``value`` is comparable within its purchase group only."""

    id: str
    label: str
    row: Row
    states: Mapping[str, int]
    standing: str
    layers: Mapping[str, Mapping[str, Any]]
    numbers: Mapping[str, Number]
    cells: tuple[Cell, ...]
    levels: Mapping[str, float]
    to_confirm: tuple[Rule, ...]
    counted: Number  # what is known of the month: the total less the data whose volume was not stated
    value: float = float("nan")

    @property
    def coupling_mean(self) -> float:
        """Return the mean coupling of the stack's layer pairs; NaN where none was observed."""
        return float(np.mean([cell.score for cell in self.cells])) if self.cells else float("nan")

    @property
    def coupling_max(self) -> float:
        """Return the tightest coupling of the stack's layer pairs; NaN where none was observed."""
        return max((cell.score for cell in self.cells), default=float("nan"))

    @property
    def group(self) -> str:
        """Return the purchase group in which the stack is ranked."""
        return str(self.row["group"])

    @property
    def month(self) -> str:
        """Return in words what a month costs by all that is counted, and that data not stated come on top."""
        return month_of(monthly=self.monthly, counted=self.counted)

    @property
    def monthly(self) -> Number:
        """Return the total per month at the planning value; a lower bound where something was not stated."""
        return self.numbers["monthly_usd"]


# Sorting moves every column it is given: the few that order and tell apart are enough.
_SORTED_BY = ["standing", "candidate_id", "provider", "sku", "basis", "path", "group", "accelerator", "is_stay"]


def shortlist(field: Field) -> list[int]:
    """Return the positions worth completing: per provider, path and purchase group the cheapest few distinct SKUs.

    A SKU enters once per basis: in the region where the team is, if it is sold there, else in the cheapest. What the
    team runs today always enters; where nothing of a path is admissible, its least excluded candidate does.
    """
    frame = field.frame
    if frame.empty:
        return []
    cost = frame["monthly_usd_typical"].fillna(np.inf)
    price = frame["price_usd_per_hour"] / frame["accelerators_count"].where(frame["accelerators_count"] > 0, 1)
    ordered = (
        frame[_SORTED_BY]
        .assign(
            _order=frame["standing"].map(_ORDER),
            _away=frame["distance"],
            _size=_distance(frame, field),
            _cost=cost,
            _price=price.fillna(np.inf),
            _missed=frame["constraints_missed_count"],
            _unsure=frame["constraints_unsure_count"],
            _position=np.arange(len(frame)),
        )
        .sort_values(
            ["_order", "_missed", "_unsure", "_size", "_away", "_cost", "_price", "candidate_id"], kind="stable"
        )
    )
    distinct = ordered.drop_duplicates(["provider", "sku", "basis"])
    distinct = distinct.sort_values(
        ["_order", "_missed", "_unsure", "_size", "_cost", "_price", "candidate_id"], kind="stable"
    )
    kept = distinct.groupby(["provider", "path", "group", "standing"], sort=False).head(_PER_PLACE)
    admissible = kept[kept["standing"] != "excluded"]
    barred = distinct[distinct["standing"] == "excluded"].sort_values(
        ["_missed", "_size", "_cost", "_price", "candidate_id"], kind="stable"
    )
    barred = barred.groupby(["provider", "path"], sort=False).head(1)
    newest = distinct[(distinct["path"] == "own_silicon") & (distinct["standing"] == "confirm_first")]
    newest = newest.groupby(["provider", "accelerator"], sort=False).head(1)
    stay = ordered[ordered["is_stay"]]
    positions = pd.concat([admissible, barred, newest, stay])["_position"]
    return [int(position) for position in dict.fromkeys(positions)]


def _distance(frame: pd.DataFrame, field: Field) -> Any:
    """Return how far a CPU instance's size is from the measured one (0 = same vCPUs, at least its memory)."""
    measured = field.workload.measured
    if field.workload.kind != "cpu_serving" or measured is None or measured.on is None:
        return 0
    same = frame[frame["sku"] == measured.on.split("/")[-1]]
    if same.empty:
        return 0
    vcpus, memory = float(same["vcpus_count"].iloc[0]), float(same["memory_gb"].iloc[0])
    small = frame["memory_gb"].fillna(0.0) < 0.99 * memory * frame["vcpus_count"].fillna(vcpus) / vcpus
    return (frame["vcpus_count"] != vcpus).astype(int) + 2 * small.astype(int)


def build(*, field: Field, positions: Sequence[int], case: Case, anchors: Mapping[str, Anchor]) -> list[Stack]:
    """Return the completed, valued stacks of a workload at the given positions of its frame."""
    bound = coupling.weights_with(case.document.coupling_weights.model_dump(exclude_none=True))
    rows = [{str(name): value for name, value in row.items()} for row in case.catalog.coupling.to_dict("records")]
    bonds: dict[tuple[str, str, bool], list[Cell]] = {}
    stacks = []
    for position in positions:
        row = field.row(position)
        whole = layers.complete(row=row, field=field, case=case)
        place = row["provider"], row["path"], whole.fabric
        if place not in bonds:
            bonds[place] = coupling.cells(rows=rows, provider=place[0], path=place[1], weights=bound, fabric=place[2])
        cells = bonds[place]
        numbers, counted = _numbers(row=row, field=field, whole=whole, case=case)
        stacks.append(
            Stack(
                id=f"{field.workload.id}/{row['candidate_id']}",
                label=_label(row),
                row=row,
                states=field.states(position),
                standing=_standing(row["standing"], counted),
                layers=whole.options,
                numbers=numbers,
                cells=tuple(cells),
                levels=_levels(numbers=numbers, counted=counted, cells=cells, whole=whole, anchors=anchors),
                counted=counted,
                to_confirm=compatibility.to_confirm(
                    catalog_rules=case.catalog.rules, facts=_facts(field=field, row=row, whole=whole)
                ),
            )
        )
    return _valued(stacks, case.said.weights)


def _standing(standing: str, counted: Number) -> str:
    """Return a candidate's standing as a whole stack: one with a line nobody could price is confirmed first."""
    return "confirm_first" if standing == "ranked" and counted["value"] is None else standing


def _facts(*, field: Field, row: Row, whole: layers.Layers) -> dict[str, Any]:
    """Return the rule facts of a completed stack."""
    chosen = {layer: whole.options[layer]["id"] for layer in ("networking", "storage", "orchestration")}
    return {**field.facts, **compatibility.facts_of(row), **{layer: id for layer, id in chosen.items() if id}}


def _label(row: Row) -> str:
    if row["path"] == "managed_api":
        tier = "" if row["basis"] == "standard" else f", {BASIS_TEXT[row['basis']]}"
        return f"{row['sku']} on {row['platform']} ({row['region']} scope{tier})"
    silicon = row["accelerator_name"] if row["accelerator"] else row["cpu_family_name"]
    machine = f"{row['sku']} ({silicon})" if silicon else row["sku"]
    return f"{machine}, {row['provider']} {row['region']}, {BASIS_TEXT[row['basis']]}"


def month_of(*, monthly: Number, counted: Number) -> str:
    """Return what a month costs in words, by what is ``counted``: two such can be compared, two lower bounds cannot."""
    is_all = monthly["value"] is not None or counted["value"] is None
    return a_month(monthly) if is_all else f"{a_month(counted)} without its data"


def group_text(stack: Stack) -> str:
    """Return the purchase group of a stack in words."""
    return GROUP_TEXT[stack.group]


def path_text(stack: Stack) -> str:
    """Return the path of a stack in words."""
    return _WORD[str(stack.row["path"])]


def _numbers(*, row: Row, field: Field, whole: layers.Layers, case: Case) -> tuple[dict[str, Number], Number]:
    """Return the numbers of a stack and, of its month, what is counted: all but the data nobody stated a volume of."""
    evidence = tuple(row["evidence"]) or (row["option_evidence"],)
    priced = (*evidence, row["price_evidence"])
    kind = row["estimate_kind"] or "estimate"
    reason = row["price_reason"] if row["estimable"] else row["estimate_reason"] or row["price_reason"]
    gone = field.workload.data.egress_gb_per_month or 0.0
    answer = case.said.evidence_id(f"{field.path}.data.egress_gb_per_month")

    def estimated(name: str, unit: str, sources: tuple[str, ...] = evidence) -> Number:
        return from_row(row, name, unit=unit, kind=kind, evidence=sources, reason=reason)

    compute = estimated("compute_usd_per_month", "USD/month", priced)
    egress = case.money.leaving(
        provider=row["provider"], region=row["region"], gb=gone, purpose="ordinary_transfer", answer=answer
    )
    fee = whole.orchestration_usd
    checkpoints = {} if whole.checkpoint_usd is None else {"checkpoint_usd": whole.checkpoint_usd}
    known = {"compute": compute, "storage": whole.storage_usd, "egress": egress, "orchestration": fee, **checkpoints}
    parts = known | {
        "storage": _if_stated(whole.storage_usd, data=field.workload.data, name="stored_tb"),
        "egress": _if_stated(egress, data=field.workload.data, name="egress_gb_per_month"),
    }
    numbers = {
        "monthly_usd": added(parts, unit="USD/month"),
        "compute_usd": compute,
        "storage_usd": parts["storage"],
        **checkpoints,
        "egress_usd": parts["egress"],
        "orchestration_usd": fee,
        "operations": layers.operations_number(whole, evidence),
    }
    discounted = commercial.net(compute=compute, row=row, case=case)
    if discounted:
        numbers["net_monthly_usd"] = added({**parts, "compute": discounted}, unit="USD/month")
    counted = added(known, unit="USD/month")
    if row["path"] == "managed_api":
        for column, name in (("input_usd_per_mtok", "input_price"), ("output_usd_per_mtok", "output_price")):
            numbers[name] = _price(row, column, "USD/Mtok")
        return numbers | _tokens(row, evidence) | _probed(row), counted
    numbers["price_usd_per_hour"] = _price(row, "price_usd_per_hour", "USD/instance-hour")
    if row["accelerator"]:
        numbers["price_usd_per_accelerator_hour"] = _per_accelerator(row, numbers["price_usd_per_hour"])
    for name, unit in _ESTIMATES:
        if np.isfinite(row.get(f"{name}_typical", np.nan)):
            numbers[name] = estimated(name, unit)
    if "spare_instances_count" in numbers:
        numbers["spare_instances_count"]["reason"] = row["spare_reason"] or None
    for name in ("run", "experiment"):
        if f"{name}_hours_per_month" in numbers:
            numbers[f"{name}_usd"] = _at_price(numbers[f"{name}_hours_per_month"], numbers["price_usd_per_hour"])
    return numbers | _footprint(row=row, kind=kind, evidence=evidence, case=case), counted


def _if_stated(line: Number, *, data: Data, name: str) -> Number:
    """Return a line of stored or leaving data; unknown, not free, where its volume was not stated."""
    if getattr(data, name) is not None:
        return line
    return unknown(unit=line["unit"], reason=f"data.{name} is not stated")


def _at_price(hours: Number, price: Number) -> Number:
    """Return a part of the instance-hours at the price of an instance. [USD/month]"""
    evidence = (*hours["evidence"], *price["evidence"])
    if price["value"] is None:
        return unknown(unit="USD/month", reason=price["reason"], evidence=evidence)
    return {**scaled(hours, price["value"], unit="USD/month"), "evidence": sorted(set(evidence))}


def _footprint(*, row: Row, kind: str, evidence: Sequence[str], case: Case) -> dict[str, Number]:
    """Return a stack's energy and carbon; where one is unknown, what is missing. Nothing where no machine was sized."""
    if not np.isfinite(row.get("instance_hours_per_month_typical", np.nan)):
        return {}
    used = (*evidence, *(entry.id for entry in case.coefficients.group("carbon").values()))
    part = f"accelerator:{row['accelerator']}" if row["accelerator"] else row["option_evidence"]
    drawn = (
        "the maker publishes no power rating of this accelerator" if row["accelerator"] else "its vCPUs are not known"
    )
    energy = from_row(row, "energy_kwh_per_month", unit="kWh/month", kind=kind, evidence=(*used, part), reason=drawn)
    carbon = from_row(
        row,
        "carbon_kg_per_month",
        unit="kgCO2e/month",
        kind=kind,
        evidence=(*used, part, row["region_evidence"]),
        reason=drawn if energy["value"] is None else f"no grid factor of {row['region']} is on file",
    )
    return {"energy_kwh_per_month": energy, "carbon_kg_per_month": carbon}


def _per_accelerator(row: Row, price: Number) -> Number:
    count, unit = row["accelerators_count"], "USD/accelerator-hour"
    if not count > 0:
        return unknown(unit=unit, reason="how many accelerators it holds is not on file", evidence=price["evidence"])
    return scaled(price, 1 / count, unit=unit)


_ESTIMATES = (
    ("instances_count", "instances"),
    ("spare_instances_count", "instances"),
    ("accelerators_total", "accelerators"),
    ("instance_hours_per_month", "instance-hours/month"),
    ("run_hours_per_month", "instance-hours/month"),
    ("experiment_hours_per_month", "instance-hours/month"),
    ("idle_usd_per_month", "USD/month"),
    ("run_days", "days"),
    ("tuned_run_days", "days"),
    ("ttft_ms", "ms"),
    ("tpot_ms", "ms"),
    ("latency_ms", "ms"),
    ("tokens_per_s", "tokens/s"),
    ("tuned_tokens_per_s", "tokens/s"),
    ("mfu_fraction", "fraction"),
    ("goodput_fraction", "fraction"),
)


def _price(row: Row, column: str, unit: str) -> Number:
    kind = "list price"
    if not np.isfinite(row[column] if row[column] is not None else np.nan):
        return unknown(
            unit=unit, reason=row["price_reason"] or "no public price is on file", evidence=(row["price_evidence"],)
        )
    return number(row[column], unit=unit, kind=kind, evidence=(row["price_evidence"],))


def _tokens(row: Row, evidence: Sequence[str]) -> dict[str, Number]:
    """Return the tokens of a month: an answer where the team counted them, an estimate where from characters."""
    counted = not any(id.startswith("coefficient:tokens.") for id in evidence)
    return {
        name: number(row[name], unit="tokens/month", kind="answer" if counted else "estimate", evidence=evidence)
        for name in ("input_tokens_per_month", "output_tokens_per_month")
        if np.isfinite(row.get(name, np.nan))
    }


def _probed(row: Row) -> dict[str, Number]:
    """Return what the team measured of a managed model; one that decides nothing yet says so as its reason. [ms]"""
    return {
        name: number(
            row[f"{name}_typical"],
            row[f"{name}_low"],
            row[f"{name}_high"],
            unit="ms",
            kind=row[f"{name}_kind"],
            evidence=(row[f"{name}_evidence"],),
            reason=row["latency_doubt"],
        )
        for name in ("ttft_ms", "tpot_ms")
        if row[f"{name}_evidence"]
    }


def _levels(
    *,
    numbers: Mapping[str, Number],
    counted: Number,
    cells: Sequence[Cell],
    whole: layers.Layers,
    anchors: Mapping[str, Anchor],
) -> dict[str, float]:
    """Return the value in [0, 1] of each criterion; NaN where it is unknown or has no anchor."""
    mean = float(np.mean([cell.score for cell in cells])) if cells else None
    latency = next((numbers[name] for name in ("ttft_ms", "latency_ms") if name in numbers), None)
    doubtful = latency is not None and latency["kind"] == "probe" and latency["reason"] is not None
    found = {
        "cost": counted["value"],
        "time": numbers["run_days"]["value"] if "run_days" in numbers else None,
        "latency": latency["value"] if latency and not doubtful else None,
        "portability": mean,
        "operations": 1.0 - whole.operations,
    }
    return {
        name: float(level(x=found[name], anchor=anchors[name]))
        if found[name] is not None and name in anchors
        else float("nan")
        for name in CRITERIA
    }


def _valued(stacks: Sequence[Stack], weights: Mapping[str, float]) -> list[Stack]:
    if not stacks:
        return []
    levels = {name: [stack.levels[name] for stack in stacks] for name in CRITERIA}
    values = total(levels=levels, weights=normal(weights))
    return [replace(stack, value=float(value)) for stack, value in zip(stacks, values, strict=True)]


def ordered(stacks: Sequence[Stack]) -> list[Stack]:
    """Return stacks best first: ranked before confirm-first before excluded, then by value, cost and id."""

    def key(stack: Stack) -> tuple[Any, ...]:
        cost = stack.counted["value"]
        met = sum(state == 1 for state in stack.states.values())
        return (
            _ORDER[stack.standing],
            -round(stack.value, 6),
            -met,
            cost if cost is not None else float("inf"),
            stack.id,
        )

    return sorted(stacks, key=key)


def as_json(stack: Stack) -> dict[str, Any]:
    """Return a stack in the report's shape."""
    mean, most = stack.coupling_mean, stack.coupling_max
    sources = [f"coupling:{cell.id}" for cell in stack.cells]
    kind = "judgement"
    return {
        "id": stack.id,
        "label": stack.label,
        "provider": stack.row["provider"],
        "region": stack.row["region"],
        "path": stack.row["path"],
        "path_text": path_text(stack),
        "basis": stack.row["basis"],
        "group": stack.group,
        "group_text": group_text(stack),
        "standing": stack.standing,
        "layout": stack.row.get("layout") or None,
        "layers": stack.layers,
        "numbers": stack.numbers,
        "coupling": {
            "mean": number(mean, unit="score", kind=kind, evidence=sources)
            if sources
            else unknown(unit="score", reason="no observation on file"),
            "maximum": number(most, unit="score", kind=kind, evidence=sources)
            if sources
            else unknown(unit="score", reason="no observation on file"),
        },
        "value": stack.value if np.isfinite(stack.value) else None,
        "levels": {name: (value if np.isfinite(value) else None) for name, value in stack.levels.items()},
    }
