"""How many tokens a text makes in each model's tokenizer, and what one request of a task asks of the models in all."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from estimator import uncertainty
from estimator.coefficients import Coefficients
from estimator.uncertainty import Range
from estimator.workload import Traffic, Workload

Number = Any  # a float or a numpy array; formulas take either

OTHER = "other"
COUNTED_IN_REQUESTS = ("request", "requests")

# Which tokenizer a model family cuts with, by how its name begins: the first that matches counts. A name of the catalog
# has dots or dashes. Families left out (Amazon, Mistral AI, Moonshot AI, xAI …) have none that was counted.
_BEGINS = (
    ("claude-opus-4-7", "claude"),
    ("claude-opus-4-8", "claude"),
    *((name, "claude_before_4_7") for name in ("claude-3", "claude-opus-4", "claude-sonnet-4", "claude-haiku-4")),
    ("claude-", "claude"),
    ("gpt-3", OTHER),
    *((name, "o200k") for name in ("gpt-", "o1", "o3", "o4", "codex-", "computer-use")),
    *((name, "gemini") for name in ("gemini-", "gemma-", "deep-research-pro")),
    ("llama-3", "llama3"),
    ("qwen3-5", OTHER),
    *((name, "qwen") for name in ("qwen2-5", "qwen3")),
    ("deepseek-", "deepseek"),
)
# Anthropic publishes no tokenizer: its models are reckoned from the middle of the public ones.
_COUNTED_AS = {"claude": OTHER, "claude_before_4_7": OTHER}


@lru_cache(maxsize=4096)
def tokenizer_of(name: str) -> str:
    """Return which tokenizer a model cuts text with: a key of ``tokens.version``, ``other`` where none was counted.

    ``name`` is a family or an architecture as the catalog names it. Source: ``tokens`` in docs/estimates.md.
    """
    plain = name.replace(".", "-")
    return next((tokenizer for start, tokenizer in _BEGINS if plain.startswith(start)), OTHER)


def tokens_of(
    *, characters: Number, language: str | None, tokenizers: Iterable[str], coefficients: Coefficients
) -> Range:
    """Return the tokens that so many characters make, one value a tokenizer. [tokens]

    tokens = characters ÷ (characters per token of a reference text × everyday text over that text) × the present
    models' tokens over the counted tokenizer's; the three are independent. ``characters`` is a number or one a
    tokenizer; a language that was not counted, or not said, has a row of its own with a wide range.
    Source: ``tokens`` in docs/estimates.md.
    """
    names = list(tokenizers)
    per_token = _of_each(
        {name: _row(tokenizer=name, language=language, coefficients=coefficients) for name in set(names)}, names
    )
    version = _of_each({name: coefficients.get(f"tokens.version.{name}") for name in set(names)}, names)
    return uncertainty.independent(
        uncertainty.exactly(np.broadcast_to(np.asarray(characters, dtype=float), (len(names),))),
        uncertainty.inverse(per_token),
        uncertainty.inverse(uncertainty.of(coefficients.get("tokens.register"))),
        version,
    )


def evidence_of(*, language: str | None, tokenizer: str, coefficients: Coefficients) -> tuple[str, ...]:
    """Return the ids of the coefficients that ``tokens_of`` takes for a tokenizer and a language."""
    row = _row(tokenizer=tokenizer, language=language, coefficients=coefficients)
    return (row.id, "coefficient:tokens.register", f"coefficient:tokens.version.{tokenizer}")


def calls_per_request(traffic: Traffic) -> float:
    """Return the model calls of one request as the team states them, one where it does not. [calls request⁻¹]"""
    return 1.0 if traffic.calls_per_request is None else traffic.calls_per_request


def is_counted(traffic: Traffic) -> bool:
    """Return whether the tokens of a call are stated or can be counted from its characters, in and out."""
    return None not in (
        traffic.input_tokens if traffic.input_characters is None else traffic.input_characters,
        traffic.output_tokens if traffic.output_characters is None else traffic.output_characters,
    )


def answers_of(workload: Workload) -> tuple[str, ...]:
    """Return the evidence ids of the answers that say how many tokens a request makes."""
    traffic = workload.traffic
    names = [
        f"{side}_{'characters' if getattr(traffic, f'{side}_tokens') is None else 'tokens'}"
        for side in ("input", "output")
    ]
    counted = any(name.endswith("characters") for name in names)
    names += [*(("language",) if counted else ()), "calls_per_request", "reasoning_tokens", "retry_fraction"]
    return tuple(f"answer:{workload.id}.traffic.{name}" for name in names if getattr(traffic, name) is not None)


def in_calls(*, workload: Workload, end: int, coefficients: Coefficients) -> Workload:
    """Return the workload as its own machines see it: calls instead of requests, every token counted.

    Characters become tokens of the model's own tokenizer at one ``end`` of their range (0 low, 1 typical, 2 high),
    hidden reasoning is output, each call and each call sent again is a request. A rate measured in requests becomes one
    in calls. What was not said stays so. Source: ``tokens`` in docs/estimates.md.
    """
    traffic, measured = workload.traffic, workload.measured
    calls = calls_per_request(traffic) * (1.0 + (traffic.retry_fraction or 0.0))
    output = _side(workload=workload, side="output", end=end, coefficients=coefficients)
    if measured is not None and measured.units_per_s is not None and _in_requests(measured.work_unit):
        measured = replace(measured, units_per_s=measured.units_per_s * calls)
    rate = traffic.requests_per_s_mean
    return replace(
        workload,
        measured=measured,
        traffic=replace(
            traffic,
            requests_per_s_mean=None if rate is None else rate * calls,
            input_tokens=_side(workload=workload, side="input", end=end, coefficients=coefficients),
            output_tokens=None if output is None else output + (traffic.reasoning_tokens or 0.0),
        ),
    )


def _side(*, workload: Workload, side: str, end: int, coefficients: Coefficients) -> float | None:
    traffic = workload.traffic
    stated: float | None = getattr(traffic, f"{side}_tokens")
    characters: float | None = getattr(traffic, f"{side}_characters")
    if stated is not None or characters is None or workload.architecture is None:
        return stated
    found = tokens_of(
        characters=characters,
        language=traffic.language,
        tokenizers=[tokenizer_of(workload.architecture.id)],
        coefficients=coefficients,
    )
    return float(found[end][0])


def _in_requests(unit: str | None) -> bool:
    return (unit or "").strip().lower() in COUNTED_IN_REQUESTS


def _row(*, tokenizer: str, language: str | None, coefficients: Coefficients) -> Any:
    group = f"tokens.characters_per_token.{_COUNTED_AS.get(tokenizer, tokenizer)}"
    key = f"{group}.{language or 'unsaid'}"
    return coefficients.get(key if key in coefficients else f"{group}.unlisted")


def _of_each(entries: dict[str, Any], names: list[str]) -> Range:
    """Lay the range of each name's coefficient beside the names."""
    return Range(*(np.array([uncertainty.of(entries[name])[end] for name in names], dtype=float) for end in range(3)))
