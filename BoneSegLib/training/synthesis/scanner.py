"""From the patient to the picture: sharpness, slice thickness, noise, field of view, metal."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional


def blur(ct: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """In-plane point spread from a sharp to a smooth kernel; some kernels overshoot at edges."""
    in_plane = rng.uniform(0.25, 0.85)
    smooth = ndimage.gaussian_filter(ct, [rng.uniform(0.2, 0.6), in_plane, in_plane], truncate=3)
    if rng.random() < 0.35:
        wide = ndimage.gaussian_filter(smooth, [0, 1.0, 1.0], truncate=3)
        smooth += rng.uniform(0.2, 1.2) * (smooth - wide)
    return smooth


def acquire(
    ct: NDArray[np.float32], *, spacing: float, noise_hu: float, slice_mm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Averages over slices ``slice_mm`` thick, adds noise there, and interpolates back to ``spacing``.

    So noise is as correlated along k as it is in a thick-slice scan that was resampled for the network.
    """
    count = max(2, round(ct.shape[0] * spacing / max(slice_mm, spacing)))
    volume = torch.from_numpy(ct)[None, None]
    if count < ct.shape[0]:
        thick = ct.shape[0] / count * rng.uniform(0.8, 1.2)
        ct = ndimage.uniform_filter1d(ct, max(1, round(thick)), axis=0)
        volume = functional.interpolate(torch.from_numpy(ct)[None, None], size=(count, *ct.shape[1:]),
                                        mode="trilinear", align_corners=False)  # fmt: skip
    image = volume[0, 0].numpy()
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    correlation = rng.uniform(0.0, 0.9)
    if correlation > 0.25:
        grain = ndimage.gaussian_filter(grain, [0, correlation, correlation], truncate=3)
        grain /= grain.std() + 1e-6
    image = image + noise_hu * grain
    if count < ct.shape[0]:
        image = functional.interpolate(torch.from_numpy(image)[None, None], size=ct.shape, mode="trilinear",
                                       align_corners=False)[0, 0].numpy()  # fmt: skip
    return image


def add_metal(ct: NDArray[np.float32], targets: NDArray[np.uint8], *, spacing: float, rng: np.random.Generator) -> None:
    """A screw or nail through one of the ten bones, with a dark and bright halo in its slices."""
    label = int(rng.choice(np.arange(1, 11)))
    where = np.argwhere(targets == label)
    if len(where) < 200:
        return
    at = where[rng.integers(len(where))]
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    length, radius = rng.uniform(15, 60) / spacing, rng.uniform(2, 6) / spacing
    grids = np.ogrid[tuple(slice(0, size) for size in ct.shape)]
    offsets = [(grid - c).astype(np.float32) for grid, c in zip(grids, at, strict=True)]
    along = sum(o * np.float32(d) for o, d in zip(offsets, direction, strict=True))
    across = np.sqrt(np.maximum(sum(o**2 for o in offsets) - along**2, 0))
    rod = (np.abs(along) < length) & (across < radius)
    angle = np.arctan2(offsets[1], offsets[2])
    streaks = np.sin(angle * rng.integers(3, 9) + rng.uniform(0, 6)) * np.exp(-across / (6 * radius))
    levels = rod.any((1, 2))
    ct[levels] += (rng.uniform(100, 600) * streaks[levels]).astype(np.float32)
    ct[rod] = rng.uniform(2000, 3071)


def circular_field(ct: NDArray[np.float32], targets: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """A reconstruction circle smaller than the patient: nothing is known outside."""
    radius = rng.uniform(0.42, 0.6) * max(ct.shape[1:])
    j, i = np.ogrid[: ct.shape[1], : ct.shape[2]]
    center_j, center_i = ct.shape[1] / 2 + rng.normal(0, 8), ct.shape[2] / 2 + rng.normal(0, 8)
    outside = np.hypot(j - center_j, i - center_i) > radius
    ct[:, outside] = -1024
    targets[:, outside] = 0
