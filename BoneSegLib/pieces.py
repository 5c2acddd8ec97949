"""What of a mask hangs together, and what it encloses: faces connect, edges and corners do not."""

from __future__ import annotations

import numpy as np


def pieces_of(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Connected pieces (0: outside of the mask) and their number, in two bytes a voxel where these are enough."""
    from scipy import ndimage

    pieces = np.empty(mask.shape, dtype=np.uint16)
    try:
        return pieces, int(ndimage.label(mask, output=pieces))
    except RuntimeError:  # more pieces than two bytes can count
        return ndimage.label(mask)


def holes_of(mask: np.ndarray) -> np.ndarray:
    """What a mask encloses: pieces of the rest that do not reach the border of the array. A tenth of the time that
    `scipy.ndimage.binary_fill_holes` takes, which walks in from the border step by step."""
    pieces, count = pieces_of(~mask)
    enclosed = np.ones(count + 1, dtype=bool)
    enclosed[0] = False
    for axis in range(mask.ndim):
        for side in (0, -1):
            enclosed[np.unique(pieces.take(side, axis=axis))] = False
    return enclosed[pieces] if enclosed.any() else np.zeros_like(mask)
