"""The scanner on edges and noise: what a kernel, a tilted gantry and metal do to a picture."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis import scanner
from BoneSegLib.training.synthesis.scanner import Kernel


def _edge() -> np.ndarray:
    ct = np.zeros((12, 24, 24), np.float32)
    ct[:, :, 12:] = 1000
    return ct


def test_a_sharp_kernel_overshoots_and_a_smooth_one_does_not():
    smooth = scanner.blur(_edge(), Kernel(0.9, 0.0, 0.8, 1.0), np.random.default_rng(0))
    sharp = scanner.blur(_edge(), Kernel(0.3, 1.2, 0.0, 1.5), np.random.default_rng(0))
    assert smooth.max() <= 1000.5
    assert sharp.max() > 1050
    assert sharp[:, :, 12].mean() - sharp[:, :, 11].mean() > smooth[:, :, 12].mean() - smooth[:, :, 11].mean()


@pytest.mark.parametrize(("kernel", "expected"), [(Kernel(0.3, 0, 0.0, 1.0), 0.0), (Kernel(0.3, 0, 0.9, 1.0), 0.4)])
def test_noise_is_as_strong_as_asked_for_and_as_coarse_as_its_kernel(kernel, expected):
    still = np.zeros((10, 60, 60), np.float32)
    rng = np.random.default_rng(0)
    image = scanner.acquire(still, kernel, spacing=1.5, noise_hu=20.0, slice_mm=1.5, rng=rng)
    assert image.std() == pytest.approx(20.0, rel=0.05)
    neighbours = np.corrcoef(image[:, :, :-1].ravel(), image[:, :, 1:].ravel())[0, 1]
    assert abs(neighbours - expected) < 0.05 if expected == 0 else neighbours > expected


def test_a_tilted_gantry_leaves_wedges_of_its_angle():
    ct, targets = np.zeros((40, 60, 8), np.float32), np.ones((40, 60, 8), np.uint8)
    scanner.tilt_gantry(ct, targets, degrees=15, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(ct == -1024, targets == 0)
    lowest = np.array([np.flatnonzero(targets[:, j, 0])[0] for j in (40, 59)])
    assert np.diff(lowest)[0] == pytest.approx(19 * np.tan(np.deg2rad(15)), abs=1)


def test_an_upright_gantry_leaves_none():
    ct, targets = np.zeros((10, 12, 8), np.float32), np.ones((10, 12, 8), np.uint8)
    scanner.tilt_gantry(ct, targets, degrees=0, rng=np.random.default_rng(0))
    assert targets.all()


def test_metal_is_far_brighter_than_bone_where_it_is():
    metal = np.zeros((10, 40, 40), bool)
    metal[3:7, 18:23, 18:23] = True
    ct = scanner.add_metal(np.zeros(metal.shape, np.float32), metal, spacing=1.5, rng=np.random.default_rng(0))
    assert ct[5, 20, 20] > 2000
    assert (ct[0] == 0).all()
