"""The network's names of vertebrae, moved to the discs that the image shows and counted anew (`BoneSegLib.spine`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from BoneSegLib.spine.names import names_at_discs

_CHAIN = ("sacrum", "vertebra_L5", "vertebra_L4", "vertebra_L3", "vertebra_L2", "vertebra_L1")
_ABOVE = "other_bone"
_FINE_MM = 2.0
"""The names are moved on every voxel as coarse as this: discs are four times as high."""


def vertebra_chain(labels: Mapping[str, int]) -> tuple[int, ...]:
    """The network's labels from the sacrum up; empty for a model that does not name the lumbar vertebrae."""
    if any(name not in labels for name in _CHAIN):
        return ()
    above = (labels[_ABOVE],) if _ABOVE in labels else ()
    return (*(labels[name] for name in _CHAIN), *above)


def move_names_to_discs(
    names: np.ndarray, chain: tuple[int, ...], image: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    """Renames vertebrae in ``names`` (uint8 kji, k to the head), in place.

    ``image`` in HU over the same field of view, on a grid of its own; ``spacing`` of the image in mm.
    """
    from scipy import ndimage

    size = np.array(names.shape)
    own = np.array(image.shape) * spacing / size
    strides = np.maximum(1, (_FINE_MM / own + 0.01).astype(int))
    thinned = np.ascontiguousarray(names[tuple(slice(None, None, stride) for stride in strides)])

    def read_hu(places: np.ndarray) -> np.ndarray:
        # Both grids share their outer faces, not the middles of their first voxels.
        index = (places / own + 0.5) * image.shape / size - 0.5
        return ndimage.map_coordinates(image, index.T, output=np.float32, order=1, mode="nearest")

    a, b, c = own * strides
    moved = names_at_discs(thinned, chain, read_hu, spacing=(float(a), float(b), float(c)))
    if moved is not thinned:
        _write_back(moved, names, chain, strides)


def _write_back(moved: np.ndarray, names: np.ndarray, chain: tuple[int, ...], strides: np.ndarray) -> None:
    """What bears a name of the chain gets the one that the thinned grid has there, or next to it at the rim."""
    from scipy import ndimage

    vertebral = np.zeros(256, dtype=bool)
    vertebral[list(chain)] = True
    known = np.where(vertebral[moved], moved, np.uint8(0))
    filled = np.where(known > 0, known, ndimage.maximum_filter(known, size=3))
    k, j, i = (
        np.minimum(np.rint(np.arange(length) / stride).astype(int), count - 1)
        for length, stride, count in zip(names.shape, strides, moved.shape, strict=True)
    )
    for level, source in enumerate(k):
        plane = names[level]
        there = vertebral[plane]
        if there.any():
            new = filled[source][np.ix_(j, i)]
            there &= new > 0
            plane[there] = new[there]
