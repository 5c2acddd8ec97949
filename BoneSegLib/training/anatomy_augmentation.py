"""Random changes of what is in a window, drawn anew at every step: other bones, other contents of canal and discs,
organs at another height.

All but the last take HU and labels (k, j, i) of a window on an LPS grid and return HU; lengths of voxels are in mm.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from BoneSegLib.training.synthesis.noise import smooth_noise

_SACRUM = 3
"""The spine's labels are the sacrum's and those above, the femurs' (4, 5) taken along: they are far away."""

_SLIDE_MM = 15.0
"""Standard deviation: less than half the height of a vertebra."""


def change_anatomy(
    ct: torch.Tensor,
    labels: torch.Tensor,
    rng: np.random.Generator,
    *,
    spacing: float,
    gas: float = 0.12,
    canal: float = 0.6,
) -> torch.Tensor:
    """Marrow, patches of denser and poorer bone; as often as said, gas in discs and contrast medium in the canal."""
    if rng.random() < 0.5:
        ct = change_marrow(ct, labels, rng, shell=int(rng.integers(1, 3)))
    if rng.random() < 0.4:
        ct = change_density(ct, labels, rng)
    if rng.random() < gas:
        ct = fill_discs_with_gas(ct, labels, rng, spacing=spacing)
    if rng.random() < canal:
        ct = fill_canal(ct, labels, rng, spacing=spacing)
    return ct


def change_marrow(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator, *, shell: int) -> torch.Tensor:
    """All bones, the sacrum alone or the spine, less dense from ``shell`` voxels under the surface on, down to fat."""
    kind = rng.random()
    bone = labels > 0 if kind < 0.25 else labels == _SACRUM if kind < 0.7 else labels >= _SACRUM
    marrow = (1 - _dilated((~bone).float(), shell)) * float(rng.uniform(0.5, 1))
    return ct + marrow * (ct * float(rng.uniform(0, 0.9)) - float(rng.uniform(0, 80)) - ct)


def change_density(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Bone of a density that differs from place to place, here and there as dense as worn joints and end plates are."""
    bone = (labels > 0).float()
    field = smooth_noise(ct.shape, float(rng.uniform(4, 14)), rng)
    ct = ct + bone * torch.clamp(ct - 50, min=0) * (float(rng.uniform(0, 0.35)) * field).clamp(-0.6, 1)
    if rng.random() < 0.5:
        worn = torch.clamp(smooth_noise(ct.shape, float(rng.uniform(4, 10)), rng) - 0.6, 0, 1)
        ct = ct + bone * worn * float(rng.uniform(100, 700))
    return ct


def fill_canal(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator, *, spacing: float) -> torch.Tensor:
    """Contrast medium in the spinal canal, as a myelogram has: what bone encloses within an axial plane."""
    spine = (labels >= _SACRUM).float()
    reach = round(10 / spacing)
    inside = 1 - _dilated(1 - _dilated(spine, (0, reach, reach)), (0, round(12 / spacing), round(12 / spacing)))
    margin = int(rng.integers(0, 2)) if spacing < 4 else 0  # with fat between contrast medium and bone, or without
    canal = inside * (1 - _dilated(spine, (0, margin, margin)))
    # On a patient who lies on the back, contrast medium sinks to the back of the canal.
    depth = canal.cumsum(1) / canal.sum(1, keepdim=True).clamp(min=1)
    depth = depth + float(rng.uniform(0, 0.4)) * smooth_noise(ct.shape, float(rng.uniform(4, 12)), rng)
    sunk = torch.sigmoid((depth - float(rng.uniform(-0.3, 0.8))) * float(rng.uniform(4, 20)))
    density = float(rng.uniform(30, 350)) + sunk * float(rng.uniform(100, 900))
    # Nerve roots and eddies make it as uneven as spongy bone is.
    density = density + float(rng.uniform(0, 150)) * smooth_noise(ct.shape, float(rng.uniform(1.5, 4)), rng)
    return torch.maximum(ct, canal * density - 1000 * (1 - canal))


def fill_discs_with_gas(
    ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator, *, spacing: float
) -> torch.Tensor:
    """Gas in some worn discs (the vacuum phenomenon): in parts of what has bone of the spine above and below it."""
    spine = (labels >= _SACRUM).float()
    near = round(14 / spacing)
    padded = functional.pad(spine[None, None], (0, 0, 0, 0, near, near))
    reached = functional.max_pool3d(padded, (near + 1, 1, 1), stride=1)[0, 0]
    below, above = reached[: len(spine)], reached[near:]
    disc = 1 - _dilated(1 - below * above * (1 - spine), (0, round(6 / spacing), round(6 / spacing)))
    gas = disc * (smooth_noise(ct.shape, float(rng.uniform(3, 8)), rng) > float(rng.uniform(0, 0.8)))
    return ct + gas * (float(rng.uniform(-900, -150)) - ct)


def slide_organs(
    points: torch.Tensor,
    labels: torch.Tensor,
    rng: np.random.Generator,
    *,
    spacing: float,
    case_spacing: float,
    case_levels: int,
) -> torch.Tensor:
    """``points`` of the case (``(k, j, i, 3)``, its voxels) from which a window is read, with soft tissue drawn from
    higher up or lower down while bones stay: a few people's organs must not tell which vertebra lies beside them.

    Nothing moves that has bone within the slide above or below it, so that no voxel is read out of a bone; and the
    case of ``case_levels`` voxels along k ends where it did.
    """
    slide = float(np.clip(rng.normal(0, _SLIDE_MM), -2.5 * _SLIDE_MM, 2.5 * _SLIDE_MM))
    bone = _dilated((labels > 0).float(), (math.ceil(abs(slide) / spacing), 0, 0))
    # The blur reaches as far as the wider margin does: it ends where the bones begin. Wide along k, against folds.
    free = 1 - _dilated(bone, (3, 1, 1))
    share = functional.avg_pool3d(free[None, None], (7, 3, 3), 1, (3, 1, 1), count_include_pad=False)[0, 0]
    level = points[..., 0]
    inside = (level >= 0) & (level <= case_levels - 1)
    moved = points.clone()
    moved[..., 0] = torch.where(inside, (level + share * slide / case_spacing).clamp(0, case_levels - 1), level)
    return moved


def _dilated(mask: torch.Tensor, radius: int | tuple[int, int, int]) -> torch.Tensor:
    """By a box, one axis after the other: of 11 x 11 voxels torch would look at all 121."""
    dilated = mask[None, None]
    for axis, r in enumerate((radius,) * 3 if isinstance(radius, int) else radius):
        size, padding = [1, 1, 1], [0, 0, 0]
        size[axis], padding[axis] = 2 * r + 1, r
        dilated = functional.max_pool3d(dilated, size, stride=1, padding=padding)
    return dilated[0, 0]
