"""What the templates of a report are given: the report's own content, arranged but not added to."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.paginator import Paginator
from django.urls import reverse

from advisor.core.charts import Chart
from advisor.core.coupling import LAYERS
from advisor.core.labels import BILL_NOTE, LAYER_LABELS, NUMBER_LABELS, ROLE_LABELS, STATES, TOTAL_LABELS
from advisor.core.readout import Readout
from advisor.core.statements import is_number
from advisor.models import Report
from advisor.web.picture import pictured
from advisor.web.plots import plotted, tabled

Data = Mapping[str, Any]
Show = Callable[[Chart], dict[str, Any]]

_ORDER = {name: position for position, name in enumerate(NUMBER_LABELS)}
_STATE_TAGS = {"missed": "tag-bad", "cannot be confirmed": "tag-caution", "met": "tag-good"}
_ROLE_TAGS = {"production": "tag-good", "baseline": "tag-good", "none": "tag-bad"}
_BAND_TAGS = {"loose": "tag-good", "tight": "tag-bad"}
_IN_THE_PLAN = ("production", "baseline")
_TIMES = ("run_days", "tuned_run_days", "ttft_ms", "tpot_ms", "latency_ms")
_TIME_CHECKS = ("deadline", "ttft", "tpot", "latency", "need_by", "resilience")
_FOREMOST = 5
_LINES_OF_EVIDENCE = 25
_BEST_OF = {"provider": "provider", "path_text": "path", "group_text": "group"}


def frame(*, report: Report, readout: Readout, here: str) -> dict[str, Any]:
    """Return what every page of a report shows: its head, the way to its other pages, where its evidence stands."""
    revision = report.run.revision
    place = (revision.decision_id, revision.number)
    return {
        "data": readout.data,
        "readout": readout,
        "report": report,
        "revision": revision,
        "decision": revision.decision,
        "here": here,
        "tabs": _tabs(readout.data, place),
        "statement_base": statement_base(*place),
        "evidence_base": reverse("web:report_evidence", args=place),
        "answer_address": where_to_answer(*place),
    }


def statement_base(decision_id: int, number: int) -> str:
    """Return the address that ends, with a statement's number, at the evidence of that statement."""
    return reverse("web:report_statement", args=[decision_id, number, 0]).removesuffix("0")


def where_to_answer(decision_id: int, number: int) -> str:
    """Return where the questions of a revision are answered. The one place that knows."""
    return reverse("web:start")


def _tabs(data: Data, place: tuple[int, int]) -> list[dict[str, str]]:
    """Return the pages this report has: one whose section an older report lacks is not among them."""
    workloads = data.get("workloads") or []
    pages = [("answer", "Answer", reverse("web:report", args=place), True)]
    pages.append(("cost", "Cost", reverse("web:report_cost", args=place), bool(data.get("plan"))))
    if workloads:
        first = reverse("web:report_workload", args=[*place, workloads[0]["id"]])
        pages.append(("workloads", "Workloads", first, True))
    pages.append(("coupling", "Coupling", reverse("web:report_coupling", args=place), bool(_bound(data))))
    pages.append(("checks", "Checks", reverse("web:report_checks", args=place), has_checks(data)))
    pages.append(("evidence", "Evidence", reverse("web:report_evidence", args=place), bool(data.get("evidence"))))
    return [{"key": key, "label": label, "address": address} for key, label, address, exists in pages if exists]


def _bound(data: Data) -> list[Data]:
    return list(data.get("coupling", {}).get("stacks") or [])


def has_checks(data: Data) -> bool:
    """Return whether a report holds anything for the page of checks."""
    return any(data.get(name) for name in ("constraints", "warnings", "unanswered"))


def answer(readout: Readout) -> dict[str, Any]:
    """Return the answer: its sentences, the key numbers, the picture, the plan, what matters most."""
    data = readout.data
    rows = [_plan_row(row) for row in data["plan"]["assignments"]]
    grave = [group for group in readout.warnings if group.code != "measure_first"]  # those are told beside them
    warned = [(group.title, group.said[0]) for group in grave[:_FOREMOST]]
    return {
        "bill": readout.answers[-1],
        "answers": readout.answers[:-1],
        "key_numbers": _key_numbers(data),
        "picture": pictured(data),
        "bonds": list(readout.bonds.values()),
        "plan_rows": rows,
        "plan_layers": [
            {"label": LAYER_LABELS[layer], "options": [_option(row, layer) for row in rows]} for layer in LAYERS
        ],
        "foremost": warned,
        "warnings_count": sum(group.count for group in readout.warnings),
        "flips": readout.flips,
    }


def _key_numbers(data: Data) -> list[tuple[str, Any]]:
    totals = data["plan"]["totals"]
    return [(label, totals[name]) for name, label in TOTAL_LABELS.items() if name in totals]


def _other_totals(data: Data) -> list[tuple[str, Any]]:
    """Return the numbers of the plan as a whole that are no key numbers, such as its energy."""
    totals = data["plan"]["totals"]
    others = {name: part for name, part in totals.items() if is_number(part) and name not in TOTAL_LABELS}
    return [(_titled(label), number) for label, number in labelled(others)]


def _titled(label: str) -> str:
    return label[:1].upper() + label[1:]


def _plan_row(row: Data) -> dict[str, Any]:
    return {
        **row,
        "role_label": ROLE_LABELS.get(row["role"], row["role"]),
        "role_tag": _ROLE_TAGS.get(row["role"], "tag-accent"),
        "is_in_plan": row["role"] in _IN_THE_PLAN,
    }


def _option(row: Data, layer: str) -> Data | None:
    return ((row.get("stack") or {}).get("layers") or {}).get(layer)


def cost(readout: Readout, *, show: Show = plotted) -> dict[str, Any]:
    """Return the cost of the plan: its totals, its lines, its pictures, and the other plans."""
    data = readout.data
    rows = [_plan_row(row) for row in data["plan"]["assignments"]]
    return {
        "key_numbers": _key_numbers(data),
        "other_totals": _other_totals(data),
        "charts": [show(chart) for chart in readout.cost_charts],
        "bill_lines": data["plan"]["totals"].get("lines", []),
        "bill_note": BILL_NOTE,
        "bills": _bills([row for row in rows if row["stack"]]),
        "bill_rows": [row for row in rows if row["stack"]],
    }


def _bills(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the money of each stack line by line: list and net cost stand beside each other."""
    names = sorted(
        {name for row in rows for name, part in row["stack"]["numbers"].items() if part["unit"] == "USD/month"},
        key=lambda name: _ORDER.get(name, len(_ORDER)),
    )
    return [{"label": _label(name), "numbers": [row["stack"]["numbers"].get(name) for row in rows]} for name in names]


def _label(name: str) -> str:
    return NUMBER_LABELS.get(name, name.replace("_", " "))


def labelled(numbers: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the numbers of a stack with their labels, in reading order; unknown names keep their own."""
    ordered = sorted(numbers, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
    return [(_label(name), numbers[name]) for name in ordered]


def workload_links(readout: Readout, place: tuple[int, int]) -> list[dict[str, str]]:
    """Return the address of each workload's page."""
    return [
        {
            "id": workload["id"],
            "name": workload["name"],
            "address": reverse("web:report_workload", args=[*place, workload["id"]]),
        }
        for workload in readout.data.get("workloads", [])
    ]


def workload(readout: Readout, workload_id: str, *, show: Show = plotted) -> dict[str, Any] | None:
    """Return one workload: its stacks in their roles, figures, times, options, why and why not; None if not there."""
    data = readout.data
    found = next((one for one in data.get("workloads", []) if one["id"] == workload_id), None)
    if found is None:
        return None
    numbers = (found.get("recommended") or {}).get("numbers", {})
    rows = [_plan_row(row) for row in data["plan"]["assignments"] if row["workload_id"] == workload_id]
    charts = [show(chart) for chart in readout.workload_charts[workload_id]]
    return {
        "workload": found,
        "roles": [{**row, "labelled_numbers": labelled(row["numbers"])} for row in rows],
        "layers": [
            {"label": LAYER_LABELS[layer], "options": [_option(row, layer) for row in rows]} for layer in LAYERS
        ],
        "figures": labelled(numbers),
        "times": labelled({name: numbers[name] for name in _TIMES if name in numbers}),
        "time_checks": [
            {**check, "tag": _STATE_TAGS.get(check["state"], "")}
            for check in data.get("constraints", {}).get("checks", [])
            if check["scope"] == workload_id and check["id"] in _TIME_CHECKS
        ],
        "option_charts": [one for one in charts if one["chart"].id == "options"],
        "time_charts": [one for one in charts if one["chart"].id != "options"],
        "options": _options(found),
        "bill_lines": (found.get("bill") or {}).get("lines", []),
        "bill_note": BILL_NOTE,
    }


def _options(found: Data) -> list[dict[str, Any]]:
    """Return the best stacks, each once, with what each is the best of."""
    options: dict[str, dict[str, Any]] = {}
    for name, text in (("recommended", "recommended"), ("stay", "where you are")):
        if stack := found.get(name):
            options.setdefault(stack["id"], {**stack, "best_of": []})["best_of"].append(text)
    for word, section in _BEST_OF.items():
        for stack in found.get(f"best_by_{section}", []):
            best_of = options.setdefault(stack["id"], {**stack, "best_of": []})["best_of"]
            best_of.append(f"best {stack.get(word) or stack[section]}")
    return sorted(options.values(), key=lambda one: "recommended" not in one["best_of"])


def coupling(readout: Readout, position: int) -> dict[str, Any]:
    """Return what is bound to what: every stack in a line, and the matrix of the one at a position, from 1 on."""
    stacks = _bound_stacks(readout)
    shown = min(max(position, 1), len(stacks))
    return {"bound": stacks, "shown": shown, "stack": stacks[shown - 1]}


def _bound_stacks(readout: Readout) -> list[dict[str, Any]]:
    return [
        {**_bound_stack(stack, readout.data), "benefits": benefits}
        for stack, benefits in zip(_bound(readout.data), readout.benefits, strict=True)
    ]


def _bound_stack(stack: Data, data: Data) -> dict[str, Any]:
    """Arrange a stack's cells as a matrix: one row and column for each layer that has any."""
    names = {workload["id"]: workload["name"] for workload in data.get("workloads", [])}
    present = {layer for cell in stack["cells"] for layer in (cell["layer_a"], cell["layer_b"])}
    layers = [layer for layer in LAYER_LABELS if layer in present] + sorted(present - set(LAYER_LABELS))
    cells = [
        {
            **cell,
            "anchor": f"pair-{stack['workload_id']}-{stack['role']}-{number}",
            "tag": _BAND_TAGS.get(cell["band"], "tag-caution"),
        }
        for number, cell in enumerate(stack["cells"], start=1)
    ]
    by_pair: dict[frozenset[str], list[dict[str, Any]]] = {}
    for cell in cells:
        by_pair.setdefault(frozenset((cell["layer_a"], cell["layer_b"])), []).append(cell)
    rows = [
        {
            "label": LAYER_LABELS.get(layer, layer),
            "cells": [by_pair.get(frozenset((layer, other)), []) for other in layers[:position]],
        }
        for position, layer in enumerate(layers)
    ]
    return {
        **stack,
        "cells": cells,
        "heading_id": f"bound-{stack['workload_id']}-{stack['role']}",
        "workload_name": names.get(stack["workload_id"], stack["workload_id"]),
        "role_label": ROLE_LABELS.get(stack["role"], stack["role"]),
        "tightest": max(cells, key=lambda cell: cell["score"]["value"], default=None),
        "columns": [LAYER_LABELS.get(layer, layer) for layer in layers[:-1]],
        "rows": rows[1:],
    }


def checks(readout: Readout) -> dict[str, Any]:
    """Return the constraints, what needs a look first and all of them as a table by workload; and what is open."""
    data = readout.data
    tagged = [(check.state, {"check": check, "tag": _STATE_TAGS.get(check.state, "")}) for check in readout.checks]
    names = {workload["id"]: workload["name"] for workload in data.get("workloads", [])}
    rows = _check_rows(readout)
    unanswered = sorted(data.get("unanswered", []), key=lambda one: -(one.get("power") or 0))
    return {
        "open_checks": [one for state, one in tagged if state != "met"],
        "met_checks": [one for state, one in tagged if state == "met"],
        "check_scopes": list(dict.fromkeys(scope for check in readout.checks for scope in check.scopes)),
        "open_rows": [row for row in rows if not row["is_met"]],
        "met_rows": [row for row in rows if row["is_met"]],
        "removals": [{**one, "name": names.get(one["workload_id"], "")} for one in _constraints(data, "removals")],
        "lifted": [
            {**one, "name": names.get(one["workload_id"], "")} for one in _constraints(data, "excluded_providers")
        ],
        "unanswered": [("", unanswered[:6]), ("Questions that matter less", unanswered[6:])],
    }


def _constraints(data: Data, name: str) -> Iterable[Data]:
    return data.get("constraints", {}).get(name) or []


def _check_rows(readout: Readout) -> list[dict[str, Any]]:
    """Return one row a constraint, with its state for each workload; None where it is not asked of one."""
    scopes = list(dict.fromkeys(scope for check in readout.checks for scope in check.scopes))
    states: dict[str, dict[str, str]] = {}
    for check in readout.checks:
        states.setdefault(check.title, {}).update(dict.fromkeys(check.scopes, check.state))
    order = {state: place for place, state in enumerate(STATES)}
    ranked = sorted(states.items(), key=lambda row: min(order.get(state, 0) for state in row[1].values()))
    return [
        {
            "title": title,
            "is_met": set(found.values()) == {"met"},
            "states": [(found.get(scope), _STATE_TAGS.get(found.get(scope, ""), "")) for scope in scopes],
        }
        for title, found in ranked
    ]


def evidence_entries(readout: Readout) -> list[dict[str, Any]]:
    """Return every entry of the evidence with its number, from 1 on, and how it is dated."""
    return [
        {
            **entry,
            "number": number,
            "anchor": f"evidence-{number}",
            "dated": _dated(entry),
            "is_link": str(entry.get("url") or "").startswith("https://"),
        }
        for number, entry in enumerate(readout.data.get("evidence", []), start=1)
    ]


def evidence(readout: Readout, *, kind: str, source: str, page: str) -> dict[str, Any]:
    """Return a page of the evidence, of one kind and one source where they are named."""
    entries = evidence_entries(readout)
    found = [one for one in entries if kind in ("", one["kind"]) and source in ("", one["source"])]
    return {
        "kinds": sorted({one["kind"] for one in entries}),
        "sources": sorted({one["source"] for one in entries}, key=str.casefold),
        "kind": kind,
        "source": source,
        "lines": Paginator(found, _LINES_OF_EVIDENCE).get_page(page),
        "entries_count": len(entries),
    }


def statement(readout: Readout, number: int) -> dict[str, Any] | None:
    """Return a statement of a report with its evidence; None where the report makes no such one."""
    listed = readout.statements.listed
    if not 1 <= number <= len(listed):
        return None
    part = listed[number - 1]
    entries = evidence_entries(readout)
    known = [readout.evidence_number.get(id) for id in part.get("evidence") or ()]
    return {
        "statement": part,
        "statement_number": number,
        "is_number": is_number(part),
        "said": part.get("text") or part.get("name"),
        "lines": sorted((entries[place - 1] for place in known if place), key=_own_last),
        "missing": [id for id in part.get("evidence") or () if id not in readout.evidence_number],
    }


def _own_last(entry: Data) -> int:
    """Order what others say before what the document says: the reader knows the document."""
    return ("default", "answer").index(entry["kind"]) + 1 if entry["kind"] in ("default", "answer") else 0


def _dated(entry: Data) -> str:
    """Say as of when an entry holds. What the document itself says needs no date."""
    if entry.get("kind") in ("answer", "default"):
        return ""
    as_of = entry.get("as_of")
    return f"as of {as_of} ({entry.get('as_of_basis')})" if as_of else "undated"


def everything(readout: Readout) -> dict[str, Any]:
    """Return all of a report in order, for paper: nothing is folded, all evidence is listed."""
    ids = [one["id"] for one in readout.data.get("workloads", [])]
    bound = _bound_stacks(readout)
    return {
        **answer(readout),
        **cost(readout, show=tabled),
        **(checks(readout) if has_checks(readout.data) else {}),
        "is_print": True,
        "workload_parts": [workload(readout, id, show=tabled) for id in ids],
        "bound_parts": bound,
        "bound": bound,
        "lines": evidence_entries(readout),
    }


def shown_stacks(readout: Readout) -> list[dict[str, Any]]:
    """Return, by workload, every stack a report shows in full: those that can be compared."""
    assigned = readout.data["plan"]["assignments"]
    groups = []
    for found in readout.data.get("workloads", []):
        mine = [row["stack"] for row in assigned if row["workload_id"] == found["id"] and row["stack"]]
        stacks = {stack["id"]: stack for stack in (*mine, *_options(found))}
        groups.append({"name": found["name"], "stacks": list(stacks.values())})
    return groups
