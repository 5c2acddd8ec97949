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
from BoneSegLib.training.synthesis.noise import smooth_noise

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


def lumpy(points: torch.Tensor, rng: np.random.Generator, *, largest: float) -> torch.Tensor:
    """``points`` (``(k, j, i, 3)``) moved by smooth noise, by up to about ``largest`` voxels of the case.

    Bones grow lumps and dents of a few millimetres: where one ends must be seen, it cannot be remembered.
    """
    shape, scale = points.shape[:3], float(rng.uniform(5, 12))
    amplitude = float(rng.uniform(0, largest)) / 2
    moves = [torch.as_tensor(smooth_noise(shape, scale, rng)) for _ in range(3)]
    return points + amplitude * torch.stack(moves, -1)


def read_box(
    array: NDArray, points: torch.Tensor, *, outside: float, nearest: bool = False, margin: int = 1
) -> torch.Tensor:
    """``array`` (kji) at ``points``; only the box around the points is converted, since cases are memory-mapped."""
    flat = points.reshape(-1, 3)
    low = [max(0, min(int(value), size - 2)) for value, size in
           zip((flat.amin(0) - margin).tolist(), array.shape, strict=True)]  # fmt: skip
    high = [min(size, max(start + 2, int(value) + 1)) for value, size, start in
            zip((flat.amax(0) + margin).tolist(), array.shape, low, strict=True)]  # fmt: skip
    box = np.array(array[low[0] : high[0], low[1] : high[1], low[2] : high[2]])
    # Between two voxels there is a way; an image of one slice gets another, of what is outside.
    box = np.pad(box, [(0, max(0, 2 - size)) for size in box.shape], constant_values=outside)
    size = torch.tensor(box.shape, dtype=torch.float32)
    grid = (2 * (points - torch.tensor(low, dtype=torch.float32)) / (size - 1) - 1).flip(-1)[None]
    source = torch.from_numpy(box).float()[None, None].sub_(outside)
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


def _blurred(ct: torch.Tensor, *, weight: float) -> torch.Tensor:
    mean = functional.avg_pool3d(ct[None, None], 3, stride=1, padding=1, count_include_pad=False)[0, 0]
    return ct + weight * (mean - ct)


def normalize(ct: torch.Tensor, intensity: Intensity) -> torch.Tensor:
    """nnU-Net's CTNormalization."""
    return (ct.clamp(intensity.lower, intensity.upper) - intensity.mean) / intensity.std
