"""From the patient to the picture: sharpness, slice thickness, noise, field of view, gantry tilt, metal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from BoneSegLib.training.synthesis.streaks import bone_bands, metal_streaks


@dataclass(frozen=True)
class Kernel:
    """A reconstruction kernel: lengths in voxels; noise of a sharp kernel is as fine-grained as its edges are steep."""

    in_plane: float
    """Standard deviation of the point spread."""
    overshoot: float
    """How much edges are raised, 0 for none."""
    grain: float
    """Standard deviation of what smooths the noise."""
    loudness: float
    """Factor on the noise."""


def random_kernel(rng: np.random.Generator) -> Kernel:
    """From soft tissue to bone kernels."""
    kind = rng.choice(3, p=[0.4, 0.35, 0.25])
    if kind == 0:
        return Kernel(rng.uniform(0.5, 0.95), 0.0, rng.uniform(0.5, 1.0), rng.uniform(0.5, 1.0))
    if kind == 1:
        return Kernel(rng.uniform(0.3, 0.6), rng.uniform(0, 0.5), rng.uniform(0.2, 0.6), 1.0)
    return Kernel(rng.uniform(0.2, 0.4), rng.uniform(0.4, 1.5), 0.0, rng.uniform(1.0, 1.8))


def blur(ct: NDArray[np.float32], kernel: Kernel, rng: np.random.Generator) -> NDArray[np.float32]:
    """The point spread of a kernel, which overshoots at edges if it is sharp."""
    smooth = ndimage.gaussian_filter(ct, [rng.uniform(0.2, 0.6), kernel.in_plane, kernel.in_plane], truncate=3)
    if kernel.overshoot:
        wide = ndimage.gaussian_filter(smooth, [0, 1.0, 1.0], truncate=3)
        smooth += kernel.overshoot * (smooth - wide)
    return smooth


def acquire(
    ct: NDArray[np.float32],
    kernel: Kernel,
    *,
    spacing: float,
    noise_hu: float,
    slice_mm: float,
    rng: np.random.Generator,
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
    if kernel.grain > 0.25:
        grain = ndimage.gaussian_filter(grain, [0, kernel.grain, kernel.grain], truncate=3)
        grain /= grain.std() + 1e-6
    image = image + noise_hu * kernel.loudness * grain
    if count < ct.shape[0]:
        image = functional.interpolate(torch.from_numpy(image)[None, None], size=ct.shape, mode="trilinear",
                                       align_corners=False)[0, 0].numpy()  # fmt: skip
    return image


def add_metal(
    ct: NDArray[np.float32],
    metal: NDArray[np.bool_],
    *,
    spacing: float,
    rng: np.random.Generator,
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Titanium or steel, softened at its edges as everything is, and its streaks."""
    strength = float(np.exp(rng.uniform(-1.5, 1.0)))
    levels, streaks = metal_streaks(metal, spacing=spacing, strength=strength, rng=rng, device=device)
    share = ndimage.gaussian_filter(metal[levels].astype(np.float32), 0.6, truncate=3)
    ct[levels] += streaks
    ct[levels] += share * (np.float32(rng.uniform(3000, 8000)) - ct[levels])
    return ct


def harden(
    ct: NDArray[np.float32], *, spacing: float, rng: np.random.Generator, device: torch.device | None = None
) -> NDArray[np.float32]:
    """Dark bands between dense bones, faint or strong."""
    ct += bone_bands(ct, spacing=spacing, strength=float(np.exp(rng.uniform(-1.2, 0.7))), device=device)
    return ct


def tilt_gantry(
    ct: NDArray[np.float32], targets: NDArray[np.uint8], *, degrees: float, rng: np.random.Generator
) -> None:
    """Slices that lean: once resampled upright, the first and the last of them leave wedges where nothing is known."""
    lean = np.tan(np.deg2rad(degrees)) * (np.arange(ct.shape[1]) - rng.uniform(0.3, 0.7) * ct.shape[1])
    levels = np.arange(ct.shape[0])[:, None]
    unknown = (levels < lean[None]) | (levels > ct.shape[0] - 1 + lean[None])
    ct[unknown], targets[unknown] = -1024, 0


def circular_field(ct: NDArray[np.float32], targets: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """A reconstruction circle smaller than the patient: nothing is known outside."""
    radius = rng.uniform(0.42, 0.6) * max(ct.shape[1:])
    j, i = np.ogrid[: ct.shape[1], : ct.shape[2]]
    center_j, center_i = ct.shape[1] / 2 + rng.normal(0, 8), ct.shape[2] / 2 + rng.normal(0, 8)
    outside = np.hypot(j - center_j, i - center_i) > radius
    ct[:, outside] = -1024
    targets[:, outside] = 0
