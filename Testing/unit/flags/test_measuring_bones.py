"""What flags measure of bones: whether a ball fits into one, and whether two lie apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from BoneSegLib import Geometry, LabelMap
from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.flags.bones import bones_of
from BoneSegLib.flags.femoral_head import _holds_ball

HIP, FEMUR = (next(s for s in STRUCTURES if s.id == name) for name in ("hip_left", "femur_left"))


def _bones(labels: np.ndarray, spacing: tuple[float, float, float]):
    return bones_of(LabelMap(labels, Geometry.from_spacing(labels.shape[::-1], spacing[::-1]), (HIP, FEMUR)))


def _distance_to_surface(mask: np.ndarray, spacing: tuple[float, float, float]) -> float:
    return float(ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing).max())


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (1.6, 0.8, 0.9), (4.25, 0.98, 0.98)], ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_a_ball_fits_where_the_distance_to_the_surface_says_so(seed, spacing):
    rng = np.random.default_rng(seed)
    places = np.indices((40, 70, 70)).T * np.array(spacing)
    middle = places.reshape(-1, 3).mean(0) + rng.normal(0, 2, 3)
    lumpy = (
        18 + ndimage.gaussian_filter(rng.normal(0, 60, (40, 70, 70)), 4) > np.linalg.norm(places - middle, axis=-1).T
    )
    hip = _bones(lumpy.astype(np.uint8) * HIP.label, spacing)["hip_left"]
    strides = [max(1, int(2.0 / step)) for step in spacing]
    thinned = ndimage.binary_fill_holes(hip.mask[tuple(slice(None, None, stride) for stride in strides)])
    radius = _distance_to_surface(thinned, tuple(step * n for step, n in zip(spacing, strides, strict=True)))
    for margin in (-6.0, -1.0, -0.01):
        assert _holds_ball(hip, radius + margin)
    for margin in (0.01, 1.0, 6.0):
        assert not _holds_ball(hip, radius + margin)


def test_a_shell_counts_as_what_it_encloses():
    distance = np.linalg.norm(np.indices((50, 50, 50)).T - 24.5, axis=-1)
    shell = (distance < 20) & (distance > 17)
    assert _holds_ball(_bones(shell.astype(np.uint8) * HIP.label, (1.0, 1.0, 1.0))["hip_left"], 17.0)


@pytest.mark.parametrize(("gap_mm", "apart"), [(4.0, False), (10.0, False), (16.0, True), (60.0, True)])
def test_bones_are_apart_by_the_distance_of_their_nearest_voxels(gap_mm, apart):
    labels = np.zeros((100, 30, 30), np.uint8)
    labels[:10] = HIP.label
    labels[10 + round(gap_mm) - 1 :] = FEMUR.label
    bones = _bones(labels, (1.0, 1.0, 1.0))
    assert bones["hip_left"].is_farther_than(13.0, bones["femur_left"]) == apart
    assert bones["femur_left"].is_farther_than(13.0, bones["hip_left"]) == apart


def test_bones_beside_each_other_but_far_apart_along_the_body_are_apart():
    labels = np.zeros((60, 30, 30), np.uint8)
    labels[:10, :, :10], labels[50:, :, 12:] = HIP.label, FEMUR.label
    bones = _bones(labels, (1.0, 1.0, 1.0))
    assert bones["hip_left"].is_farther_than(13.0, bones["femur_left"])
