"""What a coarse network would have said: the true labels, seen at low resolution and with its errors.

The second stage of a cascade gets the first one's answer as input. Trained on true labels it would copy them; trained
on labels that err as the first stage does, it learns to look at the CT for the edges and to mend names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from BoneSegLib.training.augmentation import read_box
from BoneSegLib.training.synthesis.noise import smooth_noise


@dataclass(frozen=True)
class CoarseErrors:
    """``displacement_mm``: largest standard deviation of an outline's shift; ``slip_mm``: standard deviation (k, j, i)
    of a shift of all names together.

    A coarse network's names of vertebrae slip by more than that, but they are moved to the discs before they are used
    (`BoneSegLib.spine`).
    """

    displacement_mm: float = 7.0
    slip_mm: tuple[float, float, float] = (3.0, 2.0, 2.0)
    tilt: tuple[float, float] = (0.2, 0.1)
    """Standard deviations of how far names lie too high or too low, per mm to the back and to the left: moved along the
    axis of the bodies, the name of an arch often lies beside it."""
    bias: float = 0.18
    """Standard deviation of the votes added to whole classes: they grow or shrink."""
    roughness: float = 0.15
    thin_lost: float = 0.5
    """Probability that what is thin is lost: processes of vertebrae, the wings of the hip bone."""
    missing_blobs: float = 0.7
    """How many on average, as of ``false_blobs``."""
    false_blobs: float = 0.4
    missing_class: float = 0.05
    lost_at_side: float = 0.15
    """Probability that names are lost at one side of the window, up to ``side_mm`` deep: scans end anywhere, and there
    a coarse network sees too little of a bone to name it."""
    side_mm: float = 40.0
    swallowed: float = 0.15
    """Probability that the smallest piece in the window bears the name of the bone beside it, as the tip of a vertebra
    does whose body lies outside of the scan."""


def coarse_names(
    labels: NDArray[np.uint8],
    points: torch.Tensor,
    *,
    classes: int,
    spacing: float,
    errors: CoarseErrors,
    factor: int = 4,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Coarse labels (int64, window shape) for the window at ``points`` (``(*window, 3)``, kji voxels of ``labels``).

    ``spacing``: mm of a voxel of ``labels``; ``factor``: window voxels per coarse one.
    """
    window = points.shape[:3]
    nodes = [size // factor + 2 for size in window]
    # Coarse voxels at every `factor`-th point, reaching one beyond the window, with a random phase.
    coarse = functional.interpolate(
        points.permute(3, 0, 1, 2)[None], size=nodes, mode="trilinear", align_corners=True
    )[0].permute(1, 2, 3, 0).contiguous()  # fmt: skip
    voxel_mm = float((coarse[1, 0, 0] - coarse[0, 0, 0]).norm()) * spacing
    coarse += torch.from_numpy(rng.uniform(-factor / 2, factor / 2, 3).astype(np.float32)) * 0.5
    coarse += torch.from_numpy((rng.normal(0, errors.slip_mm) / spacing).astype(np.float32))
    tilt = torch.from_numpy(rng.normal(0, errors.tilt).astype(np.float32))
    coarse[..., 0] += (coarse[..., 1:] - coarse[..., 1:].mean((0, 1, 2))) @ tilt
    amplitude = rng.uniform(0, errors.displacement_mm) / spacing
    for axis in range(3):
        coarse[..., axis] += amplitude * smooth_noise(nodes, rng.uniform(3, 9), rng)
    named = read_box(labels, coarse, outside=0, nearest=True).long()
    votes = functional.one_hot(named, classes).permute(3, 0, 1, 2).float()
    votes = 0.5 * votes + 0.5 * functional.avg_pool3d(votes[None], 3, stride=1, padding=1)[0]
    present = (votes.flatten(1).amax(1) > 0.3).float()
    bias = torch.from_numpy(rng.normal(0, errors.bias, classes).astype(np.float32)) * present
    votes += bias[:, None, None, None] * votes.clamp(max=0.5) * 2
    votes += torch.randn(votes.shape) * float(rng.uniform(0, errors.roughness)) * (votes > 0)
    if rng.random() < errors.swallowed:
        _swallow_smallest(votes, named)
    if rng.random() < errors.thin_lost:
        _lose_what_is_thin(votes, named, rng)
    if rng.random() < errors.lost_at_side:
        _lose_a_side(votes, errors.side_mm / voxel_mm, rng)
    _err_by_blobs(votes, errors, rng)
    fine = functional.interpolate(votes[None], size=tuple(window), mode="trilinear", align_corners=True)[0]
    return fine.permute(1, 2, 3, 0).contiguous().argmax(-1)


def _lose_what_is_thin(votes: torch.Tensor, named: torch.Tensor, rng: np.random.Generator) -> None:
    """No votes where there is little bone in the 27 voxels around, but for names of which next to nothing would stay.

    ``named``: the true names (k, j, i) of the coarse voxels.
    """
    bone = (named > 0).float()[None, None]
    share = functional.avg_pool3d(bone, 3, stride=1, padding=1, count_include_pad=False)[0, 0]
    limit = float(rng.uniform(0.15, 0.6)) + 0.1 * smooth_noise(named.shape, float(rng.uniform(3, 9)), rng)
    lost = (share < limit) & (named > 0)
    of_class = torch.bincount(named.flatten(), minlength=len(votes)).clamp(min=1)
    stays = 1 - torch.bincount(named[lost], minlength=len(votes)) / of_class
    lost &= stays[named] > 0.3
    votes[:, lost] = 0
    votes[0, lost] = 1


def _swallow_smallest(votes: torch.Tensor, named: torch.Tensor) -> None:
    """The votes of the bone with the fewest voxels go to the one that touches it most, if any does."""
    counts = torch.bincount(named.flatten(), minlength=len(votes))
    counts[0] = 0
    present = counts.nonzero()[:, 0]
    if len(present) < 2:
        return
    smallest = int(present[counts[present].argmin()])
    near = functional.max_pool3d((named == smallest).float()[None, None], 3, stride=1, padding=1)[0, 0] > 0
    beside = torch.bincount(named[near], minlength=len(votes))
    beside[0] = beside[smallest] = 0
    if int(beside.max()) == 0:
        return
    votes[int(beside.argmax())] += votes[smallest]
    votes[smallest] = 0


def _lose_a_side(votes: torch.Tensor, deepest: float, rng: np.random.Generator) -> None:
    """No votes from one side of the window to a rugged depth of at most ``deepest`` coarse voxels."""
    nodes = votes.shape[1:]
    axis = int(rng.integers(3))
    shape = [1, 1, 1]
    shape[axis] = nodes[axis]
    depth = torch.arange(nodes[axis], dtype=torch.float32).reshape(shape)
    if rng.random() < 0.5:
        depth = nodes[axis] - 1 - depth
    lost = depth < float(rng.uniform(0, deepest)) + 1.5 * smooth_noise(nodes, float(rng.uniform(3, 9)), rng)
    votes[:, lost] = 0
    votes[0, lost] = 1


def _err_by_blobs(votes: torch.Tensor, errors: CoarseErrors, rng: np.random.Generator) -> None:
    classes, *nodes = votes.shape
    if rng.random() < errors.missing_class:
        votes[rng.integers(1, classes)] = 0
    for _ in range(rng.poisson(errors.missing_blobs)):
        where = _blob(nodes, rng)
        votes[1:, where] = 0
        votes[0, where] = 1
    for _ in range(rng.poisson(errors.false_blobs)):
        where = _blob(nodes, rng)
        votes[:, where] = 0
        votes[rng.integers(1, classes), where] = 1


def _blob(nodes: list[int], rng: np.random.Generator) -> torch.Tensor:
    grids = torch.meshgrid(*[torch.arange(size, dtype=torch.float32) for size in nodes], indexing="ij")
    radii = rng.uniform(0.8, 4.0, 3)
    distance = sum(((grid - rng.uniform(0, size)) / r) ** 2 for grid, size, r in zip(grids, nodes, radii, strict=True))
    return torch.as_tensor(distance) < 1


def one_hot_names(names: torch.Tensor, classes: int) -> torch.Tensor:
    """nnU-Net's cascade input: (k, j, i) labels -> (classes - 1, k, j, i), one channel per foreground label."""
    return functional.one_hot(names, classes)[..., 1:].permute(3, 0, 1, 2).float()
