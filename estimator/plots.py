"""Predicted against published as a picture: small log-log panels written as SVG by hand, the same bytes each time."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

COLUMNS, SIDE = 4, 172  # panels in a row; width and height of a panel's square
LEFT, TOP, RIGHT, BOTTOM, EDGE = 52, 46, 12, 34, 20  # room around a square; around the whole
CELL_WIDTH, CELL_HEIGHT = LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM
WIDTH = COLUMNS * CELL_WIDTH + 2 * EDGE
LEAST_SPAN = math.log10(3)  # of an axis: fewer would magnify noise
STEPS = ((0.6, (1, 1.5, 2, 3, 4, 5, 7)), (1.2, (1, 2, 5)), (2.0, (1, 3)), (math.inf, (1,)))  # up to a span in decades
LABEL_HEIGHT, LABEL_CHARACTER = 15, 6.2
SHAPES = (
    "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z",
    "M-3-3h6v6h-6z",
    "M0-4L3.9 3H-3.9z",
    "M0-4.2L4.2 0L0 4.2L-4.2 0z",
)
LIGHT = ("#0b65b8", "#4b8b00", "#d1480b", "#946b00", "#a2449c", "#5f6772")
DARK = ("#6db9ff", "#9bd63c", "#ff9b6b", "#f2c94c", "#e79be0", "#b9c1cb")
PAPER = "--card:#fff;--ink:#1b1f24;--soft:#59636e;--rule:#d7dce2;--band:#cfe1f4"
NIGHT = "--card:#12161c;--ink:#f0f3f6;--soft:#aab4bf;--rule:#39424d;--band:#223349"


@dataclass(frozen=True)
class Point:
    """One published figure and its prediction, in the figure's unit; ``inside``: within the 80 % interval."""

    label: str
    series: str
    published: float
    predicted: float
    inside: bool


@dataclass(frozen=True)
class Panel:
    """One square: points, the distinct half-widths of their 80 % intervals [ln], a note, and a word for its corner."""

    title: str
    corner: str
    note: str
    points: tuple[Point, ...]
    half_widths_ln: tuple[float, ...]


@dataclass(frozen=True)
class Figure:
    """A picture of many panels; ``marks`` gives every series its hue and shape, in the legend's order."""

    title: str
    lines: tuple[str, ...]
    panels: tuple[Panel, ...]
    marks: Mapping[str, tuple[int, int]]


def svg(figure: Figure) -> str:
    """Return the figure as SVG text: one mark per point, a title and a description for those who do not see it."""
    legend, legend_height = _legend(figure.marks, top=52 + 17 * len(figure.lines))
    top = 52 + 17 * len(figure.lines) + legend_height
    height = top + CELL_HEIGHT * math.ceil(len(figure.panels) / COLUMNS) + EDGE
    told = " ".join([*figure.lines, *(f"{panel.title}: {panel.corner}, {panel.note}." for panel in figure.panels)])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title told">',
        f'<title id="title">{escape(figure.title)}</title>',
        f'<desc id="told">{escape(told)}</desc>',
        f"<style>{_style()}</style>",
        "<defs>" + "".join(f'<path id="s{i}" d="{shape}"/>' for i, shape in enumerate(SHAPES)) + "</defs>",
        f'<rect class="card" width="{WIDTH}" height="{height}" rx="8"/>',
        f'<text class="head" x="{EDGE}" y="36">{escape(figure.title)}</text>',
        *(f'<text x="{EDGE}" y="{58 + 17 * i}">{escape(line)}</text>' for i, line in enumerate(figure.lines)),
        *legend,
    ]
    for number, panel in enumerate(figure.panels):
        row, column = divmod(number, COLUMNS)
        x, y = EDGE + column * CELL_WIDTH + LEFT, top + row * CELL_HEIGHT + TOP
        parts += [f'<g transform="translate({x} {y})">', *_panel(panel, marks=figure.marks)]
        if column == 0:
            parts.append(
                f'<text class="soft" transform="translate(-{LEFT - 10} {SIDE / 2:g}) rotate(-90)">predicted</text>'
            )
        if number + COLUMNS >= len(figure.panels):
            parts.append(f'<text class="soft" x="{SIDE / 2:g}" y="{SIDE + 30}">published</text>')
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def marks_of(series: Iterable[str], *, hues: Sequence[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Return hue and shape of every series: the hue of the first matching prefix, else the last hue; then by order."""
    marks: dict[str, tuple[int, int]] = {}
    for name in sorted(set(series)):
        hue = next((hue for prefix, hue in hues if name.startswith(prefix)), len(LIGHT) - 1)
        used = sum(other == hue for other, _ in marks.values())
        marks[name] = (hue, used % len(SHAPES))
    return dict(sorted(marks.items(), key=lambda item: (item[1][0], item[0])))


def _style() -> str:
    hues = "".join(f".h{i}{{color:var(--h{i})}}" for i in range(len(LIGHT)))
    light, dark = (";".join(f"--h{i}:{hue}" for i, hue in enumerate(palette)) for palette in (LIGHT, DARK))
    return (
        f"svg{{{PAPER};{light}}}@media(prefers-color-scheme:dark){{svg{{{NIGHT};{dark}}}}}{hues}"
        "text{font:12px system-ui,'Liberation Sans',Arial,sans-serif;fill:var(--ink)}"
        ".head{font-size:19px;font-weight:600}.name{font-weight:600}"
        ".soft,.tick{fill:var(--soft);font-size:11px}.soft,.across{text-anchor:middle}.up{text-anchor:end}"
        ".card{fill:var(--card)}.frame{fill:none;stroke:var(--soft)}.rule{stroke:var(--rule)}"
        ".band{fill:var(--band);fill-opacity:.75}.same{stroke:var(--ink);stroke-width:1.2}"
        "use{fill:currentColor;fill-opacity:.8;stroke:var(--card);stroke-width:.6}"
        ".out{fill:none;stroke:currentColor;stroke-width:1.4}"
    )


def _legend(marks: Mapping[str, tuple[int, int]], *, top: float) -> tuple[list[str], int]:
    parts, x, row = [], float(EDGE), 0
    for name, (hue, shape) in marks.items():
        wide = 22 + LABEL_CHARACTER * len(name) + 14
        if x + wide > WIDTH - EDGE:
            x, row = float(EDGE), row + 1
        y = top + 14 + 20 * row
        parts.append(f'<g class="h{hue}"><use href="#s{shape}" x="{x + 6:.1f}" y="{y - 4:.1f}"/>')
        parts.append(f'<text x="{x + 17:.1f}" y="{y:.1f}">{escape(name)}</text></g>')
        x += wide
    return parts, 20 * (row + 1) + 8


def _panel(panel: Panel, *, marks: Mapping[str, tuple[int, int]]) -> list[str]:
    low, high = _range(panel.points)

    def place(value: float) -> float:
        return (math.log10(value) - low) / (high - low) * SIDE

    parts = [
        f'<text class="name" y="-24">{escape(panel.title)}</text>',
        f'<text class="tick up" x="{SIDE + RIGHT - 2}" y="-24">{escape(panel.corner)}</text>',
        f'<text class="tick" y="-9">{escape(panel.note)}</text>',
    ]
    parts += [_band(half / math.log(10) / (high - low) * SIDE) for half in sorted(panel.half_widths_ln, reverse=True)]
    last_x = last_y = -math.inf
    for tick in _ticks(low, high):
        at, label = place(tick), f"{tick / 1000:g}k" if tick >= 10_000 else f"{tick:,g}"
        wide = LABEL_CHARACTER * len(label) + 8
        parts.append(f'<path class="rule" d="M{at:.1f} 0V{SIDE}M0 {SIDE - at:.1f}H{SIDE}"/>')
        if at - last_x >= wide and at + wide / 2 < SIDE + RIGHT + 4:
            parts.append(f'<text class="tick across" x="{at:.1f}" y="{SIDE + 15}">{label}</text>')
            last_x = at
        if at - last_y >= LABEL_HEIGHT:
            parts.append(f'<text class="tick up" x="-5" y="{SIDE - at + 4:.1f}">{label}</text>')
            last_y = at
    parts.append(f'<path class="same" d="M0 {SIDE}L{SIDE} 0"/><rect class="frame" width="{SIDE}" height="{SIDE}"/>')
    for point in panel.points:
        hue, shape = marks[point.series]
        x, y = place(point.published), SIDE - place(point.predicted)
        told = escape(f"{point.label}: published {_shown(point.published)}, predicted {_shown(point.predicted)}")
        out = "" if point.inside else " out"
        parts.append(f'<use href="#s{shape}" class="h{hue}{out}" x="{x:.1f}" y="{y:.1f}"><title>{told}</title></use>')
    return parts


def _band(shift: float) -> str:
    """Return the strip ``shift`` pixels above and below the line of equality, cut at the frame."""
    cut = min(shift, SIDE)
    corners = ((0, SIDE), (0, SIDE - cut), (SIDE - cut, 0), (SIDE, 0), (SIDE, cut), (cut, SIDE))
    return '<polygon class="band" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in corners) + '"/>'


def _range(points: Sequence[Point]) -> tuple[float, float]:
    """Return the ends of both axes, with some room around the points. [log10]"""
    values = [math.log10(value) for point in points for value in (point.published, point.predicted)]
    middle = (min(values) + max(values)) / 2
    half = max((max(values) - min(values)) * 1.12, LEAST_SPAN) / 2
    return middle - half, middle + half


def _ticks(low: float, high: float) -> list[float]:
    steps = next(steps for limit, steps in STEPS if high - low <= limit)
    powers = range(math.floor(low), math.ceil(high) + 1)
    return [step * 10.0**power for power in powers for step in steps if low <= math.log10(step * 10.0**power) <= high]


def _shown(value: float) -> str:
    return f"{float(f'{value:.3g}'):,g}"
