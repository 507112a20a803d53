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

    The steps come in the order of the releases that stated them, and no day lies before the one in front of it: each
    price holds from its day to the next one's, the last one to ``today``. Source: the releases' rows.
    """
    steps = [step for step in stated if step.day]
    known = [step.amount for step in steps if step.amount is not None]
    if len(set(known)) < 2:
        return None
    first, last = (next(step for step in order if step.amount is not None) for order in (steps, steps[::-1]))
    low, high = min(known), max(known)
    change = f"{last.amount / first.amount - 1:+.1%}".replace("-", "−")  # type: ignore[operator]
    text = (
        f"{first.amount:g} {unit} on {first.day}, {last.amount:g} from {last.day} on ({change}); "
        f"between {low:g} and {high:g}."
    )
    points = [_point(step, unit=unit) for step in steps]
    if steps[-1].amount is not None and steps[-1].day < today:
        points.append(_point(Stated(today, steps[-1].amount, "", steps[-1].source), unit=unit))
    return Chart(
        id=id,
        kind="steps",
        title=title,
        unit=unit,
        says=sentence(text),
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
