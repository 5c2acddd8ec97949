"""Broken and missing bone: pieces move as told, nothing else is touched, what is taken away is gone."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.damage import DamageOptions, damage, fracture, move_piece, resect

SHAPE = (60, 60, 60)


@pytest.fixture
def a_block() -> tuple[np.ndarray, np.ndarray]:
    """A left hip bone (77) as a block, with its depths in mm, beside a sacrum (25)."""
    labels, depth = np.zeros(SHAPE, np.uint8), np.full(SHAPE, -10, np.float32)
    labels[10:50, 20:40, 15:35], labels[10:50, 20:40, 37:50] = 77, 25
    depth[labels > 0] = 5.0
    return labels, depth


def test_a_piece_moves_with_its_depths_and_leaves_soft_tissue(a_block):
    labels, depth = a_block
    piece = np.zeros(SHAPE, bool)
    piece[40:50, 20:40, 15:35] = True
    move_piece(labels, depth, piece=piece, shift=np.array([5, 0, 0]))
    assert (labels[45:55, 20:40, 15:35] == 77).all()
    assert (depth[45:55, 20:40, 15:35] == 5.0).all()
    assert not (labels[40:45, 20:40, 15:35] == 77).any()
    assert (depth[40:45, 20:40, 15:35] < 0).all()


def test_a_piece_stops_at_other_bone_and_at_the_edge(a_block):
    labels, depth = a_block
    sacrum = (labels == 25).copy()
    piece = labels == 77
    move_piece(labels, depth, piece=piece.copy(), shift=np.array([0, 0, 6]))
    np.testing.assert_array_equal(labels == 25, sacrum)
    move_piece(labels, depth, piece=labels == 77, shift=np.array([30, 0, 0]))
    assert (labels == 77).any()


@pytest.mark.parametrize("seed", range(6))
def test_a_fracture_keeps_most_of_the_bone_and_touches_no_other(a_block, seed):
    labels, depth = a_block
    before = labels.copy()
    fracture(labels, depth, value=77, spacing=1.5, rng=np.random.default_rng(seed))
    assert (labels == 77).sum() > 0.75 * (before == 77).sum()
    np.testing.assert_array_equal(labels == 25, before == 25)
    assert (depth[before == 77] < 5).any()


@pytest.mark.parametrize("seed", range(6))
def test_a_resection_takes_from_one_bone_alone_and_adds_none(a_block, seed):
    labels, depth = a_block
    before = labels.copy()
    resect(labels, depth, value=77, spacing=1.5, rng=np.random.default_rng(seed))
    gone = (before == 77) & (labels != 77)
    assert gone.any()
    assert (depth[gone] < 0).all()
    np.testing.assert_array_equal(labels[before != 77], before[before != 77])


def test_a_laminectomy_leaves_the_body_of_the_vertebra():
    labels, depth = np.zeros(SHAPE, np.uint8), np.full(SHAPE, -10, np.float32)
    labels[20:40, 10:30, 20:40], labels[25:35, 30:55, 25:35] = 29, 29  # body, and arch behind
    depth[labels > 0] = 2
    depth[30, 20, 30] = 12  # the middle of the body
    resect(labels, depth, value=29, spacing=1.5, rng=np.random.default_rng(0))
    assert (labels[20:40, 10:28, 20:40] == 29).all()
    assert not (labels[:, 40:] == 29).any()


def test_nothing_happens_at_a_share_of_nought(a_block):
    labels, depth = a_block
    before = labels.copy()
    options = DamageOptions(fracture=0.0, missing=0.0)
    damage(labels, depth, spacing=1.5, options=options, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(labels, before)
