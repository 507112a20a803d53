"""The report as a Markdown decision record in the MADR 4 shape, ready to commit as ``NNNN-slug.md``."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from advisor.core.labels import BILL_NOTE, LAYER_LABELS, NUMBER_LABELS
from advisor.core.quantity import Number, titled

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_LAYERS = ("compute", "accelerator", "networking", "storage", "orchestration", "model_layer")
_ASKED = ("provider", "purchase", "residency", "certifications", "budget", "deadline", "ttft", "tpot", "latency")

Data = Mapping[str, Any]


def markdown(report_data: Data) -> str:
    """Return the record of a report: context, drivers, options, outcome, bill, coupling, why not, evidence."""
    parts = [
        _head(report_data),
        _context(report_data),
        _drivers(report_data),
        _options(report_data),
        _outcome(report_data),
        _bill(report_data),
        _coupling(report_data),
        _why_not(report_data),
        _more(report_data),
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def escaped(text: Any) -> str:
    """Return text that Markdown prints literally, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))


def shown(number: Number) -> str:
    """Return a number with its range and unit, or why it is unknown."""
    unit = escaped(number["unit"])
    if number["value"] is None:
        least = f"at least {_figure(number['low'])} {unit}; " if number["low"] else ""
        return f"{least}unknown: {escaped(number['reason'])}"
    point = _figure(number["value"])
    if number["low"] == number["high"]:
        return f"{point} {unit}"
    return f"{point} {unit} ({_figure(number['low'])} to {_figure(number['high'])})"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _said(texts: Iterable[Data]) -> list[str]:
    return [f"* {escaped(text['text'])}" for text in texts]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _head(data: Data) -> str:
    decision = data["decision"]
    status = "proposed" if decision["feasible"] else "rejected"
    return "\n".join(
        [
            "---",
            f"status: {status}",
            f"date: {data['moment']}",
            "---",
            "",
            f"# {escaped(decision['title'])}",
        ]
    )


def _context(data: Data) -> str:
    rows = [
        (escaped(item["name"]), escaped(item["kind"].replace("_", " ")), _counts(item["candidates"]))
        for item in data["workloads"]
    ]
    return "\n".join(
        [
            "## Context and Problem Statement",
            "",
            "Which stack of six layers should carry these workloads, on which cloud and region, at what cost, and "
            "what is bound "
            "to what?",
            "",
            _table(("Workload", "Kind", "Candidates judged"), rows),
        ]
    )


def _counts(counts: Data) -> str:
    return f"{counts['ranked']:,} ranked, {counts['confirm_first']:,} to confirm first, {counts['excluded']:,} excluded"


def _drivers(data: Data) -> str:
    weights = [
        f"* {escaped(name.capitalize())}: weight {weight:g}"
        for name, weight in data["decision"]["weights"].items()
        if weight
    ]
    told = [check for check in data["constraints"]["checks"] if check["state"] != "met" or check["id"] in _ASKED]
    checks = [
        f"* {escaped(titled(check['title']))} ({escaped(check['scope'])}): **{check['state']}**. "
        f"{escaped(check['text']['text'])}"
        for check in told
    ]
    kept = len(data["constraints"]["checks"]) - len(told)
    removed = [
        f"* {escaped(row['workload_id'])}: {escaped(row['text']['text'])}" for row in data["constraints"]["removals"]
    ]
    lifted = [f"* {escaped(row['text']['text'])}" for row in data["constraints"]["excluded_providers"]]
    if kept:
        checks.append(f"* {kept} further checks (price, terms, fit, compatibility, licences, retirement) are met.")
    parts = ["## Decision Drivers", "", *weights, *checks]
    if removed:
        parts += ["", "### What removed candidates", "", *removed, *lifted]
    return "\n".join(parts)


def _options(data: Data) -> str:
    lines = ["## Considered Options", ""]
    for item in data["workloads"]:
        options = {stack["id"]: stack for stack in (*item["best_by_path"], *item["best_by_provider"])}
        for stack in options.values():
            lines.append(
                f"* {escaped(item['name'])}: {escaped(stack['label'])} "
                f"({escaped(stack['standing'].replace('_', ' '))}): "
                f"{shown(stack['numbers']['monthly_usd'])}"
            )
    lines += [f"* {escaped(other['title'])}: {shown(other['monthly_usd'])}" for other in data["plan_alternatives"]]
    return "\n".join(lines)


def _outcome(data: Data) -> str:
    lines = ["## Decision Outcome", "", escaped(data["decision"]["headline"]["text"]), ""]
    lines += [escaped(data["plan"]["totals"]["text"]["text"]), ""]
    fixed = data["plan"]["totals"]["fixed"]
    lines += [f"* In it, {escaped(line['title'])}: {shown(line['monthly_usd'])} (an assumption)" for line in fixed]
    lines += [""] if fixed else []
    for item in data["plan"]["assignments"]:
        stack = item["stack"]
        title = f"{escaped(item['workload_name'])}: {escaped(item['role_text'])}"
        lines += [f"### {title}", ""]
        if stack is None:
            lines += ["No admissible stack.", ""]
            continue
        rows = [(LAYER_LABELS[key], escaped(stack["layers"][key]["name"])) for key in _LAYERS]
        figures = {**stack["numbers"], **item["numbers"]}
        rows += [(label, shown(figures[key])) for key, label in NUMBER_LABELS.items() if key in figures]
        lines += [escaped(stack["label"]), "", _table(("Layer or figure", "Choice"), rows), ""]
        lines += [*_said(item["gate"]), ""] if item["gate"] else []
    lines += ["### Why", ""]
    for workload in data["workloads"]:
        lines += [f"* {escaped(workload['name'])}: {escaped(text['text'])}" for text in workload["why"]]
        if "narrower_weights" in workload:
            lines.append(f"* {escaped(workload['narrower_weights']['text']['text'])}")
        if "utilisation_sensitivity" in workload:
            lines.append(f"* {escaped(workload['utilisation_sensitivity']['text']['text'])}")
    lines += ["", "### Consequences", "", *_said(data["warnings"])]
    gates = [
        f"* {escaped(item['workload_name'])}, {escaped(item['role'])}: {escaped(text['text'])}"
        for item in data["plan"]["assignments"]
        for text in item["gate"][:2]
    ]
    lines += ["", "### Confirmation", "", *(gates or ["* Advise again when a price or an answer changes."])]
    return "\n".join(lines)


def _bill(data: Data) -> str:
    """Return the lines of the plan's bill and its months; nothing for a report that was made before it had them."""
    totals = data["plan"]["totals"]
    if not totals.get("lines"):
        return ""
    lines = ["## What It Costs, Line by Line", "", escaped(BILL_NOTE), ""]
    lines += [_lines_table(totals["lines"], data["decision"]["horizon_months"]), ""]
    lines += ["### Month by Month", "", _months_table(totals["months"]), ""]
    for workload in data["workloads"]:
        bill = workload.get("bill")
        if bill and len(data["workloads"]) > 1:
            lines += [f"### {escaped(workload['name'])}: the Bill of the Recommended Stack", ""]
            lines += [_lines_table(bill["lines"], data["decision"]["horizon_months"]), ""]
    return "\n".join(lines)


def _lines_table(lines: Iterable[Data], months: int) -> str:
    rows = [
        (
            f"{'of it: ' if line['part_of'] else ''}{escaped(line['title'])}",
            shown(line["monthly_usd"]) if line["monthly_usd"] else "once",
            shown(line["horizon_usd"]),
            "" if line["in_total"] else "beside it",
        )
        for line in lines
    ]
    return _table(("Line", "A month at full load", f"Over {months} months", "In the total"), rows)


def _months_table(months: Iterable[Data]) -> str:
    rows = [(str(row["month"]), shown(row["usd"]), shown(row["cumulative_usd"])) for row in months]
    return _table(("Month", "Cost", "Running total"), rows)


def _coupling(data: Data) -> str:
    lines = ["## What Is Bound to What", "", escaped(data["coupling"]["method"]["text"]), ""]
    for section in data["coupling"]["stacks"]:
        rows = [
            (
                escaped(cell["pair_text"]),
                f"{cell['score']['value']:.2f} ({cell['band']})",
                escaped(cell["text"]["text"]),
                escaped(cell["buys"]["text"]),
            )
            for cell in section["cells"]
        ]
        lines += [
            f"### {escaped(section['label'])}",
            "",
            _table(("Pair", "Score", "What binds it", "What it buys"), rows),
            "",
        ]
        lines += [escaped(section["leaving"]["text"]["text"]), ""]
        lines += [
            f"* Moving the stored data out, {name.replace('_', ' ')}: {shown(number)}{_condition(number)}"
            for name, number in section["leaving"]["data_usd"].items()
        ]
        lines.append("")
    return "\n".join(lines)


def _condition(number: Number) -> str:
    return f" ({escaped(number['reason'])})" if number["value"] is not None and number["reason"] else ""


def _why_not(data: Data) -> str:
    lines = ["## Pros and Cons of the Options", ""]
    for workload in data["workloads"]:
        for row in workload["why_not"]:
            texts = " ".join(escaped(text["text"]) for text in row["texts"])
            price = f" It would cost less below {shown(row['wins_below'])}." if "wins_below" in row else ""
            lines.append(
                f"* {escaped(workload['name'])}: not {escaped(row['label'])} ({row['verdict']}): {texts}{price}"
            )
    return "\n".join(lines)


def _more(data: Data) -> str:
    hashes = [f"* {escaped(name.replace('_', ' '))}: {escaped(value)}" for name, value in data["hashes"].items()]
    asked = [
        (escaped(entry["path"]), escaped(entry["question"]), escaped(entry["default_text"]))
        for entry in data["unanswered"]
    ]
    rows = [
        (
            escaped(entry["id"]),
            escaped(_value(entry)),
            escaped(entry["kind"]),
            escaped(entry["source"]),
            escaped(entry["as_of"] or entry["as_of_basis"] or ""),
        )
        for entry in data["evidence"]
    ]
    return "\n".join(
        [
            "## More Information",
            "",
            *hashes,
            "",
            "### Unanswered questions and the defaults taken",
            "",
            _table(("Path", "Question", "Taken instead"), asked),
            "",
            "### Evidence",
            "",
            _table(("Id", "Value", "Kind", "Source", "As of"), rows),
        ]
    )


def _value(entry: Data) -> str:
    value = entry["value"]
    if value is None:
        return str(entry["label"])
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or "none"
    if isinstance(value, dict):
        return str(entry["label"])
    figure = _figure(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return f"{figure} {entry['unit'] or ''}".strip()
