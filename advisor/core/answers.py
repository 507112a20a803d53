"""A checked document → what the estimator takes: workloads and horizon, with every default named by its path.

Nothing is filled in silently: a value that nobody stated comes from ``questions`` and is told under ``default:<path>``.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from advisor.core.document import other_names
from advisor.core.problems import DocumentError, problem
from advisor.core.questionnaire.questions import QUESTIONS, answer_at, unanswered
from advisor.core.schema import PROVIDERS, Document, InlineModel, ManagedModel, Preferences, Section
from advisor.core.schema import Workload as Stated
from estimator.architecture import Architecture, ArchitectureError, from_row
from estimator.workload import Code, Data, Horizon, Measured, Serving, Targets, Traffic, Training, Workload

if TYPE_CHECKING:
    import pandas as pd


# What stands in the rows of a section that is asked for as a whole: label and unit.
_ROWS = {
    "flows[].gb_per_month": ("How much does the one workload send the other in a month?", "GB/month"),
    "constraints.quota[].accelerators": ("How many accelerators does your quota hold?", "accelerators"),
    "commercial.discounts[].fraction": ("How much is the discount?", "fraction"),
    "commercial.commitments[].usd_per_month": ("How much have you promised to spend a month?", "USD/month"),
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What every stack of the decision must keep; None is no limit."""

    providers: tuple[str, ...]
    residency: str | None
    certifications: tuple[str, ...]
    budget_usd_per_month: float | None
    need_by: dt.date | None
    purchase: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The decision as the estimator and the search take it, and where each value came from."""

    workloads: tuple[Workload, ...]
    horizon: Horizon
    limits: Limits
    weights: Mapping[str, float]  # of the preferences, in points
    unanswered: tuple[Mapping[str, Any], ...]  # as questions.unanswered() tells them
    _document: Document = field(repr=False)

    def value(self, path: str) -> Any:
        """Return the value taken at a path: the answer, else the default, else None."""
        stated = answer_at(self._document, path)
        return stated if stated is not None else self._default(path).get("default")

    def evidence_id(self, path: str) -> str:
        """Return the evidence id of the value at a path: ``answer:`` where the team stated it, else ``default:``."""
        return f"{'default' if answer_at(self._document, path) is None else 'answer'}:{path}"

    def evidence(self, evidence_id: str) -> dict[str, Any]:
        """Return the entry of ``answer:<path>`` or ``default:<path>``: id, label, value, unit, kind, source, locator …

        A formula knows the path and not who filled it, so the entry keeps the id that was asked for and its ``kind``
        tells the truth. Raises KeyError for an id of another sort and for a path that has neither answer nor question.
        """
        sort, separator, path = evidence_id.partition(":")
        stated, default = answer_at(self._document, path), self._default(path)
        if not separator or sort not in ("answer", "default") or (stated is None and not default):
            raise KeyError(evidence_id)
        question = _question(path)
        label, unit = (question.text, question.unit) if question else _ROWS.get(re.sub(r"\d+", "", path), (path, ""))
        return {
            "id": evidence_id,
            "label": label,
            "value": _plain(default["default"] if stated is None else stated),
            "unit": unit,
            "kind": "default" if stated is None else "answer",
            "source": "the document" if stated is not None else f"default: {default['why']}",
            "url": "",
            "locator": path,
            "as_of": "",
            "as_of_basis": "",
        }

    def entries(self) -> list[dict[str, Any]]:
        """Return the evidence entries of every answer and every default, by path."""
        paths = {path for path, _ in stated_paths(self._document)} | {entry["path"] for entry in self.unanswered}
        return [self.evidence(self.evidence_id(path)) for path in sorted(paths)]

    def _default(self, path: str) -> Mapping[str, Any]:
        return next((entry for entry in self.unanswered if entry["path"] == path), {})


def answers(*, document: Document, architectures: "pd.DataFrame") -> Answers:
    """Return the document as workloads, horizon and limits, defaults filled in and named.

    ``architectures`` is the catalog's frame. Raises DocumentError where a model is no transformer the frame holds or
    whose shape does not hold together.
    """
    open_questions = tuple(unanswered(document))
    taken = {entry["path"]: entry["default"] for entry in open_questions}

    def value(path: str) -> Any:
        stated = answer_at(document, path)
        return taken.get(path) if stated is None else stated

    purchase = tuple(value("constraints.purchase"))
    return Answers(
        workloads=tuple(
            _workload(index=index, stated=stated, value=value, architectures=architectures, purchase=purchase)
            for index, stated in enumerate(document.workloads)
        ),
        horizon=Horizon(months=value("horizon.months"), ramp=value("horizon.ramp")),
        limits=Limits(
            providers=tuple(value("constraints.providers") or PROVIDERS),
            residency=document.constraints.residency,
            certifications=tuple(value("constraints.certifications")),
            budget_usd_per_month=document.constraints.budget_usd_per_month,
            need_by=document.constraints.need_by,
            purchase=purchase,
        ),
        weights={name: float(value(f"preferences.{name}.weight")) for name in Preferences.model_fields},
        unanswered=open_questions,
        _document=document,
    )


def stated_paths(document: Document) -> Iterator[tuple[str, Any]]:
    """Yield each path of the document at which something was said, with the value."""
    yield from _stated(document, "")


def _stated(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Section):
        for name in sorted(value.model_fields_set):
            key = "from" if name == "from_" else name
            yield from _stated(getattr(value, name), f"{path}.{key}" if path else key)
    elif isinstance(value, tuple) and any(isinstance(part, Section) for part in value):
        for index, part in enumerate(value):
            yield from _stated(part, f"{path}[{index}]")
    elif value is not None:
        yield path, value


def _workload(
    *, index: int, stated: Stated, value: Any, architectures: "pd.DataFrame", purchase: tuple[str, ...]
) -> Workload:
    here = f"workloads[{index}]"

    def section(name: str, *fields: str) -> dict[str, Any]:
        return {field: value(f"{here}.{name}.{field}") for field in fields}

    provider, _, region = (value(f"{here}.data.located_in") or "").partition(":")
    is_training = stated.kind in ("pretraining", "finetuning")
    code = section("code", "frameworks", "custom_kernels", "unsupported_ops", "image_arch")
    return Workload(
        id=stated.id,
        kind=stated.kind,
        architecture=_architecture(path=f"{here}.model", stated=stated, architectures=architectures),
        traffic=Traffic(**section("traffic", *_TRAFFIC)),
        targets=Targets(**section("targets", *_TARGETS)),
        training=_training(stated=stated, section=section("training", *_TRAINING)) if is_training else None,
        data=Data(
            **section("data", "stored_tb", "egress_gb_per_month"),
            located_in_provider=provider or None,
            located_in_region=region or None,
        ),
        code=Code(
            frameworks=tuple(code["frameworks"] or ()),
            custom_kernels=code["custom_kernels"],
            unsupported_ops=tuple(code["unsupported_ops"] or ()),
            image_arch=tuple(code["image_arch"] or ()),
        ),
        measured=Measured(**section("measured", *_MEASURED)) if stated.measured is not None else None,
        serving=Serving(**{name: getattr(stated.serving, name) for name in _SERVING}),
        utilisation=stated.utilisation,
        purchase=purchase,
    )


_TRAFFIC = tuple(field.name for field in fields(Traffic))
_SERVING = tuple(field.name for field in fields(Serving))
_TARGETS = (
    "latency_p99_ms",
    "ttft_p95_ms",
    "tpot_p95_ms",
    "deadline_days",
    "availability",
    "rto_minutes",
    "rpo_minutes",
)
_TRAINING = (
    "tokens",
    "global_batch_tokens",
    "sequence_length",
    "precision",
    "method",
    "runs_per_month",
    "experiment_overhead",
)
_MEASURED = ("on", "work_unit", "units_per_s", "hours_per_month")


def _training(*, stated: Stated, section: dict[str, Any]) -> Training:
    """Return the training record; pre-training trains all weights, which is no question."""
    if stated.kind == "pretraining" and section["method"] is None:
        section["method"] = "full"
    return Training(**section)


def _architecture(*, path: str, stated: Stated, architectures: "pd.DataFrame") -> Architecture | None:
    model = stated.model
    row: Mapping[str, Any] | None = None
    if isinstance(model, InlineModel):
        row = {**model.model_dump(), "id": f"{stated.id}-model"}
    elif isinstance(model, str):
        row = _row(model, architectures=architectures)
        if row is None:
            raise DocumentError([problem(path, model, f"The catalog has no model architecture {model!r}.")])
    elif isinstance(model, ManagedModel):  # own capacity would run the first acceptable family whose shape is known
        rows = (_row(entry.family, architectures=architectures) for entry in model.acceptable)
        row = next((found for found in rows if found is not None), None)
    if row is None:
        return None
    try:
        return from_row(row)
    except ArchitectureError as error:
        raise DocumentError([problem(path, model, f"This shape is no transformer: {error}.")]) from None


def _row(name: str, *, architectures: "pd.DataFrame") -> Mapping[str, Any] | None:
    """Return the catalog's row of an architecture by its id or another name; a family writes a dash for a dot."""
    for _, row in architectures.iterrows():
        if name in (row["id"], row["id"].replace(".", "-"), *other_names(row["aliases"])):
            return {str(column): cell for column, cell in row.items()}
    return None


def _question(path: str) -> Any:
    asked = path.replace("[" + path.partition("[")[2].partition("]")[0] + "]", "[]", 1)
    return next((question for question in QUESTIONS if question.path in (path, asked)), None)


def _plain(value: Any) -> Any:
    """Return the value as JSON can hold it; of a whole section, what was said in it."""
    if isinstance(value, Section):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return value
