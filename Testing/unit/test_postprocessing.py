"""Islands go, broken bones stay, holes are filled."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from BoneSegLib.commands.segment import add_options, options_from
from BoneSegLib.postprocessing import BoneLimits, clean_labels


def test_a_small_island_is_dropped_and_a_large_fragment_stays():
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[5:15, 5:15, 5:15] = 3
    labels[20:28, 20:28, 20:28] = 3
    labels[35, 35, 35] = 3
    clean_labels(labels, [3])
    assert labels[25, 25, 25] == 3
    assert labels[35, 35, 35] == 0
    assert (labels == 3).sum() == 10**3 + 8**3


@pytest.mark.parametrize(("smallest_mm3", "left"), [(0, 27), (54, 27), (55, 0), (128, 0)])
def test_a_bone_smaller_than_what_its_network_sees_is_dropped_whole(smallest_mm3, left):
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[:3, :3, :3], labels[10:14, 10:14, 10:14] = 4, 3
    clean_labels(labels, [3, 4], bones=BoneLimits(spacing=(2.0, 1.0, 1.0), smallest_mm3=smallest_mm3))
    assert (labels == 4).sum() == left
    assert (labels == 3).sum() == 4**3


@pytest.mark.parametrize(("least_mm3", "left"), [(69, 35), (70, 35), (71, 0)])
def test_a_bone_has_to_be_large_enough_with_its_fragments(least_mm3, left):
    """27 and 8 voxels of 2 mm3, each larger than what is no piece at all."""
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[:3, :3, :3], labels[5:7, :2, :2] = 4, 4
    clean_labels(labels, [4], bones=BoneLimits(spacing=(2.0, 1.0, 1.0), smallest_mm3=16, least_mm3=least_mm3))
    assert (labels == 4).sum() == left


@pytest.mark.parametrize(
    ("gap", "axis", "stays"),
    [(20, 0, True), (30, 0, False), (20, 1, True), (60, 1, False), (40, 2, True), (60, 2, False)],
)
def test_a_fragment_stays_near_its_bone_and_is_dropped_far_from_it(gap, axis, stays):
    """Voxels of 2 x 1 x 1 mm and 50 mm to go: 25 voxels along the first axis, 50 along the others."""
    labels = np.zeros((90, 90, 90), np.uint8)
    labels[:12, :12, :12] = 3
    place = [slice(0, 8)] * 3
    place[axis] = slice(12 + gap, 20 + gap)
    labels[tuple(place)] = 3
    anything = labels.copy()
    clean_labels(labels, [3], bones=BoneLimits(spacing=(2.0, 1.0, 1.0), smallest_mm3=0))
    assert (labels == 3).sum() == 12**3 + (8**3 if stays else 0)
    clean_labels(anything, [3])
    assert (anything == 3).sum() == 12**3 + 8**3, "other labels than bones may have parts anywhere"


def test_an_enclosed_hole_is_filled_and_a_neighbour_inside_it_is_kept():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[2:18, 2:18, 2:18] = 1
    labels[8:12, 8:12, 8:12] = 0
    labels[9, 9, 9] = 2
    clean_labels(labels, [1, 2])
    assert labels[10, 10, 10] == 1
    assert labels[9, 9, 9] == 2


def test_labels_that_are_absent_or_not_named_are_left_alone():
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[0, 0, 0] = labels[5:8, 5:8, 5:8] = 4
    before = labels.copy()
    clean_labels(labels, [1, 2, 10])
    assert np.array_equal(labels, before)


def test_holes_are_what_scipy_calls_holes():
    from scipy import ndimage

    rng = np.random.default_rng(0)
    mask = ndimage.gaussian_filter(rng.standard_normal((30, 40, 50)), 1.5) > -0.05
    filled = ndimage.binary_fill_holes(mask)
    assert np.count_nonzero(filled) > np.count_nonzero(mask) + 20, "the mask should have holes"
    labels = mask.astype(np.uint8)
    clean_labels(labels, [1], islands=False)
    assert np.array_equal(labels > 0, filled)


def test_more_pieces_than_two_bytes_can_count_are_told_apart():
    labels = np.zeros((82, 82, 84), np.uint8)
    labels[::2, ::2, ::2] = 1  # 70602 single voxels
    labels[:5, :5, :5] = 1
    clean_labels(labels, [1])
    assert (labels == 1).sum() == 5**3
    assert labels[:5, :5, :5].all()


@pytest.mark.parametrize(
    ("words", "islands", "holes"),
    [
        ([], True, True),
        (["--keep-islands"], False, True),
        (["--keep-holes"], True, False),
        (["--no-postprocessing"], False, False),
    ],
)
def test_each_step_has_a_switch_and_both_have_one(words, islands, holes):
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = options_from(parser.parse_args(words))
    assert (options.drop_islands, options.fill_holes) == (islands, holes)


@pytest.mark.parametrize(("islands", "holes"), [(True, False), (False, True)])
def test_one_step_leaves_what_the_other_would_change(islands, holes):
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[2:18, 2:18, 2:18] = 1
    labels[8:12, 8:12, 8:12] = 0
    labels[25, 25, 25] = 1
    clean_labels(labels, [1], islands=islands, holes=holes)
    assert (labels[25, 25, 25] == 0) == islands
    assert (labels[9, 9, 9] == 1) == holes
