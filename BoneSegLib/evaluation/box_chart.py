"""The spread of a metric per structure, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from BoneSegLib.evaluation.agreement import Distribution
from BoneSegLib.evaluation.charts import DARK, LIGHT, open_svg, round_up

_ROW, _LEFT, _RIGHT, _WIDTH = 26, 118, 24, 520


def box_chart(
    found: Sequence[Distribution], *, title: str, names: Mapping[str, str] | None = None, top: float | None = None
) -> str:
    """A box from quartile to quartile with the median in it, and a line from the least to the greatest value.

    ``names``: structures' names for people by id. ``top``: the end of the axis (``None``: as the values need).
    """
    highest = top or round_up(max((each.maximum for each in found if each.n), default=1.0))
    height = 30 + _ROW * len(found) + 26
    scale = (_WIDTH - _LEFT - _RIGHT) / highest
    parts = [open_svg(_WIDTH, height, title), f'<text x="{_LEFT}" y="18" font-weight="600">{escape(title)}</text>']
    for step in range(5):
        value = highest * step / 4
        place = _LEFT + value * scale
        parts.append(f'<path d="M{place:.1f} 28V{height - 22}" class="grid"/>')
        parts.append(f'<text x="{place:.1f}" y="{height - 8}" text-anchor="middle" class="small">{value:g}</text>')
    for row, each in enumerate(found):
        y = 30 + _ROW * row + _ROW / 2
        name = (names or {}).get(each.structure, each.structure)
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        parts.append(_box(each, y, scale) if each.n else f'<text x="{_LEFT + 4}" y="{y + 4}" class="small">none</text>')
    return "".join([*parts, "</svg>"])


def _box(each: Distribution, y: float, scale: float) -> str:
    values = (each.minimum, each.lower_quartile, each.median, each.upper_quartile, each.maximum)
    low, first, middle, third, high = (_LEFT + value * scale for value in values if math.isfinite(value))
    return (
        f'<path d="M{low:.1f} {y}H{high:.1f}M{low:.1f} {y - 4}v8M{high:.1f} {y - 4}v8" stroke="{DARK}" fill="none"/>'
        f'<rect x="{first:.1f}" y="{y - 7}" width="{third - first:.1f}" height="14" fill="#d5e2ef" stroke="{DARK}"/>'
        f'<path d="M{middle:.1f} {y - 7}v14" stroke="{LIGHT}" stroke-width="2.5"/>'
    )
