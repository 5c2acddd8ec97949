"""What is done to labels after the network, and why: every step can be switched off.

A bone is one piece, so islands far smaller than its main piece are noise; larger second pieces stay, since bones break.
So is a whole bone that would fit into one voxel of the network that named it.
A bone has no closed cavity that the network should leave empty, so enclosed holes are filled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from BoneSegLib.pieces import holes_of, pieces_of

SMALLEST_FRAGMENT = 0.1
"""A piece smaller than this share of the bone's largest piece is dropped."""


def clean_labels(
    labels: np.ndarray, values: Sequence[int], *, islands: bool = True, holes: bool = True, smallest: float = 0.0
) -> None:
    """Drops islands and fills holes of each label value, or does one of both, in place (uint8 kji).

    ``smallest``: a piece of fewer voxels is an island, even if it is all there is of its label.
    """
    from scipy import ndimage

    boxes = ndimage.find_objects(labels)
    for value in values:
        box = boxes[value - 1] if value <= len(boxes) else None
        if box is None:
            continue
        part = labels[box]
        if islands:
            _drop_islands(part, value, smallest)
            # What is left is often far smaller than the box that held the islands too.
            inner = ndimage.find_objects((part == value).view(np.uint8))
            if not inner:
                continue
            part = part[inner[0]]
        if holes:
            part[holes_of(part == value) & (part == 0)] = value


def _drop_islands(part: np.ndarray, value: int, smallest: float) -> None:
    mask = part == value
    pieces, count = pieces_of(mask)
    sizes = np.bincount(pieces[mask], minlength=count + 1)
    island = sizes < max(smallest, SMALLEST_FRAGMENT * sizes.max())
    if island[1:].any():
        part[island[pieces] & mask] = 0
