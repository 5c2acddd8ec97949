"""Names moved along the spine, each to the disc beside which it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from BoneSegLib.spine.axis import Floats

_SAME_MM = 16
"""A name that begins no farther from a disc than this is meant to begin there."""
_FADES_MM = 25.0
"""Below the lowest disc the shift fades out over this length."""


@dataclass(frozen=True, eq=False)
class Shift:
    """From where names begin, and to where they move: mm along the spine (m,), rising; in between in proportion."""

    begins: Floats
    ends: Floats

    @classmethod
    def between(cls, borders: Sequence[int], discs: Sequence[int]) -> Shift:
        """Of the places where names begin and of discs, each two that are the other's nearest."""
        if not (borders and discs):
            return cls(np.zeros(1), np.zeros(1))
        away = np.abs(np.array(borders)[:, None] - np.array(discs)[None, :])
        pairs = [(borders[b], discs[d]) for b, d in enumerate(away.argmin(1))
                 if away[:, d].argmin() == b and away[b, d] <= _SAME_MM]  # fmt: skip
        moves = np.array(sorted(pairs) or [(0, 0)], dtype=np.float64)
        return cls(moves[:, 0], moves[:, 1])

    def forward(self, place: float) -> float:
        """Where what was at ``place`` comes to lie."""
        return float(place + np.interp(place, self.begins, self.ends - self.begins))

    def back(self, places: Floats) -> Floats:
        """How far away from each of ``places`` lies what comes to lie there."""
        fading = np.clip(1 - (self.ends[0] - places) / _FADES_MM, 0, 1)
        return np.asarray(np.interp(places, self.ends, self.begins - self.ends) * fading)
