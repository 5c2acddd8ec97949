"""Charts as SVG text: nothing to install, sharp at any size, and a few kilobytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from BoneSegLib.evaluation.agreement import BlandAltman
from BoneSegLib.evaluation.result import Comparison

DARK, LIGHT = "#1f5a94", "#e07a1f"
"""Told apart by people who see red and green alike."""

_ROW, _BAR, _LEFT, _RIGHT, _TOP, _WIDTH = 30, 10, 118, 46, 30, 520


@dataclass(frozen=True)
class Bars:
    """One set of bars: the column, its title and its colour."""

    column: str
    title: str
    color: str
    pattern: str


OVERLAP = (Bars("dice", "Dice", DARK, ".3f"), Bars("nsd", "NSD", LIGHT, ".3f"))
DISTANCE = (Bars("hausdorff95_mm", "HD95, mm", DARK, ".1f"), Bars("assd_mm", "ASSD, mm", LIGHT, ".2f"))


def bar_chart(comparison: Comparison, sets: Sequence[Bars], *, top: float | None = None) -> str:
    """Horizontal bars per structure; ``top`` is the end of the axis (``None``: as the values need)."""
    scores = comparison.scores
    values = [getattr(score, bars.column) for score in scores for bars in sets]
    highest = top or round_up(max((value for value in values if math.isfinite(value)), default=1.0))
    height = _TOP + _ROW * len(scores) + 26
    scale = (_WIDTH - _LEFT - _RIGHT) / highest
    parts = [open_svg(_WIDTH, height, " and ".join(bars.title for bars in sets))]
    x = _LEFT
    for bars in sets:
        parts.append(f'<rect x="{x}" y="8" width="11" height="11" rx="2" fill="{bars.color}"/>')
        parts.append(f'<text x="{x + 16}" y="18">{escape(bars.title)}</text>')
        x += 110
    for step in range(5):
        value = highest * step / 4
        place = _LEFT + value * scale
        parts.append(f'<path d="M{place:.1f} {_TOP}V{height - 22}" class="grid"/>')
        parts.append(f'<text x="{place:.1f}" y="{height - 8}" text-anchor="middle" class="small">{value:g}</text>')
    for row, score in enumerate(scores):
        y = _TOP + _ROW * row + 4
        name = escape(comparison.name(score.structure))
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{name}</text>')
        for number, bars in enumerate(sets):
            parts.append(_bar(getattr(score, bars.column), bars, y + number * (_BAR + 1), scale, highest))
    return "".join([*parts, "</svg>"])


def bland_altman_chart(result: BlandAltman, *, unit: str = "ml", title: str = "Volume") -> str:
    """Differences against means, with the bias and the limits of agreement."""
    width, height, left, bottom, right = 520, 320, 64, 44, 118
    low_x, high_x = _room(result.means)
    low_y, high_y = _room([*result.differences, result.lower, result.upper, 0.0])

    def place(mean: float, difference: float) -> tuple[float, float]:
        x = left + (mean - low_x) / (high_x - low_x) * (width - left - right)
        return x, 12 + (high_y - difference) / (high_y - low_y) * (height - bottom - 12)

    parts = [open_svg(width, height, f"Bland-Altman plot of {title}")]
    lines = (
        (result.upper, "+1.96 s", LIGHT, "6 4"),
        (result.bias, "bias", DARK, ""),
        (result.lower, "-1.96 s", LIGHT, "6 4"),
        (0.0, "", "#bbb", "1 3"),
    )
    for value, name, color, dashes in lines:
        y = place(low_x, value)[1]
        parts.append(
            f'<path d="M{left} {y:.1f}H{width - right}" stroke="{color}" stroke-dasharray="{dashes}" fill="none"/>'
        )
        if name:
            parts.append(f'<text x="{width - right + 6}" y="{y + 4:.1f}">{name} {value:+.2f}</text>')
    for mean, difference in zip(result.means, result.differences, strict=True):
        x, y = place(mean, difference)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{DARK}" fill-opacity="0.7"/>')
    for value in (low_x, (low_x + high_x) / 2, high_x):
        x = place(value, 0)[0]
        parts.append(f'<text x="{x:.1f}" y="{height - 26}" text-anchor="middle" class="small">{value:.4g}</text>')
    for value in (low_y, high_y):
        y = place(low_x, value)[1]
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" class="small">{value:.3g}</text>')
    middle = (left + width - right) / 2
    parts.append(
        f'<text x="{middle}" y="{height - 8}" text-anchor="middle">{escape(title)}: mean of both, {unit}</text>'
    )
    parts.append(
        f'<text transform="translate(16 {(height - bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">'
        f"test - reference, {unit}</text>"
    )
    return "".join([*parts, "</svg>"])


def _bar(value: float, bars: Bars, y: float, scale: float, highest: float) -> str:
    if not math.isfinite(value):
        return f'<text x="{_LEFT + 4}" y="{y + 9}" class="small">not defined</text>'
    length = min(value, highest) * scale
    return (
        f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="1.5" fill="{bars.color}"/>'
        f'<text x="{_LEFT + length + 4:.1f}" y="{y + 9}" class="small">{value:{bars.pattern}}</text>'
    )


def open_svg(width: int, height: int, title: str) -> str:
    """The start of a chart: its size, its name for those who cannot see it, and its style."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="chart" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#222">'
        "<style>.grid{stroke:#ddd}.small{font-size:10px;fill:#555}</style>"
    )


def round_up(value: float) -> float:
    """The next of 1, 2, 4, 8 times a power of ten, so that quarters of it are plain numbers."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value * (1 - 1e-9))


def _room(values: Sequence[float]) -> tuple[float, float]:
    """The range of values with some room around it."""
    low, high = min(values), max(values)
    more = 0.08 * (high - low) or 0.5
    return low - more, high + more
