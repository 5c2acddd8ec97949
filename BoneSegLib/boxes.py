"""Boxes around masks: most work on one bone needs only the part of the image where it is."""

from __future__ import annotations

import numpy as np

Box = tuple[slice, slice, slice]


def box_around(mask: np.ndarray, margin_mm: float, spacing: tuple[float, ...]) -> Box | None:
    """The box (kji slices) around a mask with a margin, within the image; ``None`` for an empty mask.

    ``spacing`` in mm along k, j, i.
    """
    spans = []
    for axis in range(3):
        along = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(along):
            return None
        margin = int(np.ceil(margin_mm / spacing[axis]))
        spans.append(slice(max(0, int(along[0]) - margin), min(mask.shape[axis], int(along[-1]) + 1 + margin)))
    return spans[0], spans[1], spans[2]
