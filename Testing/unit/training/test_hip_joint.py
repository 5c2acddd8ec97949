"""A ball in a cup: the femoral head is found, turns about itself, and the rest of the femur goes where it must."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap, prepare_anatomy
from BoneSegLib.training.synthesis.deformation import warp
from BoneSegLib.training.synthesis.hip_joint import bend_hip, femoral_head, find_hip_joints, thigh_rotation

CENTER = np.array([60.0, 40.0, 40.0])
RADIUS_MM = 24.0
SPACING = 1.5
SHAPE = (90, 80, 80)


@pytest.fixture(scope="module")
def a_ball_joint() -> AnatomyMap:
    """A left femur: a ball with a rod hanging from it (down, that is to low k), in the cup of a hip bone above."""
    k, j, i = np.ogrid[tuple(slice(0, size) for size in SHAPE)]
    distance = SPACING * np.sqrt((k - CENTER[0]) ** 2 + (j - CENTER[1]) ** 2 + (i - CENTER[2]) ** 2)
    labels = np.zeros(SHAPE, np.uint8)
    labels[(distance < 60)] = 80
    labels[(distance > RADIUS_MM + 3) & (distance < RADIUS_MM + 9) & (k > CENTER[0])] = 77
    labels[(np.hypot(j - CENTER[1], i - CENTER[2]) < 6) & (k > 4) & (k < CENTER[0])] = 75
    labels[distance < RADIUS_MM] = 75
    return prepare_anatomy("joint", labels, SPACING)


def test_the_femoral_head_is_found_within_a_millimetre(a_ball_joint):
    found = femoral_head(a_ball_joint.labels, SPACING, femur=75, hip=77)
    assert found is not None
    center, radius = found
    assert np.linalg.norm(center - CENTER) * SPACING < 1.0
    assert radius == pytest.approx(RADIUS_MM, abs=1.5)


def test_no_joint_is_found_where_there_is_no_hip_bone(a_ball_joint):
    without = np.where(a_ball_joint.labels == 77, 0, a_ball_joint.labels).astype(np.uint8)
    assert femoral_head(without, SPACING, femur=75, hip=77) is None


def _grid() -> torch.Tensor:
    axes = [torch.arange(size, dtype=torch.float32) for size in SHAPE]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)


def _bent(joint: AnatomyMap, degrees: float) -> np.ndarray:
    (hip,) = find_hip_joints(joint)
    points, stray = bend_hip(_grid(), joint.labels, hip, thigh_rotation(degrees, 0, 0))
    labels = warp(joint.labels, points, nearest=True).astype(np.uint8)
    labels[stray.numpy()] = 80
    return labels


@pytest.mark.parametrize("degrees", [-20, 15, 35])
def test_bending_turns_the_shaft_by_the_angle_about_the_head(a_ball_joint, degrees):
    labels = _bent(a_ball_joint, degrees)
    end = np.argwhere(labels == 75)
    shaft = (end - CENTER)[np.linalg.norm(end - CENTER, axis=1) * SPACING > RADIUS_MM + 12].mean(0)
    angle = np.rad2deg(np.arctan2(-shaft[1], -shaft[0]))  # forward is -j, down is -k
    assert angle == pytest.approx(degrees, abs=2)


@pytest.mark.parametrize("degrees", [-20, 35])
def test_bending_keeps_the_head_in_its_cup_and_the_cup_where_it_is(a_ball_joint, degrees):
    labels = _bent(a_ball_joint, degrees)
    found = femoral_head(labels, SPACING, femur=75, hip=77)
    assert found is not None
    assert np.linalg.norm(found[0] - CENTER) * SPACING < 2.0
    before, after = a_ball_joint.labels == 77, labels == 77
    assert 2 * (before & after).sum() / (before.sum() + after.sum()) > 0.97


def test_bending_neither_adds_bone_nor_loses_any(a_ball_joint):
    before, after = ((labels == 75).sum() for labels in (a_ball_joint.labels, _bent(a_ball_joint, 30)))
    assert after == pytest.approx(before, rel=0.05)
