"""What is wrong with a document, said so that its writer can mend it: path, value, sentence, what is accepted."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

Path = Sequence[str | int]
MAX_ITEMS_COUNT = 50
MAX_ACCEPTED_COUNT = 10
_MAX_SHOWN_LETTERS = 120
_QUOTED = re.compile(r"'([^']*)'")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class DocumentError(Exception):
    """A document that cannot be used; ``items`` name each fault as {path, value, message, accepted}."""

    def __init__(self, items: Sequence[Mapping[str, Any]], *, code: str = "invalid_document") -> None:
        shown = [dict(item) for item in items[:MAX_ITEMS_COUNT]]
        if len(items) > MAX_ITEMS_COUNT:
            shown.append(problem("", None, f"{len(items) - MAX_ITEMS_COUNT} more problems are not shown."))
        self.items: list[dict[str, Any]] = shown
        self.code = code
        self.message = (
            "The document has one problem." if len(items) == 1 else f"The document has {len(items)} problems."
        )
        super().__init__(self.message)

    def as_dict(self) -> dict[str, Any]:
        """Return the error in the one shape that file, page and API share."""
        return error(self.code, self.message, self.items)

    def __str__(self) -> str:
        lines = [self.message]
        for item in self.items:
            lines.append(f"  {item['path'] or 'document'}: {item['message']}")
            if item["accepted"]:
                lines.append(f"    accepted: {', '.join(map(str, item['accepted']))}")
        return "\n".join(lines)


def error(code: str, message: str, items: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return an error in the one shape that file, page and API share."""
    return {"error": {"code": code, "message": message, "items": [dict(item) for item in items]}}


def problem(path: Path | str, value: Any, message: str, accepted: Iterable[Any] = ()) -> dict[str, Any]:
    """Return one error item; the path is written as text, the value is cut to what JSON and a screen can bear."""
    text = path if isinstance(path, str) else path_text(path)
    return {"path": text, "value": shown(value), "message": message, "accepted": list(accepted)[:MAX_ACCEPTED_COUNT]}


def path_text(path: Path) -> str:
    """Return a path as people write it: ``workloads[1].model.layers``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + _printable(step)
    return text


def shown(value: Any) -> Any:
    """Return the value in a form that is safe to store as JSON and short enough to read."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**18 else "a number of more than 18 digits"
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, str):
        return _printable(value)
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)} keys" if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)} entries" if value else "an empty list"
    return _printable(str(value))


def closest(value: Any, options: Iterable[str], *, count: int = MAX_ACCEPTED_COUNT) -> list[str]:
    """Return at most ``count`` options, those most like the value first; the first of the sorted rest if none is."""
    ordered = sorted(set(options))
    by_lower = {option.lower(): option for option in ordered}
    found = difflib.get_close_matches(_printable(str(value)).lower(), list(by_lower), n=count, cutoff=0.4)
    return [by_lower[key] for key in found] or ordered[:count]


def from_pydantic(
    details: Sequence[ErrorDetails], *, fields_at: Callable[[Path], Sequence[str]]
) -> list[dict[str, Any]]:
    """Return pydantic's findings in our words; ``fields_at(path)`` names the keys that stand at a path."""
    items: dict[str, dict[str, Any]] = {}
    for detail in details:
        if detail["type"] == "too_short" and len(detail["input"]) >= (detail.get("ctx") or {})["min_length"]:
            continue  # pydantic counts the sound entries only; each unsound one has its own item
        path = [step for step in detail["loc"] if not str(step).startswith("<") and step != "[key]"]
        item = _item(detail, path, fields_at)
        items.setdefault(item["path"] + item["message"], item)
    return list(items.values())


def _item(detail: ErrorDetails, path: list[str | int], fields_at: Callable[[Path], Sequence[str]]) -> dict[str, Any]:
    value, kind, context = detail["input"], detail["type"], detail.get("ctx") or {}
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "the document")
    if path and isinstance(path[-1], int):
        name = f"an entry of {name}"
    if kind in {"extra_forbidden", "invalid_key"}:
        return _unknown_key(path, value, fields_at(path[:-1]))
    if kind == "missing":
        return problem(path, None, f"{name} is required and is not there.")
    accepted = _QUOTED.findall(context.get("expected", "")) if kind == "literal_error" else []
    if kind == "literal_error" and not accepted:
        accepted = [context.get("expected", "")]
    if accepted:
        accepted = _by_likeness(value, accepted)
        message = f"{name} must be {_one_of(accepted)}; you gave {_quoted(value)}."
        return problem(path, value, message, accepted)
    return problem(
        path, value, f"{name} {_rule(kind, context)}; you gave {_quoted(value)}.{_mend(kind, context, value)}"
    )


def _unknown_key(path: list[str | int], value: Any, known: Sequence[str]) -> dict[str, Any]:
    key = _printable(str(path[-1])) if path else ""
    near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    place = path_text(path[:-1]) or "the document"
    message = f"{key!r} is not a key of {place}.{hint}"
    return problem(path, value, message, _by_likeness(key, known))


_RULES = {
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "string_too_short": "must have at least {min_length} letters",
    "string_too_long": "must have at most {max_length} letters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "finite_number": "must be a finite number",
    "string_unicode": "holds letters that are not valid Unicode",
}
_TYPES = [
    ("int_from_float", "must be a whole number"),
    ("int_", "must be a whole number"),
    ("float_", "must be a number"),
    ("bool", "must be true or false"),
    ("string_", "must be text"),
    ("tuple_type", "must be a list"),
    ("list_type", "must be a list"),
    ("date", "must be a date like 2027-03-01"),
    ("model_", "must be a mapping of keys to values"),
    ("dict_", "must be a mapping of keys to values"),
]


def _rule(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "said":
        return str(context["said"])
    if kind in ("too_short", "string_too_short") and context.get("min_length") == 1:
        return "must not be empty"
    if kind in _RULES:
        numbers = {
            key: f"{bound:,.12g}" if isinstance(bound, (int, float)) else bound for key, bound in context.items()
        }
        return _RULES[kind].format_map(numbers)
    return next((rule for start, rule in _TYPES if kind.startswith(start)), "cannot be read")


def _mend(kind: str, context: Mapping[str, Any], value: Any) -> str:
    """Return the likeliest slip: a percentage where a fraction from 0 to 1 is asked for."""
    is_fraction = kind == "less_than_equal" and context.get("le") == 1
    if is_fraction and isinstance(value, (int, float)) and 1 < value <= 100:
        return f" It is a fraction from 0 to 1: write {value / 100:g} for {value:g} %."
    return ""


def _quoted(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(shown(value)) if isinstance(value, str) else str(shown(value))


def _one_of(options: Sequence[str]) -> str:
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _by_likeness(value: Any, options: Sequence[str]) -> list[str]:
    near = difflib.get_close_matches(_printable(str(value)).lower(), options, n=len(options) or 1, cutoff=0.4)
    return near + [option for option in options if option not in near]


def _printable(text: str) -> str:
    cut = text if len(text) <= _MAX_SHOWN_LETTERS else text[:_MAX_SHOWN_LETTERS] + "…"
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", cut)
