"""Projection and its inverse on discs, and what a pair of metal rods, or of hips, does to its slices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.training.synthesis.streaks import back_project, bone_bands, metal_streaks, project

SIDE, STEP = 96, 3.0


def _disc(center: tuple[float, float], radius: float) -> np.ndarray:
    j, i = np.ogrid[:SIDE, :SIDE]
    return np.hypot(j - center[0], i - center[1]) < radius


def test_a_ray_through_the_middle_of_a_disc_is_as_long_as_its_diameter():
    disc = torch.from_numpy(_disc((47.5, 47.5), 15).astype(np.float32))[None, None]
    way = project(disc, STEP)
    np.testing.assert_allclose(way[:, 0, SIDE // 2].numpy(), 2 * 15 * STEP, rtol=0.05)


@pytest.mark.parametrize("center", [(47.5, 47.5), (30.0, 60.0)])
def test_back_projection_undoes_projection(center):
    disc = _disc(center, 12)
    image = back_project(project(torch.from_numpy(disc.astype(np.float32))[None, None], STEP), STEP)[0, 0].numpy()
    core, outside = _disc(center, 9), _disc((47.5, 47.5), 44) & ~_disc(center, 16)
    assert image[core].mean() == pytest.approx(1.0, abs=0.06)
    assert abs(image[outside].mean()) < 0.03


def test_the_way_between_two_rods_is_darkened_most():
    metal = np.zeros((3, SIDE, SIDE), bool)
    metal[1] = _disc((48, 28), 4) | _disc((48, 68), 4)
    levels, streaks = metal_streaks(metal, spacing=1.5, strength=1.0, rng=np.random.default_rng(0))
    assert (levels.start, levels.stop) == (1, 2)
    between, aside = streaks[0, 45:51, 40:57].mean(), streaks[0, 70:90, 40:57].mean()
    assert between < -50
    assert between < aside - 50


def _two_heads(excess: float) -> np.ndarray:
    """Two femoral heads, 45 mm wide and 180 mm apart, in soft tissue."""
    ct = np.full((8, 160, 240), 40, np.float32)
    j, i = np.ogrid[:160, :240]
    for center in (60, 180):
        ct[:, np.hypot(j - 80, i - center) < 15] = 100 + excess
    return ct


def test_the_way_between_two_hips_is_darkened_and_the_muscles_aside_are_not():
    bands = bone_bands(_two_heads(250), spacing=1.5, strength=1.0)
    assert bands.shape == (8, 160, 240)
    between, aside = bands[4, 76:84, 100:140].mean(), bands[4, 120:150, 100:140].mean()
    assert -40 < between < -8
    assert abs(aside) < 3


def test_bands_grow_with_the_square_of_what_is_dense():
    once, twice = (bone_bands(_two_heads(excess), spacing=1.5, strength=0.2) for excess in (250, 500))
    np.testing.assert_allclose(twice[4, 76:84, 100:140].mean(), 4 * once[4, 76:84, 100:140].mean(), rtol=1e-3)


def test_nothing_dense_means_no_bands():
    assert not bone_bands(_two_heads(-30), spacing=1.5, strength=1.0).any()


def test_without_metal_there_are_no_streaks():
    levels, streaks = metal_streaks(np.zeros((4, 8, 8), bool), spacing=1.5, strength=1.0, rng=np.random.default_rng(0))
    assert levels.stop == 0
    assert streaks.size == 0
