"""Edges of a coarse segmentation, moved to where the CT has them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from BoneSegLib.errors import Cancelled
from BoneSegLib.inference.bones import knows_bones_alone
from BoneSegLib.models.dataset import Dataset
from BoneSegLib.refinement import RefineOptions, _band, refine_edges

SHAPE = (30, 40, 40)
MM = (1.0, 1.0, 1.0)


def ball(centre, radius):
    axes = np.ogrid[tuple(slice(0, n) for n in SHAPE)]
    return sum((x - c) ** 2 for x, c in zip(axes, centre, strict=True)) <= radius**2


def labels_of(*masks):
    array = np.zeros(SHAPE, dtype=np.uint8)
    for label, mask in enumerate(masks, start=1):
        array[mask] = label
    return array


def refined(ct, labels, **options):
    moved = labels.copy()
    refine_edges(ct, moved, MM, options=RefineOptions(**options))
    return moved


@pytest.fixture
def bones():
    return ball((15, 20, 12), 9), ball((15, 20, 30), 8)


@pytest.fixture
def ct(bones):
    noise = np.random.default_rng(0).normal(0, 25, SHAPE)
    return np.where(bones[0] | bones[1], 350.0, 40.0) + noise


@pytest.mark.parametrize("error", [-1.5, 1.5])
def test_an_edge_too_far_in_or_out_moves_to_where_the_image_has_it(ct, bones, error):
    coarse = labels_of(ball((15, 20, 12), 9 + error))
    wrong_before = (coarse != bones[0]).sum()
    assert ((refined(ct, coarse) == 1) != bones[0]).sum() < 0.2 * wrong_before


@pytest.mark.parametrize("error", [-0.5, 0.0, 0.5])
def test_bone_with_a_bright_shell_ends_where_the_shell_does(error):
    bone = ball((15, 20, 20), 10)
    ct = np.where(bone, np.where(ball((15, 20, 20), 8.5), 150.0, 700.0), 40.0)
    ct = ndimage.gaussian_filter(ct, 1.0)  # as a scanner shows it
    coarse = labels_of(ball((15, 20, 20), 10 + error))
    wrong = {brighter: ((refined(ct, coarse, brighter=brighter) == 1) != bone).sum() for brighter in (0.0, 0.2)}
    assert wrong[0.2] < 0.95 * wrong[0.0]


def test_a_right_edge_stays(ct, bones):
    assert (refined(ct, labels_of(*bones)) != labels_of(*bones)).mean() < 0.001


def test_nothing_changes_beyond_the_band(ct):
    coarse = labels_of(ball((15, 20, 12), 5))
    assert not (refined(ct, coarse, band_mm=1.0).astype(bool) & ~ball((15, 20, 12), 6.6)).any()


def test_the_bright_edge_between_two_bones_stays_and_none_takes_from_the_other():
    left, right = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    left[10:20, 10:30, 10:20], right[10:20, 10:30, 20:30] = True, True
    coarse = labels_of(left, right)
    np.testing.assert_array_equal(refined(np.where(left | right, 350.0, 40.0), coarse), coarse)


def test_a_dark_joint_between_two_bones_that_touch_opens():
    left, right = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    left[8:22, 8:32, 8:20], right[8:22, 8:32, 20:32] = True, True
    joint = np.zeros(SHAPE, bool)
    joint[8:22, 8:32, 19:21] = True
    moved = refined(np.where((left | right) & ~joint, 350.0, 40.0), labels_of(left, right), band_mm=2.0)
    assert not moved[11:19, 11:29, 19:21].any()
    assert (moved[11:19, 11:29, 12:18] == 1).all() and (moved[11:19, 11:29, 22:28] == 2).all()


def test_what_is_gained_goes_to_the_nearest_bone(ct, bones):
    coarse = labels_of(ball((15, 20, 12), 7.5), ball((15, 20, 30), 6.5))
    moved = refined(ct, coarse, band_mm=2.0)
    apart = bones[0] & ~bones[1], bones[1] & ~bones[0]
    assert not (moved[apart[0]] == 2).any() and not (moved[apart[1]] == 1).any()
    assert (moved[bones[0] | bones[1]] > 0).mean() > 0.97


def test_nothing_stays_nothing(ct):
    assert not refined(ct, labels_of()).any()


def test_refining_can_be_cancelled(ct, bones):
    with pytest.raises(Cancelled):
        refine_edges(ct, labels_of(*bones), MM, is_cancelled=lambda: True)


@pytest.mark.parametrize("turned", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_views_of_any_order_of_axes_are_refined_in_place(ct, turned):
    coarse = labels_of(ball((15, 20, 12), 7.5))
    expected = refined(ct, coarse)
    refine_edges(ct.transpose(turned), coarse.transpose(turned), MM)
    assert (coarse != expected).mean() < 2e-4  # means are of other voxels


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.8, 0.9), (4.25, 1.0, 1.0)], ids=str)
@pytest.mark.parametrize("band_mm", [1.0, 3.0])
def test_depths_are_distances_to_the_nearest_voxel_of_another_label(spacing, band_mm):
    labels = labels_of(ball((15, 20, 12), 9), ball((15, 20, 26), 6))
    places, depth = _band(labels, (slice(0, 30), slice(None), slice(None)), spacing, band_mm)
    exact = -ndimage.distance_transform_edt(labels == 0, sampling=spacing)
    for label in (1, 2):
        exact[labels == label] = ndimage.distance_transform_edt(labels == label, sampling=spacing)[labels == label]
    half = min(spacing) / 2
    exact = np.where(exact > 0, exact - half, exact + half)
    assert len(places) == (np.abs(exact) <= band_mm + 1e-3).sum()
    np.testing.assert_allclose(depth, exact[tuple(places.T)], atol=0.02)


def test_a_ct_larger_than_a_slab_is_refined_as_its_parts_would_be():
    long = np.zeros((150, 30, 30), bool)
    long[10:140, 8:22, 8:22] = True
    coarse = ndimage.binary_erosion(long).astype(np.uint8)
    refine_edges(np.where(long, 350.0, 40.0), coarse, MM)
    np.testing.assert_array_equal(coarse[12:138] > 0, long[12:138])


@pytest.mark.parametrize(
    ("channel", "labels", "expected"),
    [
        ("CT", ["hip_left", "vertebra_L1", "other_bone"], True),
        ("CT", ["hip_left", "liver"], False),
        ("MR", ["hip_left", "vertebra_L1"], False),
    ],
)
def test_edges_are_moved_for_bones_in_ct_alone(channel, labels, expected):
    dataset = Dataset((channel,), {name: value for value, name in enumerate(labels, start=1)})
    assert knows_bones_alone(dataset) == expected
