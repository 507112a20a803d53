"""What the templates of a report are given: the report's own content, arranged but not added to."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.urls import reverse

from advisor.core import gist
from advisor.core.charts import Chart
from advisor.core.coupling import LAYERS
from advisor.core.labels import (
    BILL_NOTE,
    CARRYING,
    LAYER_LABELS,
    ROLE_LABELS,
    STATES,
    in_order,
    labelled,
    number_label,
)
from advisor.core.readout import Readout
from advisor.web.picture import pictured
from advisor.web.plots import plotted, tabled
from advisor.web.report_bonds import bound_stacks
from advisor.web.report_evidence import evidence_entries
from advisor.web.report_frame import has_checks

Data = Mapping[str, Any]
Show = Callable[[Chart], dict[str, Any]]

_STATE_TAGS = {"missed": "tag-bad", "cannot be confirmed": "tag-caution", "met": "tag-good"}
_ROLE_TAGS = {"production": "tag-good", "baseline": "tag-good", "none": "tag-bad"}
_TIMES = ("run_days", "tuned_run_days", "ttft_ms", "tpot_ms", "latency_ms")
_TIME_CHECKS = ("deadline", "ttft", "tpot", "latency", "need_by", "resilience")
_FOREMOST = 5
_BEST_OF = {"provider": "provider", "path_text": "path", "group_text": "group"}


def answer(readout: Readout) -> dict[str, Any]:
    """Return the answer: its sentences, the key numbers, the picture, the plan, what matters most."""
    data = readout.data
    rows = [_plan_row(row) for row in data["plan"]["assignments"]]
    grave = [group for group in readout.warnings if group.code != "measure_first"]  # those are told beside them
    warned = [(group.title, group.said[0]) for group in grave[:_FOREMOST]]
    return {
        "bill": readout.answers[-1],
        "answers": readout.answers[:-1],
        "key_numbers": gist.key_numbers(data),
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


def _plan_row(row: Data) -> dict[str, Any]:
    return {
        **row,
        "role_label": ROLE_LABELS.get(row["role"], row["role"]),
        "role_tag": _ROLE_TAGS.get(row["role"], "tag-accent"),
        "is_in_plan": row["role"] in CARRYING,
    }


def _option(row: Data, layer: str) -> Data | None:
    return ((row.get("stack") or {}).get("layers") or {}).get(layer)


def cost(readout: Readout, *, show: Show = plotted) -> dict[str, Any]:
    """Return the cost of the plan: its totals, its lines, its pictures, and the other plans."""
    data = readout.data
    rows = [_plan_row(row) for row in data["plan"]["assignments"]]
    return {
        "key_numbers": gist.key_numbers(data),
        "other_totals": gist.other_totals(data),
        "charts": [show(chart) for chart in readout.cost_charts],
        "bill_lines": data["plan"]["totals"].get("lines", []),
        "bill_note": BILL_NOTE,
        "bills": _bills([row for row in rows if row["stack"]]),
        "bill_rows": [row for row in rows if row["stack"]],
    }


def _bills(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the money of each stack line by line: list and net cost stand beside each other."""
    names = {name for row in rows for name, part in row["stack"]["numbers"].items() if part["unit"] == "USD/month"}
    return [
        {"label": number_label(name), "numbers": [row["stack"]["numbers"].get(name) for row in rows]}
        for name in in_order(names)
    ]


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


def everything(readout: Readout) -> dict[str, Any]:
    """Return all of a report in order, for paper: nothing is folded, all evidence is listed."""
    ids = [one["id"] for one in readout.data.get("workloads", [])]
    bound = bound_stacks(readout)
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
