"""Vertebrae and discs of other heights: what is measured on a column of blocks, and what becomes of it."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.spine import SpineOptions, body_ends, random_heights, source_levels

OPTIONS = SpineOptions()


def test_bodies_are_measured_from_their_lower_to_their_upper_face(a_block_person):
    ends = body_ends(a_block_person)
    lumbar = np.array([[35.5, 39.5], [41.5, 45.5], [47.5, 51.5], [53.5, 57.5], [59.5, 63.5]])
    np.testing.assert_allclose(ends[:10].reshape(5, 2), lumbar)


@pytest.mark.parametrize("seed", range(5))
def test_heights_change_but_their_order_and_the_bottom_stay(a_block_person, seed):
    ends = body_ends(a_block_person)
    moved, same = random_heights(ends, OPTIONS, np.random.default_rng(seed))
    np.testing.assert_array_equal(same, ends)
    assert moved[0] == ends[0]
    assert (np.diff(moved) > 0).all()
    assert np.abs(np.diff(moved) / np.diff(ends) - 1).max() > 0.05


def test_a_disc_of_half_the_height_is_half_as_high():
    ends = np.array([10.0, 20.0, 24.0, 34.0])
    moved = np.array([10.0, 20.0, 22.0, 32.0])
    levels = np.array([5.0, 15.0, 20.0, 21.0, 22.0, 27.0, 40.0], np.float32)
    np.testing.assert_allclose(source_levels(levels, moved, ends), [5.0, 15.0, 20.0, 22.0, 24.0, 29.0, 42.0])


def test_a_map_without_vertebrae_keeps_its_levels():
    none = np.zeros(0)
    moved, ends = random_heights(none, OPTIONS, np.random.default_rng(0))
    levels = np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(source_levels(levels, moved, ends), levels)
