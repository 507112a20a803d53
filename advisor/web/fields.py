"""The fields of a page of questions: what each shows, and what a form brings back from them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import QueryDict

from advisor.core.document import Known
from advisor.core.questionnaire.inputs import NONE, Input, input_at, phrase, read, remark, typed
from advisor.core.questionnaire.pages import FLOWS, Asked
from advisor.core.questionnaire.questions import QUESTIONS
from advisor.services.drafts import Difference, Draft

MAX_ROWS_COUNT = 50
_ASKABLE = {question.path for question in (*QUESTIONS, FLOWS)}
FORMS = (
    ("", "No model that we know, or not said"),
    ("id", "A model of the catalog"),
    ("shape", "A transformer by its shape"),
    ("acceptable", "Any of the families that are good enough"),
)


@dataclass(frozen=True, kw_only=True)
class Control:
    """One control: its name and id on the page, and what stands in it."""

    input: Input
    name: str
    id: str
    value: Any

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """Return value, label and choice of each option; what was typed and is none of them stands at the end."""
        chosen = self.value if isinstance(self.value, list) else [self.value]
        choices = [("yes", "yes"), ("no", "no")] if self.input.widget == "yes_no" else list(self.input.choices)
        if self.input.widget == "choices" and self.input.may_be_none:
            choices.append((NONE, "none of these"))
        strange = [(one, f"{one} (not accepted)") for one in chosen if one and one not in dict(choices)]
        return [(value, label, value in chosen) for value, label in (*choices, *strange)]

    @property
    def type(self) -> str:
        """Return the type of an input element: the browser's date picker where it can show what was typed."""
        is_date = self.input.widget == "date" and re.fullmatch(r"(\d{4}-\d\d-\d\d)?", str(self.value))
        return "date" if is_date else "text"

    @property
    def unit_text(self) -> str:
        """Return the unit as it stands beside the field."""
        return {"fraction": "from 0 to 1, or in %", "percent": "%"}.get(self.input.unit, self.input.unit)

    @property
    def input_mode(self) -> str:
        """Return which keyboard a phone shows."""
        return {"number": "decimal", "whole": "numeric"}.get(self.input.widget, "text")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One question on the page."""

    id: str
    asked: Asked
    control: Control
    was: str
    faults: Sequence[Mapping[str, Any]]
    remark: str
    conflict: Mapping[str, Any] | None
    is_answered: bool
    rows: Sequence[Sequence[Control]] = ()
    form: str = ""
    forms: Sequence[tuple[str, str]] = ()
    by_id: Control | None = None
    shape: Sequence[Control] = ()

    @property
    def usual_text(self) -> str:
        """Return the usual range in words; empty where there is none."""
        usual, unit = self.asked.input.usual, self.asked.input.unit
        if usual is None:
            return ""
        basis = {"judgement": "our judgement", "arithmetic": "worked out", "definition": "by definition"}[usual.basis]
        return f"Usual: {usual.low:,.12g} to {usual.high:,.12g} {unit} ({basis}). {usual.why}"


@dataclass(frozen=True)
class Posted:
    """What a form brought: changes by place, and what was typed at places whose conflict is not decided yet."""

    changes: Mapping[str, Any]
    undecided: Mapping[str, Difference] = field(default_factory=dict)


def fields(*, draft: Draft, asked: Sequence[Asked], conflicts: Mapping[str, Difference] | None = None) -> list[Field]:
    """Return the fields of questions; at a place with a conflict the field shows what its writer typed."""
    return [_field(one, draft=draft, conflict=(conflicts or {}).get(one.place)) for one in asked]


def posted(post: QueryDict) -> Posted:
    """Return what changed on the page: a field that holds what it was given says nothing."""
    changes: dict[str, Any] = {}
    undecided: dict[str, Difference] = {}
    for place in post.getlist("asked"):
        if path_of(place) not in _ASKABLE:
            continue  # no question of ours: a form that was tampered with
        found = input_at(path_of(place))
        was = _json(post.get(f"was:{place}", ""))
        given = _given(found, post, place)
        value = read(found, given)
        if f"conflict:{place}" in post and post.get("mine") != place:
            if post.get("theirs") != place:
                undecided[place] = _undecided(place, value, post[f"conflict:{place}"])
        elif given != was:
            changes[place] = value
    return Posted(changes, undecided)


def path_of(place: str) -> str:
    """Return the path of the schema that a place follows."""
    return re.sub(r"^workloads\[[^\]]*\]", "workloads[]", place)


def field_id(place: str) -> str:
    """Return the id of a question's block on the page."""
    return "q-" + re.sub(r"[^a-z0-9_-]+", "-", place.lower()).strip("-")


def suggestions(*, known: Known | None, draft: Draft) -> dict[str, list[tuple[str, str]]]:
    """Return the names of the catalog that fields offer, by list: value and words beside it."""
    ids = [(workload.id, workload.name or "") for workload in draft.document.workloads]
    if known is None:
        return {"workloads": ids}
    provider = draft.document.current.provider
    regions = known.regions.get(provider or "")
    pairs = [(name, region) for name, names in known.regions.items() for region in names]
    return {
        "architectures": [(name, "") for name in known.architectures],
        "families": [(name, "") for name in known.model_families],
        "instances": [(name, "") for name in known.skus],
        "regions": [(name, "") for name in regions] if regions else [(region, name) for name, region in pairs],
        "locations": [(f"{name}:{region}", "") for name, region in pairs],
        "places": [("EU", "the European Union"), *((name, "") for name in known.countries)],
        "countries": [(name, "") for name in known.countries],
        "workloads": ids,
    }


def _field(one: Asked, *, draft: Draft, conflict: Difference | None) -> Field:
    place, found = one.place, one.input
    stored = draft.shown(place)
    shown = conflict.mine if conflict else stored
    content = typed(found, shown)
    control = _control(found, place, content)
    parts: dict[str, Any] = {}
    if found.widget == "rows":
        parts["rows"] = _rows(found, place, content)
    if found.widget == "model":
        by_id, families, *shape = found.columns
        kind = next(work.kind for work in draft.document.workloads if f"[{work.id}]" in place)
        wanted = kind == "managed_api" or content["form"] == "acceptable"
        parts["forms"] = [form for form in FORMS if form[0] != "acceptable" or wanted]
        parts["form"] = content["form"]
        parts["by_id"] = _control(by_id, f"{place}.id", content["id"])
        parts["rows"] = _rows(families, f"{place}.acceptable", content["acceptable"])
        parts["shape"] = [_control(part, f"{place}.{part.name}", content["shape"][part.name]) for part in shape]
    return Field(
        id=field_id(place),
        asked=one,
        control=control,
        was=json.dumps(typed(found, stored), ensure_ascii=False),
        faults=[
            {"message": problem.message, "accepted": problem.accepted}
            for problem in draft.summary.problems
            if problem.place == place and not problem.is_missing
        ],
        remark=remark(found, shown),
        conflict=_conflict(found, conflict),
        is_answered=stored is not None,
        **parts,
    )


def _conflict(found: Input, conflict: Difference | None) -> dict[str, Any] | None:
    if conflict is None:
        return None
    return {
        "who": conflict.who,
        "at": conflict.at,
        "mine": phrase(found, conflict.mine) or "not said",
        "theirs": phrase(found, conflict.theirs) or "not said",
        "key": json.dumps({"who": conflict.who, "at": conflict.at.isoformat() if conflict.at else None}),
    }


def _undecided(place: str, value: Any, key: str) -> Difference:
    told = _json(key)
    try:
        who, at = str(told["who"])[:200], datetime.fromisoformat(told["at"]) if told["at"] else None
    except (KeyError, TypeError, ValueError):
        who, at = "somebody", None
    return Difference(place=place, mine=value, theirs=None, who=who, at=at)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _control(found: Input, name: str, value: Any) -> Control:
    return Control(input=found, name=name, id=field_id(name) + "-field", value=value)


def _rows(found: Input, place: str, content: Sequence[Mapping[str, Any]]) -> list[list[Control]]:
    """Return the rows with one more, blank, to write into."""
    blank = {column.name: "" for column in found.columns}
    return [
        [_control(column, f"{place}[{number}].{column.name}", row[column.name]) for column in found.columns]
        for number, row in enumerate([*content, blank])
    ]


def _given(found: Input, post: QueryDict, name: str) -> Any:
    """Return what the form holds for an input, in the form that ``inputs.typed`` gives."""
    if found.widget == "choices":
        return post.getlist(name)
    if found.widget == "rows":
        return _given_rows(found, post, name)
    if found.widget == "model":
        _, families, *shape = found.columns
        return {
            "form": post.get(f"{name}.form", ""),
            "id": post.get(f"{name}.id", ""),
            "acceptable": _given_rows(families, post, f"{name}.acceptable"),
            "shape": {part.name: post.get(f"{name}.{part.name}", "") for part in shape},
        }
    return post.get(name, "")


def _given_rows(found: Input, post: QueryDict, name: str) -> list[dict[str, str]]:
    rows = []
    for number in range(MAX_ROWS_COUNT + 1):
        row = {column.name: post.get(f"{name}[{number}].{column.name}", "") for column in found.columns}
        if any(text.strip() for text in row.values()) and post.get("remove_row") != f"{name}[{number}]":
            rows.append(row)
    return rows
