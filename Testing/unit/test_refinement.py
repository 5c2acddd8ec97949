"""Edges of a coarse segmentation, moved to where the image has them."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.errors import Cancelled, InputError
from BoneSegLib.refinement import RefineOptions, refine_edges
from BoneSegLib.volume import Geometry, LabelMap, Volume

SHAPE = (30, 40, 40)
GEOMETRY = Geometry.from_spacing(SHAPE[::-1], (1.0, 1.0, 1.0))


def ball(centre, radius):
    axes = np.ogrid[tuple(slice(0, n) for n in SHAPE)]
    return sum((x - c) ** 2 for x, c in zip(axes, centre, strict=True)) <= radius**2


def labels_of(*masks):
    array = np.zeros(SHAPE, dtype=np.uint8)
    for label, mask in enumerate(masks, start=1):
        array[mask] = label
    return LabelMap(array, GEOMETRY)


@pytest.fixture
def bones():
    return ball((15, 20, 12), 9), ball((15, 20, 30), 8)


@pytest.fixture
def ct(bones):
    noise = np.random.default_rng(0).normal(0, 25, SHAPE)
    return Volume(np.where(bones[0] | bones[1], 350.0, 40.0) + noise, GEOMETRY)


@pytest.mark.parametrize("error", [-1.5, 1.5])
def test_an_edge_too_far_in_or_out_moves_to_where_the_image_has_it(ct, bones, error):
    coarse = labels_of(ball((15, 20, 12), 9 + error))
    wrong_before = (coarse.array != bones[0]).sum()
    refined = refine_edges(ct, coarse)
    wrong_after = ((refined.array == 1) != bones[0]).sum()
    assert wrong_after < 0.2 * wrong_before
    assert refined.info["refined_band_mm"] == 1.6


def test_a_right_edge_stays(ct, bones):
    refined = refine_edges(ct, labels_of(*bones))
    assert (refined.array != labels_of(*bones).array).mean() < 0.001


def test_nothing_changes_beyond_the_band(ct):
    coarse = labels_of(ball((15, 20, 12), 5))
    refined = refine_edges(ct, coarse, options=RefineOptions(band_mm=1.0))
    assert not (refined.array.astype(bool) & ~ball((15, 20, 12), 6.6)).any()


def test_the_edge_between_two_bones_stays_and_none_takes_from_the_other(ct):
    left, right = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    left[10:20, 10:30, 10:20], right[10:20, 10:30, 20:30] = True, True
    volume = Volume(np.where(left | right, 350.0, 40.0), GEOMETRY)
    refined = refine_edges(volume, labels_of(left, right))
    np.testing.assert_array_equal(refined.array, labels_of(left, right).array)


def test_the_coarse_labels_are_not_touched(ct):
    coarse = labels_of(ball((15, 20, 12), 7.5))
    before = coarse.array.copy()
    refine_edges(ct, coarse)
    np.testing.assert_array_equal(coarse.array, before)


def test_nothing_stays_nothing(ct):
    assert not refine_edges(ct, labels_of()).array.any()


def test_labels_of_another_grid_are_refused(ct, bones):
    other = Geometry.from_spacing(SHAPE[::-1], (2.0, 1.0, 1.0))
    with pytest.raises(InputError):
        refine_edges(ct, LabelMap(labels_of(*bones).array, other))


def test_refining_can_be_cancelled(ct, bones):
    with pytest.raises(Cancelled):
        refine_edges(ct, labels_of(*bones), is_cancelled=lambda: True)
