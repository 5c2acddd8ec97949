"""Charts without a plotting library: round axes, lines where their points are, text that is there."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.report.line_chart import COLORS, Line, draw_line_chart, round_axis, write_line_chart


@pytest.mark.parametrize("values", [[0, 1], [3, 17], [5], [-0.001, 0.002], [1e6, 3e6], []])
def test_axes_hold_all_values_in_a_few_steps(values):
    axis = round_axis(values)
    assert axis.low <= min(values, default=0)
    assert axis.high >= max(values, default=1)
    assert 2 <= len(axis.ticks) <= 8


@pytest.mark.parametrize(("values", "step"), [([0, 1], 0.2), ([0, 100], 20), ([0, 12], 2.5), ([10, 60], 10)])
def test_the_steps_of_an_axis_are_round(values, step):
    assert round_axis(values).step == pytest.approx(step)


def _colored(picture, color):
    rows, columns = np.nonzero((np.abs(picture.astype(int) - color) < 40).all(axis=2))
    return rows[columns < 700], columns[columns < 700]


def test_a_rising_line_rises():
    picture = draw_line_chart([Line("a", [0, 10], [0, 1])], title="t", x_title="x", y_title="y")
    rows, columns = _colored(picture, COLORS[0])
    assert np.corrcoef(rows, columns)[0, 1] < -0.99


def test_the_second_line_has_its_own_colour_and_lies_where_its_values_are():
    lines = [Line("a", [0, 10], [1, 1]), Line("b", [0, 10], [0.25, 0.25])]
    picture = draw_line_chart(lines, title="t", x_title="x", y_title="y", y_range=(0, 1))
    top, bottom = (np.median(_colored(picture, COLORS[n])[0]) for n in (0, 1))
    plot = picture.shape[0] - 48 - 60
    assert bottom - top == pytest.approx(0.75 * plot, abs=3)


def test_points_that_are_not_numbers_are_left_out():
    nan = float("nan")
    with_gap = draw_line_chart([Line("a", [0, 5, 10], [0, nan, 1])], title="t", x_title="x", y_title="y")
    without = draw_line_chart([Line("a", [0, 10], [0, 1])], title="t", x_title="x", y_title="y")
    np.testing.assert_array_equal(with_gap, without)


def test_titles_are_written():
    plain = draw_line_chart([Line("a", [0, 1], [0, 1])], title=" ", x_title="x", y_title="y")
    titled = draw_line_chart([Line("a", [0, 1], [0, 1])], title="A title", x_title="x", y_title="y")
    differs = np.nonzero((plain != titled).any(axis=2))
    assert len(differs[0]) > 50
    assert differs[0].max() < 48


def test_a_chart_is_written_whole(tmp_path):
    write_line_chart(tmp_path / "a.png", [Line("a", [1], [2], marks=True)], title="t", x_title="x", y_title="y")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
