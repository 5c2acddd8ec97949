"""Bowel and bladder: contents stay inside a wall, contrast settles at the back."""

from __future__ import annotations

import numpy as np

from BoneSegLib.training.synthesis.hollow_organs import eroded, fill_bladder, fill_bowel
from BoneSegLib.training.synthesis.tissue import BLADDER

COLON = 20


def _organ(value: int) -> np.ndarray:
    labels = np.zeros((30, 40, 30), np.uint8)
    labels[5:25, 5:35, 5:25] = value
    return labels


def test_erosion_takes_one_layer_off():
    mask = _organ(1) > 0
    assert eroded(mask).sum() == 18 * 28 * 18


def test_the_wall_of_the_bowel_is_soft_tissue_and_nothing_leaks():
    labels = _organ(COLON)
    ct = np.full(labels.shape, -100, np.float32)
    fill_bowel(ct, labels, np.random.default_rng(0))
    wall = (labels == COLON) & ~eroded(labels == COLON)
    assert len(np.unique(ct[wall])) == 1
    assert 20 <= ct[wall][0] <= 60
    np.testing.assert_array_equal(ct[labels == 0], -100)


def test_contrast_in_the_bladder_lies_at_the_back_or_everywhere():
    labels = _organ(BLADDER)
    filled = 0
    for seed in range(40):
        ct = np.zeros(labels.shape, np.float32)
        fill_bladder(ct, labels, np.random.default_rng(seed))
        rows = np.flatnonzero((ct > 0).any((0, 2)))
        if rows.size:
            filled += 1
            assert rows[-1] == 34
            np.testing.assert_array_equal(rows, np.arange(rows[0], 35))
    assert 3 <= filled <= 20
