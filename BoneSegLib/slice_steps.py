"""How evenly the slices of a series lie: what is missing between them, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SAME_PLACE_MM = 0.01
"""Positions are written with two or three decimals; closer than this is the same place."""

_IRREGULAR = 0.02
_WIDEST_GAP_MM = 6.0
_WIDEST_GAP_STEPS = 2.5


@dataclass(frozen=True)
class Unevenness:
    """``message`` tells of it; ``is_wide``: bone between the slices would be made up."""

    message: str
    is_wide: bool


def unevenness_of(positions: Sequence[float] | np.ndarray) -> Unevenness | None:
    """What is wrong with slices at ascending ``positions`` (mm along their normal); ``None`` where they are even."""
    steps = np.diff(positions)
    if len(steps) < 2:
        return None
    step = float(np.median(steps))
    if np.abs(steps - step).max() <= _IRREGULAR * step + SAME_PLACE_MM:
        return None
    widest = float(steps.max())
    missing = int(np.round(np.maximum(steps / step - 1, 0)).sum())
    what = f"{missing} slices are missing" if missing > 1 else "A slice is missing"
    if not missing:
        what = "The slices are not evenly spaced"
    message = f"{what}: their distance goes from {steps.min():.2f} to {widest:.2f} mm."
    return Unevenness(message, widest > max(_WIDEST_GAP_MM, _WIDEST_GAP_STEPS * step))
