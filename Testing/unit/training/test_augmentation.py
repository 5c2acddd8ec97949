"""Random changes of a window: what may change and what must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.training.anatomy_augmentation import (
    change_density,
    change_marrow,
    fill_canal,
    fill_discs_with_gas,
    slide_organs,
)
from BoneSegLib.training.augmentation import lumpy, read_box, window_points

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


def _tube() -> tuple[torch.Tensor, torch.Tensor]:
    """Bone around a canal that runs along k: HU and labels of 2 mm voxels."""
    labels = torch.zeros(12, 48, 48, dtype=torch.long)
    labels[:, 8:40, 8:40] = L3
    labels[:, 20:30, 18:30] = 0
    return torch.where(labels > 0, 300.0, 20.0), labels


@pytest.mark.parametrize("seed", range(10))
def test_contrast_medium_fills_the_canal_behind_a_vertebral_body_and_spares_the_rest(seed):
    ct, labels = _tube()
    changed = fill_canal(ct, labels, np.random.default_rng(seed), spacing=2.0)
    assert float(changed[6, 25, 24]) >= 30
    assert torch.equal(changed[labels > 0], ct[labels > 0])
    assert (changed[:, :4] == 20).all()


def test_contrast_medium_sinks_to_the_back_of_the_canal():
    ct, labels = _tube()
    filled = torch.stack([fill_canal(ct, labels, np.random.default_rng(seed), spacing=2.0) for seed in range(20)])
    front, back = filled[:, 2:10, 21:23, 20:28].mean((1, 2, 3)), filled[:, 2:10, 27:29, 20:28].mean((1, 2, 3))
    assert (back > front - 60).all()
    assert (back > front + 100).sum() >= 5
    assert (back < front + 30).sum() >= 1, "not in all: it may fill the canal evenly"


def test_contrast_medium_reaches_the_canal_of_a_coarse_window_too():
    ct, labels = (array[::3, ::3, ::3] for array in _tube())
    changed = fill_canal(ct, labels, np.random.default_rng(0), spacing=6.0)
    assert float(changed[2, 8, 8]) >= 30
    assert (changed[:, :1] == 20).all()


def test_gas_is_found_in_discs_alone():
    labels = torch.zeros(40, 32, 32, dtype=torch.long)
    labels[4:18, 6:26, 6:26], labels[22:36, 6:26, 6:26] = L3, L3 - 1
    ct = torch.where(labels > 0, 300.0, 60.0)
    disc = torch.zeros(labels.shape, dtype=torch.bool)
    disc[18:22, 6:26, 6:26] = True
    with_gas = 0
    for seed in range(20):
        changed = fill_discs_with_gas(ct, labels, np.random.default_rng(seed), spacing=2.0)
        assert torch.equal(changed[~disc], ct[~disc])
        with_gas += float(changed[disc].min()) <= -150
    assert with_gas > 10


@pytest.mark.parametrize("seed", range(10))
def test_density_changes_within_bone_alone(seed):
    ct, labels, _ = _ball(L3)
    changed = change_density(ct, labels, np.random.default_rng(seed))
    assert torch.equal(changed[labels == 0], ct[labels == 0])
    assert float(changed[labels > 0].std()) > 1


def test_lumps_move_ct_and_labels_together_by_no_more_than_a_few_voxels():
    ct, labels, distance = _ball(L3)
    points = window_points(ct.shape, np.eye(3), (np.array(ct.shape) - 1) / 2)
    largest = 0.0
    for seed in range(20):
        moved = lumpy(points, np.random.default_rng(seed), largest=2.0)
        largest = max(largest, float((moved - points).abs().max()))
        bone = read_box(ct.numpy(), moved, outside=40.0) > 220
        named = read_box(labels.numpy(), moved, outside=0, nearest=True) > 0
        assert float((bone != named).float().mean()) < 0.01
        assert bool(named[distance < 4].all()) and not bool(named[distance > 14].any())
    assert 1 < largest < 5


def _slid(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Levels (k) read after a slide, levels before it, and labels: a column of bone along k with a gap, on 6 mm."""
    labels = torch.zeros(40, 24, 24, dtype=torch.long)
    labels[4:16, 10:14, 10:14] = labels[30:36, 10:14, 10:14] = L3
    points = window_points((48, 24, 24), np.eye(3), (np.array(labels.shape) - 1) / 2)
    labels = torch.cat([labels.new_zeros(4, 24, 24), labels, labels.new_zeros(4, 24, 24)])
    moved = slide_organs(points, labels, np.random.default_rng(seed), spacing=6.0, case_spacing=6.0, case_levels=40)
    assert torch.equal(moved[..., 1:], points[..., 1:])
    return moved[..., 0], points[..., 0], labels


@pytest.mark.parametrize("seed", range(8))
def test_organs_slide_along_the_body_while_bones_stay_and_none_is_read_twice(seed):
    moved, level, labels = _slid(seed)
    assert torch.equal(moved[labels > 0], level[labels > 0])
    far = (moved - level)[20:28, :4, :4]
    assert 0 < float(far.abs().max()) <= 37.5 / 6 and float(far.std()) < 1e-4
    across = torch.meshgrid(*[torch.arange(24.0)] * 2, indexing="ij")
    read_at = torch.stack([moved, *(axis.expand(moved.shape) for axis in across)], -1)
    read = read_box((labels[4:44] > 0).float().numpy(), read_at, outside=0)
    assert float(read[labels == 0].max()) < 1e-3


@pytest.mark.parametrize("seed", range(8))
def test_organs_that_slide_leave_the_ends_of_the_scan_where_they_are_and_do_not_fold(seed):
    moved, level, _ = _slid(seed)
    outside = (level < 0) | (level > 39)
    assert torch.equal(moved[outside], level[outside])
    assert (moved[~outside] >= 0).all() and (moved[~outside] <= 39).all()
    assert (moved.diff(dim=0) > -1e-4).all()
