"""What a probe of an endpoint showed, as pictures and lines of words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.core.charts import Chart, Point, Series
from advisor.core.quantity import Number, number, sentence

Data = Mapping[str, Any]

FAILURES = {
    "rate_limited": "too many requests (429)",
    "server_error": "error of the server (5xx)",
    "refused": "refused",
    "redirected": "redirected, which is not followed",
    "not_allowed": "an address that must not be called",
    "unreachable": "not reached",
    "timeout": "no end in time",
    "cut": "broke off",
    "error_event": "an error in the stream",
    "no_content": "an answer without text",
    "not_a_stream": "no stream of events",
}
_FIGURES = {
    "ttft_ms": ("Time to first token", "ms"),
    "gap_ms": ("Gap between two pieces of an answer", "ms"),
    "tokens_per_s": ("Tokens per second of one answer, after its first", "tokens/s"),
}


@dataclass(frozen=True)
class Line:
    """One concurrency step of one figure, in words."""

    label: str
    count: str
    cells: tuple[tuple[str, str], ...]  # the column and what stands there


@dataclass(frozen=True)
class Part:
    """One figure of a probe: its picture, None where nothing is known, and its lines."""

    title: str
    unit: str
    chart: Chart | None
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class StepLine:
    """What became of the requests of one step."""

    label: str
    asked: int
    answered: int
    failures: str
    notes: tuple[str, ...]


COLUMNS = ("Fastest or least", "Quarter", "Median", "Three quarters", "95th percentile", "Slowest or most")
_ENDS = ("min", "p25", "p50", "p75", "p95", "max")


def failures_text(failures: Mapping[str, int]) -> str:
    """Return counted failures in words; blank where there were none."""
    return ", ".join(f"{count} × {FAILURES.get(name, name)}" for name, count in sorted(failures.items()))


def steps(result: Data) -> tuple[StepLine, ...]:
    """Return what became of the requests, step by step."""
    return tuple(
        StepLine(
            label=_at_a_time(step),
            asked=step["asked"],
            answered=step["answered"],
            failures=_failed(step),
            notes=(
                *step["notes"],
                *(f"tokens per second unknown for {count}: {why}" for why, count in step["rates_unknown"].items()),
            ),
        )
        for step in result["steps"]
    )


def parts(result: Data, *, probe_number: int) -> tuple[Part, ...]:
    """Return each figure of a probe with its distribution by concurrency."""
    return tuple(_part(name, result, probe_number=probe_number) for name in _FIGURES)


def _part(name: str, result: Data, *, probe_number: int) -> Part:
    title, unit = _FIGURES[name]
    known = [step for step in result["steps"] if step[name]["n"]]
    chart = None
    if known:
        least = known[0]
        text = f"{title}: a median of {_plain(least[name]['p50'])} {unit} with {_at_a_time(least)}"
        if len(known) > 1:
            text += f", {_plain(known[-1][name]['p50'])} {unit} with {_at_a_time(known[-1])}"
        points = tuple(Point(_at_a_time(step), _number(step[name], unit, probe_number)) for step in known)
        chart = Chart(
            id=name,
            kind="ranges",
            title=f"{title}, by requests at a time",
            unit=unit,
            says=sentence(f"{text}. The mark is the median, the range goes from the least to the most that was seen."),
            series=(Series("measured", points),),
        )
    return Part(title=title, unit=unit, chart=chart, lines=tuple(_line(step, name) for step in result["steps"]))


def _line(step: Data, name: str) -> Line:
    spread = step[name]
    cells: Sequence[str] = [_plain(spread.get(end)) for end in _ENDS] if spread["n"] else ["unknown"] * len(_ENDS)
    return Line(label=_at_a_time(step), count=f"{spread['n']:,}", cells=tuple(zip(COLUMNS, cells, strict=True)))


def _number(spread: Data, unit: str, probe_number: int) -> Number:
    evidence = (f"own_probe:{probe_number}",)
    return number(spread["p50"], spread["min"], spread["max"], unit=unit, kind="probe", evidence=evidence)


def _at_a_time(step: Data) -> str:
    count = step["concurrency"]
    return f"{count} request{'' if count == 1 else 's'} at a time"


def _failed(step: Data) -> str:
    codes = ", ".join(step["codes"])
    return failures_text(step["failures"]) + (f" ({codes})" if codes else "")


def _plain(value: float | None) -> str:
    return "too few" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
