"""Names that took contrast medium for bone, as a coarse network's do: the canal of a myelogram, an enhanced vessel.

In a voxel of 6 mm, contrast medium is as bright as spongy bone. The second stage must take such names back, and it
learns that only from names that err so (`BoneSegLib.training.coarse_names` knows nothing of the CT).
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from BoneSegLib.training.synthesis.noise import smooth_noise

_REACH_MM = 25.0
"""How far from a named bone a mistake lies at most."""


def take_contrast_for_bone(
    names: torch.Tensor,
    ct: torch.Tensor,
    labels: torch.Tensor,
    rng: np.random.Generator,
    *,
    spacing: float,
    factor: int,
) -> torch.Tensor:
    """``names`` (int64, k, j, i) with the name of the nearest named bone where ``ct`` (HU) is bright and ``labels``
    are 0, in one region or another.

    ``spacing``: mm of a voxel; ``factor``: window voxels per coarse one.
    """
    from scipy import ndimage

    bright = ((ct > float(rng.uniform(100, 300))) & (labels == 0)).float()[None, None]
    # A coarse voxel is taken for bone where much of it is bright.
    share = functional.avg_pool3d(bright, factor, stride=factor, ceil_mode=True, count_include_pad=False)
    share = functional.interpolate(share, size=tuple(ct.shape), mode="trilinear")[0, 0]
    where = smooth_noise(ct.shape, float(rng.uniform(5, 14)), rng) > float(rng.uniform(-1.5, 0.8))
    mistaken = (share > float(rng.uniform(0.2, 0.6))) & torch.as_tensor(where) & (names == 0)
    if not mistaken.any() or not (names > 0).any():
        return names
    distance, nearest = ndimage.distance_transform_edt((names == 0).numpy(), sampling=spacing, return_indices=True)
    mistaken &= torch.from_numpy(distance < _REACH_MM)
    return torch.where(mistaken, names[tuple(torch.from_numpy(nearest).long())], names)
