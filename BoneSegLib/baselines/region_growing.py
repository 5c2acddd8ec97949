"""Everything of similar brightness that hangs together with a point."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from BoneSegLib.baselines.threshold import FIXED_HU, ThresholdResult
from BoneSegLib.errors import UsageError
from BoneSegLib.volume import Volume

Point = tuple[float, float, float]


def grow_region(
    volume: Volume, points: Sequence[Point], *, lower: float = FIXED_HU, upper: float = np.inf
) -> ThresholdResult:
    """Voxels from ``lower`` to ``upper`` HU that are connected by faces with one of ``points`` (RAS mm).

    Raises `UsageError` for a point outside the image or whose voxel is not within the range, since it would grow
    nothing.
    """
    from scipy import ndimage

    started = time.perf_counter()
    places = [_voxel(volume, point) for point in points]
    if not places:
        raise UsageError("Region growing needs a point.")
    mask = (volume.array >= lower) & (volume.array <= upper)
    for point, place in zip(points, places, strict=True):
        if not mask[place]:
            raise UsageError(
                f"Nothing grows from ({_told(point)}).",
                cause=f"The image has {float(volume.array[place]):g} HU there, outside {lower:g} to {upper:g}.",
                remedy="Place the point on dense bone.",
            )
    parts, n = ndimage.label(mask)
    keep = np.zeros(n + 1, dtype=bool)
    keep[[parts[place] for place in places]] = True
    return ThresholdResult(keep[parts], float(lower), time.perf_counter() - started)


def _voxel(volume: Volume, point: Point) -> tuple[int, int, int]:
    """The kji index of the voxel around an RAS point."""
    ijk = np.linalg.inv(volume.geometry.ijk_to_ras) @ [*point, 1.0]
    i, j, k = (int(np.floor(value + 0.5)) for value in ijk[:3])
    if not all(0 <= index < n for index, n in zip((i, j, k), volume.geometry.size, strict=True)):
        raise UsageError(f"The point ({_told(point)}) lies outside the image.")
    return k, j, i


def _told(point: Point) -> str:
    return ", ".join(f"{value:.1f}" for value in point)
