"""What is done to labels after the network, and why: every step can be switched off.

A bone is one piece, so islands far smaller than its main piece are noise; larger second pieces stay, since bones break.
A bone has no closed cavity that the network should leave empty, so enclosed holes are filled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SMALLEST_FRAGMENT = 0.1
"""A piece smaller than this share of the bone's largest piece is dropped."""


def clean_labels(labels: np.ndarray, values: Sequence[int], *, islands: bool = True, holes: bool = True) -> None:
    """Drops islands and fills holes of each label value, or does one of both, in place (uint8 kji)."""
    from scipy import ndimage

    boxes = ndimage.find_objects(labels)
    for value in values:
        box = boxes[value - 1] if value <= len(boxes) else None
        if box is None:
            continue
        part = labels[box]
        mask = part == value
        pieces, count = ndimage.label(mask) if islands else (mask, 1)
        if count > 1:
            sizes = np.bincount(pieces.ravel())[1:]
            small = np.flatnonzero(sizes < SMALLEST_FRAGMENT * sizes.max()) + 1
            part[np.isin(pieces, small)] = 0
            mask = part == value
        if holes:
            part[ndimage.binary_fill_holes(mask) & (part == 0)] = value
