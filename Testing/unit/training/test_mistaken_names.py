"""Contrast medium bears the name of the nearest bone, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.training.mistaken_names import take_contrast_for_bone

L3, L4 = 8, 9


def _scene() -> tuple[torch.Tensor, torch.Tensor]:
    """HU and labels: two vertebrae one above the other, bright canals behind both, and a bright vessel far away."""
    labels = torch.zeros(24, 40, 24, dtype=torch.long)
    labels[:12, 4:14, 4:20], labels[12:, 4:14, 4:20] = L4, L3
    ct = torch.where(labels > 0, 300.0, 40.0)
    ct[:, 16:22, 8:16] = 600
    ct[:, 34:40, 8:16] = 600
    return ct, labels


def _mistaken(seed: int, ct: torch.Tensor, names: torch.Tensor) -> torch.Tensor:
    labels = _scene()[1]
    return take_contrast_for_bone(names, ct, labels, np.random.default_rng(seed), spacing=2.0, factor=3)


@pytest.mark.parametrize("seed", range(20))
def test_contrast_medium_gets_the_name_of_the_nearest_bone(seed):
    ct, labels = _scene()
    names = _mistaken(seed, ct, labels)
    wrong = (names != labels).nonzero()
    assert all(labels[k, j, i] == 0 and 13 < j < 24 for k, j, i in wrong.tolist()), "the canal's surroundings at most"
    below, above = names[:10, 16:22, 8:16], names[14:, 16:22, 8:16]
    assert set(below.unique().tolist()) <= {0, L4}
    assert set(above.unique().tolist()) <= {0, L3}


def test_now_all_of_it_is_mistaken_and_now_nothing():
    ct, labels = _scene()
    shares = [float((_mistaken(seed, ct, labels)[:, 16:22, 8:16] > 0).float().mean()) for seed in range(30)]
    assert max(shares) > 0.9
    assert min(shares) < 0.3
    assert 0.2 < np.mean(shares) < 0.9


def test_without_contrast_medium_or_without_names_nothing_changes():
    ct, labels = _scene()
    unnamed = torch.zeros_like(labels)
    for seed in range(5):
        assert torch.equal(_mistaken(seed, torch.where(labels > 0, ct, 40.0), labels), labels)
        assert torch.equal(_mistaken(seed, ct, unnamed), unnamed)
