"""What a trained coarse network does say of the training cases: the second stage's input, with its real errors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from BoneSegLib.training.augmentation import AIR_HU, change_intensity, normalize, read_box, window_points
from BoneSegLib.training.cases import open_case
from BoneSegLib.training.stage import StagePlan

logger = logging.getLogger(__name__)


def votes_path(labels: Path) -> Path:
    """Where the votes of a case are kept, beside its label file."""
    return labels.with_name(labels.name.replace("_labels", "_votes"))


def predict_names(
    network: torch.nn.Module, cases: Sequence[Path], *, plan: StagePlan, case_spacing: float = 1.5, seed: int = 1
) -> None:
    """Writes the logits of ``network`` (a coarse stage) for each case: (classes, k, j, i) float16, of all of it.

    The CT is changed as in training, so that the network errs as it would on another scanner's picture.
    """
    network.eval()
    step = plan.spacing / case_spacing
    for number, case in enumerate(cases):
        rng = np.random.default_rng([seed, number])
        torch.manual_seed(int(rng.integers(1 << 31)))
        ct = open_case(case).ct
        # A multiple of 16 for the network's levels; the same air around as at inference.
        shape = [16 * int(np.ceil(size / step / 16)) for size in ct.shape]
        points = window_points(shape, np.eye(3) * step, (np.array(shape) * step - 1) / 2)
        seen = change_intensity(read_box(ct, points, outside=AIR_HU), rng)
        with torch.inference_mode():
            logits = network(normalize(seen, plan.intensity)[None, None])[0]
        partial = votes_path(case).with_suffix(".partial.npy")
        np.save(partial, logits.numpy().astype(np.float16))
        partial.replace(votes_path(case))
        logger.info("%s: %s coarse voxels", case.name, tuple(shape))


def read_names(votes: NDArray[np.float16], points: torch.Tensor, *, step: float) -> torch.Tensor:
    """Names (int64) at ``points`` (``(*window, 3)``, kji voxels of the case); ``step``: case voxels per coarse one.

    The logits are read between coarse voxels and then decided, as nnU-Net's cascade does.
    """
    size = torch.tensor(votes.shape[1:], dtype=torch.float32)
    where = (points + 0.5) / step - 0.5  # coarse voxels
    # Only the votes around the window are converted.
    low = (where.amin((0, 1, 2)).floor().clamp(min=0).minimum(size - 1)).long().tolist()
    high = (where.amax((0, 1, 2)).ceil().clamp(min=0).minimum(size - 1)).long().tolist()
    near = votes[:, low[0] : high[0] + 1, low[1] : high[1] + 1, low[2] : high[2] + 1].astype(np.float32)
    extent = torch.tensor(near.shape[1:], dtype=torch.float32)
    grid = (2 * (where - torch.tensor(low, dtype=torch.float32) + 0.5) / extent - 1).flip(-1)[None]
    read = functional.grid_sample(torch.from_numpy(near)[None], grid, padding_mode="border", align_corners=False)[0]
    # torch decides among contiguous classes several times as fast.
    named = read.permute(1, 2, 3, 0).contiguous().argmax(-1)
    inside = ((where >= -0.5) & (where <= size - 0.5)).all(-1)
    return torch.where(inside, named, 0)
