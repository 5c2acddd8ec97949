"""What the cases are like: sizes, spacings, intensities and how much was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.inference.resample import Shape, Spacing, resampled_shape
from BoneSegLib.models.plans import Intensity
from BoneSegLib.training.data.harmonise import StraightCase

_SAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """One case: ``shape`` and ``spacing`` along k, j, i; ``foreground``: up to 10,000 intensities of drawn voxels;
    ``voxels`` of each label 0, 1, 2, ..."""

    shape: Shape
    spacing: Spacing
    foreground: NDArray[np.float32]
    voxels: tuple[int, ...]


def fingerprint_of(case: StraightCase, *, labels: int) -> Fingerprint:
    """Measures one case; drawn the same way each time."""
    drawn = case.image[case.labels > 0].astype(np.float32)
    if len(drawn) > _SAMPLES:
        drawn = np.random.default_rng(1234).choice(drawn, _SAMPLES, replace=False)
    k, j, i = case.image.shape
    return Fingerprint(
        shape=(k, j, i),
        spacing=case.spacing,
        foreground=drawn,
        voxels=tuple(int(n) for n in np.bincount(case.labels.ravel(), minlength=labels + 1)),
    )


def foreground_intensity(fingerprints: Sequence[Fingerprint]) -> Intensity:
    """Mean, standard deviation and the percentiles 0.5 and 99.5 over the drawn voxels of all cases together."""
    values = np.concatenate([one.foreground for one in fingerprints]).astype(np.float64)
    lower, upper = np.percentile(values, [0.5, 99.5])
    return Intensity(mean=float(values.mean()), std=float(values.std()), lower=float(lower), upper=float(upper))


def median_shape(fingerprints: Sequence[Fingerprint], spacing: Spacing) -> Shape:
    """The median size of the cases at another spacing."""
    shapes = [resampled_shape(one.shape, one.spacing, spacing) for one in fingerprints]
    k, j, i = (round(float(size)) for size in np.median(shapes, axis=0))
    return (k, j, i)
