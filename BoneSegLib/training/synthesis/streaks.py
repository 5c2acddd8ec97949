"""Streaks of metal and bands of dense bone as a scanner makes them: too little signal along rays, projected back.

Beam hardening and photon starvation make the measured line integral of a ray that crosses metal too small, to first
order by a term in the square of its way through metal, and noisy (Barrett and Keat, RadioGraphics 2004). Filtered
back-projection of that deviation alone is the artefact: dark bands between pieces of metal, bright rays beside them.
Bone does the same, more gently, since scanners correct for water alone: bands between the hips.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

_COARSE = 2
_ANGLES = np.linspace(0, np.pi, 72, endpoint=False)
_HARDENING = 80.0
"""HU mm that a ray loses for each square millimetre of its way through metal: a tenth behind 10 mm of titanium."""
_STARVATION = 150.0
"""HU mm of noise for each millimetre of metal."""
_SOFT_HU, _DENSEST_HU = 100.0, 1500.0
_BANDS_COARSE = 4
_BONE_HARDENING = 3e-5
"""Per HU mm. Chosen so that two femoral heads have a band of some 15 HU between them."""
_DEEPEST_HU = 80.0
"""No band is deeper: scanners correct where it would be."""


def metal_streaks(
    metal: NDArray[np.bool_],
    *,
    spacing: float,
    strength: float,
    rng: np.random.Generator,
    device: torch.device | None = None,
) -> tuple[slice, NDArray[np.float32]]:
    """What metal adds to the HU of its slices: the levels (k) concerned, and an array (levels, j, i).

    ``strength``: 1 is titanium, 3 steel; computed at half resolution, since streaks are long and soft, on ``device``
    (the CPU, if none is named).
    """
    levels = np.flatnonzero(metal.any((1, 2)))
    if not levels.size:
        return slice(0, 0), np.zeros((0, *metal.shape[1:]), np.float32)
    part = slice(int(levels[0]), int(levels[-1]) + 1)
    slices = torch.from_numpy(metal[part].astype(np.float32)).to(device)[None]
    coarse = functional.avg_pool2d(slices, _COARSE, ceil_mode=True)
    side = int(np.ceil(np.hypot(*coarse.shape[2:]) / 2)) * 2
    step = spacing * _COARSE
    way = project(_center_pad(coarse, side), step)
    noise = torch.from_numpy(rng.standard_normal(tuple(way.shape)).astype(np.float32)).to(device)
    image = back_project(strength * (_STARVATION * way * noise - _HARDENING * way**2), step)
    fine = functional.interpolate(_center_crop(image, coarse.shape[2:]), scale_factor=_COARSE, mode="bilinear")
    return part, fine[0, :, : metal.shape[1], : metal.shape[2]].cpu().numpy()


def bone_bands(
    ct: NDArray[np.float32], *, spacing: float, strength: float, device: torch.device | None = None
) -> NDArray[np.float32]:
    """What dense bone (and contrast medium) adds to the HU of an image, kji; mostly negative, between bones.

    ``strength``: 1 is usual, 0 a scanner that corrects for bone too. Computed at a quarter of the resolution, on
    ``device`` (the CPU, if none is named). What is proportional to a ray's way through bone is taken out: it only
    scales the bones' own HU, which stay as they are.
    """
    excess = torch.from_numpy(np.clip(ct, _SOFT_HU, _DENSEST_HU) - np.float32(_SOFT_HU)).to(device)[None, None]
    coarse = functional.avg_pool3d(excess, _BANDS_COARSE, ceil_mode=True)[0]
    side = int(np.ceil(np.hypot(*coarse.shape[2:]) / 2)) * 2
    step = spacing * _BANDS_COARSE
    way = project(_center_pad(coarse, side), step)
    proportional = (way**3).sum() / (way**2).sum().clamp(min=1.0)
    lost = strength * _BONE_HARDENING * way * (way - proportional)
    image = _center_crop(back_project(-lost, step), coarse.shape[2:]).clamp(-_DEEPEST_HU, _DEEPEST_HU / 2)
    fine = functional.interpolate(image[None], scale_factor=_BANDS_COARSE, mode="trilinear")[0, 0]
    k, j, i = ct.shape
    return fine[:k, :j, :i].cpu().numpy()


def project(images: torch.Tensor, step: float) -> torch.Tensor:
    """Parallel projections of square images (1, levels, side, side), pixels of ``step`` mm: (angles, levels, side)."""
    return torch.stack([_rotated(images, angle)[0].sum(1) * step for angle in _ANGLES])


def back_project(lines: torch.Tensor, step: float) -> torch.Tensor:
    """Filtered back-projection, the inverse of `project`: ramp filter with a Hann window, then the mean over angles."""
    count = 2 * lines.shape[-1]
    frequency = torch.fft.rfftfreq(count, device=lines.device)
    window = 0.5 + 0.5 * torch.cos(2 * torch.pi * frequency)
    spectrum = torch.fft.rfft(lines, count) * frequency * window / step
    filtered = torch.fft.irfft(spectrum, count)[..., : lines.shape[-1]]
    side = lines.shape[-1]
    image = torch.zeros((1, lines.shape[1], side, side), device=lines.device)
    for angle, line in zip(_ANGLES, filtered, strict=True):
        image += _rotated(line[None, :, None, :].expand(1, -1, side, -1).contiguous(), -angle)
    return image * (np.pi / len(_ANGLES))


def _rotated(images: torch.Tensor, angle: float) -> torch.Tensor:
    """Square images (1, levels, side, side) turned about their middle."""
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    matrix = torch.tensor([[[cos, -sin, 0.0], [sin, cos, 0.0]]], device=images.device)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def _center_pad(images: torch.Tensor, side: int) -> torch.Tensor:
    rows, columns = side - images.shape[2], side - images.shape[3]
    return functional.pad(images, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))


def _center_crop(images: torch.Tensor, size: torch.Size) -> torch.Tensor:
    top, left = (images.shape[2] - size[0]) // 2, (images.shape[3] - size[1]) // 2
    return images[:, :, top : top + size[0], left : left + size[1]]
