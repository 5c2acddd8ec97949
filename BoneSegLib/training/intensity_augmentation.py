"""Random changes of a normalised image of any modality: noise, blur, brightness, contrast, resolution, gamma.

The kinds and their probabilities are nnU-Net's (Isensee et al. 2021, supplement).
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional


def change_appearance(image: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A window (k, j, i) of normalised values, as another scanner or another protocol might show it."""
    if rng.random() < 0.1:
        image = image + torch.randn(image.shape) * float(np.sqrt(rng.uniform(0, 0.1)))
    if rng.random() < 0.2:
        image = _blurred(image, sigma=float(rng.uniform(0.5, 1.0)))
    if rng.random() < 0.15:
        image = image * float(rng.uniform(0.75, 1.25))
    if rng.random() < 0.15:
        image = _contrast(image, float(rng.uniform(0.75, 1.25)))
    if rng.random() < 0.25:
        image = _coarse(image, float(rng.uniform(0.5, 1.0)))
    if rng.random() < 0.1:
        image = -_gamma(-image, float(rng.uniform(0.7, 1.5)))
    if rng.random() < 0.3:
        image = _gamma(image, float(rng.uniform(0.7, 1.5)))
    return image


def _blurred(image: torch.Tensor, *, sigma: float) -> torch.Tensor:
    """A Gaussian of ``sigma`` voxels, one axis after the other."""
    reach = max(1, round(2 * sigma))
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (weights / weights.sum()).reshape(1, 1, -1)
    for axis in range(3):
        moved = image.movedim(axis, -1)
        rows = functional.pad(moved.reshape(-1, 1, moved.shape[-1]), (reach, reach), mode="replicate")
        image = functional.conv1d(rows, kernel).reshape(moved.shape).movedim(-1, axis)
    return image


def _contrast(image: torch.Tensor, factor: float) -> torch.Tensor:
    """Values further from or nearer to their mean, within the range that there was."""
    mean = image.mean()
    return ((image - mean) * factor + mean).clamp(float(image.min()), float(image.max()))


def _coarse(image: torch.Tensor, zoom: float) -> torch.Tensor:
    """Fewer voxels, and back to as many."""
    size = [max(2, round(n * zoom)) for n in image.shape]
    fewer = functional.interpolate(image[None, None], size=size, mode="nearest-exact")
    return functional.interpolate(fewer, size=tuple(image.shape), mode="trilinear")[0, 0]


def _gamma(image: torch.Tensor, gamma: float) -> torch.Tensor:
    """A power law over the window's range; mean and standard deviation stay."""
    low, span = float(image.min()), float(image.max() - image.min())
    if span < 1e-6:
        return image
    changed = ((image - low) / span).pow(gamma) * span + low
    return (changed - changed.mean()) / changed.std().clamp(min=1e-6) * image.std() + image.mean()
