"""Intensity normalisation as nnU-Net v2 names it; sources: its plans, and Isensee et al., Nature Methods 2021."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from BoneSegLib.models.plans import Intensity

_EPSILON = 1e-8


@dataclass(frozen=True)
class Normalizer:
    """``(clip(x, lower, upper) - shift) / scale``; ``inside_only`` leaves voxels that are exactly 0 at 0."""

    shift: float
    scale: float
    lower: float = -np.inf
    upper: float = np.inf
    inside_only: bool = False

    def __call__(self, array: np.ndarray) -> torch.Tensor:
        """A part of the image (any numeric type) as normalised float32."""
        return self.finish(self.clip(array))

    def clip(self, array: np.ndarray) -> torch.Tensor:
        """A part of the image (any numeric type) as float32, all done that must be done before it is resampled."""
        values = torch.from_numpy(array.astype(np.float32, order="C"))  # a copy of our own
        if not self.inside_only:
            return values.clamp_(self.lower, self.upper)
        outside = values == 0
        return self._scale(values.clamp_(self.lower, self.upper)).masked_fill_(outside, 0.0)

    def finish(self, image: torch.Tensor) -> torch.Tensor:
        """The rest, in place: shift and scale, which resampling leaves alone, and there are fewer voxels after it."""
        return image if self.inside_only else self._scale(image)

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
        mean, std = _mean_and_std(array, inside_only=use_mask)
        return Normalizer(mean, max(std, _EPSILON), inside_only=use_mask)
    if scheme == "RescaleTo01Normalization":
        low, high = float(array.min()), float(array.max())
        return Normalizer(low, max(high - low, _EPSILON))
    return Normalizer(0.0, 1.0)


def _mean_and_std(array: np.ndarray, *, inside_only: bool) -> tuple[float, float]:
    """Slice by slice in float64, so that the image is not copied."""
    count, total, squares = 0, 0.0, 0.0
    for plane in array:
        values = plane[plane != 0] if inside_only else plane
        values = values.astype(np.float64)
        count, total, squares = count + values.size, total + float(values.sum()), squares + float((values**2).sum())
    mean = total / max(count, 1)
    return mean, float(np.sqrt(max(squares / max(count, 1) - mean**2, 0.0)))
