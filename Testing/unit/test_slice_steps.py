"""Slices that are missing or lie unevenly are told from their positions."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.slice_steps import unevenness_of

EVEN = np.arange(0.0, 40.0, 2.0)


@pytest.mark.parametrize("positions", [EVEN, EVEN + np.tile([0.0, 0.02], 10), [0.0, 5.0], [3.0]])
def test_even_slices_are_nothing_to_tell(positions):
    assert unevenness_of(positions) is None


@pytest.mark.parametrize(
    ("positions", "message", "is_wide"),
    [
        (np.delete(EVEN, 7), "A slice is missing: their distance goes from 2.00 to 4.00 mm.", False),
        (np.delete(EVEN, [7, 12]), "2 slices are missing: their distance goes from 2.00 to 4.00 mm.", False),
        (np.delete(EVEN, [7, 8, 9]), "3 slices are missing: their distance goes from 2.00 to 8.00 mm.", True),
        (np.r_[EVEN, 38.9], "The slices are not evenly spaced: their distance goes from 0.90 to 2.00 mm.", False),
    ],
)
def test_gaps_are_counted_and_wide_ones_are_known(positions, message, is_wide):
    found = unevenness_of(positions)
    assert (found.message, found.is_wide) == (message, is_wide)
