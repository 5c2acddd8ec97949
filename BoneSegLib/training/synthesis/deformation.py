"""How one anatomy becomes many: a random affine map, bends of the trunk, and elastic noise at several scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from BoneSegLib.training.synthesis.noise import smooth_noise

_LARGEST = 1.3
"""Of a map's person, along any axis: 2.2 m of one who is 1.7 m tall. Children may be far smaller."""


@dataclass(frozen=True)
class DeformationOptions:
    """Standard deviations and amplitudes; angles in degrees about the k, j, i axes, lengths in mm."""

    rotation: tuple[float, float, float] = (8.0, 7.0, 10.0)
    log_size: float = 0.13
    log_axis_size: float = 0.08
    bend_mm: float = 11.0
    elastic: tuple[tuple[float, float], ...] = ((110.0, 9.0), (55.0, 5.0), (27.0, 2.2))
    """Pairs (correlation length, largest amplitude)."""


def rotation_matrix(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about the k, then j, then i axis, acting on (k, j, i) vectors."""
    (ck, cj, ci), (sk, sj, si) = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    about_k = np.array([[1, 0, 0], [0, ck, -sk], [0, sk, ck]])
    about_j = np.array([[cj, 0, sj], [0, 1, 0], [-sj, 0, cj]])
    about_i = np.array([[ci, -si, 0], [si, ci, 0], [0, 0, 1]])
    return about_k @ about_j @ about_i


def sampling_points(
    shape: Sequence[int],
    *,
    center: NDArray[np.float64],
    spacing: float,
    options: DeformationOptions,
    rng: np.random.Generator,
    step: float = 1.0,
    device: torch.device | None = None,
) -> torch.Tensor:
    """Where each output voxel (kji) lies in the map: (k, j, i) voxel coordinates, shape ``(*shape, 3)``.

    ``center`` is the map's voxel at the middle of the output; ``spacing`` of the map in mm; ``step``: map voxels from
    one output voxel to the next. The points lie on ``device`` (the CPU, if none is named), and what is done with them
    is done there.
    """
    scale = np.exp(rng.normal(0, options.log_size)) * np.exp(rng.normal(0, options.log_axis_size, 3))
    scale = np.maximum(scale, 1 / _LARGEST)  # of what is read from the map: the patient's is its inverse
    matrix = rotation_matrix(rng.normal(0, options.rotation)) * scale
    axes = [torch.arange(size, dtype=torch.float32, device=device) * step - (size - 1) * step / 2 for size in shape]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    points = offsets @ torch.from_numpy(matrix.T.astype(np.float32)).to(device)
    _bend(points, spacing=spacing, options=options, rng=rng)
    points += torch.from_numpy(center.astype(np.float32)).to(device)
    for length, largest in options.elastic:
        amplitude = rng.uniform(0, largest) / spacing
        for axis in range(3):
            points[..., axis] += amplitude * smooth_noise(shape, length / (spacing * step), rng, device=device)
    return points


def _bend(points: torch.Tensor, *, spacing: float, options: DeformationOptions, rng: np.random.Generator) -> None:
    """Lordosis, kyphosis and scoliosis: the trunk swings to and fro along k."""
    for axis in (1, 2):
        wavelength = rng.uniform(250, 700) / spacing
        amplitude = rng.normal(0, options.bend_mm) / spacing
        points[..., axis] += amplitude * torch.sin(2 * np.pi * points[..., 0] / wavelength + rng.uniform(0, 2 * np.pi))


def warp(array: NDArray, points: torch.Tensor, *, nearest: bool = False, outside: float = 0.0) -> NDArray[np.float32]:
    """``array`` (kji) read at ``points``; ``outside`` where they leave it."""
    return read_at(array, sampling_grid(points, array.shape), nearest=nearest, outside=outside)


def sampling_grid(points: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """``points`` (voxels, kji) as torch's ``grid_sample`` wants them for arrays of ``shape``: made once, read often."""
    grid = torch.empty((1, *points.shape), dtype=torch.float32, device=points.device)
    for axis, size in enumerate(shape):
        torch.sub(points[..., axis] * (2 / (size - 1)), 1, out=grid[0, ..., 2 - axis])
    return grid


def read_at(array: NDArray, grid: torch.Tensor, *, nearest: bool = False, outside: float = 0.0) -> NDArray[np.float32]:
    """``array`` (kji) read at a `sampling_grid`, on its device; ``outside`` where it leaves the array."""
    source = torch.from_numpy(np.ascontiguousarray(array)).to(grid.device).float()[None, None]
    mode = "nearest" if nearest else "bilinear"
    if outside:
        source -= outside
    read = functional.grid_sample(source, grid, mode=mode, padding_mode="zeros", align_corners=True)[0, 0]
    return (read.add_(outside) if outside else read).cpu().numpy()
