"""The advice: a checked document and a catalog in, one frozen report out. No clock, no network, no chance."""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from advisor.core import (
    assumed,
    barred,
    bill,
    bonds,
    candidates,
    cautions,
    coupling,
    explain,
    formats,
    own_probes,
    plan,
    rejected,
    roles,
    stacks,
    undecided,
    verdicts,
)
from advisor.core.case import Case, evidence_ids
from advisor.core.document import Document, canonical
from advisor.core.own_probes import OwnProbe
from advisor.core.plan import Choice, Plan
from advisor.core.quantity import Number, added, costs, number, sentence, span, usd
from advisor.core.report import SCHEMA_VERSION, Report, content_hash
from advisor.core.roles import Assignment
from advisor.core.stacks import Stack
from advisor.core.undecided import Elsewhere, Rival
from catalog.frame import Catalog
from estimator.coefficients import Coefficients
from estimator.cost import ramp_months
from estimator.workload import Horizon

Progress = Callable[[str, float], None]
_RAMP_TEXT = {"linear": "the load growing evenly to its full size", "immediate": "the full load from the first month"}
_SEED = 0  # nothing is drawn at random; kept in the report so that a later version can say what it drew
_MOST_ALTERNATIVES = 4
_PACKAGES = ("advisor/core", "catalog", "estimator")


def advise(
    *,
    document: Document,
    catalog: Catalog,
    coefficients: Coefficients,
    moment: dt.date,
    probes: Sequence[OwnProbe] = (),
    progress: Progress | None = None,
) -> Report:
    """Return the report on a complete document at a moment, from one release of the catalog.

    ``probes`` are what the team measured on endpoints of its own. The same document, catalog, coefficients, moment and
    probes give the same bytes. Raises DocumentError where a model is no
    transformer the catalog holds.
    """
    tell = progress or (lambda stage, fraction: None)
    tell("reading the document", 0.0)
    case = Case.of(document=document, catalog=catalog, coefficients=coefficients, moment=moment, probes=probes)
    choices = []
    for index, workload in enumerate(case.said.workloads):
        tell(
            f"estimating {document.workloads[index].name or workload.id}", 0.1 + 0.6 * index / len(case.said.workloads)
        )
        choices.append(_choice(index=index, case=case))
    tell("combining stacks", 0.75)
    best = plan.joint(choices=choices, case=case)
    taken = roles.assignments(choices=choices, chosen=best.chosen, case=case)
    tell("writing the report", 0.9)
    writer = _Writer(case=case, choices=choices, best=best, assignments=taken)
    report = Report(writer.data())
    tell("done", 1.0)
    return report


def _choice(*, index: int, case: Case) -> Choice:
    field = candidates.field(index=index, case=case)
    anchors = plan.anchors_for(field=field, case=case)
    built = stacks.build(field=field, positions=stacks.shortlist(field), case=case, anchors=anchors)
    settled = roles.settled(stacks=built, case=case)
    return plan.choice(field=field, stacks=built, settled=settled, case=case, anchors=anchors)


class _Writer:
    """Renders a finished search as the report's sections; holds only what the search produced."""

    def __init__(self, *, case: Case, choices: Sequence[Choice], best: Plan, assignments: Sequence[Assignment]) -> None:
        self.case, self.choices, self.best, self.assignments = case, choices, best, assignments
        self.horizon: Horizon = case.said.horizon
        self.rivals = undecided.rivals(choices=choices, best=best, case=case)
        self.deciding = undecided.deciding(self.rivals)
        self.elsewhere = undecided.elsewhere(choices=choices, best=best)
        self.assumed = assumed.decided(choices=choices, best=best, case=case)

    def data(self) -> dict[str, Any]:
        """Return the report's data with every evidence id it names resolved."""
        body = {
            "schema_version": SCHEMA_VERSION,
            "moment": self.case.moment.isoformat(),
            "hashes": self._hashes(),
            "decision": self._decision(),
            "plan": self._plan(self.best, self.assignments),
            "plan_alternatives": self._alternatives(),
            "workloads": [self._workload(choice) for choice in self.choices],
            "coupling": self._coupling(),
            "constraints": self._constraints(),
            "warnings": self._warnings(),
            "unanswered": [dict(entry) for entry in self.case.said.unanswered],
        }
        return {**body, "evidence": [self.case.evidence(id) for id in sorted(evidence_ids(body))]}

    def _hashes(self) -> dict[str, Any]:
        return {
            "catalog_release": self.case.catalog.release,
            "fact_set": self.case.catalog.fact_set,
            "coefficients": self.case.coefficients.sha256,
            "rules": content_hash([rule.model_dump(mode="json") for rule in self.case.catalog.rules]),
            "document": content_hash(canonical(self.case.document)),
            "code": code_hash(),
            **({"own_probes": own_probes.fingerprint(probes)} if (probes := self.case.probes) else {}),
            "seed": _SEED,
        }

    def _warnings(self) -> list[dict[str, Any]]:
        open_questions = [
            {"code": "measure_first", **text}
            for choice in self.choices
            for text in cautions.measure_first(choice=choice, rivals=self.rivals, elsewhere=self.elsewhere)
        ]
        return [
            *open_questions,
            *cautions.warnings(
                assignments=self.assignments, moment=self.case.moment, horizon_months=self.horizon.months
            ),
            *cautions.unpriced_bases(case=self.case, bases=self.case.document.constraints.purchase),
        ]

    def _decision(self) -> dict[str, Any]:
        feasible = all(stack is not None for stack in self.best.chosen) and self.best.within_budget is not False
        return {
            "title": self.case.document.decision,
            "feasible": feasible,
            "headline": explain.headline(
                assignments=self.assignments,
                plan=self.best,
                rivals=self.deciding,
                elsewhere=self.elsewhere,
                assumed=self.assumed,
            ),
            **({"undecided": [_open(rival) for rival in self.deciding]} if self.deciding else {}),
            **({"cheaper_elsewhere": [_cheaper(one) for one in self.elsewhere]} if self.elsewhere else {}),
            **({"barred": out} if (out := self._barred()) else {}),
            **({"assumed": [assumed.as_json(one) for one in self.assumed]} if self.assumed else {}),
            "horizon_months": self.horizon.months,
            "ramp": self.horizon.ramp,
            "weights": dict(self.case.said.weights),
        }

    def _barred(self) -> list[dict[str, Any]]:
        """Return the workloads that nothing carries, with the constraints whose lifting would leave candidates."""
        return [
            {
                "workload_id": choice.field.workload.id,
                "lifted": [check.title for check in barred.lifted(choice)],
                "text": barred.why_none(choice),
            }
            for choice, stack in zip(self.choices, self.best.chosen, strict=True)
            if stack is None
        ]

    def _totals(self, one: Plan) -> dict[str, Any]:
        full = ramp_months(self.horizon)
        told = bill.of_plan(plan=one, assignments=self.assignments, case=self.case)
        over = told["horizon_usd"]
        once = self._once() if one is self.best else {}
        net = f" Net of your discounts the plan {costs(one.net, every=' a month')}." if one.net else ""
        beside = f" Beside it, once: {span(once['once_usd'])} for pilots." if once else ""
        return {
            "monthly_usd": one.monthly,
            "horizon_usd": over,
            **once,
            **({"net_monthly_usd": one.net} if one.net else {}),
            "lower_bound": one.monthly["value"] is None,
            "text": sentence(
                f"Over {self.horizon.months} months, {_RAMP_TEXT[self.horizon.ramp]} ({full:.3g} months of full load) "
                f"the plan {costs(over)} at list prices.{net}{beside}",
                *one.monthly["evidence"],
                *(once["once_usd"]["evidence"] if once else ()),
                *(one.net["evidence"] if one.net else ()),
                self.case.said.evidence_id("horizon.months"),
                self.case.said.evidence_id("horizon.ramp"),
            ),
            "lines": told["lines"],
            "months": told["months"],
            **self._footprint(one),
            "fixed": [{"title": title, "monthly_usd": line} for title, line in one.fixed.items()],
        }

    def _footprint(self, one: Plan) -> dict[str, Number]:
        """Return the plan's energy and carbon a month: the sum of its own machines', where any were sized."""
        found = {
            name: {
                choice.field.workload.id: stack.numbers[name]
                for choice, stack in zip(self.choices, one.chosen, strict=True)
                if stack and name in stack.numbers
            }
            for name in ("energy_kwh_per_month", "carbon_kg_per_month")
        }
        units = {"energy_kwh_per_month": "kWh/month", "carbon_kg_per_month": "kgCO2e/month"}
        return {name: added(parts, unit=units[name]) for name, parts in found.items() if parts}

    def _once(self) -> dict[str, Number]:
        """Return what the pilots cost beside the plan, once: per workload the pilot, or else its priced fallback."""
        costs_once: dict[str, Number] = {}
        for item in self.assignments:
            if "pilot_usd" in item.numbers:
                costs_once.setdefault(item.choice.field.workload.id, item.numbers["pilot_usd"])
        return {"once_usd": added(costs_once, unit="USD")} if costs_once else {}

    def _plan(self, one: Plan, assignments: Sequence[Assignment]) -> dict[str, Any]:
        return {
            "totals": self._totals(one),
            "assignments": [self._assignment(item) for item in assignments],
            "flows": [dict(flow) for flow in one.flows],
        }

    def _assignment(self, item: Assignment) -> dict[str, Any]:
        field = item.choice.field
        return {
            "workload_id": field.workload.id,
            "workload_name": field.stated.name or field.workload.id,
            "role": item.role,
            "role_text": roles.ROLE_TEXT[item.role],
            "stack_id": item.stack.id if item.stack else None,
            "stack": stacks.as_json(item.stack) if item.stack else None,
            "gate": list(item.gate),
            "numbers": item.numbers,
        }

    def _alternatives(self) -> list[dict[str, Any]]:
        """Return the best plan for each other provider and each other path, costed as a whole."""
        found: list[dict[str, Any]] = []
        seen = {tuple(stack.id if stack else None for stack in self.best.chosen)}
        for title, keep in self._variants():
            narrowed = [plan.narrowed(choice=choice, case=self.case, keep=keep) for choice in self.choices]
            if not all(item.eligible for item in narrowed):
                continue
            other = plan.joint(choices=narrowed, case=self.case)
            key = tuple(stack.id if stack else None for stack in other.chosen)
            if key in seen:
                continue
            seen.add(key)
            found.append(self._alternative(title, other))
        stay = self._stay()
        return found[:_MOST_ALTERNATIVES] + ([stay] if stay else [])

    def _variants(self) -> list[tuple[str, Callable[[Stack], bool]]]:
        providers = sorted({stack.row["provider"] for choice in self.choices for stack in choice.may})
        variants = [(f"All on {name}", partial(_is_on, provider=name)) for name in providers]
        taken = {stack.id for stack in self.best.chosen if stack}
        return [*variants, ("The next best for every workload", lambda stack: stack.id not in taken)]

    def _alternative(self, title: str, other: Plan) -> dict[str, Any]:
        cost, mine = other.monthly, self.best.monthly
        text = sentence(f"{title}: {other.month}.", *(cost["evidence"] or mine["evidence"]))
        known, ours = other.counted["value"], self.best.counted["value"]
        if known is not None and ours is not None:
            gap = known - ours
            word = "more" if gap >= 0 else "less"
            text = sentence(
                f"{title}: {other.month}, {usd(abs(gap))} {word} than the plan.",
                *cost["evidence"],
                *mine["evidence"],
            )
        return {
            "title": title,
            "text": text,
            "monthly_usd": cost,
            "assignments": [
                {
                    "workload_id": choice.field.workload.id,
                    "stack_id": stack.id if stack else None,
                    "label": stack.label if stack else None,
                }
                for choice, stack in zip(self.choices, other.chosen, strict=True)
            ],
        }

    def _stay(self) -> dict[str, Any] | None:
        """Return staying where the team is, as a plan of its own: what it measured, or what it pays."""
        current = self.case.document.current
        staying = [next((stack for stack in choice.stacks if stack.row["is_stay"]), None) for choice in self.choices]
        if not any(staying) and current.provider is None:
            return None
        other = plan.assemble(
            chosen=staying,
            choices=self.choices,
            case=self.case,
            value=float("nan"),
            absent="what runs today was not stated",
        )
        paid = current.measured.cost_usd_per_month
        if paid is not None:
            source = "answer:current.measured.cost_usd_per_month"
            stated = number(paid, unit="USD/month", kind="answer", evidence=(source,))
            other = replace(other, monthly=stated, counted=stated)
        found = {"is_stay": True, **self._alternative("Stay where you are", other)}
        if other.chosen == self.best.chosen:
            found["text"] = sentence("Stay where you are: in production, this is the plan.", *other.monthly["evidence"])
        return found

    def _workload(self, choice: Choice) -> dict[str, Any]:
        field = choice.field
        mine = [item for item in self.assignments if item.choice is choice]
        main = mine[0].stack
        assigned = [item.stack.id for item in mine if item.stack]
        port = roles.port_effort(choice=choice, case=self.case)
        entry: dict[str, Any] = {
            "id": field.workload.id,
            "name": field.stated.name or field.workload.id,
            "kind": field.workload.kind,
            "candidates": {
                standing: int((field.frame["standing"] == standing).sum()) if len(field.frame) else 0
                for standing in ("ranked", "confirm_first", "excluded")
            },
            "recommended": stacks.as_json(main) if main else None,
            "bill": bill.of_stack(stack=main, field=field, case=self.case) if main else None,
            "best_by_provider": [stacks.as_json(stack) for stack in _best_of(choice, "provider")],
            "best_by_group": [stacks.as_json(stack) for stack in _best_of(choice, "group")],
            "best_by_path": [stacks.as_json(stack) for stack in _best_of(choice, "path")],
            "stay": next((stacks.as_json(stack) for stack in choice.stacks if stack.row["is_stay"]), None),
            "why": explain.why(choice=choice, stack=main, plan=self.best, rivals=self.deciding) if main else [],
            "why_not": rejected.why_not(
                choice=choice, shown=assigned, port=port, plan=self.best, case=self.case, rivals=self.rivals
            ),
        }
        sensitivity = [
            found
            for stack in choice.stacks
            if stack.row["is_stay"]
            and stack.row["accelerator"]
            and (found := explain.utilisation_sensitivity(choice=choice, stack=stack))
        ]
        narrower = formats.narrower(stack=main, field=field, case=self.case) if main else None
        entry |= {"narrower_weights": narrower} if narrower else {}
        return entry | ({"utilisation_sensitivity": sensitivity[0]} if sensitivity else {})

    def _coupling(self) -> dict[str, Any]:
        weights = coupling.weights_with(self.case.document.coupling_weights.model_dump(exclude_none=True))
        sections = [bonds.coupling_section(assignment=item, case=self.case) for item in self.assignments]
        return {
            "method": sentence(
                "Each pair of layers is scored from seven yes-or-no observations and the number of migration steps, "
                "0 (free to "
                "leave) to 1 (bound); the observations are judgements with their evidence, the weights are yours to "
                "change."
            ),
            "weights": weights,
            "stacks": [section for section in sections if section],
        }

    def _constraints(self) -> dict[str, Any]:
        return {
            "checks": verdicts.constraint_summary(assignments=self.assignments, plan=self.best, case=self.case),
            "removals": verdicts.removals(choices=self.choices),
            "excluded_providers": verdicts.excluded_providers(
                choices=self.choices, allowed=self.case.document.constraints.providers
            ),
        }


def _open(rival: Rival) -> dict[str, Any]:
    """Return a workload whose decision is open, with the stack to measure and the figure from which it would lead."""
    return {
        "workload_id": rival.choice.field.workload.id,
        "stack_id": rival.stack.id,
        "label": rival.stack.label,
        "measured": rival.measured,
        "enough": rival.enough,
        "monthly_usd": rival.stack.monthly,
        "text": rival.text,
    }


def _cheaper(one: Elsewhere) -> dict[str, Any]:
    """Return a place that is estimated to cost less than the measured one, and what is to be measured there."""
    return {
        "workload_id": one.choice.field.workload.id,
        "stack_id": one.stack.id,
        "label": one.stack.label,
        "saves_usd_per_month": one.saves,
        "enough": one.enough,
        "text": one.text,
    }


def _is_on(stack: Stack, *, provider: str) -> bool:
    return bool(stack.row["provider"] == provider)


def _best_of(choice: Choice, key: str) -> list[Stack]:
    best: dict[str, Stack] = {}
    for stack in stacks.ordered(choice.stacks):
        best.setdefault(str(stack.row[key]), stack)
    return [best[name] for name in sorted(best)]


@cache
def code_hash() -> str:
    """Return the sha256 of the code that made the report: every module of the pure rooms."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
