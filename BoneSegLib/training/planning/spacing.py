"""At which resolution a network works."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from BoneSegLib.inference.resample import ANISOTROPY_THRESHOLD, Shape, Spacing
from BoneSegLib.training.planning.fingerprint import Fingerprint

_STEP = 1.03


def full_resolution(fingerprints: Sequence[Fingerprint]) -> Spacing:
    """nnU-Net's target spacing: the median along each axis.

    Where one axis is more than three times as coarse as the others and has correspondingly fewer voxels, its tenth
    percentile is taken instead, so that cases with thin slices keep them; it stays the coarsest.
    """
    spacings = np.array([one.spacing for one in fingerprints])
    shapes = np.array([one.shape for one in fingerprints])
    target = np.median(spacings, axis=0)
    sizes = np.median(shapes * spacings / target, axis=0)
    worst = int(target.argmax())
    others = [axis for axis in range(3) if axis != worst]
    is_coarse = target[worst] > ANISOTROPY_THRESHOLD * target[others].max()
    if is_coarse and sizes[worst] * ANISOTROPY_THRESHOLD < sizes[others].min():
        finest = float(np.percentile(spacings[:, worst], 10))
        target[worst] = max(finest, float(target[others].max()) + 1e-5)
    k, j, i = (float(round(value, 6)) for value in target)
    return (k, j, i)


def coarser(spacing: Spacing) -> Spacing:
    """3 % coarser; along the finer axes alone while one axis is more than twice as coarse as another."""
    finest = min(spacing)
    if max(spacing) / finest <= 2:
        k, j, i = (value * _STEP for value in spacing)
    else:
        k, j, i = (value * (_STEP if value < max(spacing) / 2 else 1.0) for value in spacing)
    return (k, j, i)


def voxels_of(shape: Shape) -> int:
    return shape[0] * shape[1] * shape[2]
