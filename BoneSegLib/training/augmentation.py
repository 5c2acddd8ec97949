"""Random changes of pose and of intensity, drawn anew at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from BoneSegLib.models.plans import Intensity
from BoneSegLib.training.synthesis.deformation import rotation_matrix

AIR_HU = -1024.0


@dataclass(frozen=True)
class PoseOptions:
    """Standard deviations: ``rotation`` in degrees about k, j, i; ``log_size`` of all axes together and of each."""

    rotation: tuple[float, float, float] = (7.0, 6.0, 8.0)
    log_size: float = 0.08
    log_axis_size: float = 0.04


def random_pose(options: PoseOptions, rng: np.random.Generator) -> NDArray[np.float64]:
    """A (3, 3) matrix from window offsets to case offsets, both kji voxels of equal size."""
    size = np.exp(rng.normal(0, options.log_size)) * np.exp(rng.normal(0, options.log_axis_size, 3))
    return rotation_matrix(rng.normal(0, options.rotation)) * size


def window_points(shape: Sequence[int], matrix: NDArray[np.float64], center: NDArray[np.float64]) -> torch.Tensor:
    """Case coordinates (kji voxels) of every voxel of a window around ``center``: ``(*shape, 3)``."""
    axes = [torch.arange(size, dtype=torch.float32) - (size - 1) / 2 for size in shape]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    return offsets @ torch.from_numpy(matrix.T.astype(np.float32)) + torch.from_numpy(center.astype(np.float32))


def read_box(
    array: NDArray, points: torch.Tensor, *, outside: float, nearest: bool = False, margin: int = 1
) -> torch.Tensor:
    """``array`` (kji) at ``points``; only the box around the points is converted, since cases are memory-mapped."""
    flat = points.reshape(-1, 3)
    low = [max(0, min(int(value), size - 2)) for value, size in
           zip((flat.amin(0) - margin).tolist(), array.shape, strict=True)]  # fmt: skip
    high = [min(size, max(start + 2, int(value) + 1)) for value, size, start in
            zip((flat.amax(0) + margin).tolist(), array.shape, low, strict=True)]  # fmt: skip
    box = np.ascontiguousarray(array[low[0] : high[0], low[1] : high[1], low[2] : high[2]])
    size = torch.tensor(box.shape, dtype=torch.float32)
    grid = (2 * (points - torch.tensor(low, dtype=torch.float32)) / (size - 1) - 1).flip(-1)[None]
    source = torch.from_numpy(box.astype(np.float32))[None, None] - outside
    mode = "nearest" if nearest else "bilinear"
    return functional.grid_sample(source, grid, mode=mode, padding_mode="zeros", align_corners=True)[0, 0] + outside


def change_intensity(ct: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Other scanners, kernels and slice thickness, on a window of HU (k, j, i)."""
    if rng.random() < 0.25:  # thick slices, read back in between
        levels = max(4, int(ct.shape[0] / rng.uniform(1.3, 3.0)))
        thick = functional.interpolate(ct[None, None], size=(levels, *ct.shape[1:]), mode="trilinear")
        ct = functional.interpolate(thick, size=tuple(ct.shape), mode="trilinear")[0, 0]
    if rng.random() < 0.2:
        ct = _blurred(ct, weight=float(rng.uniform(0.1, 0.6)))
    ct = (ct + 1000) * float(rng.uniform(0.9, 1.1)) - 1000 + float(rng.normal(0, 12))
    bone = torch.clamp(ct - 100, min=0)
    ct = ct + bone * float(rng.uniform(-0.25, 0.25))  # bone mineral and tube voltage
    if rng.random() < 0.5:
        ct = ct + torch.randn(ct.shape) * float(rng.uniform(0, 45))
    return ct


def change_anatomy(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Marrow of another density, and contrast medium in the spinal canal: HU and labels (k, j, i) of a 2 mm window."""
    if rng.random() < 0.5:
        ct = change_marrow(ct, labels, rng, shell=int(rng.integers(1, 3)))
    if rng.random() < 0.15:
        spine = (labels >= _SACRUM).float()
        inside = 1 - _dilated(1 - _dilated(spine, (0, 5, 5)), (0, 6, 6))
        canal = inside * (1 - _dilated(spine, (0, 1, 1)))
        ct = torch.maximum(ct, canal * float(rng.uniform(200, 1100)) - 1000 * (1 - canal))
    return ct


def change_marrow(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator, *, shell: int) -> torch.Tensor:
    """All bones, the sacrum alone or the spine, less dense from ``shell`` voxels under the surface on, down to fat."""
    kind = rng.random()
    bone = labels > 0 if kind < 0.25 else labels == _SACRUM if kind < 0.7 else labels >= _SACRUM
    marrow = (1 - _dilated((~bone).float(), shell)) * float(rng.uniform(0.5, 1))
    return ct + marrow * (ct * float(rng.uniform(0, 0.9)) - float(rng.uniform(0, 80)) - ct)


_SACRUM = 3
"""The spine's labels are the sacrum's and those above, the femurs' (4, 5) taken along: they are far away."""


def _dilated(mask: torch.Tensor, radius: int | tuple[int, int, int]) -> torch.Tensor:
    radii = (radius,) * 3 if isinstance(radius, int) else radius
    size = [2 * r + 1 for r in radii]
    return functional.max_pool3d(mask[None, None], size, stride=1, padding=radii)[0, 0]


def _blurred(ct: torch.Tensor, *, weight: float) -> torch.Tensor:
    mean = functional.avg_pool3d(ct[None, None], 3, stride=1, padding=1, count_include_pad=False)[0, 0]
    return ct + weight * (mean - ct)


def normalize(ct: torch.Tensor, intensity: Intensity) -> torch.Tensor:
    """nnU-Net's CTNormalization."""
    return (ct.clamp(intensity.lower, intensity.upper) - intensity.mean) / intensity.std
