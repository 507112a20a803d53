"""The pictures as text: one mark a point, sound XML, the same bytes, marks where their figures are."""

import math
import re
from xml.etree import ElementTree

import pytest

from estimator import plots
from estimator.plots import Figure, Panel, Point

SVG = "{http://www.w3.org/2000/svg}"


def point(label="T1 model", published=100.0, predicted=120.0, *, series="mlperf-a", inside=True):
    return Point(label=label, series=series, published=published, predicted=predicted, inside=inside)


def figure(*panels, title="Training"):
    marks = plots.marks_of([one.series for panel in panels for one in panel.points], hues=(("mlperf", 0),))
    return Figure(title=title, lines=("TFLOP/s",), panels=panels, marks=marks)


def panel(*points, title="h100", half_widths_ln=(0.14,)):
    return Panel(title=title, corner="rows", note="median", points=points, half_widths_ln=half_widths_ln)


def read(picture):
    return ElementTree.fromstring(picture)  # noqa: S314, our own text


def drawn(picture):
    """Give the marks inside the panels (those of the legend carry no title)."""
    root = read(picture)
    return [use for use in root.iter(f"{SVG}use") if use.find(f"{SVG}title") is not None]


def test_the_same_figure_gives_the_same_bytes():
    one = figure(panel(point(), point(published=31.7, series="papers")))

    assert plots.svg(one) == plots.svg(one)


def test_every_point_is_one_mark_even_where_points_coincide():
    picture = plots.svg(figure(panel(point(), point(), point(inside=False)), panel(point(), title="tpu")))

    assert len(drawn(picture)) == 4
    assert sum("out" in use.get("class").split() for use in drawn(picture)) == 1


def test_labels_are_escaped():
    hostile = '<script>alert("1")</script> & co'

    picture = plots.svg(figure(panel(point(hostile, series=hostile), title=hostile), title=hostile))

    assert "<script" not in picture
    assert drawn(picture)[0].find(f"{SVG}title").text.startswith(hostile)
    assert read(picture).find(f"{SVG}title").text == hostile


def test_a_figure_has_a_title_and_a_description_of_every_panel():
    root = read(plots.svg(figure(panel(point(), title="h100"), panel(point(), title="tpu-v5e"))))

    assert root.get("role") == "img" and root.get("aria-labelledby") == "title told"
    assert root.find(f"{SVG}title").get("id") == "title"
    assert "h100: rows, median." in root.find(f"{SVG}desc").text
    assert "tpu-v5e" in root.find(f"{SVG}desc").text


def test_a_point_lies_on_the_line_where_prediction_and_result_agree_and_above_it_where_too_high():
    same, high, low = drawn(
        plots.svg(figure(panel(point(predicted=100), point(predicted=200), point(published=400, predicted=100))))
    )

    def above(use):
        return plots.SIDE - float(use.get("y")) - float(use.get("x"))

    assert above(same) == pytest.approx(0, abs=0.11)
    assert above(high) > 10 and above(low) < -10


def test_every_mark_and_every_tick_stays_inside_its_square():
    wide = [point(published=10.0**power, predicted=10.0 ** (3 - power)) for power in range(-2, 5)]

    root = read(plots.svg(figure(panel(*wide), panel(point()))))

    for use in root.iter(f"{SVG}use"):
        if use.find(f"{SVG}title") is not None:
            assert 0 <= float(use.get("x")) <= plots.SIDE and 0 <= float(use.get("y")) <= plots.SIDE
    for rule in root.iter(f"{SVG}path"):
        if rule.get("class") == "rule":
            assert all(0 <= float(number) <= plots.SIDE for number in re.findall(r"[\d.]+", rule.get("d")))


def test_the_band_holds_exactly_the_points_inside_the_interval():
    edge = math.exp(0.2)
    picture = plots.svg(
        figure(panel(point(predicted=100 * edge), point(published=40), point(published=900), half_widths_ln=(0.2,)))
    )

    root = read(picture)
    corners = [pair.split(",") for pair in next(root.iter(f"{SVG}polygon")).get("points").split()]
    shift = plots.SIDE - float(corners[1][1])
    use = drawn(picture)[0]
    assert plots.SIDE - float(use.get("y")) - float(use.get("x")) == pytest.approx(shift, abs=0.2)


def test_a_band_wider_than_the_square_fills_it():
    root = read(plots.svg(figure(panel(point(), half_widths_ln=(9.0,)))))

    numbers = [float(n) for n in re.findall(r"[\d.]+", next(root.iter(f"{SVG}polygon")).get("points"))]
    assert min(numbers) == 0 and max(numbers) == plots.SIDE


def test_every_series_of_a_hue_has_its_own_shape():
    marks = plots.marks_of(["mlperf-b", "mlperf-a", "aws", "mlperf-c", "papers"], hues=(("mlperf", 0), ("aws", 3)))

    assert marks["mlperf-a"] == (0, 0) and marks["mlperf-b"] == (0, 1) and marks["mlperf-c"] == (0, 2)
    assert marks["aws"] == (3, 0)
    assert marks["papers"] == (len(plots.LIGHT) - 1, 0)
    assert len(set(marks.values())) == len(marks)


def test_each_hue_stands_out_from_its_background_in_light_and_dark():
    def luminance(colour):
        full = colour if len(colour) == 7 else "#" + "".join(letter * 2 for letter in colour[1:])
        parts = [int(full[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for variables, hues in ((plots.PAPER, plots.LIGHT), (plots.NIGHT, plots.DARK)):
        named = dict(part.split(":") for part in variables.split(";"))
        for ground in (named["--card"], named["--band"]):
            for colour in hues:
                pair = sorted((luminance(colour), luminance(ground)))
                assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 3, (colour, ground)
        for ink in (named["--ink"], named["--soft"]):
            pair = sorted((luminance(ink), luminance(named["--card"])))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, ink
