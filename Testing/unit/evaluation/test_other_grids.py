"""The test on another grid than the reference."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_shapes import ball_mask, labelmap, rotation

from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.grids import _fill, _fill_along_axes, inside_share, on_grid
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.volume import Geometry, LabelMap

HIP = CompareOptions(structures=("hip_left",))


def random_labels(size, matrix, seed=0):
    array = np.random.default_rng(seed).integers(0, 11, size=size[::-1]).astype(np.uint8)
    return LabelMap(array, Geometry(size, matrix))


def affine(directions, spacing, origin=(0, 0, 0)):
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(directions) @ np.diag(spacing)
    matrix[:3, 3] = origin
    return matrix


def value_at(labels, position):
    """The label at an RAS position, the slow way."""
    ijk = np.linalg.inv(labels.geometry.ijk_to_ras) @ [*position, 1]
    place = np.floor(ijk[:3] + 0.5 - 1e-6).astype(int)
    if (place < 0).any() or (place >= labels.geometry.size).any():
        return 0
    return labels.array[tuple(place[::-1])]


GRIDS = [
    pytest.param(affine(np.eye(3), (0.7, 1.3, 2.0), (-3, 2, 1)), id="spacing"),
    pytest.param(affine(np.diag([-1, 1, -1]), (1, 1, 1), (9, 0, 9)), id="flips"),
    pytest.param(affine([[0, 1, 0], [0, 0, 1], [1, 0, 0]], (1.1, 1.2, 0.9)), id="permuted"),
    pytest.param(affine([[0, 0, -1], [1, 0, 0], [0, 1, 0]], (1.1, 1.2, 0.9), (9, 0, 0)), id="permuted and flipped"),
    pytest.param(affine(rotation(25, (1, 2, 3)), (0.8, 1.1, 1.4), (-2, -1, 0)), id="oblique"),
    pytest.param(affine([[1, 0.2, 0], [0, 1, 0.1], [0, 0, 1]], (1, 1, 1)), id="sheared"),
    pytest.param(affine(np.eye(3), (1, 1, 1), (500, 0, 0)), id="elsewhere"),
]


@pytest.mark.parametrize("matrix", GRIDS)
def test_every_voxel_takes_the_nearest_label_in_space(matrix):
    labels = random_labels((9, 10, 11), matrix)
    target = Geometry((8, 7, 6), affine(np.eye(3), (1.0, 1.5, 1.5), (0.13, 0.17, 0.19)))
    moved = on_grid(labels, target)
    for k, j, i in np.ndindex(target.shape):
        position = target.ijk_to_ras @ [i, j, k, 1]
        assert moved.array[k, j, i] == value_at(labels, position[:3]), (k, j, i)


@pytest.mark.parametrize("matrix", GRIDS[:4])
def test_the_shortcut_for_parallel_axes_reads_what_the_general_way_reads(matrix):
    labels = random_labels((9, 10, 11), matrix)
    target = Geometry((12, 12, 12), affine(np.eye(3), (0.9, 0.8, 0.7)))
    to_source = np.linalg.inv(labels.geometry.ijk_to_ras) @ target.ijk_to_ras
    fast, slow = np.zeros(target.shape, np.uint8), np.zeros(target.shape, np.uint8)
    whole = tuple(slice(0, n) for n in target.shape)
    _fill_along_axes(fast, labels.array, to_source, whole)
    _fill(slow, labels.array, to_source, whole)
    np.testing.assert_array_equal(fast, slow)


def test_the_same_grid_is_used_as_it_is():
    labels = labelmap(ball_mask((9, 9, 9), (1, 1, 1), (4, 4, 4), 3))
    assert on_grid(labels, labels.geometry) is labels


def test_flipped_and_permuted_storage_changes_no_number():
    reference = labelmap(ball_mask((20, 22, 24), (1, 1, 1), (10, 11, 12), 8))
    test = labelmap(ball_mask((20, 22, 24), (1, 1, 1), (10, 12, 12), 8))
    # The same test stored with the axes k, i, j and i running the other way.
    array = test.array.transpose(0, 2, 1)[:, ::-1, :]
    matrix = np.array([[0, -1, 0, 23], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=float)
    stored = LabelMap(np.ascontiguousarray(array), Geometry((22, 24, 20), matrix))
    one = compare_labelmaps(reference, test, options=HIP)
    other = compare_labelmaps(reference, stored, options=HIP)
    assert one.score("hip_left") == other.score("hip_left")
    assert other.remarks == ("The test lies on another grid: it was read at the reference's voxel centres.",)


def test_a_test_that_covers_half_of_the_reference_is_remarked():
    mask = ball_mask((20, 20, 20), (1, 1, 1), (9.5, 9.5, 9.5), 8)
    reference = labelmap(mask)
    half = LabelMap(reference.array[:10].copy(), Geometry((20, 20, 10), np.eye(4)))
    comparison = compare_labelmaps(reference, half, options=HIP)
    assert comparison.score("hip_left").recall == pytest.approx(0.5)
    assert "50.0 % of the reference lies outside the test's image." in comparison.remarks
    assert inside_share(reference.array, reference.geometry, half.geometry) == pytest.approx(0.5)


def test_a_finer_grid_gives_nearly_the_same_ball():
    coarse = labelmap(ball_mask((30, 30, 30), (1, 1, 1), (15, 15, 15), 10))
    fine = labelmap(ball_mask((60, 60, 60), (0.5, 0.5, 0.5), (15, 15, 15), 10), (0.5, 0.5, 0.5))
    assert compare_labelmaps(coarse, fine, options=HIP).score("hip_left").dice > 0.99
