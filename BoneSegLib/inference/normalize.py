"""Intensity normalisation as nnU-Net v2 names it; sources: its plans, and Isensee et al., Nature Methods 2021."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from BoneSegLib.models.plans import Intensity

_EPSILON = 1e-8


@dataclass(frozen=True)
class Normalizer:
    """``(clip(x, lower, upper) - shift) / scale``; where ``inside`` (bool kji, the whole image) is not, 0."""

    shift: float
    scale: float
    lower: float = -np.inf
    upper: float = np.inf
    inside: NDArray[np.bool_] | None = None

    def __call__(self, array: np.ndarray) -> torch.Tensor:
        """The image (any numeric type) as normalised float32."""
        return self.finish(self.clip(array))

    def clip(self, array: np.ndarray, start: int = 0) -> torch.Tensor:
        """Slices of the image from ``start`` on (any numeric type) as float32, all done that must be done before they
        are resampled."""
        values = torch.from_numpy(array.astype(np.float32, order="C"))  # a copy of our own
        values.clamp_(self.lower, self.upper)
        if self.inside is None:
            return values
        outside = torch.from_numpy(~self.inside[start : start + len(array)])
        return self._scale(values).masked_fill_(outside, 0.0)

    def finish(self, image: torch.Tensor) -> torch.Tensor:
        """The rest, in place: shift and scale, which resampling leaves alone, and there are fewer voxels after it."""
        return self._scale(image) if self.inside is None else image

    def _scale(self, values: torch.Tensor) -> torch.Tensor:
        return values.sub_(self.shift).div_(self.scale)

    def value(self, intensity: float) -> float:
        """One intensity, normalised."""
        return (min(max(intensity, self.lower), self.upper) - self.shift) / self.scale


def make_normalizer(scheme: str, array: np.ndarray, *, intensity: Intensity | None, use_mask: bool) -> Normalizer:
    """The normaliser that plans ask for. ``array`` (kji) is the whole image, for schemes that measure it."""
    if scheme == "CTNormalization":
        assert intensity is not None
        return Normalizer(intensity.mean, max(intensity.std, _EPSILON), intensity.lower, intensity.upper)
    if scheme == "ZScoreNormalization":
        inside = _without_border(array) if use_mask else None
        mean, std = _mean_and_std(array, inside)
        return Normalizer(mean, max(std, _EPSILON), inside=inside)
    if scheme == "RescaleTo01Normalization":
        low, high = float(array.min()), float(array.max())
        return Normalizer(low, max(high - low, _EPSILON))
    return Normalizer(0.0, 1.0)


def _without_border(array: np.ndarray) -> NDArray[np.bool_]:
    """Where the image is, as nnU-Net sees it: not 0, or 0 but enclosed by what is not."""
    from scipy import ndimage

    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(array != 0)
    return filled


def _mean_and_std(array: np.ndarray, inside: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Slice by slice in float64, so that the image is not copied."""
    count, total, squares = 0, 0.0, 0.0
    for number, plane in enumerate(array):
        values = plane if inside is None else plane[inside[number]]
        values = values.astype(np.float64)
        count, total, squares = count + values.size, total + float(values.sum()), squares + float((values**2).sum())
    mean = total / max(count, 1)
    return mean, float(np.sqrt(max(squares / max(count, 1) - mean**2, 0.0)))
