"""Random changes of a window: what may change and what must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.training.augmentation import change_anatomy, change_marrow

SACRUM, L3 = 3, 8


def _ball(label: int, size: int = 32, radius: float = 9) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """CT of 400 HU within a ball in muscle, labels, and the distance to the middle (voxels)."""
    distance = torch.from_numpy(np.linalg.norm(np.indices((size,) * 3) - (size - 1) / 2, axis=0))
    labels = torch.where(distance < radius, label, 0)
    return torch.where(labels > 0, 400.0, 40.0), labels, distance


@pytest.mark.parametrize("shell", [0, 1, 2])
def test_marrow_loses_density_under_its_shell_and_nothing_else_changes(shell):
    for seed in range(20):
        ct, labels, distance = _ball(SACRUM)
        changed = change_marrow(ct, labels, np.random.default_rng(seed), shell=shell)
        assert torch.equal(changed[labels == 0], ct[labels == 0])
        assert (changed[distance < 5] < 400).all() or torch.equal(changed, ct)
        if shell:
            rim = (labels > 0) & (distance > 8.2)
            assert torch.equal(changed[rim], ct[rim])


def test_marrow_may_become_as_dark_as_fat_and_no_darker():
    ct, labels, _ = _ball(SACRUM)
    darkest = min(float(change_marrow(ct, labels, np.random.default_rng(seed), shell=1).min()) for seed in range(60))
    assert -80 <= darkest < 0


def test_contrast_medium_fills_the_canal_behind_a_vertebral_body_and_spares_the_bone():
    labels = torch.zeros(12, 48, 48, dtype=torch.long)
    labels[:, 8:40, 8:40] = L3
    labels[:, 20:30, 18:30] = 0  # the canal
    ct = torch.where(labels > 0, 300.0, 20.0)
    seen = [change_anatomy(ct, labels, np.random.default_rng(seed)) for seed in range(80)]
    filled = [changed for changed in seen if float(changed[6, 25, 24]) > 190]
    assert 3 <= len(filled) <= 30
    for changed in filled:
        assert (changed[labels > 0] <= 300).all()
        assert (changed[:, :4] == 20).all()
