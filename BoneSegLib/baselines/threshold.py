"""Bone by its Hounsfield units: a fixed threshold or Otsu's, and the connected parts worth keeping."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from BoneSegLib.errors import InputError
from BoneSegLib.volume import Volume

BODY_HU = (-200, 2000)
"""Otsu's method looks at these values only: with air in, it would part air from body, not soft tissue from bone."""

FIXED_HU = 200.0
"""A usual lower threshold for bone; trabecular bone of old people lies below it."""


@dataclass(frozen=True, eq=False)
class ThresholdResult:
    """``mask``: bone (kji, bool). ``lower``: the threshold used, HU. ``seconds``: how long it took."""

    mask: np.ndarray
    lower: float
    seconds: float


def threshold_bone(
    volume: Volume, *, lower: float | None = FIXED_HU, upper: float = np.inf, minimum_ml: float = 1.0
) -> ThresholdResult:
    """Voxels from ``lower`` to ``upper`` HU (``lower=None``: Otsu's), in connected parts of ``minimum_ml`` or more.

    Parts are connected through faces. Raises `InputError` where Otsu's method finds only one value.
    """
    started = time.perf_counter()
    limit = otsu_threshold(volume.array) if lower is None else float(lower)
    mask = (volume.array >= limit) & (volume.array <= upper)
    minimum_voxels = minimum_ml * 1000.0 / volume.geometry.voxel_volume
    return ThresholdResult(large_parts(mask, minimum_voxels), limit, time.perf_counter() - started)


def otsu_threshold(array: np.ndarray, *, hu_range: tuple[int, int] = BODY_HU) -> float:
    """The HU that parts the values within ``hu_range`` into the two classes of least variance.

    Otsu N, "A threshold selection method from gray-level histograms", IEEE Trans. SMC 9 (1979) 62-66, on bins of 1 HU.
    Values of the result and above are the upper class.
    """
    low, high = hu_range
    counts = np.zeros(high - low, dtype=np.int64)
    for plane in array:
        values = np.floor(plane[(plane >= low) & (plane < high)]).astype(np.int64)
        counts += np.bincount(values - low, minlength=len(counts))
    values = np.arange(low, high)
    below = np.cumsum(counts)
    total, moment = below[-1], np.cumsum(counts * values)
    above = total - below
    parted = (below > 0) & (above > 0)
    if not parted.any():
        raise InputError(
            "Otsu's threshold cannot be found.",
            cause=f"The image holds fewer than two values from {low} to {high} HU.",
            remedy="Give a threshold in HU.",
        )
    spread = np.full(len(counts), -1.0)
    mean_below, mean_above = moment[parted] / below[parted], (moment[-1] - moment[parted]) / above[parted]
    spread[parted] = below[parted].astype(float) * above[parted] * (mean_above - mean_below) ** 2
    best = np.flatnonzero(spread >= spread.max() * (1 - 1e-12))
    # Between two peaks with nothing in between, every cut is as good: take the middle one.
    return float(values[int(best[(len(best) - 1) // 2])] + 1)


def large_parts(mask: np.ndarray, minimum_voxels: float) -> np.ndarray:
    """``mask`` (kji, bool) without the face-connected parts of fewer than ``minimum_voxels`` voxels."""
    from scipy import ndimage

    parts, n = ndimage.label(mask)
    if not n:
        return mask
    keep = np.bincount(parts.ravel(), minlength=n + 1) >= minimum_voxels
    keep[0] = False
    return keep[parts]
