"""Images whose right answer is known."""

from __future__ import annotations

import numpy as np

from BoneSegLib.volume import Geometry, Volume

LPS_DIRECTIONS = np.diag([-1.0, -1.0, 1.0])


def lps_geometry(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Geometry:
    """A grid along the patient's axes, as scanners store it; ``shape`` kji, ``spacing`` mm along i, j, k."""
    return Geometry.from_spacing(shape[::-1], spacing, origin=(60.0, 40.0, -30.0), directions=LPS_DIRECTIONS)


def two_blocks(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], *, seed: int = 0
) -> tuple[Volume, np.ndarray]:
    """A CT-like image of two bright bodies in soft tissue and air, and their labels: 1 a ball, 2 a box (kji)."""
    rng = np.random.default_rng(seed)
    k, j, i = (np.arange(n) * step for n, step in zip(shape, spacing[::-1], strict=True))
    extent = [axis[-1] for axis in (k, j, i)]
    k, j, i = np.meshgrid(k, j, i, indexing="ij")
    center = [extent[0] * 0.5, extent[1] * 0.5, extent[2] * 0.3]
    ball = (k - center[0]) ** 2 + (j - center[1]) ** 2 + (i - center[2]) ** 2 < (0.17 * min(extent)) ** 2
    box = (abs(k - extent[0] * 0.55) < 0.16 * extent[0]) & (abs(j - extent[1] * 0.5) < 0.13 * extent[1])
    box &= abs(i - extent[2] * 0.72) < 0.1 * extent[2]
    labels = np.zeros(shape, np.uint8)
    labels[ball], labels[box] = 1, 2
    body = abs(j - extent[1] * 0.5) < 0.42 * extent[1]
    array = np.where(body, 40.0, -1000.0) + np.where(labels == 1, 400.0, 0.0) + np.where(labels == 2, 700.0, 0.0)
    array += rng.normal(0.0, 25.0, shape)
    return Volume(array.astype(np.int16), lps_geometry(shape, spacing), "phantom"), labels
