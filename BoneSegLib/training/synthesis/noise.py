"""Smooth random fields: the raw material of deformation and of tissue texture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional


def smooth_noise(
    shape: Sequence[int], scale: float, rng: np.random.Generator, *, device: torch.device | None = None
) -> torch.Tensor:
    """A random field of ``shape`` (kji), about unit variance at its nodes, correlated over ``scale`` voxels.

    Made on ``device`` (the CPU, if none is named); the numbers come from ``rng`` and are the same on each.
    """
    nodes = [max(2, int(np.ceil(size / scale)) + 1) for size in shape]
    coarse = torch.from_numpy(rng.standard_normal(nodes).astype(np.float32)).to(device)[None, None]
    return functional.interpolate(coarse, size=tuple(shape), mode="trilinear", align_corners=True)[0, 0]
