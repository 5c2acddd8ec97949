"""Roofs of hip joints and femoral heads, found by their distance to the joint's other bone; a look learnt from CT."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.bone import bone_hu
from BoneSegLib.training.synthesis.hip_bone import find_hip_bone

HIP, SACRUM, FEMUR = 1, 3, 4


def _joint(*, gap=2, size=40):
    """A hip bone in the upper half, a femur below it, ``gap`` voxels apart along k."""
    targets = np.zeros((size, 10, 10), np.uint8)
    targets[: size // 2 - gap] = FEMUR
    targets[size // 2 :] = HIP
    return targets


def test_roof_and_head_lie_at_the_joint_and_fade_away_from_it():
    joint = find_hip_bone(_joint(size=80), 1.0)
    roof, head = joint.roof[:, 5, 5], joint.head[:, 5, 5]
    assert roof[40] > 0.4
    assert head[37] == 1
    assert not roof[:40].any()  # the femur has no roof
    assert not head[40:].any()
    assert not roof[40 + 8 :].any()
    assert not head[: 37 - 20].any()
    assert (np.diff(roof[40:]) <= 0).all()
    assert (np.diff(head[:38]) >= 0).all()


@pytest.mark.parametrize("spacing", [0.5, 1.0, 2.0])
def test_distances_are_in_mm(spacing):
    joint = find_hip_bone(_joint(size=120), spacing)
    reach = (joint.head[:, 5, 5] > 0).sum() * spacing
    assert reach == pytest.approx(20 - 3 * spacing, abs=2.5 * spacing)


@pytest.mark.parametrize("bones", [(HIP,), (FEMUR,), (SACRUM,), ()])
def test_where_no_joint_is_in_view_there_is_none(bones):
    targets = np.zeros((12, 12, 12), np.uint8)
    for number, label in enumerate(bones):
        targets[4 * number : 4 * number + 3] = label
    assert find_hip_bone(targets, 1.5) is None


def test_odd_shapes_are_filled_to_their_end():
    targets = _joint(size=41)[:, :9, :7]
    joint = find_hip_bone(targets, 1.0)
    assert (joint.head[17] == 1).all()


def test_heads_of_femurs_have_a_fainter_shell_than_their_shafts_on_average():
    targets = _joint(size=120)
    depth = np.full(targets.shape, 0.75, np.float32)
    shaft = np.zeros(targets.shape, np.float32)
    heads, below = [], []
    for seed in range(12):
        hu = bone_hu(depth, targets, shaft=shaft, spacing=1.0, rng=np.random.default_rng(seed))
        heads.append(hu[50:57].mean())
        below.append(hu[:30].mean())
    assert np.mean(heads) < 0.9 * np.mean(below)
