"""What is done to labels after the network, and why: every step can be switched off.

A bone is one piece, so islands far smaller than its main piece are noise; larger second pieces stay, since bones break.
Two things are not bone even so: a piece far away from the rest of it, and a whole bone of a few voxels of the network
that named it. A bone has no closed cavity that the network should leave empty: enclosed holes are filled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.pieces import holes_of, pieces_of

SMALLEST_FRAGMENT = 0.1
"""A piece smaller than this share of the bone's largest piece is dropped."""


_PLACES = 5000
"""Of so many voxels of a bone's largest piece the distance is taken: some 4 mm apart in a femur."""


@dataclass(frozen=True, kw_only=True)
class BoneLimits:
    """What is known of labels that are one bone each. ``spacing``: mm of a voxel along k, j, i; what is smaller than
    ``smallest_mm3``, or farther than ``farthest_mm`` from the bone's largest piece, is not that bone. Fragments of a
    broken one lie nearer. A bone that has less than ``least_mm3`` in all is none."""

    spacing: tuple[float, float, float]
    smallest_mm3: float
    farthest_mm: float = 50.0
    least_mm3: float = 0.0


def clean_labels(
    labels: np.ndarray,
    values: Sequence[int],
    *,
    islands: bool = True,
    holes: bool = True,
    bones: BoneLimits | None = None,
) -> None:
    """Drops islands and fills holes of each label value, or does one of both, in place (uint8 kji). ``bones``: what
    else is an island; `None` for labels that may be anything."""
    from scipy import ndimage

    boxes = ndimage.find_objects(labels)
    for value in values:
        box = boxes[value - 1] if value <= len(boxes) else None
        if box is None:
            continue
        part = labels[box]
        if islands:
            _drop_islands(part, value, bones)
            # What is left is often far smaller than the box that held the islands too.
            inner = ndimage.find_objects((part == value).view(np.uint8))
            if not inner:
                continue
            part = part[inner[0]]
        if holes:
            part[holes_of(part == value) & (part == 0)] = value


def _drop_islands(part: np.ndarray, value: int, bones: BoneLimits | None) -> None:
    mask = part == value
    pieces, count = pieces_of(mask)
    sizes = np.bincount(pieces[mask], minlength=count + 1)
    island = sizes < SMALLEST_FRAGMENT * sizes.max()
    if bones is not None:
        island |= sizes < bones.smallest_mm3 / math.prod(bones.spacing)
        fragments = [int(piece) for piece in np.flatnonzero(~island) if piece not in (0, sizes.argmax())]
        if fragments:
            island[fragments] = _distances(pieces, int(sizes.argmax()), fragments, bones.spacing) > bones.farthest_mm
        if sizes[~island].sum() < bones.least_mm3 / math.prod(bones.spacing):
            island[:] = True
    if island[1:].any():
        part[island[pieces] & mask] = 0


def _distances(
    pieces: np.ndarray, main: int, others: Sequence[int], spacing: tuple[float, float, float]
) -> NDArray[np.float64]:
    """mm from each of ``others`` to some voxels of the piece ``main``: a few mm more than the true distance."""
    from scipy.spatial import cKDTree

    places = np.argwhere(pieces == main)
    tree = cKDTree(places[:: 1 + len(places) // _PLACES] * spacing)
    return np.array([tree.query(np.argwhere(pieces == piece) * spacing)[0].min() for piece in others])
