"""Lesions are where they were put, as large and as dense as they were made."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.lesions import LesionOptions, add_lesions, replace_ball


@pytest.mark.parametrize(("hu", "radius"), [(40.0, 6.0), (900.0, 10.0)])
def test_a_ball_has_its_hu_inside_and_leaves_the_outside(hu, radius):
    solid = np.full((40, 40, 40), 200, np.float32)
    center = np.array([20, 18, 22])
    replace_ball(solid, center, hu=hu, radius_mm=radius, spacing=1.5, rng=np.random.default_rng(0))
    distance = 1.5 * np.linalg.norm(np.moveaxis(np.indices(solid.shape), 0, -1) - center, axis=-1)
    np.testing.assert_allclose(solid[distance < 0.3 * radius], hu, atol=1)
    np.testing.assert_array_equal(solid[distance > 2.2 * radius], 200)


def test_a_lesion_at_the_edge_of_the_image_is_cut_there():
    solid = np.full((20, 20, 20), 200, np.float32)
    replace_ball(solid, np.array([0, 0, 19]), hu=800, radius_mm=9, spacing=1.5, rng=np.random.default_rng(0))
    assert solid[0, 0, 19] == pytest.approx(800)
    assert solid[19, 19, 0] == 200


def test_diseased_bone_differs_and_healthy_bone_does_not():
    depth = np.full((30, 30, 30), 10, np.float32)
    for share, differs in ((1.0, True), (0.0, False)):
        solid = np.full(depth.shape, 150, np.float32)
        options = LesionOptions(lesions=share, coarse_trabeculae=share)
        add_lesions(solid, depth, spacing=1.5, options=options, rng=np.random.default_rng(2))
        assert bool((solid != 150).any()) is differs
