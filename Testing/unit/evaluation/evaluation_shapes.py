"""Shapes whose metrics are known by reckoning."""

from __future__ import annotations

import numpy as np

from BoneSegLib.volume import Geometry, LabelMap

HIP = 1  # the label of hip_left, used where one structure is enough


def box_mask(shape, start, stop):
    """A bool array (kji) that is true from voxel ``start`` up to, not including, ``stop``."""
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return mask


def ball_mask(shape, spacing_kji, centre_mm, radius_mm):
    """Voxels whose centre lies within ``radius_mm`` of ``centre_mm`` (kji mm from voxel 0)."""
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    square = sum((axis * step - centre) ** 2 for axis, step, centre in zip(axes, spacing_kji, centre_mm, strict=True))
    return square <= radius_mm**2


def blob_mask(seed, shape=(30, 40, 36)):
    """A smooth random shape; ``seed`` varies its surface, not its place."""
    from scipy.ndimage import gaussian_filter

    common = gaussian_filter(np.random.default_rng(3).normal(size=shape), 3.5)
    own = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 3.5)
    return common + 0.3 * own > 0.01


def labelmap(mask, spacing_kji=(1.0, 1.0, 1.0), label=HIP, matrix=None):
    """A mask as a label map; ``matrix`` (4x4 ijk to RAS) instead of the spacing for oblique and sheared grids."""
    size = mask.shape[::-1]
    geometry = Geometry(size, matrix) if matrix is not None else Geometry.from_spacing(size, tuple(spacing_kji[::-1]))
    return LabelMap(mask.astype(np.uint8) * label, geometry)


def rotation(degrees, axis):
    """3x3 rotation about an axis (any vector), by Rodrigues' formula."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
