"""Measured region latency in words and as neutral charts. A figure is told with the place it was measured from."""

from collections.abc import Mapping, Sequence

from advisor.core.charts import Chart, Point, Series
from advisor.core.quantity import Number, number, sentence
from catalog.probes.summary import Summary, difference

UNIT = "ms"
MOST_ROWS = 12  # of a picture; the table holds them all
PHASES = {
    "dns": "resolving the name",
    "tcp": "connecting (TCP)",
    "tls": "shaking hands (TLS)",
    "first_byte": "first byte, new connection",
    "warm": "first byte, open connection",
}
FAILURES = {
    "dns": "name not resolved",
    "no_address": "no address of this family",
    "refused": "address refused: private or reserved network",
    "no_route": "no way from here",
    "tcp": "not connected",
    "tls": "no TLS",
    "certificate": "certificate not trusted",
    "timeout": "no answer in time",
    "closed": "connection closed",
    "http": "answer not understood",
    "too_large": "answer too large",
    "throttled": "throttled: left alone",
    "server_error": "error of the server",
}
NO_DIFFERENCE = "no significant difference"


def in_ms(value: float | None) -> str:
    """Return a duration as people read it: three figures, in ms."""
    if value is None:
        return "unknown"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def middle(summary: Summary) -> str:
    """Return a median with its 95 % interval, or why there is none."""
    if summary.median_ms is None:
        return "not measured"
    if summary.median_low_ms is None:
        return f"{in_ms(summary.median_ms)} (too few values for an interval)"
    return f"{in_ms(summary.median_ms)} [{in_ms(summary.median_low_ms)} to {in_ms(summary.median_high_ms)}]"


def top(summary: Summary) -> str:
    """Return the 95th percentile where there are values enough for one, else the largest value, and which it is."""
    if summary.p95_ms is not None:
        return f"95th percentile {in_ms(summary.p95_ms)}"
    return f"largest {in_ms(summary.max_ms)}" if summary.max_ms is not None else "not measured"


def failures(summary: Summary) -> str:
    """Return what failed, by class and with its count."""
    return "; ".join(f"{count} × {FAILURES.get(name, name)}" for name, count in summary.failures.items()) or "none"


def compared(first: Summary, second: Summary) -> str:
    """Return how two medians differ, with the interval of the difference: the first as compared with the second."""
    found = difference(first, second)
    if found is None:
        return "too few values to compare"
    if not found.is_significant:
        return f"{NO_DIFFERENCE}: {found.median_ms:+.3g} ms [{found.low_ms:+.3g} to {found.high_ms:+.3g}]"
    word = "slower" if found.median_ms > 0 else "faster"
    near, far = sorted((abs(found.low_ms), abs(found.high_ms)))
    return f"{word} by {in_ms(abs(found.median_ms))} [{in_ms(near)} to {in_ms(far)}]"


def regions_chart(medians: Sequence[tuple[str, Summary]], *, vantage: str, provider: str) -> Chart:
    """Return the medians of several regions, each with its interval, the shortest first."""
    known = sorted((one for one in medians if one[1].median_ms is not None), key=lambda one: one[1].median_ms or 0)
    said = "Nothing was reached."
    if known:
        label, summary = known[0]
        said = f"From {vantage}, the shortest median is that of {label}: {middle(summary)}."
    title = "Median time to the first byte over an open connection"
    if len(known) > MOST_ROWS:
        known, title = known[:MOST_ROWS], f"{title}, the {MOST_ROWS} shortest of {len(known)}"
    return Chart(
        id=f"latency-{provider}",
        kind="ranges",
        title=title,
        unit=UNIT,
        says=sentence(said),
        series=(Series("median", tuple(Point(label, _number(summary)) for label, summary in known)),),
    )


def strips_chart(
    *, samples: Mapping[str, Sequence[float]], summaries: Mapping[str, Summary], vantage: str, id: str
) -> Chart:
    """Return every value of a target phase by phase, with the medians and their intervals over them."""
    drawn = [phase for phase in PHASES if summaries[phase].count]
    warm = summaries["warm"]
    said = f"From {vantage}: first byte over an open connection {middle(warm)}, {warm.count} values."
    return Chart(
        id=id,
        kind="strips",
        title="Every value, by phase",
        unit=UNIT,
        says=sentence(said),
        series=(
            Series(
                "each value", tuple(Point(PHASES[phase], _value(value)) for phase in drawn for value in samples[phase])
            ),
            Series("median", tuple(Point(PHASES[phase], _number(summaries[phase])) for phase in drawn)),
        ),
    )


def _number(summary: Summary) -> Number:
    return number(
        summary.median_ms,
        summary.median_low_ms,
        summary.median_high_ms,
        unit=UNIT,
        kind="probe",
        evidence=("probe",),
        reason="" if summary.median_ms is not None else "no value",
    )


def _value(value: float) -> Number:
    return number(value, unit=UNIT, kind="probe", evidence=("probe",))
