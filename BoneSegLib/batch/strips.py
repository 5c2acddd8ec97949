"""Distributions as SVG: a row for each structure, a dot for each case, a box for the middle half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

_WIDTH, _ROW, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 30, 120, 20, 8, 30
MOST_DOTS = 1500
"""Dots drawn in a strip; more of them tell nothing more, and a browser must open the page."""
_DARK, _ALARM = "#1f5a94", "#e07a1f"


@dataclass(frozen=True)
class Dot:
    """A value and the case it is of; ``is_hollow``: not counted in the box; ``is_far``: drawn to be seen."""

    value: float
    case: str
    is_hollow: bool = False
    is_far: bool = False


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, with its title; ``is_log``: equal ratios are equally long."""

    low: float
    high: float
    title: str
    ticks: tuple[float, ...]
    is_log: bool = False

    def place(self, value: float) -> float:
        """The x of a value in the picture; values beyond the ends are put on them."""
        low, high, inside = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, inside = math.log(low), math.log(high), math.log(inside)
        return _LEFT + (inside - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)


def log_axis(values: Sequence[float], title: str) -> Axis:
    """An axis for positive values, with ticks at 1, 2 and 5 times powers of ten."""
    steps = [factor * 10.0**power for power in range(-3, 7) for factor in (1, 2, 5)]
    low = max(step for step in steps if step <= min(values))
    high = min(step for step in steps if step >= max(values) and step > low)
    return Axis(low, high, title, tuple(step for step in steps if low <= step <= high), is_log=True)


def share_axis(values: Sequence[float], title: str) -> Axis:
    """An axis that ends at 1 and begins at a tenth below the lowest value."""
    low = min(0.9, math.floor(min(values) * 10) / 10)
    ticks = tuple(round(low + step * (1 - low) / 5, 3) for step in range(6))
    return Axis(low, 1.0, title, ticks)


def strip_chart(rows: Sequence[tuple[str, Sequence[Dot]]], axis: Axis) -> str:
    """One strip per row under its name, on a common axis."""
    height = _TOP + _ROW * len(rows) + _BOTTOM + 14
    floor = height - _BOTTOM - 14
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" class="strips" role="img" '
        f'aria-label="{escape(axis.title)}" font-family="system-ui, sans-serif" font-size="12" fill="#222">'
    ]
    for tick in axis.ticks:
        x = axis.place(tick)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{floor}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{floor + 14}" text-anchor="middle" font-size="10">{tick:g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{height - 4}" text-anchor="middle">{escape(axis.title)}</text>')
    for number, (name, dots) in enumerate(rows):
        y = _TOP + _ROW * (number + 0.5)
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        parts.append(_strip(dots, axis, y))
    return "".join([*parts, "</svg>"])


def _strip(dots: Sequence[Dot], axis: Axis, y: float) -> str:
    counted = [dot.value for dot in dots if not dot.is_hollow]
    parts = [_box(counted, axis, y)] if len(counted) >= 4 else []
    for number, dot in enumerate(sorted(_drawn(dots), key=lambda dot: dot.is_far)):
        # Spread evenly over the height, so that dots of one value can be counted.
        shift = ((number * 0.618034 + 0.5) % 1.0 - 0.5) * 0.5 * _ROW
        color = _ALARM if dot.is_far else _DARK
        paint = (
            f'fill="none" stroke="{color}"'
            if dot.is_hollow
            else f'fill="{color}" fill-opacity="{0.9 if dot.is_far else 0.5}"'
        )
        parts.append(
            f'<circle cx="{axis.place(dot.value):.1f}" cy="{y + shift:.1f}" r="{4 if dot.is_far else 2.8}" {paint}>'
            f"<title>{escape(dot.case)}: {dot.value:.4g}</title></circle>"
        )
    return "".join(parts)


def _drawn(dots: Sequence[Dot]) -> list[Dot]:
    """All dots, or as many as can be seen: those far away as long as there is room, and every nth of the others."""
    if len(dots) <= MOST_DOTS:
        return list(dots)
    far = [dot for dot in dots if dot.is_far][: MOST_DOTS // 2]
    near = [dot for dot in dots if not dot.is_far]
    return [*near[:: -(-len(near) // (MOST_DOTS - len(far)))], *far]


def _box(values: Sequence[float], axis: Axis, y: float) -> str:
    low, middle, high = (axis.place(float(value)) for value in np.percentile(values, [25, 50, 75]))
    half = 0.36 * _ROW
    return (
        f'<rect x="{low:.1f}" y="{y - half:.1f}" width="{max(1.0, high - low):.1f}" height="{2 * half:.1f}" '
        f'fill="{_DARK}" fill-opacity="0.22" rx="2"/>'
        f'<path d="M{middle:.1f} {y - half:.1f}V{y + half:.1f}" stroke="{_DARK}" stroke-width="2"/>'
    )
