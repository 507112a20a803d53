"""The reference of the document, docs/document.md, made from its schema and its questions."""

from typing import Any

from advisor.core.document import json_schema
from advisor.core.questionnaire.questions import QUESTIONS, Question

INTRO = """\
<!-- Generated from advisor/core/schema.py and advisor/core/questionnaire/questions.py: `make golden` rewrites it. -->

# The decision document

One document tells a decision: who asks, where you stand, what must hold, what you want, and the work to place. The file
for `manage.py advise`, the form, the API and the examples are this one schema.

* A file is YAML or JSON, UTF-8, at most 1 MB. YAML is read by the 1.2 rules: `NO` is a country, `15e12` is a number, a
  date stays text. Anchors, aliases, tags, a key that stands twice, NaN and infinity are refused.
* `null`, an absent key and a null section all mean *not said*. That is never zero: a total with an unknown part says
  *at least*. An empty list is an answer: *none*.
* An unknown key is refused, and so is a value beyond the range below. The error names the path, such as
  `workloads[1].model.layers`, the value, what is wrong and what is accepted.
* A draft may lack anything but an `id` and a `kind` per workload. Advice needs the title, one workload, and of each
  workload what prices it: tokens (or characters) for a managed API, traffic and tokens (or characters) for a served
  transformer, training tokens for a training run, or figures of your own (`measured`).
* Tokens of one call, counted on sample requests of your own, are the best answer; where you have only characters, say
  `input_characters`, `output_characters` and `language`. Stated tokens go before characters.
* What nobody answered is reported with the value that was taken instead, so that you can see what to answer next: the
  questions with the greatest power to change the advice come first.
"""

TITLES = {
    "": ("Document", "Document"),
    "organisation": ("Organisation", "Organisation"),
    "current": ("Current", "Where you stand"),
    "current.measured": ("CurrentMeasured", "What you use and pay today"),
    "team": ("Team", "Team"),
    "constraints": ("Constraints", "Constraints"),
    "constraints.quota[]": ("Quota", "One quota"),
    "horizon": ("Horizon", "Horizon"),
    "preferences": ("Preferences", "Preferences"),
    "preferences.cost": ("Preference", "One preference (`cost`, `time`, `latency`, `portability`, `operations`)"),
    "commercial": ("Commercial", "Contract terms"),
    "commercial.discounts[]": ("Discount", "One discount"),
    "commercial.commitments[]": ("Commitment", "One commitment"),
    "coupling_weights": ("CouplingWeights", "Coupling weights"),
    "workloads[]": ("Workload", "One workload"),
    "workloads[].model": ("InlineModel", "A model by its shape"),
    "workloads[].model.acceptable[]": ("AcceptableModel", "One acceptable family (managed work)"),
    "workloads[].traffic": ("Traffic", "Traffic"),
    "workloads[].targets": ("Targets", "Targets"),
    "workloads[].training": ("Training", "Training"),
    "workloads[].data": ("Data", "Data"),
    "workloads[].code": ("Code", "Code"),
    "workloads[].measured": ("Measured", "Figures of your own"),
    "workloads[].serving": ("Serving", "How it is served"),
    "flows[]": ("Flow", "One flow"),
}


def markdown() -> str:
    """Return docs/document.md as it should stand."""
    schema = json_schema()
    parts = [INTRO]
    for path, (name, title) in TITLES.items():
        model = schema if name == "Document" else schema["$defs"][name]
        parts.append(_section(path=path, title=title, model=model))
    return "\n".join(parts) + "\n" + _questions()


def _section(*, path: str, title: str, model: dict[str, Any]) -> str:
    heading = f"## {title}" + (f": `{path}`" if path else "")
    lines = [heading, "", model["description"].replace("\n", " "), "", "| key | takes | meaning |", "|---|---|---|"]
    for key, field in model["properties"].items():
        meaning = field.get("description", "See its own section.")
        lines.append(f"| `{key}` | {_takes(field)} | {_cell(meaning)} |")
    return "\n".join(lines) + "\n"


def _takes(field: dict[str, Any]) -> str:
    choices = [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]
    shared = {name: value for name, value in field.items() if name not in ("anyOf", "default")}
    return _cell(" or ".join(dict.fromkeys(_kind({**shared, **choice}) for choice in choices)))


def _kind(part: dict[str, Any]) -> str:
    if "$ref" in part or "oneOf" in part or "allOf" in part:
        return "a section" if "$ref" in part else "an id, a shape or acceptable families"
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{word}`" for word in part["enum"])
    if part.get("type") == "array":
        return "a list of " + (_kind(part["items"]) if "$ref" not in part["items"] else "sections")
    words = {"integer": "a whole number", "number": "a number", "boolean": "`true` or `false`", "object": "a mapping"}
    if part.get("format") == "date":
        return "a date"
    return words.get(part.get("type", ""), "text") + _range(part)


def _range(part: dict[str, Any]) -> str:
    bounds = [
        (part.get("minimum"), "from"),
        (part.get("exclusiveMinimum"), "above"),
        (part.get("maximum"), "to"),
        (part.get("exclusiveMaximum"), "below"),
    ]
    said = [f"{word} {bound:,.12g}" for bound, word in bounds if bound is not None]
    return f", {' '.join(said)}" if said else ""


def _questions() -> str:
    lines = [
        "## The questions and their defaults",
        "",
        "In the order of their power to change the advice (our judgement, 0 to 100). A first answer needs at most 12.",
        "",
        "| power | path | question | asked when | taken where nobody answers | because |",
        "|---|---|---|---|---|---|",
    ]
    for question in sorted(QUESTIONS, key=lambda question: (-question.power, question.path)):
        cells = (question.text, question.when_text, _taken(question), question.default_why)
        lines.append(f"| {question.power} | `{question.path}` | {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _taken(question: Question) -> str:
    if question.takes:
        return f"that of {question.takes}, if said"
    own = [f"{_plain(value)} for {kind}" for kind, value in question.default_by_kind.items()]
    general = "" if question.default is None else _plain(question.default)
    return "; ".join(part for part in (general, *own) if part) or question.no_default


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
