"""A run limited to a box."""

from __future__ import annotations

import itertools

import numpy as np

from BoneSegLib.errors import InputError
from BoneSegLib.volume import Geometry, Volume

Region = tuple[slice, slice, slice]


def region_of(volume: Volume, roi: tuple[float, ...] | None) -> Region:
    """The part of the array (kji slices) that holds the box ``(R1, R2, A1, A2, S1, S2)`` in RAS mm; all for ``None``.

    Raises `InputError` when box and image do not meet.
    """
    if roi is None:
        k, j, i = volume.array.shape
        return (slice(0, k), slice(0, j), slice(0, i))
    corners = np.array(list(itertools.product(sorted(roi[0:2]), sorted(roi[2:4]), sorted(roi[4:6]))))
    to_ijk = np.linalg.inv(volume.geometry.ijk_to_ras)
    ijk = corners @ to_ijk[:3, :3].T + to_ijk[:3, 3]
    first = np.maximum(np.floor(ijk.min(axis=0)).astype(int), 0)
    stop = np.minimum(np.ceil(ijk.max(axis=0)).astype(int) + 1, volume.geometry.size)
    if (stop - first < 2).any():
        raise InputError("The region lies outside of the image.", remedy="Move it onto the bones.")
    i, j, k = (slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
    return (k, j, i)


def cut_out(volume: Volume, region: Region) -> Volume:
    """The part of a volume as a volume of its own; the voxels are not copied."""
    array = volume.array[region]
    first = [part.start for part in reversed(region)]
    matrix = volume.geometry.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, :3] @ first
    return Volume(array, Geometry(array.shape[::-1], matrix), volume.name)
