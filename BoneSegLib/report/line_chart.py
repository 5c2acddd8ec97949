"""A chart of lines as a PNG, drawn with what BoneSeg needs anyway: no window, no OpenGL, no plotting library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COLORS = ((31, 90, 148), (224, 122, 31), (74, 140, 70), (158, 60, 130), (120, 120, 120), (190, 160, 30))
"""Told apart by people who see red and green alike."""

_WIDTH, _HEIGHT = 900, 520
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 190, 48, 60
_TICKS = 5
_FONT, _SMALL = 15, 13


@dataclass(frozen=True)
class Line:
    """``y`` over ``x``; points that are not finite are left out. ``marks``: each point gets a dot."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    marks: bool = False


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, in round steps."""

    low: float
    high: float
    step: float

    @property
    def ticks(self) -> list[float]:
        count = round((self.high - self.low) / self.step)
        return [self.low + number * self.step for number in range(count + 1)]


def write_line_chart(
    path: Path,
    lines: Sequence[Line],
    *,
    title: str,
    x_title: str,
    y_title: str,
    y_range: tuple[float, float] | None = None,
) -> None:
    """Draws ``lines`` and writes the picture; an existing file is replaced only by a complete one."""
    import SimpleITK

    from BoneSegLib.headless.atomic import replacing

    picture = draw_line_chart(lines, title=title, x_title=x_title, y_title=y_title, y_range=y_range)
    with replacing(path) as temporary:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(picture, isVector=True), str(temporary))


def draw_line_chart(
    lines: Sequence[Line], *, title: str, x_title: str, y_title: str, y_range: tuple[float, float] | None = None
) -> NDArray[np.uint8]:
    """The picture, (rows, columns, 3) uint8."""
    lines = [_finite(line) for line in lines]
    across = round_axis([value for line in lines for value in line.x])
    up = round_axis(y_range or [value for line in lines for value in line.y])
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255.0)

    def place(x: float, y: float) -> tuple[float, float]:
        right = _LEFT + (x - across.low) / (across.high - across.low) * (_WIDTH - _LEFT - _RIGHT)
        down = _HEIGHT - _BOTTOM - (y - up.low) / (up.high - up.low) * (_HEIGHT - _TOP - _BOTTOM)
        return right, down

    for value in up.ticks:
        (x, y), end = place(across.low, value), place(across.high, value)
        _stroke(canvas, (x, y), end, (221, 221, 221), 1.0)
        _text(canvas, f"{value:.4g}", x - 8, y, align=1.0)
    for value in across.ticks:
        x, y = place(value, up.low)
        _stroke(canvas, (x, y), (x, y + 5), (120, 120, 120), 1.0)
        _text(canvas, f"{value:.4g}", x, y + 16, align=0.5)
    _stroke(canvas, place(across.low, up.low), place(across.high, up.low), (120, 120, 120), 1.0)
    for number, line in enumerate(lines):
        color = COLORS[number % len(COLORS)]
        points = [place(x, min(max(y, up.low), up.high)) for x, y in zip(line.x, line.y, strict=True)]
        for one, other in pairwise(points):
            _stroke(canvas, one, other, color, 2.0)
        for point in points if line.marks or len(points) == 1 else []:
            _stroke(canvas, point, point, color, 8.0)
        y = _TOP + 12 + 22 * number
        _stroke(canvas, (_WIDTH - _RIGHT + 16, y), (_WIDTH - _RIGHT + 40, y), color, 3.0)
        _text(canvas, line.name, _WIDTH - _RIGHT + 48, y, align=0.0)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    _text(canvas, title, middle, 22, align=0.5, size=_FONT + 2)
    _text(canvas, x_title, middle, _HEIGHT - 18, align=0.5, size=_FONT)
    _text(canvas, y_title, 14, _TOP - 16, align=0.0, size=_FONT)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def round_axis(values: Sequence[float]) -> Axis:
    """An axis over ``values`` whose ticks are round numbers; 0 to 1 for none."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    power = 10.0 ** math.floor(math.log10((high - low) / _TICKS))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n * _TICKS >= (high - low) * (1 - 1e-9))
    return Axis(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step)


def _finite(line: Line) -> Line:
    points = [(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(x) and math.isfinite(y)]
    return Line(line.name, [x for x, _ in points], [y for _, y in points], line.marks)


def _stroke(
    canvas: NDArray[np.float64],
    start: tuple[float, float],
    end: tuple[float, float],
    color: tuple[int, int, int],
    width: float,
) -> None:
    """A line with round ends; a pixel is covered as far as its centre lies within half the width."""
    reach = width / 2 + 1
    left, right = int(min(start[0], end[0]) - reach), int(max(start[0], end[0]) + reach) + 1
    top, bottom = int(min(start[1], end[1]) - reach), int(max(start[1], end[1]) + reach) + 1
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, _WIDTH), min(bottom, _HEIGHT)
    y, x = np.mgrid[top:bottom, left:right]
    run, rise = end[0] - start[0], end[1] - start[1]
    length = run**2 + rise**2
    along = np.clip(((x - start[0]) * run + (y - start[1]) * rise) / length, 0, 1) if length else np.zeros(x.shape)
    distance = np.hypot(x - start[0] - along * run, y - start[1] - along * rise)
    _blend(canvas[top:bottom, left:right], np.clip(width / 2 + 0.5 - distance, 0, 1), color)


def _text(canvas: NDArray[np.float64], text: str, x: float, y: float, *, align: float, size: int = _SMALL) -> None:
    """``text`` centred on row ``y``; ``align``: the share of its width that lies left of ``x``."""
    mask = _text_mask(text, size)
    rows, columns = mask.shape
    top, left = round(y - rows / 2), round(x - align * columns)
    part = canvas[max(top, 0) : top + rows, max(left, 0) : left + columns]
    mask = mask[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]]
    _blend(part, mask, (34, 34, 34))


def _text_mask(text: str, size: int) -> NDArray[np.float64]:
    """How far each pixel is covered (rows from the top)."""
    import vtkmodules.vtkRenderingFreeType  # noqa: F401  (registers the font)
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkRenderingCore import vtkTextProperty, vtkTextRenderer

    style, image, extent = vtkTextProperty(), vtkImageData(), [0, 0]
    style.SetFontSize(size)
    vtkTextRenderer.GetInstance().RenderString(style, text, image, extent, 72)
    columns, rows, _ = image.GetDimensions()
    alpha = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, 4)[..., 3] / 255.0
    return alpha[: extent[1], : extent[0]][::-1]


def _blend(part: NDArray[np.float64], cover: NDArray[np.float64], color: tuple[int, int, int]) -> None:
    part += cover[..., None] * (np.array(color, dtype=float) - part)
