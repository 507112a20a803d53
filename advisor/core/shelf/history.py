"""A price over time as a neutral picture: what it was, from when on, as far as the releases of this catalog tell."""

from collections.abc import Iterable
from dataclasses import dataclass

from advisor.core.charts import Chart, Point, Series
from advisor.core.quantity import number, sentence


@dataclass(frozen=True)
class Stated:
    """A price from a day on (ISO); None where there was none, with the reason."""

    day: str
    amount: float | None
    reason: str
    source: str


def history_chart(*, id: str, title: str, unit: str, stated: Iterable[Stated], today: str) -> Chart | None:
    """Return the course of a price, or None where it never moved: one price is no course. [unit]

    Each price holds from its day to the next one's; the last one is drawn to ``today``. Source: the releases' rows.
    """
    steps = [step for step in stated if step.day]
    known = [step.amount for step in steps if step.amount is not None]
    if len(set(known)) < 2:
        return None
    first, last = known[0], known[-1]
    change = last / first - 1
    low, high = min(known), max(known)
    text = (
        f"{title}: {first:g} on {steps[0].day}, {last:g} {unit} at last ({change:+.1%}); between {low:g} and {high:g}."
    )
    points = [_point(step, unit=unit) for step in steps]
    if steps[-1].amount is not None and steps[-1].day < today:
        points.append(_point(Stated(today, last, "", steps[-1].source), unit=unit))
    return Chart(
        id=id,
        kind="steps",
        title=title,
        unit=unit,
        says=sentence(text.replace("-", "−") if change < 0 else text),
        series=(Series("price", tuple(points)),),
    )


def _point(step: Stated, *, unit: str) -> Point:
    return Point(
        step.day,
        number(
            step.amount,
            unit=unit,
            kind="list price",
            evidence=[step.source],
            reason=step.reason or "no price was stated",
        ),
    )
