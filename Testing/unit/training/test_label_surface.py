"""Labels follow the depth that the picture is made from: what gains, what is lost, and whose it becomes."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.anatomy_map import prepare_anatomy
from BoneSegLib.training.synthesis.deformation import DeformationOptions, read_at, sampling_grid, sampling_points
from BoneSegLib.training.synthesis.label_surface import fit_labels
from BoneSegLib.training.synthesis.tissue import MUSCLE, target_table

L4, L3, SPLEEN = 28, 29, 1


def _row(*values):
    return np.array(values, np.uint8)[None, None]


def _depths(*values):
    return np.array(values, np.float32)[None, None]


def test_bone_above_the_surface_becomes_unlabelled_tissue():
    labels = _row(MUSCLE, L4, L4, L4)
    fit_labels(labels, _depths(-1, -0.1, 0.6, 1.4), reach=1)
    np.testing.assert_array_equal(labels, _row(MUSCLE, 0, L4, L4))


def test_tissue_below_the_surface_becomes_the_bone_beside_it():
    labels = _row(SPLEEN, SPLEEN, L4, L4, 0, 0, L3, L3)
    fit_labels(labels, _depths(-0.4, 0.3, 1, 1, 0.2, 0.2, 1, 1), reach=1)
    np.testing.assert_array_equal(labels, _row(SPLEEN, L4, L4, L4, L4, L3, L3, L3))


@pytest.mark.parametrize(("reach", "gained"), [(1, 1), (2, 2), (3, 3)])
def test_bone_gains_no_farther_than_it_reaches(reach, gained):
    labels = _row(L4, 0, 0, 0, 0)
    fit_labels(labels, _depths(1, 1, 1, 1, 1), reach=reach)
    assert (labels == L4).sum() == 1 + gained


def test_labels_that_agree_with_their_depths_stay():
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[3:9, 3:9, 3:6], labels[3:9, 3:9, 6:9], labels[0] = L4, L3, MUSCLE
    before = labels.copy()
    fit_labels(labels, prepare_anatomy("box", before, 1.5).depth.astype(np.float32), reach=1)
    np.testing.assert_array_equal(labels, before)


def test_on_a_finer_grid_most_steps_of_a_ball_are_gone():
    k, j, i = np.ogrid[:24, :24, :24]
    ball = np.where((k - 11.3) ** 2 + (j - 11.6) ** 2 + (i - 11.5) ** 2 < 64, np.uint8(L4), np.uint8(0))
    anatomy = prepare_anatomy("ball", ball, 1.5)
    still = DeformationOptions(rotation=(0, 0, 0), log_size=0, log_axis_size=0, bend_mm=0, elastic=())
    points = sampling_points((80, 80, 80), center=np.full(3, 11.5), spacing=1.5, options=still,
                             rng=np.random.default_rng(0), step=0.3)  # fmt: skip
    grid = sampling_grid(points, ball.shape)
    labels = read_at(ball, grid, nearest=True).astype(np.uint8)
    fitted = labels.copy()
    fit_labels(fitted, read_at(anatomy.depth, grid, outside=-30.0), reach=4)
    truth = np.linalg.norm(points.numpy() - [11.3, 11.6, 11.5], axis=-1) < 8
    assert (target_table()[fitted] > 0).sum() == pytest.approx(truth.sum(), rel=0.03)
    assert ((fitted > 0) != truth).sum() < 0.7 * ((labels > 0) != truth).sum()
